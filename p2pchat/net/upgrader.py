"""From a raw connection to a secured and muxed one, with the muxer that was asked for.

libp2p 0.8.1 negotiates `muxer_opt` but then makes its own Yamux whatever class was given.
"""

from __future__ import annotations

from typing import Any

from libp2p.protocol_muxer.exceptions import MultiselectClientError, MultiselectError
from libp2p.transport.exceptions import MuxerUpgradeFailure
from libp2p.transport.upgrader import TransportUpgrader


class NoMuxerError(MuxerUpgradeFailure):
    """`peer` proved its key, and then no muxer was agreed on: it may have wanted no more than that."""

    def __init__(self, peer: Any) -> None:
        super().__init__("no muxer was agreed on")
        self.peer = peer


class Upgrader(TransportUpgrader):
    """libp2p's upgrader that makes the negotiated muxer."""

    async def upgrade_connection(self, conn: Any, peer_id: Any) -> Any:
        """`conn` with streams.

        Raises:
            NoMuxerError: no muxer was agreed on.
        """
        try:
            make_muxer = await self.muxer_multistream.select_transport(conn)
        except (MultiselectError, MultiselectClientError) as error:
            raise NoMuxerError(peer_id) from error
        return make_muxer(conn, peer_id)
