"""The example bots and the webhook against running nodes."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from p2pchat.api.webhook import signed

pytestmark = pytest.mark.end_to_end

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def pair(overlay: Any) -> tuple[Any, Any]:
    """Alice and a profile for bots, contacts of each other."""
    alice, robot = overlay.join("alice"), overlay.join("robot")
    assert robot("contact", "add", alice.json("invite")["link"]).code == 0
    deadline = time.monotonic() + 30
    while not alice.json("requests", "list")["contacts"]:
        assert time.monotonic() < deadline
    assert alice("requests", "accept", "robot").code == 0
    while robot.json("contact", "show", "alice")["state"] != "accepted":
        assert time.monotonic() < deadline
    return alice, robot


@contextmanager
def running(person: Any, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`p2pchat bot run` until the end of the block; then kill -9."""
    with (person.home.parent / "bot.log").open("ab") as log:
        command = [sys.executable, "-m", "p2pchat_cli", "bot", "run", *words]
        bot = subprocess.Popen(command, stdout=log, stderr=log, env=person.environment)
    try:
        yield bot
    finally:
        bot.kill()
        bot.wait()


def answers(person: Any, chat: str, sender: str) -> list[str]:
    page = person.json("history", chat, "--limit", "500")
    return [one["text"] for one in page["messages"] if one["sender"] == sender and one["kind"] == "text"]


def begun(person: Any, name: str) -> Callable[[], bool]:
    return (person.home / "bots" / f"{name}.cursor").exists


def test_an_echo_bot_answers_also_what_came_while_it_and_its_node_were_away(
    pair: tuple[Any, Any], overlay: Any, eventually: Callable[..., None]
) -> None:
    alice, robot = pair
    with running(robot, str(EXAMPLES / "echo_bot.py")):
        eventually(begun(robot, "echo_bot"))
        sent = alice.json("send", "robot", "one")["id"]
        eventually(lambda: answers(alice, "robot", "robot") == ["one"])
        assert alice.json("history", "robot", "--limit", "1")["messages"][0]["reply"] == sent
    assert alice("send", "robot", "two", "--ack", "delivered").code == 0
    with running(robot, str(EXAMPLES / "echo_bot.py")):
        eventually(lambda: answers(alice, "robot", "robot") == ["one", "two"])
        overlay.kill(robot)
        assert alice("send", "robot", "three").code == 0
        overlay.run(robot)
        eventually(lambda: answers(alice, "robot", "robot") == ["one", "two", "three"])


def test_a_bot_of_coroutines_answers_too(pair: tuple[Any, Any], eventually: Callable[..., None]) -> None:
    alice, robot = pair
    with running(robot, str(EXAMPLES / "async_echo_bot.py"), "--name", "second"):
        eventually(begun(robot, "second"))
        alice("send", "robot", "four")
        eventually(lambda: answers(alice, "robot", "robot")[-1] == "four")


def test_an_expense_bot_keeps_the_purse_of_a_group(
    pair: tuple[Any, Any], eventually: Callable[..., None]
) -> None:
    alice, robot = pair
    alice("group", "create", "trip")
    alice("group", "invite", "trip", "robot")
    eventually(lambda: bool(robot.json("group", "list")["groups"]))
    assert robot("group", "accept", "trip").code == 0
    eventually(lambda: len(alice.json("group", "show", "trip")["members"]) == 2)
    with running(robot, str(EXAMPLES / "expense_bot.py")):
        eventually(begun(robot, "expense_bot"))
        paid = alice.json("group", "send", "trip", "paid 84.00 EUR dinner")["id"]
        eventually(lambda: bool(alice.json("msg", "show", paid)["reactions"]))
        alice("group", "send", "trip", "purse")
        eventually(lambda: answers(alice, "#trip", "robot") == ["alice 0.00 EUR"])


class Receiver:
    """A web server that refuses at first, and keeps what it took."""

    def __init__(self, refuse: int) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.refused = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if outer.refused < refuse:
                    outer.refused += 1
                    self.send_error(503)
                    return
                outer.taken.append(({key.lower(): value for key, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def texts(self) -> list[str]:
        return [json.loads(body)["data"]["text"] for _, body in self.taken]


def test_a_webhook_gets_every_event_in_order_and_signed(
    pair: tuple[Any, Any], eventually: Callable[..., None]
) -> None:
    alice, robot = pair
    receiver = Receiver(refuse=2)
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    words = ("--webhook", receiver.url, "--only", "message.received", "--name", "hook")
    try:
        with running(robot, *words):
            eventually(begun(robot, "hook"))
            for text in ("first", "second"):
                alice("send", "robot", text)
            eventually(lambda: receiver.texts == ["first", "second"])
        alice("send", "robot", "third", "--ack", "delivered")
        with running(robot, *words) as bot:
            eventually(lambda: receiver.texts == ["first", "second", "third"])
            os.kill(bot.pid, signal.SIGINT)
            assert bot.wait(20) == 130
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()
    assert receiver.refused == 2
    secret = base64.b64decode((robot.home / "bots" / "hook.secret").read_text().removeprefix("whsec_"))
    for headers, body in receiver.taken:
        id, at = headers["webhook-id"], int(headers["webhook-timestamp"])
        assert headers["webhook-signature"] == signed(secret, id, at, body)["webhook-signature"]
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 3


def test_a_hook_of_the_node_is_called_for_every_event_also_after_a_kill(
    pair: tuple[Any, Any], overlay: Any, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    alice, robot = pair
    told, gate = tmp_path / "told", tmp_path / "gate"
    program = tmp_path / "take.sh"
    program.write_text(f"#!/bin/sh\ntest -e {gate} || exit 7\ncat >> {told}\n")
    program.chmod(0o700)

    def texts() -> list[str]:
        lines = told.read_text().splitlines() if told.exists() else []
        return [json.loads(line)["data"]["text"] for line in lines]

    def state() -> Any:
        return robot.json("hook", "list")["hooks"][0]

    added = robot.json("hook", "add", "log", "--command", str(program), "--only", "message.received")
    assert added["command"] == [str(program)]
    alice("send", "robot", "five", "--ack", "delivered")
    eventually(lambda: "code 7" in state()["trouble"])  # not taken: later ones wait behind it
    alice("send", "robot", "six", "--ack", "delivered")
    overlay.kill(robot)
    gate.touch()
    assert state()["behind"] > 0
    overlay.run(robot)
    eventually(lambda: texts() == ["five", "six"])
    eventually(lambda: state()["trouble"] == "")
    assert robot("hook", "remove", "log").code == 0
    alice("send", "robot", "seven", "--ack", "delivered")
    receiver = Receiver(refuse=1)
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    try:
        robot("hook", "add", "web", receiver.url, "--only", "message.received")
        alice("send", "robot", "eight")
        eventually(lambda: receiver.texts == ["eight"])
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()
    assert receiver.refused == 1
    assert texts() == ["five", "six"]
    assert robot("hook", "remove", "web").code == 0


def test_a_hook_has_a_name_of_its_own(alice: Any) -> None:
    assert alice("hook", "add", "x", "--command", "true").code == 0
    assert "already" in alice("hook", "add", "x", "--command", "true").refused(1)
    assert alice("hook", "remove", "x").code == 0
    alice("hook", "remove", "x").refused(6)
    alice("hook", "add", "x", "--command", "no-such-program").refused(6)
    assert "one of the two" in alice("hook", "add", "x").refused(1)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 1),
        (["x.py", "--webhook", "http://127.0.0.1/"], 1),
        (["nothing.py"], 6),
        (["--webhook", "http://example.org/"], 1),
        ([str(EXAMPLES / "echo_bot.py")], 3),
    ],
)
def test_what_cannot_run_is_refused(alice: Any, words: list[str], code: int) -> None:
    alice("bot", "run", *words).refused(code)


def test_a_program_speaks_with_the_node_through_a_pipe(pair: tuple[Any, Any]) -> None:
    alice, _ = pair
    requests = [
        {"jsonrpc": "2.0", "id": 1, "method": "identity.show"},
        {"jsonrpc": "2.0", "id": 2, "method": "no.such"},
        {"jsonrpc": "2.0", "id": 3, "method": "chat.list", "params": {}},
    ]
    outcome = alice("rpc", stdin="".join(json.dumps(one) + "\n" for one in requests))
    assert outcome.code == 0
    first, second, third = (json.loads(line) for line in outcome.out.splitlines())
    assert first["result"]["name"] == "alice"
    assert second["error"]["code"] == -32601
    assert third["id"] == 3
