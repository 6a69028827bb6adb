"""What a bot is, whether it waits in a thread or in a task: its name, its place in the events, its rules."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import msgspec

from p2pchat.api import schema as s
from p2pchat.api.table import METHODS
from p2pchat.config import Home
from p2pchat.errors import StoreError, UsageError
from p2pchat.files import write_atomically

F = TypeVar("F", bound=Callable[..., Any])

NAME_VARIABLE: Final = "P2PCHAT_BOT"
PAUSES_S: Final = (0.2, 1.0, 5.0)  # between attempts to reach a node that is away


class Cursor:
    """The number of the last event that a program is done with, on the disk."""

    def __init__(self, home: Home, name: str) -> None:
        if not name.replace("-", "").replace("_", "").isalnum():
            raise UsageError(f"'{name}' is no name for a bot: use letters, digits, - and _.")
        self.path: Final = home.directory / "bots" / f"{name}.cursor"

    def read(self) -> int | None:
        """Where to go on; None at the first time.

        Raises:
            StoreError: the file holds something else.
        """
        try:
            return int(self.path.read_text("ascii"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError(f"{self.path} does not hold the number of an event: {error}.") from error

    def write(self, seq: int) -> None:
        """Event `seq` is done.

        Raises:
            StoreError: the disk is full or read-only.
        """
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(self.path, str(seq).encode())


class Rules(Generic[F]):
    """Base of the bots: which function is to be called when."""

    def __init__(self, name: str | None = None, home: str | Path | None = None) -> None:
        """`name` tells bots of one profile apart; else it is that of the script."""
        self.home: Final = Home.locate(Path(home) if home else None)
        self.name: Final = name or os.environ.get(NAME_VARIABLE) or Path(sys.argv[0]).stem or "bot"
        self._cursor: Final = Cursor(self.home, self.name)
        self._on_message: list[F] = []
        self._on: dict[str, list[F]] = {}

    def on_message(self, function: F) -> F:
        """Decorator: call it with each text (`schema.Message`) that somebody else wrote."""
        self._on_message.append(function)
        return function

    def on(self, type: str) -> Callable[[F], F]:
        """Decorator: call it with each event (`schema.Event`) of that type, such as `iou.changed`."""

        def add(function: F) -> F:
            self._on.setdefault(type, []).append(function)
            return function

        return add

    def _heard(self, event: s.Event) -> bool:
        """Whether the event brings a text that somebody else wrote."""
        return (
            bool(self._on_message) and event.type == "message.received" and event.data.get("kind") == "text"
        )

    def _matching(self, event: s.Event) -> Iterator[F]:
        yield from self._on.get(event.type, ())


def params_of(method: str, fields: dict[str, Any]) -> s.Params:
    """The parameters of a method of the table.

    Raises:
        UsageError: there is no such method, or the parameters do not fit.
    """
    if method not in METHODS:
        raise UsageError(f"There is no method {method}: `p2pchat api describe` lists them.")
    try:
        return msgspec.convert(fields, METHODS[method].params)
    except msgspec.ValidationError as error:
        raise UsageError(f"The parameters of {method} do not fit: {error}.") from error
