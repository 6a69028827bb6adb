"""What is written, to whom and about how much shows in no file, no log and no captured stream."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from p2pchat.core.invite import InviteLink

pytestmark = pytest.mark.end_to_end

MARKER = "pomegranate-7181-lighthouse"
NOTE = "marzipan-4412-submarine"
PETNAME = "quillfeather"
OTHER_PETNAME = "snapdragon"


class Wiretap:
    """A TCP proxy that keeps all it carries."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.captured = bytearray()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with source, sink:
            try:
                while data := source.recv(65536):
                    self.captured += data
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                return


@pytest.fixture(scope="module")
def tapped(new_person: Any, tmp_path_factory: Any) -> Iterator[tuple[Any, Any, Wiretap]]:
    """Two contacts in a network of their own, whose only way to each other is tapped."""
    network = tmp_path_factory.mktemp("network") / "network.toml"
    network.write_text('name = "tapped"\n')
    alma, bert = (new_person(name, init=False) for name in ("alma", "bert"))
    for person in (alma, bert):
        person.init(network)
        person.launch()
    for person in (alma, bert):
        person.start()
    link = InviteLink.parse(alma.json("invite", "--no-qr")["link"])
    (address,) = link.addresses
    tap = Wiretap(int(address.rsplit("/", 1)[1]))
    by_tap = replace(link, addresses=(f"/ip4/127.0.0.1/tcp/{tap.port}",)).encode()
    bert.json("contact", "add", by_tap, "--name", OTHER_PETNAME, "--message", MARKER)
    alma.knows("bert", "pending")
    alma.json("requests", "accept", "bert", "--name", PETNAME)
    bert.knows(OTHER_PETNAME, "accepted")
    yield alma, bert, tap
    tap.close()


@pytest.fixture(scope="module")
def written(tapped: tuple[Any, Any, Wiretap]) -> tuple[Any, Any, Wiretap]:
    """They have written and paid, and both sides have it."""
    alma, bert, tap = tapped
    text = " ".join([MARKER] * 200)
    before = len(tap.captured)
    alma.json("send", PETNAME, text)
    bert.reads(OTHER_PETNAME, text)
    assert len(tap.captured) - before > len(text)  # it went this way
    bert.json("pay", OTHER_PETNAME, "7391.37", "EUR", NOTE)
    iou = alma.until("the IOU", lambda: alma.json("iou", "list")["ious"])[0]
    alma.json("iou", "accept", iou["id"])
    bert.until("the acceptance", lambda: bert.balances())
    alma.json("search", MARKER.split("-")[0])
    return tapped


def test_the_stream_between_two_nodes_shows_nothing(written: Any) -> None:
    *_, tap = written
    for secret in (MARKER, NOTE, PETNAME, OTHER_PETNAME, "alma", "7391.37", "EUR", "entry", "olm"):
        assert secret.encode() not in tap.captured, secret


def test_no_file_of_a_profile_shows_anything(written: Any) -> None:
    files: list[Path] = []
    for person in written[:2]:
        files += [path for path in person.home.rglob("*") if path.is_file()]
    assert {"store.db", "store.db-wal"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        for secret in (MARKER, NOTE, PETNAME, OTHER_PETNAME, "7391.37", "SQLite format", "alma", "bert"):
            assert secret.encode() not in content, (path.name, secret)


def test_the_logs_name_no_contact_no_amount_and_no_text(written: Any) -> None:
    alma, bert, _ = written
    for person, other in ((alma, "bert"), (bert, "alma")):
        log = person.log.read_text()
        assert "Connected with" in log
        for secret in (MARKER, NOTE, PETNAME, OTHER_PETNAME, other, "7391", "739137"):
            assert secret not in log, (person.name, secret)


def test_the_files_of_a_profile_are_the_owners_alone(written: Any) -> None:
    alma, *_ = written
    assert alma.home.stat().st_mode & 0o077 == 0
    for path in alma.home.rglob("*"):
        # A network file without a key, the lock and the process id tell nobody anything.
        if path.name.startswith(("store.db", "key", "node.sock")):
            assert path.stat().st_mode & 0o077 == 0, path.name
