"""`p2pchat web`: the page in the browser, and HTTP for scripts."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat.files import write_atomically
from p2pchat.home import Home
from p2pchat_cli.options import session_of
from p2pchat_cli.style import accent, dim


def web(
    ctx: typer.Context,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the link and open nothing.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Serve no page, and end all sessions.")] = False,
    token: Annotated[bool, typer.Option("--token", help="Print a token for scripts.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Serve it on this port [default: the last one, or any].")
    ] = 0,
) -> None:
    """The link logs one browser in, once and within five minutes: show it to nobody."""
    session = session_of(ctx)
    if off + token + (no_open or bool(port)) > 1:
        raise UsageError("Give one of --off, --token, and --no-open or --port.")
    if off:
        session.answer(session.call("web.close", s.Nothing(), s.Done), ["The page is served no more."])
    elif token:
        granted = session.call("web.token", s.Nothing(), s.WebToken)
        session.answer(granted, [granted.token, dim(f"Authorization: Bearer TOKEN, at {granted.url}rpc")])
    else:
        opened = session.call("web.open", s.WebOpen(port=port), s.WebLink)
        shown = not (no_open or session.json) and _browse(opened.link, session.home)
        lines = ["The page opens in your browser."] if shown else [accent(opened.link)]
        minutes = opened.valid_s // 60
        session.answer(opened, lines if shown else [*lines, dim(f"Good once, for {minutes} minutes.")])


def _browse(link: str, home: Home) -> bool:
    """Whether a browser took the link.

    A command line is seen by all users of the machine. On Linux the node serves its own user alone;
    elsewhere the link goes by a file that others cannot read.
    """
    import webbrowser

    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False  # a browser of text in the terminal could not show it
    if sys.platform == "linux":
        return webbrowser.open(link)
    file = home.directory / "web-login.html"
    write_atomically(file, f'<meta http-equiv="refresh" content="0; url={link}">\n'.encode())
    return webbrowser.open(file.as_uri())
