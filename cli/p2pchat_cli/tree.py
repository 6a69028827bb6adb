"""The table of commands as typer commands that are built when they are called.

Building all of them would take longer than most of them run; `--help` shows them from the table.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import typer
from typer.core import TyperGroup, TyperOption

from p2pchat import __version__
from p2pchat_cli.session import Session
from p2pchat_cli.table import SECTIONS, Command, Group, spelled

COMMON: Final = frozenset({"home", "profile", "json", "offline", "passphrase_file", "version", "help"})
"""The parameters that every command takes."""


class LazyGroup(TyperGroup):
    """Finds its commands in sections of the table."""

    def __init__(
        self,
        name: str,
        help: str,
        sections: Mapping[str, Mapping[str, Command | Group]],
        params: list[Any],
        alone: str = "",
    ) -> None:
        super().__init__(
            name=name, help=help, params=params, rich_markup_mode=None, subcommand_metavar="COMMAND ..."
        )
        self._sections = sections
        self._alone = alone
        self._entries = {key: entry for section in sections.values() for key, entry in section.items()}
        # What typer knows the names from: for completion and for "did you mean".
        self.commands = dict.fromkeys(self._entries)  # type: ignore[assignment]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, built now; None if there is none."""
        match self._entries.get(cmd_name):
            case None:
                return None
            case Group(help, commands, alone):
                about = f"{help}; `{cmd_name}` alone means `{cmd_name} {alone}`." if alone else f"{help}."
                return LazyGroup(cmd_name, about, {"Commands": commands}, list(_common_options()), alone)
            case Command() as command:
                return _build(cmd_name, command)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As usual, but no arguments at all are answered with the help."""
        if self._means_itself(args) and not ctx.resilient_parsing:
            args = [self._alone, *args]
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(1)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As usual; what people know by another name from elsewhere is found too."""
        return super().resolve_command(ctx, spelled(args))

    def _means_itself(self, args: list[str]) -> bool:
        """Whether `args` are options alone, for the command that is meant where none is named."""
        named = (self._entries.keys() | {"--help"}) & set(args)
        return bool(self._alone) and not named and (not args or args[0].startswith("-"))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The names and their lines, by section."""
        for title, entries in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.help) for name, entry in entries.items()])


def root() -> LazyGroup:
    """The `p2pchat` command."""
    help = "A serverless messenger: private chats, groups and IOUs, straight between the people."
    return LazyGroup("p2pchat", help, SECTIONS, [*_common_options(), _version_option()])


def serve_completion() -> None:
    """Have typer answer the shells' questions for words; it costs time, so only where one asks."""
    from typer.completion import get_completion_inspect_parameters

    get_completion_inspect_parameters()  # registers the shells, as typer does for an app of its own


def load(command: Command) -> Callable[..., None]:
    """The function behind a command."""
    module, _, function = command.target.partition(":")
    loaded: Callable[..., None] = getattr(importlib.import_module(f"p2pchat_cli.commands.{module}"), function)
    return loaded


def _build(name: str, command: Command) -> Any:
    settings = {"ignore_unknown_options": command.passes_dashes}
    example = f"Example:\n\n\b\n  p2pchat {command.example}"
    built = _command(load(command), name, help=f"{command.help}.", epilog=example, context_settings=settings)
    built.params += _common_options()
    return built


def _command(function: Callable[..., None], name: str, **settings: Any) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, **settings)(function)
    return typer.main.get_command(app)


@cache
def _common_options() -> tuple[TyperOption, ...]:
    """The options that every command takes, before or behind its name.

    Made without a function whose signature typer would have to read, for each command needs them.
    """
    return (
        TyperOption(
            param_decls=["home", "--home"],
            metavar="DIRECTORY",
            help="The profile to use [default: $P2PCHAT_HOME, else the user's own].",
            callback=_set_home,
            expose_value=False,
        ),
        TyperOption(
            param_decls=["profile", "--profile"],
            metavar="NAME",
            help="One of several profiles of yours, by its name; see `p2pchat profile list`.",
            callback=_set_profile,
            expose_value=False,
        ),
        TyperOption(
            param_decls=["offline", "--offline"],
            is_flag=True,
            help="Touch no network: the store alone answers, and what you write waits.",
            callback=_set_offline,
            expose_value=False,
        ),
        TyperOption(
            param_decls=["json", "--json"],
            is_flag=True,
            help="Answer in JSON.",
            callback=_set_json,
            expose_value=False,
        ),
        TyperOption(
            param_decls=["passphrase_file", "--passphrase-file"],
            metavar="FILE",
            help="Read the passphrase from a file [default: $P2PCHAT_PASSPHRASE, else ask].",
            callback=_set_passphrase_file,
            expose_value=False,
        ),
    )


def _version_option() -> TyperOption:
    return TyperOption(
        param_decls=["version", "--version"],
        is_flag=True,
        is_eager=True,
        help="Print the version.",
        callback=_show_version,
        expose_value=False,
    )


def _set_home(ctx: Any, param: Any, value: str | None) -> None:
    if value is not None:
        _session(ctx).home_option = value


def _set_profile(ctx: Any, param: Any, value: str | None) -> None:
    if value is not None:
        _session(ctx).profile_option = value


def _set_offline(ctx: Any, param: Any, value: bool) -> None:
    if value:
        _session(ctx).offline = True


def _set_json(ctx: Any, param: Any, value: bool) -> None:
    if value:
        _session(ctx).json = True


def _set_passphrase_file(ctx: Any, param: Any, value: str | None) -> None:
    if value is not None:
        _session(ctx).passphrase_file = value


def _show_version(ctx: Any, param: Any, value: bool) -> None:
    if value:
        typer.echo(f"p2pchat {__version__}")
        raise typer.Exit


def _session(ctx: Any) -> Session:
    session: Session = ctx.ensure_object(Session)
    return session
