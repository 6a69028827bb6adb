"""The `p2pchat` command: runs one command and turns its end into an exit code.

The codes are in docs/guide/exit-codes.md. Nothing here may import trio or libp2p: a command is a
client of the local API and has to start at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import typer

from p2pchat.errors import P2PChatError, UsageError
from p2pchat_cli import output
from p2pchat_cli.session import Session
from p2pchat_cli.tree import root, serve_completion

INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it
READER_LEFT: Final = 141  # 128 + SIGPIPE


def run() -> NoReturn:
    """Entry point of the console script."""
    code = main(sys.argv[1:])
    output.finish()
    os._exit(code)  # all is written and closed: taking the interpreter apart would take as long as a command


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code."""
    session = Session()
    output.prepare()
    try:
        return _carry_out(session, arguments)
    except output.OutputError as error:
        output.discard()
        if error.reader_left:
            return READER_LEFT
        session.refuse(error)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        session.close()


def _carry_out(session: Session, arguments: Sequence[str]) -> int:
    if "_P2PCHAT_COMPLETE" in os.environ:
        serve_completion()
    try:
        # --help and the like give a code, a command gives None.
        return root().main(list(arguments), "p2pchat", standalone_mode=False, obj=session) or 0
    except output.OutputError:
        raise
    except P2PChatError as error:
        return _refuse(session, error)
    except typer.TyperException as error:
        session.json = session.json or "--json" in arguments
        return _refuse(session, UsageError(_with_hint(error)))
    except UnicodeEncodeError:
        # Python keeps bytes that are no UTF-8 as lone surrogates, which no message may hold.
        return _refuse(session, UsageError("What you typed is not UTF-8 text."))
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("P2PCHAT_DEBUG"):
            import traceback

            traceback.print_exc()
        sentence = f"This is a bug: {type(error).__name__}: {error} (P2PCHAT_DEBUG=1 shows where)."
        return _refuse(session, P2PChatError(sentence))


def _refuse(session: Session, error: P2PChatError) -> int:
    session.refuse(error)
    return error.exit_code


def _with_hint(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    sentence = error.format_message().strip()
    sentence = sentence if sentence.endswith((".", "?")) else f"{sentence}."
    return sentence if context is None else f"{sentence} Try `{context.command_path} --help`."
