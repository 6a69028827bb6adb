"""Two contacts and a carrier that loses, repeats, reorders and replays, while their nodes crash.

At every moment each sees a beginning of what the other wrote, in order, nothing twice; and once the
carrier behaves, both see the same chat and the same balance.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from p2pchat.api import schema as s
from p2pchat.core.direct.frames import Nak, NakReason, envelope_id
from p2pchat.errors import UsageError

SIDES = st.sampled_from([0, 1])
PICK = st.integers(min_value=0, max_value=1000)
_numbers = count()


class Carrier(RuleBasedStateMachine):
    """The rules by which the world may behave."""

    workshop: Any

    @initialize()
    def meet(self) -> None:
        self.people = self.workshop.contacts(next(_numbers))
        self.written: list[list[str]] = [[], []]
        self.ways: list[list[bytes]] = [[], []]  # envelopes of each side that are under way
        self.seen: list[list[bytes]] = [[], []]  # all that the carrier ever had in hand
        self.answers: list[list[Any]] = [[], []]  # to each side's envelopes

    def teardown(self) -> None:
        if not hasattr(self, "people"):
            return
        try:
            self.workshop.rest(*self.people)
            self.check_the_end()
        finally:
            for person in self.people:
                person.close()

    # --- people --------------------------------------------------------------------------------

    @rule(side=SIDES, lines=st.integers(min_value=1, max_value=3))
    def write(self, side: int, lines: int) -> None:
        for _ in range(lines):
            text = f"{side}.{len(self.written[side])}"
            self.me(side).change("message.send", s.Send(chat=self.name(1 - side), text=text))
            self.written[side].append(text)

    @rule(side=SIDES, cents=st.integers(min_value=1, max_value=10**6), asks=st.booleans())
    def owe(self, side: int, cents: int, asks: bool) -> None:
        amount = f"{cents // 100}.{cents % 100:02} EUR"
        kind, params = ("iou.request", s.RequestPay) if asks else ("iou.pay", s.Pay)
        self.me(side).change(kind, params(who=self.name(1 - side), amount=amount))

    @rule(side=SIDES, accept=st.booleans(), pick=PICK)
    def decide(self, side: int, accept: bool, pick: int) -> None:
        open_ones = self.me(side).decidable()
        if open_ones:
            iou = open_ones[pick % len(open_ones)]
            self.me(side).change("iou.accept" if accept else "iou.reject", s.IouId(id=iou.id))

    @rule(side=SIDES, pick=PICK)
    def change_ones_mind(self, side: int, pick: int) -> None:
        """Withdraw, forgive, or be told that it cannot be done."""
        ious = self.me(side).query("iou.list", s.IouQuery()).ious
        if ious:
            with suppress(UsageError):
                self.me(side).change("iou.reject", s.IouId(id=ious[pick % len(ious)].id))

    @rule(side=SIDES)
    def read(self, side: int) -> None:
        self.me(side).change("chat.read", s.ReadChat(chat=self.name(1 - side)))

    # --- the carrier ---------------------------------------------------------------------------

    @rule(side=SIDES, lost=st.booleans())
    def seal(self, side: int, lost: bool) -> None:
        fresh = self.me(side).seal(self.me(1 - side), hello_is_lost=lost)
        self.ways[side] += fresh
        self.seen[side] += fresh

    @precondition(lambda self: any(self.ways))
    @rule(side=SIDES, pick=PICK, keep=st.booleans())
    def deliver(self, side: int, pick: int, keep: bool) -> None:
        way = self.ways[side]
        if way:
            index = pick % len(way)
            sealed = way[index] if keep else way.pop(index)
            self.answers[side].append(self.me(1 - side).take(self.me(side), sealed))

    @precondition(lambda self: any(self.ways))
    @rule(side=SIDES)
    def lose(self, side: int) -> None:
        self.ways[side].clear()

    @precondition(lambda self: any(self.answers))
    @rule(side=SIDES, pick=PICK, heard=st.booleans())
    def answer(self, side: int, pick: int, heard: bool) -> None:
        if self.answers[side]:
            answer = self.answers[side].pop(pick % len(self.answers[side]))
            if heard:
                self.me(side).hear(self.me(1 - side), answer)

    @precondition(lambda self: any(self.seen))
    @rule(side=SIDES, pick=PICK)
    def replay(self, side: int, pick: int) -> None:
        """An envelope that was carried before comes again, however long ago it was."""
        if self.seen[side]:
            self.me(1 - side).take(self.me(side), self.seen[side][pick % len(self.seen[side])])

    @precondition(lambda self: any(self.ways))
    @rule(side=SIDES, pick=PICK)
    def complain(self, side: int, pick: int) -> None:
        """The receiver says that it cannot open an envelope: it has lost its session, or it lies."""
        if self.ways[side]:
            id = envelope_id(self.ways[side][pick % len(self.ways[side])])
            self.me(side).hear(self.me(1 - side), Nak(id, NakReason.UNDECRYPTABLE))

    @rule(side=SIDES)
    def reconnect(self, side: int) -> None:
        """The sender's stream broke: nothing is under way any more, as far as he knows."""
        self.me(side).in_flight.clear()

    @rule(side=SIDES)
    def crash(self, side: int) -> None:
        self.me(side).crash()
        self.answers[side].clear()

    @rule(side=SIDES)
    def lose_the_session(self, side: int) -> None:
        """As after a backup: the ratchet with the other is gone."""
        self.me(side).database.transact(lambda tx: tx.execute("DELETE FROM ratchet"))

    # --- the laws ------------------------------------------------------------------------------

    @invariant()
    def each_sees_a_beginning_of_what_the_other_wrote(self) -> None:
        for side in (0, 1):
            shown = self.me(1 - side).texts_of(self.me(side))
            assert shown == self.written[side][: len(shown)]

    def check_the_end(self) -> None:
        ann, ben = self.people
        assert ann.texts_of(ben) == self.written[1]
        assert ben.texts_of(ann) == self.written[0]
        assert [one.id for one in ann.messages(ben)] == [one.id for one in ben.messages(ann)]
        for one in (*ann.messages(ben), *ben.messages(ann)):
            assert not one.mine or one.state in {"delivered", "read"}
        assert ann.cents(ben) == -ben.cents(ann)
        assert self.ious(0) == self.ious(1)
        assert self.binding_cents() == ann.cents(ben)

    def ious(self, side: int) -> dict[str, tuple[str, str, int]]:
        listed = self.me(side).query("iou.list", s.IouQuery()).ious
        return {one.id: (one.kind, one.state, one.minor) for one in listed}

    def binding_cents(self) -> int:
        """The balance as the sum of the single IOUs."""
        return sum(
            one.minor if one.direction == "owes-me" else -one.minor
            for one in self.me(0).query("iou.list", s.IouQuery()).ious
            if (one.kind, one.state) == ("iou", "binding")
        )

    def me(self, side: int) -> Any:
        return self.people[side]

    def name(self, side: int) -> str:
        return ("ann", "ben")[side]


@pytest.fixture
def carrier(workshop: Any) -> type[Carrier]:
    return type("Carrier", (Carrier,), {"workshop": workshop})


def test_whatever_the_carrier_does_both_end_with_the_same_chat_and_balance(carrier: Any) -> None:
    run_state_machine_as_test(
        carrier,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
