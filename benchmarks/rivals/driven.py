"""Processes of other systems that obey lines of JSON, and where they run.

A node says `{"is": "ready", "id": …}` once it can send, and answers each order with `{"is": "done", …}`:

- `send` (to, count, window, pause): texts to one other, until each has its receipt → `seconds`
- `nudge` (to): one text, without waiting for anything
- `took`: what has come since the last such order → `texts`, pairs of the times sent and shown
- `create`, `join` (room), `publish` (to, members, count, window, pause): a group → `room`
- `archive` (to, count, window): texts to somebody who is away
- `missed` (from, room, count): read those when back → `count`, `seconds`

Times are CLOCK_MONOTONIC in ns, which processes share; a text of 200 bytes begins with when it was sent.
`window` is how many may be on their way at once, `pause` is between them in ms.
"""

from __future__ import annotations

import json
import selectors
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.network import Network

PATIENCE_S = 120.0


class Driven:
    """A process that prints JSON lines and obeys those it is given."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._began = time.perf_counter()
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        self._rest, self._said = b"", list[dict[str, Any]]()
        self._selector = selectors.DefaultSelector()
        assert self.process.stdout is not None
        self._selector.register(self.process.stdout, selectors.EVENT_READ)
        self._log = log

    def ready(self) -> Driven:
        """Wait until it can send."""
        self.about = self.wait("ready")
        self.start_s = time.perf_counter() - self._began
        return self

    @property
    def id(self) -> str:
        """How others call it."""
        return str(self.about["id"])

    def wait(self, what: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The next line that is about `what`; others before it are kept."""
        until = time.perf_counter() + patience_s
        while True:
            for number, said in enumerate(self._said):
                if said["is"] == what:
                    return self._said.pop(number)
            if not self._selector.select(max(0.0, until - time.perf_counter())):
                raise TimeoutError(f"no {what} from {self.process.args}: {self.last_words()}")
            self._hear()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        chunk = self.process.stdout.read1(1 << 20)  # type: ignore[attr-defined]
        if not chunk:
            raise ChildProcessError(f"{self.process.args} ended: {self.last_words()}")
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        said = (json.loads(line) for line in lines if line.startswith(b"{"))
        self._said += (one for one in said if "is" in one)

    def last_words(self) -> str:
        """The end of what it wrote to its log."""
        return self._log.read_text(errors="replace")[-500:]

    def tell(self, **what: Any) -> None:
        """Give an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, **what: Any) -> dict[str, Any]:
        """Give an order and wait until it is carried out."""
        self.tell(**what)
        return self.wait("done")

    def took(self) -> list[tuple[int, int]]:
        """Pairs of the times at which a text was sent and shown here, since last asked."""
        return [(sent, at) for sent, at in self.ask(do="took")["texts"]]

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()


class Place:
    """A folder and a network for the processes of one rig; all of them end with `stack`."""

    def __init__(self, stack: ExitStack, folder: Path, network: Network) -> None:
        self.folder, self.network = folder, network
        self._stack = stack

    def run(self, command: list[str], name: str) -> subprocess.Popen[str]:
        """A server; what it writes is in `name`.log."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*self.network.prefix, *command], stdout=log, stderr=log, text=True, cwd=self.folder
            )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def drive(self, command: list[str], name: str) -> Driven:
        """A node that obeys."""
        driven = Driven([*self.network.prefix, *command], self.folder / f"{name}.log")
        self._stack.callback(driven.end)
        return driven

    def until_said(self, name: str, what: str) -> str:
        """The log of `name` once `what` is in it."""
        for _ in range(1000):
            if what in (log := (self.folder / f"{name}.log").read_text(errors="replace")):
                return log
            time.sleep(0.02)
        raise TimeoutError(f"{name} did not say {what}")

    def until_listening(self, port: int) -> None:
        """Wait until somebody listens on `port` of this network."""
        line = f":{port:04X} 00000000:0000 0A"
        for _ in range(3000):
            if any(line in self._table(family) for family in ("tcp", "tcp6")):
                return
            time.sleep(0.02)
        raise TimeoutError(f"nobody listens on port {port}")

    def _table(self, family: str) -> str:
        holder = self.network.holder
        return Path(f"/proc/{holder or 'self'}/net/{family}").read_text()
