"""libp2p's pubsub and gossip router, made to survive their peers.

Faults of libp2p 0.8.1 that these subclasses remove, each shown in tests/net/test_pubsub.py:

* garbage protobuf, a junk public key, or a validator that raises ends the service, and so the host;
* each message runs in a task of its own, so that order is lost and a flood makes tasks without bound;
* length prefixes are read byte by byte, and each read costs a window update;
* the names of the topics that a peer subscribes to are kept whatever their length;
* sequence numbers start at the time in seconds and collide after a restart that follows a burst;
* a notice (IDONTWANT) is sent for each message, though for small ones it costs more than it saves;
* a stream that is given up stays open, and one that the peer has given up is noticed at the next message
  at the earliest, until when the peer, which has forgotten our topics, sends us nothing;
* GRAFTs and IHAVEs meant for one peer are sent to the next ones as well, with the names of their topics.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import trio
from libp2p.host.basic_host import BasicHost
from libp2p.io.exceptions import IOException
from libp2p.network.stream.exceptions import StreamEOF, StreamError
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, PROTOCOL_ID_V12, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.score import ScoreParams, TopicScoreParams
from libp2p.utils.varint import encode_varint_prefixed

from p2pchat.core.frames import WRITE_SIZE
from p2pchat.errors import ProtocolError
from p2pchat.net.guard import Guard
from p2pchat.net.peers import device_of
from p2pchat.net.protocols import GOSSIP_LIMIT
from p2pchat.net.streams import READ_SIZE

logger = logging.getLogger(__name__)

_RPC_LIMIT: Final = 1024 * 1024  # what libp2p itself splits at
_MOST_TOPICS: Final = 256  # subscriptions of one peer that we remember
_TOPIC_LIMIT: Final = 128  # bytes of a topic's name
_LONG_QUEUE: Final = 1024  # RPCs waiting for one peer; see patches.gossip_burst_loss for the most
_NOTICE_SIZE: Final = 1024  # bytes of a payload above which IDONTWANT saves more than it costs
_DEGREE: Final = (6, 4, 12)  # D, D_low, D_high of the GossipSub specification
_HEARTBEAT_S: Final = 1
_SCORE: Final = ScoreParams(  # only payloads that our validators refuse count: 20 at once, then 2 a second
    p4_invalid_messages=TopicScoreParams(weight=1.0, cap=100.0, decay=0.9),
    gossip_threshold=-10.0,  # an honest peer whose view differs for a moment stays above
    publish_threshold=-20.0,
    graylist_threshold=-40.0,
)
_PAUSE_S: Final = 1.0  # after an error in a heartbeat, so that a lasting one does not spin
_REOPEN_S: Final = (0.5, 60.0)  # first and longest pause before a stream that the peer has reset is replaced
_RESET_S: Final = 1.0
_LASTING_S: Final = 30.0  # a stream that lasted so long was a good one


class SafePubsub(Pubsub):
    """Pubsub whose peers can at most get themselves dropped."""

    def __init__(self, host: BasicHost, router: GossipSub, guard: Guard) -> None:
        super().__init__(
            host, router, max_subscriptions_per_rpc=_MOST_TOPICS, max_subscriptions_per_peer=_MOST_TOPICS
        )
        self.receivers: dict[str, Callable[[bytes], None]] = {}
        self.counter = time.time_ns()  # sequence numbers: ahead of any that we used before
        self._guard = guard
        self._inbound: dict[ID, trio.CancelScope] = {}
        self._pauses: dict[ID, float] = {}  # before the next stream to a peer that resets them

    @property
    def is_congested(self) -> bool:
        """Whether RPCs are produced faster than some peer takes them."""
        return any(len(queue) > _LONG_QUEUE for queue in self.peer_queues.values())

    async def stream_handler(self, stream: Any) -> None:
        """Serve one peer's gossip stream until it ends, breaks the protocol, or has a successor."""
        peer = stream.muxed_conn.peer_id
        former = self._inbound.get(peer)
        if former is not None:
            self._guard.counters["replaced_gossip_streams"] += 1
            former.cancel()
        scope = self._inbound[peer] = trio.CancelScope()
        try:
            with scope:
                await self.continuously_read_stream(stream)
        except (StreamError, IOException) as error:
            logger.debug("The gossip stream of %s ended: %s", peer, type(error).__name__)
        except Exception as error:
            self._guard.drop("gossip garbage", f"{peer} ({type(error).__name__})")
            self._guard.offend(device_of(peer), "gossip garbage", _host_of(stream))
            self._handle_dead_peer(peer)
        finally:
            await _let_go(stream)
            if self._inbound.get(peer) is scope:
                del self._inbound[peer]

    async def continuously_read_stream(self, stream: Any) -> None:
        """Handle RPCs in order, one at a time.

        Raises:
            Exception: whatever the peer's bytes provoke.
        """
        peer = stream.muxed_conn.peer_id
        buffer = bytearray()
        while data := await stream.read(READ_SIZE):
            buffer += data
            while (rpc := _take_rpc(buffer)) is not None:
                await self._handle_rpc(peer, rpc)

    async def _handle_rpc(self, peer: ID, encoded: bytes) -> None:
        rpc = rpc_pb2.RPC()
        rpc.ParseFromString(encoded)
        for message in rpc.publish:
            if len(message.topicIDs) == 1 and message.topicIDs[0] in self.receivers:
                if len(message.data) > GOSSIP_LIMIT:
                    raise ProtocolError(f"a gossip payload of {len(message.data)} bytes")
                await self.push_msg(peer, message)
        if len(rpc.subscriptions) > self.max_subscriptions_per_rpc:
            raise ProtocolError(f"{len(rpc.subscriptions)} subscriptions at once")
        for subscription in rpc.subscriptions:
            if len(subscription.topicid) <= _TOPIC_LIMIT:
                self.handle_subscription(peer, subscription)
        if rpc.HasField("control"):
            await self.router.handle_rpc(rpc, peer)

    async def handle_sending_messages(self, peer_id: ID, stream: Any, queue: Any) -> None:
        """Send what is queued for a peer until the queue is closed, or the peer has given up the stream."""
        began = trio.current_time()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, stream, nursery.cancel_scope)
                await self._send(stream, queue)
                nursery.cancel_scope.cancel()
        except* StreamError:
            logger.debug("Gossip to %s ended", peer_id)
        finally:
            await _let_go(stream)
            if trio.current_time() - began > _LASTING_S:
                self._pauses.pop(peer_id, None)
            if self.peers.get(peer_id) is stream:
                self._handle_dead_peer(peer_id)

    async def _send(self, stream: Any, queue: Any) -> None:
        """Write RPCs, all that are waiting with one write; returns when the queue is closed."""
        while (rpc := await queue.pop()) is not None:
            encoded = [encode_varint_prefixed(rpc.SerializeToString())]
            size = len(encoded[0])
            while size < WRITE_SIZE and len(queue) and (rpc := await queue.pop()) is not None:
                encoded.append(encode_varint_prefixed(rpc.SerializeToString()))
                size += len(encoded[-1])
            await stream.write(b"".join(encoded))

    async def _watch(self, stream: Any, sending: trio.CancelScope) -> None:
        """End `sending` when the peer resets the stream; on it the peer has nothing to say."""
        try:
            while await stream.read(READ_SIZE):
                pass
        except StreamEOF:  # the peer has closed its own direction, and reads on
            return
        except StreamError:
            sending.cancel()

    async def _peer_stream_retry_task(self, peer_id: ID) -> None:
        """Open a stream in place of one that ended while the connection stays, each time a little later."""
        first, longest = _REOPEN_S
        pause = self._pauses.get(peer_id, first)
        self._pauses[peer_id] = min(2 * pause, longest)
        await trio.sleep(pause * random.uniform(0.5, 1.5))
        await super()._peer_stream_retry_task(peer_id)

    def _handle_dead_peer(self, peer_id: ID) -> None:
        super()._handle_dead_peer(peer_id)
        if not self._peer_is_connected(peer_id):
            self._pauses.pop(peer_id, None)

    async def write_msg(self, stream: Any, rpc_msg: Any) -> bool:
        """Queue an RPC that py-libp2p would write beside the queue: two writers tear RPCs apart."""
        queue = self.peer_queues.get(stream.muxed_conn.peer_id)
        await trio.lowlevel.checkpoint()
        return queue is not None and queue.push(rpc_msg)

    def notify_subscriptions(self, publish_message: Any) -> None:
        """Hand a valid message of others to its topic's receiver."""
        receive = self.receivers.get(publish_message.topicIDs[0])
        if receive is not None and publish_message.from_id != self.my_id.to_bytes():
            receive(publish_message.data)


class SafeGossipSub(GossipSub):
    """The router, with a heart that does not stop."""

    _notice = True

    async def heartbeat(self) -> None:
        """Beat until cancelled, whatever a beat runs into."""
        while True:
            try:
                await super().heartbeat()
            except Exception:
                logger.exception("A gossip heartbeat failed")
                await trio.sleep(_PAUSE_S)

    async def publish(self, msg_forwarder: ID, pubsub_msg: Any) -> None:
        """Forward a valid message; notices that we have it are for large ones alone."""
        self._notice = len(pubsub_msg.data) >= _NOTICE_SIZE
        await super().publish(msg_forwarder, pubsub_msg)

    async def _emit_idontwant_for_message(self, msg_id: bytes, topic_ids: Any) -> None:
        if self._notice:
            await super()._emit_idontwant_for_message(msg_id, topic_ids)

    async def _emit_control_msgs(
        self, peers_to_graft: Any, peers_to_prune: Any, peers_to_gossip: Any
    ) -> None:
        for peer in {*peers_to_graft, *peers_to_prune, *peers_to_gossip}:
            gossip = peers_to_gossip.get(peer, {})
            control = self.pack_control_msgs(
                [rpc_pb2.ControlIHave(topicID=topic, messageIDs=ids) for topic, ids in gossip.items()],
                [rpc_pb2.ControlGraft(topicID=topic) for topic in peers_to_graft.get(peer, ())],
                [rpc_pb2.ControlPrune(topicID=topic) for topic in peers_to_prune.get(peer, ())],
            )
            await self.emit_control_message(control, peer)


def make_router() -> SafeGossipSub:
    """A GossipSub 1.1/1.2 router, without libp2p's own additions (its "2.0" loses honest messages)."""
    degree, low, high = _DEGREE
    return SafeGossipSub(
        protocols=[PROTOCOL_ID_V12, PROTOCOL_ID_V11],
        degree=degree,
        degree_low=low,
        degree_high=high,
        heartbeat_interval=_HEARTBEAT_S,
        spam_protection_enabled=False,
        eclipse_protection_enabled=False,
        adaptive_gossip_enabled=False,
        score_params=_SCORE,
    )


async def _let_go(stream: Any) -> None:
    """Reset `stream`, whatever became of it, also when we are cancelled."""
    with trio.move_on_after(_RESET_S) as scope, suppress(StreamError, IOException):
        scope.shield = True
        await stream.reset()


def _host_of(stream: Any) -> str | None:
    address = stream.get_remote_address()
    return address[0] if address else None


def _take_rpc(buffer: bytearray) -> bytes | None:
    """Remove the first length-prefixed RPC from `buffer`; None if it has not arrived whole.

    Raises:
        ProtocolError: its length is above the limit, or no length at all.
    """
    length = shift = 0
    for index, byte in enumerate(buffer[:4]):
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if length > _RPC_LIMIT:
                raise ProtocolError(f"a gossip RPC of {length} bytes")
            stop = index + 1 + length
            if len(buffer) < stop:
                return None
            rpc = bytes(buffer[index + 1 : stop])
            del buffer[:stop]
            return rpc
    if len(buffer) >= 4:  # 28 bits would be above the limit in any case
        raise ProtocolError("a gossip RPC without a length")
    return None
