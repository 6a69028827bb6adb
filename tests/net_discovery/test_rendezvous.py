"""Rendezvous: the registry as a value, its server under lies, and two devices that meet by it alone."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.errors import ProtocolError
from p2pchat.net.config import Reach
from p2pchat.net.peers import peer_id_of
from p2pchat.net.relay.wire import read_message, write_message
from p2pchat.net.rendezvous import wire
from p2pchat.net.rendezvous.registry import GRANTED_TTL_S, Registry
from p2pchat.net.rendezvous.wire import Message, namespace_of

POINT = Reach(public=True, table=False, relays=False, rendezvous=False, rendezvous_for_others=100)
CLIENT = Reach(table=False, relays=False)
ADDRESS = "/ip4/192.0.2.7/tcp/4001"


def device(number):
    return DeviceId(bytes([number]) * 32)


def namespace(number):
    return namespace_of("test", None, device(number))


def registered(registry, *numbers, now=0.0, seq=1, ttl_s=600):
    return [registry.register(namespace(n), device(n), b"%d" % n, seq, ttl_s, now) for n in numbers]


@pytest.fixture
def here():
    return set()


@pytest.fixture
def registry(here):
    return Registry(3, here.__contains__, b"secret")


def test_what_is_registered_is_found_until_its_time_is_over(registry):
    assert registered(registry, 1) == [600]
    assert registry.discover(namespace(1), b"", 599.0).record == b"1"
    assert registry.discover(namespace(2), b"", 0.0) is None
    assert registry.discover(namespace(1), b"", 600.0) is None


def test_no_registration_lasts_longer_than_is_granted(registry):
    assert registered(registry, 1, ttl_s=72 * 3600) == [GRANTED_TTL_S]


def test_an_older_record_does_not_replace_a_newer(registry):
    registered(registry, 1, seq=7)
    registry.register(namespace(1), device(1), b"old", 6, 600, 1.0)
    assert registry.discover(namespace(1), b"", 2.0).record == b"1"


def test_who_unregisters_is_not_found(registry):
    registered(registry, 1)
    registry.unregister(namespace(1))
    assert registry.discover(namespace(1), b"", 0.0) is None


def test_a_full_registry_gives_the_places_of_the_gone_to_the_new_and_none_of_the_connected(registry, here):
    here.update(map(device, (1, 2, 3, 4)))
    assert registered(registry, 1, 2, 3, 4) == [600, 600, 600, None]
    assert registered(registry, 2, seq=2) == [600]  # a renewal needs no room
    here.remove(device(2))
    assert registered(registry, 4) == [600]
    assert registry.discover(namespace(2), b"", 0.0) is None
    assert len(registry) == 3
    assert registered(registry, 5, now=601.0) == [600]
    assert len(registry) == 1


def test_a_cookie_hides_what_was_told_before_and_nothing_later(registry):
    registered(registry, 1)
    cookie = registry.cookie(namespace(1))
    assert registry.discover(namespace(1), cookie, 0.0) is None
    registered(registry, 1, seq=2)
    assert registry.discover(namespace(1), cookie, 0.0).seq == 2


@given(st.binary(min_size=1, max_size=40))
def test_a_cookie_of_another_maker_or_namespace_is_refused(cookie):
    registry = Registry(3, lambda device: True, b"secret")
    registered(registry, 1)
    for wrong in (cookie, registry.cookie(namespace(2)), Registry(3, bool, b"other").cookie(namespace(1))):
        with pytest.raises(ValueError, match="cookie"):
            registry.discover(namespace(1), wrong, 0.0)


def test_namespaces_differ_by_network_key_and_device():
    ways = [("a", None, device(1)), ("b", None, device(1)), ("a", b"k", device(1)), ("a", None, device(2))]
    assert len({namespace_of(*way) for way in ways}) == 4


@given(st.binary(max_size=300))
def test_noise_is_no_record(noise):
    with pytest.raises(ProtocolError):
        wire.open_record(noise)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_record_with_one_byte_changed_is_refused_or_says_the_same(index, value):
    pair = create_new_key_pair(b"k" * 32)
    peer = ID.from_pubkey(pair.public_key)
    signed = wire.sign_record(pair.private_key, peer, [ADDRESS], 5)
    good = wire.open_record(signed)
    assert good[1:] == (5, [ADDRESS])
    changed = bytearray(signed)
    changed[index % len(signed)] = value
    with suppress(ProtocolError):
        assert wire.open_record(bytes(changed)) == good


def test_a_record_signed_by_another_is_refused():
    pair, victim = create_new_key_pair(b"k" * 32), create_new_key_pair(b"v" * 32)
    signed = wire.sign_record(pair.private_key, ID.from_pubkey(victim.public_key), [ADDRESS], 5)
    with pytest.raises(ProtocolError):
        wire.open_record(signed)


# Over real libp2p.


@pytest.fixture
async def point(overlay):
    await overlay.stop(overlay.bootstrap)
    overlay.bootstrap = None
    overlay.bootstrap = await overlay.open(reach=POINT)
    return overlay.bootstrap


async def test_two_devices_meet_by_rendezvous_alone(overlay, point, eventually):
    alice, bob = await overlay.open(reach=CLIENT), await overlay.open(reach=CLIENT)
    await eventually(lambda: len(point.services.point.registry) == 2)
    await alice.connect(bob.device, [])
    assert alice.is_connected(bob.device)


async def test_who_switched_it_off_is_not_there_and_asks_nobody(overlay, point, eventually):
    shy = await overlay.open(reach=Reach(table=False, relays=False, rendezvous=False))
    bob = await overlay.open(reach=CLIENT)
    await eventually(lambda: len(point.services.point.registry) == 1)
    await eventually(lambda: point.is_connected(shy.device))
    assert await bob.services.discovery.find(shy.device) == []
    assert await shy.services.discovery.find(bob.device) == []
    assert point.services.point.counters["discovered"] == 1


@pytest.fixture
async def mallory(overlay, point, eventually):
    network = await overlay.open(reach=Reach(table=False, relays=False, rendezvous=False))
    await eventually(lambda: network.is_connected(point.device))
    return network


async def ask(network, point, *requests):
    stream = await network.host.new_stream(peer_id_of(point.device), [wire.PROTOCOL])
    answers = []
    for request in requests:
        await write_message(stream, request)
        answers.append(await read_message(stream, Message, limit=wire.MAX_ANSWER))
    await stream.close()
    return answers


def register(network, **fields):
    request = Message(type=wire.REGISTER)
    request.register.ns = namespace_of("test", None, network.device)
    request.register.signed_peer_record = wire.sign_record(
        network.host.get_private_key(), network.host.get_id(), [ADDRESS], 1
    )
    for name, value in fields.items():
        setattr(request.register, name, value)
    return request


async def test_lies_are_refused_each_with_its_status(point, mallory, overlay):
    bob = await overlay.open(reach=Reach(table=False, relays=False, rendezvous=False))
    wrong = {
        wire.E_INVALID_NAMESPACE: register(mallory, ns=""),
        wire.E_NOT_AUTHORIZED: register(mallory, ns=namespace_of("test", None, bob.device)),
        wire.E_INVALID_TTL: register(mallory, ttl=10**12),
        wire.E_INVALID_SIGNED_PEER_RECORD: register(mallory, signed_peer_record=b"\xff" * 100),
    }
    answers = await ask(mallory, point, *wrong.values())
    assert [answer.register_response.status for answer in answers] == list(wrong)
    of_another = register(mallory, signed_peer_record=register(bob).register.signed_peer_record)
    (answer,) = await ask(mallory, point, of_another)
    assert answer.register_response.status == wire.E_NOT_AUTHORIZED
    assert len(point.services.point.registry) == 0


async def test_nobody_is_listed_to_who_does_not_know_whom_to_ask_for(point, mallory):
    everybody, cookie = Message(type=wire.DISCOVER), Message(type=wire.DISCOVER)
    everybody.discover.limit = 1000
    cookie.discover.ns, cookie.discover.cookie = "x", b"made up"
    _, all_, forged = await ask(mallory, point, register(mallory), everybody, cookie)
    assert all_.discover_response.status == wire.E_INVALID_NAMESPACE
    assert forged.discover_response.status == wire.E_INVALID_COOKIE
    assert not all_.discover_response.registrations


async def test_noise_on_the_stream_harms_nobody(point, mallory, overlay, eventually):
    for size in (0, 1, 10, 200, 5000):
        stream = await mallory.host.new_stream(peer_id_of(point.device), [wire.PROTOCOL])
        await stream.write(os.urandom(size) + b"\xff" * 12)
        await stream.close()
    await ask(mallory, point, *[register(mallory)] * 16)
    alice, bob = await overlay.open(reach=CLIENT), await overlay.open(reach=CLIENT)
    await eventually(lambda: len(point.services.point.registry) == 3)
    await alice.connect(bob.device, [])


async def test_a_point_that_lies_about_a_device_is_not_believed(overlay, point, eventually):
    key = SigningKey(os.urandom(32))
    bob = DeviceId(key.public)
    alice = await overlay.open(reach=CLIENT)
    await eventually(lambda: len(point.services.point.registry) == 1)
    other = register(alice).register.signed_peer_record
    point.services.point.registry.register(
        namespace_of("test", None, bob), bob, other, 1, 600, trio.current_time()
    )
    assert await alice.services.discovery.find(bob) == []
