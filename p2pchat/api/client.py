"""The other side of the local API: a blocking client on the standard library's sockets.

A command starts, asks one thing and ends, so it needs no event loop; importing one would cost more
time than the whole command may take. `p2pchat.api.aio` is the same for programs that have a loop.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeAlias

import msgspec

from p2pchat.api import endpoint
from p2pchat.api import schema as s
from p2pchat.api.dialogue import ANSWER_S, DEAF, GONE, NOT_RUNNING, READ_SIZE, SILENT, Dialogue, decoded
from p2pchat.api.table import SUBSCRIBE
from p2pchat.errors import NetworkError

__all__ = ["ANSWER_S", "NOT_RUNNING", "Client", "Until"]

Until: TypeAlias = float | Callable[[], float] | None


class Client:
    """A connection to the running node. Not for use by two threads at once."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._dialogue = Dialogue()

    @classmethod
    def connect(cls, path: Path) -> Self:
        """A client of the node that listens at `path`.

        Raises:
            NetworkError: no node runs there.
            StoreError: the socket belongs to another user.
        """
        client = cls.connect_if_running(path)
        if client is None:
            raise NetworkError(NOT_RUNNING)
        return client

    @classmethod
    def connect_if_running(cls, path: Path) -> Self | None:
        """As `connect`, but None if no node runs there."""
        connection = endpoint.connect(path)
        return None if connection is None else cls(connection)

    def call(self, name: str, params: s.Params) -> s.Result:
        """What the node answers to method `name` of the table, as the type the table says.

        Raises:
            P2PChatError: the node refused; the class and the sentence are those raised in the node.
            UsageError: the parameters are longer than a request may be.
            NetworkError: the node went away, or did not answer within ANSWER_S seconds.
        """
        return decoded(name, self._ask(name, params))

    def events(self, since: int, *, until: Until = None) -> Iterator[s.Event]:
        """Events after cursor `since`: the stored ones, then each as it happens.

        Ends at `until` (a reading of time.monotonic, or what gives one that may move), or never. The
        connection is subscribed when this returns, so what a later call on another connection causes
        will be seen.

        Raises:
            NetworkError: the node went away or ended the subscription; go on from the last `seq` seen.
        """
        self._ask(SUBSCRIBE, s.Since(since=since))
        return self._follow(until)

    def close(self) -> None:
        """Hang up; never raises. A `call` that waits in another thread ends with NetworkError."""
        with suppress(OSError):  # the node may have been faster
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, name: str, params: s.Params) -> msgspec.Raw:
        line = self._dialogue.ask(name, params)
        deadline = time.monotonic() + ANSWER_S
        try:
            self._socket.settimeout(ANSWER_S)
            self._socket.sendall(line)
        except TimeoutError as error:
            raise NetworkError(DEAF) from error
        except OSError as error:
            raise NetworkError(GONE) from error
        while (result := self._dialogue.answer()) is None:
            if not self._receive(deadline):
                raise NetworkError(SILENT)
        return result

    def _follow(self, until: Until) -> Iterator[s.Event]:
        while True:
            event = self._dialogue.event()
            if event is not None:
                yield event
            elif not self._receive(until() if callable(until) else until):
                return

    def _receive(self, deadline: float | None) -> bool:
        """More bytes from the node; False at `deadline`."""
        remaining = None if deadline is None else deadline - time.monotonic()
        if remaining is not None and remaining <= 0:
            return False
        try:
            self._socket.settimeout(remaining)
            self._dialogue.take(self._socket.recv(READ_SIZE))
        except TimeoutError:
            return False
        except OSError as error:
            raise NetworkError(GONE) from error
        return True
