"""Two people who are never online at the same time, and the node that keeps what they write meanwhile."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from p2pchat.config import Home
from p2pchat.core.keys import SigningKey
from p2pchat.core.mailbox import frames, tags
from p2pchat.core.mailbox.sealing import Parcel, parcel_id
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.libp2p_network import open_network
from p2pchat.node.features.app import App
from p2pchat.node.mailbox.client import at_mailbox
from p2pchat.node.profile import wall_clock_ms
from p2pchat.store.database import Database
from p2pchat.store.keystore import unlock

pytestmark = pytest.mark.end_to_end


class MailboxNode:
    """A bootstrap node of its own, which can be killed and started again at the same address."""

    def __init__(self, home: Path, settings: str = "") -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        home.mkdir()
        text = f'name = "friends"\nlisten = ["/ip4/127.0.0.1/tcp/{port}"]\n[limits]\n{settings}'
        (home / "bootstrap.toml").write_text(text)
        self.process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "p2pchat_bootstrap", "run", "--home", str(self.home), "--json"]
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        self.address: str = json.loads(self.process.stdout.readline())["addresses"][0]

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()
            self.process = None


@pytest.fixture(scope="module")
def couple(
    new_person: Any, befriend: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, Any, MailboxNode]]:
    """Anna and Benno, contacts of each other, and the node at which both have a mailbox."""
    node = MailboxNode(tmp_path_factory.mktemp("mailbox") / "node", "mailbox_kilobytes_strangers = 4")
    ann, ben = new_person("anna"), new_person("benno")
    befriend(ann, ben)
    for person in (ann, ben):
        person.json("mailbox", "use", node.address)
    for person, other in ((ann, ben), (ben, ann)):
        person.until("the mailbox is ready", lambda one=person: usage(one)["state"] == "ready")
        person.until(
            "the other's card names it",
            lambda one=person, who=other: one.contact(who.name)["mailboxes"] == 1,
        )
    yield ann, ben, node
    node.kill()


@pytest.fixture
def together(couple: tuple[Any, Any, MailboxNode]) -> tuple[Any, Any, MailboxNode]:
    """The three of them up, whatever the test before did to them."""
    ann, ben, node = couple
    if node.process is None:
        node.start()
    for person in (ann, ben):
        person.launch()
    for person in (ann, ben):
        person.start()
    return couple


def usage(person: Any) -> dict[str, Any]:
    """What the person's only mailbox says."""
    (mailbox,) = person.json("mailbox", "usage")["mailboxes"]
    return dict(mailbox)


def is_held(person: Any, message: str, by: int) -> None:
    """Wait until so many keep a message."""
    person.until(f"{by} keep {message[:8]}", lambda: len(delivery(person, message)["held_by"]) == by)


def delivery(person: Any, message: str) -> dict[str, Any]:
    """How far a message has come to its one recipient."""
    (one,) = person.json("msg", "show", message)["deliveries"]
    return dict(one)


def test_a_message_reaches_somebody_never_online_with_its_sender(
    together: tuple[Any, Any, MailboxNode],
) -> None:
    """Scenarios 2 and 3: everybody is killed or stopped in between, the node too."""
    ann, ben, node = together
    ben.stop()
    sent = [ann.json("send", "benno", f"word {number}")["id"] for number in range(5)]
    for message in sent:
        is_held(ann, message, by=1)
    shown = ann.json("msg", "show", sent[0])
    assert shown["state"] == "handed 1/1"
    assert shown["deliveries"][0]["held_by"] == [f"mailbox …{node.address[-8:]}"]
    ann.kill()
    node.kill()
    node.start()

    ben.start()
    ben.reads("anna", *(f"word {number}" for number in range(5)))
    ben.until(
        "the mailbox has forgotten what was taken",
        lambda: usage(ben)["messages"] == 0,
    )
    answer = ben.json("send", "anna", "all read")["id"]
    is_held(ben, answer, by=1)
    ben.kill()
    node.kill()
    node.start()

    ann.start()
    ann.reads("benno", "all read")
    for message in sent:
        ann.has_delivered(message)
    ann.until("her receipt is left for him", lambda: ann.json("status")["outbox"] == 0)
    ann.kill()
    ben.start()
    ben.has_delivered(answer)
    assert ben.texts("anna", "word") == [f"word {number}" for number in range(5)]


def test_without_its_mailbox_a_message_waits_and_says_so(together: tuple[Any, Any, MailboxNode]) -> None:
    """Scenario 22: who is on line is reached all the same; for who is not, the reason is shown."""
    ann, ben, node = together
    node.kill()
    ann.has_delivered(ann.json("send", "benno", "it is gone")["id"])
    ben.stop()
    waiting = ann.json("send", "benno", "are you there?")["id"]
    shown = ann.until("why it waits", lambda: (one := delivery(ann, waiting))["reason"] and one)
    assert (shown["state"], shown["reason"], shown["held_by"]) == ("queued", "not reached", [])
    assert shown["retry_ms"] > 0
    node.start()
    is_held(ann, waiting, by=1)  # at once: the node's coming back is noticed
    ben.start()
    ann.has_delivered(waiting)


def test_strangers_fill_their_part_of_a_box_and_contacts_still_get_through(
    together: tuple[Any, Any, MailboxNode],
) -> None:
    """Scenario 18."""
    ann, ben, node = together
    assert usage(ben)["stranger_limit_bytes"] == 4000
    ben.stop()
    with Database.open(ben.home / "store.db", unlock(ben.home / "key", "")) as database:
        app = database.read(lambda tx: App.load(tx, Home(ben.home), wall_clock_ms, os.urandom))
    assert trio.run(fill, node.address, app.box_key.public, app.mailbox_secret.public) == [
        "held",
        "held",
        "held",
        "box-full",
        "work",
    ]
    message = ann.json("send", "benno", "let me through")["id"]
    is_held(ann, message, by=1)
    ben.start()
    ben.reads("anna", "let me through")
    ben.until("nothing of the strangers is left", lambda: usage(ben)["stranger_bytes"] == 0)
    assert b"Dropped a parcel" in ben.log_since_launch()


async def fill(address: str, box: bytes, key: bytes) -> list[str]:
    """What becomes of parcels of somebody who knows only a card: four with work done, one without."""
    config = NetworkConfig(
        key=SigningKey(os.urandom(32)), name="friends", listen=(), reach=Reach(table=False, relays=False)
    )
    outcomes: list[str] = []
    async with open_network(config) as network, at_mailbox(network, address) as mailbox:
        now_ms = wall_clock_ms()
        for number in range(5):
            parcel = Parcel(b"certificate", b"rubbish %d" % number, True).seal(key)
            stamp = None
            if number < 4:
                stamp = await mailbox.work(
                    "parcel", box, tags.day_of(now_ms), mailbox.terms.bits, parcel_id(parcel)
                )
            hour = now_ms // tags.HOUR_MS + 24
            (answer,) = await mailbox.deposit([frames.Deposit(box, hour, parcel, stamp)])
            outcomes.append(str(answer.reason) if isinstance(answer, frames.Refused) else "held")
    return outcomes
