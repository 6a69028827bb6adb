"""Faults of libp2p 0.8.1 that a subclass cannot reach, one module per fault, named after it.

Each module tells how the fault shows and what would make the patch unnecessary; tests/net/test_patches.py
shows each fault with libp2p's own code and its absence with ours. What can be had by subclassing stands
in `swarm`, `yamux`, `upgrader` and `pubsub` instead.
"""

from __future__ import annotations

from typing import Final

from p2pchat.net.patches import (
    gossip_burst_loss,
    gossip_record_cost,
    identify_flood,
    ipv6_remote_address,
    late_service_task,
    multistream_message,
    psk_addresses,
    service_task_error,
    short_reads,
    stream_handler_error,
    turns_for_each_message,
)
from p2pchat.net.patches.replacement import Replacement

PATCHES: Final[dict[str, tuple[Replacement, ...]]] = {
    module.__name__.rpartition(".")[2]: module.REPLACEMENTS
    for module in (
        gossip_burst_loss,
        gossip_record_cost,
        identify_flood,
        ipv6_remote_address,
        late_service_task,
        multistream_message,
        psk_addresses,
        service_task_error,
        short_reads,
        stream_handler_error,
        turns_for_each_message,
    )
}


def install() -> None:
    """Put every patch in place; calling it again changes nothing. Do so before a host exists."""
    for replacements in PATCHES.values():
        for replacement in replacements:
            replacement.apply()
