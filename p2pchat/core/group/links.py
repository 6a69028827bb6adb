"""Proving to hold the secret of an invite link, so that any online member can let one in.

The link's secret is the seed of an Ed25519 key whose public half the group has published (`Link`).
The newcomer signs with that key and with his device's own: the first shows that he was invited, the
second that it is he who wants to join. Neither can be used for another group, link, person or device.
"""

from __future__ import annotations

from typing import Final

from p2pchat.core.codec import encode
from p2pchat.core.group.operations import Admit
from p2pchat.core.ids import DeviceId, EntryId, PersonId
from p2pchat.core.keys import SigningKey, verify

_LINK: Final = "group invite link"
_DEVICE: Final = "group invite device"


def prove(secret: SigningKey, device_key: SigningKey, link: EntryId, person: PersonId) -> tuple[bytes, bytes]:
    """What the newcomer `person` sends to a member: `link_signature` and `device_signature` of `Admit`."""
    claim = _claim(link, person, DeviceId(device_key.public))
    return secret.sign(_LINK, claim), device_key.sign(_DEVICE, claim)


def check_proof(admit: Admit, link_key: bytes) -> None:
    """Return if the newcomer in `admit` holds the secret of the link whose public key is `link_key`.

    Raises:
        ProtocolError: a signature is not his or not the link's.
    """
    claim = _claim(admit.link, admit.person, admit.device)
    verify(link_key, _LINK, claim, admit.link_signature)
    verify(admit.device, _DEVICE, claim, admit.device_signature)


def _claim(link: EntryId, person: PersonId, device: DeviceId) -> bytes:
    return encode([link, person, device])
