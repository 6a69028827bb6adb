"""How each of the other systems is started and how its two sides meet."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.rivals.pair import Driven, RivalPair

HERE = Path(__file__).parent
_TOX_PORT, _XMPP_PORT, _LXMF_PORT = 33445, 25222, 27311


def _temporary(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rival-")))


def _driven(stack: ExitStack, command: list[str], log: Path) -> Driven:
    driven = Driven(command, log)
    stack.callback(driven.end)
    return driven


class Tox(RivalPair):
    """toxcore over UDP; not durable: texts and receipts are in memory alone."""

    system = "Tox (toxcore)"
    window = 256
    pause_ms = 35  # paced, or it would lock onto the phase of tox_iterate

    def missing(self) -> str:
        """See `RivalPair`."""
        return "" if shutil.which("gcc") and shutil.which("tox-bootstrapd") else "toxcore or gcc is not there"

    def start(self, stack: ExitStack) -> tuple[Driven, Driven]:
        """See `RivalPair`."""
        folder = _temporary(stack)
        flags = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "toxcore"], check=True, capture_output=True, text=True
        ).stdout.split()
        program = str(folder / "tox")
        subprocess.run(["gcc", "-O2", str(HERE / "tox.c"), "-o", program, *flags], check=True)
        key = self._bootstrap(stack, folder)
        nodes = [
            _driven(stack, [program, str(40000 + n), str(n), str(_TOX_PORT), key], folder / f"{n}.log")
            for n in (1, 2)
        ]
        for node, other in (nodes, nodes[::-1]):
            node.tell(do="add", to=other.about["id"])
        for node in nodes:
            node.wait("friend")
        time.sleep(1)
        return nodes[0], nodes[1]

    def _bootstrap(self, stack: ExitStack, folder: Path) -> str:
        (folder / "conf").write_text(
            f'port = {_TOX_PORT}\nkeys_file_path = "{folder}/keys"\npid_file_path = "{folder}/pid"\n'
            "enable_ipv6 = false\nenable_ipv4_fallback = false\nenable_lan_discovery = false\n"
            'enable_tcp_relay = false\nenable_motd = false\nmotd = ""\n'
        )
        options = ["--config", str(folder / "conf"), "--foreground", "--log-backend", "stdout"]
        process = subprocess.Popen(["tox-bootstrapd", *options], stdout=subprocess.PIPE, text=True)
        stack.callback(process.wait)
        stack.callback(process.kill)
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"Public Key: ([0-9A-F]{64})", line):
                return found[1]
        raise ChildProcessError("tox-bootstrapd ended")


class JsLibp2p(RivalPair):
    """A stream of js-libp2p (TCP, Noise, Yamux) with receipts; nothing is stored."""

    system = "js-libp2p stream"
    count = 10_000

    def missing(self) -> str:
        """See `RivalPair`."""
        return "" if (self._folder / "node_modules" / "libp2p").exists() else "libp2p is not there"

    def start(self, stack: ExitStack) -> tuple[Driven, Driven]:
        """See `RivalPair`."""
        shutil.copy(HERE / "libp2p.mjs", self._folder / "libp2p.mjs")  # where its modules are found
        folder, command = _temporary(stack), ["node", str(self._folder / "libp2p.mjs")]
        return _driven(stack, command, folder / "1.log"), _driven(stack, command, folder / "2.log")


class Xmpp(RivalPair):
    """prosody and slixmpp: TLS, receipts (XEP-0184), an archive at the server; not end to end encrypted."""

    system = "XMPP (prosody)"
    count = 500
    window = 128

    def missing(self) -> str:
        """See `RivalPair`."""
        return "" if shutil.which("prosody") and self._has_slixmpp() else "prosody or slixmpp is not there"

    def _has_slixmpp(self) -> bool:
        return any(self._folder.glob("lib/*/site-packages/slixmpp"))

    def start(self, stack: ExitStack) -> tuple[Driven, Driven]:
        """See `RivalPair`."""
        folder = _temporary(stack)
        self._serve(stack, folder)
        python = str(self._folder / "bin" / "python")
        one, two = (
            _driven(stack, [python, str(HERE / "xmpp.py"), name, str(_XMPP_PORT)], folder / f"{name}.log")
            for name in ("ann", "ben")
        )
        return one, two

    def _serve(self, stack: ExitStack, folder: Path) -> None:
        key, certificate = folder / "key.pem", folder / "cert.pem"
        options = ("-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
        files = ("-keyout", str(key), "-out", str(certificate))
        subprocess.run(["openssl", "req", "-x509", *options, *files], check=True, capture_output=True)
        accounts = folder / "data" / "localhost" / "accounts"
        accounts.mkdir(parents=True)
        for name in ("ann", "ben"):
            (accounts / f"{name}.dat").write_text('return { ["password"] = "secret" };\n')
        values = {"FOLDER": str(folder), "PORT": str(_XMPP_PORT)}
        text = (HERE / "prosody.cfg.lua").read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        (folder / "prosody.cfg.lua").write_text(text)
        command = ["prosody", "--root", "--config", str(folder / "prosody.cfg.lua"), "-F"]
        with (folder / "prosody.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.kill)
        _await_port(_XMPP_PORT)


class Lxmf(RivalPair):
    """LXMF over Reticulum, one TCP link on loopback: encrypted, direct delivery with proofs."""

    system = "LXMF (Reticulum)"
    count = 100
    window = 16
    pings = 50

    def missing(self) -> str:
        """See `RivalPair`."""
        return "" if any(self._folder.glob("lib/*/site-packages/LXMF")) else "lxmf is not there"

    def start(self, stack: ExitStack) -> tuple[Driven, Driven]:
        """See `RivalPair`."""
        folder, python = _temporary(stack), str(self._folder / "bin" / "python")
        two, one = (
            _driven(
                stack,
                [python, str(HERE / "lxmf_node.py"), role, str(_LXMF_PORT), str(folder / role)],
                folder / f"{role}.log",
            )
            for role in ("server", "client")
        )
        time.sleep(1)
        for node in (two, one):
            node.ask(do="announce")
        time.sleep(1)
        return one, two


def _await_port(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"nobody listens on port {port}")
