"""Debts that move around three to six people with real stores: all of it, or nothing, whatever breaks."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from itertools import count, permutations
from pathlib import Path
from typing import Any, Final

import pytest

from p2pchat.api import schema as s
from p2pchat.core.ledger import offers, order, probe
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import NotAllowedError, ProtocolError, QuotaError, UsageError
from p2pchat.node.features import maintenance
from p2pchat.node.features.ledger import circulation_intake
from p2pchat.store import passages
from p2pchat.store import people as people_rows

SIZE: Final = 6
EUR: Final = iso_unit("EUR")
DAY_MS: Final = 86_400_000
_numbers = count(8_000_000)


def carry(*people: Any) -> None:
    """Carry everything between these, until none of them has anything more for another."""
    for person in people:
        person.in_flight.clear()
    silent = 0
    while silent < 2:  # the first round may only have asked for prekeys
        silent += 1
        for sender, receiver in permutations(people, 2):
            for sealed in sender.seal(receiver):
                sender.hear(receiver, receiver.take(sender, sealed))
                silent = 0


class Ring:
    """Six people in a circle: each is a contact of the one before and the one behind him."""

    def __init__(self, people: list[Any]) -> None:
        self.people = people

    def rest(self) -> None:
        """Everybody is there, and all has arrived."""
        carry(*self.people)

    def __getitem__(self, index: int) -> Any:
        return self.people[index % len(self.people)]

    def owes(self, debtor: int, creditor: int, amount: str) -> None:
        """A debt that counts."""
        who = self[creditor].app.person.text
        owed = self[debtor].change("iou.pay", s.Pay(who=who, amount=amount))
        self.rest()
        if self.state(creditor, owed.id) == "offered":
            self[creditor].change("iou.accept", s.IouId(id=owed.id))
            self.rest()

    def state(self, index: int, iou: str) -> str:
        (found,) = [one for one in self[index].query("iou.list", s.IouQuery()).ious if one.id == iou]
        return str(found.state)

    def cents(self, one: int, other: int) -> int:
        """What `other` owes `one`, as both say."""
        ours, theirs = self[one].cents(self[other]), self[other].cents(self[one])
        assert ours == -theirs
        return int(ours)

    def balances(self) -> list[dict[tuple[str, str], int]]:
        return [
            {(b.who, b.unit): b.minor for b in one.query("iou.balance", s.BalanceQuery()).balances if b.minor}
            for one in self.people
        ]

    def states(self) -> list[list[str]]:
        return [
            [one.state for one in person.query("circle.list", s.Nothing()).circulations]
            for person in self.people
        ]

    def held(self) -> int:
        """How many holds are open, each counted by both sides who know it."""
        found = [one for person in self.people for one in person.query("iou.list", s.IouQuery()).ious]
        return sum(one.reason == "transfer" and one.state in ("offered", "held") for one in found)

    def let_days_pass(self, days: int = 2) -> None:
        for person in self.people:
            person._clock += days * DAY_MS
            person.database.transact(lambda tx, me=person: maintenance.upkeep(me.app, tx))
            person.database.transact(lambda tx, me=person: maintenance.circulate(me.app, tx))

    def pay(self, payer: int, payee: int, amount: str = "12 EUR") -> None:
        """Pay along the ring by an invoice that is handed over outside of it."""
        invoice = self[payee].change("circle.invoice", s.MakeInvoice(amount=amount)).invoice
        way = [self[index].app.person.text for index in range(payer + 1, payee)]
        self[payer].change("circle.pay-invoice", s.PayInvoice(invoice=invoice, through=way))


@pytest.fixture(scope="module")
def template(workshop: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ring")
    people = [workshop.person(folder / f"p{index}", name=f"p{index}") for index in range(SIZE)]
    for index, person in enumerate(people):
        behind = people[(index + 1) % SIZE]
        link = person.change("invite.create", s.Nothing()).link
        behind.change("contact.add", s.AddContact(link=link))
        carry(person, behind)
        person.change("request.accept", s.Accept(who=behind.app.name))
        carry(person, behind)
        for one, other in ((person, behind), (behind, person)):
            limit = s.SetLimit(who=other.app.name, amount="100 EUR", auto="0", holds="50")
            one.change("iou.limit", limit)
        person.change("circle.take-part", s.TakePart(on=True))
    carry(*people)
    for person in people:
        person.close()
    return folder


@pytest.fixture
def new_ring(workshop: Any, template: Path, tmp_path: Path) -> Iterator[Any]:
    made: list[Any] = []

    def make(size: int = SIZE) -> Ring:
        number = next(_numbers)
        home = tmp_path / str(number)
        shutil.copytree(template, home)
        people = [workshop.person(home / f"p{index}", seed=number) for index in range(size)]
        made.extend(people)
        return Ring(people)

    yield make
    for person in made:
        person.close()


@pytest.fixture
def ring(new_ring: Any) -> Ring:
    """All six."""
    ring: Ring = new_ring()
    return ring


@pytest.mark.parametrize("payee", [1, 2, 5])
def test_a_payment_goes_through_friends_to_somebody_who_is_no_contact(ring: Ring, payee: int) -> None:
    ring.pay(0, payee)
    ring.rest()
    assert [ring.cents(index + 1, index) for index in range(payee)] == [1200] * payee
    assert [states[:1] for states in ring.states()[: payee + 1]] == [["done"]] * (payee + 1)
    assert ring.held() == 0


def test_a_contact_is_paid_through_a_friend_without_an_invoice_by_hand(ring: Ring) -> None:
    ring[0].change("circle.pay", s.PayThrough(who="p1", amount="3 EUR", through=["p5"]))
    ring.rest()
    assert ring.cents(5, 0) == 0, "Nobody knows a way from p5 to p1, so nothing moved"
    ring.owes(5, 0, "3 EUR")
    way = [ring[index].app.person.text for index in (5, 4, 3, 2)]
    ring[0].change("circle.pay", s.PayThrough(who="p1", amount="3 EUR", through=way))
    ring.rest()
    assert (ring.cents(0, 5), ring.cents(1, 2), ring.cents(0, 1)) == (0, 300, 0)


@pytest.mark.parametrize(("failing", "how"), [(1, "off"), (2, "off"), (2, "limit"), (3, "limit")])
def test_where_one_does_not_go_along_nothing_moves(ring: Ring, failing: int, how: str) -> None:
    if how == "off":
        ring[failing].change("circle.take-part", s.TakePart(on=False))
    else:
        who = ring[failing - 1].app.name
        ring[failing].change("iou.limit", s.SetLimit(who=who, amount="100 EUR", holds="11.99"))
    ring.rest()
    ring.pay(0, 3)
    ring.rest()
    assert ring.balances() == [{}] * SIZE
    assert ring.states()[0] == ["cancelled"]
    assert ring.held() == 0


def debts_around(ring: Ring, *amounts: str) -> None:
    """p0 owes p1, p1 owes p2 ... and the last owes p0 (all six are on it)."""
    for index, amount in enumerate(amounts):
        ring.owes(index, (index + 1) % SIZE, amount)


def test_a_circle_of_debts_cancels_out_and_no_debt_grows(new_ring: Any) -> None:
    ring = new_ring()
    four = Ring(ring.people[:4])
    link = ring[3].change("invite.create", s.Nothing()).link
    ring[0].change("contact.add", s.AddContact(link=link))
    four.rest()
    ring[3].change("request.accept", s.Accept(who="p0"))
    four.rest()
    for index, amount in enumerate(("9 EUR", "7 EUR", "8 EUR", "10 EUR")):
        four.owes(index, (index + 1) % 4, amount)
    four[0].change("circle.clear", s.Clear(unit="EUR"))
    four.rest()
    assert [four.cents(index + 1, index) for index in range(4)] == [200, 0, 100, 300]
    assert four.states() == [["done"]] * 4
    assert four.held() == 0


def test_a_circle_of_more_than_five_people_is_not_looked_for(ring: Ring) -> None:
    debts_around(ring, *["5 EUR"] * SIZE)
    before = ring.balances()
    ring[0].change("circle.clear", s.Clear())
    ring.rest()
    assert ring.balances() == before


def test_who_takes_no_part_is_left_alone(ring: Ring) -> None:
    ring[0].change("circle.take-part", s.TakePart(on=False))
    with pytest.raises(NotAllowedError, match="circle on"):
        ring[0].change("circle.clear", s.Clear())
    with pytest.raises(UsageError, match="owe nobody"):
        ring[1].change("circle.clear", s.Clear())
    ring[1].change("circle.take-part", s.TakePart(on=False))
    ring.owes(0, 1, "5 EUR")
    token = probe.encode(probe.Probe(b"t" * 16, EUR, 3, 100))
    sender = ring[1].database.read(lambda tx: people_rows.device(tx, ring[0].device))
    ring[1].database.transact(lambda tx: circulation_intake.take_probe(ring[1].app, tx, sender, token))
    assert ring[1].query("node.status", s.Nothing()).outbox == 0


def test_a_claim_is_handed_on(ring: Ring) -> None:
    """p2 owes p1, and p1 hands that to p0: no way, for p2 and p0 share no account; p1 to itself: no."""
    ring.owes(2, 1, "20 EUR")
    with pytest.raises(UsageError, match=r"owes you 20\.00 EUR"):
        ring[1].change("circle.assign", s.Assign(debtor="p2", amount="20.01 EUR", creditor="p0"))
    ring[1].change("circle.assign", s.Assign(debtor="p2", amount="15 EUR", creditor="p0"))
    ring.rest()
    assert (ring.cents(1, 2), ring.cents(0, 1)) == (2000, 0), "p2 and p0 are no contacts"
    link = ring[2].change("invite.create", s.Nothing()).link
    ring[0].change("contact.add", s.AddContact(link=link))
    ring.rest()
    ring[2].change("request.accept", s.Accept(who="p0"))
    ring[0].change("iou.limit", s.SetLimit(who="p2", amount="100 EUR", auto="0", holds="50"))
    ring.rest()
    ring.owes(1, 0, "10 EUR")
    ring[1].change("circle.assign", s.Assign(debtor="p2", amount="10 EUR", creditor="p0"))
    ring.rest()
    assert (ring.cents(1, 2), ring.cents(0, 1), ring.cents(0, 2)) == (1000, 0, 1000)
    assert ring.held() == 0


@pytest.mark.parametrize("answer", ["circle.accept", "circle.cancel"])
def test_two_units_are_swapped_if_the_other_agrees(ring: Ring, answer: str) -> None:
    beer = s.SetLimit(who="p1", amount="10 beer", auto="0", holds="10")
    ring[0].change("iou.limit", beer)
    ring[0].change("circle.swap", s.ProposeSwap(who="p1", gives="12 EUR", takes="3 beer"))
    ring.rest()
    assert ring.balances() == [{}] * SIZE
    (proposed,) = ring[1].query("circle.list", s.Nothing()).circulations
    assert (proposed.state, proposed.incoming, proposed.outgoing) == ("proposed", "12.00 EUR", "3 beer")
    ring[1].change(answer, s.CirculationRef(id=proposed.id))
    ring.rest()
    moved = answer == "circle.accept"
    assert ring.balances()[0] == ({("p1", "EUR"): -1200, ("p1", "beer"): 3} if moved else {})
    assert ring.held() == 0


def test_a_silent_next_freezes_but_takes_nothing_and_an_end_is_asked_for(ring: Ring) -> None:
    ring.pay(0, 3)
    carry(*ring.people[:3])  # p3 is away for a week
    ring.let_days_pass(7)
    carry(*ring.people[:3])
    assert ring.states()[0] == ["open"]
    assert ring.held() == 5
    holds = [one for one in ring[2].query("iou.list", s.IouQuery()).ious if one.state == "held"]
    with pytest.raises(UsageError, match="circulation"):
        ring[2].change("iou.reject", s.IouId(id=holds[0].id))
    ring.rest()
    assert ring.balances() == [{}] * SIZE
    assert ring.held() == 0
    assert ring.states()[0] == ["cancelled"]


def test_a_restored_person_in_between_loses_nothing(ring: Ring, workshop: Any, tmp_path: Path) -> None:
    ring.rest()
    ring[1].back_up(tmp_path / "backup")
    ring.pay(0, 3)
    carry(*ring.people[:3])
    assert ring.held() == 5, "p1 has signed, and now his disk is gone"
    ring.people[1] = workshop.restored(ring[1], tmp_path / "backup")
    carry(*ring.people[2:4])  # meanwhile p3 is paid by p2
    assert ring[3].cents(ring[2]) == 1200
    ring.rest()
    assert [ring.cents(index + 1, index) for index in range(3)] == [1200] * 3
    assert ring.held() == 0


def simulate(ring: Ring, chance: random.Random, *, cancels: bool) -> None:
    """Begin something, and let it go through losses, repetitions, crashes and changes of mind."""
    for _ in range(120):
        sender, receiver = chance.sample(ring.people, 2)
        act = chance.random()
        if act < 0.8:
            for sealed in sender.seal(receiver, hello_is_lost=chance.random() < 0.1):
                for _ in range(chance.choice((0, 1, 1, 1, 2))):
                    answer = receiver.take(sender, sealed)
                    if chance.random() < 0.9:
                        sender.hear(receiver, answer)
                sender.in_flight[receiver.device].clear()
        elif act < 0.97 or not cancels:
            sender.crash()
        else:
            for one in sender.query("circle.list", s.Nothing()).circulations:
                if one.state in ("open", "proposed"):
                    sender.change("circle.cancel", s.CirculationRef(id=one.id))


@pytest.mark.parametrize("seed", range(int(os.environ.get("P2PCHAT_CIRCLES_RESTORED", "2"))))
def test_whoever_is_restored_on_the_way_all_moves_or_nothing_does(
    new_ring: Any, workshop: Any, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(1000 + seed)
    size = chance.randint(3, 5)
    ring = new_ring(size)
    who = chance.randrange(size)
    early = chance.random() < 0.5
    if early:
        ring[who].back_up(tmp_path / "backup")
    ring.pay(0, size - 1)
    simulate(ring, chance, cancels=False)
    if not early:
        ring[who].back_up(tmp_path / "backup")
        simulate(ring, chance, cancels=False)
    ring.people[who] = workshop.restored(ring[who], tmp_path / "backup")
    simulate(ring, chance, cancels=False)
    ring.rest()
    ring.let_days_pass()
    ring.rest()
    ring.rest()
    assert ring.held() == 0
    moved = [ring.cents(index + 1, index) for index in range(size - 1)]
    assert moved in ([0] * (size - 1), [1200] * (size - 1)), (who, early, moved)
    ring[who].close()


def check_atomic(ring: Ring, size: int, before: list[Any]) -> bool:
    """After everybody is back: all moved or nothing did, and nothing is frozen."""
    ring.rest()
    ring.let_days_pass()
    ring.rest()
    ring.rest()
    assert ring.held() == 0
    moved = [ring.cents(index + 1, index) for index in range(size - 1)]
    assert moved in ([0] * (size - 1), [1200] * (size - 1)), moved
    assert all(state in ("done", "cancelled") for states in ring.states() for state in states)
    if moved[0] == 0:
        assert ring.balances() == before
    return moved[0] != 0


@pytest.mark.parametrize("seed", range(int(os.environ.get("P2PCHAT_CIRCLES", "4"))))
def test_whatever_breaks_all_moves_or_nothing_does(new_ring: Any, seed: int) -> None:
    chance = random.Random(seed)
    size = chance.randint(3, 6)
    ring = new_ring(size)
    before = ring.balances()
    ring.pay(0, size - 1)
    simulate(ring, chance, cancels=seed % 2 == 0)
    print(f"seed {seed}, {size} people: moved {check_atomic(ring, size, before)}")


def test_what_contacts_send_around_circles_is_bounded(ring: Ring) -> None:
    ann, ben = ring[0], ring[1]
    sender = ann.database.read(lambda tx: people_rows.device(tx, ben.device))

    def take(what: Any, payload: bytes) -> None:
        ann.database.transact(lambda tx: what(ann.app, tx, sender, payload))

    soon = ann._clock + 1000
    for number in range(circulation_intake.MAX_OPEN):
        lock = number.to_bytes(32, "big")
        take(
            circulation_intake.take_order,
            order.encode(order.Order(lock, EUR, 1, soon, (ring[5].app.person,))),
        )
    with pytest.raises(QuotaError):
        take(circulation_intake.take_order, order.encode(order.Order(b"x" * 32, EUR, 1, soon)))
    ring.owes(1, 0, "1 EUR")
    for number in range(circulation_intake.MAX_PROBES):
        take(circulation_intake.take_probe, probe.encode(probe.Probe(number.to_bytes(16, "big"), EUR, 3, 1)))
    with pytest.raises(QuotaError):
        take(circulation_intake.take_probe, probe.encode(probe.Probe(b"x" * 16, EUR, 3, 1)))
    ask = ann.change("circle.pay", s.PayThrough(who="p1", amount="3 EUR"))
    assert ask.state == "asked"
    (stored,) = ann.database.read(passages.asks)
    dear = order.Order(b"y" * 32, EUR, 301, soon)
    with pytest.raises(ProtocolError):
        take(circulation_intake.take_invoice, offers.encode_answer(stored.id, dear))
    assert ann.cents(ben) == 100
