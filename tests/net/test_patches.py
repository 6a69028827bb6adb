"""Each fault of libp2p that is patched: there with libp2p's own code, gone with ours.

When libp2p mends a fault, the test "libp2p has the fault" fails, and the patch can go.
"""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import trio
import trio.testing
from libp2p.custom_types import TProtocol
from libp2p.host import basic_host
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.io import msgio
from libp2p.io.exceptions import IncompleteReadError
from libp2p.io.trio import TrioTCPStream
from libp2p.peer.peerstore import PeerStore
from libp2p.protocol_muxer.exceptions import MultiselectCommunicatorError
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.pubsub import pubsub
from libp2p.tools.anyio_service import Service, background_trio_service
from libp2p.utils import encode_delim
from multiaddr import Multiaddr

from p2pchat.core.ids import DeviceId
from p2pchat.net.patches import PATCHES, install
from p2pchat.net.peers import peer_id_of


@contextmanager
def without(name):
    """libp2p as it comes, as far as the patch `name` is concerned."""
    install()
    for replacement in PATCHES[name]:
        replacement.revert()
    try:
        yield
    finally:
        install()


@contextmanager
def patched():
    install()
    yield


class Pipe:
    """A reader that hands out at most `step` bytes at a time."""

    def __init__(self, data: bytes, step: int = 1 << 20) -> None:
        self.data = data
        self.step = step

    async def read(self, n=None):
        await trio.lowlevel.checkpoint()
        size = min(self.step, len(self.data) if n is None else n)
        piece, self.data = self.data[:size], self.data[size:]
        return piece


async def test_multistream_text_that_is_no_utf8():
    async def read():
        return await MultiselectCommunicator(Pipe(encode_delim(b"\xff\xfe"))).read()

    with without("multistream_message"), pytest.raises(UnicodeDecodeError):
        await read()
    with patched(), pytest.raises(MultiselectCommunicatorError):
        await read()


async def test_multistream_names_without_end():
    endless = encode_delim(b"x" * 1_000_000)

    async def read():
        return await MultiselectCommunicator(Pipe(endless)).read()

    with without("multistream_message"):
        assert len(await read()) == 1_000_000
    with patched(), pytest.raises(MultiselectCommunicatorError):
        await read()


async def test_messages_that_arrive_in_many_pieces():
    async def read():
        framed = msgio.encode_msg_with_length(b"x" * 500, 2)

        class Reader(msgio.FixedSizeLenMsgReadWriter):
            size_len_bytes = 2

        return await Reader(Pipe(framed, step=1)).read_msg()

    with without("short_reads"), pytest.raises(IncompleteReadError):
        await read()
    with patched():
        assert await read() == b"x" * 500


async def test_messages_that_have_arrived_together():
    class Reader(msgio.FixedSizeLenMsgReadWriter):
        size_len_bytes = 2

    class Turns(trio.abc.Instrument):
        count = 0

        def before_task_step(self, task):
            self.count += task is reading

    async def turns():
        async with (
            await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1]) as ours,
            await listener.accept() as theirs,
        ):
            sent = [bytes([number]) * 100 for number in range(10)]
            await theirs.send_all(b"".join(msgio.encode_msg_with_length(one, 2) for one in sent))
            counted, reader = Turns(), Reader(TrioTCPStream(ours))
            trio.lowlevel.add_instrument(counted)
            assert [await reader.read_msg() for _ in sent] == sent
            trio.lowlevel.remove_instrument(counted)
            return counted.count

    reading = trio.lowlevel.current_task()
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        with without("turns_for_each_message"):
            assert await turns() >= 40
        with patched():
            assert await turns() <= 4


async def test_the_remote_address_of_an_ipv6_connection():
    async def remote_address():
        async with await trio.open_tcp_stream("::1", listener.socket.getsockname()[1]) as stream:
            return TrioTCPStream(stream).get_remote_address()

    (listener,) = await trio.open_tcp_listeners(0, host="::1")
    async with listener:
        with without("ipv6_remote_address"):
            assert await remote_address() is None
        with patched():
            assert await remote_address() == ("::1", listener.socket.getsockname()[1])


def test_bursts_of_gossip():
    def accepted():
        queue = pubsub.RpcQueue()
        return sum(queue.push(object()) for _ in range(1000))

    with without("gossip_burst_loss"):
        assert accepted() == 32
    with patched():
        assert accepted() == 1000


async def test_gossip_collects_our_addresses_for_every_rpc(opened):
    network = await opened()
    collected = []
    network.host.get_addrs = lambda: collected.append(1) or []

    def made_for_three_rpcs():
        collected.clear()
        for _ in range(3):
            pubsub.env_to_send_in_RPC(network.host)
        return len(collected)

    with without("gossip_record_cost"):
        assert made_for_three_rpcs() >= 3
    with patched():
        made_for_three_rpcs()
        assert made_for_three_rpcs() == 0


async def test_a_peer_that_says_too_much_of_itself():
    addresses = [Multiaddr(f"/ip4/192.0.2.1/tcp/{n}").to_bytes() for n in range(1, 300)]
    claims = Identify(listen_addrs=addresses, protocols=[f"/{n}" for n in range(1000)])
    peer = peer_id_of(DeviceId(b"\x07" * 32))

    async def remembered():
        peerstore = PeerStore()
        await basic_host.update_peerstore_from_identify(peerstore, peer, claims)
        return len(peerstore.addrs(peer)), len(peerstore.get_protocols(peer))

    with without("identify_flood"):
        assert await remembered() == (299, 1000)
    with patched():
        assert await remembered() == (16, 128)


class Idle(Service):
    async def run(self):
        await trio.sleep_forever()


async def test_a_failing_task_of_a_service():
    async def fail():
        raise ValueError("a peer's fault")

    async def survives():
        async with background_trio_service(Idle()) as manager:
            manager.run_task(fail)
            await trio.testing.wait_all_tasks_blocked()
            return manager.is_running and not manager.is_cancelled

    with without("service_task_error"), pytest.raises(ExceptionGroup):
        await survives()
    with patched():
        assert await survives()


async def test_work_that_arrives_while_a_service_stops():
    async def late_work():
        async with background_trio_service(Idle()) as manager:
            await manager.stop()
            manager.run_task(trio.sleep, 0)

    with without("late_service_task"), pytest.raises(ExceptionGroup):
        await late_work()
    with patched():
        await late_work()


async def test_a_failing_stream_handler_of_libp2ps_own(opened, deadline):
    async def fail(stream):
        raise ValueError("a peer's fault")

    alice, bob = await opened(), await opened()
    bob.host.set_stream_handler(TProtocol("/fail/1"), fail)

    async def is_served_afterwards():
        await alice.connect(bob.device, bob.advertised())
        peer = peer_id_of(bob.device)
        await alice.host.new_stream(peer, [TProtocol("/fail/1")])
        with trio.move_on_after(1) as scope:
            await alice.host.new_stream(peer, [TProtocol("/ipfs/ping/1.0.0")])
        await alice.disconnect(bob.device)
        return not scope.cancelled_caught

    with deadline():
        with without("stream_handler_error"):
            assert not await is_served_afterwards()
        with patched():
            assert await is_served_afterwards()


def test_installing_twice_changes_nothing():
    install()
    once = [vars(r.owner)[r.name] for replacements in PATCHES.values() for r in replacements]
    install()
    assert once == [vars(r.owner)[r.name] for replacements in PATCHES.values() for r in replacements]
