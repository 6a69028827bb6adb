"""A store of any earlier version becomes the present one, one whole step after the other."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from p2pchat.errors import StoreError
from p2pchat.store.database import Database
from p2pchat.store.fresh import make
from p2pchat.store.migrate import MIGRATIONS, load, version_of
from p2pchat.store.transaction import Reader

SECOND = "ALTER TABLE author ADD COLUMN age INTEGER NOT NULL DEFAULT 0;"
THIRD = """
CREATE TABLE author_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER NOT NULL) STRICT;
INSERT INTO author_new SELECT id, name, age + 1 FROM author;
DROP TABLE author;
ALTER TABLE author_new RENAME TO author;
SELECT 'a statement that gives a row does not end the step';
CREATE INDEX author_name ON author (name);
"""


def schema(reader: Reader) -> list[tuple[str, str]]:
    return reader.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")


def version(database: Database) -> int:
    return version_of(database._connection)


def add_second_and_third(folder: Path) -> None:
    (folder / "0002_age.sql").write_text(SECOND)
    (folder / "0003_rebuild.sql").write_text(THIRD)


def test_every_earlier_version_reaches_the_same_schema(tmp_path, key, migrations) -> None:
    old = {}
    with Database.create(tmp_path / "from1.db", key, migrations=migrations) as database:
        database.transact(lambda t: t.execute("INSERT INTO author (name) VALUES ('ann')"))
        database.transact(lambda t: t.execute("INSERT INTO note (author, body) VALUES (1, 'hi')"))
    (migrations / "0002_age.sql").write_text(SECOND)
    with Database.create(tmp_path / "from2.db", key, migrations=migrations) as database:
        assert version(database) == 2
    add_second_and_third(migrations)
    with Database.create(tmp_path / "new.db", key, migrations=migrations) as database:
        old["new"] = database.read(schema)
    for name in ("from1", "from2"):
        with Database.open(tmp_path / f"{name}.db", key, migrations=migrations) as database:
            assert version(database) == 3
            assert database.read(schema) == old["new"]
    with Database.open(tmp_path / "from1.db", key, migrations=migrations) as database:
        rows = database.read(
            lambda r: r.execute("SELECT name, age, body FROM author JOIN note ON author = author.id")
        )
        assert rows == [("ann", 1, "hi")]


def test_a_step_that_fails_leaves_the_store_at_the_version_before(database, path, key, migrations) -> None:
    database.close()
    (migrations / "0002_age.sql").write_text(SECOND)
    (migrations / "0003_wrong.sql").write_text("CREATE TABLE half (x) STRICT; SELECT * FROM nowhere;")
    with pytest.raises(apsw.SQLError):
        Database.open(path, key, migrations=migrations)
    (migrations / "0003_wrong.sql").unlink()
    with Database.open(path, key, migrations=migrations) as database:
        assert version(database) == 2
        assert "half" not in [name for name, _ in database.read(schema)]


def test_a_step_that_breaks_references_is_refused(database, path, key, migrations) -> None:
    database.transact(lambda t: t.execute("INSERT INTO author (name) VALUES ('ann')"))
    database.transact(lambda t: t.execute("INSERT INTO note (author, body) VALUES (1, 'hi')"))
    database.close()
    (migrations / "0002_forget.sql").write_text("DELETE FROM author;")
    with pytest.raises(AssertionError, match="migration 2 breaks 1 references"):
        Database.open(path, key, migrations=migrations)
    (migrations / "0002_forget.sql").unlink()
    with Database.open(path, key, migrations=migrations) as database:
        assert database.read(lambda r: r.one("SELECT count(*) FROM author")) == (1,)


def test_references_are_enforced_after_a_migration(database, path, key, migrations) -> None:
    database.close()
    add_second_and_third(migrations)
    with (
        Database.open(path, key, migrations=migrations) as database,
        pytest.raises(apsw.ConstraintError),
    ):
        database.transact(lambda t: t.execute("INSERT INTO note (author, body) VALUES (7, 'hi')"))


def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path, path, key, migrations) -> None:
    older = tmp_path / "older"
    older.mkdir()
    (older / "0001_first.sql").write_text((migrations / "0001_first.sql").read_text())
    add_second_and_third(migrations)
    Database.create(path, key, migrations=migrations).close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer p2pchat \(store version 3, this one knows 1\)"):
        Database.open(path, key, migrations=older)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["0003_gap.sql", "0001_double.sql", "2_short.sql", "0002-Dash.sql"])
def test_a_misnumbered_migration_is_a_bug(migrations: Path, name: str) -> None:
    (migrations / name).write_text("")
    with pytest.raises(AssertionError):
        load(migrations)


def test_the_packaged_migrations_make_a_sound_store(path: Path, key: bytes) -> None:
    assert load(MIGRATIONS)
    with Database.create(path, key) as database:
        assert version(database) == len(load(MIGRATIONS))
        assert database.read(lambda r: r.one("PRAGMA integrity_check")) == ("ok",)
        loose = database.read(
            lambda r: r.execute(
                "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main'"
                " AND NOT strict AND name NOT LIKE 'sqlite_%'"
            )
        )
        assert loose == [], "every table is STRICT"


def test_a_store_of_each_packaged_version_reaches_the_newest(tmp_path: Path, key: bytes) -> None:
    steps = load(MIGRATIONS)
    with Database.create(tmp_path / "new.db", key) as database:
        newest = database.read(schema)
    for number in range(1, len(steps) + 1):
        make(tmp_path / f"{number}.db", key, steps[:number]).close()
        with Database.open(tmp_path / f"{number}.db", key) as database:
            assert database.read(schema) == newest
