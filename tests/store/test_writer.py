"""Changes of many tasks share commits; nobody is told anything but the truth, and nothing hangs."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
import trio
import trio.testing

from p2pchat.errors import StoreError
from p2pchat.store import writer
from p2pchat.store.database import Database
from p2pchat.store.transaction import Change, Committed, Reader, Transaction
from p2pchat.store.writer import MAX_BATCH, StoreService


def add(name: str) -> Callable[[Transaction], str]:
    def change(transaction: Transaction) -> str:
        transaction.execute("INSERT INTO author (name) VALUES (?)", (name,))
        transaction.effects.append(name)
        return name

    return change


def names(reader: Reader) -> list[str]:
    return [name for (name,) in reader.execute("SELECT name FROM author ORDER BY id")]


class Gate:
    """A change that holds the writer until it is opened, so that others queue up behind it."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()

    def __call__(self, transaction: Transaction) -> None:
        self.begun.set()
        assert self.opened.wait(10)


async def test_a_change_is_committed_when_its_caller_resumes(database: Database) -> None:
    store = StoreService(database, lambda effects: None)
    assert await store.run(add("ann")) == "ann"
    assert await store.read(names) == ["ann"]


class Counting(Database):
    """A database that notes how many changes each commit carried."""

    batches: list[int]

    def transact_each(self, changes):
        self.batches.append(len(changes))
        return super().transact_each(changes)


async def test_those_who_wait_share_the_next_commit(path, key, migrations) -> None:
    with Counting.create(path, key, migrations=migrations) as database:
        database.batches = []
        store = StoreService(database, lambda effects: None)
        gate = Gate()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.run, gate)
            await trio.to_thread.run_sync(gate.begun.wait)
            for number in range(MAX_BATCH + 1):
                nursery.start_soon(store.run, add(f"author {number}"))
            await trio.testing.wait_all_tasks_blocked()
            gate.opened.set()
        assert database.batches == [1, MAX_BATCH, 1]
        assert len(await store.read(names)) == MAX_BATCH + 1


async def test_one_failing_change_hurts_no_other_in_its_batch(database: Database) -> None:
    told: list[object] = []
    store = StoreService(database, told.extend)
    gate = Gate()
    outcomes: dict[str, object] = {}

    def fails(transaction: Transaction) -> None:
        add("mallory")(transaction)
        raise KeyError("no")

    async def call(name: str, change: Change[object]) -> None:
        try:
            outcomes[name] = await store.run(change)
        except KeyError as error:
            outcomes[name] = error

    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.run, gate)
        await trio.to_thread.run_sync(gate.begun.wait)
        for name, change in (("ann", add("ann")), ("mallory", fails), ("bob", add("bob"))):
            nursery.start_soon(call, name, change)
            await trio.testing.wait_all_tasks_blocked()
        gate.opened.set()
    assert isinstance(outcomes.pop("mallory"), KeyError)
    assert outcomes == {"ann": "ann", "bob": "bob"}
    assert told == ["ann", "bob"]
    assert await store.read(names) == ["ann", "bob"]


async def test_changes_given_together_share_a_commit_and_fail_alone(path, key, migrations) -> None:
    def fail(transaction: Transaction) -> str:
        add("nobody")(transaction)
        raise KeyError("no")

    told: list[object] = []
    with Counting.create(path, key, migrations=migrations) as database:
        database.batches = []
        store = StoreService(database, told.extend)
        answers = await store.run_each([add("ann"), fail, *(add(f"n{n}") for n in range(MAX_BATCH))])
        assert answers[0] == "ann"
        assert isinstance(answers[1], KeyError)
        assert answers[2:] == [f"n{n}" for n in range(MAX_BATCH)]
        assert told == await store.read(names) == ["ann", *(f"n{n}" for n in range(MAX_BATCH))]
        assert database.batches == [MAX_BATCH, 2]


async def test_what_goes_along_shares_the_commit_and_knows_its_effects(path, key, migrations) -> None:
    told: list[object] = []
    heard: list[list[object]] = []

    def along(transaction: Transaction, effects: list[object]) -> None:
        heard.append(effects)
        add(f"after {effects[-1]}")(transaction)
        if effects == ["bob"]:
            raise KeyError("no")

    def fail(transaction: Transaction) -> str:
        add("mallory")(transaction)
        raise KeyError("no")

    with Counting.create(path, key, migrations=migrations) as database:
        database.batches = []
        store = StoreService(database, told.extend, along)
        assert (await store.run_each([add("ann"), fail]))[0] == "ann"
        assert await store.run(add("bob")) == "bob"
        assert await store.read(names) == told == ["ann", "after ann", "bob"]
        assert len(database.batches) == 2
    assert heard == [["ann"], ["bob"]]


class Slow(Database):
    """A database that empties its WAL when it is told to."""

    begun: threading.Event
    opened: threading.Event

    def checkpoint(self):
        self.begun.set()
        assert self.opened.wait(10)
        super().checkpoint()


async def test_changes_go_on_while_the_wal_is_emptied(path, key, migrations, monkeypatch) -> None:
    monkeypatch.setattr(writer, "WAL_PAGES", 20)
    with Slow.create(path, key, migrations=migrations) as database:
        database.begun, database.opened = threading.Event(), threading.Event()
        store = StoreService(database, lambda effects: None)
        database.most_wal_pages = 1_000_000  # the writer itself never does it
        with trio.fail_after(30):
            count = 0
            while not database.begun.is_set():
                await store.run(add(f"author {(count := count + 1)}"))
            await store.run(add("meanwhile"))
            assert database.wal_pages >= 20
            database.opened.set()
            while database.wal_pages >= 20:  # until a commit finds everything moved, and begins the WAL anew
                await store.run(add(f"author {(count := count + 1)}"))
        assert len(await store.read(names)) == count + 1


def test_without_a_node_the_writer_empties_the_wal(path, key, migrations) -> None:
    with Database.create(path, key, migrations=migrations) as database:
        database.most_wal_pages = 20
        lengths = []
        for number in range(60):
            database.transact(add(f"author {number}"))
            lengths.append(database.wal_pages)
        assert max(lengths) < 30


async def test_many_callers_with_many_changes_share_commits_within_the_bound(path, key, migrations) -> None:
    with Counting.create(path, key, migrations=migrations) as database:
        database.batches = []
        store = StoreService(database, lambda effects: None)
        async with trio.open_nursery() as nursery:
            for caller in range(5):
                nursery.start_soon(store.run_each, [add(f"{caller} {n}") for n in range(MAX_BATCH // 2)])
        assert sum(database.batches) == 5 * (MAX_BATCH // 2)
        assert max(database.batches) <= MAX_BATCH
        assert len(database.batches) <= 4
        written = await store.read(names)
        for caller in range(5):
            mine = [name for name in written if name.startswith(f"{caller} ")]
            assert mine == [f"{caller} {n}" for n in range(MAX_BATCH // 2)]


async def test_effects_are_carried_out_in_order_before_the_caller_resumes(database: Database) -> None:
    trail: list[object] = []
    store = StoreService(
        database, lambda effects: trail.extend((trio.lowlevel.current_trio_token(), *effects))
    )
    await store.run(add("ann"))
    trail.append("ann resumed")
    await store.run(lambda transaction: None)  # no effects, no call
    assert trail == [trio.lowlevel.current_trio_token(), "ann", "ann resumed"]


async def test_a_cancelled_caller_that_has_begun_gets_its_result(database: Database) -> None:
    store = StoreService(database, lambda effects: None)
    gate = Gate()
    results = []

    async def caller(scope: trio.CancelScope) -> None:
        with scope:
            results.append(await store.run(add("ann")))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.run, gate)
        await trio.to_thread.run_sync(gate.begun.wait)
        scope = trio.CancelScope()
        nursery.start_soon(caller, scope)
        await trio.testing.wait_all_tasks_blocked()
        scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert results == []
        gate.opened.set()
    assert results == ["ann"]
    assert await store.read(names) == ["ann"]


async def test_a_caller_cancelled_before_has_changed_nothing(database: Database) -> None:
    store = StoreService(database, lambda effects: None)
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.run(add("ann"))
    assert scope.cancelled_caught
    assert await store.read(names) == []


async def test_a_cancelled_leader_still_commits_for_those_who_wait(database: Database) -> None:
    store = StoreService(database, lambda effects: None)
    gate = Gate()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.run, gate)
            await trio.to_thread.run_sync(gate.begun.wait)
            for name in ("ann", "bob", "eve"):
                nursery.start_soon(store.run, add(name))
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
            gate.opened.set()
    assert sorted(database.read(names)) == ["ann", "bob", "eve"]


async def test_a_failed_commit_is_told_to_all_and_the_store_goes_on(database: Database) -> None:
    told: list[object] = []
    store = StoreService(database, told.extend)
    pages = database._connection.pragma("page_count")
    database._connection.pragma("max_page_count", pages)  # what SQLite calls a full disk

    def large(transaction: Transaction) -> None:
        add("x" * 100_000)(transaction)

    failed = []

    async def call(change: Change[object]) -> None:
        try:
            await store.run(change)
        except StoreError as error:
            failed.append(str(error))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(call, large)
    assert len(failed) == 3
    assert all("full" in text for text in failed)
    assert told == []
    database._connection.pragma("max_page_count", 1_000_000)
    await store.run(add("ann"))
    assert await store.read(names) == ["ann"]


async def test_an_exception_of_the_callback_is_seen_and_nobody_hangs(database: Database) -> None:
    def broken(effects: list[object]) -> None:
        raise RuntimeError("a bug")

    store = StoreService(database, broken)
    with trio.fail_after(10), pytest.RaisesGroup(RuntimeError):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.run, add("ann"))
    assert database.read(names) == ["ann"]
    with pytest.raises(RuntimeError):
        await store.run(add("bob"))
    assert database.read(names) == ["ann", "bob"]


async def test_a_read_does_not_wait_for_the_writer(database: Database) -> None:
    store = StoreService(database, lambda effects: None)
    gate = Gate()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.run, gate)
        await trio.to_thread.run_sync(gate.begun.wait)
        assert await store.read(names) == []
        gate.opened.set()


PROGRAM = """
import sys, pathlib, trio
from p2pchat.store.database import Database
from p2pchat.store.writer import StoreService

path, migrations = map(pathlib.Path, sys.argv[1:3])

async def main(how):
    with Database.create(path, bytes(32), migrations=migrations) as database:
        store = StoreService(database, lambda effects: None)
        async with trio.open_nursery() as nursery:
            async def write():
                while True:
                    sql = "INSERT INTO author (name) VALUES (hex(randomblob(8)))"
                    await store.run(lambda t: t.execute(sql))
                    await store.read(lambda r: r.execute("SELECT max(id) FROM author"))
            for _ in range(5):
                nursery.start_soon(write)
            await trio.sleep(0.05)
            if how == "crash":
                raise RuntimeError("crash")
            nursery.cancel_scope.cancel()

async def main_leaving_the_database_open():
    database = Database.create(path, bytes(32), migrations=migrations)
    await StoreService(database, print).run(lambda t: None)

if sys.argv[3] == "forgotten":
    trio.run(main_leaving_the_database_open)
else:
    trio.run(main, sys.argv[3])
"""


@pytest.mark.parametrize(("how", "code"), [("cancel", 0), ("crash", 1), ("forgotten", 0)])
def test_the_process_ends_however_the_node_ends(tmp_path, migrations, how: str, code: int) -> None:
    path = tmp_path / "ends.db"
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, path, migrations, how], capture_output=True, timeout=30, check=False
    )
    assert ended.returncode == code, ended.stderr.decode()
    with Database.open(path, bytes(32), migrations=migrations) as database:
        assert database.read(lambda r: r.one("PRAGMA integrity_check")) == ("ok",)


def test_a_committed_value_can_be_unpacked() -> None:
    result, effects = Committed(1, ["news"])
    assert (result, effects) == (1, ["news"])
