"""Invite links of groups as people hand them on.

`p2pchat-group:` and canonical CBOR (core/link_text.py): which group, which link, the link's secret, and
some members' devices with addresses. Any of these members can let the newcomer in, and no other
device has to be on line; who else is a member the newcomer learns from the group's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from p2pchat.core import fields
from p2pchat.core.codec import decode, encode
from p2pchat.core.identity import MAX_ADDRESS, MAX_NAME, clean_name
from p2pchat.core.ids import DeviceId, EntryId, GroupId
from p2pchat.core.invite import TAG_SIZE
from p2pchat.core.keys import SEED_SIZE
from p2pchat.core.link_text import damaged, read_link, write_link
from p2pchat.errors import DecodeError

SCHEME: Final = "p2pchat-group:"
MAX_DOORS: Final = 4  # keeps the QR code scannable
MAX_ADDRESSES: Final = 2  # of one device
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Door:
    """A member's device, and where it was last reachable; without addresses it has to be looked for."""

    device: DeviceId
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupLink:
    """What lets whoever holds it into a group."""

    network: bytes  # core.invite.network_tag
    group: GroupId
    name: str  # of the group when the link was made
    link: EntryId  # the operation that published the link's public key
    secret: bytes  # the seed of the link's signing key
    expires_ms: int
    doors: tuple[Door, ...]

    def encode(self) -> str:
        """The link as text."""
        doors = [[door.device, list(door.addresses[:MAX_ADDRESSES])] for door in self.doors[:MAX_DOORS]]
        body = [_VERSION, self.network, self.group, self.name, self.link, self.secret, self.expires_ms, doors]
        return write_link(SCHEME, encode(body))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The link behind `text`. Raises UsageError if it is none, or damaged."""
        body = read_link(SCHEME, text)
        try:
            return cls._decode(body)
        except DecodeError as error:
            raise damaged() from error

    @classmethod
    def _decode(cls, body: bytes) -> Self:
        version, network, group, name, link, secret, expires_ms, doors = fields.array(decode(body), 8)
        if fields.integer(version) != _VERSION:
            raise DecodeError("unknown link version")
        return cls(
            fields.blob(network, least=TAG_SIZE, most=TAG_SIZE),
            fields.identifier(group, GroupId),
            clean_name(fields.text(name, least=1, most=MAX_NAME)),
            fields.identifier(link, EntryId),
            fields.blob(secret, least=SEED_SIZE, most=SEED_SIZE),
            fields.integer(expires_ms),
            tuple(map(_door, fields.items(doors, most=MAX_DOORS))),
        )


def _door(value: fields.Value) -> Door:
    device, addresses = fields.array(value, 2)
    return Door(
        fields.identifier(device, DeviceId),
        tuple(
            fields.text(address, least=1, most=MAX_ADDRESS)
            for address in fields.items(addresses, most=MAX_ADDRESSES)
        ),
    )
