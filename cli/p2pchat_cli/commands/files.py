"""`p2pchat file`: files that go with messages."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat.api.client import NOT_RUNNING
from p2pchat.errors import NetworkError, NotAllowedError, P2PChatError, UsageError
from p2pchat_cli.file_lines import SHORT_ID, file_state
from p2pchat_cli.options import ChatArgument, LimitOption, MaybeChatArgument, session_of
from p2pchat_cli.progress import Bar
from p2pchat_cli.session import Session
from p2pchat_cli.style import accent, dim
from p2pchat_cli.text import ago, columns, megabytes, plural

_TOLD: Final = frozenset({"file.done", "file.broken", "file.progress"})

IdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="A file's id from `p2pchat file list`, or that of the message, or its beginning."
    ),
]
FileArgument = Annotated[list[str], typer.Argument(metavar="FILE...", help="The files.")]


class StillFetchingError(P2PChatError):
    """The time to wait is over and the file has not come; the node goes on trying."""

    exit_code = 7


class Saved(s.Result):
    """Files that were written into a folder."""

    files: list[s.SavedFile]


class Patience:
    """When to wait no longer: some seconds after the last sign of life."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """There was one."""
        self._until = time.monotonic() + self._seconds

    def until(self) -> float:
        """A reading of time.monotonic."""
        return self._until


def put_all(session: Session, paths: list[str]) -> list[str]:
    """Have the node keep the files at `paths`, sealed; their ids, for `message.send`."""
    found = [session.call("file.add", s.AddFile(path=str(Path(path).absolute())), s.File) for path in paths]
    return [one.id for one in found]


def send(
    ctx: typer.Context,
    chat: ChatArgument,
    files: FileArgument,
    caption: Annotated[str, typer.Option("--caption", help="Words that go with them.")] = "",
) -> None:
    """As `p2pchat send CHAT --file FILE`. Who has them helps you to bring them to the others."""
    from p2pchat_cli.commands import messages

    messages.send(ctx, chat, [caption] if caption else [], file=files)


def get(
    ctx: typer.Context,
    file_id: IdArgument,
    to: Annotated[
        str, typer.Option("--to", metavar="FOLDER", help="Where to write it [default: here].")
    ] = ".",
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait while nothing comes; exit code 7 after.")
    ] = 60.0,
) -> None:
    """What is there is never replaced: a second report.pdf becomes "report (1).pdf"."""
    session = session_of(ctx)
    folder = Path(to).absolute()
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.")
    saved = []
    for one in _find(session, file_id):
        if one.state != "here":
            _await(session, one, timeout)
        params = s.SaveFile(id=one.id, folder=str(folder))
        saved.append(session.call("file.save", params, s.SavedFile))
    lines = [f"Wrote {one.path}, {megabytes(one.size)}." for one in saved]
    session.answer(Saved(files=saved), lines)


def show_all(ctx: typer.Context, chat: MaybeChatArgument = None, limit: LimitOption = 50) -> None:
    """The newest first. `here`: on this disk, sealed; `offered`: with others, until you get it."""
    session = session_of(ctx)
    found = session.call("file.list", s.FileQuery(chat=chat, limit=limit), s.Files)
    session.answer(found, columns([_row(one) for one in found.files]) or ["No files."], paged=True)


def resume(ctx: typer.Context, file_id: IdArgument) -> None:
    """In the background; what has come already is not fetched again. `file get` also writes it."""
    session = session_of(ctx)
    found = _find(session, file_id)
    asked = [session.call("file.fetch", s.FileId(id=one.id), s.File) for one in found]
    session.answer(s.Files(files=asked), [f"{one.name}: {file_state(one)}" for one in asked])
    if not session.node_runs():
        session.hint("Your node is not running; it is fetched with `p2pchat run`.")


def cancel(ctx: typer.Context, file_id: IdArgument) -> None:
    """It is offered again as long as somebody has it; a copy in a folder of yours stays."""
    session = session_of(ctx)
    found = _find(session, file_id)
    for one in found:
        session.call("file.cancel", s.FileId(id=one.id), s.Done)
    session.answer(s.Done(), [f"{plural(len(found), 'file')} dropped."])


def _find(session: Session, id: str) -> list[s.File]:
    return session.call("file.list", s.FileQuery(id=id), s.Files).files


def _row(one: s.File) -> tuple[str, ...]:
    return (
        dim(one.id[:SHORT_ID]),
        dim(f"{ago(one.at_ms):>15}"),
        accent(one.chat),
        megabytes(one.size),
        file_state(one),
        one.name,
    )


def _await(session: Session, one: s.File, timeout: float) -> None:
    """Return once the file is here.

    Raises:
        NetworkError: no node runs.
        NotAllowedError: it is broken.
        StillFetchingError: nothing has come for `timeout` seconds.
    """
    if not session.node_runs():
        raise NetworkError(NOT_RUNNING)
    cursor = session.call("node.status", s.Nothing(), s.Status).cursor
    if session.call("file.fetch", s.FileId(id=one.id), s.File).state == "here":
        return
    reason, last, patience = "", -1, Patience(timeout)
    with Bar(one.name) as bar:
        for event in session.follow(cursor, until=patience.until):
            if event.type not in _TOLD or event.data.get("file") != one.id:
                continue
            if event.type == "file.done":
                return
            if event.type == "file.broken":
                raise NotAllowedError(f"{one.name} does not open: its sender has to send it again.")
            reason = event.data["trouble"]
            bar.show(event.data["done"], event.data["size"])
            if event.data["done"] > last:
                last = event.data["done"]
                patience.renew()
    why = reason or "nothing has come"
    raise StillFetchingError(f"{one.name} is not here yet ({why}): your node goes on trying.")
