"""Events as signed HTTP requests from a process of their own, in their order, each until it is taken."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import Final

from p2pchat.api.webhook import PAUSES_S, Webhook
from p2pchat.bots.blocking import Bot
from p2pchat.errors import NetworkError

logger = logging.getLogger(__name__)

_PASSING: Final = {"chat.typing", "chat.draft"}  # not kept, and without a number of their own


def forward(bot: Bot, hook: Webhook, only: Collection[str] = ()) -> None:
    """Send events (of the types `only`, if any are named) until the process is ended.

    One that is not taken is sent again, after growing pauses, before any later one.
    """
    for event in bot.events():
        if event.type in _PASSING or (only and event.type not in only):
            continue
        failures = 0
        while True:
            try:
                hook.send(event)
                break
            except NetworkError as error:
                pause = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
                logger.warning("Event %d waits %g s: %s.", event.seq, pause, error)
                time.sleep(pause)
                failures += 1
