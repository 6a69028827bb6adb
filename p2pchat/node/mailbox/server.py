"""Serves mailbox/1: keeps parcels for the owners of boxes. Docs: docs/protocol/mailbox.md.

The device at the other end of a stream counts for nothing here: a pass allows to deposit, the box's key to
collect, whoever shows it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from hmac import compare_digest as is_equal
from itertools import groupby
from typing import Any, Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import tags, work
from p2pchat.core.mailbox.frames import MAX_TAGS, Reason, Refused
from p2pchat.core.mailbox.limits import MailboxLimits
from p2pchat.errors import ProtocolError, StoreError
from p2pchat.net.network import Stream
from p2pchat.node.mailbox.intake import Friends, Intake, has_worked
from p2pchat.node.mailbox.slots import ANSWER_SIZE, Slots
from p2pchat.node.mailbox.state import MailboxState
from p2pchat.node.storage import Commits
from p2pchat.store.holding import boxes, parcels
from p2pchat.store.transaction import Transaction

logger = logging.getLogger(__name__)

SWEEP_S: Final = 60.0
SWEEP_LIMIT: Final = 1000  # parcels or boxes dropped in one transaction: others want their turn
WAIT_S: Final = 60.0  # that a fetch waits for a first parcel
IDLE_S: Final = 900.0  # after which a silent stream is ended
ABANDONED_DAYS: Final = 60  # without a visit, after which a box goes


class MailboxServer:
    """One mailbox, that of `device`.

    `range_of` gives the address range that a device calls from. Every `look_s` seconds a waiting owner's
    box is looked at for what other nodes took. `friends` may leave and collect without further ado.
    `on_held` is told of each box that something came into, `on_news` of devices that say that they hold
    something for this one.
    """

    def __init__(
        self,
        store: Commits,
        device: DeviceId,
        limits: MailboxLimits,
        *,
        now_ms: Callable[[], int],
        entropy: Callable[[int], bytes],
        range_of: Callable[[DeviceId], str],
        look_s: float = WAIT_S,
        friends: Friends | None = None,
        on_held: Callable[[bytes], None] = lambda box: None,
        on_news: Callable[[DeviceId], None] = lambda device: None,
    ) -> None:
        self.state = MailboxState(limits)
        self._store = store
        self._device = device
        self._now_ms = now_ms
        self._entropy = entropy
        self._range_of = range_of
        self._look_s = look_s
        self._friends = friends
        self._on_news = on_news
        self._slots = Slots()
        self._intake = Intake(self.state, store, device, now_ms, friends, on_held)

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Drop what is over until cancelled; started once it is known how much is held."""
        await self._look()
        task_status.started()
        while True:
            await trio.sleep(SWEEP_S)
            try:
                await self.sweep()
            except StoreError as error:
                logger.error("The mailbox was not swept: %s", error)

    async def sweep(self) -> None:
        """Drop parcels, tags and boxes that are over."""
        now = self._now_ms()
        while dropped := await self._store.run(
            lambda tx: parcels.expire(tx, now // tags.HOUR_MS, limit=SWEEP_LIMIT)
        ):
            self.state.counters["expired"] += dropped
        old = await self._store.read(
            lambda tx: boxes.abandoned(tx, now - ABANDONED_DAYS * tags.DAY_MS, limit=SWEEP_LIMIT)
        )
        for box in old:
            await self._store.run(lambda tx, one=box: boxes.remove(tx, one))  # type: ignore[misc]
        await self._store.run(lambda tx: boxes.forget_tags(tx, tags.day_of(now) - 1))
        await self._look()

    async def _look(self) -> None:
        self.state.sums = await self._store.read(boxes.sums)
        self.state.used = self.state.sums.size

    async def serve(self, stream: Stream) -> None:
        """Answer one stream."""
        challenge = self._entropy(f.CHALLENGE_SIZE)
        visitor: bytes | None = None
        neighbourhood = self._range_of(stream.peer)
        while True:
            with trio.move_on_after(IDLE_S):
                received = await stream.receive()
                for kind, group in groupby(map(f.decode_question, received), type):
                    if kind is f.Deposit:
                        deposits = [one for one in group if isinstance(one, f.Deposit)]
                        answers: Sequence[f.Answer] = await self._intake.deposit(
                            stream.peer, neighbourhood, deposits
                        )
                        await stream.send(map(f.encode_frame, answers))
                        continue
                    for question in group:
                        if isinstance(question, f.Visit):
                            answers = [await self._visit(neighbourhood, question, challenge)]
                            visitor = question.box if isinstance(answers[0], f.Box) else visitor
                        elif isinstance(question, f.News):
                            self._on_news(stream.peer)
                            continue
                        elif isinstance(question, f.Fetch) and visitor is not None:
                            await self._fetch(stream, neighbourhood, visitor, question)
                            continue
                        else:
                            answers = await self._answer(question, visitor, challenge, neighbourhood)
                        await stream.send(map(f.encode_frame, answers))
                if received:
                    continue
            return

    # --- the owner ---------------------------------------------------------------------------------

    async def _visit(self, neighbourhood: str, visit: f.Visit, challenge: bytes) -> f.Box | Refused:
        if not self.state.may("visit", neighbourhood, self.state.limits.visits_per_second):
            return self.state.refused(Reason.BUSY, 60)
        try:
            visit.check(challenge, self._device)
        except ProtocolError:
            return self.state.refused(Reason.STRANGER, 3600)
        known = await self._store.read(lambda tx: boxes.get(tx, visit.box))
        if known is None and (reason := await self._why_closed(visit)):
            return self.state.refused(reason, 3600)
        now = self._now_ms()

        def come_in(tx: Transaction) -> tuple[boxes.StoredBox | None, bytes | None]:
            boxes.visit(tx, visit.box, now)
            return boxes.get(tx, visit.box), boxes.fingerprint(tx, visit.box, self._device)

        box, fingerprint = await self._store.run(come_in)
        assert box is not None
        if known is None:
            self.state.sums = boxes.Sums(
                self.state.sums.boxes + 1, self.state.sums.parcels, self.state.sums.size
            )
            self.state.counters["opened"] += 1
        limits = self.state.limits
        return f.Box(
            fingerprint,
            box.parcels,
            box.size,
            box.stranger_parcels,
            box.stranger_size,
            limits.box_parcels,
            limits.box_size,
            limits.stranger_parcels,
            limits.stranger_size,
        )

    async def _why_closed(self, visit: f.Visit) -> Reason | None:
        if not self.state.limits.size:
            return Reason.CLOSED
        if self._friends is not None and await self._friends.has_box(visit.box):
            return None
        if self.state.sums.boxes >= self.state.limits.boxes:
            return Reason.CLOSED
        if self.state.limits.token:
            return None if is_equal(visit.token.encode(), self.state.limits.token.encode()) else Reason.CLOSED
        today = tags.day_of(self._now_ms())
        worked = has_worked(
            visit.stamp,
            lambda day: work.subject("box", self._device, visit.box, day),
            self.state.limits.box_bits,
            today,
        )
        return None if worked else Reason.WORK

    async def _answer(
        self, question: f.Question, visitor: bytes | None, challenge: bytes, neighbourhood: str
    ) -> Sequence[f.Answer]:
        if isinstance(question, f.Hello):
            limits = self.state.limits
            bits = 0 if limits.token else limits.box_bits
            return [f.Terms(challenge, limits.stranger_bits, bits, limits.days)]
        if visitor is None:
            return [self.state.refused(Reason.STRANGER, 3600)]
        if not self.state.may("write", neighbourhood, self.state.limits.deposits_per_second):
            return [self.state.refused(Reason.BUSY, 60)]  # each of these is a commit
        match question:
            case f.Admit(day, admitted):
                if (reason := await self._admit(visitor, day, admitted)) is not None:
                    return [self.state.refused(reason, 3600)]
            case f.Admitted(fingerprint):
                await self._store.run(
                    lambda tx: boxes.set_fingerprint(tx, visitor, self._device, fingerprint)
                )
            case f.Taken(ids):
                freed = await self._store.run(lambda tx: parcels.forget(tx, visitor, ids))
                self.state.used -= freed
                self.state.counters["taken"] += len(ids)
            case f.Leave():
                await self._store.run(lambda tx: boxes.remove(tx, visitor))
                await self._look()
            case _:
                raise AssertionError(question)
        return [f.Done()]

    async def _admit(self, box: bytes, day: int, admitted: tuple[bytes, ...]) -> Reason | None:
        """Note the tags of a day; or why not. They take disk too."""
        today, limits = tags.day_of(self._now_ms()), self.state.limits
        if not today - 2 <= day <= today + tags.AHEAD + 2:
            return Reason.EXPIRES
        known = await self._store.read(lambda tx: boxes.get(tx, box))
        if known is None or known.tags + len(admitted) > limits.box_tags + MAX_TAGS:
            return Reason.BOX_FULL
        if self.state.used + len(admitted) * boxes.TAG_BYTES > limits.size:
            return Reason.FULL
        more = await self._store.run(lambda tx: boxes.admit(tx, box, self._device, day, admitted))
        self.state.used += more * boxes.TAG_BYTES
        return None

    async def _fetch(self, stream: Stream, neighbourhood: str, box: bytes, asked: f.Fetch) -> None:
        until = trio.current_time() + WAIT_S
        size = min(asked.size, ANSWER_SIZE)
        with self.state.bell(box) as bell:  # before the first look, so that nothing comes in between
            while True:
                async with self._slots.place(neighbourhood):
                    found, more = await self._store.read(lambda tx: parcels.oldest(tx, box, size=size))
                    if found or not asked.wait or trio.current_time() >= until:
                        answers: list[f.Answer] = [*map(f.Kept, found), f.End(more)]
                        await stream.send(map(f.encode_frame, answers))
                        return
                with trio.move_on_at(min(until, trio.current_time() + self._look_s)):
                    await bell.wait()
