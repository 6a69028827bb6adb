"""Real nodes whose only way to each other loses packets and breaks off again and again: scenario 12."""

from __future__ import annotations

import random
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import pytest

from p2pchat.core.invite import InviteLink

pytestmark = pytest.mark.end_to_end

LOST: Final = 0.3  # of the packets, which TCP then sends again
RETRANSMIT_S: Final = 0.2
UP_S: Final = (0.3, 0.9)
DOWN_S: Final = (0.1, 0.5)
TEXTS: Final = 12  # of each in each chat
MOST_BYTES: Final = 1_000_000
MOST_DIALS: Final = 80


class Flapping:
    """A TCP proxy that holds packets back as if they had been lost, and cuts all it carries now and then."""

    def __init__(self, target: int, seed: int) -> None:
        self._target = target
        self._chances = random.Random(seed)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.bytes, self.dials, self.cuts = 0, 0, 0
        self._lock = threading.Lock()
        self._carried: list[socket.socket] = []
        self._up, self._bad = True, threading.Event()
        self._closed = threading.Event()
        for run in (self._accept, self._flap):
            threading.Thread(target=run, daemon=True).start()

    def worsen(self) -> None:
        """From now on the way is bad."""
        self._bad.set()

    def mend(self) -> None:
        """From now on the way is good."""
        self._bad.clear()

    def close(self) -> None:
        self._closed.set()
        self._bad.set()  # wakes who waits for it
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._cut()

    def _flap(self) -> None:
        while not self._closed.is_set():
            self._bad.wait()
            if self._closed.wait(self._chances.uniform(*UP_S)):
                return
            if self._bad.is_set():
                self._up = False
                self.cuts += bool(self._carried)
                self._cut()
                self._closed.wait(self._chances.uniform(*DOWN_S))
                self._up = True

    def _cut(self) -> None:
        with self._lock:
            carried, self._carried = self._carried, []
        for one in carried:  # with a reset, as when a router forgets a mapping
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with suppress(OSError):  # the other end was faster
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            self.dials += 1
            if not self._up:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            with self._lock:
                self._carried += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1400):
                if self._bad.is_set() and self._chances.random() < LOST:
                    time.sleep(RETRANSMIT_S)
                self.bytes += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # one end is gone: the other is to hear of it
            with suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def apart(new_person: Any, tmp_path_factory: Any) -> Iterator[tuple[Any, Any, Flapping]]:
    """Two contacts and members of a group in a network of their own, with one way between them."""
    network = tmp_path_factory.mktemp("network") / "network.toml"
    network.write_text('name = "flapping"\n')
    ivy, jon = (new_person(name, init=False) for name in ("ivy", "jon"))
    for person in (ivy, jon):
        person.init(network)
        # Neither each other nor the table is told where they are: else they would find another way.
        person.options = ("--without", "exchange", "--without", "table", "--without", "lan")
        person.launch()
    for person in (ivy, jon):
        person.start()
    link = InviteLink.parse(ivy.json("invite", "--no-qr")["link"])
    listening = ivy.until("an address", lambda: re.search(rb"/tcp/(\d+)/p2p/", ivy.log_since_launch()))
    way = Flapping(int(listening[1]), seed=12)
    by_way = replace(link, addresses=(f"/ip4/127.0.0.1/tcp/{way.port}",)).encode()
    jon.json("contact", "add", by_way)
    ivy.knows("jon", "pending")
    ivy.json("requests", "accept", "jon")
    jon.knows("ivy", "accepted")
    ivy.json("group", "create", "lossy")
    ivy.json("group", "add", "lossy", "jon")
    jon.until("the invitation", lambda: jon.json("group", "list")["groups"])
    jon.json("group", "accept", "lossy")
    jon.until("jon is in", lambda: jon.json("group", "show", "lossy")["state"] == "joined")
    yield ivy, jon, way
    way.close()


@pytest.mark.slow  # on a machine far too busy the next dial may come after a minute
def test_all_arrives_once_over_links_that_flap_and_lose_a_third(apart: tuple[Any, Any, Flapping]) -> None:
    ivy, jon, way = apart
    chats = ((ivy, "jon"), (jon, "ivy"), (ivy, "#lossy"), (jon, "#lossy"))
    before = way.bytes
    way.worsen()
    typing = [person.spawn("chat", chat) for person, chat in chats]
    for number in range(TEXTS):
        for process, (person, chat) in zip(typing, chats, strict=True):
            process.stdin.write(f"{person.name} to {chat} {number}\n")
            process.stdin.flush()
        time.sleep(0.25)
    for process in typing:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert way.cuts, "the way was good"  # on a busy machine they do not even come to shake hands again
    way.mend()
    jon.json("send", "ivy", "jon to ivy at last")  # which makes him look for the way at once
    written = {chat: [f"{one.name} to {chat} {number}" for number in range(TEXTS)] for one, chat in chats[:2]}
    private = sorted([*written["jon"], *written["ivy"], "jon to ivy at last"])
    in_group = sorted(f"{one.name} to #lossy {number}" for one in (ivy, jon) for number in range(TEXTS))
    for person, chat in chats:
        wanted = in_group if chat == "#lossy" else private
        person.until("each text, once", lambda p=person, c=chat, w=wanted: sorted(p.texts(c)) == w)
        person.until(
            "each is delivered",
            lambda p=person, c=chat: {one["state"] for one in p.messages(c) if one["mine"]} == {"delivered"},
        )
    assert ivy.texts("#lossy") == jon.texts("#lossy")
    assert way.bytes - before < MOST_BYTES
    assert way.dials < MOST_DIALS
