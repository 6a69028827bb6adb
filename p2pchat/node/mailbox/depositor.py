"""Leaves what waits for devices that are away at the mailboxes on their cards.

A device gets a moment to be reached directly first. What a mailbox confirms is `handed`; what it refuses
is tried again when it said. The envelopes stay in the outbox until the devices themselves confirm them.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import tags
from p2pchat.core.mailbox.sealing import parcel_id
from p2pchat.errors import NetworkError, ProtocolError, StoreError, UsageError
from p2pchat.net.network import Network
from p2pchat.node.endure import one_error
from p2pchat.node.features.app import App
from p2pchat.node.features.mailbox import mailboxes as feature
from p2pchat.node.mailbox.client import MailboxClient, at_mailbox, locate
from p2pchat.node.storage import Storage
from p2pchat.store import mailboxes, outbox
from p2pchat.store.mailboxes import Deposit
from p2pchat.store.transaction import Transaction

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 3.0  # for a device to be reached directly
SHORTEST_S: Final = 0.05  # a pause too short for the clock to move would end never
FRIENDS_PATIENCE_S: Final = 10.0  # before friends are asked: who restarts is back by then
LOOK_S: Final = 30.0  # at least so often everything is looked at
WINDOW: Final = 16  # parcels under way at once
BATCH: Final = 256  # looked up at once
RETRY_MS: Final = (60_000, 600_000)  # after a mailbox was not reached


class Depositor:
    """Carries parcels to mailboxes."""

    def __init__(self, app: App, store: Storage, network: Network, chances: random.Random) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._chances = chances
        self._bell = trio.Event()
        self._away: dict[DeviceId, float] = {}  # since when something waits for a device that is not here

    def wake(self) -> None:
        """Something was queued for a device that is not connected, or one has gone."""
        self._bell.set()

    async def connected(self, device: DeviceId) -> None:
        """A device is reached: if it is a mailbox that was missed, it is asked at once."""
        for holder in await self._store.read(mailboxes.missed):
            if _leads_to(holder, device):
                await self._store.run(lambda tx, one=holder: mailboxes.try_again(tx, one))  # type: ignore[misc]
                self.wake()

    async def run(self) -> None:
        """Leave parcels until cancelled."""
        while True:
            bell = self._bell
            try:
                pause = await self._round()
            except StoreError as error:
                logger.error("Nothing can be left at mailboxes: %s", error)
                pause = LOOK_S
            with trio.move_on_after(pause):
                await bell.wait()
                await trio.sleep(0.05)  # what was queued together goes together
            if self._bell is bell:
                self._bell = trio.Event()

    async def _round(self) -> float:
        """Do what is due; how long nothing will be, in seconds."""
        if await self._store.read(partial(feature.is_to_renew, self._app)):
            await self._store.run(partial(feature.renew, self._app))
        now = trio.current_time()
        waiting = await self._store.read(outbox.devices)
        away = {device for device in waiting if not self._network.is_connected(device)}
        self._away = {device: self._away.get(device, now) for device in away}
        ripe = [device for device, since in self._away.items() if now - since >= PATIENCE_S]
        if ripe:
            await self._plan(ripe)
        while due := await self._due(away):
            await self._carry(due)
        next_looks = [
            since + patience - now
            for since in self._away.values()
            for patience in (PATIENCE_S, FRIENDS_PATIENCE_S)
            if now - since < patience
        ]
        return max(min([LOOK_S, *next_looks]), SHORTEST_S)

    async def _plan(self, devices: list[DeviceId]) -> None:
        here = {peer.peer for peer in self._network.state().peers}
        now = trio.current_time()
        patient = {one for one in devices if now - self._away[one] >= FRIENDS_PATIENCE_S}

        def plan(tx: Transaction) -> None:
            for device in devices:
                feature.plan(self._app, tx, device, here if device in patient else ())

        await self._store.run(plan)

    async def _due(self, away: set[DeviceId]) -> list[Deposit]:
        now = self._app.now_ms()
        return await self._store.read(
            lambda tx: [one for device in away for one in mailboxes.due(tx, device, now, limit=BATCH)]
        )

    async def _carry(self, due: list[Deposit]) -> None:
        by_holder: defaultdict[str, list[Deposit]] = defaultdict(list)
        for deposit in due:
            by_holder[deposit.holder].append(deposit)
        async with trio.open_nursery() as nursery:
            for holder, deposits in by_holder.items():
                nursery.start_soon(self._carry_to, holder, deposits)

    async def _carry_to(self, holder: str, deposits: list[Deposit]) -> None:
        left = list(deposits)
        try:
            with one_error():
                async with at_mailbox(self._network, holder) as mailbox:
                    while left:
                        await self._leave(mailbox, left[:WINDOW])
                        del left[:WINDOW]
        except (NetworkError, ProtocolError, UsageError) as error:
            logger.info("The mailbox …%s is not reached: %s.", holder[-8:], error)
            pause = self._chances.randint(*RETRY_MS)
            await self._note([(deposit, "not reached", pause) for deposit in left])

    async def _leave(self, mailbox: MailboxClient, deposits: list[Deposit]) -> None:
        asked = await self._store.read(
            lambda tx: [
                feature.deposit_address(self._app, tx, one.device, mailbox.device) for one in deposits
            ]
        )
        outcomes: list[tuple[Deposit, str, int]] = []
        sent = [(one, address) for one, address in zip(deposits, asked, strict=True) if address]
        outcomes += [
            (one, "no mailbox key", RETRY_MS[1])
            for one, address in zip(deposits, asked, strict=True)
            if not address
        ]
        answers = await mailbox.deposit(
            [f.Deposit(address[0], one.expires_hour, one.sealed) for one, address in sent]
        )
        for (one, address), answer in zip(sent, answers, strict=True):
            if isinstance(answer, f.Refused) and answer.reason is f.Reason.UNKNOWN:
                answer = await self._leave_as_stranger(mailbox, one, address[1])
            outcomes.append(
                (one, str(answer.reason), 1000 * answer.retry_s)
                if isinstance(answer, f.Refused)
                else (one, "", 0)
            )
        await self._note(outcomes)

    async def _leave_as_stranger(
        self, mailbox: MailboxClient, deposit: Deposit, box: bytes
    ) -> f.Held | f.Refused:
        """The owner has not said yet that we may: a friend of ours takes it all the same, others for work."""
        bare = f.Deposit(box, deposit.expires_hour, deposit.sealed)
        (answer,) = await mailbox.deposit([bare])
        if not isinstance(answer, f.Refused) or answer.reason is not f.Reason.WORK:
            return answer
        day = tags.day_of(self._app.now_ms())
        stamp = await mailbox.work("parcel", box, day, mailbox.terms.bits, parcel_id(deposit.sealed))
        (answer,) = await mailbox.deposit([replace(bare, stamp=stamp)])
        return answer

    async def _note(self, outcomes: list[tuple[Deposit, str, int]]) -> None:
        def note(tx: Transaction) -> None:
            for deposit, reason, pause in outcomes:
                if reason:
                    feature.refused(self._app, tx, deposit, reason, max(pause, RETRY_MS[0]))
                else:
                    feature.held(self._app, tx, deposit)

        await self._store.run(note)


def _leads_to(holder: str, device: DeviceId) -> bool:
    try:
        return locate(holder)[0] == device
    except UsageError:  # a peer id that is none, from somebody's card
        return False
