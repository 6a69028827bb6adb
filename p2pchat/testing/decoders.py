"""Every decoder that a stranger's bytes reach, as functions of bytes, for fuzzers.

A target returns, or raises one of `DECLARED`; anything else is a fault. `scripts/fuzz.py` runs them under
libFuzzer, tests/net/test_decoders.py on changed seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import trio
from google.protobuf.message import DecodeError as ProtobufError
from libp2p.custom_types import TProtocol
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.peer.peerstore import PeerStore
from libp2p.protocol_muxer.exceptions import MultiselectError
from libp2p.protocol_muxer.multiselect import Multiselect
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.pubsub.pb import rpc_pb2

from p2pchat.config import NetworkFile
from p2pchat.core import codec, content
from p2pchat.core.direct import frames as direct
from p2pchat.core.direct import items
from p2pchat.core.files import chunks
from p2pchat.core.files import frames as file_frames
from p2pchat.core.files.names import MAX_NAME, safe_name
from p2pchat.core.frames import FrameDecoder
from p2pchat.core.group import encoding as group
from p2pchat.core.group import knock
from p2pchat.core.group.link_text import GroupLink
from p2pchat.core.group.veil import unveil
from p2pchat.core.identity import Card, DeviceCertificate
from p2pchat.core.ids import DeviceId
from p2pchat.core.invite import InviteLink
from p2pchat.core.ledger import bundle, entry, expense, holdings, offers, order, probe
from p2pchat.core.log.entry import Entry
from p2pchat.core.mailbox import carried
from p2pchat.core.mailbox import frames as mailbox
from p2pchat.core.ratchet.bundle import PrekeyBundle
from p2pchat.core.ratchet.envelope import Envelope
from p2pchat.core.ratchet.megolm import SenderKey
from p2pchat.core.ratchet.olm import PrekeyMessage
from p2pchat.core.sync import frames as sync
from p2pchat.errors import P2PChatError, ProtocolError
from p2pchat.net.config import Limits
from p2pchat.net.dht import messages as table
from p2pchat.net.guard import Guard
from p2pchat.net.nat.holepunch import HolePunch
from p2pchat.net.patches import identify_flood, install
from p2pchat.net.peers import parse_address, peer_id_of
from p2pchat.net.pubsub import _take_rpc
from p2pchat.net.relay.wire import HopMessage, StopMessage, read_message
from p2pchat.net.rendezvous import wire as rendezvous
from p2pchat.net.yamux.connection import YamuxConnection

DECLARED: Final = (P2PChatError, ProtobufError, MultiselectError)
Target = Callable[[bytes], object]

_PEER: Final = peer_id_of(DeviceId(b"\x07" * 32))


class Wire:
    """A connection whose other end says `data` and then hangs up."""

    is_initiator = False

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, n: int | None = None) -> bytes:
        """As libp2p's connections read."""
        await trio.lowlevel.checkpoint()
        size = len(self._data) if n is None else n
        piece, self._data = self._data[:size], self._data[size:]
        if n is None and not piece:
            raise ConnectionClosedError("closed")
        return piece

    async def write(self, data: bytes) -> None:
        """Nobody reads it."""
        await trio.lowlevel.checkpoint()

    async def close(self) -> None:
        """Nothing to close."""
        await trio.lowlevel.checkpoint()

    def get_remote_address(self) -> tuple[str, int]:
        """An address from afar."""
        return "192.0.2.7", 4001


def _multistream(data: bytes) -> None:
    async def negotiate() -> None:
        muxer = Multiselect({TProtocol("/a/1"): None})
        await muxer.negotiate(MultiselectCommunicator(Wire(data)), 5)

    trio.run(negotiate)


def _yamux(data: bytes) -> None:
    async def serve() -> None:
        guard = Guard(Limits(streams_per_connection=2), clock=lambda: 0.0)
        connection = YamuxConnection(guard, Wire(data), _PEER)
        with trio.fail_after(5):
            await connection.start()
        assert connection.is_closed
        assert guard.unread == 0

    trio.run(serve)


def _identify(data: bytes) -> None:
    message = Identify()
    message.ParseFromString(data)
    trio.run(identify_flood._update, PeerStore(), _PEER, message)


def _gossip(data: bytes) -> None:
    buffer = bytearray(data)
    while (encoded := _take_rpc(buffer)) is not None:
        rpc_pb2.RPC().ParseFromString(encoded)


def _message_of(kind: Any, limit: int) -> Target:
    return lambda data: trio.run(lambda: read_message(Wire(data), kind, limit=limit))


def _framed(data: bytes) -> None:
    decoder = FrameDecoder(1000)
    for start in range(0, len(data), 7):
        decoder.feed(data[start : start + 7])
        assert decoder.buffered <= 1000 + 4


def _file_name(text: str) -> None:
    name = safe_name(text)
    assert name == safe_name(name)
    assert 0 < len(name.encode()) <= MAX_NAME
    assert not name.startswith((".", "-", "~"))
    assert not set(name) & set('/\\<>:"|?*\0')


def _file_chunk(data: bytes) -> None:
    """Nothing but the chunk itself passes for it, and nothing else opens."""
    sealed = chunks.seal(b"k" * 32, 5, 0, b"hello")
    if data != sealed:
        with suppress(ProtocolError):
            chunks.unseal(b"k" * 32, 5, 0, data)
            raise AssertionError("something opened that was never sealed")
    chunks.check_chunk(5, chunks.hash_of(sealed), 0, data)
    assert data == sealed


def _text(parse: Callable[[str], object]) -> Target:
    return lambda data: parse(data.decode(errors="surrogateescape"))


TARGETS: Final[dict[str, Target]] = {
    "multistream": _multistream,
    "yamux": _yamux,
    "identify": _identify,
    "gossip": _gossip,
    "carried": carried.Carried.decode,
    "gossip-payload": lambda data: unveil(b"s" * 32, data),
    "relay-hop": _message_of(HopMessage, 4096),
    "relay-stop": _message_of(StopMessage, 4096),
    "holepunch": _message_of(HolePunch, 4096),
    "rendezvous": _message_of(rendezvous.Message, rendezvous.MAX_ANSWER),
    "rendezvous-record": rendezvous.open_record,
    "table-request": table.decode_request,
    "table-answer": table.decode_found,
    "frames": _framed,
    "cbor": codec.decode,
    "hello-question": direct.Hello.decode_question,
    "hello-answer": direct.Hello.decode_answer,
    "direct": direct.decode_frame,
    "typing": direct.decode_typing,
    "items": items.decode_items,
    "contact-request": items.ContactRequest.decode,
    "receipt": items.Receipt.decode,
    "group-invite": items.GroupInvite.decode,
    "keys-wanted": items.KeysWanted.decode,
    "card": Card.decode,
    "certificate": DeviceCertificate.decode,
    "envelope": Envelope.decode,
    "bundle": PrekeyBundle.decode,
    "olm": PrekeyMessage.parse,
    "sender-key": SenderKey.decode,
    "sync": sync.decode_frame,
    "entry": Entry.decode,
    "content": content.decode_content,
    "file-question": file_frames.decode_ask,
    "file-answer": file_frames.decode_answer,
    "file-name": _text(_file_name),
    "file-chunk": _file_chunk,
    "group-operation": group.decode_operation,
    "knock": knock.Knock.decode,
    "knock-answer": knock.decode_answer,
    "mailbox-question": mailbox.decode_question,
    "mailbox-answer": mailbox.decode_answer,
    "ledger-entry": entry.decode,
    "ledger-bundle": bundle.decode,
    "ledger-expense": expense.decode,
    "ledger-order": order.decode,
    "ledger-probe": probe.decode,
    "ledger-holdings": holdings.decode,
    "ledger-ask": offers.decode_ask,
    "ledger-answer": offers.decode_answer,
    "ledger-swap": offers.decode_swap,
    "invite-link": _text(InviteLink.parse),
    "group-link": _text(GroupLink.parse),
    "network-link": _text(NetworkFile.parse),
    "address": _text(parse_address),
}


def run(name: str, data: bytes) -> bool:
    """Give `data` to a target; whether it was taken. Raises what is a fault."""
    install()
    with suppress(*DECLARED):
        TARGETS[name](data)
        return True
    return False


__all__ = ["DECLARED", "TARGETS", "ProtocolError", "Target", "Wire", "run"]
