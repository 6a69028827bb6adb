"""Accounts in memory say what the store says: after a rollback, and at an earlier moment too."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.api.methods import CHANGES
from p2pchat.core.codec import decode
from p2pchat.core.ledger.account import open_account
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import read_unit
from p2pchat.errors import StoreError
from p2pchat.node.features.ledger import accounts, ledger_devices
from p2pchat.node.features.ledger.account_cache import AccountCache
from p2pchat.store import ledger
from p2pchat.store.transaction import Reader, Transaction

_numbers = count(3_000_000)


@pytest.fixture
def ann(workshop: Any) -> Any:
    """Ann, who has written an IOU to Ben."""
    ann, ben = workshop.contacts(next(_numbers))
    ben.close()
    ann.change("iou.pay", pay("1 EUR"))
    yield ann
    ann.close()


def pay(amount: str) -> s.Pay:
    return s.Pay(who="ben", amount=amount)


def offered(person: Any, tx: Reader) -> int:
    """Cents that Ann has offered, by the state in memory."""
    (stored,) = ledger.accounts(tx)
    with accounts.known(person.app, tx, stored) as state:
        assert state.fingerprint() == anew(person, tx, stored).fingerprint()
        return sum(state.offered)


def anew(person: Any, tx: Reader, stored: ledger.StoredAccount) -> AccountState:
    account = open_account(person.app.person, stored.person, read_unit(decode(stored.unit)))
    owners = ledger_devices.owners(person.app, tx, stored.person)
    with AccountCache().state(tx, account, owners) as state:
        return state


def test_what_was_rolled_back_is_forgotten(ann: Any) -> None:
    class CutError(Exception):
        pass

    def fail(tx: Transaction) -> None:
        CHANGES["iou.pay"](ann.app, tx, pay("2 EUR"))
        assert offered(ann, tx) == 300
        raise CutError

    with pytest.raises(CutError):
        ann.database.transact(fail)
    assert ann.database.read(lambda tx: offered(ann, tx)) == 100
    ann.change("iou.pay", pay("4 EUR"))  # takes the row of the one that was rolled back
    assert ann.database.read(lambda tx: offered(ann, tx)) == 500


def test_changes_that_are_committed_together_are_undone_alone(ann: Any) -> None:
    def fail(tx: Transaction) -> None:
        CHANGES["iou.pay"](ann.app, tx, pay("2 EUR"))
        raise ValueError

    results = ann.database.transact_each([fail, lambda tx: CHANGES["iou.pay"](ann.app, tx, pay("8 EUR"))])
    assert isinstance(results[0], ValueError)
    assert ann.database.read(lambda tx: offered(ann, tx)) == 900


def test_a_query_sees_the_moment_at_which_it_began(ann: Any) -> None:
    def look(tx: Reader) -> int:
        before = offered(ann, tx)
        ann.change("iou.pay", pay("16 EUR"))
        assert ann.database.read(lambda later: offered(ann, later)) == before + 1600
        return offered(ann, tx)

    assert ann.database.read(look) == 100
    assert ann.database.read(lambda tx: offered(ann, tx)) == 1700


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger_entry SET raw = CAST(substr(raw, 1, length(raw) - 1) || x'07' AS BLOB)",
        "UPDATE ledger_entry SET raw = x'00'",
        "UPDATE ledger_entry SET signature = zeroblob(64)",
        "DELETE FROM ledger_entry",
    ],
)
def test_entries_that_are_not_those_that_were_signed_are_not_believed(ann: Any, damage: str) -> None:
    ann.change("iou.pay", pay("2 EUR"))
    newest = "WHERE rowid = (SELECT max(rowid) FROM ledger_entry)"
    ann.database.transact(lambda tx: tx.execute(f"{damage} {newest}"))

    def look(tx: Reader) -> int:
        (stored,) = ledger.accounts(tx)
        return len(anew(ann, tx, stored).concessions)

    with pytest.raises(StoreError, match="restore a backup"):
        ann.database.read(look)
