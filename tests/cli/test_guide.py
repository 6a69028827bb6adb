"""The guide and the program say the same."""

from __future__ import annotations

import re
from pathlib import Path

from p2pchat_cli.commands.messages import StillQueuedError
from p2pchat_cli.table import SECTIONS, Group

from p2pchat import errors

GUIDE = Path(__file__).parents[2] / "docs" / "guide"


def test_the_guide_explains_every_command_and_no_other() -> None:
    text = (GUIDE / "commands.md").read_text(encoding="utf-8")
    shown = {tuple(found) for found in re.findall(r"p2pchat ([a-z]+)(?: ([a-z-]+))?", text)}
    known: set[tuple[str, str]] = set()
    for entries in SECTIONS.values():
        for name, entry in entries.items():
            inner = entry.commands if isinstance(entry, Group) else {"": None}
            known |= {(name, word) for word in inner}
            if isinstance(entry, Group) and entry.alone:
                known.add((name, ""))
    groups = {name for name, word in known if word}
    normal = {(name, word if name in groups else "") for name, word in shown}
    assert normal == known


def test_the_guide_explains_every_exit_code() -> None:
    text = (GUIDE / "exit-codes.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d+) \|.*?\|([^|]*)\|", text, re.MULTILINE))
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.UsageError | errors.NetworkError | errors.StoreError)
    ]
    for kind in [errors.P2PChatError, StillQueuedError, *kinds]:
        assert f"`{kind.__name__}`" in rows[str(kind.exit_code)]
