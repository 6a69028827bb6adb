"""Bad input and bad luck: one sentence on stderr, an exit code, and nothing lost or changed."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end

SECRET = {"P2PCHAT_PASSPHRASE": "correct horse"}


@pytest.fixture(scope="module")
def ann(new_person: Any) -> Any:
    """Ann has asked Ben, Benedict and Cleo, written to Ben, and her node does not run."""
    ann = new_person("ann")
    for name in ("ben", "benedict", "cleo"):
        link = new_person(name).json("invite", "--no-qr")["link"]
        ann.json("contact", "add", link)
    ann.json("send", "ben", "hello")
    ann.json("invite", "--no-qr")  # makes the secret that is in all of her links
    return ann


@pytest.fixture
def copy(ann: Any, new_person: Any, tmp_path: Path) -> Any:
    """A copy of Ann's profile, to be broken."""
    copy = new_person(f"copy-{tmp_path.name}", init=False)
    shutil.copytree(ann.home, copy.home)
    return copy


REFUSALS = [
    ("send nobody hi", 6, "contact or group is called 'nobody'"),
    ("send be hi", 6, "@ben, @benedict"),
    ("send #nobody hi", 6, "contact or group"),
    ("history nobody", 6, "nobody"),
    ("history ben --before zzzzzzzz", 6, "zzzzzzzz"),
    ("msg show zzzzzzzz", 6, "zzzzzzzz"),
    ("msg show zz", 1, "too short"),
    ("contact show nobody", 6, "nobody"),
    ("contact rename ben cleo", 1, "cleo"),
    ("contact unblock ben", 8, "not blocked"),
    ("requests accept ben", 8, "no request"),
    ("requests reject nobody", 6, "nobody"),
    ("contact add p2pchat:AAAA", 1, "link"),
    ("contact add https://example.org", 1, "link"),
    ("contact add p2pchat:" + "A" * 5000, 1, "link"),
    ("pay nobody 1 EUR", 6, "nobody"),
    ("pay ben 1.005 EUR", 1, "rounded"),
    ("iou accept zzzzzzzz", 6, "zzzzzzzz"),
    ("iou reject zz", 6, "zz"),
    ("group show nobody", 6, "nobody"),
    ("group accept nobody", 6, "nobody"),
    ("group invite nobody ben", 6, "nobody"),
    ("split nobody 10 EUR", 6, "nobody"),
    ("network join /nonexistent.toml", 1, "cannot be read"),
    ("network join p2pchat-net:%%%", 1, "damaged"),
    ("init --name Other", 1, "profile"),
    ("events --limit 0", 1, "--limit"),
    ("run --listen 127.0.0.1:4001", 1, "127.0.0.1:4001"),
    ("stop", 3, "not running"),
    ("net", 3, "not running"),
    ("ping ben", 3, "not running"),
    ("connect ben", 3, "not running"),
    ("events --follow", 3, "not running"),
    ("tail", 3, "not running"),
]


def test_a_request_that_cannot_be_carried_out_changes_nothing(ann: Any) -> None:
    before = ann.content()
    wrong = []
    for words, code, sentence in REFUSALS:
        outcome = ann(*words.split())
        try:
            assert sentence in outcome.refused(code)
        except (AssertionError, ValueError):
            wrong.append((words, outcome))
    assert wrong == []
    assert ann.content() == before


@pytest.mark.parametrize(
    ("words", "stdin", "sentence"),
    [
        (["send", "ben", ""], "", "no text"),
        (["send", "ben", "-"], "x" * 70_000, "bytes"),
        (["init", "--name", ""], "", "profile"),
        (["contact", "rename", "ben", "\x1b"], "", "name"),
        (["search", " "], "", "no word"),
    ],
)
def test_odd_text_changes_nothing(ann: Any, words: list[str], stdin: str, sentence: str) -> None:
    before = ann.content()
    assert sentence in ann(*words, stdin=stdin).refused(1)
    assert ann.content() == before


def test_a_link_that_lost_or_changed_a_letter_is_refused(ann: Any, new_person: Any) -> None:
    link = new_person("dan").json("invite", "--no-qr")["link"]
    before = ann.content()
    middle = len(link) // 2
    swapped = "A" if link[middle] != "A" else "B"
    for damaged in (
        link[:-1],
        link[:middle] + link[middle + 1 :],
        link[:middle] + swapped + link[middle + 1 :],
    ):
        assert "link" in ann("contact", "add", damaged).refused(1)
    assert ann.content() == before


def test_the_own_link_is_refused(ann: Any) -> None:
    before = ann.content()
    link = ann.json("invite", "--no-qr")["link"]
    assert "your own" in ann("contact", "add", link).refused(1)
    assert ann.content() == before


def test_a_network_with_contacts_is_not_left_by_mistake(ann: Any, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('name = "strangers"\n')
    before = ann.content()
    assert "belongs to 'friends'" in ann("network", "join", str(tmp_path / "other.toml")).refused(8)
    assert ann.content() == before


def test_a_profile_without_a_network_says_how_to_join_one(new_person: Any) -> None:
    loner = new_person("loner", init=False)
    loner.json("init", "--name", "Loner")
    for words in (["run"], ["invite"], ["network", "show"]):
        assert "network join" in loner(*words).refused(1)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda whole: b"", "damaged"),
        (lambda whole: whole[: len(whole) // 2], "damaged"),
        (lambda whole: bytes(len(whole)), "store"),
        (lambda whole: b"not a database at all" * 1000, "store"),
        (lambda whole: b"\xff" * 4096 + whole[4096:], "store"),
    ],
    ids=["emptied", "cut in half", "zeroed", "replaced", "first page overwritten"],
)
def test_a_corrupt_store_is_named_and_left_as_it_is(copy: Any, damage: Any, sentence: str) -> None:
    store = copy.home / "store.db"
    broken = damage(store.read_bytes())
    store.write_bytes(broken)
    for words in (["history", "ben"], ["send", "ben", "hi"], ["run"]):
        assert sentence in copy(*words).refused(3)
    assert store.read_bytes() == broken


def test_a_store_with_one_damaged_page_is_found_by_the_doctor(copy: Any) -> None:
    store = copy.home / "store.db"
    whole = bytearray(store.read_bytes())
    middle = len(whole) // 8192 * 4096
    whole[middle : middle + 16] = bytes(16)
    store.write_bytes(whole)
    report = copy("doctor")
    assert report.code == 3
    assert "damaged" in report.out
    assert store.read_bytes() == bytes(whole)


def test_a_store_of_which_a_half_is_missing_is_not_made_anew(copy: Any) -> None:
    (copy.home / "store.db").rename(copy.home / "elsewhere")
    key = (copy.home / "key").read_bytes()
    assert "missing" in copy("status").refused(3)
    assert "missing" in copy("init", "--name", "Ann").refused(1)
    assert (copy.home / "key").read_bytes() == key
    (copy.home / "elsewhere").rename(copy.home / "store.db")
    assert copy.texts("ben") == ["hello"]
    (copy.home / "key").rename(copy.home / "elsewhere")
    copy("status").refused(3)
    copy("run").refused(3)
    (copy.home / "elsewhere").rename(copy.home / "key")
    assert copy.texts("ben") == ["hello"]


def test_a_key_of_another_store_opens_nothing(copy: Any, new_person: Any) -> None:
    shutil.copy(new_person("other").home / "key", copy.home / "key")
    before = (copy.home / "store.db").read_bytes()
    for words in (["status"], ["run"]):
        copy(*words).refused(3)
    assert (copy.home / "store.db").read_bytes() == before


def test_a_wrong_passphrase_opens_nothing(new_person: Any, bootstrap: Any) -> None:
    secretive = new_person("secretive", init=False)
    secretive.init(bootstrap.network_file, **SECRET)
    before = secretive.content(SECRET["P2PCHAT_PASSPHRASE"])
    for words in (["status"], ["run"]):
        assert "passphrase" in secretive(*words, P2PCHAT_PASSPHRASE="wrong horse").refused(3).lower()
        assert "passphrase" in secretive(*words).refused(3).lower()  # nobody at the terminal to ask
    assert secretive.content(SECRET["P2PCHAT_PASSPHRASE"]) == before
    assert secretive.json("whoami", **SECRET)["name"] == "secretive"


def test_a_port_in_use_is_named(ann: Any) -> None:
    before = ann.content()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"/ip4/127.0.0.1/tcp/{taken.getsockname()[1]}"
        assert address in ann("run", "--listen", address).refused(3)
    assert ann.content() == before


def test_a_home_serves_one_node_and_an_open_one_is_left_alone(copy: Any) -> None:
    copy.start()
    assert "already runs" in copy("run").refused(3)
    assert "already runs" in copy("run", "--detach").refused(3)
    assert copy.json("status")["running"] is True
    copy.kill()
    copy.start()  # a socket and a lock file that a killed node left behind are in nobody's way
    assert copy.texts("ben") == ["hello"]


def test_refusals_of_a_running_node_are_those_without_one(copy: Any) -> None:
    copy.start()
    cursor = copy.json("status")["cursor"]
    for words, code, sentence in REFUSALS[:24]:
        assert sentence in copy(*words.split()).refused(code)
    assert "not connected" in copy("ping", "ben").refused(3)
    assert "cannot be reached" in copy("connect", "ben").refused(3)
    assert copy.json("status")["cursor"] == cursor


def test_a_home_that_is_no_directory_is_named(new_person: Any) -> None:
    someone = new_person("someone", init=False)
    someone.home.write_text("")
    assert str(someone.home) in someone("init", "--name", "Someone").refused(3)
    assert someone.home.read_text() == ""
