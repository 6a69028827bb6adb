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
from p2pchat.errors import ProtocolError


def check_heads(state: AccountState) -> int:
    """The number of chains, after checking that each is whole and that its head is signed.

    Raises:
        ProtocolError: a stored entry was changed or removed from within a chain. What was cut off at
            the end of a chain shows elsewhere: in the anchor for the own chain, and at the next
            exchange with the other side for theirs.
    """
    if state.chains.missing():
        raise ProtocolError("stored ledger entries were changed or removed")
    heads = state.heads()
    for head in heads:
        signed = state.chains.entries[head.id]
        keys.verify(signed.entry.device, PURPOSE, signed.id, signed.signature)
    return len(heads)


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
