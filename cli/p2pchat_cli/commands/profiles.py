"""`p2pchat profile`: several people or lives on one machine, side by side."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import typer

from p2pchat.api import schema as s
from p2pchat.api.client import Client
from p2pchat.home import Home, profiles_directory
from p2pchat_cli.options import session_of
from p2pchat_cli.style import bold, dim, good
from p2pchat_cli.text import columns


class Profile(s.Result):
    """A profile of this user."""

    name: str  # empty for the one that is meant where none is named
    home: str
    running: bool


class Profiles(s.Result):
    """All profiles of this user that lie where profiles lie."""

    profiles: list[Profile] = msgspec.field(default_factory=list)


def show_all(ctx: typer.Context) -> None:
    """Make another one with `p2pchat --profile NAME init`; each has its own node, contacts and money."""
    own = Home.locate(None, {name: value for name, value in os.environ.items() if name != "P2PCHAT_HOME"})
    directory = profiles_directory()
    homes = [("", own), *((path.name, Home(path)) for path in _directories(directory))]
    found = Profiles([_profile(name, home) for name, home in homes if home.key_file.exists()])
    session_of(ctx).answer(found, columns([_row(one) for one in found.profiles]) or ["No profile yet."])


def _directories(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []


def _profile(name: str, home: Home) -> Profile:
    client = Client.connect_if_running(home.socket)
    if client is not None:
        client.close()
    return Profile(name, str(home.directory), client is not None)


def _row(one: Profile) -> tuple[str, str, str]:
    return bold(one.name or "(yours)"), good("running") if one.running else dim("not running"), one.home
