"""A file from node to node, beside as many bytes over a bare stream of libp2p: python -m benchmarks.files

Both ends of both are in one process. A fetch also reads, hashes, opens and writes each chunk.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio
from libp2p.custom_types import TProtocol
from libp2p.peer.peerinfo import info_from_p2p_addr
from multiaddr import Multiaddr

from benchmarks.net import LOOPBACK, _raw_host
from p2pchat.core.files import frames as f
from p2pchat.core.files.attachment import Attachment
from p2pchat.core.keys import SigningKey
from p2pchat.net import protocols
from p2pchat.net.config import NetworkConfig
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network
from p2pchat.net.network import Stream
from p2pchat.node.files.source import fetch_from
from p2pchat.store.blobs import Blobs

SIZE = 32 * 1024 * 1024
PIECE = 64 * 1024
ROUNDS = 3


class Threads:
    """The part of a node's store that files need."""

    async def aside(self, work: Any) -> Any:
        return await trio.to_thread.run_sync(work)


@asynccontextmanager
async def a_network() -> AsyncIterator[Libp2pNetwork]:
    async with open_network(NetworkConfig(SigningKey(os.urandom(32)), "bench", (LOOPBACK,))) as network:
        yield network


async def fetch(folder: Path, one: Libp2pNetwork, other: Libp2pNetwork, about: Attachment) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        part = Blobs(Path(fresh) / "files").part(about)
        began = time.perf_counter()
        await fetch_from(other, Threads(), one.device, about, part, lambda: None)  # type: ignore[arg-type]
        part.finish()
        took = time.perf_counter() - began
        part.close()
    return took


async def serve(blobs: Blobs, about: Attachment, stream: Stream) -> None:
    """As the node's server does, without its questions to the store."""
    while received := await stream.receive():
        for ask in map(f.decode_ask, received):
            if not ask.count:
                await stream.send([f.encode_answer(f.Hashes(blobs.hashes(about)))])
            for first in range(ask.first, ask.first + ask.count, 4):
                count = min(4, ask.first + ask.count - first)
                sealed = await trio.to_thread.run_sync(partial(blobs.sealed, about, first, count))
                await stream.send(
                    f.encode_answer(f.Chunk(number, chunk)) for number, chunk in enumerate(sealed, first)
                )


async def raw() -> float:
    """Seconds for as many bytes over a bare stream."""
    host, other = _raw_host(), _raw_host()
    async with host.run([Multiaddr(LOOPBACK)]), other.run([Multiaddr(LOOPBACK)]):

        async def give(stream: Any) -> None:
            await stream.read(1)
            for _ in range(SIZE // PIECE):
                await stream.write(bytes(PIECE))

        host.set_stream_handler(TProtocol("/give/1"), give)
        info = info_from_p2p_addr(Multiaddr(str(host.get_addrs()[0])))
        await other.connect(info)
        stream = await other.new_stream(info.peer_id, [TProtocol("/give/1")])
        began, came = time.perf_counter(), 0
        await stream.write(b"!")
        while came < SIZE:
            came += len(await stream.read(PIECE))
        took = time.perf_counter() - began
        await host.close()
        await other.close()
        return took


async def main() -> None:
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        blobs = Blobs(Path(folder) / "files")
        about = blobs.seal([os.urandom(SIZE)], SIZE, "a.bin", "", os.urandom)
        for _ in range(ROUNDS):
            async with a_network() as one, a_network() as other:
                one.serve(
                    protocols.FILES, partial(serve, blobs, about), frame_limit=protocols.FILES_FRAME_LIMIT
                )
                await other.connect(one.device, [one.advertised()[0].rpartition("/p2p/")[0]])
                ours.append(await fetch(Path(folder), one, other, about))
            with trio.move_on_after(60) as patience:
                bare.append(await raw())
            if patience.cancelled_caught:
                print("the bare stream did not end")
    mb = SIZE / 1e6
    print(f"a file  {mb / statistics.median(ours):6.1f} MB/s  {[round(mb / one, 1) for one in ours]}")
    if bare:
        print(f"bare    {mb / statistics.median(bare):6.1f} MB/s  {[round(mb / one, 1) for one in bare]}")
        print(f"ratio   {statistics.median(bare) / statistics.median(ours):6.2f}")


if __name__ == "__main__":
    trio.run(main)
