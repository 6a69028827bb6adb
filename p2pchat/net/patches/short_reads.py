"""A Noise message that arrives in more than a hundred pieces closes the connection.

`read_exactly` gives up after 100 partial reads: 64 KiB in segments of 536 bytes are 123. It also
spins 100 times at end of file. Unnecessary once it reads until the bytes or the end are there.
"""

from __future__ import annotations

from typing import Any, Final

import libp2p.io.msgio as msgio
from libp2p.io.exceptions import IncompleteReadError

from p2pchat.net.patches.replacement import Replacement


async def _read_exactly(reader: Any, n: int, retry_count: int = 0) -> bytes:
    first: bytes = await reader.read(n)
    if len(first) == n:
        return first
    data = bytearray(first)
    while len(data) < n:
        piece = await reader.read(n - len(data))
        if not piece:
            raise IncompleteReadError(
                f"the connection ended {n - len(data)} bytes early",
                expected_bytes=n,
                received_bytes=len(data),
            )
        data += piece
    return bytes(data)


REPLACEMENTS: Final = (Replacement(msgio, "read_exactly", _read_exactly),)
