"""Calling hooks: each in its own task, its events in their order, each until it is taken."""

from __future__ import annotations

import logging
import os
import subprocess
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec
import trio

from p2pchat.api import schema as s
from p2pchat.api import views
from p2pchat.api.webhook import PAUSES_S, Webhook, is_here, secret_of
from p2pchat.errors import NetworkError, P2PChatError
from p2pchat.node.endure import alone
from p2pchat.node.features import hooks
from p2pchat.node.node import Node
from p2pchat.store import events

logger = logging.getLogger(__name__)

COMMAND_S: Final = 60.0  # a command that takes longer is ended, and run again later
_PAGE: Final = 100  # events read at a time
_CALLS: Final = 4  # web addresses called at the same time


class Hooks:
    """The hooks of a running node."""

    def __init__(self, node: Node, *, only_here: bool) -> None:
        """With `only_here`, web addresses on other machines are not called: the way there may be closed."""
        self._node = node
        self._only_here = only_here
        self._changed = trio.Event()
        self._calls = trio.CapacityLimiter(_CALLS)
        self.trouble: dict[str, str] = {}
        """Why the next event of a hook was not taken the last time."""

    def changed(self) -> None:
        """A hook was added or removed."""
        self._changed.set()

    async def run(self) -> None:
        """Serve all hooks until cancelled."""
        while True:
            self._changed = trio.Event()
            self.trouble.clear()
            async with trio.open_nursery() as nursery:
                for hook in await self._node.store.read(hooks.everyone):
                    nursery.start_soon(alone, f"The hook {hook.name}", partial(self._serve, hook))
                await self._changed.wait()
                nursery.cancel_scope.cancel()

    async def _serve(self, hook: hooks.Hook) -> None:
        cursor = await self._node.store.read(lambda tx: hooks.cursor(tx, hook.name))
        while True:
            with self._node.listeners.listen() as live:  # before looking, so that nothing slips through
                page = await self._node.store.read(partial(events.after, since=cursor, limit=_PAGE))
                if not page:
                    with suppress(trio.EndOfChannel):
                        await live.receive()
                    continue
            for event in page:
                if hook.wants(event):
                    await self._deliver(hook, views.event(event))
                    await self._took(hook, event.seq)
            cursor = page[-1].seq
            await self._took(hook, cursor)

    async def _took(self, hook: hooks.Hook, seq: int) -> None:
        await self._node.store.run(lambda tx: hooks.took(tx, hook.name, seq))

    async def _deliver(self, hook: hooks.Hook, event: s.Event) -> None:
        failures = 0
        while True:
            try:
                await (self._post(hook, event) if hook.url else self._run(hook, event))
            except P2PChatError as error:
                self.trouble[hook.name] = str(error)
                pause = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
                logger.warning("Event %d waits %g s for the hook %s: %s.", event.seq, pause, hook.name, error)
                await trio.sleep(pause)
                failures += 1
            else:
                self.trouble.pop(hook.name, None)
                return

    async def _post(self, hook: hooks.Hook, event: s.Event) -> None:
        secret = await trio.to_thread.run_sync(secret_of, self._node.app.home, hook.name)
        address = Webhook.at(hook.url, secret, self._node.app.device.text)
        if self._only_here and not is_here(str(address.url.hostname)):
            raise NetworkError("it would be called beside the SOCKS5 proxy")
        send = partial(address.send, event)
        # mypy loses the keywords behind trio's decorator.
        await trio.to_thread.run_sync(send, abandon_on_cancel=True, limiter=self._calls)  # type: ignore[call-arg]

    async def _run(self, hook: hooks.Hook, event: s.Event) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "P2PCHAT_PASSPHRASE"}
        environment |= {"P2PCHAT_HOME": str(self._node.app.home.directory), "P2PCHAT_EVENT": event.type}
        try:
            with trio.fail_after(COMMAND_S):
                done = await trio.run_process(
                    list(hook.command),
                    stdin=msgspec.json.encode(event) + b"\n",
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=False,
                    env=environment,
                )
        except OSError as error:
            raise NetworkError(f"its command does not start: {error.strerror}") from error
        except trio.TooSlowError as error:
            raise NetworkError(f"its command took longer than {COMMAND_S:.0f} s") from error
        if done.returncode:
            raise NetworkError(f"its command ended with code {done.returncode}")
