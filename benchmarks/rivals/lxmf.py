"""LXMF over Reticulum, one TCP link on loopback: encrypted, direct delivery with proofs."""

from __future__ import annotations

import time

from benchmarks.rivals.driven import Driven, Place
from benchmarks.rivals.system import HERE, System, has, pypi_version, python

_PORT = 27311


class Lxmf(System):
    """Two nodes; it has no groups, and offline texts need a propagation node, which is not run."""

    name = "LXMF (Reticulum)"
    count = 100
    window = 16
    pings = 50
    restarts = False  # a new start is a new folder here
    has_groups = False

    def missing(self) -> str:
        """See `System`."""
        return "" if has("LXMF") else "lxmf is not there"

    def version(self) -> str:
        """See `System`."""
        return f"{pypi_version('lxmf')}, {pypi_version('rns')}"

    def command(self, place: Place, number: int, server: str) -> list[str]:
        """See `System`; the first connects to the second."""
        role, folder = ("client", "server")[number], place.folder / f"lxmf{number}"
        return [python(), str(HERE / "nodes" / "lxmf.py"), role, str(_PORT), str(folder)]

    def meet(self, nodes: list[Driven]) -> None:
        """See `System`."""
        time.sleep(6)  # the client may have to try again, after five seconds
        for node in reversed(nodes):
            node.ask(do="announce")
        time.sleep(1)
