"""Real nodes in processes of their own on loopback, and clients of their local API.

Every figure about people is measured through what a person or a script would use: the installed
program and its socket.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.network import Network

LOOPBACK: Final = "/ip4/127.0.0.1/tcp/0"
PATIENCE_S: Final = 120.0
NETWORK: Final = "bench"


class Client:
    """One connection to a node's socket: JSON lines, blocking."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self._buffer = b""
        self._lines: list[bytes] = []

    def write(self, *requests: tuple[str, dict[str, Any]]) -> None:
        """Ask without waiting; ids count from 0."""
        self.socket.sendall(
            b"".join(
                json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode() + b"\n"
                for id, (method, params) in enumerate(requests)
            )
        )

    def read(self) -> bytes:
        """The next line from the node."""
        while not self._lines:
            chunk = self.socket.recv(1 << 18)
            if not chunk:
                raise ConnectionError("the node closed the connection")
            *self._lines, self._buffer = (self._buffer + chunk).split(b"\n")
            self._lines.reverse()
        return self._lines.pop()

    def lines(self) -> list[bytes]:
        """The lines that one read of the socket completes."""
        *lines, self._buffer = (self._buffer + self.socket.recv(1 << 18)).split(b"\n")
        return lines

    def call(self, method: str, **params: Any) -> Any:
        """What a method answers."""
        self.write((method, params))
        answer = json.loads(self.read())
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


class Person:
    """A profile and the node that runs on it."""

    def __init__(self, home: Path, network: Network | None = None) -> None:
        self.home, self._prefix = home, network.prefix if network else []
        self.name = home.name
        self.node: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None

    def command(self, *words: str) -> list[str]:
        """The command line of `p2pchat WORDS` for this profile, in its network."""
        return [*self._prefix, sys.executable, "-m", "p2pchat_cli", "--home", str(self.home), *words]

    def start(self, *, wait: bool = True) -> None:
        """Start the node; unless told otherwise, return once it answers."""
        first = [] if self.home.with_suffix(".log").exists() else ["--listen", LOOPBACK]
        with self.home.with_suffix(".log").open("ab") as log:
            self.node = subprocess.Popen(self.command("run", *first), stdout=log, stderr=log)
        if wait:
            self.call("node.status")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the node and wait for it."""
        if self._client:
            self._client.close()
            self._client = None
        if self.node:
            self.node.send_signal(how)
            self.node.wait()
            self.node = None

    @property
    def client(self) -> Client:
        """A connection for single calls, kept."""
        if self._client is None:
            self._client = self.connect()
        return self._client

    def connect(self) -> Client:
        """A new connection, once the node listens."""
        return until(self._connected, every_s=0.002)

    def _connected(self) -> Client | None:
        try:
            return Client(self.home / "node.sock")
        except OSError:
            return None

    def call(self, method: str, **params: Any) -> Any:
        """What a method of the local API answers."""
        return self.client.call(method, **params)

    @property
    def cursor(self) -> int:
        """The newest event."""
        return int(self.call("node.status")["cursor"])

    @property
    def process(self) -> psutil.Process:
        """The node's process."""
        assert self.node is not None
        return psutil.Process(self.node.pid)

    def cpu_s(self) -> float:
        """Seconds of CPU that the node has used."""
        return sum(self.process.cpu_times()[:2])


def drain(client: Client, count: int, mark: bytes, *, close: bool = True) -> None:
    """Read until `count` lines with `mark` in them have come."""
    while count:
        count -= mark in client.read()
    if close:
        client.close()


def until(check: Callable[[], Any], *, every_s: float = 0.05) -> Any:
    """What `check` gives once it gives something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := check()):
        if time.monotonic() > deadline:
            raise TimeoutError("the benchmark waited in vain")
        time.sleep(every_s)
    return found


@contextmanager
def people(*names: str, started: bool = True, network: Network | None = None) -> Iterator[list[Person]]:
    """Persons in one new network, their nodes running; all ends with the context."""
    folder = Path(tempfile.mkdtemp(prefix="p2pchat-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        file = stack.enter_context(bootstrap(folder / "bootstrap", network))
        found = []
        for name in names:
            person = Person(folder / name, network)
            stack.callback(person.stop, signal.SIGKILL)
            for words in (("init", "--name", name), ("network", "join", str(file))):
                subprocess.run(person.command("--json", *words), check=True, stdout=subprocess.DEVNULL)
            found.append(person)
        if started:
            for person in found:
                person.start(wait=False)
            for person in found:
                person.call("node.status")
        yield found


@contextmanager
def bootstrap(home: Path, network: Network | None = None) -> Iterator[Path]:
    """A bootstrap node; its network file."""
    home.mkdir()
    prefix = network.prefix if network else []
    command = [*prefix, sys.executable, "-m", "p2pchat_bootstrap", "run", "--home", str(home)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--name", NETWORK, "--listen", LOOPBACK], stdout=log, stderr=log
        )
    try:
        file = home / "network.toml"
        until(file.exists)
        yield file
    finally:
        process.kill()
        process.wait()


def befriend(host: Person, guest: Person) -> None:
    """Make two persons contacts of each other and wait until both know."""
    link = until(lambda: (it := host.call("invite.create"))["reachable"] and it["link"])
    guest.call("contact.add", link=link, name=host.name)
    until(lambda: host.call("request.list").get("contacts"))
    host.call("request.accept", who=guest.name)
    until(lambda: _contact(guest, host.name)["state"] == "accepted")


def _contact(person: Person, who: str) -> Any:
    return person.call("contact.show", who=who)


def text(number: int, size: int = 200) -> str:
    """A text of `size` bytes that names its number and has words to index."""
    return (f"{number:07d} " + "the quick brown fox jumps over a lazy dog " * (size // 42 + 1))[:size]
