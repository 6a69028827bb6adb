"""Why an envelope could not be opened.

    ProtocolError
    └── UndecryptableError      answer it with a nak: the sender seals the same items anew
        └── ReplayError         the envelope, or the start of its session, was accepted before

A nak for a replay does no harm: a sender who no longer holds the envelope in its outbox ignores it,
and one who still holds it proves by that that it was no replay to him.
"""

from __future__ import annotations

import enum

from p2pchat.errors import ProtocolError


class Reason(enum.StrEnum):
    """What stood in the way; the values are stable and may travel in a nak."""

    UNKNOWN_SESSION = "unknown-session"  # dropped here, or started before our state was lost
    UNKNOWN_PREKEY = "unknown-prekey"  # its one-time, fallback or KEM key was used up or has been deleted
    KEY_GONE = "key-gone"  # opened before, or later than the keys for late messages are kept
    FORGED = "forged"  # changed on the way, sealed for someone else, or not by the certified device
    REPLAYED = "replayed"  # this start on the fallback key was accepted before
    CROWDED = "crowded"  # too many starts on one fallback key; works again after its rotation


class UndecryptableError(ProtocolError):
    """This envelope cannot be opened; the state is as it was before the attempt."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"the envelope cannot be opened ({reason})")
        self.reason = reason


class ReplayError(UndecryptableError):
    """An envelope that was accepted before was shown again."""

    def __init__(self) -> None:
        super().__init__(Reason.REPLAYED)
