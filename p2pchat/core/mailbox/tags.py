"""Under what name a contact leaves parcels for a device: another one each day, for each pair and mailbox.

A *pass* is 32 bytes that only the two devices compute. Its hash is the *tag*, which the recipient
registers at the mailbox for some weeks ahead. Showing the pass is the right to deposit: an object
capability (an unguessable name, as in Miller's "Robust Composition", 2006) behind a hash lock (Lamport,
CACM 1981), so that whoever reads the mailbox's disk learns no pass that was not yet used. The mailbox
learns which box is meant, and neither who deposits nor whether two days' tags are of one contact.
"""

from __future__ import annotations

from typing import Final

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.mailbox.sealing import MailboxSecret

TAG_SIZE: Final = 32
DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
AHEAD: Final = 35  # days for which tags are registered: who stays away longer has to be met directly
LASTING_DAYS: Final = 30  # how long a parcel is to be kept
_SHORTER_MS: Final = 2 * DAY_MS  # by a random part of this, so that the end does not tell the beginning


def day_of(now_ms: int) -> int:
    """The day since 1970, UTC."""
    return now_ms // DAY_MS


def pair_secret(mine: MailboxSecret, theirs: bytes) -> bytes:
    """What two devices' mailbox keys have in common; the same on both sides. Raises ProtocolError."""
    return tagged_hash("mailbox pair", mine.shared(theirs), *sorted((mine.public, theirs)))


def deposit_pass(pair: bytes, recipient: DeviceId, mailbox: DeviceId, day: int) -> bytes:
    """The right to deposit for `recipient` at `mailbox` on `day`."""
    return tagged_hash("mailbox pass", pair, recipient, mailbox, day.to_bytes(8, "big"))


def tag_of(shown: bytes) -> bytes:
    """What a mailbox knows a pass by."""
    return tagged_hash("mailbox tag", shown)


def expiry_hour(now_ms: int, chance: float) -> int:
    """Until which hour since 1970 a parcel is to be kept; `chance` is drawn from [0, 1)."""
    return (now_ms + LASTING_DAYS * DAY_MS - int(chance * _SHORTER_MS)) // HOUR_MS
