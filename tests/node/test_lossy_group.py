"""A group of three whose connections break at any moment, while their nodes crash.

At every moment each sees the messages of every author in order and none twice; once the connections
hold, all see the same chat and can read all of it.
"""

from __future__ import annotations

from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from p2pchat.api import schema as s

WHO = st.integers(min_value=0, max_value=2)
TWO = st.permutations([0, 1, 2]).map(lambda order: order[:2])
_numbers = count(1_000_000)


class Connections(RuleBasedStateMachine):
    """What may happen between members."""

    workshop: Any

    @initialize()
    def meet(self) -> None:
        self.people = self.workshop.members(next(_numbers))
        self.written: list[list[str]] = [[], [], []]

    def teardown(self) -> None:
        if not hasattr(self, "people"):
            return
        try:
            self.workshop.rest(*self.people, group=self.workshop.group)
            self.check_the_end()
        finally:
            for person in self.people:
                person.close()

    @rule(who=WHO, lines=st.integers(min_value=1, max_value=3))
    def write(self, who: int, lines: int) -> None:
        texts = [f"{who}.{len(self.written[who]) + line}" for line in range(lines)]
        sends = [("message.send", s.Send(chat="#trip", text=text)) for text in texts]
        self.people[who].change_each(*sends)  # in one commit, so under one key from the second on
        self.written[who] += texts

    @rule(two=TWO, frames=st.integers(min_value=1, max_value=12))
    def reconcile(self, two: list[int], frames: int) -> None:
        one, other = (self.people[index] for index in two)
        self.workshop.reconcile(one, other, self.workshop.group, most=frames)

    @rule(two=TWO, arrives=st.booleans(), answered=st.booleans())
    def carry(self, two: list[int], arrives: bool, answered: bool) -> None:
        """Envelopes, which hold the keys of the group's messages."""
        sender, receiver = (self.people[index] for index in two)
        for sealed in sender.seal(receiver):
            if arrives:
                answer = receiver.take(sender, sealed)
                if answered:
                    sender.hear(receiver, answer)
        if not answered:
            sender.in_flight.clear()

    @rule(who=WHO)
    def crash(self, who: int) -> None:
        self.people[who].crash()

    @rule(who=WHO)
    def lose_the_sessions(self, who: int) -> None:
        """As after a backup: the ratchets with the others are gone."""
        self.people[who].database.transact(lambda tx: tx.execute("DELETE FROM ratchet"))

    @invariant()
    def each_sees_every_author_in_order_and_nothing_twice(self) -> None:
        for person in self.people:
            numbers: list[list[int]] = [[], [], []]
            for text in self.texts(person):
                author, number = map(int, text.split("."))
                numbers[author].append(number)
            for seen in numbers:
                assert all(early < late for early, late in pairwise(seen))

    def check_the_end(self) -> None:
        shown = [self.texts(person) for person in self.people]
        assert shown[0] == shown[1] == shown[2]
        assert sorted(shown[0]) == sorted(text for lines in self.written for text in lines)
        for person in self.people:
            for one in self.messages(person):
                assert one.kind != "sealed"
                assert not one.mine or one.kind != "text" or one.state == "delivered"

    def messages(self, person: Any) -> list[s.Message]:
        return list(person.query("message.history", s.History(chat="#trip", limit=500)).messages)

    def texts(self, person: Any) -> list[str]:
        return [one.text for one in self.messages(person) if one.kind == "text"]


@pytest.fixture
def connections(workshop: Any) -> type[Connections]:
    return type("Connections", (Connections,), {"workshop": workshop})


def test_however_connections_break_all_members_end_with_the_same_readable_chat(connections: Any) -> None:
    run_state_machine_as_test(
        connections,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
