"""The messages of /rendezvous/1.0.0, and the one namespace that each device has.

Specification: https://github.com/libp2p/specs/blob/master/rendezvous/README.md. libp2p 0.8.1 has an older
form of it, whose registrations carry no signed record; so the messages are described here.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from libp2p.custom_types import TProtocol
from libp2p.peer.envelope import consume_envelope, seal_record
from libp2p.peer.id import ID
from libp2p.peer.peer_record import PeerRecord
from multiaddr import Multiaddr

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import tagged_hash
from p2pchat.errors import ProtocolError
from p2pchat.net.peers import device_of

PROTOCOL: Final = TProtocol("/rendezvous/1.0.0")
MAX_RECORD: Final = 2048  # bytes of a signed record
MAX_REQUEST: Final = MAX_RECORD + 512
MAX_FOUND: Final = 8  # registrations in an answer
MAX_ANSWER: Final = MAX_FOUND * (MAX_RECORD + 256) + 256
MAX_ADDRESSES: Final = 8

REGISTER, REGISTER_RESPONSE, UNREGISTER, DISCOVER, DISCOVER_RESPONSE = range(5)

OK: Final = 0
E_INVALID_NAMESPACE: Final = 100
E_INVALID_SIGNED_PEER_RECORD: Final = 101
E_INVALID_TTL: Final = 102
E_INVALID_COOKIE: Final = 103
E_NOT_AUTHORIZED: Final = 200
E_UNAVAILABLE: Final = 400

_DOMAIN: Final = "libp2p-peer-record"
_Field = descriptor_pb2.FieldDescriptorProto
_NUMBER, _TEXT, _BYTES, _MESSAGE = (
    _Field.TYPE_UINT64,
    _Field.TYPE_STRING,
    _Field.TYPE_BYTES,
    _Field.TYPE_MESSAGE,
)
_SCHEMA: Final[dict[str, tuple[tuple[str, int], ...]]] = {  # fields in the order of their numbers
    "Register": (("ns", _TEXT), ("signed_peer_record", _BYTES), ("ttl", _NUMBER)),
    "RegisterResponse": (("status", _NUMBER), ("status_text", _TEXT), ("ttl", _NUMBER)),
    "Unregister": (("ns", _TEXT),),
    "Discover": (("ns", _TEXT), ("limit", _NUMBER), ("cookie", _BYTES)),
    "DiscoverResponse": (
        ("registrations", _MESSAGE),
        ("cookie", _BYTES),
        ("status", _NUMBER),
        ("status_text", _TEXT),
    ),
}


def _message_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="p2pchat/rendezvous.proto", package="p2pchat.rendezvous")
    for name, parts in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(parts, 1):
            one = message.field.add(name=field, number=number, type=kind, label=_Field.LABEL_OPTIONAL)
            if kind == _MESSAGE:
                one.label, one.type_name = _Field.LABEL_REPEATED, ".p2pchat.rendezvous.Register"
    message = file.message_type.add(name="Message")
    message.field.add(name="type", number=1, type=_NUMBER, label=_Field.LABEL_OPTIONAL)
    bodies = ("register", "register_response", "unregister", "discover", "discover_response")
    for number, (body, kind_name) in enumerate(zip(bodies, _SCHEMA, strict=True), 2):
        message.field.add(
            name=body,
            number=number,
            type=_MESSAGE,
            type_name=f".p2pchat.rendezvous.{kind_name}",
            label=_Field.LABEL_OPTIONAL,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("p2pchat.rendezvous.Message"))


Message: Final[Any] = _message_class()


def namespace_of(network: str, psk: bytes | None, device: DeviceId) -> str:
    """The only namespace in which `device` registers: 64 hex digits that name neither it nor the network."""
    return tagged_hash("rendezvous", network.encode(), psk or b"", device).hex()


def sign_record(private_key: Any, peer: ID, addresses: list[str], seq: int) -> bytes:
    """The libp2p peer record of `peer` in its signed envelope; `seq` grows from record to record."""
    record = PeerRecord(peer, [Multiaddr(address) for address in addresses[:MAX_ADDRESSES]], seq)
    signed: bytes = seal_record(record, private_key).marshal_envelope()
    return signed


def open_record(signed: bytes) -> tuple[DeviceId, int, list[str]]:
    """Device, sequence number and addresses of a signed record.

    Raises:
        ProtocolError: too large, malformed, or not signed by the peer that it describes.
    """
    if len(signed) > MAX_RECORD:
        raise ProtocolError(f"a peer record of {len(signed)} bytes")
    try:
        envelope, record = consume_envelope(signed, _DOMAIN)
        if ID.from_pubkey(envelope.public_key) != record.peer_id:
            raise ValueError("signed by another")
        addresses = [str(address) for address in record.addrs]
        device = device_of(record.peer_id)
    except ProtocolError:
        raise
    except Exception as error:  # protobuf, multiaddr and the key classes raise a dozen kinds
        raise ProtocolError(f"not a signed peer record ({type(error).__name__})") from error
    if len(addresses) > MAX_ADDRESSES:
        raise ProtocolError(f"a peer record of {len(addresses)} addresses")
    return device, int(record.seq), addresses
