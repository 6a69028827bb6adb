"""Real processes on loopback: a bootstrap node, people with their nodes, and the commands they type.

Whatever is started here is killed at the end of its scope; when a test fails, the logs of all nodes
that were started so far are shown with it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from p2pchat.store.database import Database
from p2pchat.store.keystore import unlock

PATIENCE_S: Final = 60.0  # a busy machine takes its time; nobody asserts how much
LOOPBACK: Final = "/ip4/127.0.0.1/tcp/0"
NETWORK: Final = "friends"
_LOG_SHOWN: Final = 6000  # characters of each log

_logs: list[Path] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for log in _logs:
            text = log.read_text(errors="replace") if log.exists() else ""
            report.sections.append((f"log {log.name}", text[-_LOG_SHOWN:]))
    return report


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> Any:
        """What it answered last with --json."""
        assert self.code == 0, self
        return json.loads(self.out.splitlines()[-1])["result"]

    def refused(self, code: int) -> str:
        """The one sentence on stderr of a command that ended with `code`."""
        assert self.code == code, self
        assert "Traceback" not in self.out + self.err
        (line,) = self.err.splitlines()
        assert line.startswith("p2pchat: ")
        assert "bug" not in line
        return line


class Person:
    """A profile, the node that runs on it, and the commands typed in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.name = home.name
        self.log = home.with_suffix(".log")
        self.node: subprocess.Popen[bytes] | None = None
        self.listen = LOOPBACK
        self.options: tuple[str, ...] = ()  # more for `run`
        self._launched = 0
        _logs.append(self.log)

    def command(self, *words: str) -> list[str]:
        """The command line of `p2pchat WORDS` for this profile."""
        return [sys.executable, "-m", "p2pchat_cli", "--home", str(self.home), *words]

    def __call__(self, *words: str, stdin: str = "", **environment: str) -> Outcome:
        """Run one command to its end."""
        done = subprocess.run(
            self.command(*words),
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=2 * PATIENCE_S,
            env=clean_environment() | environment,
            cwd=self.home.parent,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def spawn(self, *words: str) -> subprocess.Popen[str]:
        """Run a command beside the test, which writes its input and reads its output."""
        return subprocess.Popen(
            self.command(*words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=clean_environment(),
            cwd=self.home.parent,
        )

    def json(self, *words: str, **more: str) -> Any:
        """The result of a command that succeeds."""
        return self("--json", *words, **more).result

    def init(self, network_file: Path, **more: str) -> None:
        """Make the profile and join a network."""
        self.json("init", "--name", self.name, **more)
        self.json("network", "join", str(network_file), **more)

    # --- the node -----------------------------------------------------------------------------

    def launch(self) -> None:
        """Start the node unless it runs, and do not wait until it answers."""
        if self.node is None:
            # Only the first time: later it listens where it listened last.
            first = [] if self.log.exists() else ["--listen", self.listen]
            with self.log.open("ab") as log:
                self._launched = log.tell()
                command = self.command("run", *first, *self.options)
                self.node = subprocess.Popen(
                    command, stdout=log, stderr=log, env=clean_environment(), cwd=self.home.parent
                )

    def start(self) -> None:
        """Have the node running."""
        self.launch()
        # Told by its log: a command that finds no node yet would take the home from under it.
        self.until("the node runs", lambda: b" is running in network " in self.log_since_launch())

    def log_since_launch(self) -> bytes:
        """What the node has logged since it was started last."""
        return self.log.read_bytes()[self._launched :]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the node, and wait until its process is gone."""
        if self.node is not None:
            self.node.send_signal(how)
            self.node.wait(PATIENCE_S)
            self.node = None

    def kill(self) -> None:
        """kill -9."""
        self.stop(signal.SIGKILL)

    def until(self, what: str, check: Callable[[], Any]) -> Any:
        """What `check` gives once it gives something."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := check()):
            if self.node is not None and self.node.poll() is not None:
                pytest.fail(f"{self.name}'s node ended by itself")
            if time.monotonic() > deadline:
                pytest.fail(f"{self.name} waited in vain: {what}")
            time.sleep(0.2)
        return found

    # --- what the person sees -----------------------------------------------------------------

    def messages(self, chat: str, kind: str = "text") -> list[dict[str, Any]]:
        """All messages of a chat, oldest first, over as many pages as there are."""
        page = self.json("history", chat, "--limit", "400")
        found: list[dict[str, Any]] = page["messages"]
        while page["more"]:
            page = self.json("history", chat, "--limit", "400", "--before", found[0]["id"])
            found = page["messages"] + found
        return [one for one in found if one["kind"] == kind]

    def texts(self, chat: str, prefix: str = "") -> list[str]:
        """The texts of a chat that begin like that, oldest first."""
        return [one["text"] for one in self.messages(chat) if one["text"].startswith(prefix)]

    def reads(self, chat: str, *texts: str) -> None:
        """Wait until all of `texts` are in a chat."""
        self.until(f"{texts} in {chat}", lambda: set(texts) <= set(self.texts(chat)))

    def has_delivered(self, message: str, state: str = "delivered") -> None:
        """Wait until a message of ours has come as far as `state`."""
        self.until(f"{message[:8]} is {state}", lambda: self.json("msg", "show", message)["state"] == state)

    def contact(self, who: str) -> Any:
        """What is known of a contact; None if nothing."""
        outcome = self("--json", "contact", "show", who)
        return outcome.result if outcome.code == 0 else None

    def knows(self, who: str, state: str) -> Any:
        """Wait until a contact is in `state`."""
        return self.until(
            f"{who} is {state}", lambda: (found := self.contact(who)) and found["state"] == state and found
        )

    def content(self, passphrase: str = "") -> dict[str, Any]:
        """Every row of the store and every other lasting file of the profile; no node may run."""
        with Database.open(self.home / "store.db", unlock(self.home / "key", passphrase)) as database:
            content: dict[str, Any] = database.read(
                lambda tx: {
                    name: sorted(map(repr, tx.execute(f"SELECT * FROM {name}")))
                    for (name,) in tx.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
                }
            )
        return content | {
            name: (self.home / name).read_bytes()
            for name in ("key", "network.toml")
            if (self.home / name).exists()
        }

    def balances(self) -> dict[tuple[str, str], int]:
        """Minor units by person and unit; above zero they owe us."""
        return {(one["who"], one["unit"]): one["minor"] for one in self.json("balance")["balances"]}


def clean_environment() -> dict[str, str]:
    """This process's environment, without what the person who runs the tests has set for p2pchat."""
    return {name: value for name, value in os.environ.items() if not name.startswith("P2PCHAT_")}


@dataclass(frozen=True)
class Bootstrap:
    """A running bootstrap node."""

    network_file: Path
    log: Path
    process: subprocess.Popen[bytes]


@contextmanager
def running_bootstrap(home: Path) -> Iterator[Bootstrap]:
    """A bootstrap node of the suite's network, killed at the end."""
    log = home / "bootstrap.log"
    _logs.append(log)
    command = [sys.executable, "-m", "p2pchat_bootstrap", "run", "--home", str(home)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--name", NETWORK, "--listen", LOOPBACK],
            stdout=output,
            stderr=output,
            env=clean_environment(),
            cwd=home,
        )
    node = Bootstrap(home / "network.toml", log, process)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not node.network_file.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield node
    finally:
        process.kill()
        process.wait()
        _logs.remove(log)


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bootstrap]:
    """The one bootstrap node of the whole suite."""
    with running_bootstrap(tmp_path_factory.mktemp("bootstrap")) as node:
        yield node


@pytest.fixture(scope="module")
def mortal_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bootstrap]:
    """A bootstrap node of one module, which may kill it."""
    with running_bootstrap(tmp_path_factory.mktemp("mortal")) as node:
        yield node


NewPerson = Callable[..., Person]


@pytest.fixture(scope="module")
def new_person(bootstrap: Bootstrap, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewPerson]:
    """Makes a person by name, with a profile in the network of `at` (the suite's); `init=False`: in none."""
    people: list[Person] = []
    folder = tmp_path_factory.mktemp("people")

    def make(name: str, *, init: bool = True, at: Bootstrap | None = None) -> Person:
        person = Person(folder / name)
        people.append(person)
        if init:
            person.init((at or bootstrap).network_file)
        return person

    yield make
    for person in people:
        person.kill()
        _logs.remove(person.log)


def make_contacts(host: Person, guest: Person) -> None:
    """`guest` asks through `host`'s link, `host` accepts; both nodes run afterwards."""
    for person in (host, guest):
        person.launch()
    for person in (host, guest):
        person.start()
    link = host.until("an address in the link", lambda: reachable_link(host))
    guest.json("contact", "add", link, "--name", host.name)
    host.knows(guest.name, "pending")
    host.json("requests", "accept", guest.name)
    guest.knows(host.name, "accepted")


def reachable_link(host: Person) -> str | None:
    """The invite link of a node once it holds an address."""
    invite = host.json("invite", "--no-qr")
    return str(invite["link"]) if invite["reachable"] else None


@pytest.fixture(scope="session")
def befriend() -> Callable[[Person, Person], None]:
    """Makes two people contacts of each other."""
    return make_contacts


@pytest.fixture(scope="session")
def link_of() -> Callable[[Person], str]:
    """The invite link of a person whose node runs."""
    return lambda host: str(host.until("an address in the link", lambda: reachable_link(host)))


@pytest.fixture(scope="module")
def contacts(new_person: NewPerson) -> tuple[Person, Person]:
    """Ann and Ben, contacts of each other; shared by a module."""
    ann, ben = new_person("ann"), new_person("ben")
    make_contacts(ann, ben)
    return ann, ben


@pytest.fixture
def pair(contacts: tuple[Person, Person]) -> tuple[Person, Person]:
    """Ann and Ben with their nodes running, whatever the test before did to these."""
    for person in contacts:
        person.launch()
    for person in contacts:
        person.start()
    return contacts
