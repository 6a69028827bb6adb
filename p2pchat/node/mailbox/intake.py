"""How a mailbox takes deposits: cheap refusals first, then one commit for many.

Rate and expiry need no disk, tag and quota a look-up, a stranger's stamp one hash. What is left is
written; nothing is answered "held" before it is on the disk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from p2pchat.core.ids import DeviceId
from p2pchat.core.mailbox import tags, work
from p2pchat.core.mailbox.frames import Deposit, Held, Reason, Refused
from p2pchat.core.mailbox.limits import Load
from p2pchat.core.mailbox.sealing import parcel_id
from p2pchat.errors import StoreError
from p2pchat.node.mailbox.state import MailboxState
from p2pchat.node.storage import Commits
from p2pchat.store.holding import boxes, parcels
from p2pchat.store.holding.parcels import Place
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

_ROOM_S = 1800  # after which a full mailbox may have room again
_UNKNOWN_S = 600  # until who found no box may ask again: its owner may be about to open it


class Friends(Protocol):
    """People whom a mailbox knows: they need no pass, and do no work."""

    async def may_leave(self, peer: DeviceId, boxes: set[bytes]) -> tuple[set[bytes], bytes | None]:
        """Those of `boxes` in which `peer` may leave something, and whose quota it counts for, if known."""
        ...

    async def has_box(self, box: bytes) -> bool:
        """Whether a box is a friend's."""
        ...


@dataclass(frozen=True, slots=True)
class _Depositor:
    """What friends say of who deposits."""

    boxes: set[bytes]  # where he may
    name: bytes | None


@dataclass(frozen=True, slots=True)
class _Found:
    """What the database says about a deposit."""

    place: Place | None
    is_held: bool
    is_friend: bool  # he needs no stamp
    account: bytes | None  # whose quota it counts against; None where there is none
    left: Load | None  # what lies here on that account


class Intake:
    """Takes deposits for one mailbox, that of `device`."""

    def __init__(
        self,
        state: MailboxState,
        store: Commits,
        device: DeviceId,
        now_ms: Callable[[], int],
        friends: Friends | None,
        on_held: Callable[[bytes], None],
    ) -> None:
        self._friends = friends
        self._on_held = on_held
        self._state = state
        self._store = store
        self._device = device
        self._now_ms = now_ms

    async def deposit(
        self, peer: DeviceId, neighbourhood: str, deposits: Sequence[Deposit]
    ) -> list[Held | Refused]:
        """What becomes of deposits that came together from one device, in their order."""
        answers = [self._glance(neighbourhood, one) for one in deposits]
        left = [i for i, answer in enumerate(answers) if answer is None]
        try:
            if left:
                depositor = await self._depositor(peer, {deposits[i].address for i in left})
                await self._look(left, deposits, answers, depositor)
        except StoreError as error:
            logger.error("Nothing can be held: %s", error)
        outcome = [answer or Refused(Reason.FULL, _ROOM_S) for answer in answers]
        for answer in outcome:
            self._state.count(answer)
        return outcome

    def _glance(self, neighbourhood: str, deposit: Deposit) -> Held | Refused | None:
        """Why a deposit is refused, as far as that needs no disk."""
        limits = self._state.limits
        if not self._state.may("deposit", neighbourhood, limits.deposits_per_second):
            return Refused(Reason.BUSY, 60)
        hour = self._now_ms() // tags.HOUR_MS
        if not hour < deposit.hour <= hour + 24 * limits.days:
            return Refused(Reason.EXPIRES, 86_400)
        return None

    async def _depositor(self, peer: DeviceId, boxes: set[bytes]) -> _Depositor | None:
        return _Depositor(*await self._friends.may_leave(peer, boxes)) if self._friends else None

    async def _look(
        self,
        left: list[int],
        deposits: Sequence[Deposit],
        answers: list[Held | Refused | None],
        depositor: _Depositor | None,
    ) -> None:
        found = await self._store.read(lambda tx: [self._find(tx, deposits[i], depositor) for i in left])
        chosen: list[tuple[int, Place]] = []
        for i, one in zip(left, found, strict=True):
            answers[i] = self._judge(deposits[i], one, used=self._state.used)
            if one.place is not None and answers[i] is None:
                chosen.append((i, one.place))
                self._state.used += len(deposits[i].parcel)  # before it is written: others look meanwhile
        if not chosen:
            return
        written: set[int] = set()
        try:
            kept = await self._store.run(
                lambda tx: self._keep(tx, [i for i, _ in chosen], deposits, depositor)
            )
            for i, answer, is_new in kept:
                answers[i] = answer
                if is_new:
                    written.add(i)
        finally:
            self._state.used -= sum(len(deposits[i].parcel) for i, _ in chosen if i not in written)
        for _, place in chosen:
            self._state.ring(place.box)
            self._on_held(place.box)

    def _keep(
        self, tx: Transaction, chosen: list[int], deposits: Sequence[Deposit], depositor: _Depositor | None
    ) -> list[tuple[int, Held | Refused, bool]]:
        """Write what still fits; each answer, and whether it was written just now."""
        kept: list[tuple[int, Held | Refused, bool]] = []
        for i in chosen:
            found = self._find(tx, deposits[i], depositor)  # others have come in between
            answer = self._judge(deposits[i], found, used=0)
            if answer is not None:
                kept.append((i, answer, False))
                continue
            assert found.place is not None
            id = parcel_id(deposits[i].parcel)
            boxes.make(tx, found.place.box, self._now_ms())
            is_new = parcels.put(tx, found.place, id, deposits[i].parcel, deposits[i].hour, found.account)
            kept.append((i, Held(id), is_new))
        return kept

    def _find(self, tx: Reader, deposit: Deposit, depositor: _Depositor | None) -> _Found:
        """Where a deposit belongs, and what is there already."""
        today = tags.day_of(self._now_ms())
        tag = tags.tag_of(deposit.address)
        is_friend = depositor is not None and deposit.address in depositor.boxes
        place = parcels.place(tx, tag, (today - 1, today + 1)) or parcels.strangers_place(tx, deposit.address)
        if place is None and is_friend:
            place = Place(deposit.address, True, Load(0, 0))
        is_held = place is not None and parcels.holds(tx, place.box, parcel_id(deposit.parcel))
        if depositor is None:
            return _Found(place, is_held, is_friend, None, None)
        account = depositor.name or tag  # whoever shows a pass and is no friend counts for that day's pass
        return _Found(place, is_held, is_friend, account, parcels.left_by(tx, account))

    def _judge(self, deposit: Deposit, found: _Found, *, used: int) -> Held | Refused | None:
        """Whether a deposit needs no writing; None if it is to be written."""
        place = found.place
        if place is None:
            return Refused(Reason.UNKNOWN, _UNKNOWN_S)
        if found.is_held:
            return Held(parcel_id(deposit.parcel))
        if place.stranger and not found.is_friend and not self._has_worked(deposit):
            return Refused(Reason.WORK, 0)
        return self._state.limits.refusal(
            stranger=place.stranger,
            pool=place.pool,
            depositor=found.left,
            more=len(deposit.parcel),
            used=used,
        )

    def _has_worked(self, deposit: Deposit) -> bool:
        id = parcel_id(deposit.parcel)
        return has_worked(
            deposit.stamp,
            lambda day: work.subject("parcel", self._device, deposit.address, day, id),
            self._state.limits.stranger_bits,
            tags.day_of(self._now_ms()),
        )


def has_worked(stamp: bytes | None, subject: Callable[[int], bytes], bits: int, today: int) -> bool:
    """Whether a stamp is good for `subject` of today, or of the day before or after."""
    return stamp is not None and any(
        work.is_stamp(stamp, subject(day), bits) for day in (today - 1, today, today + 1)
    )
