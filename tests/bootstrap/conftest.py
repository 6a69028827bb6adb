import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "p2pchat_bootstrap"]
LOOPBACK = "/ip4/127.0.0.1/tcp/0"


class Bootstrap:
    """A bootstrap node in its own process, up and listening."""

    def __init__(self, home: Path, *options: str) -> None:
        arguments = [*COMMAND, "run", "--home", str(home), "--json", *options]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            pytest.fail(f"did not start: {self.process.communicate()[1]}")
        self.ready = json.loads(line)

    @property
    def port(self) -> int:
        return int(self.ready["addresses"][0].split("/")[4])

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and log."""
        os.kill(self.process.pid, number)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log


@pytest.fixture
def start() -> Iterator[Callable[..., Bootstrap]]:
    nodes: list[Bootstrap] = []

    def start(home: Path, *options: str) -> Bootstrap:
        nodes.append(Bootstrap(home, *options))
        return nodes[-1]

    yield start
    for node in nodes:
        node.process.kill()
        node.process.communicate()


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    def command(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
        )

    return command
