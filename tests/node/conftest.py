"""People with real stores and no network: what one hands to the other is in the test's hands."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from p2pchat.api import schema as s
from p2pchat.api.methods import CHANGES, QUERIES
from p2pchat.config import Home
from p2pchat.core.direct.frames import Ack, EnvelopeId, Nak, NakReason
from p2pchat.core.ids import DeviceId
from p2pchat.node.features import envelopes
from p2pchat.node.features.app import App
from p2pchat.store.database import Database

NETWORK: Final = 'name = "paper"\n'
START_MS: Final = 1_750_000_000_000
WINDOW: Final = 4
ROUNDS: Final = 200  # more than any two need to come to rest


class Person:
    """One person on one device: a store, and the part of a courier that needs no network."""

    def __init__(self, directory: Path, *, name: str | None = None, seed: int = 0) -> None:
        self.home = Home(directory)
        self._random = random.Random(f"{directory.name} {seed}")
        self._clock = START_MS
        if name is None:
            self._open()
        else:
            self.home.create()
            self.home.network_file.write_text(NETWORK)
            self.database = Database.create(self.home.store, _key(directory))
            self.app = self.database.transact(
                lambda tx: App.create(tx, self.home, name, self._now_ms, self._random.randbytes)
            ).result
        self.in_flight: set[EnvelopeId] = set()

    def _now_ms(self) -> int:
        self._clock += 1
        return self._clock

    def _open(self) -> None:
        self.database = Database.open(self.home.store, _key(self.home.directory))
        self.app = self.database.read(
            lambda tx: App.load(tx, self.home, self._now_ms, self._random.randbytes)
        )

    def crash(self) -> None:
        """Lose whatever is not on the disk, and start again."""
        self.database.close()
        self._open()
        self.in_flight.clear()

    def close(self) -> None:
        self.database.close()

    @property
    def device(self) -> DeviceId:
        return self.app.device

    def change(self, method: str, params: s.Params) -> Any:
        """What a changing method of the local API answers."""
        return self.database.transact(lambda tx: CHANGES[method](self.app, tx, params)).result

    def query(self, method: str, params: s.Params) -> Any:
        """What a reading method of the local API answers."""
        return self.database.read(lambda tx: QUERIES[method](self.app, tx, params))

    # --- the courier's steps, each one transaction ---------------------------------------------

    def seal(self, other: Person, *, hello_is_lost: bool = False) -> list[bytes]:
        """The envelopes that go out to `other` now."""
        work = self.database.transact(
            lambda tx: (
                envelopes.work(
                    self.app, tx, other.device, frozenset(self.in_flight), most=WINDOW - len(self.in_flight)
                )
                if len(self.in_flight) < WINDOW
                else envelopes.Work([])
            )
        ).result
        if work.needs_bundle:
            self.hello(other, wants_bundle=True, answer_is_lost=hello_is_lost)
            return []
        self.in_flight.update(id for id, _ in work.envelopes)
        return [sealed for _, sealed in work.envelopes]

    def hello(self, other: Person, *, wants_bundle: bool, answer_is_lost: bool = False) -> None:
        """Ask `other` who he is, and for prekeys."""
        question = envelopes.ask_hello(self.app, wants_bundle=wants_bundle)
        answer = other.database.transact(
            lambda tx: envelopes.answer_hello(other.app, tx, self.device, question)
        ).result
        if not answer_is_lost:
            self.database.transact(lambda tx: envelopes.take_hello(self.app, tx, other.device, answer))

    def take(self, other: Person, sealed: bytes) -> Ack | Nak:
        """What we answer to an envelope of `other`."""
        return self.database.transact(lambda tx: envelopes.receive(self.app, tx, other.device, sealed)).result

    def hear(self, other: Person, answer: Ack | Nak) -> None:
        """What `other` answered to an envelope of ours."""
        if isinstance(answer, Ack):
            self.database.transact(lambda tx: envelopes.acknowledged(self.app, tx, other.device, answer.ids))
            self.in_flight.difference_update(answer.ids)
            return
        self.in_flight.discard(answer.id)
        match answer.reason:
            case NakReason.UNKNOWN_DEVICE:
                self.hello(other, wants_bundle=False)
            case NakReason.UNDECRYPTABLE:
                if self.database.transact(
                    lambda tx: envelopes.undecryptable(tx, other.device, answer.id)
                ).result:
                    self.in_flight.clear()
                    self.hello(other, wants_bundle=True)
            case NakReason.REFUSED:
                self.database.transact(lambda tx: envelopes.refused(self.app, tx, other.device, answer.id))

    # --- what the person sees ------------------------------------------------------------------

    def messages(self, other: Person) -> list[s.Message]:
        page = self.query("message.history", s.History(chat=other.app.person.text, limit=500))
        assert not page.more
        return list(page.messages)

    def texts_of(self, other: Person) -> list[str]:
        """What `other` wrote, as it is shown here."""
        return [one.text for one in self.messages(other) if not one.mine and one.kind == "text"]

    def cents(self, other: Person) -> int:
        """What `other` owes us."""
        found = self.query("iou.balance", s.BalanceQuery(who=other.app.person.text)).balances
        return sum(one.minor for one in found)

    def decidable(self) -> list[s.Iou]:
        return [one for one in self.query("iou.list", s.BalanceQuery()).ious if one.mine_to_decide]


def _key(directory: Path) -> bytes:
    return directory.name.encode().ljust(32, b".")


def bring_to_rest(one: Person, other: Person) -> None:
    """Carry everything both ways over a connection that loses nothing."""
    for person in (one, other):
        person.in_flight.clear()
    for _ in range(ROUNDS):
        idle = True
        for sender, receiver in ((one, other), (other, one)):
            for sealed in sender.seal(receiver):
                idle = False
                sender.hear(receiver, receiver.take(sender, sealed))
        queued = [person.query("node.status", s.Nothing()).outbox for person in (one, other)]
        if idle and not any(queued):
            return
    raise AssertionError(f"no rest after {ROUNDS} rounds; the outboxes hold {queued}")


@dataclass(frozen=True)
class Workshop:
    """Makes pairs of contacts, quickly: each pair is a copy of the first."""

    template: Path
    folder: Path

    def contacts(self, number: int) -> tuple[Person, Person]:
        """Two contacts at rest, in stores of their own; `number` seeds their chances."""
        home = self.folder / str(number)
        shutil.copytree(self.template, home)
        return Person(home / "ann", seed=number), Person(home / "ben", seed=number)

    def strangers(self, number: int) -> tuple[Person, Person]:
        """Two people who know nothing of each other."""
        home = self.folder / f"strangers {number}"
        home.mkdir()
        return Person(home / "ann", name="ann", seed=number), Person(home / "ben", name="ben", seed=number)

    rest = staticmethod(bring_to_rest)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    template, folder = tmp_path_factory.mktemp("template"), tmp_path_factory.mktemp("pairs")
    ann, ben = (Person(template / name, name=name) for name in ("ann", "ben"))
    link = ann.change("invite.create", s.Nothing()).link
    ben.change("contact.add", s.AddContact(link=link))
    bring_to_rest(ann, ben)
    ann.change("request.accept", s.Accept(who="ben"))
    bring_to_rest(ann, ben)
    for person in (ann, ben):
        person.close()
    yield Workshop(template, folder)
    shutil.rmtree(folder)
