"""Circulations among 2 to 6 people on bad wires, with crashes and cancellations: all move, or none."""

import random

import pytest

from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger import actions, circulation, policy
from p2pchat.core.ledger.account import open_account
from p2pchat.core.ledger.circulation import Outcome, Passage, Role, Side
from p2pchat.core.ledger.concession import Status
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.units import iso_unit, own_unit

EUR = iso_unit("EUR")
NOW_MS = 1_800_000_000_000
PREIMAGE = b"p" * 32
LOCK = circulation.start(Role.PAYEE, PREIMAGE, incoming=1, outgoing=0, deadline_ms=0).lock


class Ring:
    """People 0 to n-1; each hop is an account in which the one concedes to the next."""

    def __init__(self, new_device, size, *, closed, minor=100, clearing=False, limits=True):
        self.size, self.closed, self.clearing, self.minor = size, closed, clearing, minor
        self.people = [PersonId(SigningKey(bytes([n + 1]) * 32).public) for n in range(size)]
        self.keys = [SigningKey(bytes([n + 101]) * 32) for n in range(size)]
        self.hops = [(n, (n + 1) % size) for n in range(size if closed else size - 1)]
        self.devices = {}
        for hop in self.hops:
            self.open(new_device, hop, EUR)
        if limits:
            for device in self.devices.values():
                device.do(actions.set_limit, policy.limit(10_000, held=10_000))
            self.sync_all()
        self.passages = [self.passage(n) for n in range(size)]
        self.asked = set()

    def open(self, new_device, hop, unit):
        one, other = hop
        account = open_account(self.people[one], self.people[other], unit)
        owners = {DeviceId(self.keys[n].public): self.people[n] for n in hop}
        for me, peer in (hop, hop[::-1]):
            self.devices[me, peer] = new_device(account, self.people[me], self.keys[me], owners)

    def passage(self, n, minor=None):
        minor = minor or self.minor
        last = self.size - 1
        if self.closed:
            role = Role.INITIATOR if n == 0 else Role.INTERMEDIARY
        else:
            role = {0: Role.PAYER, last: Role.PAYEE}.get(n, Role.INTERMEDIARY)
        knows = role in (Role.INITIATOR, Role.PAYEE)
        preimage = PREIMAGE if knows else None
        return Passage(role, LOCK, minor, minor, NOW_MS + 1000, preimage, self.clearing)

    def before(self, n):
        hop = ((n - 1) % self.size, n)
        return self.devices[hop[::-1]] if hop in self.hops else None

    def after(self, n):
        hop = (n, (n + 1) % self.size)
        return self.devices[hop] if hop in self.hops else None

    def step(self, n, now_ms=NOW_MS, crash=False):
        came, went = self.before(n), self.after(n)
        result = circulation.step(
            self.passages[n],
            came and Side(came.state, came.person),
            went and Side(went.state, went.person),
            now_ms,
        )
        for draft in result.drafts:
            device = next(d for d in (came, went) if d and d.account.id == draft.account)
            device.commit(draft)
            if crash:
                device.restart()
        if result.ask_cancellation:
            self.asked.add((n + 1) % self.size)
        return result

    def sync(self, me, peer, chance=None):
        one, other = self.devices[me, peer], self.devices[peer, me]
        entries = list(one.known.values())
        if chance is not None:
            entries = chance.sample(entries, chance.randint(0, len(entries))) * chance.choice((1, 2))
        for signed in entries:
            other.take(signed)

    def sync_all(self):
        for me, peer in self.devices:
            self.sync(me, peer)

    def return_everybody(self, now_ms):
        """Everybody is back and in touch until nothing moves any more."""
        for _ in range(8 * self.size):
            self.sync_all()
            results = []
            for n in range(self.size):
                if n in self.asked:
                    self.passages[n] = circulation.cancel(self.passages[n])
                results.append(self.step(n, now_ms))
        self.sync_all()
        assert not any(result.drafts for result in results)
        return [result.outcome for result in results]

    def hold(self, n):
        """The hold from person `n` to the next, as the better informed of the two knows it."""
        device, peer = self.after(n), self.before((n + 1) % self.size)
        return max(
            (d.state.by_lock.get(LOCK, [None])[0] for d in (device, peer)),
            key=lambda hold: -1 if hold is None else list(Status).index(hold.status),
        )

    def check_intermediaries(self):
        """Law 10: what an intermediary may have to pay is covered by what he can claim."""
        for n in range(self.size):
            if self.passages[n].role is Role.INTERMEDIARY:
                went, came = self.hold(n), self.hold((n - 1) % self.size)
                if went is not None and went.status is not Status.VOID:
                    assert came is not None
                    assert came.status is not Status.VOID

    def nets(self):
        return [
            sum(device.owed for (me, _peer), device in self.devices.items() if me == n)
            for n in range(self.size)
        ]

    def statuses(self):
        return [hold and hold.status for hold in map(self.hold, range(len(self.hops)))]


def simulate(new_device, seed, *, closed, cancels, size=None):
    chance = random.Random(seed)
    ring = Ring(new_device, size or chance.randint(3, 6), closed=closed)
    for _ in range(60 * ring.size):
        n = chance.randrange(ring.size)
        act = chance.random()
        if act < 0.5:
            me, peer = chance.choice(list(ring.devices))
            ring.sync(me, peer, chance)
        elif act < 0.97 or not cancels:
            ring.step(n, crash=chance.random() < 0.2)
        else:
            ring.passages[n] = circulation.cancel(ring.passages[n])
        ring.check_intermediaries()
    ring.return_everybody(NOW_MS + chance.choice((0, 10_000)))
    outcomes = ring.return_everybody(NOW_MS + 10_000)
    ring.check_intermediaries()
    return ring, outcomes


def check_atomic(ring, outcomes):
    assert len(set(outcomes)) == 1, outcomes
    moved = outcomes[0] is Outcome.DONE
    assert outcomes[0] is not Outcome.OPEN
    expected = {Status.FULFILLED} if moved else {Status.VOID, None}
    assert set(ring.statuses()) <= expected
    nets = [0] * ring.size
    if moved and not ring.closed:
        nets[0], nets[-1] = -ring.minor, ring.minor
    assert ring.nets() == nets  # law 1 and law 10
    assert all(sum(device.state.held) == 0 for device in ring.devices.values())  # nothing is left frozen
    return moved


@pytest.mark.parametrize("closed", [False, True], ids=["path", "cycle"])
@pytest.mark.parametrize("cancels", [False, True], ids=["", "with cancellations"])
def test_law_10_all_move_or_none(new_device, closed, cancels):
    moved = [check_atomic(*simulate(new_device, seed, closed=closed, cancels=cancels)) for seed in range(25)]
    assert any(moved)
    assert not all(moved) or not cancels


@pytest.mark.slow
def test_law_10_in_many_runs(new_device):
    counts = {True: 0, False: 0}
    for seed in range(500):
        for closed in (False, True):
            for cancels in (False, True):
                counts[check_atomic(*simulate(new_device, seed, closed=closed, cancels=cancels))] += 1
    print(f"2000 circulations among 3 to 6 people: {counts[True]} moved all, {counts[False]} moved nothing")


def indebted(new_device, debts):
    """A closed ring in which person n owes person n+1 `debts[n]`, or is owed if it is negative."""
    ring = Ring(new_device, len(debts), closed=True, clearing=True, limits=False)
    for (one, other), debt in zip(ring.hops, debts, strict=True):
        debtor, creditor = ((one, other), (other, one))[debt < 0]
        offer = ring.devices[debtor, creditor].do(actions.pay, Amount(abs(debt), EUR))
        ring.sync(debtor, creditor)
        ring.devices[creditor, debtor].do(actions.accept, offer.id)
    ring.sync_all()
    return ring


def test_law_11_clearing_lowers_every_debt_and_leaves_every_net_alone(new_device):
    ring = indebted(new_device, [-300, -250, -100])  # 1 owes 0, 2 owes 1, 0 owes 2
    nets = ring.nets()
    assert ring.return_everybody(NOW_MS) == [Outcome.DONE] * 3
    assert [ring.after(n).owed for n in range(3)] == [200, 150, 0]
    assert ring.nets() == nets


@pytest.mark.parametrize("debts", [[-300, -250, -99], [-300, 250, -100], [99, -300, -300]])
def test_law_11_clearing_stops_where_it_would_raise_a_debt(new_device, debts):
    ring = indebted(new_device, debts)
    before = [ring.after(n).owed for n in range(3)]
    outcomes = ring.return_everybody(NOW_MS + 10_000)
    assert Outcome.DONE not in outcomes
    assert [ring.after(n).owed for n in range(3)] == before


def test_a_claim_is_handed_on_with_the_consent_of_all_three(new_device):
    """Novation: 1 owes 0, and 0 hands that claim to 2; afterwards 1 owes 2, and 2 owes 0."""
    ring = Ring(new_device, 3, closed=True)
    offer = ring.devices[1, 0].do(actions.pay, Amount(100, EUR))
    ring.sync(1, 0)
    ring.devices[0, 1].do(actions.accept, offer.id)
    ring.sync_all()
    assert ring.return_everybody(NOW_MS) == [Outcome.DONE] * 3
    assert ring.devices[0, 1].owed == 0
    assert ring.devices[2, 1].owed == 100
    assert ring.devices[0, 2].owed == 100


def test_two_people_swap_two_units_or_neither(new_device):
    beer = own_unit("beer")
    people = [PersonId(SigningKey(bytes([n]) * 32).public) for n in (1, 2)]
    keys = [SigningKey(bytes([n]) * 32) for n in (3, 4)]
    owners = {DeviceId(key.public): person for key, person in zip(keys, people, strict=True)}
    euros, beers = (
        [
            new_device(open_account(*people, unit), person, key, owners)
            for person, key in zip(people, keys, strict=True)
        ]
        for unit in (EUR, beer)
    )
    for device in euros + beers:
        device.do(actions.set_limit, policy.limit(5000, held=5000))
    first = circulation.start(Role.INITIATOR, PREIMAGE, incoming=3, outgoing=1200, deadline_ms=NOW_MS)
    second = Passage(Role.INTERMEDIARY, first.lock, incoming=1200, outgoing=3, deadline_ms=NOW_MS)
    passages = ((first, beers[0], euros[0]), (second, euros[1], beers[1]))
    for _ in range(12):
        for one, other in (euros, beers):
            one.pull(other)
            other.pull(one)
        for passage, came, went in passages:
            result = circulation.step(
                passage, Side(came.state, came.person), Side(went.state, went.person), NOW_MS
            )
            for draft in result.drafts:
                next(d for d in (came, went) if d.account.id == draft.account).write(draft)
    assert (euros[0].owed, beers[0].owed) == (-1200, 3)
    assert (euros[1].owed, beers[1].owed) == (1200, -3)


def test_an_intermediary_without_room_refuses_before_anything_moves(new_device):
    ring = Ring(new_device, 3, closed=False)
    ring.devices[1, 0].do(actions.set_limit, policy.limit(50))
    assert ring.return_everybody(NOW_MS)[0] is Outcome.CANCELLED
    assert ring.nets() == [0, 0, 0]


def test_an_intermediary_whose_next_is_silent_waits_and_never_cancels_on_its_own(new_device):
    ring = Ring(new_device, 3, closed=False)
    ring.step(0)
    ring.sync(0, 1)
    for _ in range(3):
        ring.step(1)
    result = ring.step(1, NOW_MS + 10**12)
    assert result.drafts == []
    assert result.ask_cancellation
    assert ring.hold(0).status is Status.HELD


def test_a_preimage_from_anywhere_opens_the_hold_in_ones_favour(new_device):
    ring = Ring(new_device, 3, closed=False)
    ring.step(0)
    ring.sync(0, 1)
    for _ in range(3):
        ring.step(1)
    assert circulation.learn(ring.passages[1], b"q" * 32) == ring.passages[1]
    ring.passages[1] = circulation.learn(ring.passages[1], PREIMAGE)
    ring.step(1)
    assert ring.hold(0).status is Status.FULFILLED


def test_a_payer_never_pays_twice_under_one_lock(new_device):
    ring = Ring(new_device, 3, closed=False)
    for _ in range(5):
        ring.step(0)
    assert len(ring.after(0).state.concessions) == 1


def test_a_hold_of_another_amount_is_not_passed_on(new_device):
    ring = Ring(new_device, 3, closed=False)
    ring.passages[0] = ring.passage(0, minor=99)
    ring.step(0)
    ring.sync(0, 1)
    assert ring.step(1).drafts == []


def test_an_initiator_takes_nothing_when_what_he_sent_was_refused(new_device):
    ring = Ring(new_device, 3, closed=True)
    sent = ring.step(0).drafts
    ring.sync(0, 1)
    went = ring.after(0).state.by_lock[LOCK][0]
    ring.devices[1, 0].do(actions.void, went.id)
    ring.sync(1, 0)
    ring.devices[2, 0].do(actions.pay, Amount(100, EUR), lock=LOCK)  # out of turn
    ring.sync(2, 0)
    assert len(sent) == 1
    assert [draft.kind for draft in ring.step(0).drafts] == ["V"]


@pytest.mark.parametrize(
    ("debts", "who"),
    [
        ([-300, -300, 100], 2),  # 0 owes 2 nothing: person 2 must not concede to 0
        ([300, -300, -300], 0),  # 1 owes 0 nothing: person 0 must not begin
    ],
)
def test_law_11_nobody_concedes_in_a_clearing_what_he_is_not_owed(new_device, debts, who):
    ring = indebted(new_device, debts)
    before = (who - 1) % 3
    if who:
        ring.devices[before, who].do(actions.pay, Amount(100, EUR), lock=LOCK)
        ring.sync(before, who)
    assert [draft.kind for draft in ring.step(who).drafts] == (["V"] if who else [])


def test_law_11_nobody_accepts_in_a_clearing_what_he_does_not_owe(new_device):
    ring = indebted(new_device, [300, -300, -300])  # 1 owes 0 nothing, yet 0 concedes to 1
    ring.devices[1, 0].do(actions.set_limit, policy.limit(10_000, held=10_000))  # and 1 could afford it
    ring.devices[0, 1].do(actions.pay, Amount(100, EUR), lock=LOCK)
    ring.sync(0, 1)
    assert [draft.kind for draft in ring.step(1).drafts] == ["V"]
