"""Reading and writing protobuf messages of libp2p's protocols (relay, DCUtR, rendezvous) on a stream."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message
from libp2p.custom_types import TProtocol
from libp2p.exceptions import ParseError
from libp2p.io.exceptions import IOException, MessageTooLarge
from libp2p.relay.circuit_v2.pb import circuit_pb2
from libp2p.utils.varint import encode_varint_prefixed, read_varint_prefixed_bytes_limited

from p2pchat.errors import NetworkError, ProtocolError

HOP: Final = TProtocol("/libp2p/circuit/relay/0.2.0/hop")  # to the relay
STOP: Final = TProtocol("/libp2p/circuit/relay/0.2.0/stop")  # from the relay to the one who is called

MAX_MESSAGE: Final = 4096  # bytes, as in the specifications; a reservation with eight addresses has 600

M = TypeVar("M", bound=Message)

HopMessage: Any = circuit_pb2.HopMessage
StopMessage: Any = circuit_pb2.StopMessage
Status: Any = circuit_pb2.Status


async def read_message(stream: Any, kind: type[M], *, limit: int = MAX_MESSAGE) -> M:
    """The next message on `stream`, and not a byte more: what follows may be the circuit's own data.

    Raises:
        ProtocolError: too long, or not a message of `kind`.
        NetworkError: the stream ended or broke.
    """
    try:
        data = await read_varint_prefixed_bytes_limited(stream, limit)
    except (MessageTooLarge, ParseError) as error:
        raise ProtocolError("a message of an impossible length") from error
    except IOException as error:
        raise NetworkError("the stream ended before a whole message") from error
    message = kind()
    try:
        message.ParseFromString(data)
    except ProtobufError as error:
        raise ProtocolError(f"not a {kind.__name__}") from error
    return message


async def write_message(stream: Any, message: Message) -> None:
    """Send `message`; raises NetworkError if the stream is gone."""
    try:
        await stream.write(encode_varint_prefixed(message.SerializeToString()))
    except IOException as error:
        raise NetworkError("the stream is gone") from error
