"""Recovery words and backups as people use them, without a network."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def alice(nobody: Any) -> Any:
    assert nobody("init", "--name", "alice").code == 0
    return nobody


def words_of(person: Any) -> str:
    return str(person("backup", "words", "--json", "--yes").result["words"])


def elsewhere(person: Any, name: str) -> Any:
    """The same terminal, with another home."""
    return type(person)(person.home.with_name(name))


def test_init_shows_no_secret_but_says_where_the_words_are(nobody: Any) -> None:
    made = nobody("init", "--name", "alice")
    assert "backup words" in made.out
    words = words_of(nobody).split()
    assert len(words) == 24
    assert not any(f"{one} {other}" in made.out for one, other in pairwise(words))


def test_words_are_shown_to_whoever_says_yes(alice: Any, terminal: Callable[..., Any]) -> None:
    assert "--yes" in alice("backup", "words").refused(1)
    asked = terminal(alice, "backup", "words")
    asked.await_line(ending="[y/N]")
    asked.type("n\r")
    assert asked.end() == 1
    shown = terminal(alice, "backup", "words")
    shown.await_line(ending="[y/N]")
    shown.type("y\r")
    assert shown.end() == 0
    words = words_of(alice).split()
    assert all(word in shown.text for word in words)
    assert not all(word in asked.text for word in words)


def test_the_words_make_the_person_on_another_device(alice: Any) -> None:
    other = elsewhere(alice, "other")
    made = other("init", "--name", "alice", "--from-words", "--json", stdin=words_of(alice)).result
    mine = alice("whoami", "--json").result
    assert (made["person"], made["fingerprint"]) == (mine["person"], mine["fingerprint"])
    assert made["device"] != mine["device"]


def test_wrong_words_make_nobody(nobody: Any) -> None:
    refusal = nobody("init", "--name", "alice", "--from-words", stdin="abandon " * 24).refused(1)
    assert "belong together" in refusal
    assert "24 words, not 2" in nobody("init", "--name", "a", "--from-words", stdin="one two").refused(1)
    assert not (nobody.home / "store.db").exists()


def test_a_backup_is_verified_and_restored_with_the_words(alice: Any, tmp_path: Path) -> None:
    file = tmp_path / "alice.p2pchat"
    made = alice("backup", "create", str(file), "--json").result
    assert alice("backup", "verify", str(file), "--json").result == made
    assert "already" in alice("backup", "create", str(file)).refused(3)
    other = elsewhere(alice, "other")
    words = words_of(alice)
    assert other("backup", "verify", str(file), "--words", "--json", stdin=words).result == made
    restored = other("backup", "restore", str(file), "--json", stdin=words).result
    mine = alice("whoami", "--json").result
    assert restored["person"] == mine["person"]
    assert restored["device"] != mine["device"]
    assert other("whoami", "--json").result == restored


def test_a_backup_opens_with_no_other_words_and_changes_no_profile(alice: Any, tmp_path: Path) -> None:
    file = tmp_path / "alice.p2pchat"
    assert alice("backup", "create", str(file)).code == 0
    stranger = elsewhere(alice, "stranger")
    assert stranger("init", "--name", "mallory").code == 0
    assert "does not open" in stranger("backup", "verify", str(file)).refused(3)
    nobody = elsewhere(alice, "empty")
    refusal = nobody("backup", "restore", str(file), stdin=words_of(stranger)).refused(3)
    assert "does not open" in refusal
    assert not (nobody.home / "store.db").exists()
    assert not (nobody.home / "key").exists()
    before = (alice.home / "store.db").read_bytes()
    assert "already" in alice("backup", "restore", str(file), stdin=words_of(alice)).refused(1)
    assert (alice.home / "store.db").read_bytes() == before


def test_a_cut_backup_is_refused(alice: Any, tmp_path: Path) -> None:
    file = tmp_path / "alice.p2pchat"
    assert alice("backup", "create", str(file)).code == 0
    file.write_bytes(file.read_bytes()[:-1])
    alice("backup", "verify", str(file)).refused(3)
