"""Who talks to whom, where and in which direction: what every envelope is bound to.

Olm authenticates two Curve25519 keys and nothing else. The binding names the rest, so that an
envelope cannot be shown in another conversation, to another device, as another person's, or back to
its author (unknown key share, cross-conversation replay, reflection).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from p2pchat.core.ids import ConversationId, DeviceId, PersonId
from p2pchat.core.keys import tagged_hash
from p2pchat.errors import UsageError

VERSION: Final = 1  # of every format in this package; algorithms are fixed per version
IDENTITY_KEY_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One device of one person, with the Curve25519 Olm identity key that is certified for it."""

    person: PersonId
    device: DeviceId
    identity_key: bytes


@dataclass(frozen=True)  # no slots: the two bindings are computed once and kept
class Parties:
    """Our device, the remote device and the conversation of the pair.

    Raises:
        UsageError: both ends are the same device.
    """

    ours: Endpoint
    theirs: Endpoint
    conversation: ConversationId

    def __post_init__(self) -> None:
        if self.ours.device == self.theirs.device:
            raise UsageError("a device does not talk to itself")

    @cached_property
    def outgoing(self) -> bytes:
        """32 bytes that bind what we seal for them."""
        return _binding(self.ours, self.theirs, self.conversation)

    @cached_property
    def incoming(self) -> bytes:
        """32 bytes that bind what they seal for us; equal to `outgoing` on their side."""
        return _binding(self.theirs, self.ours, self.conversation)


def _binding(sender: Endpoint, receiver: Endpoint, conversation: ConversationId) -> bytes:
    ends = (part for end in (sender, receiver) for part in (end.person, end.device, end.identity_key))
    return tagged_hash("ratchet-parties", bytes([VERSION]), *ends, conversation)
