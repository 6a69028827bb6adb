"""toxcore over UDP; not durable: texts and receipts are in memory alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import time

from benchmarks.rivals.driven import Driven, Place
from benchmarks.rivals.system import HERE, System, debian_version

_PORT = 33445
_CONFERENCE_S = 60.0


class Tox(System):
    """Pairs are friends; groups are conferences, whose members relay for each other."""

    name = "Tox (toxcore)"
    pause_ms = 35  # paced, or it would lock onto the phase of tox_iterate
    burst = 500

    def missing(self) -> str:
        """See `System`."""
        return "" if shutil.which("gcc") and shutil.which("tox-bootstrapd") else "toxcore or gcc is not there"

    def version(self) -> str:
        """See `System`."""
        return debian_version("libtoxcore-dev")

    def serve(self, place: Place, size: int) -> str:
        """A bootstrap node; its key."""
        asked = ["pkg-config", "--cflags", "--libs", "toxcore"]
        flags = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
        program = str(place.folder / "tox")
        subprocess.run(["gcc", "-O2", str(HERE / "nodes" / "tox.c"), "-o", program, *flags], check=True)
        (place.folder / "conf").write_text(
            f'port = {_PORT}\nkeys_file_path = "{place.folder}/keys"\npid_file_path = "{place.folder}/pid"\n'
            "enable_ipv6 = false\nenable_ipv4_fallback = false\nenable_lan_discovery = false\n"
            'enable_tcp_relay = false\nenable_motd = false\nmotd = ""\n'
        )
        options = ["--config", str(place.folder / "conf"), "--foreground", "--log-backend", "stdout"]
        place.run(["tox-bootstrapd", *options], "bootstrapd")
        log = place.until_said("bootstrapd", "Public Key: ")
        found = re.search(r"Public Key: ([0-9A-F]{64})", log)
        assert found
        return found[1]

    def command(self, place: Place, number: int, server: str) -> list[str]:
        """See `System`."""
        return [str(place.folder / "tox"), str(40000 + number), str(number + 1), str(_PORT), server]

    def meet(self, nodes: list[Driven]) -> None:
        """See `System`."""
        first, *others = nodes
        for other in others:
            first.ask(do="add", to=other.id)
            other.ask(do="add", to=first.id)
        for other in others:
            other.wait("friend")
            first.wait("friend")
        time.sleep(1)

    def returned(self, node: Driven, nodes: list[Driven]) -> None:
        """A node that was started anew keeps no list of friends."""
        node.ask(do="add", to=nodes[0].id)

    def gather(self, nodes: list[Driven]) -> str:
        """Invites half a second apart: at once, three of 19 would never get anything."""
        first, *others = nodes
        first.ask(do="create")
        for number in range(len(others)):
            first.ask(do="invite", friend=number)
            time.sleep(0.5)
        until = time.monotonic() + _CONFERENCE_S
        while min(node.ask(do="members")["count"] for node in nodes) < len(nodes):
            if time.monotonic() > until:
                raise TimeoutError("not all came to the conference")
            time.sleep(0.2)
        return ""
