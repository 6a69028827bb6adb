"""What can be done to a group: the bodies of log entries of kind "group".

A body is the canonical CBOR array [version, type, by, ...fields in the order of the class]. `by` is
the person whose device signs the entry: naming it makes clear whose right is used, even if somebody
else claims that device. Whether the person has the right, authority.py says. docs/protocol/groups.md
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from p2pchat.core.ids import DeviceId, EntryId, PersonId

KIND: Final = "group"  # Header.kind of the entries
NONCE_SIZE: Final = 16


class Role(IntEnum):
    """What a member may do; a higher role may all that a lower one may."""

    READER = 1
    MEMBER = 2
    ADMIN = 3
    OWNER = 4


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules that a group gives itself."""

    history_days: int | None = None  # what newcomers can read: None all, 0 from when they join, else days
    invite: Role = Role.MEMBER  # who may invite
    write: Role = Role.MEMBER  # who may write; ADMIN makes an announcement channel
    quorum: int = 1  # admins whose checkpoints make a removal final


@dataclass(frozen=True, slots=True)
class Seen:
    """The highest number seen of each device: what was before, and what came too late."""

    heights: tuple[tuple[DeviceId, int], ...] = ()  # sorted by device

    def get(self, device: DeviceId) -> int:
        """The height of `device`, 0 if it is not listed."""
        return dict(self.heights).get(device, 0)


@dataclass(frozen=True, slots=True)
class Create:
    """Found a group. The entry is the group's genesis, its id the group's."""

    by: PersonId
    nonce: bytes  # random: no two groups have one id
    name: str
    policy: Policy
    card: bytes  # of the founder, identity.Card


@dataclass(frozen=True, slots=True)
class Invite:
    """Let a person join by himself."""

    by: PersonId
    person: PersonId
    role: Role


@dataclass(frozen=True, slots=True)
class Join:
    """Accept an invitation."""

    by: PersonId
    invite: EntryId
    card: bytes


@dataclass(frozen=True, slots=True)
class Add:
    """Make a person a member at once."""

    by: PersonId
    person: PersonId
    role: Role
    card: bytes


@dataclass(frozen=True, slots=True)
class Remove:
    """End a membership or an invitation."""

    by: PersonId
    person: PersonId
    seen: Seen  # of the person's devices


@dataclass(frozen=True, slots=True)
class Leave:
    """End one's own membership."""

    by: PersonId
    seen: Seen  # of one's devices


@dataclass(frozen=True, slots=True)
class Promote:
    """Give a member a higher role."""

    by: PersonId
    person: PersonId
    role: Role


@dataclass(frozen=True, slots=True)
class Demote:
    """Give a member, or oneself, a lower role."""

    by: PersonId
    person: PersonId
    role: Role


@dataclass(frozen=True, slots=True)
class Rename:
    """Give the group another name."""

    by: PersonId
    name: str


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """Give the group other rules."""

    by: PersonId
    policy: Policy


@dataclass(frozen=True, slots=True)
class Ban:
    """Remove a person, member or not, and keep him out until he is unbanned."""

    by: PersonId
    person: PersonId
    seen: Seen


@dataclass(frozen=True, slots=True)
class Unban:
    """Let a banned person be invited again."""

    by: PersonId
    person: PersonId


@dataclass(frozen=True, slots=True)
class Link:
    """Publish the public half of an invite link; any member can admit who proves the secret half.

    Seitan token exchange, as in https://github.com/local-first-web/auth (docs/invitations.md).
    """

    by: PersonId
    key: bytes  # Ed25519 public key of the link
    role: Role
    max_uses: int
    expires_ms: int  # ms since 1970, by the clock of the member who admits


@dataclass(frozen=True, slots=True)
class RevokeLink:
    """End an invite link."""

    by: PersonId
    link: EntryId


@dataclass(frozen=True, slots=True)
class Admit:
    """Make a member of a person who proved to hold the secret of an invite link (links.py)."""

    by: PersonId
    person: PersonId
    link: EntryId
    card: bytes
    device: DeviceId  # of the newcomer
    link_signature: bytes
    device_signature: bytes


@dataclass(frozen=True, slots=True)
class NewCard:
    """Publish a newer card of oneself: devices came or went."""

    by: PersonId
    card: bytes
    seen: Seen  # of the devices that the card no longer lists


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Confirm the removals so far: of removed persons, only what this entry refers to counts."""

    by: PersonId
    seen: Seen  # of the devices that were removed, with their persons or from a card


Operation: TypeAlias = (
    Create
    | Invite
    | Join
    | Add
    | Remove
    | Leave
    | Promote
    | Demote
    | Rename
    | SetPolicy
    | Ban
    | Unban
    | Link
    | RevokeLink
    | Admit
    | NewCard
    | Checkpoint
)
