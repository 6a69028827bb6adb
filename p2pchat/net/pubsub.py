"""libp2p's pubsub and gossip router, made to survive their peers.

Faults of libp2p 0.8.1 that these subclasses remove, each shown in tests/net/test_pubsub.py:

* garbage protobuf, a junk public key, or a validator that raises ends the service, and so the host;
* each message runs in a task of its own, so that order is lost and a flood makes tasks without bound;
* length prefixes are read byte by byte, and each read costs a window update;
* the names of the topics that a peer subscribes to are kept whatever their length;
* sequence numbers start at the time in seconds and collide after a restart that follows a burst;
* a notice (IDONTWANT) is sent for each message, though for small ones it costs more than it saves;
* a notice (IDONTWANT) is sent for each message, though for small ones it costs more than it saves;
* GRAFTs and IHAVEs meant for one peer are sent to the next ones as well, with the names of their topics.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import trio
from libp2p.host.basic_host import BasicHost
from libp2p.io.exceptions import IOException
from libp2p.network.stream.exceptions import StreamError
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
_MOST_STREAMS: Final = 2  # gossip streams from one peer: the one in use and its successor
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


class SafePubsub(Pubsub):
    """Pubsub whose peers can at most get themselves dropped."""

    def __init__(self, host: BasicHost, router: GossipSub, guard: Guard) -> None:
        super().__init__(
            host, router, max_subscriptions_per_rpc=_MOST_TOPICS, max_subscriptions_per_peer=_MOST_TOPICS
        )
        self.receivers: dict[str, Callable[[bytes], None]] = {}
        self.counter = time.time_ns()  # sequence numbers: ahead of any that we used before
        self._guard = guard
        self._inbound: Counter[ID] = Counter()

    @property
    def is_congested(self) -> bool:
        """Whether RPCs are produced faster than some peer takes them."""
        return any(len(queue) > _LONG_QUEUE for queue in self.peer_queues.values())

    async def stream_handler(self, stream: Any) -> None:
        """Serve one peer's gossip stream until it ends or breaks the protocol."""
        peer = stream.muxed_conn.peer_id
        if self._inbound[peer] >= _MOST_STREAMS:
            self._guard.drop("too many gossip streams", peer)
            await stream.reset()
            return
        self._inbound[peer] += 1
        try:
            await self.continuously_read_stream(stream)
        except (StreamError, IOException) as error:
            logger.debug("The gossip stream of %s ended: %s", peer, type(error).__name__)
        except Exception as error:
            self._guard.drop("gossip garbage", f"{peer} ({type(error).__name__})")
            self._guard.offend(device_of(peer), "gossip garbage", _host_of(stream))
            self._handle_dead_peer(peer)
        finally:
            await stream.reset()
            self._inbound[peer] -= 1
            if not self._inbound[peer]:
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
        """Send what is queued for a peer, all of it with one write."""
        try:
            while (rpc := await queue.pop()) is not None:
                encoded = [encode_varint_prefixed(rpc.SerializeToString())]
                size = len(encoded[0])
                while size < WRITE_SIZE and len(queue) and (rpc := await queue.pop()) is not None:
                    encoded.append(encode_varint_prefixed(rpc.SerializeToString()))
                    size += len(encoded[-1])
                await stream.write(b"".join(encoded))
        except StreamError as error:
            logger.debug("Gossip to %s ended: %s", peer_id, type(error).__name__)
            self._handle_dead_peer(peer_id)

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
