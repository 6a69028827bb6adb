"""Keeping one task's trouble from ending the node.

A full or failing disk is the world's fault and may pass; a bug met while talking to one peer must not
cost the others their node. Both are logged, and the task goes on or ends alone.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import trio

from p2pchat.errors import StoreError

logger = logging.getLogger(__name__)

RETRY_S = 5.0


@contextmanager
def one_error() -> Iterator[None]:
    """Raise the first error of a nursery inside instead of a group of them, so that it can be caught."""
    try:
        yield
    except ExceptionGroup as group:
        error: Exception = group
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        raise error from group


async def every(seconds: float, what: str, act: Callable[[], Awaitable[None]]) -> None:
    """Call `act` every so many seconds until cancelled; a failing disk is logged and tried again."""
    while True:
        await attempt(what, act)
        await trio.sleep(seconds)


async def attempt(what: str, act: Callable[[], Awaitable[None]]) -> None:
    """Call `act`; if the disk fails, say so and give it a moment."""
    try:
        await act()
    except StoreError as error:
        logger.error("%s: %s", what, error)
        await trio.sleep(RETRY_S)


async def alone(what: str, act: Callable[[], Awaitable[None]]) -> None:
    """Call `act`; whatever it raises ends it alone. Cancellation passes."""
    try:
        await act()
    except StoreError as error:
        logger.error("%s: %s", what, error)
    except Exception:
        logger.exception("A bug ended this alone: %s.", what)
