import pytest

from p2pchat.core import codec
from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import actions, expense
from p2pchat.core.ledger.concession import RequestStatus, Status
from p2pchat.core.ledger.details import Reason
from p2pchat.core.ledger.expense import Expense
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.split import Item
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import DecodeError, UsageError

EUR = iso_unit("EUR")
CAROL = PersonId(b"c" * 32)


def bill(alice, bob, minor=1000, **changes):
    values = {
        "payer": alice.person,
        "total": Amount(minor, EUR),
        "mode": "equal",
        "parts": ((alice.person, 1), (bob.person, 1)),
        "nonce": bytes(12),
    }
    return Expense(**(values | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mode": "shares", "parts": ((CAROL, 2), (PersonId(b"d" * 32), 1))},
        {"mode": "percent", "parts": ((CAROL, 9999), (PersonId(b"d" * 32), 1))},
        {"mode": "exact", "parts": ((CAROL, 1000),)},
        {"mode": "itemised", "parts": (), "items": (Item(700, (CAROL,)), Item(200, (CAROL,))), "extra": 100},
        {"replaces": bytes(32)},
    ],
)
def test_an_expense_survives_its_encoding_and_its_id_names_all_of_it(alice, bob, changes):
    lunch = bill(alice, bob, **changes)
    assert expense.decode(expense.encode(lunch)) == lunch
    assert sum(expense.shares(lunch).values()) == 1000
    assert expense.expense_id(lunch) != expense.expense_id(bill(alice, bob, **changes, nonce=b"n" * 12))


@pytest.mark.parametrize(
    "changes",
    [
        {"parts": ()},
        {"parts": ((CAROL, 1), (CAROL, 1))},
        {"mode": "percent"},
        {"mode": "exact", "parts": ((CAROL, 999),)},
        {"mode": "guess"},
        {"mode": "itemised", "parts": (), "items": (Item(700, (CAROL,)),), "extra": 100},
        {"items": (Item(700, (CAROL,)),)},
        {"nonce": bytes(11)},
    ],
)
def test_an_expense_that_does_not_add_up_is_refused(alice, bob, changes):
    good = codec.decode(expense.encode(bill(alice, bob)))
    lunch = bill(alice, bob, **changes)
    parts = [[bytes(person), number] for person, number in lunch.parts]
    items = [[item.minor, [bytes(person) for person in item.people]] for item in lunch.items]
    good[4:8] = [lunch.mode, parts, items, lunch.extra]
    good[9] = lunch.nonce
    with pytest.raises(DecodeError):
        expense.decode(codec.encode(good))


def test_a_share_is_requested_with_the_id_of_the_bill(pair, alice, bob):
    lunch = bill(alice, bob)
    asked = alice.do(expense.request_share, lunch)
    assert asked.entry.amount == 500
    assert asked.entry.details.reason is Reason.SHARE
    assert asked.entry.details.expense == expense.expense_id(lunch)
    pair.sync()
    with pytest.raises(UsageError, match="Only the payer"):
        bob.do(expense.request_share, lunch)


def test_an_edit_never_changes_anothers_debt_without_his_signature(pair, alice, bob):
    lunch = bill(alice, bob)
    asked = alice.do(expense.request_share, lunch)
    pair.sync()
    paid = bob.do(actions.answer, asked.id)
    pair.sync()
    alice.do(actions.accept, paid.id)

    dearer = bill(alice, bob, 1200, replaces=expense.expense_id(lunch))
    for draft in expense.revise_share(alice.state, alice.person, lunch, dearer):
        alice.write(draft)
    pair.sync()
    assert bob.state.concessions[paid.id].status is Status.VOID
    assert bob.owed == 0  # less than before, never more, until Bob signs
    (renewed,) = [r for r in bob.state.requests.values() if r.status is RequestStatus.REQUESTED]
    assert renewed.amount == 600


def test_an_edit_that_leaves_a_share_alone_signs_nothing(alice, bob):
    lunch = bill(alice, bob)
    alice.do(expense.request_share, lunch)
    same = bill(alice, bob, replaces=expense.expense_id(lunch), nonce=b"n" * 12)
    assert expense.revise_share(alice.state, alice.person, lunch, same) == []


def test_an_edit_before_the_answer_withdraws_the_old_request(pair, alice, bob):
    lunch = bill(alice, bob)
    asked = alice.do(expense.request_share, lunch)
    gone = bill(alice, bob, replaces=expense.expense_id(lunch), parts=((alice.person, 1),))
    (draft,) = expense.revise_share(alice.state, alice.person, lunch, gone)
    alice.write(draft)
    pair.sync()
    assert bob.state.requests[asked.id].status is RequestStatus.WITHDRAWN


def test_a_version_must_name_the_one_it_replaces(alice, bob):
    with pytest.raises(UsageError, match="names the one it replaces"):
        expense.revise_share(alice.state, alice.person, bill(alice, bob), bill(alice, bob, 1200))
