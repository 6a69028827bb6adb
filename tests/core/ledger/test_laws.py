"""The laws of the ledger under loss, duplication, reordering, crashes and restored backups.

Numbers in names are those of docs/protocol/ledger.md, section 8. Two honest people act at random on a
bad wire; the laws are checked after every step, and once more when the wire has healed.
"""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from p2pchat.core.ledger import actions, policy, recovery
from p2pchat.core.ledger.concession import Status
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.state import fold
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import NotAllowedError, UsageError

EUR = iso_unit("EUR")
SIDES = st.integers(0, 1)
PICKS = st.integers(0, 2**16)


class Exchange:
    """Two devices and the wire between them; every act names a side and some number to choose by."""

    def __init__(self, pair):
        self.pair = pair
        self.devices = (pair.alice, pair.bob)
        self.wires = ([], [])  # what is under way to each side: (raw, signature)
        self.backups = [device.backup() for device in self.devices]
        self.gifts = [0, 0]  # debts of each side that the other forgave: they raise the own claim
        self.limits = [0, 0]
        self.signed = {}  # every slot that anybody ever wrote
        for side, owed in enumerate((500, 5000)):
            self.limits[side] = owed
            self._write(side, actions.set_limit(*self._who(side), policy.limit(owed)))

    def pay(self, side, pick):
        self._act(side, actions.pay, Amount(1 + pick % 400, EUR))

    def request(self, side, pick):
        self._act(side, actions.request, Amount(1 + pick % 400, EUR))

    def answer(self, side, pick):
        open_requests = [r for r in self.devices[side].state.requests.values() if r.status == "requested"]
        if open_requests:
            self._act(side, actions.answer, open_requests[pick % len(open_requests)].id)

    def accept(self, side, pick):
        device = self.devices[side]
        offers = policy.acceptable(device.state, device.person)
        if pick % 2:
            offers = offers[:1]
        for draft in actions.accept_all(device.state, device.person, offers):
            self._write(side, draft)

    def void(self, side, pick):
        device = self.devices[side]
        seat = device.account.seat(device.person)
        mine = [
            c for c in device.state.concessions.values() if c.seat != seat and c.status is not Status.VOID
        ]
        if mine:
            concession = mine[pick % len(mine)]
            self.gifts[1 - side] += concession.amount
            self._act(side, actions.void, concession.id)

    def send(self, side, pick):
        """Put some of what a side holds on the wire, perhaps twice: its own and the other's entries."""
        held = list(self.devices[side].known.values())
        chance = random.Random(pick)
        chosen = chance.sample(held, chance.randint(0, len(held))) * chance.choice((1, 1, 2))
        self.wires[1 - side].extend((signed.raw, signed.signature) for signed in chosen)

    def deliver(self, side, pick):
        """Hand over part of the wire in any order; the rest is lost, or stays."""
        chance = random.Random(pick)
        wire = self.wires[side]
        chance.shuffle(wire)
        count = chance.randint(0, len(wire))
        for raw, signature in wire[:count]:
            self.devices[side].receive(raw, signature)
        if chance.random() < 0.5:
            del wire[:count]
        elif chance.random() < 0.3:
            wire.clear()
        self.devices[side].check_rollback()

    def back_up(self, side, _pick):
        self.backups[side] = self.devices[side].backup()

    def crash(self, side, pick):
        """Sign something and crash right after the commit, before the anchor and the wire know."""
        device = self.devices[side]
        try:
            device.commit(actions.pay(device.state, device.person, Amount(1 + pick % 50, EUR)))
        except NotAllowedError:
            pass
        else:
            self._note(device.known[device.head.prev])
        device.restart()

    def restore(self, side, _pick):
        self.devices[side].restart(self.backups[side])

    def recover(self, side, pick):
        """One step of the recovery over the bad wire."""
        device, other = self.devices[side], self.devices[1 - side]
        if device.recovery is None:
            return
        if pick % 2:
            heads = tuple(head.id for head in other.state.heads())
            device.recovery = recovery.hear_heads(device.recovery, heads)
        for draft in recovery.closures_to_propose(device.recovery, device.state):
            self._write(side, draft)
        before = set(other.known)
        other.agree_to_closures()
        for new in other.known.keys() - before:
            self._note(other.known[new])
        if recovery.is_settled(device.recovery, device.state):
            device.recovery = None

    def heal(self):
        """Everything arrives, recoveries end, everybody accepts what fits."""
        for _ in range(4):
            self.pair.sync()
            for side in (0, 1):
                self.devices[side].check_rollback()
                self.devices[side].recover_with(self.devices[1 - side])
        self.pair.sync()
        for side in (0, 1):
            self.accept(side, 0)
        self.pair.sync()

    def check_step(self):
        for side, device in enumerate(self.devices):
            assert device.state.equivocations() == []  # law 7
            assert device.state.faults == set()
            self._check_limit(side)

    def check_end(self):
        alice, bob = self.devices
        assert alice.recovery is None
        assert bob.recovery is None
        assert alice.owed == -bob.owed  # law 1
        assert set(alice.known) == set(bob.known)  # law 2
        assert alice.state.fingerprint() == bob.state.fingerprint()
        entries = list(alice.known.values())
        random.Random(0).shuffle(entries)
        assert fold(alice.account, alice.owners, entries).fingerprint() == alice.state.fingerprint()  # law 3
        for signed in entries:  # law 6
            assert alice.receive(signed.raw, signed.signature) == []
            assert bob.receive(signed.raw, signed.signature) == []
        assert alice.state.fingerprint() == bob.state.fingerprint()

    def _who(self, side):
        return self.devices[side].state, self.devices[side].person

    def _act(self, side, action, *args):
        try:
            self._write(side, action(*self._who(side), *args))
        except UsageError:
            return  # what the state or the recovery forbids now; nothing was signed

    def _write(self, side, draft):
        try:
            self._note(self.devices[side].write(draft))
        except NotAllowedError:
            return

    def _note(self, signed):
        entry = signed.entry
        slot = (entry.device, entry.epoch, entry.seq)
        assert self.signed.setdefault(slot, signed.id) == signed.id  # law 7, over all that was ever signed

    def _check_limit(self, side):
        state, person = self._who(side)
        if self.devices[side].recovery is None:
            at_risk = state.owed_to(person) + state.held_for(person)
            assert at_risk <= self.limits[side] + self.gifts[side]  # law 5


ACTS = (
    "pay",
    "request",
    "answer",
    "accept",
    "void",
    "send",
    "deliver",
    "back_up",
    "crash",
    "restore",
    "recover",
)


# How often each act comes up in a long run; mostly a working account, now and then a catastrophe.
WEIGHTS = {
    "pay": 12,
    "request": 3,
    "answer": 3,
    "accept": 12,
    "void": 3,
    "send": 12,
    "deliver": 16,
    "back_up": 3,
    "crash": 2,
    "restore": 2,
    "recover": 20,
}


def machine(new_pair):
    """The state machine, with one rule for each act of an `Exchange`."""

    class LedgerMachine(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.exchange = Exchange(new_pair())

        @invariant()
        def laws_hold_at_every_step(self):
            self.exchange.check_step()

        def teardown(self):
            self.exchange.heal()
            self.exchange.check_end()

    for act in WEIGHTS:

        def step(self, side, pick, act=act):
            getattr(self.exchange, act)(side, pick)

        setattr(LedgerMachine, act, rule(side=SIDES, pick=PICKS)(step))
    return LedgerMachine


def test_laws_1_to_9_and_13_hold_on_a_bad_wire(new_pair):
    run_state_machine_as_test(
        machine(new_pair), settings=settings(deadline=None, max_examples=60, stateful_step_count=40)
    )


def run(new_pair, seed, *, steps, without=()):
    chance = random.Random(seed)
    exchange = Exchange(new_pair())
    acts = [act for act in WEIGHTS if act not in without]
    for act in chance.choices(acts, [WEIGHTS[act] for act in acts], k=steps):
        getattr(exchange, act)(chance.randrange(2), chance.randrange(2**16))
        exchange.check_step()
    exchange.heal()
    exchange.check_end()
    return exchange


@pytest.mark.parametrize("seed", range(20))
def test_a_limit_is_never_overshot_when_nobody_forgives(new_pair, seed):
    assert run(new_pair, seed, steps=200, without=("void",)).gifts == [0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("without", [(), ("void",)], ids=["with voids", "without voids"])
def test_two_thousand_long_runs_keep_every_law(new_pair, without):
    signed = restores = 0
    for seed in range(2000):
        exchange = run(new_pair, seed, steps=200, without=without)
        signed += len(exchange.signed)
        restores += sum(device.epochs - 1 for device in exchange.devices)
    print(f"2000 runs of 200 steps: {signed} entries signed, {restores} recoveries")
    assert restores > 2000
