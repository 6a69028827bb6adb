"""A client's side of one connection to the node, without the connection: lines out, lines in.

Every client, blocking or not, is a thin shell that carries these bytes (https://sans-io.readthedocs.io).
"""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from p2pchat import errors
from p2pchat.api import jsonrpc
from p2pchat.api import schema as s
from p2pchat.api.jsonrpc import Failure, Incoming
from p2pchat.api.table import METHODS, SUBSCRIBE
from p2pchat.errors import NetworkError, P2PChatError, UsageError

ANSWER_S: Final = 60.0  # the slowest method dials a peer, which has its own shorter deadline
READ_SIZE: Final = 1 << 16  # bytes
NOT_RUNNING: Final = "The node is not running: start it with `p2pchat run`."
GONE: Final = "The node closed the connection."
DEAF: Final = f"The node did not listen for {ANSWER_S:.0f} s."
SILENT: Final = f"The node did not answer within {ANSWER_S:.0f} s."


class Dialogue:
    """What was asked on a connection and what came back."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._events: deque[Incoming] = deque()  # notifications that came before an answer
        self._last_id = 0

    def ask(self, name: str, params: s.Params) -> bytes:
        """The line to send, which asks for method `name`.

        Raises:
            UsageError: it is longer than a request may be.
        """
        line = jsonrpc.request(self._last_id + 1, name, params)
        if len(line) > jsonrpc.MAX_LINE:
            raise UsageError(f"This is too long: a request has at most {jsonrpc.MAX_LINE} bytes.")
        self._last_id += 1
        return line

    def take(self, chunk: bytes) -> None:
        """Bytes came from the node.

        Raises:
            NetworkError: there are none, for it closed the connection.
        """
        if not chunk:
            raise NetworkError(GONE)
        self._buffer += chunk

    def answer(self) -> msgspec.Raw | None:
        """The result of what was asked last; None if more bytes have to come first.

        Raises:
            P2PChatError: the node refused; the class and the sentence are those raised there.
            NetworkError: this is no node.
        """
        while (incoming := self._line()) is not None:
            if incoming.method is not None:
                self._events.append(incoming)
            elif incoming.id in (self._last_id, None):
                if incoming.error is not None:
                    raise _raised_there(incoming.error)
                return incoming.result
        return None

    def event(self) -> s.Event | None:
        """The next event of the subscription; None if more bytes have to come first.

        Raises:
            NetworkError: the node ended the subscription.
        """
        while (incoming := self._events.popleft() if self._events else self._line()) is not None:
            if incoming.method == jsonrpc.END:
                raise NetworkError(msgspec.json.decode(incoming.params, type=jsonrpc.Ended).reason)
            if incoming.method == jsonrpc.EVENT:
                return msgspec.json.decode(incoming.params, type=s.Event)
        return None

    def _line(self) -> Incoming | None:
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned = 0
        try:
            return msgspec.json.decode(line, type=Incoming)
        except msgspec.DecodeError as error:
            raise NetworkError("What listens there is not a p2pchat node.") from error


def decoded(name: str, result: msgspec.Raw) -> s.Result:
    """What method `name` answered, as the type that the table says."""
    return s.Done() if name == SUBSCRIBE else msgspec.json.decode(result, type=METHODS[name].result)


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
