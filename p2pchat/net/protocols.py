"""Protocol names and limits on the wire. A stream protocol's full id is /p2pchat/<network>/<name>."""

from __future__ import annotations

from typing import Final

HELLO: Final = "hello/1"  # cards and prekey bundles, request and response
DIRECT: Final = "direct/1"  # envelopes and their acknowledgements, long-lived
JOIN: Final = "join/1"  # coming into a group by an invite link, request and response
TYPING: Final = "typing/1"  # one frame: the person types, or has stopped
SYNC: Final = "sync/1"  # reconciliation of one group's log
FILES: Final = "files/1"  # chunks of files, by the file's id
MAILBOX: Final = "mailbox/1"  # parcels for devices that are away

HELLO_FRAME_LIMIT: Final = 16 * 1024
JOIN_FRAME_LIMIT: Final = 64 * 1024
DIRECT_FRAME_LIMIT: Final = 256 * 1024
TYPING_FRAME_LIMIT: Final = 64
SYNC_FRAME_LIMIT: Final = 1024 * 1024
FILES_FRAME_LIMIT: Final = 600 * 1024  # the hashes of the largest file; a chunk has half as much
MAILBOX_FRAME_LIMIT: Final = 200 * 1024
GOSSIP_LIMIT: Final = 64 * 1024  # py-libp2p drops RPCs of 1 MiB in silence; stay far below

MAX_STREAMS_PER_PEER: Final = 32
"""Inbound streams of our own protocols from one peer at a time."""
