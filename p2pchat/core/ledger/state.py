"""The fold: what a set of ledger entries means.

`AccountState` is a join-semilattice. The set of entries only grows, each derived status only climbs,
and the result depends on the set alone: entries may arrive in any order, twice, or through anybody.
An entry that claims what its signer may not (voiding one's own debt, say) stays in its chain, has no
effect, and is named in `faults`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Final

from p2pchat.core import codec
from p2pchat.core.ids import DeviceId, LedgerEntryId, PersonId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.ledger.account import Account, Seat, other_seat
from p2pchat.core.ledger.chains import Chains, Equivocation, Head
from p2pchat.core.ledger.closures import Closures
from p2pchat.core.ledger.concession import Concession, Request, Status
from p2pchat.core.ledger.details import MAX_PREFIX, Limit, Prefix
from p2pchat.core.ledger.entry import MAX_SEEN, Kind, SignedEntry
from p2pchat.errors import ProtocolError

# Looking up a member of an enum costs as much as the rest of a test that every entry goes through.
_ACCEPT: Final = Kind.ACCEPT
_CONCEDE: Final = Kind.CONCEDE
_VOID: Final = Kind.VOID
_REQUEST: Final = Kind.REQUEST
_LIMIT: Final = Kind.LIMIT
_OFFERED: Final = Status.OFFERED
_BINDING: Final = Status.BINDING
_DEFINING_KINDS = frozenset({Kind.CONCEDE, Kind.REQUEST, Kind.LIMIT})
_AGREED_KINDS = frozenset({Kind.TERMS, Kind.CHECKPOINT, Kind.CLOSURE})


class AccountState:
    """Everything that the entries of one account add up to.

    `devices` says who owns each device that may write here; `admit` adds one. Totals are in the
    smallest parts of the unit, indexed by the seat that conceded.
    """

    def __init__(self, account: Account, devices: Mapping[DeviceId, PersonId]) -> None:
        self.account = account
        self._seats: dict[bytes, Seat] = {device: account.seat(person) for device, person in devices.items()}
        self.chains = Chains(account.id)
        self._closures = Closures(self.chains)
        self._forget_meaning()

    def _forget_meaning(self) -> None:
        self.concessions: dict[bytes, Concession] = {}
        self.by_lock: dict[bytes, list[Concession]] = {}
        self.requests: dict[bytes, Request] = {}
        self.disputes: dict[bytes, set[LedgerEntryId]] = {}  # by the entry that is disputed
        self.agreed: set[LedgerEntryId] = set()  # terms, checkpoints and closures that both sides signed
        self.faults: set[LedgerEntryId] = set()
        self.conceded = [0, 0]
        self.held = [0, 0]
        self.offered = [0, 0]
        self._totals = {
            Status.OFFERED: self.offered,
            Status.BINDING: self.conceded,
            Status.HELD: self.held,
            Status.FULFILLED: self.conceded,
            Status.VOID: [0, 0],
        }
        self._limits: tuple[dict[LedgerEntryId, Limit], dict[LedgerEntryId, Limit]] = ({}, {})
        self._replaced: tuple[set[bytes], set[bytes]] = (set(), set())  # limits that a later one names
        self._early: dict[bytes, list[SignedEntry]] = {}  # by the entry that they name and that is not here

    def admit(self, device: DeviceId, person: PersonId) -> None:
        """Let `device` of `person` write to this account from now on.

        Raises:
            ProtocolError: the other person has it already; a certificate is its issuer's word alone.
        """
        seat = self.account.seat(person)
        if self._seats.setdefault(device, seat) != seat:
            raise ProtocolError("a device that belongs to the other person")

    def add(self, signed: SignedEntry) -> list[LedgerEntryId]:
        """Take in an entry whose signature was checked.

        Gives the concessions and requests whose status moved. Repeating an entry changes nothing.

        Raises:
            ProtocolError: another account, a device of neither person, or a break in its own chain.
        """
        entry = signed.entry
        if entry.account != self.account.id:
            raise ProtocolError("a ledger entry of another account")
        if entry.device not in self._seats:
            raise ProtocolError("a ledger entry by a device of neither person")
        linked = self.chains.link(signed)
        if len(linked) == 1:
            return self._add_one(linked[0])
        decisive = False
        for new in linked:
            decisive |= self._closures.notice(new, self._seats[new.entry.device])
        if decisive:
            return self._fold_again()
        moved: dict[LedgerEntryId, None] = {}
        for new in linked:
            if new.entry.kind in _DEFINING_KINDS:
                self._define(new, moved)
        for new in linked:
            self._refer(new, moved)
            if new.id in self._early:
                for referring in self._early.pop(new.id):
                    self._refer(referring, moved)
        return list(moved)

    def _add_one(self, signed: SignedEntry) -> list[LedgerEntryId]:
        # As below, for the one entry that nearly always is all that comes: opening a ledger is made of this.
        entry = signed.entry
        seat = self._seats[entry.device]
        if self._closures.notice(signed, seat):
            return self._fold_again()
        kind, ref = entry.kind, entry.ref
        moved: dict[LedgerEntryId, None] = {}
        if kind is _ACCEPT and entry.details is None and ref is not None and not self._early:
            offer = self.concessions.get(ref)
            if (
                offer is not None
                and offer.seat != seat
                and offer.status is _OFFERED
                and self._closures.is_idle
            ):
                self._count(offer, _OFFERED, offer.climb(accepted=True), moved)
                return list(moved)
        if kind is _CONCEDE or kind is _REQUEST or kind is _LIMIT:
            self._define(signed, moved)
        if ref is not None:
            self._refer(signed, moved)
        if self._early and signed.id in self._early:
            for referring in self._early.pop(signed.id):
                self._refer(referring, moved)
        return list(moved)

    def _fold_again(self) -> list[LedgerEntryId]:
        # Rare: closures are made by both sides together, after a restore.
        before = self._statuses()
        self._forget_meaning()
        ignored: dict[LedgerEntryId, None] = {}
        for signed in self.chains.entries.values():
            if signed.entry.kind in _DEFINING_KINDS:
                self._define(signed, ignored)
        for signed in self.chains.entries.values():
            self._refer(signed, ignored)
        after = self._statuses()
        return sorted(entry for entry in before | after if before.get(entry) != after.get(entry))

    def _statuses(self) -> dict[LedgerEntryId, str]:
        concessions = {concession.id: str(concession.status) for concession in self.concessions.values()}
        return concessions | {request.id: str(request.status) for request in self.requests.values()}

    # -- questions ---------------------------------------------------------------------------------

    @property
    def balance(self) -> int:
        """What seat 1 owes seat 0; below zero the other way round."""
        return self.conceded[1] - self.conceded[0]

    def owed_to(self, person: PersonId) -> int:
        """What the other owes `person`; below zero, `person` owes."""
        return self.balance if self.account.seat(person) == 0 else -self.balance

    def held_for(self, person: PersonId) -> int:
        """What the other has conceded to `person` under locks that are still open."""
        return self.held[other_seat(self.account.seat(person))]

    def limit_of(self, person: PersonId) -> Limit | None:
        """What `person` lets the other owe; None if nothing was published.

        Each limit names the one it replaces. If devices replaced one concurrently, the smallest of
        the results is in force, for each of its three figures.
        """
        limits = self._limits[self.account.seat(person)]
        current = [limits[entry] for entry in self.current_limits(person)]
        if not current:
            return None
        return Limit(
            min(limit.owed for limit in current),
            min(limit.held for limit in current),
            min(limit.automatic for limit in current),
        )

    def current_limits(self, person: PersonId) -> list[LedgerEntryId]:
        """The limits of `person` that no other one replaces: one, or several made concurrently."""
        seat = self.account.seat(person)
        return sorted(self._limits[seat].keys() - self._replaced[seat])

    def room_for(self, person: PersonId) -> int | None:
        """How much more `person` may accept under the own limit; None without one."""
        limit = self.limit_of(person)
        return None if limit is None else limit.owed - self.owed_to(person) - self.held_for(person)

    def offers_to(self, person: PersonId) -> list[Concession]:
        """Concessions that `person` can still accept or refuse, oldest id first."""
        seat = self.account.seat(person)
        offered = (c for c in self.concessions.values() if c.seat != seat and c.status is Status.OFFERED)
        return sorted(offered, key=lambda concession: concession.id)

    def find(self, entry: LedgerEntryId) -> SignedEntry | None:
        """The linked entry of that id, dead or alive."""
        return self.chains.entries.get(entry)

    def seat_of(self, signed: SignedEntry) -> Seat:
        """Whose entry it is."""
        return self._seats[signed.entry.device]

    def is_alive(self, signed: SignedEntry) -> bool:
        """Whether no agreed closure has shut the entry out."""
        return self._closures.is_alive(signed)

    def awaited(self) -> list[Container[bytes]]:
        """Where ids of entries stand that are not linked yet, and that something which is here names."""
        named = (self._early, self.chains.awaited, self._closures.heads)
        return [ids for ids in named if ids]

    def is_closed(self, device: DeviceId, epoch: bytes | None) -> bool:
        """Whether an agreed closure lets nothing more be written in this epoch (None: by this device)."""
        return self._closures.is_closed(device, epoch)

    def heads(self) -> list[Head]:
        """The ends of all chains, sorted."""
        return self.chains.heads()

    def seen_by(self, person: PersonId) -> tuple[LedgerEntryId, ...]:
        """Heads of the other side, for the `seen` field of the next entry of `person`."""
        seat = self.account.seat(person)
        others = [head for head in self.chains.heads() if self._seats[head.writer.device] != seat]
        latest = sorted(others, key=lambda head: (-self.chains.entries[head.id].entry.created_ms, head.id))
        return tuple(sorted(head.id for head in latest[:MAX_SEEN]))

    def current_terms(self) -> LedgerEntryId | None:
        """The agreed terms that no later agreed terms replace; of several, those with the largest id."""
        agreed = {
            entry: signed.entry.ref
            for entry in self.agreed
            if (signed := self.chains.entries[entry]).entry.kind is Kind.TERMS
        }
        return max(agreed.keys() - set(agreed.values()), default=None)

    def equivocations(self) -> list[Equivocation]:
        """A proof for each writer that signed two entries with one number."""
        return self.chains.forks()

    def fingerprint(self) -> bytes:
        """A hash over all that was derived: equal for two sides exactly if they agree on everything."""
        return tagged_hash(
            "ledger state",
            codec.encode(
                [
                    sorted(self.chains.entries),
                    sorted([c.id, c.status.value, c.preimage] for c in self.concessions.values()),
                    sorted([r.id, r.status.value] for r in self.requests.values()),
                    sorted(self.agreed),
                    sorted(self.faults),
                    sorted([ref, *sorted(by)] for ref, by in self.disputes.items()),
                    [self.conceded, self.held, self.offered],
                ]
            ),
        )

    # -- the meaning of one entry ------------------------------------------------------------------

    def _define(self, signed: SignedEntry, moved: dict[LedgerEntryId, None]) -> None:
        """Make what others may refer to. An entry that a closure shut out defines nothing."""
        entry = signed.entry
        kind = entry.kind
        if not self._closures.is_alive(signed):
            return
        seat = self._seats[entry.device]
        if kind is _CONCEDE:
            assert entry.amount is not None
            lock = entry.lock
            self.concessions[signed.id] = concession = Concession(signed, seat, entry.amount, lock)
            self.offered[seat] += entry.amount
            if lock is not None:
                self.by_lock.setdefault(lock, []).append(concession)
            moved[signed.id] = None
        elif kind is Kind.REQUEST:
            self.requests[signed.id] = Request(signed, seat)
            moved[signed.id] = None
        else:
            assert isinstance(signed.entry.details, Limit)
            self._limits[seat][signed.id] = signed.entry.details
            self._replaced[seat].update(signed.entry.seen)

    def _refer(self, signed: SignedEntry, moved: dict[LedgerEntryId, None]) -> None:
        """Apply an entry to the entry that it names, now or when that one is here."""
        ref = signed.entry.ref
        if ref is None or not self._closures.is_alive(signed):
            return
        target = self.chains.entries.get(ref)
        if target is None:
            self._early.setdefault(ref, []).append(signed)
        elif not self._apply(signed, target, moved) and self._closures.is_alive(target):
            self.faults.add(signed.id)

    def _apply(self, signed: SignedEntry, target: SignedEntry, moved: dict[LedgerEntryId, None]) -> bool:
        """Whether the signer may do that; if so it is done."""
        entry = signed.entry
        own = self._seats[target.entry.device] == self._seats[entry.device]
        if entry.kind is _ACCEPT and target.entry.kind is _CONCEDE and entry.details is None:
            return not own and self._move(signed, target, moved)
        match entry.kind:
            case Kind.ACCEPT if isinstance(entry.details, Prefix):
                return not own and self._accept_prefix(entry.details, target, moved)
            case Kind.ACCEPT if target.entry.kind in _AGREED_KINDS:
                if not own:
                    self.agreed.add(target.id)
                return not own
            case Kind.VOID | Kind.PREIMAGE:
                return not own and self._move(signed, target, moved)
            case Kind.CONCEDE | Kind.WITHDRAW | Kind.DISPUTE if target.entry.kind is Kind.REQUEST:
                return self._answer(signed, own, target, moved)
            case Kind.DISPUTE:
                self.disputes.setdefault(target.id, set()).add(signed.id)
                return True
            case Kind.TERMS | Kind.CHECKPOINT:
                return target.entry.kind is entry.kind
            case kind:
                return kind is Kind.NOTE

    def _accept_prefix(self, prefix: Prefix, target: SignedEntry, moved: dict[LedgerEntryId, None]) -> bool:
        if not 0 <= target.entry.seq - prefix.first_seq < MAX_PREFIX:
            return False
        for signed in self.chains.ancestors(target.id):
            if signed.entry.seq < prefix.first_seq:
                break
            concession = self.concessions.get(signed.id)
            if concession is not None and signed.id not in prefix.exceptions:
                before = concession.status
                self._count(concession, before, concession.climb(accepted=True), moved)
        return True

    def _move(self, signed: SignedEntry, target: SignedEntry, moved: dict[LedgerEntryId, None]) -> bool:
        concession = self.concessions.get(target.id)
        if concession is None:
            return False
        entry = signed.entry
        preimage = entry.preimage
        if preimage is not None and not concession.opens(preimage):
            return False
        before = concession.status
        after = concession.climb(entry.kind is _ACCEPT, entry.kind is _VOID, preimage)
        self._count(concession, before, after, moved)
        return True

    def _count(
        self, concession: Concession, before: Status, after: Status, moved: dict[LedgerEntryId, None]
    ) -> None:
        if before is after:
            return
        seat, amount = concession.seat, concession.amount
        if before is _OFFERED and after is _BINDING:
            self.offered[seat] -= amount
            self.conceded[seat] += amount
        else:
            self._totals[before][seat] -= amount
            self._totals[after][seat] += amount
        moved[concession.id] = None

    def _answer(
        self, signed: SignedEntry, own: bool, target: SignedEntry, moved: dict[LedgerEntryId, None]
    ) -> bool:
        request = self.requests.get(target.id)
        if request is None or own is not (signed.entry.kind is Kind.WITHDRAW):
            return False
        before = request.status
        if signed.entry.kind is Kind.CONCEDE:
            request.answers.append(signed.id)
        elif signed.entry.kind is Kind.WITHDRAW:
            request.withdrawn = True
        else:
            request.declined = True
            self.disputes.setdefault(target.id, set()).add(signed.id)
        if request.status is not before:
            moved[request.id] = None
        return True


def fold(
    account: Account, devices: Mapping[DeviceId, PersonId], entries: Iterable[SignedEntry]
) -> AccountState:
    """The state that `entries` add up to, in whichever order they come."""
    state = AccountState(account, devices)
    for signed in entries:
        state.add(signed)
    return state
