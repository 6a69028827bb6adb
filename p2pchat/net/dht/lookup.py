"""One search for the nodes nearest to a key, as a value that is fed answers (Kademlia §2.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from p2pchat.core.ids import DeviceId
from p2pchat.net.dht.contact import Contact
from p2pchat.net.dht.record import distance, position

PARALLEL: Final = 3
"""Queries in flight at a time (the paper's α)."""
BREADTH: Final = 8
"""A search ends when so many of the nearest nodes have answered: as many as keep a record."""
MAX_QUERIES: Final = 64
"""A search ends here whatever it is told: liars may invent ever nearer nodes."""


class Lookup:
    """Asks nearer and nearer nodes until the nearest ones that answer have all been asked.

    Take contacts to ask from `next`, and tell with `answered` or `failed` how it went. The order of
    answers changes how many queries are needed, but not who is found among honest nodes.
    """

    def __init__(self, key: bytes, own: DeviceId, seeds: Iterable[Contact]) -> None:
        self._key = key
        self._own = own
        self._candidates: dict[DeviceId, Contact] = {}
        self._asked: set[DeviceId] = set()
        self._answered: set[DeviceId] = set()
        self._pending: set[DeviceId] = set()
        self._learn(seeds)

    def next(self) -> Contact | None:
        """The next contact to ask, or None while enough are in flight or when the search is over."""
        if len(self._pending) >= PARALLEL or len(self._asked) >= MAX_QUERIES:
            return None
        for contact in self._nearest(BREADTH):
            if contact.device not in self._asked:
                self._asked.add(contact.device)
                self._pending.add(contact.device)
                return contact
        return None

    def answered(self, device: DeviceId, nearer: Iterable[Contact]) -> None:
        """`device` answered with the nodes it knows nearest to the key."""
        self._pending.discard(device)
        self._answered.add(device)
        self._learn(nearer)

    def failed(self, device: DeviceId) -> None:
        """`device` did not answer, or not sensibly."""
        self._pending.discard(device)
        self._candidates.pop(device, None)

    @property
    def pending(self) -> int:
        """Queries in flight."""
        return len(self._pending)

    def found(self) -> list[Contact]:
        """The nearest nodes that answered, nearest first: those that keep what belongs to the key."""
        return [
            contact for contact in self._nearest(len(self._candidates)) if contact.device in self._answered
        ][:BREADTH]

    def _learn(self, contacts: Iterable[Contact]) -> None:
        for contact in contacts:
            if contact.device != self._own and contact.device not in self._asked and contact.addresses:
                self._candidates.setdefault(contact.device, contact)

    def _nearest(self, count: int) -> list[Contact]:
        ordered = sorted(
            self._candidates.values(), key=lambda contact: distance(position(contact.device), self._key)
        )
        return ordered[:count]
