"""Statements that both sign, histories until then, and books."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.core.ledger.books.archive import read_archive
from p2pchat.core.ledger.bundle import BundleKind
from p2pchat.core.ledger.verify import Report, verify_bundle
from p2pchat.errors import NotFoundError, ProtocolError, UsageError

_numbers = count(6_000_000)


@pytest.fixture
def pair(workshop: Any) -> Any:
    """Ann, who owes Ben 50 EUR, and Ben."""
    ann, ben = workshop.contacts(next(_numbers))
    owed = ann.change("iou.pay", s.Pay(who="ben", amount="50 EUR", note="tickets, 2 of them #fun"))
    workshop.rest(ann, ben)
    ben.change("iou.accept", s.IouId(id=owed.id))
    workshop.rest(ann, ben)
    yield ann, ben
    ann.close()
    ben.close()


def prove(person: Any, who: str, unit: str | None = None) -> tuple[Report, bool]:
    proof = person.change("ledger.statement", s.StatementQuery(who=who, unit=unit))
    return verify_bundle(proof.data), proof.countersigned


def owed_to(report: Report, person: Any) -> int:
    assert report.balance is not None
    return report.balance if report.account.seat(person.app.person) == 0 else -report.balance


def test_a_statement_is_signed_by_both_once_the_other_node_has_answered(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    report, countersigned = prove(ben, "ann")
    assert (report.kind, countersigned) == (BundleKind.HISTORY, False)
    assert any("Completeness" in sentence for sentence in report.not_proven)
    workshop.rest(ann, ben)
    for person, who in ((ben, "ann"), (ann, "ben")):
        report, countersigned = prove(person, who)
        assert (report.kind, countersigned) == (BundleKind.STATEMENT, True)
        assert owed_to(report, ben) == 5000


def test_after_a_new_iou_a_statement_has_to_be_signed_anew(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    prove(ben, "ann")
    workshop.rest(ann, ben)
    owed = ann.change("iou.pay", s.Pay(who="ben", amount="1 EUR"))
    workshop.rest(ann, ben)
    ben.change("iou.accept", s.IouId(id=owed.id))
    assert prove(ben, "ann")[0].kind is BundleKind.HISTORY
    workshop.rest(ann, ben)
    report, _ = prove(ben, "ann")
    assert report.kind is BundleKind.STATEMENT
    assert owed_to(report, ben) == 5100


def test_asking_again_writes_no_second_proposal(pair: Any) -> None:
    _, ben = pair
    prove(ben, "ann")
    cursor = ben.query("node.status", s.Nothing()).cursor
    prove(ben, "ann")
    assert ben.query("node.status", s.Nothing()).cursor == cursor


def test_a_node_does_not_confirm_what_its_own_books_do_not_say(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    ann.change("iou.pay", s.Pay(who="ben", amount="1 EUR"))  # Ben does not know it yet
    prove(ben, "ann")
    workshop.rest(ann, ben)
    report, countersigned = prove(ben, "ann")
    assert (report.kind, countersigned) == (BundleKind.HISTORY, False)
    workshop.rest(ann, ben)
    assert prove(ben, "ann")[1]


def test_a_changed_byte_proves_nothing(pair: Any) -> None:
    ann, _ = pair
    data = bytearray(ann.change("ledger.statement", s.StatementQuery(who="ben")).data)
    data[-1] ^= 1
    with pytest.raises(ProtocolError):
        verify_bundle(bytes(data))


def test_with_several_accounts_one_has_to_be_named(pair: Any) -> None:
    ann, _ = pair
    ann.change("iou.pay", s.Pay(who="ben", amount="3 beer"))
    with pytest.raises(UsageError, match="--unit"):
        prove(ann, "ben")
    assert prove(ann, "ben", "beer")[0].account.unit.code == "beer"
    with pytest.raises(NotFoundError):
        prove(ann, "ben", "USD")


@pytest.mark.parametrize("format", ["hledger", "beancount", "csv"])
def test_books_hold_the_balance(pair: Any, format: Any) -> None:
    ann, ben = pair
    ben.change("iou.receipt", s.GiveReceipt(who="ann", amount="8 EUR"))  # not accepted yet
    (book,) = ben.query("ledger.export", s.BookQuery(format=format, who="ann")).books
    text = book.data.decode()
    assert (book.who, book.unit) == ("ann", "EUR")
    assert "50.00" in text
    assert "8.00" in text
    assert "tickets" in text
    assert ann.query("ledger.export", s.BookQuery(format=format)).books[0].who == "ben"


def test_an_archive_reads_back(pair: Any) -> None:
    ann, _ = pair
    (book,) = ann.query("ledger.export", s.BookQuery(format="json")).books
    archive = read_archive(book.data.decode())
    assert len(archive.entries) == 2
    assert [note.text for note in archive.notes.values()] == ["tickets, 2 of them #fun"]


def test_nothing_is_exported_where_there_is_nothing(pair: Any) -> None:
    ann, _ = pair
    with pytest.raises(NotFoundError):
        ann.query("ledger.export", s.BookQuery(format="csv", unit="USD"))


def test_a_page_shows_the_lines_and_says_what_is_proven(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    ann.change("iou.pay", s.Pay(who="ben", amount="3 EUR", note="<b>cake</b> #food"))
    workshop.rest(ann, ben)
    (book,) = ben.query("ledger.export", s.BookQuery(format="html", who="ann")).books
    text = book.data.decode()
    assert "ann owes me <b>50.00 EUR</b>" in text
    assert "&lt;b&gt;cake" in text
    assert "What this proves" in text


def test_an_account_is_listed_with_the_balance_after_each_line(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    ben.change("iou.receipt", s.GiveReceipt(who="ann", amount="8 EUR"))
    workshop.rest(ann, ben)
    ann.change("iou.pay", s.Pay(who="ben", amount="3 EUR"))
    (listed,) = ann.query("ledger.register", s.RegisterQuery(who="ben")).registers
    shown = [(line.minor, line.counts, line.balance, line.category) for line in listed.lines]
    assert shown == [(-5000, True, -5000, "fun"), (800, True, -4200, ""), (-300, False, -4200, "")]
    assert listed.balance == -4200


def test_one_iou_is_proven_by_itself(pair: Any) -> None:
    ann, ben = pair
    (line,) = ben.query("iou.list", s.IouQuery()).ious
    proof = ann.query("ledger.receipt", s.IouId(id=line.id))
    report = verify_bundle(proof.data)
    assert (report.kind, proof.countersigned) == (BundleKind.RECEIPT, True)
    assert any("50.00 EUR" in sentence for sentence in report.proven)
    asked = ann.change("iou.request", s.RequestPay(who="ben", amount="1 EUR"))
    with pytest.raises(UsageError, match="binds nobody"):
        ann.query("ledger.receipt", s.IouId(id=asked.id))


def test_an_answer_is_listed_with_the_words_of_the_request(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    asked = ann.change("iou.request", s.RequestPay(who="ben", amount="2 EUR", note="tea #food"))
    workshop.rest(ann, ben)
    ben.change("iou.accept", s.IouId(id=asked.id))
    workshop.rest(ann, ben)
    (listed,) = ann.query("ledger.register", s.RegisterQuery(who="ben")).registers
    assert [(line.note, line.category) for line in listed.lines][-1] == ("tea #food", "food")


def test_a_challenge_of_the_reader_is_inside(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    prove(ben, "ann")
    workshop.rest(ann, ben)
    wanted = s.StatementQuery(who="ann", challenge=b"8 bytes!")
    assert not ben.change("ledger.statement", wanted).countersigned, "the one without it does not do"
    workshop.rest(ann, ben)
    proof = ben.change("ledger.statement", wanted)
    assert proof.countersigned
    assert verify_bundle(proof.data).challenge == b"8 bytes!"
    with pytest.raises(UsageError):
        ben.change("ledger.statement", s.StatementQuery(who="ann", challenge=b"short"))
