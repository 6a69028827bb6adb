"""What messages cost in one process, without network and API, beside the same work done bare.

Two stores on the disk; texts go from one to the other by the same functions that a node calls, in
batches that share a commit. CPU time counts, so that other programs on the machine change little.
"""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import vodozemac
from nacl.secret import Aead, SecretBox

from benchmarks.figures import Sample
from benchmarks.people import text
from p2pchat.api import schema as s
from p2pchat.api.methods import CHANGES, QUERIES
from p2pchat.config import Home
from p2pchat.core.direct.frames import Ack
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import EntryId, PersonId
from p2pchat.core.keys import tagged_hash
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import envelopes
from p2pchat.store import messages, people
from p2pchat.store.database import Database
from p2pchat.store.transaction import Reader, Transaction

COUNT, BATCH = 2048, 128
HISTORY = 100_000
KEY = b"k" * 32


class Side:
    """One person's store, and the steps of a courier."""

    def __init__(self, folder: Path, name: str) -> None:
        home = Home(folder)
        home.create()
        home.network_file.write_text('name = "bench"\n')
        self.database = Database.create(home.store, KEY)
        self.app = self.database.transact(lambda tx: App.create(tx, home, name, _now_ms, os.urandom)).result

    def change(self, method: str, params: s.Params) -> s.Result:
        """What a method answers."""
        return self.database.transact(lambda tx: CHANGES[method](self.app, tx, params)).result

    def write(self, to: str, texts: list[str]) -> None:
        """Send texts in one commit."""
        sends = [s.Send(chat=to, text=one) for one in texts]
        for outcome in self.database.transact_each(
            [lambda tx, it=one: CHANGES["message.send"](self.app, tx, it) for one in sends]
        ):
            if isinstance(outcome, Exception):
                raise outcome

    def seal(self, other: Side) -> list[bytes]:
        """The envelopes to go out now; a session is begun if there is none."""
        while True:
            work = self.database.transact(
                lambda tx: envelopes.work(self.app, tx, other.app.device, frozenset(), most=16)
            ).result
            if not work.needs_bundle:
                return [sealed for _, sealed in work.envelopes]
            self._hello(other)

    def _hello(self, other: Side) -> None:
        question = envelopes.ask_hello(self.app, wants_bundle=True)
        answer = other.database.transact(
            lambda tx: envelopes.answer_hello(other.app, tx, self.app.device, question)
        ).result
        self.database.transact(lambda tx: envelopes.take_hello(self.app, tx, other.app.device, answer))

    def take(self, other: Side, sealed: list[bytes]) -> tuple[EntryId, ...]:
        """Open envelopes in one commit; what to acknowledge."""
        answers = self.database.transact(
            lambda tx: [envelopes.receive(self.app, tx, other.app.device, one) for one in sealed]
        ).result
        return tuple(id for answer in answers if isinstance(answer, Ack) for id in answer.ids)

    def carry(self, other: Side) -> float:
        """Deliver all that waits for `other`; the seconds of CPU that took the receiving side."""
        took = 0.0
        while sealed := self.seal(other):
            began = time.process_time()
            ids = other.take(self, sealed)
            took += time.process_time() - began
            self.database.transact(
                lambda tx, it=ids: envelopes.acknowledged(self.app, tx, other.app.device, it)
            )
        return took

    def lengthen(self, count: int) -> None:
        """Put `count` lines into the chat with the only contact, as if they had come."""
        known = self.database.read(
            lambda tx: messages.page(
                tx, direct_conversation(self.app.person, self._contact(tx)), before=None, limit=1
            )
        )[0]
        for first in range(0, count, 5000):
            lines = [
                replace(
                    known,
                    id=EntryId(tagged_hash("line", known.id, n.to_bytes(8))),
                    lamport=known.lamport - count + n,
                    text=text(n),
                    event=None,
                )
                for n in range(first, min(first + 5000, count))
            ]
            self.database.transact(lambda tx, some=lines: [messages.add(tx, one) for one in some])

    def _contact(self, tx: Reader) -> PersonId:
        (contact,) = people.persons(tx, "accepted")
        return contact.id

    def ask(self, method: str, params: s.Params) -> float:
        """Seconds of CPU that a query takes."""
        return cpu(lambda: self.database.read(lambda tx: QUERIES[method](self.app, tx, params)))

    def look_s(self) -> float:
        """Seconds of CPU to open the chat and to search in it, at best."""
        return min(
            self.ask("message.history", s.History(chat="ann", limit=50))
            + self.ask("message.search", s.Search(text="fox 00001", limit=50))
            for _ in range(5)
        )


def _now_ms() -> int:
    return time.time_ns() // 10**6


@contextmanager
def contacts() -> Iterator[tuple[Side, Side]]:
    """Two contacts with stores in a temporary folder."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ann, ben = (Side(folder / name, name) for name in ("ann", "ben"))
        stack.callback(ann.database.close)
        stack.callback(ben.database.close)
        link = ann.change("invite.create", s.Nothing())
        assert isinstance(link, s.Invite)
        ben.change("contact.add", s.AddContact(link=link.link))
        _rest(ann, ben)
        ann.change("request.accept", s.Accept(who="ben"))
        _rest(ann, ben)
        yield ann, ben


def _rest(ann: Side, ben: Side) -> None:
    for _ in range(3):
        ben.carry(ann)
        ann.carry(ben)


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU that `work` takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def bare(folder: Path, count: int) -> float:
    """Seconds of CPU for the limit: SecretBox and one row in plain SQLite for each text, in batches."""
    store = sqlite3.connect(folder / f"{random.random()}.db", isolation_level=None)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, person TEXT, text BLOB, at INTEGER)")
    box, bodies = SecretBox(KEY), [text(n).encode() for n in range(count)]

    def work() -> None:
        for first in range(0, count, BATCH):
            store.execute("BEGIN")
            for body in bodies[first : first + BATCH]:
                opened = box.decrypt(bytes(box.encrypt(body)))
                store.execute("INSERT INTO message (person, text, at) VALUES ('ann', ?, 0)", (opened,))
            store.execute("COMMIT")

    took = cpu(work)
    store.close()
    return took


class Core:
    """The rig of the steps without a network."""

    system = "p2pchat"

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Two contacts, and a store with a long history."""
        with contacts() as (self._ann, self._ben):
            self._ann.write("ben", [text(n) for n in range(BATCH)])
            self._ann.carry(self._ben)
            self._is_long = False
            yield

    def round(self) -> Iterator[Sample]:
        """One round of all its metrics."""
        yield Sample("ingest", COUNT / self._ingest())
        yield Sample("seal_of_limit", self._one_by_one())
        if not self._is_long:
            self._ben.lengthen(HISTORY)
            self._is_long = True
        yield Sample("search", 1e3 * self._ben.ask("message.search", s.Search(text="fox 00777")))
        yield Sample("page", 1e3 * self._ben.ask("message.history", s.History(chat="ann", limit=50)))

    def _ingest(self) -> float:
        took = 0.0
        for first in range(0, COUNT, BATCH):
            self._ann.write("ben", [text(n) for n in range(first, first + BATCH)])
            took += self._ann.carry(self._ben)
        return took

    def _one_by_one(self, count: int = 100) -> float:
        """The limit's share of: queue, seal, commit, open, commit of single messages."""
        ours = raw = 0.0
        step = _raw_step(Path(tempfile.mkdtemp(dir=self._ann.app.home.directory)))
        for number in range(count):
            self._ann.write("ben", [text(number)])
            began = time.perf_counter()
            sealed = self._ann.seal(self._ben)
            ids = self._ben.take(self._ann, sealed)
            middle = time.perf_counter()
            step(text(number).encode())
            raw += time.perf_counter() - middle
            ours += middle - began
            self._ann.database.transact(
                lambda tx, it=ids: envelopes.acknowledged(self._ann.app, tx, self._ben.app.device, it)
            )
        return raw / ours


def _raw_step(folder: Path) -> Callable[[bytes], None]:
    """vodozemac, an outer AEAD and a commit (synchronous=FULL, encrypted store) on both sides."""
    stores = [Database.create(folder / f"{name}.db", KEY) for name in ("one", "two")]
    alice, bob = vodozemac.Account(), vodozemac.Account()
    bob.generate_one_time_keys(1)
    (key,) = bob.one_time_keys.values()
    sender = alice.create_outbound_session(bob.curve25519_key, key)
    first = sender.encrypt(b"").to_pre_key()
    assert first is not None
    receiver, _ = bob.create_inbound_session(alice.curve25519_key, first)
    sender.decrypt(receiver.encrypt(b""))
    aead = Aead(KEY)

    def keep(database: Database, state: str, body: bytes) -> None:
        def change(tx: Transaction) -> None:
            tx.execute("INSERT OR REPLACE INTO meta VALUES ('state', ?)", (state.encode(),))
            tx.execute("INSERT INTO meta VALUES (hex(randomblob(16)), ?)", (body,))

        database.transact(change)

    def step(body: bytes) -> None:
        kind, inner = sender.encrypt(body).to_parts()
        sealed = bytes(aead.encrypt(inner, b"ad"))
        keep(stores[0], sender.pickle(KEY), sealed)
        opened = receiver.decrypt(vodozemac.AnyOlmMessage.from_parts(kind, aead.decrypt(sealed, b"ad")))
        keep(stores[1], receiver.pickle(KEY), opened)

    return step


if __name__ == "__main__":
    rig = Core()
    with rig.ready():
        for _ in range(3):
            print({metric: round(value, 2) for metric, value in rig.round()})
