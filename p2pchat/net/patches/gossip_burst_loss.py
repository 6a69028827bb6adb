"""More than 16 gossip messages published without a pause are lost in silence.

The queue of RPCs to a peer holds 32, the notices of GossipSub 1.2 (IDONTWANT) share it, and a full
queue drops without a word: of 300 published at once 16 arrive. Unnecessary once `Pubsub` takes the
queue's size as an option, or `publish` waits (py-libp2p issue 891).
"""

from __future__ import annotations

from functools import partial
from typing import Final

import libp2p.pubsub.pubsub as pubsub
from libp2p.pubsub.rpc_queue import RpcQueue

from p2pchat.net.patches.replacement import Replacement

_QUEUE_SIZE: Final = 4096  # RPCs per peer; with GOSSIP_LIMIT this is a bound, not a plan

REPLACEMENTS: Final = (Replacement(pubsub, "RpcQueue", partial(RpcQueue, max_size=_QUEUE_SIZE)),)
