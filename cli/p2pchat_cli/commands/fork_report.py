"""`p2pchat group fork-report`: proofs that a device signed two entries with one number, for anybody."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat.errors import ProtocolError, UsageError
from p2pchat_cli.message_lines import SHORT_ID
from p2pchat_cli.new_files import check_free, make_folder, read_whole, write_new
from p2pchat_cli.options import GroupArgument, session_of
from p2pchat_cli.session import Session
from p2pchat_cli.style import accent

_CHECK: Final = "--check"


class Forks(s.Result):
    """Numbers that a device has used twice in a group's log, with the proofs."""

    forks: list[s.LogFork]


class ForkVerdict(s.Result):
    """What a proof shows: one device used one number twice in one log."""

    conversation: str
    device: str
    seq: int


def fork_report(
    ctx: typer.Context,
    group: GroupArgument,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Write the proofs into it.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            _CHECK, metavar="FILE", help="Say what such a proof of somebody else shows.", show_default=False
        ),
    ] = None,
) -> None:
    """Whoever did it told different members different things; the proofs convince anybody."""
    session = session_of(ctx)
    if check is not None:
        _check(session, group, check)
        return
    forks = session.call("group.log", s.GroupName(group=group), s.GroupLog).forks
    lines = [
        f"{accent(one.name)}: device {one.device[:SHORT_ID]} signed two entries with the number {one.seq}"
        for one in forks
    ]
    if folder is not None and forks:
        files = [folder / f"{one.device[:SHORT_ID]}-{one.seq}.fork" for one in forks]
        make_folder(folder)
        for file in files:
            check_free(file)
        for file, one in zip(files, forks, strict=True):
            write_new(file, base64.b64decode(one.proof))
        lines += [f"{file}: the proof" for file in files]
    session.answer(Forks(forks), lines or ["Nobody signed two entries with one number."])


def _check(session: Session, group: str, file: Path) -> None:
    """Say whether a proof holds, and whether it is about `group`."""
    from p2pchat.core.codec import MAX_BYTES
    from p2pchat.core.log.equivocation import EquivocationProof

    about = session.call("group.show", s.GroupName(group=group), s.Group)
    try:
        conversation, device, seq = EquivocationProof.decode(read_whole(file, MAX_BYTES, "a proof")).verify()
    except ProtocolError as error:
        raise UsageError(f"The file {file} proves nothing: {error}.") from error
    if conversation.text != about.group:
        raise UsageError(f"The proof holds, but for another log than that of #{about.name}.")
    verdict = ForkVerdict(conversation.text, device.text, seq)
    line = (
        f"It holds: device {accent(device.text)} signed two entries with the number {seq} in #{about.name}."
    )
    session.answer(verdict, [line])
