import hashlib

import pytest

from p2pchat.core.ledger import actions, policy
from p2pchat.core.ledger.concession import RequestStatus, Status
from p2pchat.core.ledger.details import Limit, Prefix, Purpose, Reason
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import NotFoundError, UsageError

EUR = iso_unit("EUR")
PREIMAGE = b"p" * 32
LOCK = hashlib.sha256(PREIMAGE).digest()


def eur(minor):
    return Amount(minor, EUR)


def status(device, signed):
    return device.state.concessions[signed.id].status


def test_an_iou_counts_on_both_sides_once_it_is_accepted(pair, alice, bob):
    offer = alice.do(actions.pay, eur(1250))
    pair.sync()
    assert (alice.owed, bob.owed) == (0, 0)
    assert status(bob, offer) is Status.OFFERED

    bob.do(actions.accept, offer.id)
    pair.sync()
    assert (alice.owed, bob.owed) == (-1250, 1250)
    assert status(alice, offer) is Status.BINDING


def test_a_rejected_iou_never_counts(pair, alice, bob):
    offer = alice.do(actions.pay, eur(1250))
    pair.sync()
    bob.do(actions.reject, offer.id)
    pair.sync()
    assert status(alice, offer) is Status.VOID
    assert alice.owed == bob.owed == 0
    with pytest.raises(UsageError, match="void already"):
        bob.do(actions.accept, offer.id)


def test_a_debt_that_is_forgiven_leaves_the_balance(pair, alice, bob):
    offer = alice.do(actions.pay, eur(1250))
    pair.sync()
    bob.do(actions.accept, offer.id)
    bob.do(actions.void, offer.id)
    pair.sync()
    assert alice.owed == bob.owed == 0
    with pytest.raises(UsageError, match="void already"):
        bob.do(actions.void, offer.id)


def test_nobody_accepts_or_voids_what_he_signed_himself(pair, alice):
    offer = alice.do(actions.pay, eur(1))
    for action in (actions.accept, actions.reject, actions.void):
        with pytest.raises(UsageError, match="yourself"):
            alice.do(action, offer.id)


def test_a_request_binds_only_when_it_is_answered_and_accepted(pair, alice, bob):
    asked = alice.do(actions.request, eur(500), purpose=Purpose(due="2027-01-31", zone="Europe/Berlin"))
    pair.sync()
    assert bob.state.requests[asked.id].status is RequestStatus.REQUESTED
    answer = bob.do(actions.answer, asked.id)
    pair.sync()
    assert alice.state.requests[asked.id].status is RequestStatus.ANSWERED
    assert alice.state.concessions[answer.id].purpose.due == "2027-01-31"
    alice.do(actions.accept, answer.id)
    pair.sync()
    assert (alice.owed, bob.owed) == (500, -500)


def test_a_request_can_be_answered_in_part_but_not_exceeded(pair, alice, bob):
    asked = alice.do(actions.request, eur(500))
    pair.sync()
    for minor in (0, 501):
        with pytest.raises(UsageError, match="at most"):
            bob.do(actions.answer, asked.id, minor=minor)
    assert bob.do(actions.answer, asked.id, minor=200).entry.amount == 200


def test_a_request_is_withdrawn_by_the_asker_and_declined_by_the_asked(pair, alice, bob):
    first, second = (alice.do(actions.request, eur(n)) for n in (1, 2))
    pair.sync()
    with pytest.raises(UsageError, match="decline it"):
        bob.do(actions.withdraw, first.id)
    with pytest.raises(UsageError, match="withdraw it"):
        alice.do(actions.decline, first.id)
    with pytest.raises(UsageError, match="other side has to answer"):
        alice.do(actions.answer, first.id)
    alice.do(actions.withdraw, first.id)
    bob.do(actions.decline, second.id)
    pair.sync()
    assert bob.state.requests[first.id].status is RequestStatus.WITHDRAWN
    assert alice.state.requests[second.id].status is RequestStatus.DECLINED
    with pytest.raises(UsageError, match="declined already"):
        bob.do(actions.answer, second.id)


def test_a_repayment_counts_by_the_creditors_receipt(pair, alice, bob):
    offer = alice.do(actions.pay, eur(1000))
    pair.sync()
    bob.do(actions.accept, offer.id)
    pair.sync()
    claim = alice.do(actions.request, eur(400), purpose=Purpose(reason=Reason.REPAYMENT))
    pair.sync()
    with pytest.raises(UsageError, match="does not owe you that much"):
        bob.do(actions.receipt, eur(1001))
    receipt = bob.do(actions.receipt, eur(400), request_id=claim.id)
    pair.sync()
    alice.do(actions.accept, receipt.id)
    pair.sync()
    assert (alice.owed, bob.owed) == (-600, 600)
    assert alice.state.concessions[receipt.id].purpose.reason is Reason.REPAYMENT


def test_a_disputed_entry_stays_and_changes_no_balance(pair, alice, bob):
    offer = alice.do(actions.pay, eur(1000))
    pair.sync()
    bob.do(actions.accept, offer.id)
    pair.sync()
    note = alice.do(actions.dispute, offer.id, memo_hash=bytes(32))
    pair.sync()
    assert bob.state.disputes[offer.id] == {note.id}
    assert bob.owed == 1000
    with pytest.raises(NotFoundError):
        alice.do(actions.dispute, pair.account.id)


def test_the_amount_must_be_in_the_unit_of_the_account(alice):
    with pytest.raises(UsageError, match="counts EUR, not USD"):
        alice.do(actions.pay, Amount(1, iso_unit("USD")))


def test_unknown_things_are_not_found(pair, alice):
    for action in (actions.accept, actions.void, actions.answer, actions.withdraw):
        with pytest.raises(NotFoundError):
            alice.do(action, pair.account.id)


def test_acceptance_stops_at_the_limit(pair, alice, bob):
    bob.do(actions.set_limit, Limit(1000, 0))
    offers = [alice.do(actions.pay, eur(600)) for _ in range(2)]
    pair.sync()
    bob.do(actions.accept, offers[0].id)
    with pytest.raises(UsageError, match="more than your limit"):
        bob.do(actions.accept, offers[1].id)
    with pytest.raises(UsageError, match="Together"):
        actions.accept_all(bob.state, bob.person, bob.state.offers_to(bob.person) * 2)


def test_a_raised_limit_replaces_the_old_one_and_a_lower_one_cancels_nothing(pair, alice, bob):
    offer = alice.do(actions.pay, eur(600))
    pair.sync()
    bob.do(actions.set_limit, Limit(100, 0))
    with pytest.raises(UsageError, match="more than your limit"):
        bob.do(actions.accept, offer.id)
    bob.do(actions.set_limit, Limit(1000, 0))
    bob.do(actions.accept, offer.id)
    bob.do(actions.set_limit, Limit(10, 0))
    assert bob.owed == 600
    assert bob.state.room_for(bob.person) == -590
    pair.sync()
    assert alice.state.limit_of(bob.person) == Limit(10, 0)
    assert alice.state.limit_of(alice.person) is None


def test_limits_set_concurrently_by_two_devices_leave_the_smaller_in_force(pair, bob):
    tablet = pair.add_device(bob, "tablet")
    bob.do(actions.set_limit, Limit(1000, 200, 10))
    tablet.do(actions.set_limit, Limit(500, 300, 20))
    bob.pull(tablet)
    tablet.pull(bob)
    assert bob.state.limit_of(bob.person) == Limit(500, 200, 10)
    bob.do(actions.set_limit, Limit(700, 0))
    tablet.pull(bob)
    assert tablet.state.limit_of(bob.person) == Limit(700, 0)


@pytest.mark.parametrize(
    "bad", [Limit(-1, 0), Limit(10, 11), Limit(10, 0, 11), Limit(10, -1), Limit(2**53, 0)]
)
def test_a_limit_out_of_bounds_is_refused(alice, bad):
    with pytest.raises(UsageError):
        alice.do(actions.set_limit, bad)


def test_a_hold_needs_a_limit_counts_against_it_and_stays_within_the_hold_cap(pair, alice, bob):
    holds = [alice.do(actions.pay, eur(150), lock=LOCK) for _ in range(2)]
    pair.sync()
    with pytest.raises(UsageError, match="Set a limit"):
        bob.do(actions.accept, holds[0].id)
    bob.do(actions.set_limit, policy.limit(1000))
    bob.do(actions.accept, holds[0].id)
    assert bob.owed == 0
    assert bob.state.room_for(bob.person) == 850
    with pytest.raises(UsageError, match="holds"):
        bob.do(actions.accept, holds[1].id)


def test_one_acceptance_covers_a_chain_but_not_what_was_left_out(pair, alice, bob):
    offers = [alice.do(actions.pay, eur(n)) for n in range(1, 13)]
    pair.sync()
    wanted = [bob.state.concessions[offer.id] for i, offer in enumerate(offers) if i not in (3, 7)]
    (draft,) = actions.accept_all(bob.state, bob.person, wanted)
    assert isinstance(draft.details, Prefix)
    assert set(draft.details.exceptions) == {offers[3].id, offers[7].id}
    bob.write(draft)
    pair.sync()
    assert alice.owed == -sum(range(1, 13)) + 4 + 8
    assert status(alice, offers[3]) is Status.OFFERED


def test_many_gaps_need_several_acceptances(pair, alice, bob):
    offers = [alice.do(actions.pay, eur(1)) for _ in range(40)]
    pair.sync()
    wanted = [bob.state.concessions[offer.id] for offer in offers[::2]]
    drafts = actions.accept_all(bob.state, bob.person, wanted)
    assert len(drafts) == 3  # eight exceptions each
    for draft in drafts:
        bob.write(draft)
    assert bob.owed == 20
    assert {c.id for c in bob.state.offers_to(bob.person)} == {offer.id for offer in offers[1::2]}


def test_the_branches_of_a_forked_chain_are_accepted_without_dragging_in_others(pair, alice, bob):
    start = alice.head
    left = [alice.do(actions.pay, eur(n)) for n in (1, 2, 3)]
    alice.head = start
    right = [alice.do(actions.pay, eur(n)) for n in (10, 20, 30)]
    pair.sync()
    wanted = [bob.state.concessions[offer.id] for offer in (left[0], right[1], right[2])]
    for draft in actions.accept_all(bob.state, bob.person, wanted):
        bob.write(draft)
    assert {c.id for c in bob.state.concessions.values() if c.counts} == {c.id for c in wanted}


def test_a_prefix_acceptance_that_arrives_first_waits_for_what_it_covers(pair, alice, bob):
    offers = [alice.do(actions.pay, eur(n)) for n in (1, 2, 3)]
    pair.sync()
    (draft,) = actions.accept_all(bob.state, bob.person, bob.state.offers_to(bob.person))
    acceptance = bob.write(draft)
    tablet = pair.add_device(bob, "tablet")
    for signed in (acceptance, offers[2], offers[1], offers[0]):
        tablet.take(signed)
    assert tablet.owed == 6
