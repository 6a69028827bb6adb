"""One conversation with a device that may have a file: chunks come in order, each checked as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import trio

from p2pchat.core.files import frames as f
from p2pchat.core.files.attachment import Attachment
from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net import protocols
from p2pchat.net.network import Network, Stream
from p2pchat.node.storage import Storage
from p2pchat.store.blobs import Part

ANSWER_S: Final = 30.0
_BATCH: Final = 16  # chunks in one question
_UNDER_WAY: Final = 2 * _BATCH  # chunks asked for and not here: the next are on their way while some come


class RefusedError(NetworkError):
    """The device does not send the file, or not now."""

    def __init__(self, device: DeviceId, reason: f.Reason) -> None:
        what = "is busy" if reason is f.Reason.BUSY else "does not have it"
        super().__init__(f"{device.short} {what}")
        self.reason = reason


async def fetch_from(
    network: Network,
    store: Storage,
    device: DeviceId,
    about: Attachment,
    part: Part,
    came: Callable[[], None],
) -> None:
    """Fetch from `device` what `part` lacks; `came` is called whenever some of it has come.

    Raises:
        RefusedError: it does not have the file, or is busy.
        NetworkError: it does not answer, or the way to it broke.
        ProtocolError: it sent something else; a BrokenError if that is the fault of the file's author.
        StoreError: the disk is full or failed.
    """
    stream = await network.open_stream(device, protocols.FILES, frame_limit=protocols.FILES_FRAME_LIMIT)
    try:
        if not part.hashes:
            await stream.send([f.encode_ask(f.Ask(about.id, 0, 0))])
            await store.aside(partial(_take, part, await _answers(stream)))
            if not part.hashes:
                raise ProtocolError("no hashes were sent")
        asked = part.came
        while not part.is_whole:
            if asked < part.count and asked + _BATCH <= part.came + _UNDER_WAY:
                count = min(_BATCH, part.count - asked)
                await stream.send([f.encode_ask(f.Ask(about.id, asked, count))])
                asked += count
                continue
            await store.aside(partial(_take, part, await _answers(stream)))
            came()
    finally:
        await stream.close()


async def _answers(stream: Stream) -> list[f.Hashes | f.Chunk]:
    """What has come, at least one. Raises NetworkError or ProtocolError."""
    try:
        with trio.fail_after(ANSWER_S):
            received = await stream.receive()
    except trio.TooSlowError:
        raise NetworkError(f"{stream.peer.short} has sent nothing for {ANSWER_S:.0f} s") from None
    if not received:
        raise NetworkError(f"{stream.peer.short} hung up")
    answers: list[f.Hashes | f.Chunk] = []
    for frame in received:
        answer = f.decode_answer(frame)
        if isinstance(answer, f.Refused):
            raise RefusedError(stream.peer, answer.reason)
        answers.append(answer)
    return answers


def _take(part: Part, answers: Sequence[f.Hashes | f.Chunk]) -> None:
    for answer in answers:
        if isinstance(answer, f.Hashes):
            if part.hashes:
                raise ProtocolError("hashes that were not asked for")
            part.take_hashes(answer.hashes)
        elif not part.hashes or part.is_whole:
            raise ProtocolError("a chunk that was not asked for")
        else:
            part.take(answer.number, answer.sealed)
