"""Mailbox nodes that share one PostgreSQL database."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import limits, tags
from p2pchat.core.mailbox.sealing import MailboxSecret, Parcel, parcel_id
from p2pchat.errors import NetworkError, ProtocolError, StoreError
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network
from p2pchat.node.mailbox.client import MailboxClient, at_mailbox, locate
from p2pchat.store.holding import boxes, parcels
from p2pchat.store.holding.parcels import Place
from p2pchat.store.holding.postgres import PostgresHolding
from p2pchat.store.transaction import Transaction
from tests.mailbox import postgres as server

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(
        server.program("postgres") is None or server.user() is None,
        reason="needs PostgreSQL (apt install postgresql) and, for root, its user",
    ),
]

BOX, NODE = b"b" * 32, b"n" * 32


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="pg") as folder, server.running(Path(folder) / "pg") as found:
        yield found


@pytest.fixture
def empty(url: str) -> str:
    """The URL of the database, with nothing in its tables."""
    with PostgresHolding(url) as holding:
        for table in ("parcel", "tag", "admitted", "box"):
            holding.transact_each([lambda tx, one=table: tx.execute(f"DELETE FROM {one}")])
    return url


def put(number: int, box: bytes = BOX) -> Callable[[Transaction], bool]:
    def change(tx: Transaction) -> bool:
        boxes.make(tx, box, 0)
        return parcels.put(
            tx, Place(box, False, limits.Load(0, 0)), number.to_bytes(32, "big"), b"sealed %d" % number, 9
        )

    return change


def test_boxes_and_parcels_are_what_they_are_in_sqlite(empty: str) -> None:
    with PostgresHolding(empty) as holding:
        holding.transact_each([lambda tx: boxes.visit(tx, BOX, 5)])
        holding.transact_each([lambda tx: boxes.admit(tx, BOX, NODE, 7, (b"t" * 32, b"u" * 32))])
        holding.transact_each([lambda tx: boxes.set_fingerprint(tx, BOX, NODE, b"f" * 32)])
        assert holding.read(lambda tx: boxes.fingerprint(tx, BOX, NODE)) == b"f" * 32
        assert holding.read(lambda tx: parcels.place(tx, b"t" * 32, (6, 8))) == Place(
            BOX, False, limits.Load(0, 0)
        )
        assert holding.read(lambda tx: parcels.place(tx, b"t" * 32, (8, 9))) is None
        outcomes = holding.transact_each([put(1), put(2), put(1)])
        assert [one.result for one in outcomes] == [True, True, False]
        assert holding.read(lambda tx: parcels.oldest(tx, BOX, size=99)) == (
            [b"sealed 1", b"sealed 2"],
            False,
        )
        assert holding.transact_each([lambda tx: parcels.forget(tx, BOX, ((1).to_bytes(32, "big"),))])[
            0
        ].result == len(b"sealed 1")
        assert holding.read(boxes.sums) == boxes.Sums(1, 1, len(b"sealed 2") + 2 * boxes.TAG_BYTES)
        assert holding.transact_each([lambda tx: parcels.expire(tx, 10, limit=5)])[0].result == 1
        assert holding.read(lambda tx: boxes.abandoned(tx, 6, limit=5)) == [BOX]
        holding.transact_each([lambda tx: boxes.remove(tx, BOX)])
        assert holding.read(boxes.sums) == boxes.Sums(0, 0, 0)


def test_a_change_that_fails_is_undone_alone(empty: str) -> None:
    def fail(tx: Transaction) -> None:
        put(2)(tx)
        raise ValueError("no")

    with PostgresHolding(empty) as holding:
        outcomes = holding.transact_each([put(1), fail, put(3)])
        assert isinstance(outcomes[1], ValueError)
        assert holding.read(lambda tx: parcels.oldest(tx, BOX, size=99))[0] == [b"sealed 1", b"sealed 3"]


async def test_nodes_that_write_to_the_same_boxes_do_not_wait_for_each_other_in_vain(empty: str) -> None:
    with PostgresHolding(empty) as one, PostgresHolding(empty) as other:

        async def write(holding: PostgresHolding, first: int, order: tuple[bytes, bytes]) -> None:
            for number in range(first, first + 40):
                changes = [put(2 * number + i, box) for i, box in enumerate(order)]
                await trio.to_thread.run_sync(holding.transact_each, changes)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write, one, 0, (b"x" * 32, b"y" * 32))
            nursery.start_soon(write, other, 100, (b"y" * 32, b"x" * 32))
        assert one.read(boxes.sums).parcels == 160


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="database failed"):
        PostgresHolding(f"postgresql://test@/postgres?host={tmp_path}")


# --- three nodes ----------------------------------------------------------------------------------


class Node:
    """A bootstrap node at an address of its own."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        home.mkdir()
        (home / "bootstrap.toml").write_text(
            f'name = "test"\nlisten = ["/ip4/127.0.0.1/tcp/{port}"]\nmailbox_database = "{url}"\n'
            "[limits]\nmailbox_deposits_per_second = 100000\n"
        )
        self.begin()

    def begin(self) -> None:
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "p2pchat_bootstrap", "run", "--home", str(self.home), "--json"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def wait(self) -> str:
        assert self.process.stdout is not None
        self.address: str = json.loads(self.process.stdout.readline())["addresses"][0]
        return self.address

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()


@pytest.fixture
async def nodes(empty: str, tmp_path: Path) -> AsyncIterator[list[Node]]:
    started = [Node(tmp_path / f"node{number}", empty) for number in range(3)]
    for node in started:
        await trio.to_thread.run_sync(node.wait)
    yield started
    for node in started:
        node.process.kill()
        node.process.communicate()


class Load:
    """Somebody who leaves parcels, at whichever node answers, and remembers what was confirmed."""

    def __init__(self, network: Libp2pNetwork, nodes: list[Node]) -> None:
        self.network, self.nodes = network, nodes
        self.box = SigningKey(os.urandom(32))
        self.secret, self.contact = MailboxSecret(os.urandom(32)), MailboxSecret(os.urandom(32))
        self.device = DeviceId(os.urandom(32))
        self.held: list[bytes] = []
        self.failures = 0

    def pass_at(self, address: str, day: int) -> bytes:
        pair = tags.pair_secret(self.contact, self.secret.public)
        return tags.deposit_pass(pair, self.device, locate(address)[0], day)

    async def visit(self, client: MailboxClient, address: str, today: int) -> None:
        await client.visit(self.box, today)
        tag = tags.tag_of(self.pass_at(address, today))
        await client.admit([f.Admit(today, (tag,))])

    async def leave(self, day: int, hour: int, stop: trio.Event) -> None:
        number = 0
        while not stop.is_set():
            node = self.nodes[number % len(self.nodes)]
            number += 1
            try:
                async with at_mailbox(self.network, node.address) as client:
                    for _ in range(20):
                        batch = [
                            Parcel(b"c", os.urandom(200), True).seal(self.secret.public) for _ in range(4)
                        ]
                        shown = self.pass_at(node.address, day)
                        answers = await client.deposit([f.Deposit(shown, hour, one) for one in batch])
                        kept = (
                            one
                            for one, answer in zip(batch, answers, strict=True)
                            if isinstance(answer, f.Held)
                        )
                        self.held.extend(map(parcel_id, kept))
            except (NetworkError, ProtocolError):
                self.failures += 1
                await trio.sleep(0.05)
            except ExceptionGroup:
                self.failures += 1


@pytest.mark.slow
async def test_a_rolling_restart_under_load_loses_nothing_that_was_confirmed(nodes: list[Node]) -> None:
    now_ms = int(time.time() * 1000)
    day, hour = tags.day_of(now_ms), now_ms // tags.HOUR_MS + 24
    config = NetworkConfig(
        key=SigningKey(os.urandom(32)),
        name="test",
        listen=("/ip4/127.0.0.1/tcp/0",),
        reach=Reach(table=False, relays=False),
    )
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(open_network(config))
        load = Load(network, nodes)
        with trio.fail_after(90):
            for node in nodes:
                async with at_mailbox(network, node.address) as client:
                    await load.visit(client, node.address, day)
            stop = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(load.leave, day, hour, stop)
                for node in nodes:
                    await trio.sleep(0.3)
                    await trio.to_thread.run_sync(node.stop)
                    node.begin()
                    await trio.to_thread.run_sync(node.wait)
                stop.set()
            found: set[Any] = set()
            async with at_mailbox(network, nodes[0].address) as client:
                await client.visit(load.box, day)
                more = True
                while more:
                    got, more = await client.fetch(wait=False)
                    found.update(map(parcel_id, got))
                    await client.taken(got)
        assert load.failures > 0, "the load did not notice the restarts"
        assert len(load.held) > 100
        assert set(load.held) <= found
