"""Making, opening and examining a profile, without a node."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p2pchat.config import Home


def fingerprints(home: Path) -> dict[str, bytes]:
    """What a failed command may not change; the lock file names whoever held it last."""
    return {path.name: path.read_bytes() for path in home.iterdir() if path.name != "node.lock"}


def damage(store: Path, place: int = 5000) -> None:
    data = bytearray(store.read_bytes())
    data[place : place + 100] = bytes(100)
    store.write_bytes(data)


def test_init_makes_a_profile_that_only_its_owner_can_read(nobody: Any) -> None:
    made = nobody.json("init", "--name", "alice")
    assert made["name"] == "alice"
    assert nobody.json("whoami") == made
    assert stat.S_IMODE(nobody.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((nobody.home / "key").stat().st_mode) == 0o600


def test_init_tells_what_to_do_next(nobody: Any) -> None:
    outcome = nobody("init", "--name", "alice")
    assert "network join" in outcome.out
    assert "No passphrase" in outcome.out


def test_a_second_init_changes_nothing(alice: Any) -> None:
    before = fingerprints(alice.home)
    assert "already" in alice("init", "--name", "mallory").refused(1)
    assert fingerprints(alice.home) == before


@pytest.mark.parametrize("name", ["", " ", "x" * 1000, "\u202e"])
def test_a_name_that_cannot_be_shown_is_refused_and_nothing_is_left(nobody: Any, name: str) -> None:
    nobody("init", "--name", name).refused(1)
    assert "p2pchat init" in nobody("status").refused(1)


def test_init_without_a_name_and_without_a_terminal_asks_for_one(nobody: Any) -> None:
    assert "--name" in nobody("init").refused(1)


def test_two_profiles_live_beside_each_other(alice: Any, bob: Any) -> None:
    assert alice("whoami", "--home", str(bob.home)).out == bob("whoami").out
    assert alice("--home", str(bob.home), "whoami").out == bob("whoami").out
    assert alice("whoami").out != bob("whoami").out


def test_a_home_that_cannot_be_made_is_told(nobody: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nobody("init", "--name", "alice", "--home", str(tmp_path / "file" / "home")).refused(3)


# --- the passphrase -------------------------------------------------------------------------------

SECRET = "correct horse"


@pytest.fixture
def guarded(nobody: Any) -> Any:
    assert nobody("init", "--name", "alice", P2PCHAT_PASSPHRASE=SECRET).code == 0
    return nobody


def test_a_passphrase_opens_the_store_from_the_environment_and_from_a_file(
    guarded: Any, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\nnot this line\n")
    assert guarded("whoami", P2PCHAT_PASSPHRASE=SECRET).code == 0
    assert guarded("whoami", "--passphrase-file", str(tmp_path / "secret")).code == 0


def test_a_wrong_or_missing_passphrase_opens_nothing(guarded: Any, tmp_path: Path) -> None:
    before = fingerprints(guarded.home)
    assert "wrong" in guarded("whoami", P2PCHAT_PASSPHRASE="wrong horse").refused(3)
    assert "passphrase is needed" in guarded("whoami").refused(3)
    assert "cannot be read" in guarded("whoami", "--passphrase-file", str(tmp_path / "none")).refused(1)
    assert "wrong" in guarded("run", P2PCHAT_PASSPHRASE="wrong horse").refused(3)
    assert fingerprints(guarded.home) == before


def test_a_person_types_the_passphrase_unseen(nobody: Any, terminal: Callable[..., Any]) -> None:
    making = terminal(nobody, "init", "--name", "alice", "--passphrase")
    making.await_line(ending="New passphrase:")
    making.type(f"{SECRET}\r")
    making.await_line(ending="Once more:")
    making.type(f"{SECRET}\r")
    making.await_line(ending="p2pchat run")
    assert making.end() == 0
    asking = terminal(nobody, "whoami")
    asking.await_line(ending="Passphrase:")
    asking.type(f"{SECRET}\r")
    asking.await_line(ending="alice")
    assert asking.end() == 0
    assert SECRET not in making.text + asking.text


def test_two_different_new_passphrases_make_nothing(nobody: Any, terminal: Callable[..., Any]) -> None:
    making = terminal(nobody, "init", "--name", "alice", "--passphrase")
    making.await_line(ending="New passphrase:")
    making.type("one\r")
    making.await_line(ending="Once more:")
    making.type("two\r")
    assert making.end() == 1
    assert "differ" in making.text
    assert not nobody.home.exists()


def test_a_person_is_asked_for_a_name(nobody: Any, terminal: Callable[..., Any]) -> None:
    window = terminal(nobody, "init")
    window.await_line(ending="others will see it:")
    window.type("alice\r")
    assert window.end() == 0
    assert nobody.json("whoami")["name"] == "alice"


def test_the_passphrase_is_in_no_output(guarded: Any) -> None:
    outcome = guarded("doctor", P2PCHAT_PASSPHRASE=SECRET)
    assert SECRET not in outcome.out + outcome.err
    assert "protected by a passphrase" in outcome.out


def test_the_passphrase_can_be_changed_and_taken_away(guarded: Any, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("another\n")
    change = ("protect", "passphrase", "--new-passphrase-file", str(tmp_path / "new"))
    assert "wrong" in guarded(*change, P2PCHAT_PASSPHRASE="guess").refused(3)
    assert guarded(*change, P2PCHAT_PASSPHRASE=SECRET).code == 0
    assert "wrong" in guarded("whoami", P2PCHAT_PASSPHRASE=SECRET).refused(3)
    assert guarded("whoami", P2PCHAT_PASSPHRASE="another").code == 0
    assert guarded("protect", "none", P2PCHAT_PASSPHRASE="another").code == 0
    assert guarded("whoami").code == 0
    assert "keyring" in guarded("protect", "keyring").refused(3)
    assert guarded("whoami").code == 0


# --- what can be wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["status"], ["run"], ["send", "bob", "hi"], ["history", "bob"]])
def test_a_store_that_is_no_store_is_refused_and_left_alone(alice: Any, words: list[str]) -> None:
    (alice.home / "store.db").write_bytes(b"garbage" * 2000)
    alice(*words).refused(3)
    assert (alice.home / "store.db").read_bytes() == b"garbage" * 2000


def test_a_lost_key_is_told(alice: Any) -> None:
    (alice.home / "key").unlink()
    assert "key" in alice("status").refused(3)


def test_a_lost_store_is_not_replaced_by_an_empty_one(alice: Any) -> None:
    (alice.home / "store.db").unlink()
    assert "missing" in alice("status").refused(3)


def test_a_key_that_others_may_read_is_refused(alice: Any) -> None:
    (alice.home / "key").chmod(0o644)
    assert "chmod 600" in alice("status").refused(3)


def test_a_home_in_use_is_left_to_its_user(alice: Any) -> None:
    with Home(alice.home).hold():
        assert "in use" in alice("run").refused(3)


def test_doctor_is_content_with_a_sound_profile(alice: Any) -> None:
    diagnosis = alice.json("doctor")
    assert {finding["what"] for finding in diagnosis["findings"]} == {
        "home",
        "key",
        "store",
        "network",
        "node",
    }
    assert all(finding["well"] for finding in diagnosis["findings"])


def test_doctor_finds_a_damaged_page(alice: Any) -> None:
    damage(alice.home / "store.db")
    outcome = alice("doctor", "--json")
    assert outcome.code == 3
    assert "store" in outcome.error["message"]


def test_doctor_repairs_a_damaged_page_and_keeps_what_it_was(alice: Any) -> None:
    assert "nothing to repair" in alice("doctor", "--repair").err
    damage(alice.home / "store.db", place=40 * 4096 + 500)
    assert alice("doctor").code == 3
    outcome = alice("doctor", "--repair")
    assert outcome.code == 0, outcome.err
    assert "Saved" in outcome.err
    assert "store.db.damaged-1" in outcome.err
    assert alice("doctor").code == 0
    assert alice("whoami").code == 0


def test_doctor_finds_what_is_missing_and_who_does_not_answer(nobody: Any, tmp_path: Path) -> None:
    assert "p2pchat init" in nobody("doctor").out
    nobody("init", "--name", "alice")
    assert "network join" in nobody("doctor").out
    peer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
    (tmp_path / "n").write_text(f'name = "friends"\nbootstrap = ["/ip4/127.0.0.1/tcp/1/p2p/{peer}"]\n')
    nobody("network", "join", str(tmp_path / "n"))
    outcome = nobody("doctor")
    assert outcome.code == 3
    assert "port 1 does not answer" in outcome.out


# --- the network ----------------------------------------------------------------------------------


def test_a_network_is_joined_by_its_file_or_its_link(alice: Any, nobody: Any) -> None:
    link = alice.json("network", "show")["link"]
    nobody("init", "--name", "carol")
    assert nobody.json("network", "join", link) == alice.json("network", "show")


@pytest.mark.parametrize("what", ["/nowhere/network.toml", "p2pchat-net:abc", "{file}"])
def test_a_network_that_is_none_is_refused_and_the_old_one_kept(
    alice: Any, tmp_path: Path, what: str
) -> None:
    (tmp_path / "bad.toml").write_text("bootstrap = 7\n")
    before = alice("network", "show").out
    alice("network", "join", what.format(file=tmp_path / "bad.toml")).refused(1)
    assert alice("network", "show").out == before
