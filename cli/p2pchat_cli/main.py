"""The `p2pchat` command: runs one command and turns its end into an exit code.

The codes are in docs/guide/exit-codes.md. Nothing here may import trio or libp2p: a command is a
client of the local API and has to start at once.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final

INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it
BROKEN_PIPE: Final = 141  # 128 + SIGPIPE


def run() -> None:
    """Entry point of the console script."""
    # A short life makes no garbage worth collecting, and the collector takes a tenth of the start.
    gc.disable()
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code."""
    import typer

    from p2pchat.errors import P2PChatError, UsageError
    from p2pchat_cli.session import Session
    from p2pchat_cli.tree import root, serve_completion

    session = Session()
    _make_streams_forgiving()
    if "_P2PCHAT_COMPLETE" in os.environ:
        serve_completion()
    try:
        # --help and the like give a code, a command gives None
        return root().main(list(arguments), "p2pchat", standalone_mode=False, obj=session) or 0
    except P2PChatError as error:
        session.refuse(error)
        return error.exit_code
    except typer.TyperException as error:
        session.json = session.json or "--json" in arguments
        refusal = UsageError(_with_hint(error))
        session.refuse(refusal)
        return refusal.exit_code
    except UnicodeEncodeError:
        # Python keeps bytes that are no UTF-8 as lone surrogates, which no message may hold.
        refusal = UsageError("What you typed is not UTF-8 text.")
        session.refuse(refusal)
        return refusal.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has seen enough; keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        if os.environ.get("P2PCHAT_DEBUG"):
            traceback.print_exc()
        bug = P2PChatError(f"This is a bug: {type(error).__name__}: {error} (P2PCHAT_DEBUG=1 shows where).")
        session.refuse(bug)
        return bug.exit_code
    finally:
        session.close()


def _with_hint(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    sentence = str(getattr(error, "format_message", error.__str__)()).strip()
    sentence = sentence if sentence.endswith((".", "?")) else f"{sentence}."
    return sentence if context is None else f"{sentence} Try `{context.command_path} --help`."


def _make_streams_forgiving() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
