"""A connection between two hosts, with the streams over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pchat.testing.streams import SimStream

if TYPE_CHECKING:
    from p2pchat.testing.host import SimHost


class Connection:
    """Two hosts that have shaken hands; dead once `is_cut`, whether they know or not."""

    def __init__(self, dialler: SimHost, listener: SimHost) -> None:
        self.ends = (dialler, listener)
        self.streams: list[tuple[SimStream, SimStream]] = []
        self.is_cut = False

    def other(self, host: SimHost) -> SimHost:
        """The host at the other end."""
        return self.ends[1] if host is self.ends[0] else self.ends[0]

    def prune(self) -> None:
        """Forget streams that both ends have closed."""
        self.streams = [pair for pair in self.streams if not (pair[0].is_closed and pair[1].is_closed)]
