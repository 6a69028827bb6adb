"""The command as its users run it: a process, its streams, its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
