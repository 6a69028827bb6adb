"""What has to happen once a change is on the disk.

Features append these to their transaction; the node carries them out after the commit, in order. A
command that runs without a node drops them: when the node starts, it finds the same work in the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from p2pchat.core.direct.frames import EnvelopeId
from p2pchat.core.ids import DeviceId, GroupId


@dataclass(frozen=True, slots=True)
class Wake:
    """There is something in the outbox for a device."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class Retry:
    """What waits for a device is to be tried at once, though the device has refused it before."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class Sealed:
    """All that waited for a device whose courier was at leisure is in these envelopes: send them."""

    device: DeviceId
    envelopes: tuple[tuple[EnvelopeId, bytes], ...]


@dataclass(frozen=True, slots=True)
class GroupGrew:
    """A group's log has new entries: offer them to the members. `mine` are encoded, written here.

    `pushed`: all are texts that go from who wrote them to each member he is connected with; no round need
    hurry to look after them.
    """

    group: GroupId
    mine: tuple[bytes, ...] = ()
    pushed: bool = False


@dataclass(frozen=True, slots=True)
class FilesWanted:
    """Files are to be fetched."""


@dataclass(frozen=True, slots=True)
class CirclesChanged:
    """Contacts, group members or groups have changed: whom to stay connected with, what to listen to."""


@dataclass(frozen=True, slots=True)
class Passing:
    """News for whoever listens now; it is not kept, for who was away need not hear of it."""

    type: str
    data: dict[str, Any]
    at_ms: int


@dataclass(frozen=True, slots=True)
class HoldingChanged:
    """I have set how much of my disk friends may fill with what they leave for each other."""

    megabytes: int


@dataclass(frozen=True, slots=True)
class MailboxesChanged:
    """I have named or dropped a mailbox, or it is to take deposits of others than before."""
