import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.ledger import actions, agreements, policy, recovery
from p2pchat.core.ledger.concession import Status
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import NotAllowedError, UsageError

EUR = iso_unit("EUR")


def eur(minor):
    return Amount(minor, EUR)


def test_a_restart_with_the_same_database_goes_straight_on(alice):
    alice.do(actions.pay, eur(1))
    alice.restart()
    assert alice.recovery is None
    assert alice.do(actions.pay, eur(2)).entry.seq == 2


def test_a_crash_between_commit_and_anchor_goes_straight_on(alice):
    alice.commit(actions.pay(alice.state, alice.person, eur(1)))
    alice.restart()
    assert alice.recovery is None


def test_an_old_backup_is_noticed_by_the_anchor(alice):
    alice.do(actions.pay, eur(1))
    old = alice.backup()
    alice.do(actions.pay, eur(2))
    alice.restart(old)
    assert alice.recovery is not None
    with pytest.raises(NotAllowedError, match="restored"):
        alice.do(actions.pay, eur(3))


def test_an_empty_database_is_noticed_by_the_anchor(alice):
    empty = alice.backup()
    alice.do(actions.pay, eur(1))
    alice.restart(empty)
    assert alice.recovery is not None


def test_without_an_anchor_the_other_sides_copy_tells(pair, alice, bob):
    old = alice.backup()
    alice.do(actions.pay, eur(1))
    pair.sync()
    alice.anchor = None
    alice.restart(old)
    assert alice.recovery is None  # nothing local can tell
    alice.pull(bob)
    alice.check_rollback()
    assert alice.recovery is not None


def test_a_restored_device_goes_on_after_the_other_confirmed_where_it_stands(pair, alice, bob):
    kept = alice.do(actions.pay, eur(100))
    old = alice.backup()
    held_by_bob = alice.do(actions.pay, eur(20))
    pair.sync()
    lost = alice.do(actions.pay, eur(3))  # never sent
    alice.restart(old)
    alice.recover_with(bob)
    assert alice.recovery is None
    assert {c.id for c in alice.state.concessions.values()} == {kept.id, held_by_bob.id}
    again = alice.do(actions.pay, eur(4))
    pair.sync()
    bob.take(lost)  # a copy turns up after all
    assert lost.id not in bob.state.concessions
    assert again.id in bob.state.concessions
    assert bob.state.equivocations() == []


def test_an_acceptance_from_before_the_crash_cannot_overshoot_the_limit(pair, alice, bob):
    alice.do(actions.set_limit, policy.limit(100))
    offers = [bob.do(actions.pay, eur(80)) for _ in range(2)]
    pair.sync()
    old = alice.backup()
    late = alice.do(actions.accept, offers[0].id)  # on its way when the device is lost
    alice.restart(old)
    alice.recover_with(bob)
    alice.do(actions.accept, offers[1].id)
    alice.take(late)
    bob.take(late)
    pair.sync()
    assert alice.owed == 80
    assert alice.state.concessions[offers[0].id].status is Status.OFFERED
    assert bob.state.fingerprint() == alice.state.fingerprint()


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=6),
    st.lists(st.integers(1, 100), min_size=1, max_size=6),
    st.data(),
)
def test_law_5_holds_whenever_a_late_acceptance_turns_up(new_pair, before, after, data):
    pair = new_pair()
    alice, bob = pair.alice, pair.bob
    alice.do(actions.set_limit, policy.limit(100))
    for minor in before:
        bob.do(actions.pay, eur(minor))
    pair.sync()
    old = alice.backup()
    late = accept_what_fits(alice)
    alice.restart(old)
    for minor in after:
        bob.do(actions.pay, eur(minor))
    alice.recover_with(bob)
    for signed in data.draw(st.permutations(late)):
        bob.take(signed)
    wanted = sorted(alice.state.offers_to(alice.person), key=lambda offer: offer.amount)
    for offer in data.draw(st.permutations(wanted)):
        if policy.refusal(alice.state, alice.person, offer) is None:
            alice.do(actions.accept, offer.id)
    pair.sync()
    assert alice.owed == -bob.owed <= 100
    assert bob.state.fingerprint() == alice.state.fingerprint()


def accept_what_fits(device):
    offers = policy.acceptable(device.state, device.person)
    return [device.write(draft) for draft in actions.accept_all(device.state, device.person, offers)]


def test_a_device_does_not_bind_itself_before_it_has_everything_the_other_holds(pair, alice, bob):
    old = alice.backup()
    alice.do(actions.pay, eur(1))
    pair.sync()
    alice.restart(old)
    heads = tuple(head.id for head in bob.state.heads())
    alice.recovery = recovery.hear_heads(alice.recovery, heads)
    assert not recovery.is_synced(alice.recovery, alice.state)
    assert recovery.closures_to_propose(alice.recovery, alice.state) == []


def test_a_device_does_not_bind_itself_before_the_other_agreed_to_the_closures(pair, alice, bob):
    old = alice.backup()
    alice.do(actions.pay, eur(1))
    alice.restart(old)
    alice.recovery = recovery.hear_heads(alice.recovery, ())
    (draft,) = recovery.closures_to_propose(alice.recovery, alice.state)
    alice.write(draft)
    assert recovery.closures_to_propose(alice.recovery, alice.state) == []  # proposed once
    assert not recovery.is_settled(alice.recovery, alice.state)
    pair.sync()
    bob.agree_to_closures()
    pair.sync()
    assert recovery.is_settled(alice.recovery, alice.state)


def test_a_closure_cannot_retract_what_the_other_holds(pair, alice, bob):
    old = alice.backup()
    offer = alice.do(actions.pay, eur(50))
    pair.sync()
    alice.restart(old)
    epoch = offer.entry.epoch
    retract = alice.write(agreements.propose_closure(alice.state, alice.id, epoch))
    bob.take(retract)
    with pytest.raises(UsageError, match="shut out entries that you hold"):
        bob.do(agreements.agree, retract.id)
    bob.do(actions.accept, offer.id)
    assert bob.owed == 50
    with pytest.raises(UsageError, match="your own proposal"):
        alice.do(agreements.agree, retract.id)


def test_a_closure_that_names_unknown_entries_is_not_agreed_to(pair, alice, bob):
    offer = alice.do(actions.pay, eur(50))
    old = bob.backup()
    tablet = pair.add_device(alice, "tablet")
    tablet.pull(alice)
    closure = tablet.write(agreements.propose_closure(tablet.state, alice.id, offer.entry.epoch))
    bob.restart(old)
    bob.take(closure)
    with pytest.raises(UsageError, match="not here yet"):
        bob.do(agreements.agree, closure.id)


def test_both_sides_can_be_restored_at_once(pair, alice, bob):
    offer = alice.do(actions.pay, eur(50))
    pair.sync()
    databases = alice.backup(), bob.backup()
    alice.do(actions.pay, eur(60))
    bob.do(actions.accept, offer.id)
    alice.restart(databases[0])
    bob.restart(databases[1])
    alice.recover_with(bob)
    bob.recover_with(alice)
    assert alice.recovery is None
    assert bob.recovery is None
    bob.do(actions.accept, offer.id)
    pair.sync()
    assert (alice.owed, bob.owed) == (-50, 50)


def test_a_lost_device_is_closed_as_a_whole(pair, alice, bob):
    offer = alice.do(actions.pay, eur(5))
    pair.sync()
    tablet = pair.add_device(alice, "tablet")
    tablet.pull(alice)
    closure = tablet.write(agreements.propose_closure(tablet.state, alice.id, None))
    bob.take(closure)
    bob.do(agreements.agree, closure.id)
    stolen = alice.do(actions.pay, eur(10_000))
    bob.take(stolen)
    assert bob.state.is_closed(alice.id, stolen.entry.epoch)
    assert stolen.id not in bob.state.concessions
    assert offer.id in bob.state.concessions


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (3, 4, 1, 0, 2), (2, 3, 4, 0, 1)])
def test_closures_mean_the_same_in_every_order(pair, alice, bob, order):
    first = alice.do(actions.pay, eur(1))
    old = alice.backup()
    late = alice.do(actions.pay, eur(2))
    alice.restart(old)
    bob.take(first)
    alice.recover_with(bob)
    acceptance = bob.do(actions.accept, first.id)
    known = list(bob.known.values())
    closure, agreed = (
        s for s in known if s.entry.kind == "X" or (s.entry.kind == "A" and s is not acceptance)
    )
    parts = (first, late, closure, agreed, acceptance)
    observer = pair.add_device(bob, "observer")
    for index in order:
        observer.take(parts[index])
    assert set(observer.state.concessions) == {first.id}
    assert observer.owed == 1
