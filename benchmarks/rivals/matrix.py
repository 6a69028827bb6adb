"""synapse and matrix-nio: rooms that are end to end encrypted (Megolm); the server keeps what is written."""

from __future__ import annotations

import time

from benchmarks.rivals.driven import Driven, Place
from benchmarks.rivals.system import HERE, MATRIX_FOLDER, System, has, pypi_version, python

_PORT = 28008
_LOG = "version: 1\nroot: {level: ERROR, handlers: [all]}\nhandlers: {all: {class: logging.StreamHandler}}\n"
_MEET_S = 60.0


class Matrix(System):
    """A chat of two is a room as well; it knows no receipts of delivery."""

    name = "Matrix (synapse)"
    count = 200
    window = 20  # requests at once
    pings = 60
    pause_ms = 20
    has_receipts = False
    has_archive = True
    burst = 60
    paced = 15
    group_pause_ms = 200

    def missing(self) -> str:
        """See `System`."""
        there = (
            has("synapse", MATRIX_FOLDER) and has("nio", MATRIX_FOLDER) and has("vodozemac", MATRIX_FOLDER)
        )
        return "" if there else "synapse, matrix-nio or its cryptography (vodozemac) is not there"

    def version(self) -> str:
        """See `System`."""
        return f"{pypi_version('matrix-synapse', MATRIX_FOLDER)}, {pypi_version('matrix-nio', MATRIX_FOLDER)}"

    def serve(self, place: Place, size: int) -> str:
        """A home server; how it was configured."""
        text = (HERE / "nodes" / "homeserver.yaml").read_text()
        for name, value in {"FOLDER": str(place.folder), "PORT": str(_PORT)}.items():
            text = text.replace(f"@{name}@", value)
        (place.folder / "homeserver.yaml").write_text(text)
        (place.folder / "log.yaml").write_text(_LOG)
        command = [python(MATRIX_FOLDER), "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]
        place.run([*command, "--generate-keys"], "keys").wait()
        place.run(command, "synapse")
        place.until_listening(_PORT)
        return ""

    def command(self, place: Place, number: int, server: str) -> list[str]:
        """See `System`."""
        folder = place.folder / f"client{number}"
        program = str(HERE / "nodes" / "matrix.py")
        return [python(MATRIX_FOLDER), program, str(number), str(_PORT), str(folder)]

    def gather(self, nodes: list[Driven]) -> str:
        """See `System`."""
        first, *others = nodes
        room = str(first.ask(do="create")["room"])
        for other in others:
            other.ask(do="join", room=room)
        until = time.monotonic() + _MEET_S
        while min(node.ask(do="members", room=room)["count"] for node in nodes) < len(nodes):
            if time.monotonic() > until:
                raise TimeoutError("not all came to the room")
            time.sleep(0.1)
        first.ask(do="nudge", to=room)  # the key of the room travels with the first text
        return room

    def chat(self, nodes: list[Driven]) -> str:
        """See `System`."""
        return self.gather(nodes)
