"""A message that has arrived takes five turns of the event loop to read, and two to write.

`TrioTCPStream` takes a lock for every read and asks the socket for no more than it needs: a Noise message is
two bytes of length and then the rest. The same turns pass again for each message of a burst, and in each all
other tasks run first. Ours reads what there is and keeps what nobody has asked for yet. Nobody needs the
locks: one task reads a connection and one writes it, and trio refuses a second.
Unnecessary once libp2p reads ahead.
"""

from __future__ import annotations

from typing import Any, Final

import trio
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.io.trio import TrioTCPStream

from p2pchat.net.patches.replacement import Replacement

_READ_SIZE: Final = 64 * 1024


async def _read(self: Any, n: int | None = None) -> bytes:
    """As libp2p's: up to `n` bytes, none at the end of the stream or once we have closed it."""
    if n == 0:
        return b""
    data, start = self.__dict__.pop("_ahead", (b"", 0))
    if not data:
        try:
            data = await self.stream.receive_some(_READ_SIZE)
        except trio.BrokenResourceError as error:
            raise ConnectionClosedError(f"reset by the peer: {error}", transport="tcp") from error
        except trio.ClosedResourceError:
            return b""
    end = len(data) if n is None else min(start + n, len(data))
    if end < len(data):
        self._ahead = data, end
    return bytes(data[start:end])


async def _write(self: Any, data: bytes) -> None:
    """As libp2p's: nothing happens once we have closed the stream."""
    try:
        await self.stream.send_all(data)
    except trio.BrokenResourceError as error:
        raise ConnectionClosedError(f"reset by the peer: {error}", transport="tcp") from error
    except trio.ClosedResourceError:
        return


REPLACEMENTS: Final = (
    Replacement(TrioTCPStream, "read", _read),
    Replacement(TrioTCPStream, "write", _write),
)
