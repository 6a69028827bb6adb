"""The side of a sync/1 stream that serves somebody who is no member any more.

He is told that he is out, and gets what was written by those who did not know that: the operation that ended
his membership, or what his admission fell by, and all that stands before it. So he sees for himself who did
it, by whose right, and when. Nothing of his is asked for. docs/protocol/sync.md, 5
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from p2pchat.core.ids import DeviceId
from p2pchat.core.sync.frames import Ended, Have, State, decode_frame, encode_frame, pack_entries
from p2pchat.core.sync.heads import missing_ranges
from p2pchat.core.sync.session import LogReader, RangesJob


class Farewell:
    """Give it each frame that arrives (`receive`), and write frames while there are any (`next_frame`)."""

    def __init__(self, heights: Mapping[DeviceId, int]) -> None:
        """`heights` says how much of each device's chain he may have."""
        self._heights = heights
        self._frames = deque([encode_frame(Ended())])  # he may be in the middle of a round
        self._job: RangesJob | None = None

    def receive(self, raw: bytes) -> None:
        """Answer a frame of his. Raises ProtocolError if it is malformed."""
        frame = decode_frame(raw)
        if isinstance(frame, State):
            self._frames = deque([encode_frame(Ended())])
        elif isinstance(frame, Have) and self._job is None:
            self._job = RangesJob(missing_ranges(frame.heights, self._heights))

    def next_frame(self, log: LogReader) -> bytes | None:
        """The next frame to write, or None until another arrives."""
        if not self._frames and self._job is not None:
            self._frames.extend(pack_entries(self._job.batch(log)))
            if not self._frames:
                self._job = None
        return self._frames.popleft() if self._frames else None
