"""Every gossip RPC collects our addresses anew, and verifies and stores the sender's record.

Parsing multiaddrs and an Ed25519 verification per RPC were two fifths of gossip's time, and the
records let any peer put addresses into our peerstore. Ours is made once in a while; theirs stay
unread. Unnecessary once the record travels once per connection, as in go-libp2p.
"""

from __future__ import annotations

import time
from typing import Any, Final
from weakref import WeakKeyDictionary

import libp2p.pubsub.gossipsub as gossipsub
import libp2p.pubsub.pubsub as pubsub

from p2pchat.net.patches.replacement import Replacement

_LIFETIME_S: Final = 60.0  # until a change of our addresses shows in what we send

_make_record = pubsub.env_to_send_in_RPC
_records: WeakKeyDictionary[Any, tuple[float, Any]] = WeakKeyDictionary()


def _record_to_send(host: Any) -> Any:
    made = _records.get(host)
    if made is None or time.monotonic() - made[0] > _LIFETIME_S:
        made = _records[host] = (time.monotonic(), _make_record(host))
    return made[1]


def _leave_unread(rpc: Any, host: Any, peer_id: Any) -> bool:
    return True


REPLACEMENTS: Final = tuple(
    Replacement(module, name, value)
    for module in (pubsub, gossipsub)
    for name, value in (
        ("env_to_send_in_RPC", _record_to_send),
        ("maybe_consume_signed_record", _leave_unread),
    )
)
