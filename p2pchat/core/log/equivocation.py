"""Proof that a device signed two entries with one number.

The proof stands alone: whoever holds it can check it against nothing but itself. An entry that was
proven by a later signature of its chain (runs.py) is shown with the headers in between.

On the wire: [1, [header, ...], signature, [header, ...], signature]; the side whose first entry has the
lower id comes first, so that two members who find the same fork make the same claim. docs/protocol/log.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from p2pchat.core import fields
from p2pchat.core.codec import MAX_BYTES, Value, decode, encode
from p2pchat.core.ids import ConversationId, DeviceId, EntryId
from p2pchat.core.keys import SIGNATURE_SIZE, tagged_hash, verify
from p2pchat.core.log.entry import MAX_HEADER, PURPOSE, Entry, Header, conversation_of
from p2pchat.core.log.runs import MAX_RUN
from p2pchat.errors import DecodeError, ProtocolError

VERSION: Final = 1


@dataclass(frozen=True)
class SignedChain:
    """One side of a fork: the raw headers from the fork on, and a signature of the last."""

    raw_headers: tuple[bytes, ...]
    signature: bytes

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Self:
        """The side that begins with the first of `entries`, up to the first that is itself signed.

        Raises:
            ProtocolError: none of them carries a good signature.
        """
        raw_headers: list[bytes] = []
        for entry in entries[:MAX_RUN]:
            raw_headers.append(entry.raw_header)
            try:
                entry.verify()
            except ProtocolError:
                continue
            return cls(tuple(raw_headers), entry.signature)
        raise ProtocolError("no entry of this side carries a good signature")

    @property
    def first_id(self) -> EntryId:
        """The entry that this side put in the disputed place."""
        return _id(self.raw_headers[0])

    def verify(self) -> Header:
        """The header of the first entry, if one device made and signed the whole side.

        Raises:
            ProtocolError: it did not.
        """
        first = Header.decode(self.raw_headers[0])
        conversation = conversation_of(first, self.first_id)
        before, before_id = first, self.first_id
        for raw in self.raw_headers[1:]:
            header = Header.decode(raw)
            if (
                header.prev != before_id
                or header.device != first.device
                or header.seq != before.seq + 1
                or conversation_of(header, _id(raw)) != conversation
            ):
                raise ProtocolError("the headers are not one chain")
            before, before_id = header, _id(raw)
        verify(first.device, PURPOSE, before_id, self.signature)
        return first


@dataclass(frozen=True)
class EquivocationProof:
    """Two sides of a fork; `verified` says whose."""

    first: SignedChain
    second: SignedChain

    @classmethod
    def of(cls, one: Sequence[Entry], other: Sequence[Entry]) -> Self:
        """The proof made of two runs of entries, each beginning with a disputed entry.

        One entry a side is enough if its own signature is good.

        Raises:
            ProtocolError: a side carries no good signature, or they do not contradict each other.
        """
        proof = cls(*sorted((SignedChain.of(one), SignedChain.of(other)), key=lambda side: side.first_id))
        proof.verify()
        return proof

    def encode(self) -> bytes:
        """The proof as it travels."""
        return encode(
            [
                VERSION,
                self.first.raw_headers,
                self.first.signature,
                self.second.raw_headers,
                self.second.signature,
            ]
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The proof in `raw`, well-formed but not yet checked.

        Raises:
            DecodeError: it is malformed.
        """
        version, headers, signature, other_headers, other_signature = fields.array(
            decode(raw, limit=MAX_BYTES), 5
        )
        if fields.integer(version) != VERSION:
            raise DecodeError("unknown version of an equivocation proof")
        return cls(_side(headers, signature), _side(other_headers, other_signature))

    def verify(self) -> tuple[ConversationId, DeviceId, int]:
        """The conversation, the device that forked in it, and the number it used twice.

        Raises:
            ProtocolError: the proof does not hold.
        """
        one, other = self.first.verify(), self.second.verify()
        if self.first.first_id >= self.second.first_id:
            raise ProtocolError("the two sides are the same, or in the wrong order")
        places = {
            (conversation_of(header, side.first_id), header.device, header.seq)
            for header, side in ((one, self.first), (other, self.second))
        }
        if len(places) != 1:
            raise ProtocolError("the two entries do not contradict each other")
        return places.pop()


def _side(headers: Value, signature: Value) -> SignedChain:
    raw_headers = tuple(
        fields.blob(item, least=1, most=MAX_HEADER) for item in fields.items(headers, most=MAX_RUN)
    )
    if not raw_headers:
        raise DecodeError("a side of a proof needs a header")
    return SignedChain(raw_headers, fields.blob(signature, least=SIGNATURE_SIZE, most=SIGNATURE_SIZE))


def _id(raw_header: bytes) -> EntryId:
    return EntryId(tagged_hash("entry", raw_header))
