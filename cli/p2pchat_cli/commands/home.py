"""`p2pchat init`, `whoami`: a profile and whose it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli import passphrase
from p2pchat_cli.commands.backup import ask_words
from p2pchat_cli.options import session_of
from p2pchat_cli.session import Session, clean
from p2pchat_cli.style import bold, dim
from p2pchat_cli.text import columns


def init(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Option(help="What others see you called.", show_default=False)] = None,
    protect: Annotated[
        bool, typer.Option("--passphrase", help="Protect the store with a passphrase that you type now.")
    ] = False,
    from_words: Annotated[
        bool,
        typer.Option("--from-words", help="Be the person whose 24 recovery words you type or pipe in now."),
    ] = False,
) -> None:
    """Make the profile; a passphrase that was given in another way protects it too."""
    session = session_of(ctx)
    chosen = _name(name)
    words = ask_words() if from_words else None
    secret = session.given_passphrase() or (passphrase.choose() if protect else None)
    from p2pchat.api import local

    identity = local.create(session.home, chosen, secret, words)
    session.answer(
        identity, _welcome(session, clean(identity), protected=secret is not None, restored=from_words)
    )


def whoami(ctx: typer.Context) -> None:
    """Name, fingerprint and ids."""
    session = session_of(ctx)
    identity = session.call("identity.show", s.Nothing(), s.Identity)
    session.answer(identity, _lines(identity))


def _name(name: str | None) -> str:
    if name is not None:
        return name
    if not sys.stdin.isatty():
        raise UsageError("Say what others see you called: --name NAME.")
    return input("Your name, as others will see it: ").strip()


def _welcome(session: Session, identity: s.Identity, *, protected: bool, restored: bool) -> Iterator[str]:
    home = "" if session.home_option is None else f" --home {session.home_option}"
    home = home if session.profile_option is None else f" --profile {session.profile_option}"
    yield f"Made the profile of {bold(identity.name)} in {session.home.directory}."
    yield f"Fingerprint: {identity.fingerprint}"
    if not protected:
        yield dim("No passphrase protects it: whoever can read these files can read your messages.")
    if restored:
        yield "Add your contacts by their links: they know you, and give you back your chats."
    else:
        yield f"For the day you lose it, write down your recovery words: p2pchat{home} backup words"
    yield f"Next: p2pchat{home} network join FILE, then p2pchat{home} run"


def _lines(identity: s.Identity) -> list[str]:
    return columns(
        [
            ("name", bold(identity.name)),
            ("fingerprint", identity.fingerprint),
            ("person", identity.person),
            ("device", identity.device),
        ]
    )
