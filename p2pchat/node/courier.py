"""The courier: carries envelopes to devices over direct/1, and takes theirs.

One task serves each connected device. It sends what is stored, oldest first, at most `WINDOW`
envelopes ahead of the acknowledgements, and sleeps until something new is queued. Once it has nothing
left to send, what is queued next is sealed for it in the very transaction that queues it. Whatever
breaks, the next connection starts again from the store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Final

import trio

from p2pchat.core.direct.frames import (
    Ack,
    EnvelopeId,
    Hello,
    Nak,
    NakReason,
    Ping,
    Pong,
    Sealed,
    decode_frame,
    encode_frame,
)
from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError, StoreError
from p2pchat.net import protocols
from p2pchat.net.bucket import PeerBuckets
from p2pchat.net.network import Network, Stream
from p2pchat.node import effects
from p2pchat.node.endure import one_error
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import envelopes
from p2pchat.node.storage import Storage
from p2pchat.store.transaction import Transaction

logger = logging.getLogger(__name__)

WINDOW: Final = 16  # envelopes under way to one device; hides a round trip and a commit
ACK_S: Final = 30.0  # a device that commits nothing for so long is asked anew over a fresh stream
HELLO_S: Final = 15.0
MAX_NAKS: Final = 4 * WINDOW  # in a row on one stream: opening in vain costs us more than sending costs him
MAX_RESEALS: Final = 3  # in one trip; each costs a session
HELLOS: Final = (0.2, 5)  # of one device per second, and at once: a bundle costs us a new prekey
RETRY_S: Final = (0.1, 2.0)  # first and longest pause after a stream broke while the connection stays


class Couriers:
    """Carries the outbox to every connected device, and serves direct/1 and hello/1."""

    def __init__(self, app: App, store: Storage, network: Network) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._bells: dict[DeviceId, trio.Event] = {}
        self._breaks: dict[DeviceId, trio.Event] = {}  # each ends the pause that its courier makes
        self._trips: dict[DeviceId, _Trip] = {}
        self._hellos = PeerBuckets(*HELLOS)
        network.serve(protocols.DIRECT, self._serve_direct, frame_limit=protocols.DIRECT_FRAME_LIMIT)
        network.serve(protocols.HELLO, self._serve_hello, frame_limit=protocols.HELLO_FRAME_LIMIT)

    def wake(self, device: DeviceId, *, again: bool = False) -> None:
        """Something was queued for `device`, or is tried `again` though refused; no-op if it is away."""
        if device in self._trips:
            self._trips[device].is_idle = False
        bell = self._bells.get(device)
        if bell is not None:
            bell.set()
        if again and device in self._breaks:
            self._breaks[device].set()

    def seal_along(self, tx: Transaction, devices: Iterable[DeviceId]) -> None:
        """Seal what waits for those of `devices` whose couriers have nothing else to send.

        Called in the store's thread, at the end of the transaction that queued it: that saves the courier
        a commit of its own. docs/decisions/0010-seal-along.md
        """
        for device in devices:
            trip = self._trips.get(device)
            if trip is not None:
                trip.seal(tx)

    def hand(self, device: DeviceId, sealed: Sequence[tuple[EnvelopeId, bytes]]) -> None:
        """These stored envelopes are to be sent; if the stream has broken meanwhile, the next one does it."""
        if device in self._trips:
            self._trips[device].hand(sealed)
            self._bells[device].set()

    def lost(self, device: DeviceId) -> None:
        """The connection with `device` is gone: its courier ends, or goes on over one that was made since."""
        if device in self._breaks:
            self._breaks[device].set()
        self.wake(device)

    async def accompany(self, device: DeviceId) -> None:
        """Carry to `device` for as long as it stays connected."""
        if device in self._bells:
            return
        self._bells[device], self._breaks[device] = trio.Event(), trio.Event()
        pause = RETRY_S[0]
        try:
            while self._network.is_connected(device):
                began = trio.current_time()
                try:
                    await self._wait_for_work(device)
                    trip = _Trip(self._app, self._store, self._network, device, self._bells)
                    self._trips[device] = trip
                    await trip.run()
                    if trip.refused:
                        await self._rest(device, envelopes.REFUSED_PAUSE_MS / 1000)
                except StoreError as error:
                    logger.error("Nothing can be sent to %s: %s", device.short, error)
                except (NetworkError, trio.TooSlowError) as error:
                    level = logging.INFO if self._network.is_connected(device) else logging.DEBUG
                    logger.log(level, "The way to %s broke: %s.", device.short, error or "no answer in time")
                except ProtocolError as error:
                    logger.warning("Dropped %s: %s.", device.short, error)
                    await self._network.disconnect(device)
                finally:
                    self._trips.pop(device, None)
                if trio.current_time() - began > RETRY_S[1]:
                    pause = RETRY_S[0]
                await self._rest(device, pause)
                pause = min(2 * pause, RETRY_S[1])
        finally:
            del self._bells[device], self._breaks[device]

    async def _rest(self, device: DeviceId, seconds: float) -> None:
        """Leave a device alone for a while; its loss, or who wants something tried at once, ends that."""
        with trio.move_on_after(seconds):
            await self._breaks[device].wait()
        self._breaks[device] = trio.Event()

    async def _wait_for_work(self, device: DeviceId) -> None:
        while not await self._store.read(lambda tx: envelopes.has_work(tx, device)):
            await self._bells[device].wait()
            self._bells[device] = trio.Event()
            if not self._network.is_connected(device):
                raise NetworkError("it is not connected any more")

    async def _serve_direct(self, stream: Stream) -> None:
        """Take the envelopes of one device: commit all that have arrived together, then answer."""
        in_vain = 0
        while frames := await stream.receive():
            try:
                answers = await self._take([decode_frame(frame) for frame in frames], stream.peer)
                in_vain = 0 if any(isinstance(one, Ack) for one in answers) else in_vain + len(answers)
                if in_vain > MAX_NAKS:
                    raise ProtocolError("too many envelopes that cannot be taken")
            except ProtocolError as error:
                logger.warning("Dropped %s: %s.", stream.peer.short, error)
                await self._network.disconnect(stream.peer)
                return
            if answers:
                await stream.send(map(encode_frame, answers))

    async def _take(self, frames: Iterable[object], sender: DeviceId) -> list[Ack | Nak | Pong]:
        sealed = [frame.sealed for frame in frames if isinstance(frame, Sealed)]
        answers: list[Ack | Nak | Pong] = [Pong() for frame in frames if isinstance(frame, Ping)]
        if sealed:
            results = await self._store.run(
                lambda tx: [envelopes.receive(self._app, tx, sender, one) for one in sealed]
            )
            taken = tuple(id for result in results if isinstance(result, Ack) for id in result.ids)
            answers += [Ack(taken)] if taken else []
            answers += [result for result in results if isinstance(result, Nak)]
        return answers

    async def _serve_hello(self, stream: Stream) -> None:
        with trio.fail_after(HELLO_S):
            frames = await stream.receive()
            if len(frames) != 1:
                raise ProtocolError("one question is expected")
            question = Hello.decode_question(frames[0])
            if not self._hellos.take(stream.peer, trio.current_time()):
                raise ProtocolError("too many hellos")
            answer = await self._store.run(
                lambda tx: envelopes.answer_hello(self._app, tx, stream.peer, question)
            )
            await stream.send([answer.encode_answer()])
        self.wake(stream.peer)


class _Trip:
    """One direct/1 stream to one device, from opening to breaking."""

    def __init__(
        self,
        app: App,
        store: Storage,
        network: Network,
        device: DeviceId,
        bells: dict[DeviceId, trio.Event],
    ) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._device = device
        self._bells = bells
        self._in_flight: set[EnvelopeId] = set()
        self._handed: list[tuple[EnvelopeId, bytes]] = []  # in flight, but not yet sent
        self.is_idle = False  # all that waits was sent, and there is room for more
        self._heard = trio.current_time()
        self.refused = False
        self._reseals = 0

    def seal(self, tx: Transaction) -> None:
        """Seal what waits, if nothing else has to be sent before; runs in the store's thread."""
        room = WINDOW - len(self._in_flight)
        if self.is_idle and room > 0:
            sealed = envelopes.seal_all(self._app, tx, self._device, most=room)
            self.is_idle = len(sealed) < room
            if sealed:
                tx.effects.append(effects.Sealed(self._device, tuple(sealed)))

    def hand(self, sealed: Sequence[tuple[EnvelopeId, bytes]]) -> None:
        """Send these next."""
        self._handed += sealed
        self._in_flight.update(id for id, _ in sealed)

    async def run(self) -> None:
        stream = await self._network.open_stream(
            self._device, protocols.DIRECT, frame_limit=protocols.DIRECT_FRAME_LIMIT
        )
        try:
            with one_error():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._listen, stream, nursery.cancel_scope)
                    await self._carry(stream)
                    nursery.cancel_scope.cancel()
        finally:
            await stream.close()

    async def _carry(self, stream: Stream) -> None:
        while not self.refused:
            bell = self._bells[self._device]
            if not self._handed and not self.is_idle and len(self._in_flight) < WINDOW:
                work = await self._store.run(self._next)
                if work.needs_bundle:
                    await self._hello(wants_bundle=True)
                    continue
                self.hand(work.envelopes)
                self.is_idle = not work.envelopes and not bell.is_set()
            if self._handed:
                if len(self._handed) == len(self._in_flight):
                    self._heard = trio.current_time()
                sealed, self._handed = self._handed, []
                await stream.send([encode_frame(Sealed(one)) for _, one in sealed])
                continue
            with trio.move_on_at(self._heard + ACK_S if self._in_flight else float("inf")) as waiting:
                await bell.wait()
            if waiting.cancelled_caught and self._in_flight and trio.current_time() >= self._heard + ACK_S:
                raise trio.TooSlowError
            if self._bells[self._device] is bell:
                self._bells[self._device] = trio.Event()

    def _next(self, tx: Transaction) -> envelopes.Work:
        room = WINDOW - len(self._in_flight)
        return envelopes.work(self._app, tx, self._device, frozenset(self._in_flight), most=room)

    async def _listen(self, stream: Stream, scope: trio.CancelScope) -> None:
        while frames := await stream.receive():
            for frame in map(decode_frame, frames):
                match frame:
                    case Ack(ids):
                        await self._acknowledged(ids)
                    case Nak(id, reason):
                        await self._refuse(id, reason)
                    case Pong():
                        pass
                    case _:
                        raise ProtocolError("an answer was expected")
        scope.cancel()

    async def _acknowledged(self, ids: tuple[EnvelopeId, ...]) -> None:
        self._heard = trio.current_time()
        await self._store.run(lambda tx: envelopes.acknowledged(self._app, tx, self._device, ids))
        was_full = len(self._in_flight) >= WINDOW
        self._in_flight.difference_update(ids)
        if was_full:  # else nothing waits for room, and what is queued rings by itself
            self._bells[self._device].set()

    async def _refuse(self, id: EnvelopeId, reason: NakReason) -> None:
        self._heard = trio.current_time()
        self.is_idle = False
        self._in_flight.discard(id)
        logger.info("%s did not take an envelope: %s.", self._device.short, reason)
        match reason:
            case NakReason.UNKNOWN_DEVICE:
                await self._hello(wants_bundle=False)
            case NakReason.UNDECRYPTABLE:
                if await self._store.run(lambda tx: envelopes.undecryptable(self._app, tx, self._device, id)):
                    self._reseals += 1
                    if self._reseals > MAX_RESEALS:
                        raise NetworkError("it opens nothing, however fresh the session")
                    self._in_flight.clear()
                    self._handed.clear()
                    await self._hello(wants_bundle=True)
            case NakReason.REFUSED:
                await self._store.run(lambda tx: envelopes.refused(self._app, tx, self._device, id))
                self.refused = True
        self.is_idle = False  # it may have looked for work while this went on
        self._bells[self._device].set()

    async def _hello(self, *, wants_bundle: bool) -> None:
        with trio.fail_after(HELLO_S):
            stream = await self._network.open_stream(
                self._device, protocols.HELLO, frame_limit=protocols.HELLO_FRAME_LIMIT
            )
            try:
                question = envelopes.ask_hello(self._app, wants_bundle=wants_bundle)
                await stream.send([question.encode_question()])
                frames = await stream.receive()
            finally:
                await stream.close()
        if len(frames) != 1:
            raise NetworkError("the device did not answer the hello")
        answer = Hello.decode_answer(frames[0])
        await self._store.run(lambda tx: envelopes.take_hello(self._app, tx, self._device, answer))
