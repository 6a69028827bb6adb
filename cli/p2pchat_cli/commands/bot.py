"""`p2pchat bot`: programs that chat, and events for programs elsewhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.api.client import NOT_RUNNING
from p2pchat.errors import NetworkError, NotFoundError, UsageError
from p2pchat_cli.options import session_of
from p2pchat_cli.session import Session


def run(
    ctx: typer.Context,
    script: Annotated[
        str | None, typer.Argument(metavar="[SCRIPT]", help="A Python program, such as examples/echo_bot.py.")
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Post each event there instead, signed.", show_default=False),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="With --webhook: events of this type; may be repeated."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="Tells bots of one profile apart [default: the script's name].", show_default=False
        ),
    ] = None,
) -> None:
    """It goes on where it stopped: what happened meanwhile is not missed. Runs until ^C."""
    session = session_of(ctx)
    if (script is None) == (webhook is None):
        raise UsageError("Name a script or a --webhook URL: one of the two.")
    if webhook is not None:
        _forward(session, webhook, only or [], name or "webhook")
    else:
        _run_script(session, Path(str(script)), name)


def _run_script(session: Session, script: Path, name: str | None) -> None:
    if not script.is_file():
        raise NotFoundError(f"There is no file {script}.")
    _need_node(session)
    session.close()
    environment = os.environ | {
        "P2PCHAT_HOME": str(session.home.directory),
        "P2PCHAT_BOT": name or script.stem,
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, str(script)]
    os.execve(command[0], command, environment)  # noqa: S606 -- the person's own program


def _forward(session: Session, url: str, only: list[str], name: str) -> None:
    # Loads HTTP.
    from p2pchat import logs
    from p2pchat.api.webhook import Webhook, secret_of
    from p2pchat.bots import Bot, webhook

    logs.configure()
    bot = Bot(name, session.home.directory)
    hook = Webhook.at(url, secret_of(session.home, name), "")
    _need_node(session)
    me = session.call("identity.show", s.Nothing(), s.Identity)
    session.hint(f"The secret that signs is in {session.home.directory}/bots/{name}.secret")
    session.close()
    webhook.forward(bot, hook._replace(node=me.device), only)


def _need_node(session: Session) -> None:
    if not session.node_runs():
        raise NetworkError(NOT_RUNNING)
