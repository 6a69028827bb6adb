"""Agreed ends of old chains: after a restore, entries beyond them are dead.

A closure X counts once a device of the other side has accepted it, whatever else happens to either
entry. From then on an entry of the closed epoch (or device) is alive only if it is one of the named
heads or precedes one. Without this, an acceptance that was signed before a crash and delivered long
after the restore would add to what was accepted since, and overshoot a limit.
"""

from __future__ import annotations

from typing import Final

from p2pchat.core.ledger.account import Seat
from p2pchat.core.ledger.chains import Chains
from p2pchat.core.ledger.details import Closure
from p2pchat.core.ledger.entry import Kind, SignedEntry

# Looking up a member of an enum costs as much as the rest of a test that every entry goes through.
_ACCEPT: Final = Kind.ACCEPT
_CLOSURE: Final = Kind.CLOSURE


class Closures:
    """Which entries of `chains` are alive. Feed every linked entry to `notice`, once, in order."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains
        self._proposed: dict[bytes, tuple[Closure, Seat]] = {}
        self._early: dict[bytes, set[Seat]] = {}  # acceptances of entries that are not linked yet
        self._alive: dict[tuple[bytes, bytes | None], dict[bytes, set[bytes]]] = {}  # scope, closure: ids
        self.heads: dict[bytes, list[bytes]] = {}  # of each head that agreed closures name, those closures

    def notice(self, signed: SignedEntry, seat: Seat) -> bool:
        """Take a linked entry, signed from `seat`, into account; True if others live or die by it."""
        entry = signed.entry
        kind = entry.kind
        if not (self.heads or self._early or kind is _CLOSURE) and (
            kind is not _ACCEPT or (not self._proposed and entry.ref in self._chains.entries)
        ):
            return False  # nearly always: nothing was ever closed, and this is about no closure either
        agreed = False
        early = self._early.pop(signed.id, ())
        if kind is _CLOSURE:
            assert isinstance(entry.details, Closure)
            self._proposed[signed.id] = (entry.details, seat)
            agreed = any(other != seat for other in early)
            if agreed:
                self._agree(signed.id)
        elif kind is _ACCEPT and entry.ref is not None and entry.details is None:
            agreed = self._accept(entry.ref, seat)
        for closure in self.heads.get(signed.id, ()):
            self._let_live(closure, signed.id)
            agreed = True
        return agreed

    @property
    def is_idle(self) -> bool:
        """Whether nothing was ever closed."""
        return not self._alive

    def is_alive(self, signed: SignedEntry) -> bool:
        """Whether no agreed closure shuts the entry out."""
        if not self._alive:
            return True
        device, epoch = signed.entry.writer
        return all(
            signed.id in ids
            for scope in ((device, epoch), (device, None))
            for ids in self._alive.get(scope, {}).values()
        )

    def is_closed(self, device: bytes, epoch: bytes | None) -> bool:
        """Whether nothing more can be written in the epoch, or (None) by the device at all."""
        return (device, epoch) in self._alive or (device, None) in self._alive

    def is_agreed(self, closure: bytes) -> bool:
        """Whether the closure with this entry id counts."""
        return any(closure in closures for closures in self._alive.values())

    def _accept(self, ref: bytes, seat: Seat) -> bool:
        proposal = self._proposed.get(ref)
        if proposal is None:
            if ref not in self._chains.entries:
                self._early.setdefault(ref, set()).add(seat)
            return False
        if proposal[1] == seat or self.is_agreed(ref):
            return False
        self._agree(ref)
        return True

    def _agree(self, closure_id: bytes) -> None:
        closure, _seat = self._proposed[closure_id]
        self._alive.setdefault((closure.device, closure.epoch), {})[closure_id] = set()
        for head in closure.heads:
            self.heads.setdefault(head, []).append(closure_id)
            self._let_live(closure_id, head)

    def _let_live(self, closure_id: bytes, head: bytes) -> None:
        closure, _seat = self._proposed[closure_id]
        alive = self._alive[closure.device, closure.epoch][closure_id]
        alive.update(signed.id for signed in self._chains.ancestors(head))
