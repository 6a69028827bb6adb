"""Another system: how its nodes are started, meet and form a group. Subclasses are in `systems`."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.network import own_network
from benchmarks.rivals.driven import Driven, Place

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / ".venv" / "rivals"
MATRIX_FOLDER = HERE.parents[1] / ".venv" / "rivals-matrix"


class System:
    """How a system is run, and how much of what it is asked: so that a round takes some seconds."""

    name = ""
    count = 2000  # texts whose rate is measured
    window = 256  # on their way at once
    pings = 100  # texts whose latency is measured
    pause_ms = 5  # between them
    has_receipts = True  # else the rate counts until the other has all
    has_archive = False  # texts wait for who is away
    restarts = True
    archived = 10_000  # how many texts somebody misses
    burst = 200  # texts to a group, pipelined
    paced = 30  # texts to a group whose latency is measured
    group_pause_ms = 100
    has_groups = True

    def missing(self) -> str:
        """Why it cannot be measured; empty if it can."""
        raise NotImplementedError

    def version(self) -> str:
        """Names and versions of what is measured."""
        return ""

    def serve(self, place: Place, size: int) -> str:
        """Start what `size` nodes need besides themselves; what their commands have to know of it."""
        return ""

    def command(self, place: Place, number: int, server: str) -> list[str]:
        """The command of node `number`; a second time it goes on as the same."""
        raise NotImplementedError

    def meet(self, nodes: list[Driven]) -> None:
        """Let the first node and each of the others know each other."""

    def returned(self, node: Driven, nodes: list[Driven]) -> None:
        """What a node needs, once started anew, to know the others again."""

    def chat(self, nodes: list[Driven]) -> str:
        """What the first of two writes to, so that the second gets it."""
        return nodes[1].id

    def gather(self, nodes: list[Driven]) -> str:
        """Put all into one group; what it is called."""
        raise NotImplementedError


class Running:
    """Nodes of a system in a place of their own."""

    def __init__(self, system: System, place: Place, size: int) -> None:
        self.system, self.place = system, place
        self._server = system.serve(place, size)
        self.nodes = [self._started(number) for number in range(size)]
        for node in self.nodes:
            node.ready()

    def _started(self, number: int) -> Driven:
        return self.place.drive(self.system.command(self.place, number, self._server), f"node{number}")

    def again(self, number: int) -> Driven:
        """A node that was killed, started anew."""
        node = self._started(number).ready()
        self.system.returned(node, self.nodes)
        self.nodes[number] = node
        return node


@contextmanager
def running(system: System, size: int) -> Iterator[Running]:
    """So many nodes that know the first, and it them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rival-")))
        found = Running(system, Place(stack, folder, stack.enter_context(own_network())), size)
        system.meet(found.nodes)
        yield found


def python(environment: Path = FOLDER) -> str:
    """The interpreter of an environment."""
    return str(environment / "bin" / "python")


def has(package: str, environment: Path = FOLDER) -> bool:
    """Whether a package of PyPI is installed there."""
    return any(environment.glob(f"lib/*/site-packages/{package}"))


def debian_version(package: str) -> str:
    """Name and version of an installed package."""
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False
    )
    return f"{package} {shown.stdout}"


def pypi_version(package: str, environment: Path = FOLDER) -> str:
    """Name and version of an installed package."""
    (found,) = environment.glob(f"lib/*/site-packages/{package.replace('-', '_')}-*.dist-info")
    return f"{package} {found.name.removesuffix('.dist-info').rpartition('-')[2]}"
