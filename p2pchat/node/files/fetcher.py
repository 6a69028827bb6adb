"""Fetches the files that are wanted: a few at a time, from any connected device that may have them."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import trio

from p2pchat.core.files.attachment import Attachment
from p2pchat.core.files.chunks import CHUNK_SIZE
from p2pchat.core.files.frames import Reason
from p2pchat.core.ids import DeviceId, EntryId, FileId
from p2pchat.errors import NetworkError, ProtocolError, StoreError
from p2pchat.net.network import Network
from p2pchat.node.effects import Passing
from p2pchat.node.endure import alone, attempt
from p2pchat.node.features.app import App, Fetching
from p2pchat.node.features.chat import files as features
from p2pchat.node.files.source import RefusedError, fetch_from
from p2pchat.node.storage import Storage
from p2pchat.store import files
from p2pchat.store.blobs import BrokenError, Part
from p2pchat.store.transaction import Reader

logger = logging.getLogger(__name__)

MAX_FETCHED: Final = 3  # files at a time
BUSY_S: Final = 3.0
AGAIN_S: Final = (15.0, 1800.0)  # first and longest pause before those who had it not are asked again
SHUN_S: Final = 3600.0  # that a device which sent something else is not asked
TELL_S: Final = 0.2
NOBODY: Final = "nobody who has it is connected"


@dataclass(slots=True)
class _Try:
    """When a file is tried again."""

    at: float = float("-inf")
    pause_s: float = AGAIN_S[0]


class Fetcher:
    """Fetches what `app` wants, and discards what it wants no more; `tell` is for the listeners."""

    def __init__(
        self,
        app: App,
        store: Storage,
        network: Network,
        chances: random.Random,
        tell: Callable[[Passing], None],
    ) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._chances = chances
        self._tell = tell
        self._running: dict[FileId, trio.CancelScope] = {}
        self._tries: dict[FileId, _Try] = {}
        self._shunned: dict[DeviceId, float] = {}  # until when
        self._forgotten: list[FileId] = []
        self._changed = trio.Event()

    def look(self) -> None:
        """Something is wanted that was not."""
        self._tries.clear()
        self._wake()

    def connected(self) -> None:
        """Somebody is here who may have what nobody had."""
        if self._tries:
            self.look()

    def forget(self, ids: tuple[FileId, ...]) -> None:
        """Do not fetch these any longer, and discard what is here of them."""
        for id in ids:
            if id in self._running:
                self._running[id].cancel()
        self._forgotten += ids
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def run(self) -> None:
        """Fetch until cancelled."""
        await attempt("Tidying files", self._tidy)
        async with trio.open_nursery() as nursery:
            while True:
                changed = self._changed
                await attempt("Looking for files to fetch", partial(self._begin, nursery))
                with trio.move_on_at(self._next_at()):
                    await changed.wait()

    def _next_at(self) -> float:
        """When to look again, if nothing happens: each end of a fetch wakes too."""
        if len(self._running) >= MAX_FETCHED:
            return float("inf")
        return min(
            (one.at for id, one in self._tries.items() if id not in self._running), default=float("inf")
        )

    async def _tidy(self) -> None:
        if self._app.blobs.folder.exists() or await self._store.read(files.has_any):
            known = await self._store.run(lambda tx: features.tidy(self._app, tx))
            await self._store.aside(partial(self._app.blobs.sweep, known))

    async def _begin(self, nursery: trio.Nursery) -> None:
        forgotten, self._forgotten = self._forgotten, []
        if forgotten:
            for id in forgotten:
                self._app.fetching.pop(id, None)
            await self._store.aside(partial(self._app.blobs.discard, forgotten))
        now = trio.current_time()
        wanted = await self._store.read(files.wanted)
        for id in self._tries.keys() - {one.id for one in wanted}:
            del self._tries[id]
        for one in wanted:
            is_due = one.id not in self._tries or self._tries[one.id].at <= now
            if is_due and one.id not in self._running and len(self._running) < MAX_FETCHED:
                self._running[one.id] = trio.CancelScope()
                nursery.start_soon(alone, "Fetching a file", partial(self._fetch, one.about))

    async def _fetch(self, about: Attachment) -> None:
        trouble, pause_s = "", None
        try:
            with self._running[about.id]:
                trouble, pause_s = await self._try(about)
        except StoreError as error:
            logger.error("A file is not fetched now: %s", error)
            trouble = str(error)
        finally:
            del self._running[about.id]
            self._wake()
        if not trouble:
            self._tries.pop(about.id, None)
            self._app.fetching.pop(about.id, None)
            return
        last = self._tries.get(about.id, _Try())
        pause = last.pause_s if pause_s is None else pause_s
        again = min(2 * last.pause_s, AGAIN_S[1]) if pause_s is None else last.pause_s
        self._tries[about.id] = _Try(trio.current_time() + pause * self._chances.uniform(0.8, 1.2), again)
        came = self._app.fetching[about.id].came if about.id in self._app.fetching else 0
        self._app.fetching[about.id] = Fetching(came, trouble)
        self._tell(self._news(about, None))

    async def _try(self, about: Attachment) -> tuple[str, float | None]:
        """Fetch from whoever is here; what is in the way, or "", and how soon to try again, if known."""

        def look(tx: Reader) -> tuple[list[DeviceId], list[EntryId]]:
            return features.holders(self._app, tx, about.id), files.messages_of(tx, about.id)

        holders, named = await self._store.read(look)
        now = trio.current_time()
        here = [
            one for one in holders if self._network.is_connected(one) and self._shunned.get(one, now) <= now
        ]
        if not here:
            return NOBODY, None
        first, *others = here
        self._chances.shuffle(others)
        part = await self._store.aside(partial(self._app.blobs.part, about))
        try:
            came, is_busy = self._teller(about, part, named), False
            for device in (first, *others):
                try:
                    await fetch_from(self._network, self._store, device, about, part, came)
                    break
                except BrokenError as error:
                    logger.warning("A file cannot be opened by anybody: %s.", error)
                    await self._store.run(lambda tx: features.arrived(self._app, tx, about.id, files.BROKEN))
                    self._app.blobs.discard([about.id])
                    return "", None
                except ProtocolError as error:
                    logger.warning("Dropped %s as a source of files: %s.", device.short, error)
                    self._shunned[device] = trio.current_time() + SHUN_S
                except RefusedError as error:
                    is_busy |= error.reason is Reason.BUSY
                except NetworkError as error:
                    logger.debug("A file does not come from %s: %s.", device.short, error)
            if not part.is_whole:
                return ("those who have it are busy", BUSY_S) if is_busy else (NOBODY, None)
            await self._store.aside(part.finish)
        finally:
            part.close()
        if not await self._store.run(lambda tx: features.arrived(self._app, tx, about.id)):
            await self._store.aside(partial(self._app.blobs.discard, [about.id]))
        return "", None

    def _teller(self, about: Attachment, part: Part, named: list[EntryId]) -> Callable[[], None]:
        """Notes how far a file has come, and tells it now and then."""
        told_at = float("-inf")
        self._app.fetching[about.id] = Fetching(min(about.size, part.came * CHUNK_SIZE))

        def came() -> None:
            nonlocal told_at
            self._app.fetching[about.id] = Fetching(min(about.size, part.came * CHUNK_SIZE))
            if trio.current_time() >= told_at + TELL_S:
                told_at = trio.current_time()
                self._tell(self._news(about, named[-1] if named else None))

        return came

    def _news(self, about: Attachment, message: EntryId | None) -> Passing:
        now = self._app.fetching[about.id]
        data = {"file": about.id.text, "done": now.came, "size": about.size, "trouble": now.trouble}
        if message is not None:
            data["id"] = message.text
        return Passing("file.progress", data, self._app.now_ms())
