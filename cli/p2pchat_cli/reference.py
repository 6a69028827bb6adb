"""Every command with every option, as Markdown for the guide and as a page for man(1).

Both are made from the commands themselves when somebody asks, so they are never behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import typer

from p2pchat_cli.table import SECTIONS, Group
from p2pchat_cli.tree import COMMON, root

_INTRO: Final = """\
# Reference

Every command with every option, as `p2pchat man --markdown` prints it; [commands.md](commands.md) tells what
they are for. All commands also take `--home DIRECTORY`, `--profile NAME`, `--offline`, `--json`,
`--passphrase-file FILE` and `--help`.
"""


def commands() -> Iterator[tuple[str, str, str, Any]]:
    """Section, name, example and typer's command, in the order of the help."""
    top: Any = root()
    for section, entries in SECTIONS.items():
        for name, entry in entries.items():
            built = top.get_command(None, name)
            if isinstance(entry, Group):
                for inner, command in entry.commands.items():
                    yield section, f"{name} {inner}", command.example, built.get_command(None, inner)
            else:
                yield section, name, entry.example, built


def params(command: Any) -> Iterator[tuple[str, str]]:
    """What the command takes besides the common options: how it is written, and what it means."""
    for param in command.params:
        if param.name in COMMON:
            continue
        if param.param_type_name == "argument":
            yield param.make_metavar(_context(command)), param.help
        else:
            names = ", ".join([*param.opts, *param.secondary_opts])
            value = "" if param.is_flag else f" {param.make_metavar(_context(command))}"
            yield names + value, _with_default(param)


def markdown() -> str:
    """The reference for the guide."""
    parts, shown = [_INTRO], ""
    for section, name, example, command in commands():
        if section != shown:
            parts.append(f"\n## {section}\n")
            shown = section
        parts.append(f"\n### {name}\n\n{_about(command)}\n")
        rows = list(params(command))
        if rows:
            parts.append("\n" + "\n".join(f"- `{written}`: {meaning}" for written, meaning in rows) + "\n")
        parts.append(f"\n```sh\np2pchat {example}\n```\n")
    return "".join(parts)


def man() -> str:
    """The page for `man p2pchat`: groff_man(7)."""
    head = '.TH P2PCHAT 1 "" "p2pchat" "User Commands"\n.SH NAME\np2pchat \\- a serverless messenger\n'
    synopsis = ".SH SYNOPSIS\n.B p2pchat\n.RI [ OPTIONS ]\n.I COMMAND\n.RI [ ARGUMENTS ]\n"
    common = (
        ".SH OPTIONS\n"
        ".TP\n\\fB\\-\\-home\\fR \\fIDIRECTORY\\fR\nThe profile [default: $P2PCHAT_HOME].\n"
        ".TP\n\\fB\\-\\-profile\\fR \\fINAME\\fR\nOne of several profiles of yours, by its name.\n"
        ".TP\n\\fB\\-\\-offline\\fR\nTouch no network.\n"
        ".TP\n\\fB\\-\\-json\\fR\nAnswer in JSON.\n"
        ".TP\n\\fB\\-\\-passphrase\\-file\\fR \\fIFILE\\fR\nRead the passphrase from a file.\n"
    )
    parts, shown = [head, synopsis, common], ""
    for section, name, example, command in commands():
        if section != shown:
            parts.append(f".SH {_roff(section.upper())}\n")
            shown = section
        parts.append(f".SS p2pchat {_roff(name)}\n{_roff(_about(command))}\n")
        for written, meaning in params(command):
            parts.append(f".TP\n\\fB{_roff(written)}\\fR\n{_roff(meaning)}\n")
        parts.append(f".PP\nExample:\n.B p2pchat {_roff(example)}\n")
    codes = (
        ".SH EXIT STATUS\n0 done; 1 cannot be carried out as asked; 2 a bug; 3 network or disk;\n"
        "4 a key changed; 5 a bound is reached; 6 no such name, or several; 7 \\-\\-ack waited in vain;\n"
        "8 not permitted.\n"
    )
    return "".join([*parts, codes])


def _about(command: Any) -> str:
    about = (command.callback.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")
    return f"{command.help} {about}".strip()


def _context(command: Any) -> Any:
    return typer.Context(command)


def _with_default(param: Any) -> str:
    default = param.default
    if not param.show_default or param.is_flag or default in (None, "", ()) or callable(default):
        return str(param.help)
    return f"{param.help} [default: {getattr(default, 'value', default)}]"


def _roff(text: str) -> str:
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    plain = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in safe)
    return f"\\&{plain}" if plain.startswith(".") else plain
