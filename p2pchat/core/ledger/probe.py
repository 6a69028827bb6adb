"""Finding a circle of debts without a map: a token walks along "I owe" until it is back.

Each person passes the token to the people he owes, and remembers from whom it came. When it reaches
its maker again, everybody on the way knows the next hop of a clearing in the other direction: the one
who sent him the token. Nobody learns more than his neighbours. Bounded by hops, by tokens remembered,
and by taking each token once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from p2pchat.core import codec, fields
from p2pchat.core.ids import PersonId
from p2pchat.core.ledger.money import MAX_MINOR
from p2pchat.core.ledger.units import Unit, read_unit, unit_value
from p2pchat.errors import DecodeError

MAX_HOPS: Final = 5  # among friends, cycles up to five reach two thirds of what a global view could clear
MAX_FAN_OUT: Final = 16
MAX_REMEMBERED: Final = 4096
TOKEN_SIZE: Final = 16
_VERSION: Final = 1


class Probe(msgspec.Struct, frozen=True):
    """A token on its way: `hops_left` people may still pass it on, `minor` is the smallest debt so far."""

    token: bytes
    unit: Unit
    hops_left: int
    minor: int


class Found(NamedTuple):
    """A circle: I owe somebody who owes somebody ... who owes me; `minor` can be cleared."""

    token: bytes
    debtor: PersonId  # who sent it back; the clearing starts by conceding to him
    minor: int


class Memory(msgspec.Struct, frozen=True):
    """From whom each token came (None: made here), oldest first."""

    senders: tuple[tuple[bytes, PersonId | None], ...] = ()

    def sender(self, token: bytes) -> PersonId | None:
        """Who sent the token first; None if it is unknown or was made here."""
        return dict(self.senders).get(token)

    def knows(self, token: bytes) -> bool:
        """Whether the token has passed here."""
        return any(known == token for known, _sender in self.senders)

    def remember(self, token: bytes, sender: PersonId | None) -> Memory:
        """The memory with one more token, and without the oldest if it is full."""
        return Memory((*self.senders[-MAX_REMEMBERED + 1 :], (token, sender)))


def start(
    memory: Memory, token: bytes, unit: Unit, debts: Mapping[PersonId, int]
) -> tuple[Memory, list[tuple[PersonId, Probe]]]:
    """Send `token` (16 random bytes) to the people I owe, the largest of my `debts` first."""
    probe = Probe(token, unit, MAX_HOPS - 1, MAX_MINOR - 1)
    return memory.remember(token, None), _onwards(probe, debts)


def receive(
    memory: Memory, probe: Probe, sender: PersonId, owed_by_sender: int, debts: Mapping[PersonId, int]
) -> tuple[Memory, list[tuple[PersonId, Probe]], Found | None]:
    """A probe came from `sender`, who owes me `owed_by_sender`: pass it on, or see that it is mine.

    What the probe claims about the debt between us is not trusted: the smaller figure counts.
    """
    minor = min(probe.minor, owed_by_sender)
    if minor <= 0:
        return memory, [], None
    if memory.knows(probe.token):
        mine = memory.sender(probe.token) is None
        return memory, [], Found(probe.token, sender, minor) if mine else None
    memory = memory.remember(probe.token, sender)
    if probe.hops_left == 0:
        return memory, [], None
    onwards = Probe(probe.token, probe.unit, probe.hops_left - 1, minor)
    return memory, _onwards(onwards, debts), None


def encode(probe: Probe) -> bytes:
    """The bytes of `probe`."""
    return codec.encode([_VERSION, probe.token, unit_value(probe.unit), probe.hops_left, probe.minor])


def decode(raw: bytes) -> Probe:
    """The probe whose one encoding is `raw`.

    Raises:
        DecodeError: malformed, or on a longer way than is allowed.
    """
    version, token, unit, hops_left, minor = fields.array(codec.decode(raw, limit=256), 5)
    if fields.integer(version) != _VERSION:
        raise DecodeError("unknown version of a probe")
    return Probe(
        fields.blob(token, least=TOKEN_SIZE, most=TOKEN_SIZE),
        read_unit(unit),
        fields.integer(hops_left, high=MAX_HOPS),
        fields.integer(minor, low=1, high=MAX_MINOR),
    )


def _onwards(probe: Probe, debts: Mapping[PersonId, int]) -> list[tuple[PersonId, Probe]]:
    largest_first = sorted(debts.items(), key=lambda debt: (-debt[1], debt[0]))
    return [
        (creditor, msgspec.structs.replace(probe, minor=min(probe.minor, minor)))
        for creditor, minor in largest_first[:MAX_FAN_OUT]
        if minor > 0
    ]
