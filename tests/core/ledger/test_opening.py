"""A ledger opened from its stored rows is the one that its entries add up to, whatever they are."""

import hashlib
import random

import msgspec
import pytest

from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger import actions, audit
from p2pchat.core.ledger.details import Closure, Limit, Prefix, Purpose, Reason
from p2pchat.core.ledger.entry import Kind, trust
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.opening import add_stored
from p2pchat.core.ledger.state import AccountState, fold
from p2pchat.core.ledger.units import iso_unit
from p2pchat.core.ledger.writer import Draft, WriterHead, write
from p2pchat.errors import ProtocolError

NOW_MS = 1_800_000_000_000
PREIMAGES = [bytes([number]) * 32 for number in range(4)]
KINDS = "CCCCCAAAAAARRVPNWDLX"


class Scribbler:
    """Signs anything that is well formed, sensible or not, by devices of both sides and in all epochs."""

    def __init__(self, pair, seed):
        self.chance = random.Random(seed)
        self.account = pair.account
        self.is_tidy = seed % 2
        self.keys = [device.key for device in (pair.alice, pair.bob)]
        self.heads = [
            (key, WriterHead.start(self.account.id, bytes([epoch]) * 8))
            for key in self.keys
            for epoch in (1, 2)
        ]
        self.signed = []

    def scribble(self, entries):
        for number in range(entries):
            place = self.chance.randrange(len(self.heads))
            key, head = self.heads[place]
            now_ms = self.chance.choice((0, 20, 200, 70_000, NOW_MS, NOW_MS + number))
            signed, after = write(self._draft(), head, key, now_ms=now_ms, nonce=number.to_bytes(12, "big"))
            self.signed.append(signed)
            self.heads[place] = (key, after)
            if self.chance.random() < 0.02 and not self.is_tidy:
                self.heads.append((key, head))  # from here on this writer is forked
        self.chance.shuffle(late := self.signed[::7])
        left = [signed for signed in self.signed if signed not in late]
        return self.chance.choice((self.signed, left + late, late + left, late))

    def _draft(self):
        kind = Kind(self.chance.choice(KINDS.rstrip("X") if self.is_tidy else KINDS))
        chance = self.chance
        ref = self._ref(kind) if kind in "AVPWD" or chance.random() < 0.2 else None
        amount = chance.choice((1, 23, 24, 255, 256, 65_535, 65_536, 2**32, 2**53 - 1))
        preimage = chance.choice(PREIMAGES)
        lock = hashlib.sha256(chance.choice(PREIMAGES)).digest() if chance.random() < 0.2 else None
        memo = bytes(32) if chance.random() < 0.3 else None
        purpose = Purpose(Reason.SHARE, expense=bytes(32)) if chance.random() < 0.3 else None
        seen = tuple(one.id for one in self.signed[-chance.randrange(1, 6) : -1])
        draft = {
            "C": lambda: Draft(self.account.id, kind, ref, amount, lock, None, purpose, memo, seen),
            "R": lambda: Draft(self.account.id, kind, None, amount, None, None, purpose, memo, seen),
            "A": lambda: Draft(self.account.id, kind, ref, details=self._prefix(), seen=seen),
            "P": lambda: Draft(self.account.id, kind, ref, preimage=preimage),
            "N": lambda: Draft(self.account.id, kind, ref, memo_hash=bytes(32)),
            "L": lambda: Draft(self.account.id, kind, details=Limit(amount, 0), seen=seen),
            "X": lambda: Draft(self.account.id, kind, details=self._closure()),
        }
        return draft.get(kind, lambda: Draft(self.account.id, kind, ref, memo_hash=memo, seen=seen))()

    def _ref(self, kind):
        if self.chance.random() < 0.05 or not self.signed:
            return hashlib.sha256(self.chance.randbytes(4)).digest()
        near = self.signed[-10:] if self.chance.random() < 0.8 else self.signed
        wanted = {"A": "CX", "V": "C", "P": "C"}.get(kind, "R")
        fitting = [one for one in near if one.entry.kind in wanted]
        return self.chance.choice(fitting or self.signed).id

    def _prefix(self):
        return Prefix(self.chance.randrange(1, 9)) if self.chance.random() < 0.2 else None

    def _closure(self):
        key, head = self.chance.choice(self.heads)
        heads = (head.prev,) if head.seq else ()
        return Closure(key.public, self.chance.choice((head.epoch, None)), heads)


def opened(pair, entries):
    state = AccountState(pair.account, pair.owners)
    add_stored(state, [(signed.raw, signed.signature) for signed in entries])
    return state


def derived(state):
    limits = [
        (state.limit_of(who), state.current_limits(who)) for who in (state.account.low, state.account.high)
    ]
    locks = {lock: [hold.id for hold in holds] for lock, holds in state.by_lock.items()}
    answers = {id: request.answers for id, request in state.requests.items()}
    waiting = (state.chains.missing(), state.equivocations())
    return state.fingerprint(), state.heads(), state.balance, limits, locks, answers, waiting


@pytest.mark.parametrize("seed", range(40))
def test_opening_gives_what_adding_one_by_one_gives(pair, seed):
    stored = Scribbler(pair, seed).scribble(120)
    added, whole = fold(pair.account, pair.owners, stored), opened(pair, stored)
    assert derived(whole) == derived(added)
    assert list(whole.chains.entries.values()) == list(added.chains.entries.values())
    assert audit.check_heads(whole) > 0


@pytest.mark.parametrize("seed", range(10))
def test_an_open_ledger_goes_on_with_what_was_stored_since(pair, seed):
    stored = Scribbler(pair, seed).scribble(120)
    state = opened(pair, stored[:50])
    add_stored(state, [(signed.raw, signed.signature) for signed in stored[50:80]])
    for signed in stored[80:]:
        state.add(signed)
    assert derived(state) == derived(fold(pair.account, pair.owners, stored))


def test_most_entries_are_not_decoded_until_somebody_asks(pair, alice, bob):
    for minor in (1, 23, 24, 255, 256, 65_535, 65_536, 2**32, 2**40):
        offer = alice.do(actions.pay, Amount(minor, pair.account.unit))
        pair.sync()
        bob.do(actions.accept, offer.id)
        pair.sync()
    state = opened(pair, bob.known.values())
    decoded = [signed for signed in state.chains.entries.values() if signed._entry is not None]
    assert len(decoded) == 2  # the first of each chain
    assert state.owed_to(bob.person) == bob.owed
    assert [signed.entry for signed in state.chains.entries.values()] == [
        trust(signed.raw, signed.signature).entry for signed in state.chains.entries.values()
    ]


def refused(pair, *entries):
    for open_with in (fold, lambda *_: opened(pair, entries)):
        with pytest.raises(ProtocolError) as caught:
            open_with(pair.account, pair.owners, entries)
        yield str(caught.value)


def test_rows_of_another_account_or_of_a_stranger_are_refused(pair, alice, new_pair):
    offer = alice.do(actions.pay, Amount(1, pair.account.unit))
    draft = Draft(new_pair(iso_unit("USD")).account.id, Kind.CONCEDE, amount=5)
    foreign, _head = write(draft, alice.head, alice.key, now_ms=NOW_MS, nonce=bytes(12))
    assert set(refused(pair, offer, foreign)) == {"a ledger entry of another account"}
    head, draft = WriterHead.start(pair.account.id, bytes(8)), Draft(pair.account.id, Kind.CONCEDE, amount=5)
    strange, _head = write(draft, head, SigningKey(bytes(32)), now_ms=NOW_MS, nonce=bytes(12))
    assert set(refused(pair, offer, strange)) == {"a ledger entry by a device of neither person"}


@pytest.mark.parametrize("change", [{"seq": 5}, {"seq": 0}, {"created_ms": 0}])
def test_rows_that_do_not_follow_what_they_name_are_refused(pair, alice, change):
    offers = [alice.do(actions.pay, Amount(1, pair.account.unit)) for _ in range(3)]
    wrong = msgspec.structs.replace(alice.head, **change)
    draft = Draft(pair.account.id, Kind.CONCEDE, amount=5)
    misfit, _head = write(draft, wrong, alice.key, now_ms=0, nonce=bytes(12))
    assert set(refused(pair, *offers, misfit)) == {"a ledger entry does not fit the one that it follows"}


def test_a_row_behind_one_that_is_not_here_waits(pair, alice):
    offers = [alice.do(actions.pay, Amount(1, pair.account.unit)) for _ in range(2)]
    unknown = msgspec.structs.replace(alice.head, prev=bytes(32))
    draft = Draft(pair.account.id, Kind.CONCEDE, amount=5)
    waiting, _head = write(draft, unknown, alice.key, now_ms=NOW_MS, nonce=bytes(12))
    state = opened(pair, [*offers, waiting])
    assert state.chains.missing() == [bytes(32)]
    assert derived(state) == derived(fold(pair.account, pair.owners, [*offers, waiting]))


def test_an_acceptance_of_a_run_counts_all_of_it(pair, alice, bob):
    bob.write(Draft(pair.account.id, Kind.LIMIT, details=Limit(7, 0)))
    for minor in (1, 2, 4):
        alice.do(actions.pay, Amount(minor, pair.account.unit))
    pair.sync()
    (draft,) = actions.accept_all(bob.state, bob.person, bob.state.offers_to(bob.person))
    bob.write(draft)
    assert opened(pair, bob.known.values()).owed_to(bob.person) == 7
