"""One identify message makes us remember a mebibyte, and compare addresses half a million times.

`update_peerstore_from_identify` takes a thousand addresses of any length, each compared with all
before, every protocol name, and the addresses of the signed record on top; pushes may repeat it for
ever. Unnecessary once it bounds what one peer may say of itself.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import libp2p.host.basic_host as basic_host
import libp2p.identity.identify_push.identify_push as identify_push
from libp2p.identity.identify.pb.identify_pb2 import Identify

from p2pchat.net.patches.replacement import Replacement

_MOST_ADDRESSES: Final = 16
_MOST_PROTOCOLS: Final = 128
_LENGTH: Final = 256  # of an address or a protocol's name, in bytes

_original = basic_host.update_peerstore_from_identify


async def _update(peerstore: Any, peer_id: Any, identify_msg: Any) -> None:
    bounded = Identify(
        listen_addrs=_short(identify_msg.listen_addrs)[:_MOST_ADDRESSES],
        protocols=[name for name in _short(identify_msg.protocols) if isinstance(name, str)][
            :_MOST_PROTOCOLS
        ],
    )
    for name in ("public_key", "agent_version", "protocol_version", "observed_addr"):
        value = getattr(identify_msg, name)
        if identify_msg.HasField(name) and len(value) <= _LENGTH:
            with suppress(
                UnicodeDecodeError
            ):  # protobuf takes any bytes for a text, and gives it back as bytes
                setattr(bounded, name, value)
    await _original(peerstore, peer_id, bounded)


def _short(values: Any) -> list[Any]:
    return [value for value in values if len(value) <= _LENGTH]


REPLACEMENTS: Final = tuple(
    Replacement(module, "update_peerstore_from_identify", _update) for module in (basic_host, identify_push)
)
