"""prosody and slixmpp: TLS, receipts (XEP-0184), an archive at the server; end to end with OMEMO."""

from __future__ import annotations

import shutil
import subprocess

from benchmarks.rivals.driven import Driven, Place
from benchmarks.rivals.system import FOLDER, HERE, System, debian_version, has, pypi_version, python

_PORT = 25222
_ROOM = "room@conference.localhost"


class Xmpp(System):
    """Encrypted to the server, which keeps the archive; groups are rooms (MUC) with an archive."""

    name = "XMPP (prosody)"
    count = 500
    window = 128
    has_archive = True
    keys = False

    def missing(self) -> str:
        """See `System`."""
        return "" if shutil.which("prosody") and has("slixmpp") else "prosody or slixmpp is not there"

    def version(self) -> str:
        """See `System`."""
        return f"{debian_version('prosody')}, {pypi_version('slixmpp')}"

    def serve(self, place: Place, size: int) -> str:
        """A server with so many accounts."""
        key, certificate = place.folder / "key.pem", place.folder / "cert.pem"
        options = ("-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
        files = ("-keyout", str(key), "-out", str(certificate))
        subprocess.run(["openssl", "req", "-x509", *options, *files], check=True, capture_output=True)
        accounts = place.folder / "data" / "localhost" / "accounts"
        accounts.mkdir(parents=True)
        for number in range(size):
            (accounts / f"u{number}.dat").write_text('return { ["password"] = "secret" };\n')
        text = (HERE / "nodes" / "prosody.cfg.lua").read_text()
        for name, value in {"FOLDER": str(place.folder), "PORT": str(_PORT)}.items():
            text = text.replace(f"@{name}@", value)
        (place.folder / "prosody.cfg.lua").write_text(text)
        place.run(["prosody", "--root", "--config", str(place.folder / "prosody.cfg.lua"), "-F"], "prosody")
        place.until_listening(_PORT)
        return ""

    def command(self, place: Place, number: int, server: str) -> list[str]:
        """See `System`."""
        keys = place.folder / f"keys{number}"
        if self.keys:
            keys.mkdir(exist_ok=True)
        program = str(HERE / "nodes" / "xmpp.py")
        return [python(), program, str(number), str(_PORT), str(keys) if self.keys else "-"]

    def gather(self, nodes: list[Driven]) -> str:
        """See `System`."""
        for node in nodes:
            node.ask(do="join", room=_ROOM)
        return _ROOM


class XmppOmemo(Xmpp):
    """The same with OMEMO: in a group a Double Ratchet to each member, for each text."""

    name = "XMPP + OMEMO"
    count = 200
    pings = 60
    has_archive = False
    burst = 20
    paced = 10
    group_pause_ms = 500
    keys = True

    def missing(self) -> str:
        """See `System`."""
        return super().missing() or ("" if has("slixmpp_omemo") else "slixmpp-omemo is not there")

    def version(self) -> str:
        """See `System`."""
        return pypi_version("slixmpp-omemo", FOLDER)

    def meet(self, nodes: list[Driven]) -> None:
        """Each learns the devices of whom it writes to."""
        first, *others = nodes
        first.ask(do="devices", of=[other.id for other in others])
        for other in others:
            other.ask(do="devices", of=[first.id])
