"""Commands that work on the store while no node runs, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest

from p2pchat.api import schema as s


@pytest.mark.parametrize(
    "words",
    [
        ["send", "zoe", "hi"],
        ["history", "zoe"],
        ["read", "zoe"],
        ["contact", "show", "zoe"],
        ["contact", "rename", "zoe", "zed"],
        ["contact", "verify", "zoe"],
        ["contact", "block", "zoe"],
        ["requests", "accept", "zoe"],
        ["requests", "reject", "zoe"],
        ["pay", "zoe", "3", "EUR"],
        ["request", "zoe", "3", "EUR"],
        ["balance", "zoe"],
        ["iou", "list", "zoe"],
        ["iou", "accept", "abcdefgh"],
        ["iou", "same", "abcdefgh", "bcdefghi"],
        ["iou", "limit", "zoe", "50", "EUR"],
        ["settle", "zoe", "3", "EUR"],
        ["receipt", "zoe", "3", "EUR"],
        ["ledger", "statement", "zoe", "zoe.proof"],
        ["ledger", "export", "--format", "csv", "zoe", "zoe.csv"],
        ["msg", "show", "abcdefgh"],
        ["group", "show", "trip"],
        ["group", "send", "trip", "hi"],
        ["group", "invite", "trip", "zoe"],
        ["group", "accept", "trip"],
        ["split", "trip", "60", "EUR"],
    ],
    ids=" ".join,
)
def test_a_name_that_means_nothing_is_exit_code_6(alice: Any, words: list[str]) -> None:
    alice(*words).refused(6)


@pytest.mark.parametrize(
    "words",
    [
        ["ping", "bob"],
        ["connect", "bob"],
        ["typing", "bob"],
        ["net"],
        ["peers"],
        ["tail"],
        ["events", "--follow"],
    ],
    ids=" ".join,
)
def test_what_needs_the_network_says_how_to_start_the_node(alice: Any, words: list[str]) -> None:
    assert "p2pchat run" in alice(*words).refused(3)


def test_stopping_what_does_not_run_is_told(alice: Any) -> None:
    assert "not running" in alice("stop").refused(3)


@pytest.mark.parametrize("link", ["", "nonsense", "p2pchat:", "p2pchat:abc", "p2pchat:" + "A" * 200])
def test_a_malformed_link_is_refused(alice: Any, link: str) -> None:
    alice("contact", "add", link).refused(1)
    assert alice.json("contact", "list")["contacts"] == []


def test_my_own_link_is_refused(alice: Any) -> None:
    link = alice.json("invite")["link"]
    alice("contact", "add", link).refused(1)


def test_asking_while_offline_is_kept_and_told(alice: Any, bob: Any) -> None:
    link = alice.json("invite")["link"]
    outcome = bob("contact", "add", link, "--name", "ali", "--message", "it is me")
    assert outcome.code == 0
    assert "p2pchat run" in outcome.err
    (contact,) = bob.json("contact", "list")["contacts"]
    assert (contact["name"], contact["state"]) == ("ali", "requested")
    assert bob.json("status")["outbox"] > 0


def test_what_is_written_before_the_other_accepts_is_kept_for_then(carol: Any) -> None:
    outcome = carol("send", "alice", "hi")
    assert outcome.out.startswith("queued to @alice")
    assert "p2pchat run" in outcome.err
    assert carol("history", "alice").out.rstrip().endswith("carol: hi  queued")


def test_waiting_for_delivery_without_a_node_is_exit_code_7(carol: Any) -> None:
    assert "not running" in carol("send", "alice", "hi", "--ack", "delivered").refused(7)
    assert [message["text"] for message in carol.json("history", "alice")["messages"]] == ["hi"]


def test_a_blocked_person_is_not_written_to(carol: Any) -> None:
    assert carol("contact", "block", "alice").code == 0
    carol("send", "alice", "hi").refused(8)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["1.005", "EUR"], "decimals"),
        (["-3", "EUR"], "above zero"),
        (["-3.50", "EUR", "pizza"], "above zero"),
        (["0", "EUR"], "above zero"),
        (["3"], "unit"),
        (["1e3", "EUR"], "1e3"),
        (["nan", "EUR"], "nan"),
        (["9" * 40, "EUR"], ""),
        (["3 EUR", "--hte", "pizza"], "--hte"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_amount_is_refused_with_the_reason(carol: Any, words: list[str], reason: str) -> None:
    assert reason in carol("pay", "alice", *words).refused(1)
    assert carol.json("iou", "list")["ious"] == []


def test_without_a_terminal_an_invite_is_just_its_link(alice: Any) -> None:
    outcome = alice("invite")
    assert outcome.out.startswith("p2pchat:")
    assert len(outcome.out.splitlines()) == 1
    assert len(alice("invite", "--qr").out.splitlines()) > 20
    assert alice("invite", "--qr", "--json").result["link"].startswith("p2pchat:")


def test_the_code_of_an_invite_is_as_good_as_its_link(alice: Any, carol: Any) -> None:
    code = alice("invite", "--qr").out
    assert carol("qr", "-", stdin=code).out.strip() == alice("invite").out.strip()
    assert "a contact already" in carol("contact", "add", "--qr", "-", stdin=code).refused(1)
    assert "--qr" in carol("contact", "add").refused(1)
    assert "no QR code" in carol("contact", "add", "--qr", "-", stdin="hello").refused(1)


def test_what_contacts_learn_can_be_switched(alice: Any) -> None:
    assert alice.json("settings", "show")["read_receipts"] is True
    changed = alice.json("settings", "set", "receipts", "off")
    assert (changed["read_receipts"], changed["typing"]) == (False, True)
    assert alice("settings", "set", "receipts", "on").out.splitlines()[0].split()[:2] == ["receipts", "on"]
    alice("settings", "set", "sound", "on").refused(1)
    for word, megabytes in (("off", 0), ("16", 16), ("on", 64)):
        assert alice.json("settings", "set", "holding", word)["holding_megabytes"] == megabytes
    for name, word in (("holding", "99999999"), ("holding", "-1"), ("holding", "much"), ("typing", "1")):
        alice("settings", "set", name, word).refused(1)
    assert alice.json("settings", "show")["holding_megabytes"] == 64


def test_colour_is_for_terminals_that_want_it(alice: Any) -> None:
    assert "\x1b[" not in alice("whoami").out
    assert "\x1b[" in alice("whoami", FORCE_COLOR="1").out
    assert "\x1b[" not in alice("whoami", FORCE_COLOR="1", NO_COLOR="1").out
    assert "\x1b[" not in alice("whoami", "--json", FORCE_COLOR="1").out


def shell(person: Any, command: str) -> subprocess.CompletedProcess[str]:
    run = f"{sys.executable} -m p2pchat_cli"
    return subprocess.run(
        ["bash", "-c", command.replace("p2pchat", run)],
        capture_output=True,
        text=True,
        env=person.environment,
    )


def test_a_reader_who_has_seen_enough_is_no_error(alice: Any) -> None:
    done = shell(alice, "p2pchat whoami | true; echo ${PIPESTATUS[0]}; p2pchat --help | true")
    assert done.stderr == ""
    assert done.stdout in {"141\n", "0\n"}  # 0: it was faster than `true`


def test_output_that_cannot_be_written_is_told(alice: Any) -> None:
    done = shell(alice, "p2pchat whoami > /dev/full")
    assert (done.returncode, done.stderr) == (
        3,
        "p2pchat: The output cannot be written: No space left on device.\n",
    )
    assert shell(alice, "p2pchat whoami >&-").returncode == 0
    assert shell(alice, "p2pchat history zoe --json > /dev/full").returncode == 3
    assert shell(alice, "p2pchat history zoe >&- 2>&-").returncode == 6


def test_work_on_the_store_loads_no_network(carol: Any) -> None:
    code = "import sys; from p2pchat_cli.main import main; main(['send', 'alice', 'hi'])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules, file=sys.stderr)"],
        env=carol.environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("queued")
    loaded = {module.partition(".")[0] for module in done.stderr.split()}
    assert loaded.isdisjoint({"trio", "libp2p", "multiaddr", "asyncio", "rich"})
    assert "apsw" in loaded


def test_an_empty_profile_says_what_to_do_first(alice: Any) -> None:
    assert "p2pchat invite" in alice("contact", "list").out
    assert "p2pchat invite" in alice("chats").out
    assert "p2pchat group create" in alice("group", "list").out
    assert alice("requests", "list").out == "Nobody asks.\n"
    assert alice("balance").out == "You are all square.\n"
    assert alice("read").out == "Nothing unread.\n"
    assert alice("search", "pizza").out == "Nothing found.\n"


def test_a_founder_rules_the_group(carol: Any) -> None:
    carol("group", "create", "trip", "--history", "7")
    shown = carol("group", "show", "trip").out
    assert "the last 7 days" in shown
    assert "carol  owner  you" in shown
    assert carol.json("group", "policy", "trip", "--write", "admin")["write"] == "admin"
    assert carol.json("group", "policy", "trip")["history"] == "7"
    assert carol.json("group", "rename", "trip", "long trip")["name"] == "long trip"
    carol("group", "policy", "long trip", "--history", "sometimes").refused(1)
    carol("group", "role", "long trip", "carol", "king").refused(1)
    carol("group", "remove", "long trip", "zoe").refused(6)


def test_a_chat_is_muted_and_archived(carol: Any) -> None:
    carol("send", "alice", "hi")
    assert carol("mute", "alice", "7d").out == "Muted for 7 d.\n"
    assert carol("archive", "alice").code == 0
    assert "alice" not in carol("chats").out
    assert "@alice muted archived" in carol("chats", "--all").out
    carol("unmute", "alice")
    carol("unarchive", "alice")
    (chat,) = carol.json("chats")["chats"]
    assert (chat["chat"], chat["muted"], chat["archived"]) == ("@alice", False, False)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("whoami", s.Identity),
        ("status", s.Status),
        ("network show", s.NetworkInfo),
        ("invite", s.Invite),
        ("contact list", s.Contacts),
        ("contact show alice", s.Contact),
        ("contact rename alice ali", s.Contact),
        ("contact verify alice", s.Contact),
        ("contact block alice", s.Contact),
        ("requests list", s.Contacts),
        ("send alice hi", s.Message),
        ("history alice", s.Messages),
        ("read", s.Messages),
        ("search hi", s.Messages),
        ("chats", s.Chats),
        ("group create trip", s.Group),
        ("group list", s.Groups),
        ("pay alice 3 EUR", s.Iou),
        ("request alice 3 EUR", s.Iou),
        ("iou limit alice 3 EUR", s.Balance),
        ("iou list", s.Ious),
        ("balance", s.Balances),
        ("events", s.Events),
    ],
    ids=str,
)
def test_a_program_gets_what_the_schema_says(carol: Any, words: str, kind: type[s.Result]) -> None:
    outcome = carol(*words.split(), "--json")
    assert outcome.out.count("\n") == 1
    assert outcome.err == ""
    strict = msgspec.defstruct("Strict", [], bases=(kind,), forbid_unknown_fields=True)
    msgspec.convert(outcome.result, type=strict)


def test_bytes_that_are_no_text_are_refused(carol: Any) -> None:
    assert "valid Unicode" in carol("send", "alice", "caf\udce9").refused(1)
    carol("history", "caf\udce9").refused(1)
    done = subprocess.run(
        [sys.executable, "-m", "p2pchat_cli", "send", "alice", "-"],
        input=b"caf\xe9",
        capture_output=True,
        env=carol.environment,
    )
    assert done.returncode == 1
    assert b"not" in done.stderr
    assert carol.json("history", "alice")["messages"] == []


@pytest.mark.parametrize("length", [40_000, 2_000_000])
def test_a_text_that_is_too_long_is_refused(carol: Any, length: int) -> None:
    assert "at most" in carol("send", "alice", "-", stdin="x" * length).refused(1)
    assert carol.json("history", "alice")["messages"] == []


def test_two_commands_at_once_wait_for_each_other(carol: Any) -> None:
    command = [sys.executable, "-m", "p2pchat_cli", "send", "alice"]
    both = [
        subprocess.Popen([*command, text], env=carol.environment, stdout=subprocess.DEVNULL)
        for text in ("one", "two")
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    assert {message["text"] for message in carol.json("history", "alice")["messages"]} == {"one", "two"}


@pytest.mark.end_to_end
def test_a_node_kept_off_the_network_serves_its_faces(carol: Any) -> None:
    try:
        assert carol("daemon", "start", "--offline").code == 0
        status = carol.json("status")
        assert (status["running"], status["offline"]) == (True, True)
        assert carol.json("net")["reachability"] == "offline"
        assert "--offline" in carol("connect", "alice").refused(3)
        (device,) = carol.json("peers", "trace", "alice")["devices"]
        assert (device["connected"], device["tries"]) == (False, [])
        assert carol.json("send", "alice", "hi")["state"] == "queued"
    finally:
        assert carol("stop").code == 0
