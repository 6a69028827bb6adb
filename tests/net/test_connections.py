"""Connecting, losing and finding each other again, on loopback."""

from __future__ import annotations

import os
import socket

import pytest
import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.errors import NetworkError, UsageError
from p2pchat.net.config import MemoryAddressBook, NetworkConfig
from p2pchat.net.libp2p_network import open_network
from p2pchat.net.network import PeerConnected, PeerDisconnected
from p2pchat.net.peers import full_address


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def silent_listener() -> socket.socket:
    """Accepts in the kernel and never answers."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    return listener


async def until(condition):
    while not condition():  # noqa: ASYNC110
        await trio.sleep(0.01)


def connections(network, peer):
    return [c for c in network._swarm.get_connections() if c.muxed_conn.peer_id == peer.host.get_id()]


async def test_both_ends_hear_of_connecting_and_disconnecting(opened, deadline):
    alice, bob = await opened(), await opened()
    with deadline():
        await alice.connect(bob.device, bob.advertised())
        at_alice, at_bob = alice.events(), bob.events()
        assert await anext(at_alice) == PeerConnected(bob.device)
        assert await anext(at_bob) == PeerConnected(alice.device)
        assert alice.is_connected(bob.device)
        await alice.disconnect(bob.device)
        assert await anext(at_alice) == PeerDisconnected(bob.device)
        assert await anext(at_bob) == PeerDisconnected(alice.device)
        assert not alice.is_connected(bob.device)


async def test_a_slow_listener_still_learns_of_a_reconnection(opened, deadline):
    alice, bob = await opened(), await opened()
    events = alice.events()
    with deadline():
        await alice.connect(bob.device, bob.advertised())
        assert await anext(events) == PeerConnected(bob.device)
        await alice.disconnect(bob.device)
        await until(lambda: not bob.is_connected(alice.device) and not alice.is_connected(bob.device))
        await alice.connect(bob.device, [])
        assert await anext(events) == PeerDisconnected(bob.device)
        assert await anext(events) == PeerConnected(bob.device)


async def test_dead_addresses_do_not_hide_a_good_one(opened, deadline):
    alice, bob = await opened(), await opened()
    with silent_listener() as silent, deadline():
        addresses = [
            f"/ip4/127.0.0.1/tcp/{free_port()}",
            f"/ip4/127.0.0.1/tcp/{silent.getsockname()[1]}",
            "/dns4/nowhere.invalid/tcp/1",
            "/unix/nonsense",
            "rubbish",
            *bob.advertised(),
        ]
        await alice.connect(bob.device, addresses)


async def test_what_worked_is_remembered_and_tried_first(opened, deadline):
    book = MemoryAddressBook()
    alice, bob = await opened(address_book=book), await opened()
    dead = f"/ip4/127.0.0.1/tcp/{free_port()}"
    with deadline():
        await alice.connect(bob.device, [dead, *bob.advertised()])
    good = bob.advertised()[0].rpartition("/p2p/")[0]
    assert book.addresses(bob.device) == (good,)


async def test_the_error_of_a_failed_dial_says_how_and_holds_no_address(opened, deadline):
    alice = await opened()
    stranger = DeviceId(SigningKey(os.urandom(32)).public)
    address = f"/ip4/127.0.0.1/tcp/{free_port()}"
    with deadline(), pytest.raises(NetworkError, match="1 refused") as caught:
        await alice.connect(stranger, [address])
    assert "127.0.0.1" not in str(caught.value)


async def test_a_failed_dial_can_be_repeated_at_once(opened, deadline):
    alice, bob = await opened(), await opened()
    with deadline():
        with pytest.raises(NetworkError):
            await alice.connect(bob.device, [f"/ip4/127.0.0.1/tcp/{free_port()}"])
        await alice.connect(bob.device, bob.advertised())


async def test_an_address_that_answers_as_somebody_else_is_refused(opened, deadline):
    alice, bob = await opened(), await opened()
    stranger = DeviceId(SigningKey(os.urandom(32)).public)
    bobs_place = bob.advertised()[0].rpartition("/p2p/")[0]
    with deadline(), pytest.raises(NetworkError, match="another device"):
        await alice.connect(stranger, [bobs_place])
    assert not alice.is_connected(bob.device)


async def test_dialling_without_any_address_says_so(opened, deadline):
    alice = await opened()
    stranger = DeviceId(SigningKey(os.urandom(32)).public)
    with deadline(), pytest.raises(NetworkError, match="no address"):
        await alice.connect(stranger, [])


async def test_a_device_does_not_dial_itself(opened, deadline):
    alice = await opened()
    with deadline(), pytest.raises(NetworkError, match="itself"):
        await alice.connect(alice.device, alice.advertised())


async def test_many_at_once_dial_once(opened, deadline):
    alice, bob = await opened(), await opened()
    with deadline():
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(alice.connect, bob.device, bob.advertised())
    assert len(connections(alice, bob)) == 1


async def test_a_simultaneous_dial_ends_with_one_connection_that_works(opened, deadline):
    for _ in range(5):
        alice, bob = await opened(), await opened()
        with deadline():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(alice.connect, bob.device, bob.advertised())
                nursery.start_soon(bob.connect, alice.device, alice.advertised())
            await until(lambda a=alice, b=bob: len(connections(a, b)) == len(connections(b, a)) == 1)
            await alice.ping(bob.device)
            await bob.ping(alice.device)


async def test_a_peer_that_dials_again_replaces_its_old_connection(opened, deadline):
    key = SigningKey(os.urandom(32))
    alice, bob = await opened(), await opened(key=key)
    bob_again = await opened(key=key)  # as after a crash that the network hid
    with deadline():
        await bob.connect(alice.device, alice.advertised())
        await bob_again.connect(alice.device, alice.advertised())
        await until(lambda: len(connections(alice, bob)) <= 1 or alice.device > bob.device)
        await bob_again.ping(alice.device)


async def test_a_port_in_use_is_one_clear_sentence():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"/ip4/127.0.0.1/tcp/{other.getsockname()[1]}"
        with pytest.raises(NetworkError, match=r"cannot listen on .* address already in use"):
            async with open_network(NetworkConfig(SigningKey(os.urandom(32)), "test", (address,))):
                pass


async def test_two_nodes_do_not_share_a_port_unnoticed(opened):
    alice = await opened()
    address = alice.advertised()[0].rpartition("/p2p/")[0]
    with pytest.raises(NetworkError, match="address already in use"):
        async with open_network(NetworkConfig(SigningKey(os.urandom(32)), "test", (address,))):
            pass


async def test_a_port_can_be_bound_again_right_after_closing(opened, deadline):
    bob = await opened()
    address = f"/ip4/127.0.0.1/tcp/{free_port()}"
    key = SigningKey(os.urandom(32))
    with deadline():
        for _ in range(3):
            async with open_network(NetworkConfig(key, "test", (address,))) as alice:
                await bob.connect(alice.device, alice.advertised())
                await alice.ping(bob.device)
            await until(lambda: not bob.is_connected(DeviceId(key.public)))


@pytest.mark.parametrize("text", ["rubbish", "/ip4/127.0.0.1/udp/1/quic-v1", "/ip4/127.0.0.1"])
async def test_a_malformed_listen_address_is_a_usage_error(text):
    with pytest.raises(UsageError, match="address to listen on"):
        async with open_network(NetworkConfig(SigningKey(os.urandom(32)), "test", (text,))):
            pass


async def test_an_error_of_the_body_leaves_the_network_as_it_is(opened):
    with pytest.raises(KeyError):
        async with open_network(NetworkConfig(SigningKey(os.urandom(32)), "test", ("/ip4/127.0.0.1/tcp/0",))):
            raise KeyError("of the caller")


async def test_wildcards_are_advertised_as_the_addresses_of_interfaces(opened):
    alice = await opened(listen=("/ip4/0.0.0.0/tcp/0",))
    assert alice.advertised()
    assert not any("0.0.0.0" in address for address in alice.advertised())


async def test_ipv6_connections_count_by_range(opened, deadline):
    alice, bob = await opened(listen=("/ip6/::1/tcp/0",)), await opened(listen=("/ip6/::1/tcp/0",))
    with deadline():
        await alice.connect(bob.device, bob.advertised())
        await until(lambda: bob.guard._ranges == {"::/56": 1})


async def test_bootstrap_nodes_are_connected_in_the_background_and_again_after_a_loss(opened, deadline):
    key = SigningKey(os.urandom(32))
    address = f"/ip4/127.0.0.1/tcp/{free_port()}"
    node = NetworkConfig(key, "test", (address,))
    device = DeviceId(key.public)
    alice = await opened(bootstrap=(full_address(device, address),))  # which is not there yet
    with deadline(30):
        async with open_network(node):
            await until(lambda: alice.is_connected(device))
        await until(lambda: not alice.is_connected(device))
        async with open_network(node):
            alice.hurry()
            await until(lambda: alice.is_connected(device))


async def test_a_member_with_the_psk_gets_in(opened, deadline):
    psk = os.urandom(32)
    alice, bob = await opened(psk=psk), await opened(psk=psk)
    with deadline():
        await alice.connect(bob.device, bob.advertised())
        await alice.ping(bob.device)


@pytest.mark.parametrize("psk", [None, b"\x01" * 32])
async def test_without_the_psk_nobody_gets_in(opened, deadline, psk):
    alice, bob = await opened(psk=psk), await opened(psk=b"\x02" * 32)
    with deadline(), pytest.raises(NetworkError):
        await alice.connect(bob.device, bob.advertised())
    assert not bob.is_connected(alice.device)


async def test_state_tells_addresses_peers_and_counters(opened, deadline):
    alice, bob = await opened(), await opened()
    with deadline():
        await alice.connect(bob.device, bob.advertised())
    state = alice.state()
    assert state.listening == tuple(alice.advertised())
    (peer,) = state.peers
    assert (peer.peer, peer.direction) == (bob.device, "outbound")
    assert peer.addresses == (bob.advertised()[0].rpartition("/p2p/")[0],)


async def test_why_a_bootstrap_node_is_not_connected_is_told_until_it_is(opened, deadline):
    key, port = SigningKey(os.urandom(32)), free_port()
    place = f"/ip4/127.0.0.1/tcp/{port}"
    server = DeviceId(key.public)
    alice = await opened(bootstrap=(full_address(server, place),))
    with deadline():
        await until(lambda: alice.state().absent and alice.state().absent[0].reason)
        (absence,) = alice.state().absent
        assert absence.device == server
        assert "refused" in absence.reason
        assert absence.retry_s is None or absence.retry_s > 0
        await opened(key=key, listen=(place,))
        await until(lambda: not alice.state().absent)
    assert alice.is_connected(server)
