"""The remote address of an IPv6 connection is unknown.

`TrioTCPStream.get_remote_address` wants `getpeername()` to give two items; IPv6 gives four. Limits per
address range, the gate and identify then see nothing. Unnecessary once it takes the first two.
"""

from __future__ import annotations

from typing import Any, Final

from libp2p.io.trio import TrioTCPStream

from p2pchat.net.patches.replacement import Replacement


def _get_remote_address(self: Any) -> tuple[str, int] | None:
    if self._cached_remote_address is None:
        try:
            host, port = self.stream.socket.getpeername()[:2]
        except OSError:
            return None
        self._cached_remote_address = (host, port)
    address: tuple[str, int] = self._cached_remote_address
    return address


REPLACEMENTS: Final = (Replacement(TrioTCPStream, "get_remote_address", _get_remote_address),)
