"""Calling devices that do not listen at all, through a relay on loopback."""

import os

import pytest
import trio
from libp2p.relay.circuit_v2.pb import circuit_pb2

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.errors import NetworkError
from p2pchat.net.config import Reach
from p2pchat.net.peers import peer_id_of
from p2pchat.net.relay.limits import RelayLimits
from p2pchat.net.relay.wire import HOP, HopMessage, Status, read_message, write_message

UNREACHABLE: tuple[str, ...] = ()


async def echo(stream) -> None:
    while frames := await stream.receive():
        await stream.send(frames)


async def open_unreachable(overlay, eventually, **options):
    """A device that cannot be dialled, once it can be called through the bootstrap node."""
    network = await overlay.open(listen=UNREACHABLE, **options)
    network.serve("echo/1", echo, frame_limit=1024)
    await eventually(network.services.keeper.addresses)
    return network


async def exchange(network, device, *frames: bytes) -> list[bytes]:
    stream = await network.open_stream(device, "echo/1", frame_limit=1024)
    await stream.send(frames)
    received: list[bytes] = []
    while len(received) < len(frames):
        received += await stream.receive()
    await stream.close()
    return received


def is_relayed(network, device) -> bool:
    status = next(peer for peer in network.state().peers if peer.peer == device)
    return all("p2p-circuit" in address for address in status.addresses)


async def test_two_devices_that_nobody_can_dial_talk_through_a_relay(overlay, eventually) -> None:
    alice = await open_unreachable(overlay, eventually)
    bob = await open_unreachable(overlay, eventually)
    assert bob.state().reachability == "private"
    assert bob.state().relays == (overlay.bootstrap.device,)
    await alice.connect(bob.device, bob.services.addresses())
    assert is_relayed(alice, bob.device)
    assert await exchange(alice, bob.device, b"one", b"two") == [b"one", b"two"]
    assert overlay.bootstrap.services.relay.circuits.total == 1


async def test_a_network_with_a_pre_shared_key_relays_as_well(overlay, eventually) -> None:
    psk = os.urandom(32)
    reach = Reach(public=True, relay_for_others=RelayLimits())
    overlay.bootstrap = await overlay.open(psk=psk, reach=reach, bootstrap=())
    alice = await open_unreachable(overlay, eventually, psk=psk)
    bob = await open_unreachable(overlay, eventually, psk=psk)
    await alice.connect(bob.device, bob.services.addresses())
    assert is_relayed(alice, bob.device)
    assert await exchange(alice, bob.device, b"hi") == [b"hi"]


async def test_a_device_that_can_be_called_is_found_in_the_table(overlay, eventually) -> None:
    bob = await open_unreachable(overlay, eventually)
    alice = await overlay.open(listen=UNREACHABLE)
    while not await alice.services.discovery.find(bob.device):  # noqa: ASYNC110 -- a search
        await trio.sleep(0.05)
    await alice.connect(bob.device, [])
    assert is_relayed(alice, bob.device)


async def test_a_call_from_a_reachable_device_becomes_a_direct_connection(overlay, eventually) -> None:
    alice = await overlay.open()
    bob = await open_unreachable(overlay, eventually)
    alice.serve("echo/1", echo, frame_limit=1024)
    await alice.connect(bob.device, bob.services.addresses())
    await eventually(lambda: bob.services.puncher.has_direct(alice.device))
    await eventually(lambda: overlay.bootstrap.services.relay.circuits.total == 0)
    assert not is_relayed(alice, bob.device)
    await overlay.stop(overlay.bootstrap)
    assert await exchange(bob, alice.device, b"still here") == [b"still here"]


async def test_when_one_relay_is_gone_the_other_goes_on(overlay, eventually) -> None:
    second = await overlay.open(reach=Reach(public=True, relay_for_others=RelayLimits()))
    known = (*overlay.bootstrap.state().listening, *second.state().listening)
    bob = await overlay.open(listen=UNREACHABLE, bootstrap=known)
    bob.serve("echo/1", echo, frame_limit=1024)
    await eventually(lambda: len(bob.services.keeper.relays()) == 2)
    await overlay.stop(overlay.bootstrap)
    await eventually(lambda: bob.services.keeper.relays() == (second.device,))
    alice = await overlay.open(listen=UNREACHABLE, bootstrap=second.state().listening)
    await alice.connect(bob.device, bob.services.addresses())
    assert await exchange(alice, bob.device, b"still callable") == [b"still callable"]


async def test_a_relay_that_comes_back_is_used_again(overlay, eventually) -> None:
    key = SigningKey(os.urandom(32))
    reach = Reach(public=True, relay_for_others=RelayLimits())
    relay = await overlay.open(key=key, reach=reach)
    port = relay.services.addresses()[0]
    bob = await overlay.open(listen=UNREACHABLE, bootstrap=relay.state().listening)
    await eventually(lambda: relay.device in bob.services.keeper.relays())
    await overlay.stop(relay)
    await eventually(lambda: relay.device not in bob.services.keeper.relays())
    await overlay.open(key=key, reach=reach, listen=(port,))
    await eventually(lambda: relay.device in bob.services.keeper.relays())


async def test_a_node_of_the_table_that_relays_is_found_and_used(overlay, eventually) -> None:
    overlay.bootstrap.services.relay.limits = RelayLimits(reservations=0)
    willing = await overlay.open(reach=Reach(relay_for_others=RelayLimits()))
    await eventually(lambda: willing.state().reachability == "public")
    await eventually(lambda: len(overlay.bootstrap.services.table.table))
    bob = await overlay.open(listen=UNREACHABLE)
    await eventually(lambda: bob.services.keeper.relays() == (willing.device,))


async def test_nobody_is_called_who_has_not_reserved(overlay, eventually) -> None:
    relay = f"{overlay.bootstrap.state().listening[0]}/p2p-circuit"
    bob = await overlay.open(listen=UNREACHABLE, reach=Reach(relays=False))
    alice = await overlay.open(listen=UNREACHABLE)
    await eventually(lambda: overlay.bootstrap.is_connected(bob.device))
    with pytest.raises(NetworkError, match="NO_RESERVATION"):
        await alice.connect(bob.device, [relay])


async def test_a_reservation_ends_with_the_connection(overlay, eventually) -> None:
    bob = await open_unreachable(overlay, eventually)
    address = bob.services.addresses()
    alice = await overlay.open(listen=UNREACHABLE)
    await overlay.stop(bob)
    await eventually(lambda: not overlay.bootstrap.is_connected(bob.device))
    with pytest.raises(NetworkError, match="NO_RESERVATION"):
        await alice.connect(bob.device, address)


async def test_a_device_reserves_for_itself_whomever_it_names(overlay, eventually) -> None:
    mallory = await overlay.open(reach=Reach(relays=False))
    await eventually(lambda: mallory.is_connected(overlay.bootstrap.device))
    victim = DeviceId(SigningKey(os.urandom(32)).public)
    stream = await mallory.host.new_stream(peer_id_of(overlay.bootstrap.device), [HOP])
    request = HopMessage(type=HopMessage.RESERVE)
    request.peer.id = peer_id_of(victim).to_bytes()
    await write_message(stream, request)
    answer = await read_message(stream, circuit_pb2.HopMessage)
    assert answer.status == Status.OK
    reservations = overlay.bootstrap.services.relay.reservations
    assert reservations.holds(mallory.device, trio.current_time())
    assert not reservations.holds(victim, trio.current_time())


async def test_a_relay_that_is_full_says_so_and_the_device_goes_on(overlay, eventually) -> None:
    overlay.bootstrap.services.relay.limits = RelayLimits(reservations=0)
    bob = await overlay.open(listen=UNREACHABLE)
    await eventually(lambda: overlay.bootstrap.services.relay.counters["refused"])
    assert bob.services.keeper.addresses() == ()
    assert bob.is_connected(overlay.bootstrap.device)


async def test_a_device_has_a_bounded_number_of_circuits(overlay, eventually) -> None:
    bob = await open_unreachable(overlay, eventually)
    callers = [await overlay.open(listen=UNREACHABLE) for _ in range(3)]
    for caller in callers[:2]:
        await caller.connect(bob.device, bob.services.addresses())
    with pytest.raises(NetworkError, match="RESOURCE_LIMIT_EXCEEDED"):
        await callers[2].connect(bob.device, bob.services.addresses())
    await callers[0].disconnect(bob.device)
    await eventually(lambda: overlay.bootstrap.services.relay.circuits.total == 1)
    await callers[2].connect(bob.device, bob.services.addresses())


async def test_a_circuit_carries_no_more_than_it_may(overlay, eventually) -> None:
    alice = await overlay.open(listen=UNREACHABLE)
    bob = await open_unreachable(overlay, eventually)
    await alice.connect(bob.device, bob.services.addresses())
    kilobytes = 0
    try:
        while kilobytes < 2048:
            await exchange(alice, bob.device, *[b"x" * 1024] * 64)
            kilobytes += 2 * 64
    except NetworkError:
        pass
    assert kilobytes <= 1024
    await eventually(lambda: not alice.is_connected(bob.device))
    assert overlay.bootstrap.services.relay.counters["over_limit"] == 1
    assert overlay.bootstrap.services.relay.circuits.total == 0


@pytest.mark.parametrize("noise", [b"", b"\xff" * 11, b"\x05hello", b"\xff\xff\xff\x7f", b"\x02\x08\x02"])
async def test_noise_on_a_hop_stream_harms_nobody(overlay, eventually, noise: bytes) -> None:
    mallory = await overlay.open(reach=Reach(relays=False))
    await eventually(lambda: mallory.is_connected(overlay.bootstrap.device))
    stream = await mallory.host.new_stream(peer_id_of(overlay.bootstrap.device), [HOP])
    await stream.write(noise)
    await stream.close()
    bob = await open_unreachable(overlay, eventually)
    assert bob.services.keeper.relays() == (overlay.bootstrap.device,)
