"""Arbitrary bytes on every stream that a stranger can reach, layer by layer.

What libp2p decodes may raise (the layers above contain that); what is ours may end a connection, but
never raises, hangs, or keeps what it was given.
"""

from __future__ import annotations

import contextlib
import logging

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from libp2p.crypto import ed25519, x25519
from libp2p.crypto.keys import KeyPair
from libp2p.custom_types import TProtocol
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.protocol_muxer.exceptions import MultiselectError
from libp2p.protocol_muxer.multiselect import Multiselect
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.pubsub.pb import rpc_pb2
from libp2p.security.noise.transport import Transport as Noise
from libp2p.utils import encode_delim
from libp2p.utils.varint import encode_varint_prefixed

from p2pchat.core.ids import DeviceId
from p2pchat.errors import ProtocolError
from p2pchat.net.config import Limits
from p2pchat.net.guard import Guard
from p2pchat.net.patches import install
from p2pchat.net.peers import peer_id_of
from p2pchat.net.pubsub import _take_rpc
from p2pchat.net.yamux import wire
from p2pchat.net.yamux.connection import YamuxConnection
from p2pchat.testing.decoders import Wire

PEER = peer_id_of(DeviceId(b"\x07" * 32))
MULTISTREAM = encode_delim(b"/multistream/1.0.0")

pieces = st.lists(st.binary(max_size=200), max_size=10)
names = st.one_of(st.binary(max_size=40), st.sampled_from([b"ls", b"na", b"/multistream/1.0.0", b"/a/1"]))
negotiations = st.lists(names.map(encode_delim) | st.binary(max_size=20), max_size=8).map(b"".join)

small_ids = st.integers(0, 7)
flags = st.integers(0, 15)
frames = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda flags, stream, body: wire.header(wire.DATA, flags, stream, len(body)) + body,
        flags,
        small_ids,
        st.binary(max_size=100),
    ),
    st.builds(wire.header, st.integers(0, 3), flags, small_ids, st.integers(0, 2**20)),
    st.builds(
        lambda stream: wire.header(wire.WINDOW_UPDATE, wire.SYN, stream, 0), st.sampled_from([1, 3, 5])
    ),
)

topics = st.sampled_from(["t", "", "x" * 200])
rpcs = st.builds(
    lambda publish, subscribe, rest: (
        rpc_pb2.RPC(
            publish=[
                rpc_pb2.Message(
                    data=data, topicIDs=[topic], from_id=author, seqno=b"1", key=key, signature=key
                )
                for data, topic, author, key in publish
            ],
            subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=yes, topicid=topic) for yes, topic in subscribe],
        ).SerializeToString()
        + rest
    ),
    st.lists(
        st.tuples(st.binary(max_size=20), topics, st.binary(max_size=40), st.binary(max_size=40)), max_size=4
    ),
    st.lists(st.tuples(st.booleans(), topics), max_size=4),
    st.binary(max_size=20),
)


@pytest.fixture(autouse=True, scope="module")
def _patched():
    install()


@given(negotiations)
@example(MULTISTREAM + b"\xff" * 12)
@example(MULTISTREAM + encode_delim(b"\xff\xfe"))
@settings(deadline=None)
def test_multistream(data):
    async def negotiate():
        muxer = Multiselect({TProtocol("/a/1"): None})
        with trio.fail_after(5):
            with contextlib.suppress(MultiselectError):
                await muxer.negotiate(MultiselectCommunicator(Wire(data)), 5)

    trio.run(negotiate)


@given(pieces)
@settings(deadline=None)
def test_noise(data):
    private = ed25519.Ed25519PrivateKey.from_bytes(b"\x01" * 32)
    noise = Noise(
        KeyPair(private, private.get_public_key()), noise_privkey=x25519.create_new_key_pair().private_key
    )
    framed = b"".join(len(piece).to_bytes(2, "big") + piece for piece in data)

    async def shake():
        with trio.fail_after(5), pytest.raises(Exception):  # noqa: B017, PT011
            await noise.secure_inbound(RawConnection(Wire(framed), False))

    trio.run(shake)


@given(st.lists(frames, max_size=30).map(b"".join))
@settings(deadline=None)
def test_yamux(data):
    guard = Guard(Limits(streams_per_connection=2), clock=lambda: 0.0)
    failures = []
    logger = logging.getLogger("p2pchat.net.yamux.connection")
    handler = logging.Handler(logging.ERROR)
    handler.emit = failures.append

    async def serve():
        connection = YamuxConnection(guard, Wire(data), PEER)
        with trio.fail_after(5):
            await connection.start()
        assert connection.is_closed
        assert not connection._streams
        assert connection._inbound == 0

    logger.addHandler(handler)
    try:
        trio.run(serve)
    finally:
        logger.removeHandler(handler)
    assert failures == []
    assert guard.unread == 0


@given(
    st.lists(st.one_of(rpcs.map(encode_varint_prefixed), st.binary(max_size=20)), max_size=6).map(b"".join)
)
def test_gossip_lengths(data):
    buffer = bytearray(data)
    try:
        while (rpc := _take_rpc(buffer)) is not None:
            assert len(rpc) <= len(data)
    except ProtocolError:
        pass


async def test_gossip_messages(opened, deadline):
    """Garbage within well-formed lengths reaches the handler of a running node; see also test_attacks."""
    alice, bob = await opened(), await opened()
    await alice.connect(bob.device, bob.advertised())
    pubsub = bob._gossip._pubsub
    attempts = 300

    @given(rpcs)
    @settings(max_examples=attempts, deadline=None, database=None)
    def collect(rpc):
        collected.append(rpc)

    collected: list[bytes] = []
    collect()
    with deadline():
        async with bob.join("t", lambda payload: True):
            for rpc in collected:
                try:
                    await pubsub._handle_rpc(alice.host.get_id(), rpc)
                except Exception as error:
                    assert not isinstance(error, AssertionError | AttributeError | NameError)  # noqa: PT017
            assert pubsub.manager.is_running
            assert not pubsub.manager.is_cancelled
            await bob.ping(alice.device)
