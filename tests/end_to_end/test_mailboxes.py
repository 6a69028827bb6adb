"""Two people who are never online at the same time, and the node that keeps what they write meanwhile."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


class MailboxNode:
    """A bootstrap node of its own, which can be killed and started again at the same address."""

    def __init__(self, home: Path, settings: str = "") -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        home.mkdir()
        text = f'name = "friends"\nlisten = ["/ip4/127.0.0.1/tcp/{port}"]\n[limits]\n{settings}'
        (home / "bootstrap.toml").write_text(text)
        self.process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "p2pchat_bootstrap", "run", "--home", str(self.home), "--json"]
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        self.address: str = json.loads(self.process.stdout.readline())["addresses"][0]

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()
            self.process = None


@pytest.fixture
def new_mailbox(tmp_path: Path) -> Iterator[Callable[..., MailboxNode]]:
    nodes: list[MailboxNode] = []

    def make(settings: str = "") -> MailboxNode:
        nodes.append(MailboxNode(tmp_path / f"mailbox{len(nodes)}", settings))
        return nodes[-1]

    yield make
    for node in nodes:
        node.kill()


def uses(person: Any, *mailboxes: MailboxNode) -> None:
    """Name mailboxes, and wait until they know who may leave something there."""
    for mailbox in mailboxes:
        person.json("mailbox", "use", mailbox.address)
    person.until(
        "all mailboxes are ready",
        lambda: all(one["state"] == "ready" for one in person.json("mailbox", "usage")["mailboxes"]),
    )


def knows_mailboxes_of(person: Any, other: Any, count: int) -> None:
    """Wait until the other's card has come."""
    person.until(
        f"{other.name}'s card names {count} mailboxes",
        lambda: person.contact(other.name)["mailboxes"] == count,
    )


def is_held(person: Any, message: str, by: int) -> None:
    """Wait until so many keep a message."""
    person.until(
        f"{by} keep {message[:8]}",
        lambda: len(person.json("msg", "show", message)["deliveries"][0]["held_by"]) == by,
    )


def test_a_message_reaches_somebody_never_online_with_its_sender(
    new_person: Any, befriend: Any, new_mailbox: Callable[..., MailboxNode]
) -> None:
    ann, ben = new_person("anna"), new_person("benno")
    befriend(ann, ben)
    node = new_mailbox()
    uses(ann, node)
    uses(ben, node)
    knows_mailboxes_of(ann, ben, 1)
    knows_mailboxes_of(ben, ann, 1)

    ben.stop()
    sent = [ann.json("send", "benno", f"word {number}")["id"] for number in range(5)]
    for message in sent:
        is_held(ann, message, by=1)
    shown = ann.json("msg", "show", sent[0])
    assert shown["state"] == "handed 1/1"
    assert shown["deliveries"][0]["held_by"] == [f"mailbox …{node.address[-8:]}"]
    ann.kill()
    node.kill()
    node.start()

    ben.start()
    ben.reads("anna", *(f"word {number}" for number in range(5)))
    ben.until(
        "the mailbox has forgotten what was taken",
        lambda: ben.json("mailbox", "usage")["mailboxes"][0]["messages"] == 0,
    )
    answer = ben.json("send", "anna", "all read")["id"]
    is_held(ben, answer, by=1)
    ben.kill()
    node.kill()
    node.start()

    ann.start()
    ann.reads("benno", "all read")
    for message in sent:
        ann.has_delivered(message)
    ann.until("her receipt is left for him", lambda: ann.json("status")["outbox"] == 0)
    ann.kill()
    ben.start()
    ben.has_delivered(answer)
    assert ben.texts("anna", "word") == [f"word {number}" for number in range(5)]
