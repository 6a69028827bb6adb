import hashlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger import actions, policy
from p2pchat.core.ledger.account import open_account
from p2pchat.core.ledger.chains import MAX_WAITING
from p2pchat.core.ledger.concession import Status
from p2pchat.core.ledger.entry import Kind
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.state import fold
from p2pchat.core.ledger.units import iso_unit, own_unit
from p2pchat.core.ledger.writer import Draft, write
from p2pchat.errors import ProtocolError, UsageError

EUR = iso_unit("EUR")
PREIMAGE = b"p" * 32
LOCK = hashlib.sha256(PREIMAGE).digest()
NOW_MS = 1_800_000_000_000


def eur(minor):
    return Amount(minor, EUR)


def test_the_account_is_the_same_for_both_and_differs_by_unit_and_persons():
    one, other, third = (PersonId(SigningKey(bytes([n]) * 32).public) for n in (1, 2, 3))
    account = open_account(one, other, EUR)
    assert open_account(other, one, EUR) == account
    ids = {
        account.id,
        open_account(one, third, EUR).id,
        open_account(one, other, iso_unit("USD")).id,
        open_account(one, other, own_unit("eur2")).id,
        open_account(one, other, own_unit("eur2", 1)).id,
        open_account(one, other, own_unit("eur2", 0, bytes(32))).id,
    }
    assert len(ids) == 6
    assert {account.person(0), account.person(1)} == {one, other}
    with pytest.raises(UsageError):
        account.seat(third)
    with pytest.raises(UsageError):
        open_account(one, one, EUR)


def history(pair, seed):
    """A long random exchange between two honest people, in the order in which things happened."""
    chance = random.Random(seed)
    alice, bob = pair.alice, pair.bob
    for device in (alice, bob):
        device.do(actions.set_limit, policy.limit(100_000))
    for _ in range(40):
        me = chance.choice((alice, bob))
        act = chance.randrange(8)
        offers = me.state.offers_to(me.person)
        mine = [c for c in me.state.concessions.values() if c.seat != me.account.seat(me.person)]
        requests = [r for r in me.state.requests.values() if r.status == "requested"]
        if act == 0:
            me.do(actions.pay, eur(chance.randint(1, 500)), lock=chance.choice((None, LOCK)))
        elif act == 1:
            me.do(actions.request, eur(chance.randint(1, 500)))
        elif act == 2 and offers:
            me.do(actions.accept, chance.choice(offers).id)
        elif act == 3 and offers:
            for draft in actions.accept_all(me.state, me.person, [o for o in offers if o.lock is None]):
                me.write(draft)
        elif act == 4 and mine and (target := chance.choice(mine)).status is not Status.VOID:
            me.do(actions.void, target.id)
        elif act == 5 and requests:
            own = (asked := chance.choice(requests)).seat == me.account.seat(me.person)
            me.do(actions.withdraw if own else chance.choice((actions.answer, actions.decline)), asked.id)
        elif act == 6 and mine:
            target = chance.choice(mine)
            if target.lock is not None:
                me.write(Draft(pair.account.id, Kind.PREIMAGE, ref=target.id, preimage=PREIMAGE))
        else:
            pair.sync()
    pair.sync()
    return list(alice.known.values())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_gives_the_same_state(new_pair, seed, chance):
    pair = new_pair()
    entries = history(pair, seed)
    shuffled = entries + chance.sample(entries, len(entries) // 3)
    chance.shuffle(shuffled)
    state = fold(pair.account, pair.owners, shuffled)
    assert state.fingerprint() == pair.alice.state.fingerprint() == pair.bob.state.fingerprint()
    assert pair.alice.owed == -pair.bob.owed


def test_the_history_reaches_every_status(new_pair):
    reached = set()
    for seed in range(20):
        pair = new_pair()
        history(pair, seed)
        reached |= {concession.status for concession in pair.alice.state.concessions.values()}
    assert reached == set(Status)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_a_status_only_climbs(new_pair, seed, chance):
    rank = {status: place for place, status in enumerate(Status)}
    pair = new_pair()
    entries = history(pair, seed)
    chance.shuffle(entries)
    state = fold(pair.account, pair.owners, ())
    before = {}
    for signed in entries:
        moved = state.add(signed)
        now = {concession.id: concession.status for concession in state.concessions.values()}
        changed = {entry for entry in now if now[entry] is not before.get(entry)}
        assert changed == {entry for entry in moved if entry in now}
        assert all(rank[now[entry]] > rank.get(before.get(entry), -1) for entry in changed)
        before = now


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32))
def test_what_counts_was_signed_by_the_conceder_and_accepted_by_the_other(new_pair, seed):
    pair = new_pair()
    entries = history(pair, seed)
    state = pair.alice.state
    for concession in state.concessions.values():
        if concession.counts:
            beneficiary = pair.account.person(1 - concession.seat)
            silent = fold(
                pair.account, pair.owners, [s for s in entries if pair.owners[s.entry.device] != beneficiary]
            )
            assert pair.owners[concession.signed.entry.device] == pair.account.person(concession.seat)
            assert silent.concessions[concession.id].status is Status.OFFERED
    assert state.balance == sum(
        (c.amount if c.seat == 1 else -c.amount) for c in state.concessions.values() if c.counts
    )


def test_a_hold_is_fulfilled_by_its_preimage_alone(pair, alice, bob):
    bob.do(actions.set_limit, policy.limit(1000))
    hold = alice.do(actions.pay, eur(100), lock=LOCK)
    pair.sync()
    bob.do(actions.accept, hold.id)
    assert bob.state.concessions[hold.id].status is Status.HELD
    assert bob.state.held_for(bob.person) == 100
    wrong = bob.write(Draft(pair.account.id, Kind.PREIMAGE, ref=hold.id, preimage=bytes(32)))
    assert bob.state.concessions[hold.id].status is Status.HELD
    assert bob.state.faults == {wrong.id}
    bob.write(Draft(pair.account.id, Kind.PREIMAGE, ref=hold.id, preimage=PREIMAGE))
    assert bob.state.concessions[hold.id].status is Status.FULFILLED
    assert (bob.owed, bob.state.held_for(bob.person)) == (100, 0)
    bob.do(actions.void, hold.id)
    assert (bob.owed, bob.state.held_for(bob.person)) == (0, 0)


def test_an_entry_of_another_account_is_refused(new_pair, alice):
    beer = new_pair(own_unit("beer"))
    foreign = beer.alice.do(actions.pay, Amount(1, own_unit("beer")))
    with pytest.raises(ProtocolError, match="another account"):
        alice.take(foreign)


def test_an_entry_by_a_stranger_is_refused(new_pair, pair, alice):
    stranger = new_pair().add_device(pair.bob, "stolen phone")
    signed = stranger.do(actions.pay, eur(1))
    with pytest.raises(ProtocolError, match="neither person"):
        alice.state.add(signed)


def test_an_entry_counts_only_when_its_chain_is_complete(pair, alice, bob):
    first, second, third = (alice.do(actions.pay, eur(n)) for n in (1, 2, 3))
    assert bob.take(first) == [first.id]
    assert bob.take(third) == []
    assert bob.state.chains.missing() == [second.id]
    assert bob.take(second) == [second.id, third.id]
    assert bob.state.chains.missing() == []


def test_an_entry_that_does_not_fit_its_predecessor_is_refused(pair, alice, bob):
    first = alice.do(actions.pay, eur(1))
    bob.take(first)
    head = alice.head
    for broken in (
        type(head)(head.epoch, 2, head.prev, head.created_ms),  # a gap
        type(head)(bytes(8), 1, head.prev, head.created_ms),  # another epoch
        type(head)(head.epoch, 0, bytes(32), head.created_ms),  # another beginning
        type(head)(head.epoch, 1, head.prev, 0),  # backwards in time
    ):
        alice.head = broken
        signed = alice_writes(alice, pair)
        with pytest.raises(ProtocolError, match="does not fit"):
            bob.state.add(signed)


def test_what_does_not_fit_never_takes_part_in_whichever_order_it_comes(pair, alice, bob):
    first = alice.do(actions.pay, eur(1))
    head = alice.head
    alice.head = type(head)(head.epoch, 2, head.prev, head.created_ms)  # a gap in the numbers
    gap = alice_writes(alice, pair, now_ms=NOW_MS)
    assert bob.take(gap) == []
    assert bob.take(first) == [first.id]
    assert bob.state.find(gap.id) is None


def test_nobody_writes_on_in_a_chain_of_another_device(pair, alice, bob):
    first = alice.do(actions.pay, eur(1))
    bob.take(first)
    bob.head = alice.head
    draft = Draft(pair.account.id, Kind.CONCEDE, amount=5)
    signed, _head = write(draft, bob.head, bob.key, now_ms=NOW_MS + 1, nonce=bytes(12))
    with pytest.raises(ProtocolError, match="does not fit"):
        alice.state.add(signed)


def alice_writes(alice, pair, now_ms=1):
    draft = Draft(pair.account.id, Kind.CONCEDE, amount=5)
    return write(draft, alice.head, alice.key, now_ms=now_ms, nonce=bytes(12))[0]


def test_a_flood_of_loose_entries_ends_at_a_bound(pair, alice, bob):
    head = alice.head
    for number in range(MAX_WAITING + 1):
        alice.head = type(head)(head.epoch, 1, hashlib.sha256(bytes(number)).digest(), 0)
        signed = alice_writes(alice, pair)
        if number < MAX_WAITING:
            bob.state.add(signed)
    with pytest.raises(ProtocolError, match="too many"):
        bob.state.add(signed)


def test_time_never_runs_backwards_in_a_chain(alice):
    alice.do(actions.pay, eur(1), now_ms=2000)
    assert alice.do(actions.pay, eur(1), now_ms=1000).entry.created_ms == 2000


def test_entries_say_what_their_writer_had_seen(pair, alice, bob):
    first = alice.do(actions.pay, eur(1))
    pair.sync()
    second = alice.do(actions.pay, eur(1))
    pair.sync()
    assert bob.do(actions.accept, first.id).entry.seen == (second.id,)


def test_an_unknown_entry_is_not_found(alice):
    assert alice.state.find(LedgerEntryId(bytes(32))) is None
