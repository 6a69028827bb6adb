"""js-libp2p over TCP, Noise and Yamux: a stream with receipts, and gossipsub; nothing is stored."""

from __future__ import annotations

import json
import shutil

from benchmarks.rivals.driven import Driven, Place
from benchmarks.rivals.system import FOLDER, HERE, System

_NEIGHBOURS = (1, 2, 5)  # whom each dials, counted on from itself: six links each


class JsLibp2p(System):
    """Pairs have a stream, not encrypted end to end beyond Noise; groups are a topic of gossipsub."""

    name = "js-libp2p"
    count = 10_000
    burst = 200
    paced = 20
    group_pause_ms = 200

    def missing(self) -> str:
        """See `System`."""
        there = (FOLDER / "node_modules" / "@libp2p" / "gossipsub").exists()
        return "" if there and shutil.which("node") else "libp2p or node is not there"

    def version(self) -> str:
        """See `System`."""
        about = FOLDER / "node_modules" / "libp2p" / "package.json"
        return f"libp2p (npm) {json.loads(about.read_text())['version']}"

    def command(self, place: Place, number: int, server: str) -> list[str]:
        """See `System`."""
        shutil.copy(HERE / "nodes" / "libp2p.mjs", FOLDER / "libp2p.mjs")  # where its modules are found
        return ["node", str(FOLDER / "libp2p.mjs"), str(23000 + number), str(number + 1)]

    def gather(self, nodes: list[Driven]) -> str:
        """See `System`."""
        for node in nodes:
            node.ask(do="join", room="room")
        for number, node in enumerate(nodes):
            for step in _NEIGHBOURS:
                other = nodes[(number + step) % len(nodes)]
                if other is not node:
                    node.ask(do="dial", to=other.id)
        return "room"
