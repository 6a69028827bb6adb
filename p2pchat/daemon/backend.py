"""The running node as what answers the local API."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from itertools import groupby
from typing import Any, Final

import trio

from p2pchat.api import file_views, views
from p2pchat.api import schema as s
from p2pchat.api.backend import Call, Outcome
from p2pchat.api.http.access import Access
from p2pchat.api.http.service import HttpService
from p2pchat.api.methods import WHOLE
from p2pchat.api.stored import StoredMethods
from p2pchat.config import NetworkFile
from p2pchat.core.files.chunks import count_of
from p2pchat.daemon.hooks import Hooks
from p2pchat.daemon.lookout import Lookout
from p2pchat.errors import NotAllowedError, P2PChatError
from p2pchat.net.relay.limits import RelayLimits
from p2pchat.node.effects import Passing
from p2pchat.node.features.chat import files
from p2pchat.node.features.people.names import find_person
from p2pchat.node.listeners import News
from p2pchat.node.node import Node
from p2pchat.node.profile import Profile
from p2pchat.store import events, meta, people
from p2pchat.store import files as stored_files

logger = logging.getLogger(__name__)

ANY_PORT: Final = "/ip4/0.0.0.0/tcp/0"
_LISTEN: Final = "listen"  # in the store: where this node listened last
_WILLING: Final = RelayLimits(reservations=32, circuits=16, circuits_per_device=4)  # a person's own line
_WITHOUT: Final = "without"  # in the store: the ways to find others that this node does not use
_WEB: Final = "web"  # in the store: whether HTTP is on, and for whom
PATIENCE_S: Final = 5.0  # for an offline command to end
_PAGE: Final = 500  # stored events read at a time for a listener that was away


class Daemon:
    """The running node as the backend of the local API."""

    def __init__(
        self,
        profile: Profile,
        node: Node,
        network: NetworkFile,
        nursery: trio.Nursery,
        *,
        only_here: bool = False,
    ) -> None:
        """With `only_here`, hooks call no other machine."""
        self._profile = profile
        self._node = node
        self._stored = StoredMethods(profile.app, node.store)
        bootstrap = frozenset(address.rpartition("/p2p/")[2] for address in network.bootstrap)
        lookout = Lookout(node, bootstrap)
        self._scope = nursery.cancel_scope
        self._hooks = Hooks(node, only_here=only_here)
        nursery.start_soon(self._hooks.run)
        kept = profile.database.read(lambda tx: meta.get(tx, _WEB))
        self.http = HttpService(Access(kept, profile.app.now_ms), self, self._keep_web, nursery)
        self._live: dict[str, Callable[[Any], Awaitable[s.Result]]] = {
            "node.stop": self._stop,
            "node.net": lookout.net,
            "node.ping": lookout.ping,
            "node.connect": lookout.connect,
            "node.trace": lookout.trace,
            "node.status": self._status,
            "contact.list": self._contacts,
            "chat.typing": self._typing,
            "web.open": self._web_open,
            "web.token": self._web_token,
            "web.close": self._web_close,
            "mailbox.usage": self._mailboxes,
            "hook.add": partial(self._change_hooks, "hook.add"),
            "hook.remove": partial(self._change_hooks, "hook.remove"),
            "hook.list": self._list_hooks,
        }

    async def call(self, method: str, params: s.Params) -> s.Result:
        """Carry out a method of the table."""
        if method in self._live:
            return await self._live[method](params)
        if method in WHOLE:
            return await trio.to_thread.run_sync(WHOLE[method], self._profile, params)
        return await self._stored.call(method, params)

    async def call_each(self, calls: Sequence[Call]) -> AsyncGenerator[list[Outcome], None]:
        """Carry out methods of the table in their order; those of the store together."""
        for is_stored, group in groupby(calls, key=lambda call: self._is_stored(call[0])):
            if is_stored:
                async with aclosing(self._stored.call_each(list(group))) as answered:
                    async for outcomes in answered:
                        yield outcomes
                continue
            for method, params in group:
                try:
                    outcome: Outcome = await self.call(method, params)
                except Exception as error:
                    outcome = error
                yield [outcome]

    def _is_stored(self, method: str) -> bool:
        return method not in self._live and method not in WHOLE

    async def open_file(self, id: str) -> tuple[s.File, AsyncGenerator[bytes, None]]:
        """See `Backend`."""
        one = await self._node.store.read(lambda tx: files.find(tx, id))
        if one.state != stored_files.HERE:
            raise NotAllowedError(f"{one.about.name} is not here: get it first")
        return file_views.file(self._profile.app, one), self._pieces(one)

    async def _pieces(self, one: stored_files.File) -> AsyncGenerator[bytes, None]:
        for number in range(count_of(one.about.size)):
            opened = self._profile.app.blobs.opened(one.about, number)
            yield await self._node.store.aside(partial(next, opened))

    @asynccontextmanager
    async def subscribe(self, since: int) -> AsyncIterator[AsyncIterator[list[s.Event]]]:
        """Events after the cursor `since`: first those in the store, then new ones, none twice."""
        with self._node.listeners.listen() as live:
            async with aclosing(self._events(since, live)) as told:
                yield told

    async def _events(
        self, since: int, live: trio.MemoryReceiveChannel[News]
    ) -> AsyncGenerator[list[s.Event], None]:
        while page := await self._page(since):
            yield list(map(views.event, page))
            since = page[-1].seq
        async for first in live:
            told = []
            for news in _with_what_waits(first, live):
                if isinstance(news, Passing):  # with the cursor of what was told last, so that it stays true
                    told.append(s.Event(seq=since, at_ms=news.at_ms, type=news.type, data=news.data))
                elif news.seq > since:
                    since = news.seq
                    told.append(views.event(news))
            if told:
                yield told

    async def _page(self, since: int) -> list[events.Event]:
        return await self._node.store.read(lambda tx: events.after(tx, since, limit=_PAGE))

    async def _stop(self, params: s.Nothing) -> s.Done:
        trio.lowlevel.spawn_system_task(self._cancel_soon)
        return s.Done()

    async def _cancel_soon(self) -> None:
        await trio.sleep(0.05)  # let the answer out first
        self._scope.cancel()

    async def _status(self, params: s.Nothing) -> s.Result:
        status = await self._stored.call("node.status", params)
        assert isinstance(status, s.Status)
        state = self._node.network.state()
        status.running = True
        status.offline = state.reachability == "offline"
        status.listening = list(state.listening)
        status.peers = len(state.peers)
        return status

    async def _contacts(self, params: s.Nothing) -> s.Result:
        listed = await self._stored.call("contact.list", params)
        assert isinstance(listed, s.Contacts)
        here = {peer.peer for peer in self._node.network.state().peers}
        owners = await self._node.store.read(
            lambda tx: {device.person.text for id in here if (device := people.device(tx, id))}
        )
        for contact in listed.contacts:
            contact.connected = contact.person in owners
        return listed

    async def _typing(self, params: s.ChatTyping) -> s.TypingTold:
        person = await self._node.store.read(lambda tx: find_person(tx, params.chat.removeprefix("@")))
        return s.TypingTold(told=await self._node.typing.tell(person.id, typing=params.on))

    async def _keep_web(self, state: bytes) -> None:
        await self._node.store.run(lambda tx: meta.put(tx, _WEB, state))

    async def _web_open(self, params: s.WebOpen) -> s.WebLink:
        return await self.http.open(params.port)

    async def _web_token(self, params: s.Nothing) -> s.WebToken:
        return await self.http.token()

    async def _web_close(self, params: s.Nothing) -> s.Done:
        await self.http.close()
        return s.Done()

    async def _mailboxes(self, params: s.Nothing) -> s.Mailboxes:
        listed = await self._stored.call("mailbox.list", params)
        assert isinstance(listed, s.Mailboxes)
        for mailbox in listed.mailboxes:
            await self._look_into(mailbox)
        return listed

    async def _change_hooks(self, method: str, params: s.Params) -> s.Result:
        result = await self._stored.call(method, params)
        self._hooks.changed()
        return result

    async def _list_hooks(self, params: s.Nothing) -> s.Hooks:
        listed = await self._stored.call("hook.list", params)
        assert isinstance(listed, s.Hooks)
        for hook in listed.hooks:
            hook.trouble = self._hooks.trouble.get(hook.name, "")
        return listed

    async def _look_into(self, mailbox: s.Mailbox) -> None:
        try:
            box = await self._node.collector.look(mailbox.address)
        except P2PChatError as error:
            mailbox.state = str(error)
            return
        mailbox.state = "ready"
        mailbox.messages = box.parcels + box.stranger_parcels
        mailbox.bytes, mailbox.limit_bytes = box.size, box.most_size
        mailbox.stranger_bytes, mailbox.stranger_limit_bytes = box.stranger_size, box.most_stranger_size


def _with_what_waits(first: News, live: trio.MemoryReceiveChannel[News]) -> Iterator[News]:
    """`first` and what stands behind it, at most `_PAGE` in all."""
    yield first
    with suppress(trio.WouldBlock, trio.EndOfChannel):
        for _ in range(_PAGE - 1):
            yield live.receive_nowait()
