"""One entry of a log: a signed header, and a body that the header names by its hash.

The header is a canonical CBOR array

    [1, conversation, device, seq, prev, parents, lamport, sent_ms, kind, body_hash]

and the entry's id is a tagged hash of the header's bytes. The device signs the id. The body travels
beside the header, so that it can be erased later (delete for all, disappearing messages) while the
chain behind and before it stays verifiable. `body_hash` is salted by the body's own content, so an
erased body cannot be confirmed by guessing.

- `seq` counts a device's entries in this conversation from 1 without gaps; `prev` is the id of its
  entry before. Two entries of one device with equal `seq` are an equivocation, and the pair of them
  is a proof that anyone can check.
- `parents` are the heads of the DAG that the author had seen, sorted; they give causal order.
- `lamport` is above every parent's; `sent_ms` (ms since 1970) is what the author's clock said and is
  never trusted for order (`order.py`).
- `conversation` is `NO_CONVERSATION` in the entry that founds a group: the group is named by that
  entry's hash, which the entry itself cannot hold.

On the wire an entry is the array [header, signature, body]; body is null once erased. docs/protocol/log.md
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from p2pchat.core import fields
from p2pchat.core.codec import MAX_BYTES, decode, encode
from p2pchat.core.ids import ConversationId, DeviceId, EntryId, GroupId
from p2pchat.core.keys import SIGNATURE_SIZE, SigningKey, tagged_hash, verify
from p2pchat.core.log.order import next_lamport
from p2pchat.errors import DecodeError, ProtocolError

VERSION: Final = 1
PURPOSE: Final = "log entry"
MAX_PARENTS: Final = 16  # a DAG with more heads is joined by referring to the newest of them
MAX_BODY: Final = 48 * 1024  # header and body stay below one gossip payload
MAX_HEADER: Final = 1024
MAX_KIND: Final = 32
NO_CONVERSATION: Final = ConversationId(bytes(ConversationId.size))
_LIMIT: Final = 1 << 53  # sequence numbers, Lamport times and milliseconds


@dataclass(frozen=True)
class Header:
    """What the author signs."""

    conversation: ConversationId
    device: DeviceId
    seq: int
    prev: EntryId | None
    parents: tuple[EntryId, ...]
    lamport: int
    sent_ms: int
    kind: str
    body_hash: bytes

    def encode(self) -> bytes:
        """The one encoding."""
        return encode(
            [
                VERSION,
                self.conversation,
                self.device,
                self.seq,
                self.prev,
                self.parents,
                self.lamport,
                self.sent_ms,
                self.kind,
                self.body_hash,
            ]
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The header whose encoding is `raw`.

        Raises:
            DecodeError: `raw` is malformed or breaks a rule that one entry alone can break.
        """
        value = decode(raw, limit=MAX_HEADER)
        version, conversation, device, seq, prev, parents, lamport, sent_ms, kind, body_hash = fields.array(
            value, 10
        )
        if fields.integer(version) != VERSION:
            raise DecodeError("unknown entry version")
        parent_ids = tuple(
            fields.identifier(parent, EntryId) for parent in fields.items(parents, most=MAX_PARENTS)
        )
        if list(parent_ids) != sorted(set(parent_ids)):
            raise DecodeError("parents must be sorted and distinct")
        header = cls(
            fields.identifier(conversation, ConversationId),
            fields.identifier(device, DeviceId),
            fields.integer(seq, low=1, high=_LIMIT),
            None if prev is None else fields.identifier(prev, EntryId),
            parent_ids,
            fields.integer(lamport, low=1, high=_LIMIT),
            fields.integer(sent_ms, high=_LIMIT),
            fields.text(kind, least=1, most=MAX_KIND),
            fields.blob(body_hash, least=32, most=32),
        )
        if (header.seq == 1) != (header.prev is None):
            raise DecodeError("the first entry of a chain, and only the first, has no predecessor")
        if header.conversation == NO_CONVERSATION and (header.seq > 1 or header.parents):
            raise DecodeError("an entry that founds a group refers to nothing")
        return header

    @property
    def referred(self) -> frozenset[EntryId]:
        """The entries that must be stored before this one: its predecessor and its parents."""
        return frozenset(self.parents if self.prev is None else (*self.parents, self.prev))


@dataclass(frozen=True)
class Entry:
    """A header, its signature, and its body if it is still there."""

    header: Header
    raw_header: bytes
    signature: bytes
    body: bytes | None

    @cached_property
    def id(self) -> EntryId:
        """The hash of the header: what other entries refer to."""
        return EntryId(tagged_hash("entry", self.raw_header))

    @property
    def conversation(self) -> ConversationId:
        """The log it belongs to: for the entry that founds a group, the group it founds."""
        return conversation_of(self.header, self.id)

    def encode(self) -> bytes:
        """The entry as it travels."""
        return encode([self.raw_header, self.signature, self.body])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The entry in `raw`: well-formed and its body fits its hash; the signature is not yet checked.

        Raises:
            DecodeError: it is not.
        """
        raw_header, signature, body = fields.array(decode(raw, limit=MAX_BYTES), 3)
        header_bytes = fields.blob(raw_header, most=MAX_HEADER)
        entry = cls(
            Header.decode(header_bytes),
            header_bytes,
            fields.blob(signature, least=SIGNATURE_SIZE, most=SIGNATURE_SIZE),
            None if body is None else fields.blob(body, most=MAX_BODY),
        )
        if entry.body is not None and hash_body(entry.body) != entry.header.body_hash:
            raise DecodeError("the body is not the one that was signed")
        return entry

    def verify(self) -> None:
        """Return if the device named in the header signed it.

        Raises:
            ProtocolError: it did not.
        """
        verify(self.header.device, PURPOSE, self.id, self.signature)

    def without_body(self) -> Self:
        """The same entry after its body was erased."""
        return type(self)(self.header, self.raw_header, self.signature, None)


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where a device's chain in one conversation ends."""

    seq: int
    id: EntryId


def conversation_of(header: Header, id: EntryId) -> ConversationId:
    """The log that the entry `id` with this header belongs to."""
    return GroupId(id) if header.conversation == NO_CONVERSATION else header.conversation


def hash_body(body: bytes) -> bytes:
    """The hash by which a header names its body."""
    return tagged_hash("body", body)


def author(
    key: SigningKey,
    conversation: ConversationId,
    *,
    chain: ChainHead | None,
    heads: tuple[EntryId, ...],
    lamport: int,
    sent_ms: int,
    kind: str,
    body: bytes,
) -> Entry:
    """A new signed entry behind `chain`, on top of `heads` (the newest first if there are many).

    `lamport` is that of the newest head (0 for the first entry of a log). `conversation` is
    `NO_CONVERSATION` to found a group.

    Raises:
        ProtocolError: the body is too large.
    """
    if len(body) > MAX_BODY:
        raise ProtocolError(f"a message may have at most {MAX_BODY} bytes")
    header = Header(
        conversation,
        DeviceId(key.public),
        chain.seq + 1 if chain else 1,
        chain.id if chain else None,
        tuple(sorted(set(heads[:MAX_PARENTS]))),
        next_lamport(lamport, sent_ms),
        sent_ms,
        kind,
        hash_body(body),
    )
    raw = header.encode()
    entry_id = EntryId(tagged_hash("entry", raw))
    return Entry(header, raw, key.sign(PURPOSE, entry_id), body)
