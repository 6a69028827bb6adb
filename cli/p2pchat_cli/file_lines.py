"""How a file looks on a terminal."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat_cli.style import bad, dim, good
from p2pchat_cli.text import megabytes

SHORT_ID: Final = 8  # letters; what `p2pchat file get` takes


def file_line(one: s.File) -> str:
    """A file below the message that it goes with."""
    return f"📎 {one.name}  {dim(megabytes(one.size))}  {dim(one.id[:SHORT_ID])}  {file_state(one)}"


def file_state(one: s.File) -> str:
    """How far it is here."""
    match one.state:
        case "here":
            return good("here")
        case "fetching" | "waiting":
            return f"{one.state} {megabytes(one.done)}/{megabytes(one.size)}"
        case "gone":
            return bad(f"gone: {one.reason}")
        case "broken":
            return bad("broken: it does not open")
    return one.state
