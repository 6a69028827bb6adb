"""A damaged store is recognised, and what can be read of it is saved."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from p2pchat.errors import StoreError
from p2pchat.store.database import Database
from p2pchat.store.doctor import Repair, examine, repair
from p2pchat.store.transaction import Reader, Transaction

PAGE = 4096
SCHEMA = """
CREATE TABLE dense (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
CREATE TABLE hidden (id BLOB PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE clustered (id BLOB PRIMARY KEY, body TEXT NOT NULL, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX clustered_by_n ON clustered (n);
CREATE TABLE pair (
    a BLOB NOT NULL, b INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (a, b)
) STRICT, WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE added (n INTEGER NOT NULL) STRICT;
CREATE VIRTUAL TABLE found USING fts5 (body, content='dense', content_rowid='id');
CREATE TRIGGER dense_added AFTER INSERT ON dense BEGIN
    INSERT INTO found (rowid, body) VALUES (new.id, new.body);
    INSERT INTO added VALUES (new.id);
END;
"""
ROWS = 1000
DATA_TABLES = {"dense": ROWS, "hidden": ROWS, "clustered": ROWS, "pair": ROWS, "meta": 1, "added": ROWS}


def identifier(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(4)).digest()


def body(number: int) -> str:
    return f"word{number} " + "filling " * 30


def fill(transaction: Transaction) -> None:
    many = transaction.executemany
    numbers = range(1, ROWS + 1)
    many("INSERT INTO dense (body) VALUES (?)", [(body(n),) for n in numbers])
    many("INSERT INTO hidden VALUES (?, ?)", [(identifier(n), body(n)) for n in numbers])
    many("INSERT INTO clustered VALUES (?, ?, ?)", [(identifier(n), body(n), n) for n in numbers])
    many("INSERT INTO pair VALUES (?, ?, ?)", [(identifier(n % 10), n, body(n)) for n in numbers])
    transaction.execute("INSERT INTO meta VALUES ('name', 'ann')")


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text(SCHEMA)
    return folder


@pytest.fixture
def pages(database: Database, path: Path) -> dict[str, list[int]]:
    """A closed store with 1000 rows in each table; gives the leaf pages of each."""
    database.transact(fill)
    listed = database.read(
        lambda r: r.execute("SELECT name, pageno FROM dbstat WHERE pagetype = 'leaf' ORDER BY name, path")
    )
    database.close()
    found: dict[str, list[int]] = {}
    for name, number in listed:
        found.setdefault(name, []).append(number)
    return found


def damage(path: Path, numbers: list[int]) -> None:
    data = bytearray(path.read_bytes())
    for number in numbers:
        data[(number - 1) * PAGE + 1000] ^= 0xFF
    path.write_bytes(data)


def counts(result: Repair) -> dict[str, int]:
    return {saved.table: saved.rows for saved in result.tables}


def test_a_sound_store_has_no_problems(database: Database, path: Path, key: bytes, migrations: Path) -> None:
    examination = examine(path, key, migrations=migrations)
    assert examination.problems == ()
    assert (examination.version, examination.newest_version, examination.cipher) == (1, 1, "chacha20")


@pytest.mark.parametrize("table", ["dense", "clustered", "clustered_by_n", "found_data"])
def test_a_damaged_page_of_any_kind_is_found(path, key, migrations, pages, table: str) -> None:
    damage(path, pages[table][:1])
    assert examine(path, key, migrations=migrations).problems


def test_a_search_index_that_does_not_fit_its_table_is_found(path, key, migrations, pages) -> None:
    with Database.open(path, key, migrations=migrations) as database:
        database.transact(lambda t: t.execute("UPDATE dense SET body = 'unsaid' WHERE id = 500"))
    assert any("found" in problem for problem in examine(path, key, migrations=migrations).problems)


def test_repairing_a_sound_store_keeps_every_row_and_finds_every_word(path, key, migrations, pages) -> None:
    result = repair(path, key, migrations=migrations)
    assert counts(result) == DATA_TABLES
    assert {saved.lost for saved in result.tables} == {0}
    assert examine(path, key, migrations=migrations).problems == ()
    with Database.open(path, key, migrations=migrations) as database:
        assert database.read(lambda r: r.execute("SELECT rowid FROM found WHERE found MATCH 'word77'")) == [
            (77,)
        ]
        database.transact(lambda t: t.execute("INSERT INTO dense (body) VALUES ('and the triggers work')"))
        assert database.read(lambda r: r.one("SELECT max(n) FROM added")) == (ROWS + 1,)


@pytest.mark.parametrize("table", ["dense", "hidden", "clustered", "pair"])
def test_one_damaged_page_costs_only_its_own_rows(path, key, migrations, pages, table: str) -> None:
    leaves = pages[table]
    damage(path, [leaves[len(leaves) // 2]])
    result = repair(path, key, migrations=migrations)
    [saved] = [saved for saved in result.tables if saved.table == table]
    rows_in_a_page = ROWS / len(leaves)
    assert ROWS - 2 * rows_in_a_page < saved.rows < ROWS
    assert saved.lost in (ROWS - saved.rows, None)
    assert {**DATA_TABLES, table: saved.rows} == counts(result)
    assert examine(path, key, migrations=migrations).problems == ()


@pytest.mark.parametrize("table", ["dense", "hidden", "clustered"])
def test_rows_between_damaged_pages_are_saved(path, key, migrations, pages, table: str) -> None:
    leaves = pages[table]
    hit = leaves[3::10]
    damage(path, hit)
    result = repair(path, key, migrations=migrations)
    share = 1 - 2 * len(hit) / len(leaves)
    assert share * ROWS < counts(result)[table] < ROWS


def test_the_rows_that_an_index_still_counts_are_reported_as_lost(path, key, migrations, pages) -> None:
    damage(path, pages["clustered"][5:6])
    result = repair(path, key, migrations=migrations)
    [saved] = [saved for saved in result.tables if saved.table == "clustered"]
    assert saved.lost is not None
    assert saved.lost == ROWS - saved.rows > 0


def test_a_table_of_which_nothing_can_be_read_does_not_bar_the_others(path, key, migrations, pages) -> None:
    damage(path, pages["dense"])
    result = repair(path, key, migrations=migrations)
    assert counts(result) == {**DATA_TABLES, "dense": 0}


def test_the_damaged_store_is_kept_and_repairing_again_is_safe(path, key, migrations, pages) -> None:
    damage(path, pages["dense"][2:4])
    before = path.read_bytes()
    first = repair(path, key, migrations=migrations)
    second = repair(path, key, migrations=migrations)
    assert counts(first) == counts(second)
    assert (first.damaged.name, second.damaged.name) == ("store.db.damaged-1", "store.db.damaged-2")
    assert first.damaged.read_bytes() == before


def test_what_waits_in_the_wal_is_saved(path, key, migrations, pages) -> None:
    database = Database.open(path, key, migrations=migrations)
    database.transact(lambda t: t.execute("INSERT INTO meta VALUES ('late', 'news')"))
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        path.with_name("copy.db" + suffix).write_bytes(source.read_bytes())
    database.close()
    copy = path.with_name("copy.db")
    damage(copy, pages["dense"][:1])
    repair(copy, key, migrations=migrations)
    with Database.open(copy, key, migrations=migrations) as repaired:
        assert repaired.read(lambda r: r.one("SELECT value FROM meta WHERE key = 'late'")) == ("news",)


def test_a_store_of_an_earlier_version_is_repaired_and_brought_up(path, key, migrations, pages) -> None:
    (migrations / "0002_more.sql").write_text(
        "ALTER TABLE meta ADD COLUMN note TEXT NOT NULL DEFAULT 'none';"
    )
    damage(path, pages["dense"][:1])
    repair(path, key, migrations=migrations)

    def note(reader: Reader) -> object:
        return reader.one("SELECT value, note FROM meta")

    with Database.open(path, key, migrations=migrations) as database:
        assert database.read(note) == ("ann", "none")


def test_a_store_whose_first_page_is_gone_is_refused_and_left_alone(path, key, migrations, pages) -> None:
    damage(path, [1])
    before = path.read_bytes()
    for attempt in (examine, repair):
        with pytest.raises(StoreError, match="first page is damaged"):
            attempt(path, key, migrations=migrations)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version_is_not_repaired(tmp_path, path, key, migrations, pages) -> None:
    before = path.read_bytes()
    older = tmp_path / "older"
    older.mkdir()
    with pytest.raises(StoreError, match="newer"):
        repair(path, key, migrations=older)
    assert path.read_bytes() == before


def test_no_store_is_a_clear_error(path: Path, key: bytes) -> None:
    with pytest.raises(StoreError, match="There is no store"):
        examine(path, key)
    with pytest.raises(StoreError, match="There is no store"):
        repair(path, key)
