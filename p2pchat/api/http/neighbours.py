"""Whether the other end of a loopback connection belongs to the user who runs this node.

Every user of a machine reaches its loopback addresses. Linux tells whose a socket is; other systems
tell it to nobody but root, and there the secrets alone have to do.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/net/tcp")
_UID_COLUMN: Final = 7


def owner(ours: tuple[str, int], theirs: tuple[str, int], table: Path = _TABLE) -> int | None:
    """The user id behind `theirs`, of the connection from there to `ours` (IPv4 and port).

    None if the system does not tell; -1 if there is no such connection any more.
    """
    local, remote = _shown(*theirs), _shown(*ours)
    try:
        with table.open(encoding="ascii") as lines:
            next(lines, None)  # the names of the columns
            for line in lines:
                columns = line.split()
                if columns[1] == local and columns[2] == remote:
                    return int(columns[_UID_COLUMN])
    except (OSError, ValueError, IndexError):
        return None
    return -1


def is_ours(ours: tuple[str, int], theirs: tuple[str, int]) -> bool:
    """Whether the client may be served: it is our own user, or the system does not tell."""
    return owner(ours, theirs) in (None, os.geteuid())


def _shown(host: str, port: int) -> str:
    """As the table shows an address: the 32 bits in the machine's own order, then the port."""
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}"
