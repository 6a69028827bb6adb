"""The other side of the local API: a blocking client on the standard library's sockets.

A command starts, asks one thing and ends, so it needs no event loop; importing one would cost more
time than the whole command may take.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import msgspec

from p2pchat import errors
from p2pchat.api import endpoint, jsonrpc
from p2pchat.api import schema as s
from p2pchat.api.jsonrpc import Failure, Incoming
from p2pchat.api.table import METHODS, SUBSCRIBE
from p2pchat.errors import NetworkError, P2PChatError, UsageError

ANSWER_S: Final = 60.0  # the slowest method dials a peer, which has its own shorter deadline
NOT_RUNNING: Final = "The node is not running: start it with `p2pchat run`."
_GONE: Final = "The node closed the connection."
_READ_SIZE: Final = 1 << 16  # bytes


class Client:
    """A connection to the running node. Not for use by two threads at once."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()
        self._scanned = 0
        self._events: deque[Incoming] = deque()  # notifications that came before an answer
        self._last_id = 0

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
        answer = self._ask(name, params)
        return msgspec.json.decode(answer.result, type=METHODS[name].result)

    def events(self, since: int, *, until: float | None = None) -> Iterator[s.Event]:
        """Events after cursor `since`: the stored ones, then each as it happens.

        Ends at `until` (a reading of time.monotonic), or never. The connection is subscribed when
        this returns, so what a later call on another connection causes will be seen.

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

    def _ask(self, name: str, params: s.Params) -> Incoming:
        self._last_id += 1
        line = jsonrpc.request(self._last_id, name, params)
        if len(line) > jsonrpc.MAX_LINE:
            raise UsageError(f"This is too long: a request has at most {jsonrpc.MAX_LINE} bytes.")
        deadline = time.monotonic() + ANSWER_S
        try:
            self._socket.settimeout(ANSWER_S)
            self._socket.sendall(line)
        except TimeoutError as error:
            raise NetworkError(f"The node did not listen for {ANSWER_S:.0f} s.") from error
        except OSError as error:
            raise NetworkError(_GONE) from error
        while True:
            incoming = self._receive(deadline)
            if incoming is None:
                raise NetworkError(f"The node did not answer within {ANSWER_S:.0f} s.")
            if incoming.method is not None:
                self._events.append(incoming)
            elif incoming.id in (self._last_id, None):
                break
        if incoming.error is not None:
            raise _raised_there(incoming.error)
        return incoming

    def _follow(self, until: float | None) -> Iterator[s.Event]:
        while (incoming := self._events.popleft() if self._events else self._receive(until)) is not None:
            if incoming.method == jsonrpc.END:
                raise NetworkError(msgspec.json.decode(incoming.params, type=jsonrpc.Ended).reason)
            if incoming.method == jsonrpc.EVENT:
                yield msgspec.json.decode(incoming.params, type=s.Event)

    def _receive(self, deadline: float | None) -> Incoming | None:
        """The next line from the node, or None at `deadline`."""
        while (end := self._buffer.find(b"\n", self._scanned)) < 0:
            self._scanned = len(self._buffer)
            remaining = None if deadline is None else deadline - time.monotonic()
            if remaining is not None and remaining <= 0:
                return None
            try:
                self._socket.settimeout(remaining)
                chunk = self._socket.recv(_READ_SIZE)
            except TimeoutError:
                return None
            except OSError as error:
                raise NetworkError(_GONE) from error
            if not chunk:
                raise NetworkError(_GONE)
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned = 0
        try:
            return msgspec.json.decode(line, type=Incoming)
        except msgspec.DecodeError as error:
            raise NetworkError("What listens there is not a p2pchat node.") from error


def _raised_there(failure: Failure) -> P2PChatError:
    if failure.data is not None:
        kind = getattr(errors, failure.data.error, None)
        if isinstance(kind, type) and issubclass(kind, P2PChatError):
            return kind(failure.message)
    elif failure.code == jsonrpc.METHOD_NOT_FOUND:
        return UsageError(f"{failure.message} Is it older than this command? Stop it and start it anew.")
    elif failure.code in (jsonrpc.INVALID_PARAMS, jsonrpc.INVALID_REQUEST):
        return UsageError(failure.message)
    return P2PChatError(failure.message)
