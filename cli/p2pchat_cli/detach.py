"""Starting a node that goes on when the command and the terminal are gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO, Final

import typer

from p2pchat.api import schema as s
from p2pchat.errors import NetworkError
from p2pchat_cli.session import Session
from p2pchat_cli.text import harmless

_START_S: Final = 60.0  # libp2p takes seconds to load, on a busy small machine tens of them
_POLL_S: Final = 0.05


def start(session: Session, options: list[str]) -> None:
    """Start the node of this profile with these options of `run`, and wait until it answers.

    Raises:
        typer.Exit: the node ended at once; its last words were printed, its exit code is passed on.
        NetworkError: it does neither answer nor end.
    """
    secret = session.store_passphrase()
    log = session.home.log
    with open(log, "ab", opener=_private) as file:  # Path.open takes no opener
        begin = file.tell()
        child = _spawn(session, options, secret, file)
    deadline = time.monotonic() + _START_S
    while not session.node_runs():
        code = child.poll()
        if code is not None:
            _tell_last_words(log, begin)
            raise typer.Exit(code or 2)
        if time.monotonic() > deadline:
            raise NetworkError(f"The node does not answer after {_START_S:.0f} s: see {log}.")
        time.sleep(_POLL_S)
    status = session.call("node.status", s.Nothing(), s.Status)
    session.answer(status, [f"Running in the background (process {child.pid}); its log is {log}."])


def _spawn(
    session: Session, options: list[str], secret: str | None, log: BinaryIO
) -> subprocess.Popen[bytes]:
    # -P: what lies in the current directory is not for us to import.
    command = [sys.executable, "-P", "-m", "p2pchat_cli", "--home", str(session.home.directory)]
    reader: int | None = None
    if secret is not None:
        # Neither the arguments nor the environment of a process are a place for a secret.
        reader, writer = os.pipe()
        with os.fdopen(writer, "w", encoding="utf-8") as pipe:
            pipe.write(f"{secret}\n")
        command += ["--passphrase-file", f"/dev/fd/{reader}"]
    command += ["run", *options]
    try:
        return subprocess.Popen(  # noqa: S603 -- our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=() if reader is None else (reader,),
            env={name: value for name, value in os.environ.items() if name != "P2PCHAT_PASSPHRASE"},
            start_new_session=True,
        )
    finally:
        if reader is not None:
            os.close(reader)


def _tell_last_words(log: Path, begin: int) -> None:
    with log.open("rb") as file:
        file.seek(begin)
        words = file.read().decode(errors="replace").splitlines()
    for line in words[-5:]:
        sys.stderr.write(f"{harmless(line)}\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
