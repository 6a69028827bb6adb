"""Other systems, each set up as its own documentation says, driven in the same way: pairs on loopback.

Nothing is shared with p2pchat but the driver (`pair.py`): two processes that obey lines of JSON. What
has to be installed is said first; it goes into `.venv/rivals` (PyPI, npm) and into the system (Debian).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.rivals.pair import RivalPair
from benchmarks.rivals.systems import JsLibp2p, Lxmf, Tox, Xmpp

FOLDER: Final = Path(__file__).parents[2] / ".venv" / "rivals"
DEBIAN: Final = (
    "gcc",
    "libc6-dev",
    "libtoxcore-dev",
    "toxcore-utils",
    "prosody",
    "lua-dbi-sqlite3",
    "nodejs",
    "npm",
)
PYPI: Final = ("slixmpp==1.17.0", "slixmpp-omemo==2.2.0", "rns==1.5.7", "lxmf==1.2.1")
NPM: Final = (
    "libp2p@3.3.11",
    "@libp2p/tcp@11.0.28",
    "@libp2p/identify@4.1.14",
    "@chainsafe/libp2p-noise@17.0.0",
    "@chainsafe/libp2p-yamux@8.0.1",
)


@contextmanager
def installed(say: Callable[[str], None]) -> Iterator[list[RivalPair]]:
    """Install what is missing and give a rig for each system that could be had."""
    say("To measure beside others these are installed, unless they are there already:")
    say(f"  from Debian (apt-get, as root): {' '.join(DEBIAN)}")
    say(f"  from PyPI, into {FOLDER}: {' '.join(PYPI)}")
    say(f"  from npm, into {FOLDER}: {' '.join(NPM)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    _try(say, _debian)
    _try(say, _pypi)
    _try(say, _npm)
    rigs: list[RivalPair] = []
    for kind in (Tox, JsLibp2p, Xmpp, Lxmf):
        rig = kind(FOLDER)
        if missing := rig.missing():
            say(f"{rig.system} is left out: {missing}")
        else:
            rigs.append(rig)
    yield rigs


def _try(say: Callable[[str], None], install: Callable[[], None]) -> None:
    try:
        install()
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"Installing failed: {error}")


def _debian() -> None:
    known = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package}\n"], capture_output=True, text=True, check=True
    )
    missing = sorted(set(DEBIAN) - {"nodejs", "npm"} - set(known.stdout.split()))
    if missing:
        subprocess.run(["apt-get", "install", "-y", "-q", *missing], check=True, stdout=sys.stderr)
    for program in ("node", "npm"):
        subprocess.run([program, "--version"], check=True, capture_output=True)


def _pypi() -> None:
    python = FOLDER / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *PYPI], check=True, stdout=sys.stderr)


def _npm() -> None:
    (FOLDER / "package.json").write_text('{"private": true, "type": "module"}\n')
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--silent", *NPM],
        check=True,
        cwd=FOLDER,
        stdout=sys.stderr,
    )
