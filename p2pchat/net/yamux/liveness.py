"""When to ask a silent peer whether it is still there, and when to give it up.

While a connection is in use, or soon after, a frozen peer is noticed within ten seconds; likewise as
soon as something is sent that stays unanswered. A connection that nobody has used for a while is asked
rarely, so that an idle node with many contacts costs next to no traffic.
"""

from __future__ import annotations

from typing import Final

ANSWER_S: Final = 4.0  # to answer a ping, or to send anything at all
_BUSY_S: Final = 4.0  # silence that is asked about while the connection is in use, by whoever dialled
_UNANSWERED_S: Final = 1.0  # silence that is asked about after we have sent something
_IDLE_S: Final = 120.0  # silence that is asked about on an idle connection; below any NAT's patience
_PATIENCE: Final = 1.25  # times as long waits whoever was dialled: one question tells both
_USED_S: Final = 12.0  # how long a connection counts as in use after the last data


class Liveness:
    """Watches one connection; time comes as an argument, in seconds."""

    def __init__(self, now: float, *, dialled: bool = True) -> None:
        self._patience = 1.0 if dialled else _PATIENCE
        self._heard = now
        self._used = now
        self._sent: float | None = None  # the first data that went out since the peer was heard

    def heard(self, now: float) -> None:
        """Bytes of any kind have arrived."""
        self._heard = now
        self._sent = None

    def used(self, now: float) -> None:
        """Stream data has arrived or gone out."""
        self._used = now

    def sent(self, now: float) -> bool:
        """Stream data has gone out; whether that makes the next question due earlier."""
        self._used = now
        if self._sent is None:
            self._sent = now
            return True
        return False

    def doubted(self, now: float) -> None:
        """The peer may be gone for a reason that says nothing to us: ask soon."""
        self._used = now
        self._sent = now - _UNANSWERED_S

    def due(self) -> float:
        """When the peer is to be asked unless it is heard before."""
        pause = _BUSY_S if self._used > self._heard - _USED_S else _IDLE_S
        due = self._heard + pause * self._patience
        return due if self._sent is None else min(due, self._sent + _UNANSWERED_S)

    def was_heard_since(self, then: float) -> bool:
        """Whether bytes have arrived after `then`."""
        return self._heard > then
