"""A QR code in the terminal, two modules to a character."""

from __future__ import annotations

import io
import shutil
import sys

from p2pchat.api import schema as s
from p2pchat_cli.session import Session


def draw(text: str, *, forced: bool) -> list[str]:
    """The lines of the code; none if stdout is no terminal wide enough, unless `forced`."""
    if not (forced or sys.stdout.isatty()):
        return []
    import segno

    try:
        code = segno.make_qr(text, error="l")
    except segno.DataOverflowError:
        return ["(The link is too long for a QR code.)"]
    drawn = io.StringIO()
    code.terminal(drawn, border=2, compact=True)
    columns, _ = code.symbol_size(border=2)
    if columns > shutil.get_terminal_size().columns and not forced:
        return [f"(Widen the terminal to {columns} columns to see the link as a QR code.)"]
    return drawn.getvalue().splitlines()


def answer_link(session: Session, result: s.Result, link: str, show_qr: bool | None) -> None:
    """Answer with a link, and as a QR code if the person wants that or stdout is a terminal."""
    drawn = draw(link, forced=show_qr is True) if not session.json and show_qr is not False else []
    session.answer(result, [*drawn, link])
