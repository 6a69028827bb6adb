"""The limit: two processes, trio TCP, a PyNaCl SecretBox for each text and receipt, SQLite at the receiver.

Nothing else is done: no ratchet, no log, no signature, no search index, no state of deliveries, nothing
kept by the sender. The receiver commits once for each read, in WAL mode without waiting for the disk
(synchronous=NORMAL), before it sends receipts. `python -m benchmarks.raw serve` is its other process.
"""

from __future__ import annotations

import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import trio
from nacl.secret import SecretBox

from benchmarks.figures import Sample, percentile

KEY = b"k" * 32
COUNT = 20_000
PINGS = 400
WINDOW = 256
BODY = b"x" * 192


async def frames(stream: trio.SocketStream) -> AsyncIterator[list[bytes]]:
    """Frames behind 4-byte lengths, those of one read together."""
    rest = b""
    async for data in stream:
        data, at, found = rest + data, 0, []
        while len(data) - at >= 4 and len(data) - at - 4 >= (size := int.from_bytes(data[at : at + 4])):
            found.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        rest = data[at:]
        if found:
            yield found


def framed(box: SecretBox, body: bytes) -> bytes:
    """A sealed body behind its length."""
    sealed = bytes(box.encrypt(body))
    return len(sealed).to_bytes(4) + sealed


async def serve(path: Path) -> None:
    """Take texts, commit them, answer with the time each took to come."""
    store = sqlite3.connect(path / "raw.db", isolation_level=None)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute("PRAGMA synchronous = NORMAL")
    store.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, person TEXT, text BLOB, at INTEGER)")
    box = SecretBox(KEY)

    async def take(stream: trio.SocketStream) -> None:
        async for some in frames(stream):
            bodies = [box.decrypt(frame) for frame in some]
            store.execute("BEGIN")
            store.executemany(
                "INSERT INTO message (person, text, at) VALUES ('ann', ?, 0)", [(body,) for body in bodies]
            )
            store.execute("COMMIT")
            now = time.monotonic_ns()
            receipts = [struct.pack("<Q", now - int.from_bytes(body[:8], "little")) for body in bodies]
            await stream.send_all(b"".join(framed(box, receipt) for receipt in receipts))

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(listener.socket.getsockname()[1], flush=True)
    await trio.serve_listeners(take, [listener])


async def send(port: int, count: int, window: int) -> tuple[float, list[float]]:
    """Seconds until all receipts are back, and seconds that each text took one way."""
    box, took = SecretBox(KEY), list[float]()
    room = trio.Semaphore(window)
    stream = await trio.open_tcp_stream("127.0.0.1", port)

    async def hear() -> None:
        async for some in frames(stream):
            for frame in some:
                took.append(int.from_bytes(box.decrypt(frame), "little") / 1e9)
                room.release()
            if len(took) == count:
                return

    began = time.perf_counter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear)
        for _ in range(count):
            await room.acquire()
            await stream.send_all(framed(box, struct.pack("<Q", time.monotonic_ns()) + BODY))
    seconds = time.perf_counter() - began
    await stream.aclose()
    return seconds, took


class Raw:
    """The rig of the limit."""

    system = "raw limit"

    @contextmanager
    def ready(self) -> Iterator[None]:
        """The receiver's process runs while the context is open."""
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "benchmarks.raw", "serve", folder]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                assert process.stdout is not None
                self._port = int(process.stdout.readline())
                trio.run(send, self._port, 500, WINDOW)
                yield
            finally:
                process.kill()
                process.wait()

    def round(self) -> Iterator[Sample]:
        """One round of all its metrics."""
        seconds, _ = trio.run(send, self._port, COUNT, WINDOW)
        yield Sample("rate", COUNT / seconds)
        _, took = trio.run(send, self._port, PINGS, 1)
        yield Sample("latency_p50", 1e3 * percentile(took, 0.5))
        yield Sample("latency_p99", 1e3 * percentile(took, 0.99))


if __name__ == "__main__":
    trio.run(serve, Path(sys.argv[2]))
