"""`p2pchat doctor`: what is wrong with this profile, and how to mend it."""

from __future__ import annotations

import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from p2pchat.api import schema as s
from p2pchat.config import NetworkFile
from p2pchat.errors import P2PChatError, StoreError, UsageError
from p2pchat_cli.options import session_of
from p2pchat_cli.session import Session
from p2pchat_cli.style import bad, good
from p2pchat_cli.text import columns, harmless, plural

_REACH_S: Final = 3.0  # for each bootstrap address


class Finding(msgspec.Struct):
    """One thing that was looked at."""

    what: str
    well: bool
    detail: str


class Diagnosis(s.Result):
    """All that was looked at."""

    findings: list[Finding]


class NotWellError(StoreError):
    """Something was found that keeps the node from working."""


def doctor(
    ctx: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="Save what can be read of a damaged store first.")
    ] = False,
) -> None:
    """Works with the node running or not, and changes nothing; the exit code says whether all is well.

    --repair needs the node to be stopped. The damaged store is kept beside the repaired one.
    """
    session = session_of(ctx)
    if repair:
        _repair(session)
    diagnosis = Diagnosis(findings=list(_examine(session)))
    wrong = [finding for finding in diagnosis.findings if not finding.well]
    if wrong and session.json:
        session.refuse(_verdict(wrong), result=diagnosis)
    else:
        session.answer(diagnosis, columns([_row(finding) for finding in diagnosis.findings]))
        if wrong:
            session.refuse(_verdict(wrong))
    if wrong:
        raise typer.Exit(NotWellError.exit_code)


def _repair(session: Session) -> None:
    from p2pchat.api import local

    if session.node_runs():
        raise UsageError("Your node is running: p2pchat stop, then repair.")
    report = local.examine_store_or_none(session.home, session.store_passphrase())
    if report is not None and not report.problems:
        session.hint("The store is sound: there is nothing to repair.")
        return
    done = local.repair_store(session.home, session.store_passphrase())
    session.hint(f"Saved {plural(done.rows, 'row')}; the damaged store is kept as {done.damaged}.")
    for table, lost in done.lost.items():
        session.hint(f"Lost of the table {table}: {'an unknown number of rows' if lost is None else lost}.")
    if done.is_new_device:
        session.hint(
            "What this device has signed was among it: it goes on as a new device, as after a restore, "
            "and asks your contacts for what is missing."
        )


def _examine(session: Session) -> Iterator[Finding]:
    yield (home := _finding("home", lambda: _home(session.home.directory)))
    if not home.well:
        return
    yield (key := _finding("key", lambda: _key(session)))
    if key.well:
        yield _finding("store", lambda: _store(session))
    yield (network := _finding("network", lambda: _network(session)))
    yield _finding("node", lambda: _node(session))
    for address in _listening(session):
        yield _reached("listening", address)
    if network.well:
        for address in NetworkFile.read(session.home.network_file).bootstrap:
            yield _reached("bootstrap", address)


def _finding(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except P2PChatError as error:
        return Finding(what, False, harmless(str(error)))


def _reached(what: str, address: str) -> Finding:
    return _finding(what, lambda: _reach(address))


def _home(directory: Path) -> str:
    if not directory.is_dir():
        raise StoreError(f"There is no profile in {directory}: make one with `p2pchat init`.")
    if directory.stat().st_mode & stat.S_IWOTH:
        raise StoreError(f"Anybody may write to {directory}: make it yours alone with chmod 700.")
    return str(directory)


def _key(session: Session) -> str:
    from p2pchat.api import local

    path = session.home.key_file
    if not path.exists():
        raise StoreError(
            f"There is no key at {path}: make a profile with `p2pchat init`, or restore a backup."
        )
    return {
        "passphrase": "protected by a passphrase",
        "keyring": "in the keyring of your system",
        "file": "a file that only you can read",
    }[local.guard(session.home)]


def _store(session: Session) -> str:
    from p2pchat.api import local

    locked = local.needs_passphrase(session.home)
    if locked and session.given_passphrase() is None and not sys.stdin.isatty():
        return "not examined, for the passphrase was not given"
    report = local.examine_store(session.home, session.store_passphrase())
    if report.problems:
        raise StoreError(f"{report.path} is damaged: {'; '.join(report.problems)}.")
    return f"sound, version {report.version}"


def _network(session: Session) -> str:
    if not session.home.network_file.exists():
        raise UsageError("The node belongs to no network: p2pchat network join FILE.")
    return NetworkFile.read(session.home.network_file).name


def _node(session: Session) -> str:
    if not session.node_runs():
        return "not running: p2pchat run"
    report = session.call("node.net", s.Nothing(), s.NetworkReport)
    return f"running, {plural(len(report.peers), 'peer')} connected"


def _listening(session: Session) -> list[str]:
    if not session.node_runs():
        return []
    return session.call("node.net", s.Nothing(), s.NetworkReport).listening


def _reach(address: str) -> str:
    _, kind, host, _, port, *_ = address.split("/")
    family = socket.AF_INET if kind in {"ip4", "dns4"} else socket.AF_INET6
    try:
        target = socket.getaddrinfo(host, int(port), family, socket.SOCK_STREAM)[0][4]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(_REACH_S)
            probe.connect(target)
    except OSError as error:
        raise StoreError(f"{host} port {port} does not answer: {error.strerror or error}.") from error
    return f"{host} port {port} answers"


def _row(finding: Finding) -> tuple[str, str, str]:
    return good("ok") if finding.well else bad("!!"), finding.what, finding.detail


def _verdict(wrong: list[Finding]) -> NotWellError:
    return NotWellError(f"Not all is well: see {', '.join(finding.what for finding in wrong)}.")
