"""Persons who do things to a group, each knowing what he has heard so far."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from p2pchat.core.group.encoding import encode_operation
from p2pchat.core.group.graph import Act, read_act
from p2pchat.core.group.group import Group
from p2pchat.core.group.operations import KIND, Add, Create, Operation, Policy, Role, Seen
from p2pchat.core.group.view import GroupView
from p2pchat.core.identity import Card, DeviceCertificate
from p2pchat.core.ids import DeviceId, EntryId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.log.entry import NO_CONVERSATION, ChainHead, Entry, author

_cards: dict[bytes, Card] = {}


def read_card(raw: bytes) -> Card:
    """`Card.decode`, remembered: thousands of groups are made of the same few persons."""
    if raw not in _cards:
        _cards[raw] = Card.decode(raw)
    return _cards[raw]


class Person:
    """A root key, devices, and a view of the group."""

    def __init__(self, name: str, clock: itertools.count[int]) -> None:
        self.name = name
        self.root = SigningKey(name.encode().ljust(32, b"\0"))
        self.id = PersonId(self.root.public)
        self.clock = clock
        self.device_key = self.key("phone")
        self.card = self.sign_card(1, "phone")
        self.group: Group | None = None
        self.acts: dict[EntryId, tuple[Act, Entry]] = {}

    def key(self, device: str) -> SigningKey:
        return SigningKey(f"{self.name} {device}".encode().ljust(32, b"\0"))

    def device(self, device: str = "phone") -> DeviceId:
        return DeviceId(self.key(device).public)

    def sign_card(self, version: int, *devices: str) -> bytes:
        certificates = tuple(
            DeviceCertificate.issue(self.root, self.key(device), bytes(32), 1) for device in devices
        )
        return Card(self.id, version, self.name, certificates, (), 1).sign(self.root)

    def found(self, name: str = "friends", policy: Policy | None = None) -> Act:
        return self.do(Create(self.id, b"n" * 16, name, policy or Policy(), self.card))

    def do(self, operation: Operation, *, sent_ms: int | None = None) -> Act:
        """Do something, knowing all that was heard."""
        mine = [e for _, e in self.acts.values() if e.header.device == self.device_key.public]
        last = max(mine, key=lambda entry: entry.header.seq, default=None)
        heads = sorted(self.group.frontier) if self.group else []
        entry = author(
            self.device_key,
            self.group.graph.group if self.group else NO_CONVERSATION,
            chain=ChainHead(last.header.seq, last.id) if last else None,
            heads=tuple(heads),
            lamport=max((self.acts[id][1].header.lamport for id in heads), default=0),
            sent_ms=next(self.clock) if sent_ms is None else sent_ms,
            kind=KIND,
            body=encode_operation(operation),
        )
        act = read_act(entry, self.group.frontier if self.group else frozenset(), read_card=read_card)
        self.take(act, entry)
        return act

    def take(self, act: Act, entry: Entry) -> None:
        if act.id not in self.acts:
            self.acts[act.id] = act, entry
            if self.group is None:
                self.group = Group(act)
            else:
                self.group.add(act)

    def hear(self, *others: Person) -> None:
        """Learn all that `others` know."""
        for other in others:
            for act, entry in list(other.acts.values()):
                self.take(act, entry)

    @property
    def view(self) -> GroupView:
        assert self.group is not None
        return self.group.view()

    def role(self, of: Person) -> Role | None:
        member = self.view.members.get(of.id)
        return member.role if member else None

    def add(self, person: Person, role: Role = Role.MEMBER) -> Act:
        return self.do(Add(self.id, person.id, role, person.card))


class World:
    """Persons by name, on one clock."""

    def __init__(self) -> None:
        self.clock = itertools.count(1000)
        self.persons: dict[str, Person] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.persons.setdefault(name, Person(name, self.clock))

    def gather(self, founder: str, **roles: Role) -> None:
        """A group in which everybody knows everything so far."""
        getattr(self, founder).found()
        for name, role in roles.items():
            getattr(self, founder).add(getattr(self, name), role)
        self.talk()

    def talk(self) -> None:
        """Everybody tells everybody what he knows."""
        for one, other in itertools.product(self.persons.values(), repeat=2):
            if one is not other and other.group is not None:
                one.hear(other)

    def agree(self) -> GroupView:
        """The view that all have after talking."""
        self.talk()
        views = [person.view for person in self.persons.values() if person.group]
        assert all(view == views[0] for view in views)
        return views[0]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def new_world() -> Callable[[], World]:
    return World


@pytest.fixture
def seen() -> Callable[..., Seen]:
    return lambda *heights: Seen(tuple(sorted(heights)))
