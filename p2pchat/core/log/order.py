"""The one order in which every member shows a log: causal, then by Lamport time, then by id.

An entry's Lamport time is above that of its predecessor and of all its parents (`check_lamport`), so
sorting by `(lamport, id)` never shows an answer before its question: the pair is a linear extension
of the causal order, and plain columns of a table can hold it. Authors peg Lamport times to their
clocks (SDS, https://github.com/logos-messaging/specs, "Lamport timestamps in milliseconds"), so that
entries written apart from each other sort by about when they were written.

Nobody's clock decides whether an entry is taken. A rule such as "at most a week in the future" would
give two members two answers, and a chain without gaps would end at the entry that one of them
refused. Instead an entry may be at most `MAX_LEAP_MS` above the newest entry it refers to: a device
whose clock says 2106 loses nothing and pins nothing to the end of the log, and using up the range of
Lamport times takes a hundred million entries.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, TypeAlias

from p2pchat.core.ids import EntryId
from p2pchat.errors import ProtocolError

MAX_LEAP_MS: Final = 24 * 60 * 60 * 1000  # a quiet log catches up with the clock by a day per entry
MAX_FIRST_MS: Final = 10**13  # year 2286: where a log may begin
_TRUSTED_SKEW_MS: Final = 10 * 60 * 1000

Position: TypeAlias = tuple[int, EntryId]  # (lamport, id): sorts as the log is shown


def next_lamport(newest: int, now_ms: int) -> int:
    """The Lamport time of an entry written at `now_ms` on top of entries up to `newest` (0: none)."""
    if newest == 0:
        return min(max(now_ms, 1), MAX_FIRST_MS)
    return max(newest + 1, min(now_ms, newest + MAX_LEAP_MS))


def check_lamport(lamport: int, referred: Collection[int]) -> None:
    """Return if an entry may claim `lamport`, given the times of its predecessor and parents.

    Raises:
        ProtocolError: it is not above all of them, or too far above the newest of them.
    """
    newest = max(referred, default=0)
    highest = newest + MAX_LEAP_MS if newest else MAX_FIRST_MS
    if not newest < lamport <= highest:
        raise ProtocolError("the Lamport time does not fit the entries it refers to")


def shown_ms(sent_ms: int, received_ms: int) -> int:
    """The time to show beside an entry: its author's, unless that lies in the receiver's future.

    Both in ms since 1970; ten minutes of skew are let pass.
    """
    return sent_ms if sent_ms <= received_ms + _TRUSTED_SKEW_MS else received_ms
