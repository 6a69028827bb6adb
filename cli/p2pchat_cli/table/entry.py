"""What the table of commands is made of."""

from __future__ import annotations


class Command:
    """One command. (Making a NamedTuple of this would take as long as filling the table.)"""

    __slots__ = ("example", "help", "passes_dashes", "target")

    def __init__(self, target: str, help: str, example: str, passes_dashes: bool = False) -> None:
        self.target = target
        self.help = help
        self.example = example
        self.passes_dashes = passes_dashes  # words such as -3 are arguments and not options


class Group:
    """Commands about one thing: `p2pchat contact add`."""

    __slots__ = ("alone", "commands", "help")
    __match_args__ = ("help", "commands", "alone")

    def __init__(self, help: str, commands: dict[str, Command], alone: str = "") -> None:
        self.help = help
        self.commands = commands
        self.alone = alone  # the command that is meant where none is named
