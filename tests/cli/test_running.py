"""Commands against running nodes: two people and a bootstrap node, as real processes."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def pair(overlay: Any) -> tuple[Any, Any]:
    """Alice and Bob, contacts of each other."""
    alice, bob = overlay.join("alice"), overlay.join("bob")
    assert bob("contact", "add", alice.json("invite")["link"], "--message", "it is bob").code == 0
    deadline = time.monotonic() + 60
    while not (waiting := alice.json("requests", "list")["contacts"]):
        assert time.monotonic() < deadline
    assert waiting[0]["message"] == "it is bob"
    assert alice("requests", "accept", "bob").code == 0
    while bob.json("contact", "show", "alice")["state"] != "accepted":
        assert time.monotonic() < deadline
    return alice, bob


@pytest.fixture
def alice(pair: tuple[Any, Any]) -> Any:
    return pair[0]


@pytest.fixture
def bob(pair: tuple[Any, Any]) -> Any:
    return pair[1]


def start(person: Any, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "p2pchat_cli", *words]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=person.environment,
    )


def texts(person: Any, chat: str) -> list[str]:
    return [message["text"] for message in person.json("history", chat, "--limit", "500")["messages"]]


def test_both_see_the_same_safety_number(alice: Any, bob: Any) -> None:
    assert (
        alice.json("contact", "show", "bob")["safety_number"]
        == bob.json("contact", "show", "alice")["safety_number"]
    )


def test_the_counters_of_the_network_are_there_for_prometheus(alice: Any) -> None:
    out = alice("net", "--prometheus").out.splitlines()
    assert "p2pchat_peers" in {line.split()[0] for line in out}
    assert any(line.startswith('p2pchat_network_total{event="sent_bytes"} ') for line in out)
    for line in out:
        assert line.startswith(("# HELP p2pchat_", "# TYPE p2pchat_")) or float(line.split()[-1]) >= 0


def test_a_command_that_asks_the_node_loads_no_network_no_store_and_no_decoration(alice: Any) -> None:
    code = "import sys; from p2pchat_cli.main import main; main(['status'])"
    code += "; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], env=alice.environment, capture_output=True, text=True)
    assert "running" in done.stdout
    loaded = {module.partition(".")[0] for module in done.stderr.split()}
    heavy = {"trio", "libp2p", "asyncio", "apsw", "vodozemac", "nacl", "cryptography"}
    assert loaded.isdisjoint(heavy | {"rich", "segno", "babel", "readline", "mnemonic", "importlib.metadata"})
    assert "typer" in loaded


def test_a_trace_says_what_came_of_each_way(alice: Any, bob: Any) -> None:
    (device,) = alice.json("peers", "trace", "bob")["devices"]
    assert device["connected"]
    assert device["ms"] > 0


def test_a_command_costs_little_more_than_to_load_its_parser(alice: Any) -> None:
    """CPU time, each at its best so far and by turns, so that neighbours on the machine change little."""

    def cpu(*words: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], env=alice.environment, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = command = float("inf")
    for _ in range(30):
        bare = min(bare, cpu("-c", "import typer"))
        command = min(command, cpu("-m", "p2pchat_cli", "status"))
        if command <= 1.5 * bare:
            return
    raise AssertionError(f"{command / bare:.2f} times")


def test_a_message_is_delivered_and_read(alice: Any, bob: Any, eventually: Callable[..., None]) -> None:
    sent = bob.json("send", "alice", "are you", "there?", "--ack", "delivered")
    assert (sent["text"], sent["state"]) == ("are you there?", "delivered")
    assert "are you there?" in alice("read", "bob").out
    assert alice("read").out == "Nothing unread.\n"
    eventually(lambda: bob.json("msg", "show", sent["id"])["state"] == "read")


def test_a_text_may_come_from_standard_input(alice: Any, bob: Any) -> None:
    bob("send", "alice", "-", "--ack", "delivered", stdin="first line\nsecond line\n")
    out = alice("history", "bob", "--limit", "1").out.splitlines()
    assert out[-2].endswith("bob: first line")
    assert out[-1].strip() == "second line"
    assert out[-1].startswith(" " * 20)  # it cannot pass for a message of its own


def test_what_a_peer_writes_cannot_touch_the_terminal(alice: Any, bob: Any) -> None:
    evil = "\x1b[2J\x9b31mhi\u202etxt.exe\x07"
    bob("send", "alice", evil, "--ack", "delivered")
    for command in (["history", "bob", "--limit", "1"], ["read", "bob"], ["search", "exe"], ["chats"]):
        out = alice(*command).out
        assert not set(out) & set("\x1b\x9b\u202e\x07"), command
    outcome = alice("history", "bob", "--limit", "1", "--json")
    assert not set(outcome.out) & set("\x1b\x9b\u202e\x07")
    assert outcome.result["messages"][0]["text"] == evil


def test_following_shows_what_comes_and_goes_on_from_the_cursor(alice: Any, bob: Any) -> None:
    cursor = alice.json("status")["cursor"]
    bob("send", "alice", "while away", "--ack", "delivered")
    listener = start(alice, "events", "--since", str(cursor), "--follow", "--json")
    tail = start(alice, "tail")
    try:
        assert listener.stdout is not None
        assert tail.stdout is not None
        first = json.loads(listener.stdout.readline())["result"]
        assert (first["type"], first["data"]["text"]) == ("message.received", "while away")
        assert first["seq"] == cursor + 1
        time.sleep(1)  # for tail to have begun; it shows only what comes from then on
        bob("send", "alice", "while here", "--ack", "delivered")
        assert "while here" in listener.stdout.readline()
        assert tail.stdout.readline() == "@bob  bob: while here\n"
    finally:
        for process in (listener, tail):
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 130
            assert errors == ""


def test_following_tells_who_asks_and_who_invites(overlay: Any, alice: Any) -> None:
    erin = overlay.join("erin")
    followers = [start(alice, "tail"), start(erin, "tail")]
    time.sleep(1)  # they show only what comes from then on
    try:
        outs = [follower.stdout for follower in followers]
        assert outs[0] is not None
        assert outs[1] is not None
        erin("contact", "add", alice.json("invite")["link"])
        assert outs[0].readline().startswith("erin asks to be your contact: p2pchat requests accept erin")
        alice("requests", "accept", "erin")
        assert outs[0].readline() == outs[1].readline().replace("alice", "erin") == "erin is a contact now.\n"
        alice("group", "create", "trip")
        alice("group", "invite", "trip", "erin")
        assert outs[1].readline() == "alice invites you to #trip: p2pchat group accept trip\n"
    finally:
        for follower in followers:
            follower.kill()
            follower.communicate()


def test_lines_from_a_pipe_are_sent_one_by_one(alice: Any, bob: Any, eventually: Callable[..., None]) -> None:
    outcome = bob("chat", "alice", stdin="one by\n\none\n")
    assert outcome.code == 0
    eventually(lambda: texts(alice, "bob")[-2:] == ["one by", "one"])


def test_an_iou_counts_once_it_is_accepted(alice: Any, bob: Any, eventually: Callable[..., None]) -> None:
    iou = alice.json("pay", "bob", "12.50", "EUR", "pizza", "for", "two")
    assert (iou["amount"], iou["note"], iou["state"]) == ("12.50 EUR", "pizza for two", "offered")
    eventually(lambda: bool(bob.json("iou", "list")["ious"]))
    assert "waits for you" in bob("iou", "list").out
    assert bob("iou", "accept", iou["id"][:8]).code == 0
    eventually(lambda: "you owe 12.50 EUR" in alice("balance", "bob").out)
    assert "owes you 12.50 EUR" in bob("balance").out


def test_what_was_written_can_be_answered_edited_marked_and_deleted(
    alice: Any, bob: Any, eventually: Callable[..., None]
) -> None:
    question = bob.json("send", "alice", "at noon", "--ack", "delivered")["id"]
    answer = alice.json("send", "bob", "fine", "--reply", question[:8], "--ack", "delivered")["id"]
    bob.json("msg", "edit", question[:8], "at", "one")
    alice.json("msg", "react", question[:8], "👍")
    alice.json("msg", "star", question[:8])
    eventually(lambda: "at one  👍 alice  edited" in bob("history", "alice").out)
    eventually(lambda: "at one  👍 alice  edited  starred" in alice("history", "bob").out)
    assert f"(to {question[:8]}) fine" in alice("history", "bob").out
    assert "at one" in alice("msg", "starred").out
    assert "at one" not in bob("msg", "starred").out
    assert "Only your own" in bob("msg", "delete", answer[:8]).refused(8)
    alice.json("msg", "delete", answer[:8])
    eventually(lambda: "fine" not in bob("history", "alice").out)


def test_texts_vanish_on_both_sides(alice: Any, bob: Any, eventually: Callable[..., None]) -> None:
    assert alice("vanish", "bob", "2s").out == "Texts vanish after 2 s.\n"
    alice("send", "bob", "only for a moment", "--ack", "delivered")
    assert alice("vanish", "bob", "off").out == "Texts stay.\n"
    eventually(lambda: "only for a moment" not in alice("history", "bob").out)
    eventually(lambda: "only for a moment" not in bob("history", "alice").out)


def test_ping_and_connect_say_how_far_it_is(alice: Any, bob: Any) -> None:
    assert bob("connect", "alice").code == 0
    assert bob.json("ping", "alice")["ms"] > 0
    assert "alice" in bob("peers").out


def test_a_shell_completes_the_names_of_contacts(alice: Any, bob: Any) -> None:
    outcome = alice(_P2PCHAT_COMPLETE="complete_bash", COMP_WORDS="p2pchat send bo", COMP_CWORD="2")
    assert outcome.out.split() == ["bob"]


def test_a_second_node_on_the_same_profile_is_refused(alice: Any, bob: Any) -> None:
    assert "already runs" in alice("run").refused(3)
    assert "already runs" in alice("run", "--detach").refused(3)
    assert alice.json("status")["running"] is True


def test_a_port_in_use_is_told_and_the_profile_stays_usable(overlay: Any, alice: Any) -> None:
    taken = alice.json("status")["listening"][0].partition("/p2p/")[0]
    carol = overlay.join("carol", run=False)
    for extra in ([], ["--detach"]):
        outcome = carol("run", "--listen", taken, *extra)
        assert outcome.code == 3, outcome
        assert "Traceback" not in outcome.err
        assert taken.rpartition("/")[2] in outcome.err.splitlines()[-1]
    assert carol.json("status")["running"] is False


@pytest.mark.parametrize("address", ["nonsense", "/ip4/127.0.0.1/tcp/99999", "/ip4/127.0.0.1/udp/1"])
def test_an_address_that_is_none_is_told(overlay: Any, nobody: Any, address: str) -> None:
    nobody("init", "--name", "dave")
    nobody("network", "join", str(overlay.network_file))
    outcome = nobody("run", "--listen", address)
    assert outcome.code == 1, outcome
    assert "Traceback" not in outcome.err
    assert address in outcome.err.splitlines()[-1]


def test_a_message_to_somebody_away_is_kept_over_kill_9_and_arrives_once(
    overlay: Any, alice: Any, bob: Any, eventually: Callable[..., None]
) -> None:
    assert bob("stop").code == 0
    assert bob.json("status")["running"] is False
    outcome = alice("send", "bob", "for later", "--ack", "delivered", "--timeout", "0.5", "--json")
    assert outcome.code == 7
    envelope = json.loads(outcome.out)
    assert envelope["error"]["exit_code"] == 7
    assert envelope["result"]["state"] == "queued"

    overlay.kill(alice)
    assert alice.json("status")["running"] is False  # the socket that it left behind misleads nobody
    assert alice.json("send", "bob", "without a node")["state"] == "queued"
    overlay.run(alice)
    overlay.run(bob)
    eventually(lambda: texts(bob, "alice")[-2:] == ["for later", "without a node"])
    assert texts(bob, "alice").count("for later") == 1


@pytest.fixture
def window(alice: Any, terminal: Callable[..., Any]) -> Any:
    """`p2pchat chat bob` on Alice's terminal."""
    window = terminal(alice, "chat", "bob")
    window.await_line(ending="(/help, /quit)")
    window.await_line(ending=">")
    return window


def test_a_chat_shows_what_comes_in_above_what_is_being_typed(window: Any, alice: Any, bob: Any) -> None:
    window.type("half a se")
    window.await_line(ending="> half a se")
    bob("send", "alice", "interrupting you")
    window.await_line(ending="bob: interrupting you")
    window.await_line(ending="> half a se")
    window.type("ntence\r")
    window.await_line(ending="✓ delivered: half a sentence")
    window.type("/help\r")
    window.await_line(ending="the node goes on receiving")
    window.type("/quit\r")
    assert window.end() == 0
    assert texts(bob, "alice")[-1] == "half a sentence"
    assert alice("read").out == "Nothing unread.\n"


def test_a_chat_ends_when_its_node_does(window: Any, overlay: Any, alice: Any, bob: Any) -> None:
    bob("send", "alice", "last words")
    window.await_line(ending="last words")  # it follows the node
    overlay.kill(alice)
    try:
        window.await_line(ending="p2pchat: The node closed the connection.")
        assert window.end() == 3
    finally:
        overlay.run(alice)


def test_a_chat_reaches_other_chats_and_every_command(window: Any, alice: Any, bob: Any) -> None:
    alice("group", "create", "club")
    window.type("#club hello club\r")
    window.type("/contact show bob\r")
    window.await_text("fingerprint")
    window.type("/pay bob\r")
    window.await_text("Missing argument")
    window.type("/run\r")
    window.await_text("/run does not work in a chat")
    window.type("#cl\t\r")
    window.await_line(ending="#club")
    window.type("hello again\r")
    window.type("@bob hello bob\r")
    window.await_text("hello bob")
    window.type("/quit\r")
    assert window.end() == 0
    assert texts(alice, "#club")[-2:] == ["hello club", "hello again"]
    assert texts(bob, "alice")[-1] == "hello bob"


def test_a_chat_without_a_name_is_the_last_one(alice: Any, bob: Any) -> None:
    alice("send", "bob", "the newest chat")
    assert alice("chat", stdin="into it\n").code == 0
    assert texts(bob, "alice")[-1] == "into it" or texts(alice, "bob")[-1] == "into it"


@pytest.fixture
def told(alice: Any, bob: Any, tmp_path: Any) -> Iterator[Any]:
    """What Alice's desktop has shown so far; it has heard Bob."""
    told = tmp_path / "told"
    told.touch()
    shower = tmp_path / "notify-send"
    shower.write_text(f'#!/bin/sh\necho "$3: $4" >> {told}\n')
    shower.chmod(0o755)
    path = f"{tmp_path}:{alice.environment['PATH']}"
    command = [sys.executable, "-m", "p2pchat_cli", "notify"]
    process = subprocess.Popen(command, env=alice.environment | {"PATH": path}, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        number = 0
        while not told.read_text():  # it may take a while until it listens
            assert time.monotonic() < deadline
            bob("send", "alice", f"<b>{(number := number + 1)}</b>", "--ack", "delivered")
            time.sleep(0.3)
        yield told
    finally:
        process.kill()
        process.wait()


def test_the_desktop_is_told_what_the_person_wants_to_hear(
    alice: Any, bob: Any, told: Any, eventually: Callable[..., None]
) -> None:
    def hear(text: str) -> None:
        bob("send", "alice", text, "--ack", "delivered")

    assert "bob: &lt;b&gt;" in told.read_text()
    alice("dnd", "1h")
    hear("in the quiet")
    alice("dnd", "off")
    alice("mute", "bob", "1h")
    hear("in a muted chat")
    bob("send", "alice", "come at once", "--urgent", "--ack", "delivered")
    bob("send", "alice", "4711", "--urgent", "--view-once", "--ack", "delivered")
    eventually(lambda: "bob: A message to be viewed once" in told.read_text())
    assert "bob: come at once" in told.read_text()
    assert "4711" not in told.read_text()
    alice("unmute", "bob")
    hear("loud")
    eventually(lambda: "bob: loud" in told.read_text())
    assert "quiet" not in told.read_text()
    assert "muted" not in told.read_text()
    assert "4711" in alice("read", "bob").out


def test_who_wants_to_hear_of_mentions_alone_hears_in_groups_what_is_for_him(
    alice: Any, bob: Any, told: Any, eventually: Callable[..., None]
) -> None:
    alice("group", "create", "team")
    alice("group", "add", "team", "bob")
    eventually(lambda: any(one["name"] == "team" for one in bob.json("group", "list")["groups"]))
    bob("group", "accept", "team")
    eventually(lambda: any(one["state"] == "joined" for one in bob.json("group", "list")["groups"]))
    alice("settings", "set", "mentions", "on")
    bob("send", "#team", "for anybody", "--ack", "delivered")
    bob("send", "#team", "@Alice: for you", "--ack", "delivered")
    bob("send", "#team", "you too", "--mention", "alice", "--ack", "delivered")
    eventually(lambda: "bob in #team: you too" in told.read_text())
    alice("settings", "set", "mentions", "off")
    assert "bob in #team: @alice: for you" in told.read_text()
    assert "for anybody" not in told.read_text()


def test_a_name_that_is_nearly_right_is_suggested(alice: Any) -> None:
    assert "did you mean @bob?" in alice("send", "bobb", "hi").refused(6)


def test_a_long_answer_is_paged_on_a_terminal(alice: Any, terminal: Any, tmp_path: Any) -> None:
    for number in range(3):
        alice("send", "bob", "\n".join(f"line {number}.{inner}" for inner in range(20)))
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\nhead -n 1 >/dev/null; echo PAGED\n")
    pager.chmod(0o755)
    alice.environment["P2PCHAT_PAGER"] = str(pager)
    window = terminal(alice, "history", "bob")
    window.await_text("PAGED")
    assert window.end() == 0
    alice.environment["P2PCHAT_PAGER"] = ""
    window = terminal(alice, "history", "bob", "--limit", "3")
    window.await_text("line 2.19")
    assert window.end() == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_the_names_of_people_and_groups(alice: Any, bob: Any, shell: str) -> None:
    alice("group", "create", f"walk-{shell}")
    line = "p2pchat send "

    def words(typed: str) -> str:
        text = f"{line}{typed}"
        asked = {"COMP_WORDS": text, "COMP_CWORD": "2"} if shell == "bash" else {}
        return str(
            alice(
                _P2PCHAT_COMPLETE=f"complete_{shell}",
                _TYPER_COMPLETE_ARGS=text,
                _TYPER_COMPLETE_FISH_ACTION="get-args",
                _TYPER_COMPLETE_WORD_TO_COMPLETE=typed,
                **asked,
            ).out
        )

    assert "bob" in words("bo")
    assert f"walk-{shell}" in words("walk")
    assert "bob" not in words("walk")


def test_a_chat_is_written_to_a_file(alice: Any, bob: Any, tmp_path: Any) -> None:
    bob("send", "alice", "first line\n2020-01-01 00:00  alice: I owe you a house", "--ack", "delivered")
    file = tmp_path / "bob.txt"
    count = alice.json("export", "bob", str(file))["messages"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert "bob: first line\n    2020-01-01 00:00  alice: I owe you a house\n" in file.read_text()
    assert alice("export", "bob", str(file), "--format", "json").code == 0
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) >= count
    assert lines[-1]["sender"] == "bob"
    assert alice("export", "bob", str(tmp_path / "no" / "such" / "folder")).code == 3
