"""`p2pchat rpc`: JSON-RPC on standard input and output."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import Final

import typer

from p2pchat.api import endpoint
from p2pchat.api.dialogue import GONE, NOT_RUNNING
from p2pchat.errors import NetworkError
from p2pchat_cli import output
from p2pchat_cli.options import session_of

_STDIN: Final = 0
_CHUNK: Final = 1 << 16  # bytes


def rpc(ctx: typer.Context) -> None:
    """One request a line on stdin, answers and events on stdout, until stdin ends and all is answered."""
    node = endpoint.connect(session_of(ctx).home.socket)
    if node is None:
        raise NetworkError(NOT_RUNNING)
    asked_all = threading.Event()
    with node:
        threading.Thread(target=_carry, args=(node, asked_all), daemon=True).start()
        while chunk := node.recv(_CHUNK):
            output.write_bytes(chunk)
    if not asked_all.is_set():
        raise NetworkError(GONE)


def _carry(node: socket.socket, asked_all: threading.Event) -> None:
    """Stdin to the node; its end tells the node to answer what is left and hang up."""
    with suppress(OSError):  # the node is gone, which the other side of the command notices
        while chunk := os.read(_STDIN, _CHUNK):
            node.sendall(chunk)
        asked_all.set()
        node.shutdown(socket.SHUT_WR)
