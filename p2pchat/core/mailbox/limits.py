"""What a mailbox gives away, and whether a deposit fits in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2pchat.core.mailbox.frames import Reason, Refused

_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Load:
    """How much lies somewhere."""

    parcels: int
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class MailboxLimits:
    """Sizes are bytes."""

    size: int = 1024 * 1024 * 1024  # of all boxes together; 0: nothing is taken
    boxes: int = 10_000
    box_parcels: int = 4096
    box_size: int = 32 * 1024 * 1024
    box_tags: int = 20_000  # 500 contacts for 40 days
    stranger_parcels: int = 64  # of a box, beside what contacts may leave there
    stranger_size: int = 1024 * 1024
    depositor_parcels: int = 0  # of one depositor whom the mailbox knows, in all boxes; 0: as many as fit
    depositor_size: int = 0
    days: int = 31  # that a parcel is kept at most
    stranger_bits: int = 18  # of work for a stranger's parcel: a third of a second
    box_bits: int = 20  # of work for a new box
    token: str = ""  # what opens a new box; "": work alone does
    deposits_per_second: int = 100  # from one address range
    visits_per_second: int = 10  # from one address range

    def refusal(
        self, *, stranger: bool, pool: Load, depositor: Load | None, more: int, used: int
    ) -> Refused | None:
        """Why a parcel of `more` bytes does not fit; None if it does.

        `pool` is what lies in the box already, of contacts or of strangers; `depositor` what he has left
        anywhere here, if he is known; `used` the bytes of the whole mailbox.
        """
        if not self.size:
            return Refused(Reason.CLOSED, _DAY_S)
        most = (self.stranger_parcels, self.stranger_size) if stranger else (self.box_parcels, self.box_size)
        if pool.parcels >= most[0] or pool.size + more > most[1]:
            return Refused(Reason.BOX_FULL, 3600)
        if depositor is not None and (
            depositor.parcels >= self.depositor_parcels or depositor.size + more > self.depositor_size
        ):
            return Refused(Reason.QUOTA, 3600)
        if used + more > self.size:
            return Refused(Reason.FULL, 1800)
        return None
