"""`p2pchat bundle`: messages that are carried by hand, on a stick, between people who cannot connect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError, ProtocolError, UsageError
from p2pchat_cli.new_files import check_free, read_whole, write_new
from p2pchat_cli.options import ChatArgument, session_of
from p2pchat_cli.style import accent, bold
from p2pchat_cli.text import plural

_REQUEST: Final = 512 * 1024  # bytes in one request, whose line is bounded


class BundleFile(s.Result):
    """A file of messages."""

    path: str
    bytes: int
    parcels: int
    entries: int
    left: int


def export(
    ctx: typer.Context,
    chat: ChatArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as one on a stick.")],
) -> None:
    """Sealed for them: whoever finds it reads nothing. What it holds stays queued until they confirm."""
    from p2pchat.core.mailbox.carried import Carried

    session = session_of(ctx)
    check_free(file)
    packed = session.call("bundle.export", s.ExportBundle(chat=chat), s.Bundle)
    if not packed.parcels and not packed.veiled:
        raise NotFoundError("What waits cannot be sealed before your devices have met once.")
    data = Carried(tuple(packed.parcels), tuple(packed.veiled)).encode()
    write_new(file, data)
    written = BundleFile(str(file), len(data), len(packed.parcels), packed.entries, packed.left)
    what = plural(written.parcels, "parcel") + (f", {written.entries} entries" if written.entries else "")
    lines = [f"Wrote {what} for {accent(chat)} to {bold(written.path)}. They: p2pchat bundle import FILE"]
    session.answer(written, lines)
    if written.left:
        session.hint(f"{plural(written.left, 'item')} had to stay: for a first meeting, or for room.")


def take(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What somebody brought you.")],
) -> None:
    """The same file again changes nothing. Take a bundle back to them, so that they see it arrived."""
    from p2pchat.core.mailbox.carried import MAX_CARRIED, Carried

    session = session_of(ctx)
    try:
        carried = Carried.decode(read_whole(file, MAX_CARRIED, "a bundle"))
    except ProtocolError as error:
        raise UsageError(f"The file {file} is no bundle, or damaged: {error}.") from error
    taken = s.BundleTaken(parcels=0, entries=0, others=0)
    # Keys of groups come in parcels: these first, so that entries can be read at once.
    requests = [*(s.ImportBundle(parcels=some) for some in _parts(carried.parcels))]
    requests += [s.ImportBundle(veiled=some) for some in _parts(carried.veiled)]
    for request in requests:
        part = session.call("bundle.import", request, s.BundleTaken)
        taken.parcels += part.parcels
        taken.entries += part.entries
        taken.others += part.others
    session.answer(taken, _told(taken))


def _parts(items: Sequence[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    for item in items:
        if part and sum(map(len, part)) + len(item) > _REQUEST:
            yield part
            part = []
        part.append(item)
    if part:
        yield part


def _told(taken: s.BundleTaken) -> Iterator[str]:
    entries = f"{taken.entries} new {'entry' if taken.entries == 1 else 'entries'} of groups"
    yield f"{plural(taken.parcels, 'parcel')} for you, {entries}."
    if taken.others:
        yield f"{taken.others} for somebody else, or damaged."
