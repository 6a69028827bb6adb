"""The table over real libp2p, with neighbours who lie."""

import os
import random
import time

import pytest
import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.errors import NetworkError
from p2pchat.net.config import Reach
from p2pchat.net.dht import messages
from p2pchat.net.dht.messages import Find, Found, Store
from p2pchat.net.dht.record import AddressRecord, Role, position

QUIET = Reach(relays=False, public=True)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def record_of(key: SigningKey, *, issued_ms: int | None = None, roles: Role = Role.TABLE) -> AddressRecord:
    return AddressRecord.sign(key, ["/ip4/127.0.0.1/tcp/1"], issued_ms=issued_ms or now_ms(), roles=roles)


async def ask(network, server, *frames: bytes) -> list[bytes]:
    stream = await network.open_stream(server, messages.PROTOCOL, frame_limit=messages.FRAME_LIMIT)
    try:
        await stream.send(frames)
        return await stream.receive()
    finally:
        await stream.close()


async def stranger(overlay, eventually, **options):
    network = await overlay.open(reach=Reach(table=False, relays=False, public=True), **options)
    await eventually(lambda: network.is_connected(overlay.bootstrap.device))
    return network


async def test_noise_is_dropped_and_the_honest_are_served(overlay, eventually) -> None:
    mallory = await stranger(overlay, eventually)
    noise = random.Random(0)
    good = messages.encode_request(Find(b"k" * 32, None))
    for _ in range(100):
        frame = bytearray(good if noise.random() < 0.5 else noise.randbytes(noise.randrange(200)))
        if frame:
            frame[noise.randrange(len(frame))] ^= noise.randrange(1, 256)
        try:
            await ask(mallory, overlay.bootstrap.device, bytes(frame))
        except NetworkError:
            await eventually(lambda: mallory.is_connected(overlay.bootstrap.device))
    alice, bob = await overlay.open(), await overlay.open()
    await eventually(lambda: overlay.bootstrap.services.table.shelf.get(position(bob.device), now_ms()))
    await alice.connect(bob.device, [])


async def test_a_record_is_kept_from_anybody_but_only_if_its_device_signed_it(overlay, eventually) -> None:
    carrier = await stranger(overlay, eventually)
    absent = SigningKey(os.urandom(32))
    record = record_of(absent)
    (kept,) = await ask(carrier, overlay.bootstrap.device, messages.encode_request(Store(record)))
    assert messages.decode_kept(kept)
    forged = bytearray(messages.encode_request(Store(record)))
    forged[-1] ^= 1
    with pytest.raises(NetworkError):
        await ask(carrier, overlay.bootstrap.device, bytes(forged))


async def test_an_old_record_replayed_does_not_replace_the_new_one(overlay, eventually) -> None:
    mallory = await stranger(overlay, eventually)
    key = SigningKey(os.urandom(32))
    new, old = record_of(key), record_of(key, issued_ms=now_ms() - 60_000)
    for record in (new, old):
        answer = await ask(mallory, overlay.bootstrap.device, messages.encode_request(Store(record)))
        assert messages.decode_kept(answer[0]) is (record is new)
    assert overlay.bootstrap.services.table.shelf.get(position(DeviceId(key.public)), now_ms()) == new


async def test_nobody_enters_the_table_under_anothers_name(overlay, eventually) -> None:
    mallory = await stranger(overlay, eventually)
    other = record_of(SigningKey(os.urandom(32)))
    await ask(mallory, overlay.bootstrap.device, messages.encode_request(Find(b"k" * 32, other)))
    assert len(overlay.bootstrap.services.table.table) == 0


async def test_a_liar_among_the_nodes_cannot_hide_a_device_nor_invent_one(overlay, eventually) -> None:
    """Mallory answers every query with records of others, outdated ones, and nodes that do not exist."""
    key = SigningKey(os.urandom(32))
    mallory = await overlay.open(key=key, reach=QUIET)
    stale = record_of(SigningKey(os.urandom(32)), issued_ms=now_ms() - 3 * 3600 * 1000)

    async def lie(stream) -> None:
        while frames := await stream.receive():
            for _ in frames:
                invented = tuple(record_of(SigningKey(os.urandom(32))) for _ in range(4))
                found = Found(record_of(key), stale, (*invented, stale))
                await stream.send([messages.encode_found(found)])

    await eventually(lambda: len(overlay.bootstrap.services.table.table))
    mallory.serve(messages.PROTOCOL, lie, frame_limit=messages.FRAME_LIMIT)
    alice, bob = await overlay.open(reach=QUIET), await overlay.open(reach=QUIET)
    await eventually(lambda: overlay.bootstrap.services.table.shelf.get(position(bob.device), now_ms()))
    found = await alice.services.table.find(bob.device)
    assert found is not None
    assert found.device == bob.device
    nobody = DeviceId(SigningKey(os.urandom(32)).public)
    with trio.move_on_after(10):
        assert await alice.services.table.find(nobody) is None


async def test_a_node_that_answers_for_another_is_dropped_from_the_table(overlay, eventually) -> None:
    mallory = await overlay.open(reach=QUIET)
    alice = await overlay.open(reach=QUIET)
    await eventually(
        lambda: any(r.device == mallory.device for r in alice.services.table.table.closest(b"\0" * 32))
    )

    async def pretend(stream) -> None:
        await stream.receive()
        await stream.send([messages.encode_found(Found(record_of(SigningKey(os.urandom(32))), None, ()))])

    mallory.serve(messages.PROTOCOL, pretend, frame_limit=messages.FRAME_LIMIT)
    await alice.services.table.find(DeviceId(os.urandom(32)))
    assert all(r.device != mallory.device for r in alice.services.table.table.closest(b"\0" * 32))
