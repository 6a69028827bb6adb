"""Calls that arrive together, on a real store: as if made one after the other, but with one commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import trio

from p2pchat.api import schema as s
from p2pchat.api.backend import Call, Outcome
from p2pchat.api.stored import StoredMethods
from p2pchat.config import Home
from p2pchat.errors import NotFoundError
from p2pchat.node.features.app import App
from p2pchat.store.database import Database
from p2pchat.store.writer import StoreService

KEY = b"k" * 32


class Counting(Database):
    """A database that notes how many changes each commit carried."""

    batches: list[int]

    def transact_each(self, changes):
        self.batches.append(len(changes))
        return super().transact_each(changes)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Counting]:
    with Counting.create(tmp_path / "store.db", KEY) as database:
        database.batches = []
        yield database


@pytest.fixture
def methods(database: Counting, tmp_path: Path) -> StoredMethods:
    app = database.transact(lambda tx: App.create(tx, Home(tmp_path), "ann", lambda: 1000, bytes)).result
    return StoredMethods(app, StoreService(database, lambda effects: None))


async def called(methods: StoredMethods, calls: Sequence[Call]) -> list[Outcome]:
    return [outcome async for some in methods.call_each(calls) for outcome in some]


def found(name: str) -> Call:
    return "group.create", s.CreateGroup(name=name)


LIST: Call = ("group.list", s.Nothing())


async def test_changes_share_a_commit_and_queries_between_them_see_what_came_before(
    methods: StoredMethods, database: Counting
) -> None:
    calls = [*(found(f"g{n}") for n in range(20)), LIST, LIST, found("last"), LIST]
    seen = [len(one.groups) for one in await called(methods, calls) if isinstance(one, s.Groups)]
    assert seen == [20, 20, 21]
    assert database.batches == [20, 1]


async def test_what_is_refused_stands_in_its_place(methods: StoredMethods) -> None:
    wrong = ("message.send", s.Send(chat="nobody", text="hi"))
    unknown = ("message.show", s.MessageId(id="aaaaaaaa"))
    kinds = [type(one) for one in await called(methods, [found("a"), wrong, unknown, found("b")])]
    assert kinds == [s.Group, NotFoundError, NotFoundError, s.Group]


async def test_more_queries_than_are_answered_at_once_are_answered_in_order(methods: StoredMethods) -> None:
    calls = [("events.list", s.Since(since=n)) for n in range(40)]
    outcomes = await called(methods, calls)
    assert [one.last for one in outcomes if isinstance(one, s.Events)] == list(range(40))


async def test_nothing_to_do_gives_nothing(methods: StoredMethods) -> None:
    with trio.fail_after(1):
        assert await called(methods, []) == []
