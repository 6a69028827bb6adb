"""A connection under a pre-shared key has no addresses, and a relayed one counts as direct.

`PskConn` is a `RawConnection` that never runs its parent's constructor, so asking for either raises
AttributeError and the swarm files the connection under "unknown". Dial-back, hole punching and
`p2pchat peers` then see nothing. Unnecessary once it takes both from the connection it protects.
"""

from __future__ import annotations

from typing import Any, Final

from libp2p.security.pnet.psk_conn import PskConn

from p2pchat.net.patches.replacement import Replacement


def _init(self: Any, conn: Any, psk: str) -> None:
    _original(self, conn, psk)
    self._connection_type = conn.get_connection_type()
    self._actual_addresses = conn.get_transport_addresses()


_original: Final = PskConn.__init__
REPLACEMENTS: Final = (Replacement(PskConn, "__init__", _init),)
