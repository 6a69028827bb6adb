"""`p2pchat protect`: what guards the key of the store."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli import passphrase
from p2pchat_cli.options import session_of


class Guard(StrEnum):
    """What there is to choose from."""

    passphrase = "passphrase"  # noqa: S105 - the name of a choice
    keyring = "keyring"
    none = "none"


class Protected(s.Result):
    """What guards the key now."""

    by: str


_SENTENCES: Final = {
    Guard.passphrase: "The passphrase protects your profile from now on: you are asked for it at each start.",
    Guard.keyring: "The key lies in the keyring of your system from now on.",
    Guard.none: "Nothing protects your profile: whoever can read its files can read your messages.",
}


def protect(
    ctx: typer.Context,
    by: Annotated[Guard, typer.Argument(metavar="passphrase|keyring|none", help="What is to guard it.")],
    new_passphrase_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The new passphrase is its first line [default: ask].", show_default=False
        ),
    ] = None,
) -> None:
    """The present passphrase is asked for, if there is one; a node that runs goes on.

    The store stays encrypted under the same key: copies of the old key file open it with the old passphrase.
    """
    session = session_of(ctx)
    if new_passphrase_file is not None and by is not Guard.passphrase:
        raise UsageError("A new passphrase is for `protect passphrase` alone.")
    old = session.store_passphrase()
    new = ""
    if by is Guard.passphrase:
        given = passphrase.find(new_passphrase_file) if new_passphrase_file else None
        new = given or passphrase.choose()
    from p2pchat.api import local

    local.protect(session.home, old, by.value, new)
    session.answer(Protected(by=by.value), [_SENTENCES[by]])
