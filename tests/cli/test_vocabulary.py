"""Words that people bring from other programs, and profiles beside each other."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from p2pchat.core.ids import GroupId
from p2pchat.core.keys import SigningKey
from p2pchat.core.log.entry import Entry, author
from p2pchat.core.log.equivocation import EquivocationProof


def test_profiles_with_names_live_side_by_side(nobody: Any) -> None:
    del nobody.environment["P2PCHAT_HOME"]
    assert nobody("--profile", "work", "init", "--name", "alice").code == 0
    assert nobody("init", "--name", "ann", "--profile", "home").code == 0
    assert nobody.json("--profile", "work", "whoami")["name"] == "alice"
    assert nobody.json("whoami", "--profile", "home", P2PCHAT_HOME="/elsewhere")["name"] == "ann"
    listed = nobody.json("profile", "list")["profiles"]
    assert [(one["name"], one["running"]) for one in listed] == [("home", False), ("work", False)]
    assert "p2pchat init" in nobody("whoami").refused(1)


def test_what_is_no_name_for_a_profile_is_refused(nobody: Any) -> None:
    assert "no name" in nobody("whoami", "--profile", "../alice").refused(1)


def test_a_profile_is_named_in_one_way(alice: Any) -> None:
    assert "--home or --profile" in alice("whoami", "--profile", "x", "--home", "y").refused(1)


def test_offline_the_store_alone_answers(alice: Any, carol: Any) -> None:
    assert carol.json("send", "alice", "hi", "--offline")["state"] == "queued"
    assert carol.json("--offline", "history", "alice")["messages"][0]["text"] == "hi"
    assert "p2pchat run" in alice("--offline", "ping", "bob").refused(3)


def test_what_would_tell_where_the_node_is_is_refused(alice: Any) -> None:
    outcome = alice("run", "--tor-socks", "127.0.0.1:9050", "--listen", "/ip4/0.0.0.0/tcp/0")
    assert outcome.code == 1, outcome
    assert "proxy" in outcome.err


def test_all_about_money_is_found_behind_pay(carol: Any) -> None:
    asked = carol.json("pay", "request", "alice", "8", "EUR", "taxi")
    assert (asked["kind"], asked["amount"]) == ("request", "8.00 EUR")
    assert "nothing in EUR" in carol("pay", "settle", "alice", "3", "EUR").refused(1)
    assert carol.json("pay", "balance") == carol.json("balance")
    assert carol.json("pay", "history", "alice") == carol.json("ledger", "history", "alice")
    carol("pay", "accept", "abcdefgh").refused(6)
    carol("pay", "split", "trip", "60", "EUR").refused(6)
    assert carol.json("pay", "alice", "2", "EUR")["kind"] == "iou"


def test_who_serves_friends_says_how_much(alice: Any) -> None:
    assert alice.json("mailbox", "serve", "16")["holding_megabytes"] == 16
    assert alice.json("settings", "show")["holding_megabytes"] == 16
    assert alice.json("mailbox", "serve", "off")["holding_megabytes"] == 0
    assert "number" in alice("mailbox", "serve", "many").refused(1)


def test_before_a_first_meeting_nothing_can_be_carried(carol: Any, tmp_path: Path) -> None:
    file = tmp_path / "alice.bundle"
    assert "met once" in carol("bundle", "export", "alice", str(file)).refused(6)
    assert not file.exists()
    file.write_text("keep me")
    assert "already" in carol("bundle", "export", "alice", str(file)).refused(1)
    assert "no bundle" in carol("bundle", "import", str(file)).refused(1)
    assert file.read_text() == "keep me"


def test_a_bundle_of_a_group_is_taken_in_parts_and_twice(alice: Any, tmp_path: Path) -> None:
    alice("group", "create", "trip")
    lines = "\n".join("x" * 20_000 for _ in range(40))  # more than one request holds
    assert alice("chat", "#trip", stdin=f"{lines}\n").code == 0
    file = tmp_path / "trip.bundle"
    written = alice.json("bundle", "export", "trip", str(file))
    assert written["bytes"] == file.stat().st_size > 700_000
    for _ in range(2):
        taken = alice.json("bundle", "import", str(file))
        assert taken == {"parcels": 0, "entries": 0, "others": 0}


def _fork(group: GroupId) -> EquivocationProof:
    def say(body: bytes) -> Entry:
        key = SigningKey(b"two-faced".ljust(32))
        return author(key, group, chain=None, heads=(), lamport=0, sent_ms=1, kind="sealed", body=body)

    return EquivocationProof.of([say(b"yes")], [say(b"no")])


def test_a_proof_of_a_fork_is_checked(alice: Any, tmp_path: Path) -> None:
    group = alice.json("group", "create", "trip")["group"]
    assert alice("group", "fork-report", "trip", str(tmp_path / "none")).out.startswith("Nobody")
    assert not (tmp_path / "none").exists()
    proof = _fork(GroupId.parse(group))
    file = tmp_path / "a.fork"
    file.write_bytes(proof.encode())
    verdict = alice.json("group", "fork-report", "trip", "--check", str(file))
    assert (verdict["conversation"], verdict["seq"]) == (group, 1)
    damaged = bytearray(proof.encode())
    damaged[-1] ^= 1
    file.write_bytes(bytes(damaged))
    assert "proves nothing" in alice("group", "fork-report", "trip", "--check", str(file)).refused(1)
    file.write_bytes(_fork(GroupId(b"x" * 32)).encode())
    assert "another log" in alice("group", "fork-report", "trip", "--check", str(file)).refused(1)
    file.write_bytes(base64.b64encode(b"x" * 100_000))
    assert "too large" in alice("group", "fork-report", "trip", "--check", str(file)).refused(1)
