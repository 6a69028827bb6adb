"""The host as strangers meet it: what it offers, whom it lets in, what it keeps of them afterwards."""

from __future__ import annotations

import os

import pytest
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.network.exceptions import SwarmException
from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.stream_muxer.mplex.mplex import MPLEX_PROTOCOL_ID, Mplex
from multiaddr import Multiaddr

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.errors import NetworkError
from p2pchat.net.config import Limits
from p2pchat.net.peers import parse_address, peer_id_of

LOOPBACK = "/ip4/127.0.0.1/tcp/0"


def stock_host(**options):
    """A host as libp2p makes it."""
    return new_host(key_pair=create_new_key_pair(), **options)


async def dial(host, network):
    device, address = parse_address(network.advertised()[0])
    return await host.get_network()._dial_addr_single_attempt(Multiaddr(address), peer_id_of(device))


async def until(condition):
    while not condition():  # noqa: ASYNC110
        await trio.sleep(0.01)


async def test_a_dialler_that_only_speaks_plaintext_is_refused(opened, deadline):
    alice = await opened()
    pair = create_new_key_pair()
    plaintext = {TProtocol(PLAINTEXT_PROTOCOL_ID): InsecureTransport(pair)}
    host = new_host(key_pair=pair, sec_opt=plaintext)
    with deadline():
        async with host.run([Multiaddr(LOOPBACK)]):
            with pytest.raises(SwarmException):
                await dial(host, alice)
            await host.close()


async def test_a_listener_that_only_speaks_plaintext_is_refused(opened, deadline):
    alice = await opened()
    pair = create_new_key_pair()
    host = new_host(key_pair=pair, sec_opt={TProtocol(PLAINTEXT_PROTOCOL_ID): InsecureTransport(pair)})
    with deadline():
        async with host.run([Multiaddr(LOOPBACK)]):
            device, address = parse_address(str(host.get_addrs()[0]))
            with pytest.raises(NetworkError):
                await alice.connect(device, [address])
            await host.close()


async def test_a_dialler_that_only_speaks_mplex_is_refused(opened, deadline):
    alice = await opened()
    host = stock_host(muxer_opt={TProtocol(MPLEX_PROTOCOL_ID): Mplex})
    with deadline():
        async with host.run([Multiaddr(LOOPBACK)]):
            with pytest.raises(SwarmException):
                await dial(host, alice)
            await host.close()


async def test_only_noise_and_yamux_are_offered(opened):
    alice = await opened()
    upgrader = alice.host.get_network().upgrader
    assert list(upgrader.security_multistream.transports) == [NOISE]
    assert list(upgrader.muxer_multistream.transports) == ["/yamux/1.0.0"]


async def test_a_stock_host_with_noise_and_yamux_is_let_in(opened, deadline):
    alice = await opened()
    host = stock_host()
    with deadline():
        async with host.run([Multiaddr(LOOPBACK)]):
            await dial(host, alice)
            stream = await host.new_stream(alice.host.get_id(), [TProtocol("/ipfs/ping/1.0.0")])
            await stream.write(b"p" * 32)
            assert await stream.read(32) == b"p" * 32
            await host.close()


async def test_a_place_is_given_back_when_its_connection_ends(opened, deadline):
    alice, bob = await opened(limits=Limits(connections=1, connections_per_range=1)), await opened()
    with deadline():
        for _ in range(4):
            await bob.connect(alice.device, alice.advertised())
            await until(lambda: alice.is_connected(bob.device))
            await bob.disconnect(alice.device)
            await until(lambda: not alice.guard._ranges and not alice.is_connected(bob.device))


def port_of(network):
    return int(parse_address(network.advertised()[0])[1].rpartition("/")[2])


async def test_a_banned_device_is_closed_and_refused_until_the_ban_expires(opened, deadline):
    alice, bob = await opened(limits=Limits(ban_s=1.0)), await opened()
    with deadline():
        await bob.connect(alice.device, alice.advertised())
        await until(lambda: alice.is_connected(bob.device))
        alice.guard.ban(bob.device, "a reason")
        await until(lambda: not alice.is_connected(bob.device) and not bob.is_connected(alice.device))
        while not alice.is_connected(bob.device):
            try:
                await bob.connect(alice.device, alice.advertised())
                await trio.sleep(0.1)
            except NetworkError:
                await trio.sleep(0.1)
    assert alice.guard.counters["dropped.banned_device"] >= 1


async def test_when_the_house_is_full_strangers_wait_and_protected_devices_get_in(opened, deadline):
    alice = await opened(limits=Limits(connections=1))
    first, second, friend = await opened(), await opened(), await opened()
    alice.guard.protected.add(friend.device)
    with deadline():
        await first.connect(alice.device, alice.advertised())
        await until(lambda: alice.is_connected(first.device))
        await second.connect(alice.device, alice.advertised())
        await until(lambda: not second.is_connected(alice.device))
        await friend.connect(alice.device, alice.advertised())
        await until(lambda: alice.is_connected(friend.device) and not alice.is_connected(first.device))
    assert alice.guard.counters["dropped.too_many_connections"] == 1
    assert alice.guard.counters["dropped.made_room"] == 1


async def test_one_device_holds_no_more_than_its_share_of_connections(opened, deadline):
    keys = sorted((SigningKey(os.urandom(32)) for _ in range(2)), key=lambda key: key.public)
    alice = await opened(limits=Limits(connections_per_peer=1), key=keys[1])  # bob would decide which stays
    bob, bob_again = await opened(key=keys[0]), await opened(key=keys[0])
    with deadline():
        await bob.connect(alice.device, alice.advertised())
        await until(lambda: alice.is_connected(bob.device))
        await bob_again.connect(alice.device, alice.advertised())
        await until(lambda: not bob_again.is_connected(alice.device))
        await bob.ping(alice.device)
    assert alice.guard.counters["dropped.too_many_from_one_device"] == 1


async def test_a_range_beyond_its_share_is_refused_before_any_handshake(opened, deadline):
    alice, bob = await opened(limits=Limits(connections_per_range=0)), await opened()
    with deadline(), pytest.raises(NetworkError):
        await bob.connect(alice.device, alice.advertised())
    assert alice.guard.counters["dropped.too_many_from_one_range"] == 1


async def test_half_open_connections_do_not_keep_others_out(opened, deadline):
    alice, bob = await opened(limits=Limits(handshakes=4, connections_per_range=100)), await opened()
    with deadline():
        silent = [await trio.open_tcp_stream("127.0.0.1", port_of(alice)) for _ in range(20)]
        await bob.connect(alice.device, alice.advertised())
        await alice.ping(bob.device)
        for stream in silent:
            await stream.aclose()


async def test_who_has_gone_is_forgotten(opened, deadline):
    alice = await opened()
    swarm = alice.host.get_network()
    guests = [await opened(listen=()) for _ in range(3)]
    with deadline():
        for guest in guests:
            await guest.connect(alice.device, alice.advertised())
            await until(lambda one=guest: alice.is_connected(one.device))
        await until(lambda: {peer_id_of(one.device) for one in guests} <= set(swarm.peerstore.peer_ids()))
        for guest in guests[1:]:
            await guest.disconnect(alice.device)
        await until(lambda: len(swarm.get_connections()) == 1)
        # A straggler, such as an identification that ends late, goes with the next who leaves.
        for number in range(200):
            late = peer_id_of(DeviceId(number.to_bytes(32, "big")))
            swarm.peerstore.add_protocols(late, ["/late"])
            swarm.auto_connector.record_disconnect(late)
        await guests[0].disconnect(alice.device)
        await until(lambda: swarm.peerstore.peer_ids() == [swarm.self_id])
        assert not swarm.auto_connector._recent_disconnects
