"""Law 15: what other programs read from our exports is what the entries add up to."""

import csv
import importlib.util
import io
import random
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.content import note_hash
from p2pchat.core.ledger import actions
from p2pchat.core.ledger.books import archive, beancount, hledger, page, splitwise, table
from p2pchat.core.ledger.books.register import register
from p2pchat.core.ledger.details import Purpose, Reason
from p2pchat.core.ledger.money import Amount, plain_number
from p2pchat.core.ledger.state import fold
from p2pchat.core.ledger.units import iso_unit, own_unit
from p2pchat.errors import ProtocolError, UsageError

EUR, JPY = iso_unit("EUR"), iso_unit("JPY")
DAY_MS = 86_400_000
NOW_MS = 1_800_000_000_000
NASTY = 'a;b | c: "d" \\ e\n    assets:theft  1 EUR\r\n2020-01-01 * x, =1+1'


def some_account(pair, unit, seed=1):
    """Offers, refusals, forgiveness, repayments, requests and disputes over some weeks, with notes."""
    chance = random.Random(seed)
    alice, bob = pair.alice, pair.bob
    notes = {}
    for day in range(25):
        me, other = chance.choice(((alice, bob), (bob, alice)))
        now_ms = NOW_MS + day * DAY_MS
        text = chance.choice((NASTY, "lunch #food", "=SUM(A1)", "ünïcödé 🍕", ""))
        note = archive.Note(text, bytes([day] * 16))
        purpose = Purpose(chance.choice(list(Reason)), due="2027-05-01", zone="Europe/Berlin")
        action = chance.choice((actions.pay, actions.pay, actions.request))
        signed = me.do(
            action,
            Amount(chance.randint(1, 9999), unit),
            purpose=purpose,
            memo_hash=note_hash(*note),
            now_ms=now_ms,
        )
        if note.text:
            notes[bytes(signed.id)] = note
        pair.sync()
        if action is actions.pay and chance.random() < 0.8:
            other.do(actions.accept, signed.id, now_ms=now_ms)
            if chance.random() < 0.2:
                other.do(actions.void, signed.id, now_ms=now_ms)
            elif chance.random() < 0.2:
                me.do(actions.dispute, signed.id, now_ms=now_ms)
        pair.sync()
    return notes


def books_of(device, name, notes):
    return register(device.state, device.person, name, {entry: note[0] for entry, note in notes.items()})


UNITS = pytest.mark.parametrize("unit", [EUR, JPY, own_unit("beer"), own_unit("hour-2", 3)], ids=str)


@UNITS
def test_law_15_hledger_reads_our_balance(new_pair, tmp_path, unit):
    program = shutil.which("hledger")
    if program is None:
        pytest.skip("needs hledger: apt-get install hledger")
    pair = new_pair(unit)
    notes = some_account(pair, unit)
    for device in (pair.alice, pair.bob):
        path = tmp_path / "iou.journal"
        path.write_text(hledger.journal(books_of(device, "Bob; the: 2nd  (new)", notes)), encoding="utf-8")
        subprocess.run([program, "-f", path, "check", "assertions", "balancednoautoconversion"], check=True)
        out = subprocess.run(
            [program, "-f", path, "balance", "assets", "-N", "-E", "-O", "csv"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        (_head, (account, amount)) = csv.reader(io.StringIO(out))
        assert account.startswith("assets:iou:Bob")
        assert amount.split()[0].replace(",", "") == plain_number(device.owed, unit)
        wrong = path.read_text(encoding="utf-8").replace(
            f" = {plain_number(device.owed, unit)} ", " = 123456 "
        )
        path.write_text(wrong, encoding="utf-8")
        assert subprocess.run([program, "-f", path, "check"], check=False, capture_output=True).returncode


@UNITS
def test_law_15_beancount_reads_our_balance(new_pair, tmp_path, unit):
    if importlib.util.find_spec("beancount") is None:
        pytest.skip("needs beancount (a development package on Linux)")
    pair = new_pair(unit)
    notes = some_account(pair, unit)
    for device in (pair.alice, pair.bob):
        path = tmp_path / "iou.beancount"
        text = beancount.ledger(books_of(device, "Bob; the: 2nd  (new)", notes))
        path.write_text(text, encoding="utf-8")
        check = [sys.executable, "-m", "beancount.scripts.check", path]
        subprocess.run(check, check=True)
        balance = text.splitlines()[-1].split()
        assert balance[1] == "balance"
        assert balance[3] == plain_number(device.owed, unit)
        path.write_text(
            text.replace(f"  {balance[3]} {balance[4]}\n", f"  123456 {balance[4]}\n"), encoding="utf-8"
        )
        assert subprocess.run(check, check=False, capture_output=True).returncode


@UNITS
def test_the_table_runs_up_to_our_balance(new_pair, unit):
    pair = new_pair(unit)
    notes = some_account(pair, unit)
    rows = list(csv.DictReader(io.StringIO(table.table(books_of(pair.alice, "Bob", notes)))))
    assert len(rows) == 25
    assert rows[-1]["balance"] == plain_number(pair.alice.owed, unit)
    assert not any(row["note"].startswith(("=", "+", "-", "@")) for row in rows)
    assert "\n" not in "".join(row["note"] for row in rows)
    assert {row["category"] for row in rows} == {"", "food"}


def test_nothing_that_others_write_breaks_out_of_its_line(pair, alice):
    signed = alice.do(actions.pay, Amount(1, EUR))
    books = books_of(alice, NASTY, {bytes(signed.id): (NASTY,)})
    for text in (hledger.journal(books), beancount.ledger(books)):
        assert not any(line.startswith(("    assets:theft", "2020-01-01")) for line in text.splitlines())


def test_a_page_shows_the_balance_and_runs_nothing_that_others_wrote(pair, alice):
    signed = alice.do(actions.pay, Amount(123450, EUR))
    pair.sync()
    pair.bob.do(actions.accept, signed.id)
    pair.sync()
    books = books_of(alice, "Bob & <b>", {bytes(signed.id): ("<script>alert(1)</script>",)})
    text = page.page(books, proven=["a < b"], not_proven=["c"], locale="de")
    assert "I owe Bob &amp; &lt;b&gt; <b>1.234,50 EUR</b>" in text
    assert "<script" not in text
    assert "a &lt; b" in text


def test_a_page_of_an_empty_account_says_that_we_are_even(alice):
    assert "We are even." in page.page(books_of(alice, "Bob", {}))


def test_an_answered_request_is_listed_once(pair, alice, bob):
    asked = alice.do(actions.request, Amount(5, EUR))
    assert [line.status for line in books_of(alice, "Bob", {}).lines] == ["requested"]
    pair.sync()
    bob.do(actions.answer, asked.id)
    pair.sync()
    assert [line.status for line in books_of(alice, "Bob", {}).lines] == ["offered"]


def test_an_empty_account_exports_nothing_but_says_so(alice):
    books = books_of(alice, "Bob", {})
    assert "EUR" in hledger.journal(books)
    assert beancount.ledger(books).startswith("; Nothing")
    assert len(table.table(books).splitlines()) == 1


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32))
def test_law_15_an_archive_reads_back_as_the_same(new_pair, seed):
    pair = new_pair()
    notes = some_account(pair, EUR, seed)
    text = archive.archive(pair.alice.state, pair.owners, notes)
    found = archive.read_archive(text)
    state = fold(found.account, found.devices, found.entries)
    assert state.fingerprint() == pair.alice.state.fingerprint()
    assert found.notes == notes
    assert archive.archive(state, found.devices, found.notes) == text


def test_an_edited_archive_is_refused(pair):
    notes = some_account(pair, own := pair.account.unit)
    text = archive.archive(pair.alice.state, pair.owners, notes)
    balance = plain_number(pair.alice.state.balance, own)
    first = next(signed for signed in pair.alice.known.values() if signed.entry.amount)
    amount = plain_number(first.entry.amount, own)
    for old, new in (
        (f'"balance": "{balance}"', '"balance": "1.00"'),
        (f'"amount": "{amount}"', '"amount": "0.01"'),
        ('"unit_code": "EUR"', '"unit_code": "USD"'),
        ('"unit_scale": 2', '"unit_scale": 3'),
        ("p2pchat-ledger-archive-1", "p2pchat-ledger-archive-2"),
        ('"kind": "C"', '"kind": "R"'),
        ('"note": "lunch #food"', '"note": "a yacht"'),
        ('"note": "lunch #food"', '"note": ""'),
        ("\n", "\n\n"),
    ):
        edited = text.replace(old, new, 1)
        assert edited != text
        with pytest.raises(ProtocolError):
            archive.read_archive(edited)
    for junk in ("", "[]", "{}", text[:-10]):
        with pytest.raises(ProtocolError):
            archive.read_archive(junk)


SPLITWISE = """Date,Description,Category,Cost,Currency,Alice,Bob,Carol

2023-01-15,Dinner,Dining out,100.00,EUR,66.67,-33.33,-33.34
2023-01-16,"Taxi, late",Taxi,30.00,EUR,-10.00,20.00,-10.00
2023-01-17,Two paid,General,90.00,EUR,15.00,15.00,-30.00
2023-01-18,Sushi,Dining out,3000,JPY,-1500,1500.00,0
2023-01-20,Bob paid Alice,Payment,23.33,EUR,-23.33,23.33,0.00

2023-02-01,Total balance, , ,EUR,48.34,25.00,-73.34
"""


def test_a_splitwise_export_is_read_to_the_cent():
    rows = splitwise.read_splitwise("\ufeff" + SPLITWISE)
    assert [row.description for row in rows] == [
        "Dinner",
        "Taxi, late",
        "Two paid",
        "Sushi",
        "Bob paid Alice",
    ]
    sums = splitwise.owed_to(rows, "Alice")
    assert sums == {("Carol", EUR): 4834, ("Bob", JPY): -1500}  # with Bob the euros are even
    total = sum(minor for (_name, unit), minor in sums.items() if unit == EUR)
    assert total == 4834  # Splitwise's own total for Alice


@pytest.mark.parametrize("me", ["Alice", "Bob", "Carol"])
def test_everybodys_sum_is_the_sum_of_his_changes(me):
    rows = splitwise.read_splitwise(SPLITWISE)
    for unit in (EUR, JPY):
        changes = sum(row.changes.get(me, 0) for row in rows if row.unit == unit)
        owed = sum(minor for (_name, u), minor in splitwise.owed_to(rows, me).items() if u == unit)
        assert owed == changes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no Splitwise export"),
        ("Date,What\n", "no Splitwise export"),
        (SPLITWISE.replace("-33.34", "-33.33"), "does not add up"),
        (SPLITWISE.replace("-33.34", "-3e1"), "where an amount belongs"),
        (SPLITWISE.replace("-33.34", "-33.345"), "more decimals"),
        (SPLITWISE.replace("100.00,EUR", "100.00,XXX"), "no currency in use"),
        (SPLITWISE.replace(",-33.34", ""), "columns, not 8"),
        (SPLITWISE.replace("Carol", "Bob"), "same name"),
        (SPLITWISE.replace("-33.34", "-" + "9" * 20), "too large"),
    ],
)
def test_another_file_is_refused_with_one_clear_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        splitwise.read_splitwise(text)
