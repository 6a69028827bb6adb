"""The items that an envelope carries, sealed, from one device to another.

An envelope's plaintext is the array [1, [[kind, payload], ...]]. Each kind is idempotent, so that an
envelope that comes twice by different ways changes nothing the second time. Kinds that this version does
not know are acknowledged and ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from p2pchat.core import fields
from p2pchat.core.codec import MAX_BYTES, decode, encode
from p2pchat.core.direct.frames import EnvelopeId
from p2pchat.core.identity import MAX_CARD, MAX_CERTIFICATE, MAX_NAME
from p2pchat.core.ids import ConversationId, DeviceId, EntryId, GroupId, Id
from p2pchat.core.invite import SECRET_SIZE
from p2pchat.errors import DecodeError

VERSION: Final = 1
MAX_ITEMS: Final = 256
MAX_PLAINTEXT: Final = 128 * 1024  # of one envelope
MAX_GREETING: Final = 500
MAX_AUTHORS: Final = 128  # devices that two persons ever wrote from to each other
MAX_RECEIPTS: Final = 512  # envelopes in one receipt

ENTRY: Final = "entry"  # an entry of the pair's log, encoded
REQUEST: Final = "request"  # ContactRequest
ACCEPT: Final = "accept"  # a card: the request is accepted
CARD: Final = "card"  # a newer card
READ: Final = "read"  # ReadMark
LOG_WANTED: Final = "log.wanted"  # LogWanted
LOG_AUTHORS: Final = "log.authors"  # certificates of devices, as encode_authors makes it
RECEIPT: Final = "receipt"  # Receipt
INTRODUCTION: Final = "introduction"  # the card of another contact of the sender
LEDGER_HEADS: Final = "ledger.heads"  # what the sender holds of our accounts, as ledger.holdings makes it
LEDGER_FORK: Final = "ledger.fork"  # a bundle that proves a forked chain of one of us
CIRCLE_ORDER: Final = "circle.order"  # ledger.order: how a hold goes on
CIRCLE_PROBE: Final = "circle.probe"  # ledger.probe: a token that looks for a circle of debts
CIRCLE_CANCEL: Final = "circle.cancel"  # please end a circulation
CIRCLE_ASK: Final = "circle.ask"  # please make me an invoice
CIRCLE_INVOICE: Final = "circle.invoice"  # the answer
CIRCLE_SWAP: Final = "circle.swap"  # one unit for another, both or neither
DEBTS_WANTED: Final = "debts.wanted"  # ledger.group_debts: what stands between a group's members
DEBTS: Final = "debts"  # the answer
DEBTS_CIRCLE: Final = "debts.circle"  # please begin to clear this circle
GROUP_INVITE: Final = "group.invite"  # GroupInvite
GROUP_KEY: Final = "group.key"  # ratchet.megolm.SenderKey
GROUP_KEY_WANTED: Final = "group.key-wanted"  # KeysWanted
GROUP_READ: Final = "group.read"  # ReadMark: of the chain of the device that it is for


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be delivered to a device."""

    kind: str
    payload: bytes


def about_same(payload: bytes) -> bytes:
    """What a payload that is an array has in common with others whose first item is the same id."""
    return payload[: 1 + len(encode(bytes(Id.size)))]


def encode_items(items: list[Item]) -> bytes:
    """The plaintext of an envelope."""
    return encode([VERSION, [[item.kind, item.payload] for item in items]])


def decode_items(plaintext: bytes) -> list[Item]:
    """The items of an envelope.

    Raises:
        DecodeError: malformed, too large, or of a version that cannot be read.
    """
    version, values = fields.array(decode(plaintext, limit=MAX_PLAINTEXT), 2)
    if fields.integer(version) != VERSION:
        raise DecodeError("unknown envelope version")
    return [_item(value) for value in fields.items(values, most=MAX_ITEMS)]


def _item(value: fields.Value) -> Item:
    kind, payload = fields.array(value, 2)
    return Item(fields.text(kind, least=1, most=32), fields.blob(payload, most=MAX_BYTES))


@dataclass(frozen=True, slots=True)
class ContactRequest:
    """A stranger asks to be a contact."""

    card: bytes
    secret: bytes  # of the invite link, or zeros
    greeting: str

    def encode(self) -> bytes:
        """The payload of a REQUEST item."""
        return encode([self.card, self.secret, self.greeting])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The request in `raw`; the card is not yet checked. Raises DecodeError."""
        card, secret, greeting = fields.array(decode(raw, limit=2 * MAX_CARD), 3)
        return cls(
            fields.blob(card, most=MAX_CARD),
            fields.blob(secret, least=SECRET_SIZE, most=SECRET_SIZE),
            fields.text(greeting, most=MAX_GREETING),
        )


@dataclass(frozen=True, slots=True)
class ReadMark:
    """Everything up to this entry of the conversation was shown to the person."""

    conversation: ConversationId
    entry: EntryId

    def encode(self) -> bytes:
        """The payload of a READ item."""
        return encode([self.conversation, self.entry])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The mark in `raw`. Raises DecodeError."""
        conversation, entry = fields.array(decode(raw, limit=256), 2)
        return cls(fields.identifier(conversation, ConversationId), fields.identifier(entry, EntryId))


@dataclass(frozen=True, slots=True)
class LogWanted:
    """Please send what you hold of our log beyond these heights: I lost what I had of it."""

    conversation: ConversationId
    heights: tuple[tuple[DeviceId, int], ...]  # the highest number that I hold of each device

    def encode(self) -> bytes:
        """The payload of a LOG_WANTED item."""
        return encode([self.conversation, [[device, height] for device, height in self.heights]])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The wish in `raw`. Raises DecodeError."""
        conversation, heights = fields.array(decode(raw, limit=8192), 2)
        pairs = [fields.array(pair, 2) for pair in fields.items(heights, most=MAX_AUTHORS)]
        return cls(
            fields.identifier(conversation, ConversationId),
            tuple((fields.identifier(device, DeviceId), fields.integer(height)) for device, height in pairs),
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of envelopes that came by a mailbox, where nobody could answer at once."""

    taken: tuple[EnvelopeId, ...]  # committed here
    unreadable: tuple[EnvelopeId, ...]  # no session opens them: seal what they hold anew

    def encode(self) -> bytes:
        """The payload of a RECEIPT item."""
        return encode([list(self.taken), list(self.unreadable)])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The receipt in `raw`. Raises DecodeError."""
        taken, unreadable = (
            tuple(
                EnvelopeId(fields.blob(id, least=32, most=32))
                for id in fields.items(value, most=MAX_RECEIPTS)
            )
            for value in fields.array(decode(raw), 2)
        )
        return cls(taken, unreadable)


def encode_authors(certificates: list[bytes]) -> bytes:
    """The payload of a LOG_AUTHORS item: whose the devices are that wrote what follows."""
    return encode(certificates)


def decode_authors(raw: bytes) -> list[bytes]:
    """The certificates in `raw`, not yet checked. Raises DecodeError."""
    values = fields.items(decode(raw), most=MAX_AUTHORS)
    return [fields.blob(value, most=MAX_CERTIFICATE) for value in values]


@dataclass(frozen=True, slots=True)
class GroupInvite:
    """Come into this group: what is needed to find its members and read its gossip."""

    group: GroupId
    name: str
    secret: bytes  # 32 bytes shared by the members: names the gossip topic and veils its payloads
    genesis: bytes  # the create entry, encoded: its hash is the group's id

    def encode(self) -> bytes:
        """The payload of a GROUP_INVITE item."""
        return encode([self.group, self.name, self.secret, self.genesis])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The invitation in `raw`; the genesis is not yet checked. Raises DecodeError."""
        group, name, secret, genesis = fields.array(decode(raw), 4)
        return cls(
            fields.identifier(group, GroupId),
            fields.text(name, least=1, most=MAX_NAME),
            fields.blob(secret, least=32, most=32),
            fields.blob(genesis, most=MAX_BYTES),
        )


@dataclass(frozen=True, slots=True)
class KeysWanted:
    """Please share these sender keys of a group with me: I hold entries that I cannot open."""

    group: GroupId
    sessions: tuple[bytes, ...]

    def encode(self) -> bytes:
        """The payload of a GROUP_KEY_WANTED item."""
        return encode([self.group, list(self.sessions)])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The wish in `raw`. Raises DecodeError."""
        group, sessions = fields.array(decode(raw, limit=8192), 2)
        return cls(
            fields.identifier(group, GroupId),
            tuple(fields.blob(session, least=32, most=32) for session in fields.items(sessions, most=64)),
        )
