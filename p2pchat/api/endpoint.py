"""The unix socket that a running node listens on: who may reach it, and whether anybody answers.

Both ends use it, so it holds nothing but the standard library. The socket is the only guard of the
local API: the kernel lets the owner of the home connect and nobody else.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from p2pchat.errors import NetworkError, StoreError

MAX_NAME: Final = 100  # bytes; sockaddr_un holds 104 on macOS and the BSDs, 108 on Linux, with a closing zero
_BACKLOG: Final = 64
_PROBE_S: Final = 2.0  # a listener whose queue is full is a live one; do not wait for it longer


def connect(path: Path) -> socket.socket | None:
    """A blocking connection to the node that listens at `path`; None if no node does.

    Raises:
        StoreError: the socket belongs to another user, or its path cannot be used.
        NetworkError: a node is there, but too busy to take one more connection.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_PROBE_S)
    try:
        with _usable_name(path) as name:
            connection.connect(name)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        connection.close()
        return None
    except (BlockingIOError, TimeoutError) as error:
        connection.close()
        raise NetworkError("The node takes no more connections: try again in a moment.") from error
    except OSError as error:
        connection.close()
        raise StoreError(f"The socket {path} cannot be used: {error.strerror or error}.") from error
    connection.settimeout(None)
    return connection


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`, mode 0600, in a directory that is made 0700 if it is not there.

    A socket that a killed node left behind is replaced.

    Raises:
        StoreError: a node listens there already, something else is in the way, others may write to the
            directory, or the path cannot be used.
    """
    _make_room(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The mode must hold from the first moment, so it is set by umask and not by chmod afterwards.
    umask = os.umask(0o177)
    try:
        with _usable_name(path) as name:
            listener.bind(name)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise StoreError(f"The socket {path} cannot be made: {error.strerror or error}.") from error
    except StoreError:
        listener.close()
        raise
    finally:
        os.umask(umask)
    return listener


def remove(path: Path) -> None:
    """Take the socket at `path` away; a stale one does no harm, so this never raises."""
    with suppress(OSError):
        path.unlink()


def _make_room(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.parent.stat().st_mode & stat.S_IWOTH:
            raise StoreError(f"Anybody may write to {path.parent}: make it yours alone with chmod 700.")
        if not os.path.lexists(path):
            return
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise StoreError(f"{path} is in the way: it is no socket.")
        _refuse_a_live_one(path)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"The socket {path} cannot be made: {error.strerror or error}.") from error


def _refuse_a_live_one(path: Path) -> None:
    try:
        connection = connect(path)
    except NetworkError:
        pass
    else:
        if connection is None:
            return
        connection.close()
    raise StoreError(f"A node already runs on {path.parent}: stop it with `p2pchat stop`.")


@contextmanager
def _usable_name(path: Path) -> Iterator[str]:
    """A name for `path` that is short enough for the kernel.

    Linux shows an open directory under /proc/self/fd, so any home works there, however deep.
    """
    if len(os.fsencode(path)) <= MAX_NAME:
        yield str(path)
        return
    if not os.path.isdir("/proc/self/fd"):
        raise StoreError(f"The path {path} is too long for a socket: choose a home with a shorter path.")
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
