"""What a newcomer with an invite link and a member say to each other over join/1.

The newcomer sends one `Knock`; the member answers with `Welcome` or `Refusal`. The stream's other end is
the newcomer's device, proven by the transport, and the device that the knock is signed by.
docs/protocol/groups.md, 7
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from p2pchat.core import fields
from p2pchat.core.codec import MAX_BYTES, decode, encode
from p2pchat.core.identity import MAX_CARD
from p2pchat.core.ids import EntryId, GroupId
from p2pchat.core.keys import SIGNATURE_SIZE
from p2pchat.errors import DecodeError

VERSION: Final = 1
MAX_REASON: Final = 200
_WELCOME, _REFUSAL = 1, 2


@dataclass(frozen=True, slots=True)
class Knock:
    """Let me in: I hold the link's secret."""

    group: GroupId
    link: EntryId
    card: bytes  # the newcomer's
    link_signature: bytes
    device_signature: bytes

    def encode(self) -> bytes:
        """The frame."""
        return encode([VERSION, self.group, self.link, self.card, self.link_signature, self.device_signature])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The knock in `raw`; card and signatures are not yet checked. Raises DecodeError."""
        version, group, link, card, by_link, by_device = fields.array(decode(raw), 6)
        if fields.integer(version) != VERSION:
            raise DecodeError("unknown version of a knock")
        return cls(
            fields.identifier(group, GroupId),
            fields.identifier(link, EntryId),
            fields.blob(card, most=MAX_CARD),
            fields.blob(by_link, least=SIGNATURE_SIZE, most=SIGNATURE_SIZE),
            fields.blob(by_device, least=SIGNATURE_SIZE, most=SIGNATURE_SIZE),
        )


@dataclass(frozen=True, slots=True)
class Welcome:
    """You are a member: this is the group."""

    invitation: bytes  # core.direct.items.GroupInvite
    card: bytes  # the member's who answers


@dataclass(frozen=True, slots=True)
class Refusal:
    """I do not let you in."""

    reason: str  # for people


Answer: TypeAlias = Welcome | Refusal


def encode_answer(answer: Answer) -> bytes:
    """The frame that answers a knock."""
    if isinstance(answer, Welcome):
        return encode([VERSION, _WELCOME, answer.invitation, answer.card])
    return encode([VERSION, _REFUSAL, answer.reason, None])


def decode_answer(raw: bytes) -> Answer:
    """The answer in `raw`; what a welcome brings is not yet checked. Raises DecodeError."""
    version, kind, first, second = fields.array(decode(raw), 4)
    if fields.integer(version) != VERSION:
        raise DecodeError("unknown version of an answer to a knock")
    if fields.integer(kind, low=_WELCOME, high=_REFUSAL + 1) == _WELCOME:
        return Welcome(fields.blob(first, most=MAX_BYTES), fields.blob(second, most=MAX_CARD))
    return Refusal(fields.text(first, least=1, most=MAX_REASON))
