"""Dial-back and hole punching over real libp2p on loopback, with honest and dishonest ends."""

import ipaddress

import pytest
import trio

from p2pchat.core import codec
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.config import Reach
from p2pchat.net.nat.dialback import FRAME_LIMIT, PROTOCOL, DialBack
from p2pchat.net.nat.holepunch import DCUTR, MAX_ADDRESSES, HolePunch
from p2pchat.net.peers import peer_id_of
from p2pchat.net.relay.wire import read_message, write_message

QUIET = Reach(table=False, relays=False, public=True)  # asks nobody by itself


async def meet(overlay, eventually, **options):
    network = await overlay.open(reach=QUIET, **options)
    await eventually(lambda: network.is_connected(overlay.bootstrap.device))
    return network


def port_of(network) -> int:
    return int(network.services.addresses()[0].split("/")[4])


async def test_a_port_that_leads_to_us_is_confirmed_and_another_is_not(overlay, eventually) -> None:
    alice = await meet(overlay, eventually)
    foreign = port_of(overlay.bootstrap)  # somebody answers there, but not alice
    verdict = await DialBack(alice).ask(overlay.bootstrap.device, [port_of(alice), foreign, 1])
    assert verdict.address == "127.0.0.1"
    assert verdict.ports == (port_of(alice),)


async def test_a_server_serves_a_device_once_in_a_while(overlay, eventually) -> None:
    alice = await meet(overlay, eventually)
    client = DialBack(alice)
    await client.ask(overlay.bootstrap.device, [port_of(alice)])
    with pytest.raises(NetworkError, match="does not dial back"):
        await client.ask(overlay.bootstrap.device, [port_of(alice)])


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1", [2]],  # a port that was not asked for
        ["localhost", [1]],
        ["127.0.0.1", [0]],
        ["127.0.0.1", [1] * 5],
        ["127.0.0.1"],
        7,
    ],
)
async def test_a_servers_nonsense_is_not_believed(overlay, eventually, answer: object) -> None:
    async def lie(stream) -> None:
        await stream.receive()
        await stream.send([codec.encode(answer)])

    alice = await meet(overlay, eventually)
    overlay.bootstrap.serve(PROTOCOL, lie, frame_limit=FRAME_LIMIT)
    with pytest.raises(ProtocolError):
        await DialBack(alice).ask(overlay.bootstrap.device, [1])


@pytest.mark.parametrize("request_", [7, [0], [65536], [1] * 5, ["1"]])
async def test_a_malformed_request_is_the_peers_fault(overlay, eventually, request_: object) -> None:
    alice = await meet(overlay, eventually)
    stream = await alice.open_stream(overlay.bootstrap.device, PROTOCOL, frame_limit=FRAME_LIMIT)
    await stream.send([codec.encode(request_)])
    with pytest.raises(NetworkError):
        await stream.receive()
    assert overlay.bootstrap.guard.counters["dropped.protocol_error"] == 1


async def test_hole_punching_with_an_open_device_gives_a_direct_connection(overlay, eventually) -> None:
    """Relayed first, as the caller knows only the relayed address; the called one then dials plainly."""
    alice = await overlay.open()
    bob = await overlay.open(listen=())
    await eventually(bob.services.keeper.addresses)
    await alice.connect(bob.device, bob.services.keeper.addresses())
    await eventually(lambda: alice.services.puncher.has_direct(bob.device))


async def test_whoever_names_a_thousand_addresses_has_a_handful_dialled(overlay, eventually) -> None:
    dialled: set[str] = set()
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    target = listeners[0].socket.getsockname()[1]

    async def count(stream: trio.SocketStream) -> None:
        dialled.add(str(stream.socket.getpeername()))
        await stream.aclose()

    mallory = await meet(overlay, eventually)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, count, listeners)
        stream = await mallory.host.new_stream(peer_id_of(overlay.bootstrap.device), [DCUTR])
        message = HolePunch(type=HolePunch.CONNECT)
        address = bytes.fromhex("047f00000106") + target.to_bytes(2, "big")  # /ip4/127.0.0.1/tcp/…
        message.ObsAddrs.extend([address] * 300)
        await write_message(stream, message)
        await read_message(stream, type(message))
        await write_message(stream, HolePunch(type=HolePunch.SYNC))
        await eventually(lambda: dialled)
        await trio.sleep(0.3)
        nursery.cancel_scope.cancel()
    assert 0 < len(dialled) <= MAX_ADDRESSES


@pytest.mark.parametrize(
    "noise", [b"", b"\xff" * 11, b"\x03\x08\xac\x02", b"\x05hello", b"\x04\x08\x64\x12\x00"]
)
async def test_noise_on_a_hole_punching_stream_harms_nobody(overlay, eventually, noise: bytes) -> None:
    mallory = await meet(overlay, eventually)
    stream = await mallory.host.new_stream(peer_id_of(overlay.bootstrap.device), [DCUTR])
    await stream.write(noise)
    await stream.close()
    alice = await meet(overlay, eventually)
    assert await alice.ping(overlay.bootstrap.device) > 0


async def test_a_server_that_dials_back_as_it_was_asked_to_is_no_fault(overlay, eventually) -> None:
    alice = await meet(overlay, eventually)
    await DialBack(alice).ask(overlay.bootstrap.device, [port_of(alice)])
    await eventually(lambda: alice.guard.counters["dialled_back"])
    assert not [name for name in alice.guard.counters if name.startswith("dropped")]


async def test_who_hangs_up_in_the_handshake_unasked_is_dropped_with_a_reason(overlay, eventually) -> None:
    alice = await meet(overlay, eventually)
    assert await DialBack(overlay.bootstrap)._answers(
        alice.device, ipaddress.ip_address("127.0.0.1"), port_of(alice)
    )
    await eventually(lambda: alice.guard.counters["dropped.handshake_failed"])
