"""`p2pchat backup`: the recovery words, and backups that they open."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli import passphrase
from p2pchat_cli.options import session_of
from p2pchat_cli.style import bold
from p2pchat_cli.text import columns

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The backup file.")]
_IN_A_LINE = 6  # words


def show_words(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Show them without asking.")] = False,
) -> None:
    """Write them on paper: whoever has them is you."""
    session = session_of(ctx)
    if not yes:
        _confirm()
    found = session.call("backup.words", s.Nothing(), s.Words)
    words = found.words.split()
    rows = [words[start : start + _IN_A_LINE] for start in range(0, len(words), _IN_A_LINE)]
    session.answer(found, columns(rows))
    session.hint("Whoever has these words is you, and opens your backups. Keep them on paper, not here.")


def create(ctx: typer.Context, file: FileArgument) -> None:
    """Contacts, chats, groups, IOUs, keys; your recovery words open it. The node may run."""
    session = session_of(ctx)
    made = session.call("backup.create", s.BackupFile(path=str(Path(file).absolute())), s.BackupReport)
    session.answer(made, [f"Wrote {made.path}.", *_described(made)])
    session.hint("It opens with your recovery words alone: p2pchat backup words")


def verify(
    ctx: typer.Context,
    with_words: Annotated[
        bool, typer.Option("--words", help="Open it with recovery words that you type or pipe in.")
    ] = False,
    *,
    file: FileArgument,
) -> None:
    """Changes nothing. Without --words it has to be a backup of this profile."""
    session = session_of(ctx)
    path = Path(file).absolute()
    if with_words:
        from p2pchat.api import local

        report = local.verify_backup(path, ask_words())
    else:
        report = session.call("backup.verify", s.BackupFile(path=str(path)), s.BackupReport)
    session.answer(report, [f"{report.path} is whole.", *_described(report)])


def restore(
    ctx: typer.Context,
    protect: Annotated[
        bool, typer.Option("--passphrase", help="Protect the store with a passphrase that you type now.")
    ] = False,
    *,
    file: FileArgument,
) -> None:
    """Asks for the recovery words. The device that made the backup is revoked: do not use it any more."""
    session = session_of(ctx)
    words = ask_words()
    secret = session.given_passphrase() or (passphrase.choose() if protect else None)
    from p2pchat.api import local

    identity = local.restore(session.home, Path(file).absolute(), words, secret)
    session.answer(
        identity, [f"Restored {bold(identity.name)} in {session.home.directory}, on a new device."]
    )
    session.hint("Your contacts and groups learn of it with the next `p2pchat run`.")


def ask_words() -> str:
    """The recovery words that the person types unseen, or what standard input holds.

    Raises:
        UsageError: standard input is not text.
    """
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass("Recovery words: ")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise UsageError("Standard input is not text.") from error


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise UsageError("Whoever sees the words is you: say --yes if that is what you want.")
    if input("Whoever sees these words is you. Show them? [y/N] ").strip().lower() not in ("y", "yes"):
        raise UsageError("Nothing was shown.")


def _described(report: s.BackupReport) -> list[str]:
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(report.created_ms / 1000))
    return [f"Made {made}, {report.bytes / 1e6:.1f} MB, store version {report.store_version}."]
