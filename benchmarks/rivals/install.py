"""What other systems need: said first, then installed, each kind where it belongs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.rivals.js_libp2p import JsLibp2p
from benchmarks.rivals.lxmf import Lxmf
from benchmarks.rivals.matrix import Matrix
from benchmarks.rivals.system import FOLDER, MATRIX_FOLDER, System
from benchmarks.rivals.tox import Tox
from benchmarks.rivals.xmpp import Xmpp, XmppOmemo

DEBIAN: Final = (
    "gcc",
    "iproute2",
    "libc6-dev",
    "libtoxcore-dev",
    "lua-dbi-sqlite3",
    "nodejs",
    "npm",
    "openssl",
    "pkg-config",
    "prosody",
    "toxcore-utils",
)
PYPI: Final = ("slixmpp==1.17.0", "slixmpp-omemo==2.2.0", "rns==1.5.7", "lxmf==1.2.1")
PYPI_MATRIX: Final = ("matrix-synapse==1.163.2", "matrix-nio[e2e]==0.26.0")
NPM: Final = (
    "libp2p@3.3.11",
    "@libp2p/crypto@5.1.23",
    "@libp2p/tcp@11.0.28",
    "@libp2p/identify@4.1.14",
    "@libp2p/gossipsub@17.1.1",
    "@chainsafe/libp2p-noise@17.0.0",
    "@chainsafe/libp2p-yamux@8.0.1",
)


def installed(say: Callable[[str], None]) -> list[System]:
    """Install what is missing and give each system that could be had."""
    say("To measure beside others these are installed, unless they are there already:")
    say(f"  from Debian (apt-get, as root): {' '.join(DEBIAN)}")
    say(f"  from PyPI, into {FOLDER}: {' '.join(PYPI)}")
    say(f"  from PyPI, into {MATRIX_FOLDER}: {' '.join(PYPI_MATRIX)}")
    say(f"  from npm, into {FOLDER}: {' '.join(NPM)}")
    for install in (_debian, lambda: _pypi(FOLDER, PYPI), lambda: _pypi(MATRIX_FOLDER, PYPI_MATRIX), _npm):
        try:
            install()
        except (OSError, subprocess.CalledProcessError) as error:
            say(f"Installing failed: {error}")
    found: list[System] = []
    for system in (Tox(), JsLibp2p(), Xmpp(), XmppOmemo(), Matrix(), Lxmf()):
        if missing := system.missing():
            say(f"{system.name} is left out: {missing}")
        else:
            found.append(system)
    return found


def _debian() -> None:
    known = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package}\n"], capture_output=True, text=True, check=True
    )
    missing = sorted(set(DEBIAN) - {"nodejs", "npm"} - set(known.stdout.split()))
    if missing:
        subprocess.run(["apt-get", "install", "-y", "-q", *missing], check=True, stdout=sys.stderr)
    for program in ("node", "npm"):
        subprocess.run([program, "--version"], check=True, capture_output=True)


def _pypi(folder: Path, packages: tuple[str, ...]) -> None:
    """Wheels alone: nothing of these is compiled here."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--only-binary", ":all:", *packages], check=True, stdout=sys.stderr)


def _npm() -> None:
    (FOLDER / "package.json").write_text('{"private": true, "type": "module"}\n')
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--silent", *NPM],
        check=True,
        cwd=FOLDER,
        stdout=sys.stderr,
    )
