"""The command as its users run it: a process, its streams, its exit code."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyte
import pytest


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> Any:
        """What it answered with --json."""
        envelope = json.loads(self.out)
        assert envelope["ok"] is True, envelope
        return envelope["result"]

    @property
    def error(self) -> Any:
        """Why it refused with --json."""
        envelope = json.loads(self.out)
        assert envelope["ok"] is False, envelope
        return envelope["error"]

    def refused(self, code: int) -> str:
        """The one sentence on stderr of a command that ended with `code`."""
        assert self.code == code, self
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("p2pchat: ")
        return lines[0]


class Person:
    """Somebody with a home, who types commands."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        self.environment = keep | {"HOME": str(home.parent), "P2PCHAT_HOME": str(home)} | environment

    def __call__(self, *words: str, stdin: str = "", timeout: float = 60, **environment: str) -> Outcome:
        """Run one command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "p2pchat_cli", *words],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            env=self.environment | environment,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def json(self, *words: str, **more: Any) -> Any:
        """The result of a command that succeeds."""
        return self(*words, "--json", **more).result


@pytest.fixture
def nobody(tmp_path: Path) -> Person:
    """A person without a profile."""
    return Person(tmp_path / "home")


@pytest.fixture(scope="session")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The homes of Alice, Bob and Carol, in a network without bootstrap nodes; Carol has asked Alice."""
    directory = tmp_path_factory.mktemp("profiles")
    (directory / "network.toml").write_text('name = "friends"\n')
    for name in ("alice", "bob", "carol"):
        person = Person(directory / name)
        assert person("init", "--name", name).code == 0
        assert person("network", "join", str(directory / "network.toml")).code == 0
    link = Person(directory / "alice").json("invite")["link"]
    assert Person(directory / "carol")("contact", "add", link).code == 0
    return directory


@pytest.fixture
def alice(tmp_path: Path, profiles: Path) -> Person:
    """Alice, whose profile the test may change."""
    return Person(shutil.copytree(profiles / "alice", tmp_path / "alice"))


@pytest.fixture
def bob(tmp_path: Path, profiles: Path) -> Person:
    """Bob, whose profile the test may change."""
    return Person(shutil.copytree(profiles / "bob", tmp_path / "bob"))


@pytest.fixture
def carol(tmp_path: Path, profiles: Path) -> Person:
    """Carol, who has asked Alice to be her contact."""
    return Person(shutil.copytree(profiles / "carol", tmp_path / "carol"))


class Overlay:
    """A bootstrap node, and people who run nodes in its network: real processes on loopback."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._people: list[Person] = []
        self._bootstrap: subprocess.Popen[bytes] | None = None

    @property
    def network_file(self) -> Path:
        """What people join."""
        return self.directory / "boot" / "network.toml"

    def start(self) -> None:
        """Run the bootstrap node until `stop`."""
        command = ["-m", "p2pchat_bootstrap", "run", "--home", str(self.directory / "boot")]
        command += ["--name", "friends", "--listen", "/ip4/127.0.0.1/tcp/0"]
        with (self.directory / "boot.log").open("wb") as log:
            self._bootstrap = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self.network_file.exists():
            assert self._bootstrap.poll() is None, (self.directory / "boot.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def join(self, name: str, *, run: bool = True) -> Person:
        """Somebody new in the network, with a running node."""
        person = Person(self.directory / name)
        assert person("init", "--name", name).code == 0
        assert person("network", "join", str(self.network_file)).code == 0
        self._people.append(person)
        if run:
            self.run(person)
        return person

    def run(self, person: Person) -> None:
        """Start the node of a person in the background."""
        outcome = person("run", "--detach", "--listen", "/ip4/127.0.0.1/tcp/0")
        assert outcome.code == 0, outcome

    def kill(self, person: Person) -> None:
        """What a power cut does to the node of a person."""
        pid = int((person.home / "node.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not _lives(pid))

    def stop(self) -> None:
        """End all nodes."""
        for person in self._people:
            if (person.home / "node.pid").exists() and person("stop").code != 0:
                self.kill(person)
        if self._bootstrap is not None:
            self._bootstrap.terminate()
            self._bootstrap.wait(30)


def eventually(claim: Callable[[], bool], *, within_s: float = 60) -> None:
    """Wait until `claim` holds."""
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended; whoever inherited it has not collected it yet.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Overlay]:
    """A network with a running bootstrap node."""
    overlay = Overlay(tmp_path_factory.mktemp("overlay"))
    try:
        overlay.start()
        yield overlay
    finally:
        overlay.stop()


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., None]:
    """Waits until a claim holds."""
    return eventually


class Window:
    """A command on a terminal of 60 columns (or as many as told), as a person sees and types it."""

    def __init__(self, person: Person, *words: str, columns: int = 60) -> None:
        self._screen = pyte.Screen(columns, 24)
        self._stream = pyte.ByteStream(self._screen)
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            environment = person.environment | {"TERM": "xterm", "COLUMNS": str(columns), "LINES": "24"}
            os.execvpe(sys.executable, [sys.executable, "-m", "p2pchat_cli", *words], environment)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display).strip()

    def await_line(self, *, ending: str) -> None:
        """Wait until a line on the screen ends like that."""
        deadline = time.monotonic() + 60
        while not any(line.rstrip().endswith(ending) for line in self._screen.display):
            assert time.monotonic() < deadline, "\n".join(self._screen.display)
            self._pump()

    def await_text(self, text: str) -> None:
        """Wait until this stands somewhere on the screen."""
        deadline = time.monotonic() + 30
        while text not in self.text:
            assert time.monotonic() < deadline, self.text
            self._pump()

    def end(self) -> int:
        """The exit code."""
        deadline = time.monotonic() + 60
        while (ended := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            assert time.monotonic() < deadline
            self._pump()
        while self._pump():  # its last words may have come after the last look
            pass
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(ended[1])

    def close(self) -> None:
        """Leave nothing behind."""
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # it has ended

    def _pump(self) -> bool:
        """Show what was written, if anything comes within a moment; whether something did."""
        if not select.select([self._terminal], [], [], 0.1)[0]:
            return False
        try:
            written = os.read(self._terminal, 65536)
        except OSError:  # the other end is closed
            time.sleep(0.05)
            return False
        self._stream.feed(written)
        return bool(written)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Window]]:
    """Runs commands on terminals of their own."""
    windows: list[Window] = []

    def open_window(person: Person, *words: str, **more: int) -> Window:
        windows.append(Window(person, *words, **more))
        return windows[-1]

    yield open_window
    for window in windows:
        window.close()
