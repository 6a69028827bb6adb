"""People with real stores and no network: what one hands to the other is in the test's hands."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path
from typing import Any, Final

import pytest

from p2pchat.api import schema as s
from p2pchat.api.methods import CHANGES, QUERIES
from p2pchat.config import Home
from p2pchat.core.direct.frames import Ack, EnvelopeId, Nak, NakReason
from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.core.sync.session import SyncSession
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import envelopes
from p2pchat.node.features.group import group_log, group_messages, group_views
from p2pchat.node.features.people import restore
from p2pchat.node.words import backup_key
from p2pchat.store import backup
from p2pchat.store.database import Database
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.transaction import Transaction

NAMES: Final = ("ann", "ben", "cleo")
NETWORK: Final = 'name = "paper"\n'
START_MS: Final = 1_750_000_000_000
WINDOW: Final = 4
ROUNDS: Final = 200  # more than any two need to come to rest


class Person:
    """One person on one device: a store, and the part of a courier that needs no network."""

    def __init__(
        self,
        directory: Path,
        *,
        name: str | None = None,
        seed: int = 0,
        root: bytes | None = None,
        clock_ms: int = START_MS,
    ) -> None:
        self.home = Home(directory)
        self._random = random.Random(f"{directory.name} {seed}")
        self._clock = clock_ms
        if name is None:
            self._open()
        else:
            self.home.create()
            self.home.network_file.write_text(NETWORK)
            self.database = Database.create(self.home.store, _key(directory))
            self.app = self.database.transact(
                lambda tx: App.create(tx, self.home, name, self._now_ms, self._random.randbytes, seed=root)
            ).result
        self.in_flight: defaultdict[DeviceId, set[EnvelopeId]] = defaultdict(set)  # by receiver

    def _now_ms(self) -> int:
        self._clock += 1
        return self._clock

    def _open(self) -> None:
        self.database = Database.open(self.home.store, _key(self.home.directory))
        self.app = self.database.read(
            lambda tx: App.load(tx, self.home, self._now_ms, self._random.randbytes)
        )

    def back_up(self, path: Path) -> None:
        """Write a backup to `path`."""
        key = backup_key(self.app.root.seed)
        backup.create(self.database, path, key, created_ms=self._now_ms())

    @classmethod
    def restored(cls, lost: Person, path: Path, directory: Path) -> Person:
        """Who comes of the backup at `path` of a person whose store is lost, in `directory`."""
        lost.close()
        home = Home(directory)
        home.create()
        home.network_file.write_text(NETWORK)
        chances = random.Random(f"restored {directory}")

        def adopt(tx: Transaction) -> None:
            restore.begin_anew(App.load(tx, home, lost._now_ms, chances.randbytes), tx)

        key = backup_key(lost.app.root.seed)
        backup.restore(path, key, home.store, _key(directory), adopt=adopt)
        person = cls(directory, seed=1)
        person._clock = lost._clock
        return person

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

    def change_each(self, *changes: tuple[str, s.Params]) -> None:
        """Several changes that share a commit."""
        outcomes = self.database.transact_each(
            [lambda tx, it=one: CHANGES[it[0]](self.app, tx, it[1]) for one in changes]
        )
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    def query(self, method: str, params: s.Params) -> Any:
        """What a reading method of the local API answers."""
        return self.database.read(lambda tx: QUERIES[method](self.app, tx, params))

    # --- the courier's steps, each one transaction ---------------------------------------------

    def seal(self, other: Person, *, hello_is_lost: bool = False) -> list[bytes]:
        """The envelopes that go out to `other` now."""
        in_flight = self.in_flight[other.device]
        if len(in_flight) >= WINDOW:
            return []
        work = self.database.transact(
            lambda tx: envelopes.work(
                self.app, tx, other.device, frozenset(in_flight), most=WINDOW - len(in_flight)
            )
        ).result
        if work.needs_bundle:
            self.hello(other, wants_bundle=True, answer_is_lost=hello_is_lost)
            return []
        in_flight.update(id for id, _ in work.envelopes)
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
            self.in_flight[other.device].difference_update(answer.ids)
            return
        self.in_flight[other.device].discard(answer.id)
        match answer.reason:
            case NakReason.UNKNOWN_DEVICE:
                self.hello(other, wants_bundle=False)
            case NakReason.UNDECRYPTABLE:
                if self.database.transact(
                    lambda tx: envelopes.undecryptable(self.app, tx, other.device, answer.id)
                ).result:
                    self.in_flight[other.device].clear()
                    self.hello(other, wants_bundle=True)
            case NakReason.REFUSED:
                self.database.transact(lambda tx: envelopes.refused(self.app, tx, other.device, answer.id))

    def take_frame(self, other: Person, session: SyncSession, group: GroupId, frame: bytes) -> None:
        """Take a frame of reconciliation, as the node's shell does."""

        def take(tx: Transaction) -> None:
            entries = session.receive(frame, StoredLog(tx, group))
            group_log.take_entries(self.app, tx, group, entries)
            if session.peer_heights is not None:
                group_log.peer_holds(self.app, tx, group, other.device, session.peer_heights)

        self.database.transact(take)

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
        return [one for one in self.query("iou.list", s.IouQuery()).ious if one.mine_to_decide]


def _key(directory: Path) -> bytes:
    return directory.name.encode().ljust(32, b".")


def reconcile(one: Person, other: Person, group: GroupId, *, most: int | None = None) -> None:
    """Reconcile a group's log between two members; the connection breaks after `most` frames."""
    ends = [(person, SyncSession(group, initiator=person is one)) for person in (one, other)]
    for person, peer in ((one, other), (other, one)):
        if group not in person.database.read(
            lambda tx, me=person, it=peer: group_views.shared_with(me.app, tx, it.device)
        ):
            return
    one.database.read(lambda tx: ends[0][1].start(StoredLog(tx, group)))
    carried, silent = 0, 0
    while silent < len(ends) and (most is None or carried < most):
        (sender, session), (receiver, its_session) = ends
        frame = sender.database.read(lambda tx, it=session: it.next_frame(StoredLog(tx, group)))
        silent = silent + 1 if frame is None else 0
        if frame is not None:
            carried += 1
            receiver.take_frame(sender, its_session, group, frame)
        ends.reverse()


def bring_to_rest(*people: Person, group: GroupId | None = None) -> None:
    """Carry everything between all of them over connections that lose nothing."""
    for person in people:
        person.in_flight.clear()
    for _ in range(ROUNDS):
        before = [person.query("node.status", s.Nothing()).cursor for person in people]
        for sender, receiver in permutations(people, 2):
            for sealed in sender.seal(receiver):
                sender.hear(receiver, receiver.take(sender, sealed))
        if group:
            for one, other in combinations(people, 2):
                reconcile(one, other, group)
            for person in people:
                others = {other.device for other in people} - {person.device}
                person.database.transact(
                    lambda tx, me=person, of=others: group_messages.ask_for_keys(
                        me.app, group, sorted(of), tx, most=99
                    )
                )
        queued = sum(person.query("node.status", s.Nothing()).outbox for person in people)
        if not queued and before == [person.query("node.status", s.Nothing()).cursor for person in people]:
            return
    raise AssertionError(f"no rest after {ROUNDS} rounds; {queued} items are still queued")


@dataclass(frozen=True)
class Workshop:
    """Makes acquainted people, quickly: copies of the first three."""

    template: Path
    folder: Path
    group: GroupId

    def contacts(self, number: int) -> tuple[Person, Person]:
        """Two contacts at rest, in stores of their own; `number` seeds their chances."""
        ann, ben, cleo = self.members(number)
        cleo.close()
        return ann, ben

    def members(self, number: int) -> tuple[Person, Person, Person]:
        """Three members of #trip, at rest; Ben and Cleo are contacts of Ann, not of each other."""
        home = Path(tempfile.mkdtemp(prefix=f"{number}-", dir=self.folder)) / "homes"
        shutil.copytree(self.template, home)
        ann, ben, cleo = (Person(home / name, seed=number) for name in NAMES)
        return ann, ben, cleo

    def restored(self, lost: Person, file: Path) -> Person:
        """Who comes of the backup in `file` of somebody whose store is lost."""
        return Person.restored(lost, file, file.with_name(f"restored {lost.home.directory.name}"))

    person = Person
    rest = staticmethod(bring_to_rest)
    reconcile = staticmethod(reconcile)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    template, folder = tmp_path_factory.mktemp("template"), tmp_path_factory.mktemp("copies")
    ann, *guests = people = [Person(template / name, name=name) for name in NAMES]
    link = ann.change("invite.create", s.Nothing()).link
    for guest in guests:
        guest.change("contact.add", s.AddContact(link=link))
        bring_to_rest(ann, guest)
        ann.change("request.accept", s.Accept(who=guest.app.name))
        bring_to_rest(ann, guest)
    group = GroupId.parse(ann.change("group.create", s.CreateGroup(name="trip")).group)
    for guest in guests:
        ann.change("group.invite", s.GroupWho(group="trip", who=guest.app.name))
        bring_to_rest(ann, guest)
        guest.change("group.accept", s.GroupName(group="trip"))
    bring_to_rest(*people, group=group)
    for person in people:
        person.close()
    yield Workshop(template, folder, group)
    shutil.rmtree(folder)
