"""Checking what was stored: quickly by the heads, or entry by entry.

An entry's id is the hash of its bytes and each entry names the one before, so a good signature over a
head vouches for its whole chain. Opening a ledger checks heads; `check_all` is for a command that
somebody runs in doubt.
"""

from __future__ import annotations

from collections.abc import Iterable

from p2pchat.core import keys
from p2pchat.core.ledger.entry import PURPOSE, SignedEntry
from p2pchat.core.ledger.state import AccountState


def check_heads(state: AccountState) -> int:
    """The number of ends, after checking the signature of each: heads, and entries that wait for others.

    Raises:
        ProtocolError: an entry of which this is the head, or the only one, was changed since it was stored.
            What was removed shows elsewhere: entries behind it wait (`Chains.missing`), the own chain does
            not reach where its writer stands, and the other side names heads that are not here.
    """
    heads = [state.chains.entries[head.id] for head in state.heads()]
    waiting = [signed for entries in state.chains.awaited.values() for signed in entries.values()]
    return check_all([*heads, *waiting])


def check_all(entries: Iterable[SignedEntry]) -> int:
    """The number of entries, after checking the signature of each.

    Raises:
        ProtocolError: one is not the device's.
    """
    count = 0
    for signed in entries:
        keys.verify(signed.entry.device, PURPOSE, signed.id, signed.signature)
        count += 1
    return count
