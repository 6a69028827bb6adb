"""Invite links: the little that a stranger needs to ask to be a contact.

A link is `p2pchat:` and canonical CBOR, as link_text.py writes it. It pins the person; everything else is
fetched from the device and checked against that. The secret shows the inviter that a request came through
this link and not from somebody who met the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from p2pchat.core import fields
from p2pchat.core.codec import decode, encode
from p2pchat.core.identity import MAX_ADDRESS, MAX_NAME, clean_name
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.link_text import damaged, read_link, write_link
from p2pchat.errors import DecodeError

SCHEME: Final = "p2pchat:"
SECRET_SIZE: Final = 16
MAX_LINK_ADDRESSES: Final = 4  # keeps the QR code scannable
TAG_SIZE: Final = 8
_VERSION: Final = 1


def network_tag(name: str) -> bytes:
    """Eight bytes that tell networks apart, so that a link of another network is noticed."""
    return tagged_hash("network", name.encode())[:TAG_SIZE]


@dataclass(frozen=True, slots=True)
class InviteLink:
    """Who invites, and where his device was last reachable."""

    network: bytes  # network_tag
    person: PersonId
    device: DeviceId
    name: str
    addresses: tuple[str, ...]
    secret: bytes

    def encode(self) -> str:
        """The link as text."""
        body = encode(
            [
                _VERSION,
                self.network,
                self.person,
                self.device,
                self.name,
                list(self.addresses[:MAX_LINK_ADDRESSES]),
                self.secret,
            ]
        )
        return write_link(SCHEME, body)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The invite behind `text`, which a person may have pasted with blanks and line breaks.

        Raises:
            UsageError: it is no invite link, or letters are missing or wrong.
        """
        body = read_link(SCHEME, text)
        try:
            return cls._decode(body)
        except DecodeError as error:
            raise damaged() from error

    @classmethod
    def _decode(cls, body: bytes) -> Self:
        version, network, person, device, name, addresses, secret = fields.array(decode(body), 7)
        if fields.integer(version) != _VERSION:
            raise DecodeError("unknown link version")
        return cls(
            fields.blob(network, least=TAG_SIZE, most=TAG_SIZE),
            fields.identifier(person, PersonId),
            fields.identifier(device, DeviceId),
            clean_name(fields.text(name, least=1, most=MAX_NAME)),
            tuple(
                fields.text(address, least=1, most=MAX_ADDRESS)
                for address in fields.items(addresses, most=MAX_LINK_ADDRESSES)
            ),
            fields.blob(secret, least=SECRET_SIZE, most=SECRET_SIZE),
        )
