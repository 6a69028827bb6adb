"""A multistream message that is no UTF-8, or endless, hurts before any protocol is chosen.

`MultiselectCommunicator.read` lets UnicodeDecodeError escape, which ends the host, and believes the
announced length, so that one stranger's 100 MB "protocol name" is collected in memory. Multistream
allows messages of up to 64 KiB, names are far shorter. Unnecessary once both are checked there.
"""

from __future__ import annotations

from typing import Any, Final

from libp2p.exceptions import ParseError
from libp2p.io.exceptions import IOException
from libp2p.protocol_muxer.exceptions import MultiselectCommunicatorError
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

from p2pchat.net.patches.replacement import Replacement

_NAME_LIMIT: Final = 1024  # bytes, with the newline


async def _read(self: Any) -> str:
    try:
        message = await read_varint_prefixed_bytes_limited(self.read_writer, _NAME_LIMIT)
    except (ParseError, IOException) as error:
        raise MultiselectCommunicatorError("cannot read a multistream message") from error
    try:
        text: str = message.decode()
    except UnicodeDecodeError as error:
        raise MultiselectCommunicatorError("a multistream message that is no text") from error
    if not text.endswith("\n"):
        raise MultiselectCommunicatorError("a multistream message without its newline")
    return text[:-1]


REPLACEMENTS: Final = (Replacement(MultiselectCommunicator, "read", _read),)
