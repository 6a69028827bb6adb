import hashlib

import pytest

from p2pchat.core.ledger import actions, policy
from p2pchat.core.ledger.details import Limit, Purpose, Reason
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.units import iso_unit

EUR = iso_unit("EUR")
HOUR_MS = 3_600_000
NOW_MS = 1_800_000_000_000


def eur(minor):
    return Amount(minor, EUR)


def accepted(device):
    return [offer.amount for offer in policy.acceptable(device.state, device.person)]


def test_without_a_limit_everything_is_asked(pair, alice, bob):
    alice.do(actions.pay, eur(1))
    pair.sync()
    assert accepted(bob) == []


def test_offers_are_accepted_automatically_up_to_the_limit(pair, alice, bob):
    bob.do(actions.set_limit, policy.limit(100))
    for minor in (70, 40, 50):
        alice.do(actions.pay, eur(minor))
    pair.sync()
    assert accepted(bob) == [40, 50]


def test_the_size_for_automatic_acceptance_is_bounded_by_the_person(pair, alice, bob):
    bob.do(actions.set_limit, policy.limit(100, automatic=40))
    for minor in (41, 40):
        alice.do(actions.pay, eur(minor))
    pair.sync()
    assert accepted(bob) == [40]
    bob.do(actions.set_limit, policy.limit(100, automatic=0))
    assert accepted(bob) == []


def test_a_hold_is_never_accepted_by_the_limit_alone(pair, alice, bob):
    bob.do(actions.set_limit, policy.limit(1000))
    alice.do(actions.pay, eur(1), lock=hashlib.sha256(bytes(32)).digest())
    pair.sync()
    assert accepted(bob) == []


def test_by_default_a_fifth_of_the_limit_may_be_held():
    assert policy.limit(1000) == Limit(1000, 200, 1000)


@pytest.mark.parametrize(
    ("paid", "requested", "later_ms", "same"),
    [
        (1000, 1000, 0, True),
        (1000, 1010, 48 * HOUR_MS, True),
        (1000, 1011, 0, False),
        (1000, 1000, 48 * HOUR_MS + 1, False),
    ],
)
def test_a_lunch_that_both_entered_is_offered_as_the_same(pair, alice, bob, paid, requested, later_ms, same):
    bob.do(actions.set_limit, policy.limit(10_000))
    offer = alice.do(actions.pay, eur(paid), now_ms=NOW_MS)
    asked = bob.do(actions.request, eur(requested), now_ms=NOW_MS + later_ms)
    pair.sync()
    assert policy.same_lunch(bob.state, bob.person) == ([(offer.id, asked.id)] if same else [])
    assert accepted(bob) == ([] if same else [paid])  # never merged, and never counted twice, in silence


def test_an_answer_to_a_request_is_not_asked_about_again(pair, alice, bob):
    asked = bob.do(actions.request, eur(1000))
    bob.do(actions.request, eur(1000))
    pair.sync()
    alice.do(actions.answer, asked.id)
    pair.sync()
    assert policy.same_lunch(bob.state, bob.person) == []


def test_a_repayment_is_not_taken_for_a_lunch(pair, alice, bob):
    offer = alice.do(actions.pay, eur(1000))
    pair.sync()
    bob.do(actions.accept, offer.id)
    pair.sync()
    alice.do(actions.request, eur(1000))
    bob.do(actions.receipt, eur(1000))
    pair.sync()
    assert policy.same_lunch(alice.state, alice.person) == []
    claim = alice.do(actions.request, eur(1000), purpose=Purpose(reason=Reason.REPAYMENT))
    assert [twin for _offer, twin in policy.same_lunch(alice.state, alice.person)] == [claim.id]
