"""The power goes, the process dies, the disk fills or turns read-only at a write or a sync, while messages
go out and come in, while a store of before is opened, and while a profile is saved and restored.

What was confirmed is there afterwards, once, on both sides; what was not is there wholly or not at all.
The quick run takes every so-manieth operation, `make test-slow` each of them.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import pytest

from p2pchat.api import schema as s
from p2pchat.errors import StoreError
from p2pchat.files import discard
from p2pchat.node.words import backup_key
from p2pchat.store import backup
from p2pchat.testing.disk import Disk, the_disk

# Closing a connection on a dead disk fails again, with an error already on its way.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

NUMBERS = count(4_000_000)  # copies of people that no other test has
FEW = 20  # operations of the quick run
ROUNDS = 2
FOR_EVER = 1 << 30

Fault = Callable[[int], dict[str, Any]]

FAULTS: dict[str, Fault] = {
    "power": lambda point: {"cut_at": point},
    "killed": lambda point: {"cut_at": point},
    "full": lambda point: {"fail_at": range(point, point + 5), "failure": apsw.FullError},
    "error": lambda point: {"fail_at": range(point, point + 1), "failure": apsw.IOError},
    "read-only": lambda point: {"fail_at": range(point, FOR_EVER), "failure": apsw.ReadOnlyError},
}
every = pytest.mark.parametrize("most", [FEW, pytest.param(FOR_EVER, marks=pytest.mark.slow)])


@pytest.fixture
def disk() -> Disk:
    return the_disk()


def points(operations: int, most: int) -> range:
    """At most `most` of the numbers from 1 to `operations`, evenly."""
    return range(1, operations + 1, max(1, operations // most))


def talk(ann: Any, ben: Any, confirmed: list[str]) -> None:
    """Ann and Ben write to each other and read; `confirmed` has what Ann's store said is safe."""

    def attempt(act: Callable[[], Any]) -> Any:
        try:
            return act()
        except StoreError:
            return None

    for number in range(ROUNDS):
        text = f"ann says {number}"
        if attempt(lambda said=text: ann.change("message.send", s.Send(chat="ben", text=said))):
            confirmed.append(text)
        ben.change("message.send", s.Send(chat="ann", text=f"ben says {number}"))
        for sealed in attempt(lambda: ann.seal(ben)) or []:
            answer = ben.take(ann, sealed)
            attempt(lambda it=answer: ann.hear(ben, it))
        for sealed in ben.seal(ann):
            answer = attempt(lambda it=sealed: ann.take(ben, it))
            if answer is not None:
                ben.hear(ann, answer)
        attempt(lambda: ann.change("chat.read", s.ReadChat(chat="ben")))
        attempt(ann.database.settle)


def shown(person: Any, other: Any) -> list[tuple[str, bool]]:
    return [(one.text, one.mine) for one in person.messages(other) if one.kind == "text"]


def sound(person: Any) -> bool:
    return bool(person.database.read(lambda tx: tx.one("PRAGMA integrity_check")) == ("ok",))


@contextlib.contextmanager
def on_disk(workshop: Any, disk: Disk, **fault: Any) -> Iterator[tuple[Any, Any, list[str]]]:
    """Ann, whose disk is about to fail, and Ben, after they have talked."""
    number = next(NUMBERS)
    ann, ben = workshop.contacts(number)
    confirmed: list[str] = []
    ann.close()
    with disk.mounted(**fault), contextlib.suppress(StoreError):
        ann = workshop.person(ann.home.directory, seed=number)
        try:
            talk(ann, ben, confirmed)
        finally:
            with contextlib.suppress(StoreError):
                ann.close()
    yield ann, ben, confirmed
    ben.close()
    shutil.rmtree(ann.home.directory.parent)


@pytest.fixture
def operations(workshop: Any, disk: Disk) -> int:
    """How many operations the talk takes on Ann's disk when nothing fails."""
    with on_disk(workshop, disk) as (_, _, confirmed):
        assert len(confirmed) == ROUNDS
    return disk.operations


@every
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_disk_does_while_we_talk_all_that_was_confirmed_is_shown_once(
    workshop: Any, disk: Disk, operations: int, fault: str, most: int
) -> None:
    survived = 0
    for point in points(operations, most):
        with on_disk(workshop, disk, **FAULTS[fault](point)) as (before, ben, confirmed):
            if fault == "power":
                disk.lose_power(point)
            ann = workshop.person(before.home.directory, seed=next(NUMBERS), clock_ms=before._clock)
            workshop.rest(ann, ben)
            assert sound(ann), f"operation {point}"
            found = shown(ann, ben)
            assert [(text, not mine) for text, mine in found] == shown(ben, ann), f"operation {point}"
            texts = [text for text, _ in found]
            assert len(texts) == len(set(texts)), f"operation {point}"
            assert set(confirmed) | {f"ben says {number}" for number in range(ROUNDS)} <= set(texts)
            survived += len(confirmed)
            ann.close()
    assert survived > 0


@every
def test_power_lost_while_a_profile_is_saved_and_restored_leaves_one_or_none(
    workshop: Any, disk: Disk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, most: int
) -> None:
    # Who is dead does not tidy up.
    monkeypatch.setattr(backup, "discard", lambda path: disk.dead or discard(path))
    ann, ben = workshop.contacts(next(NUMBERS))
    ann.change("message.send", s.Send(chat="ben", text="before"))
    workshop.rest(ann, ben)
    file, homes = tmp_path / "backup", count()

    def save() -> None:
        ann.back_up(file)

    def restore() -> Any:
        return workshop.person.restored(ann, file, tmp_path / f"home {next(homes)}")

    with disk.mounted():
        ann.crash()
        save()
        saving = disk.operations
        restored = restore()
        restoring = disk.operations - saving
        restored.close()
    devices = {restored.device}
    ann.crash()
    for point in points(saving, most):
        file.unlink(missing_ok=True)
        with disk.mounted(cut_at=point), contextlib.suppress(StoreError):
            ann.crash()
            save()
        disk.lose_power(point)
        ann.crash()
        if not file.exists():
            save()
        backup.verify(file, backup_key(ann.app.root.seed))
    for point in points(restoring, most):
        home = tmp_path / f"home {next(homes)}"
        again: Any = None
        with disk.mounted(cut_at=point), contextlib.suppress(StoreError):
            again = workshop.person.restored(ann, file, home)
        disk.lose_power(point)
        if again is not None:
            with contextlib.suppress(StoreError):
                again.close()
        home_store = home / "store.db"
        again = (
            workshop.person(home, seed=next(NUMBERS))
            if home_store.exists()
            else workshop.person.restored(ann, file, home)
        )
        assert sound(again)
        assert ("before", True) in shown(again, ben)
        assert again.device not in devices, "every restored profile is a device of its own"
        devices.add(again.device)
        again.close()
    ben.close()
