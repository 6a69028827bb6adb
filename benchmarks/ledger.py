"""What the ledger costs on top of its signatures and hashes, as ratios within one run.

Run `python -m benchmarks.ledger [entries]` (100,000 unless told); `make bench` takes in the same figures.
*Raw* is libsodium, SHA-256 and SQLite alone on the same bytes, alternating with ours in small rounds, so
that a noisy machine disturbs both; the median round counts. What needs no disk is measured by CPU. With
OR-tools installed, simplifying is measured against it as well.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from nacl.bindings import crypto_sign_open

from benchmarks.figures import Sample
from p2pchat.api import schema as s
from p2pchat.api.methods import CHANGES
from p2pchat.config import Home
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger import actions, audit, simplify
from p2pchat.core.ledger.account import open_account
from p2pchat.core.ledger.entry import Kind, SignedEntry, verify
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import iso_unit
from p2pchat.core.ledger.writer import Draft, WriterHead, write
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts
from p2pchat.node.features.ledger.account_cache import AccountCache
from p2pchat.store import ledger as stored
from p2pchat.store import people
from p2pchat.store.database import Database
from p2pchat.store.transaction import Reader, Transaction

NOW_MS = 1_800_000_000_000
KEYS = [SigningKey(bytes([number]) * 32) for number in (1, 2)]
PERSONS = [PersonId(SigningKey(bytes([number]) * 32).public) for number in (3, 4)]
OWNERS = {DeviceId(key.public): person for key, person in zip(KEYS, PERSONS, strict=True)}
ACCOUNT = open_account(PERSONS[0], PERSONS[1], iso_unit("EUR"))
ROUNDS = 9


class Pen:
    """One side that writes."""

    def __init__(self, number: int) -> None:
        self.key = KEYS[number]
        self.head = WriterHead.start(ACCOUNT.id, bytes([number]) * 8)

    def write(self, draft: Draft) -> SignedEntry:
        nonce = self.head.seq.to_bytes(12, "big")
        signed, self.head = write(draft, self.head, self.key, now_ms=NOW_MS + self.head.seq, nonce=nonce)
        return signed


def ledger(entries: int) -> list[SignedEntry]:
    """Concessions of one side, each accepted by the other: two signatures for each IOU."""
    debtor, creditor = Pen(0), Pen(1)
    signed = []
    for number in range(entries // 2):
        offer = debtor.write(Draft(ACCOUNT.id, Kind.CONCEDE, amount=number + 1))
        signed += [offer, creditor.write(Draft(ACCOUNT.id, Kind.ACCEPT, ref=offer.id, seen=(offer.id,)))]
    return signed


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Time of one call by `clock`, with the collector out of the way for ours and theirs alike."""
    gc.collect()
    gc.disable()
    begin = clock()
    result = work()
    elapsed = clock() - begin
    del result  # what was made is kept by whoever wanted it: forgetting it again is no part of the work
    gc.enable()
    return elapsed


def compare(
    ours: Callable[[], object],
    raw: Callable[[], object],
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Median seconds of ours, and the median of raw / ours over the rounds."""
    pairs = [(seconds(ours, clock), seconds(raw, clock)) for _ in range(rounds)]
    return statistics.median(o for o, _ in pairs), statistics.median(r / o for o, r in pairs)


class Line(NamedTuple):
    """What a piece of work took, and the share of it that raw work of the same kind takes."""

    metric: str
    what: str
    took_s: float
    count: int
    ratio: float
    target: str = ""

    def show(self) -> None:
        print(
            f"{self.what:52s} {self.took_s:8.3f} s {self.count / self.took_s:12,.0f}/s"
            f"  {100 * self.ratio:6.0f} %   {self.target}"
        )


def bench_audit(signed: list[SignedEntry], rounds: int = ROUNDS) -> Iterator[Line]:
    some = signed[:4000]
    messages = [
        (
            entry.signature + b"p2pchat-signature-v1\0ledger entry\0" + hashlib.sha256(entry.id).digest(),
            entry.entry.device,
        )
        for entry in some
    ]
    took, ratio = compare(
        lambda: audit.check_all(some),
        lambda: [crypto_sign_open(*message) for message in messages],
        rounds,
        time.process_time,
    )
    yield Line("audit", "full audit, of raw signature checks", took, len(some), ratio, ">= 85 %")
    rows = [(entry.raw, entry.signature) for entry in some]
    took, ratio = compare(
        lambda: [verify(*row) for row in rows],
        lambda: [crypto_sign_open(*message) for message in messages],
        rounds,
        time.process_time,
    )
    yield Line("receive", "receiving: decode, hash and check, of raw checks", took, len(some), ratio)


def bench_opening(signed: list[SignedEntry], rounds: int = 7) -> Iterator[Line]:
    """From an encrypted store to a state whose heads are checked, as a node does it; raw reads and hashes.

    CPU is shown beside the wall time, for it has less of what else the machine does.
    """
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        database = Database.create(Path(folder) / "store.db", bytes(32))

        def keep(tx: Transaction) -> None:
            for entry in signed:
                row = (entry.id, ACCOUNT.id, entry.raw, entry.signature, "", b"", NOW_MS)
                stored.add(tx, stored.StoredEntry(*row))

        def look(tx: Reader) -> AccountState:
            with AccountCache().state(tx, ACCOUNT, OWNERS) as state:
                return state

        def read_and_hash(tx: Reader) -> list[bytes]:
            return [hashlib.sha256(raw).digest() for raw, _signature in stored.signed(tx, ACCOUNT.id)]

        database.transact(keep)
        assert len(database.read(look).chains.entries) == len(signed)
        count, what = len(signed), f"opening {len(signed):,} entries by heads"
        for clock, kind, metric in (
            (time.perf_counter, "", "open"),
            (time.process_time, ", CPU", "open_cpu"),
        ):
            took, ratio = compare(
                lambda: database.read(look), lambda: database.read(read_and_hash), rounds, clock
            )
            yield Line(metric, f"{what}{kind}, of read + hash", took, count, ratio, "<= 0.5 s")
        database.close()


def bench_bulk(batch: int = 1000, rounds: int = ROUNDS) -> Iterator[Line]:
    """Both ends of an account, one acceptance for a whole batch; no disk."""

    def ours() -> None:
        debtor, creditor = Pen(0), Pen(1)
        here, there = (AccountState(ACCOUNT, OWNERS) for _ in range(2))
        for number in range(batch):
            offer = debtor.write(Draft(ACCOUNT.id, Kind.CONCEDE, amount=number + 1))
            here.add(offer)
            there.add(verify(offer.raw, offer.signature))
        for draft in actions.accept_all(there, PERSONS[1], there.offers_to(PERSONS[1])):
            acceptance = creditor.write(draft)
            there.add(acceptance)
            here.add(verify(acceptance.raw, acceptance.signature))
        assert here.fingerprint() == there.fingerprint()

    def raw() -> None:
        for number in range(batch):
            message = number.to_bytes(32, "big")
            signature = KEYS[0].sign("ledger entry", message)
            signed = b"p2pchat-signature-v1\0ledger entry\0" + hashlib.sha256(message).digest()
            crypto_sign_open(signature + signed, KEYS[0].public)

    took, ratio = compare(ours, raw, rounds, time.process_time)
    yield Line("bulk", "both ends in bulk without disk, of sign + check", took, batch, ratio, ">= 60 %")


def bench_durable(count: int = 200, rounds: int = 5) -> Iterator[Line]:
    """One entry for each commit, on the disk before it counts: the entry alone, and all of `pay`.

    Raw is a signature, an fdatasync of what SQLite would append, and one of the anchor.
    """
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        home = Home(Path(folder))
        database = Database.create(home.store, bytes(32))
        app = database.transact(lambda tx: App.create(tx, home, "ann", lambda: NOW_MS, os.urandom)).result
        friend = PersonId(SigningKey(os.urandom(32)).public)
        row = (friend, "ben", "ben", "accepted", False, 0, "", None, NOW_MS)
        database.transact(lambda tx: people.add_person(tx, people.Person(*row)))
        amount = Amount(100, iso_unit("EUR"))

        def entry_alone(tx: Transaction) -> None:
            with accounts.opened(app, tx, friend, amount.unit) as state:
                accounts.write(app, tx, state, actions.pay(state, app.person, amount))

        def pay(tx: Transaction) -> None:
            CHANGES["iou.pay"](app, tx, s.Pay(who="ben", amount="1 EUR", note="coffee"))

        raw_file, anchor_file = (os.open(Path(folder) / name, os.O_WRONLY | os.O_CREAT) for name in "ra")

        def raw() -> None:
            for number in range(count):
                app.key.sign("ledger entry", number.to_bytes(32, "big"))
                os.write(raw_file, bytes(3 * 4120))  # the pages of one commit in the WAL
                os.fdatasync(raw_file)
                os.pwrite(anchor_file, bytes(512), 0)
                os.fdatasync(anchor_file)

        def ours(change: Callable[[Transaction], None]) -> None:
            for _ in range(count):
                database.transact(change)

        for metric, what, change, aim in (
            ("durable", "durable entries one by one, of sign and sync", entry_alone, ">= 70 %"),
            ("pay", "durable `pay` one by one, of the same", pay, ""),
        ):
            took, ratio = compare(lambda change=change: ours(change), raw, rounds)
            yield Line(metric, what, took, count, ratio, aim)
        database.close()


def clustered(people: int, seed: int = 1) -> dict[tuple[int, int], int]:
    """Debts among friends on a small-world graph: ten neighbours each, one in ten far away."""
    chance = random.Random(seed)
    debts: dict[tuple[int, int], int] = {}
    for person in range(people):
        for step in range(1, 6):
            near = (person + step) % people
            other = near if chance.random() > 0.1 else chance.randrange(people)
            pair = (person, other) if chance.random() < 0.5 else (other, person)
            if person != other and pair[::-1] not in debts:
                debts[pair] = max(1, int(chance.lognormvariate(7.6, 1.2)))
    return debts


def bench_simplify(people: int = 10_000) -> None:
    debts = clustered(people)
    gross = sum(debts.values())

    def cleared(cycles: list[simplify.Cycle[int]]) -> float:
        return 1 - sum(simplify.apply(debts, cycles).values()) / gross

    greedy: list[simplify.Cycle[int]] = []
    took = seconds(lambda: greedy.extend(simplify.cycles(debts, max_length=6)))
    print(f"simplify {people:,} people, {len(debts):,} debts, greedily: {took:.2f} s,", end=" ")
    print(f"{100 * cleared(greedy):.1f} % cleared")
    try:
        flow: Any = importlib.import_module("ortools.graph.python.min_cost_flow")
    except ImportError:
        print("OR-tools is not installed: the optimum was not measured")
        return
    best: list[simplify.Cycle[int]] = []
    took_best = seconds(lambda: best.extend(simplify.optimum(debts)))
    took_flow, ratio = compare(
        lambda: simplify.least_debts(debts), lambda: solve_alone(debts, flow.SimpleMinCostFlow()), rounds=5
    )
    print(
        f"  with OR-tools: {took_flow:.2f} s for what remains, {1 / ratio:.2f} x OR-tools alone (<= 2),"
        f" {took_best:.2f} s with cycles; {100 * cleared(best):.1f} % cleared;"
        f" greedy reaches {100 * cleared(greedy) / cleared(best):.0f} % of that (>= 65 %)"
    )


def solve_alone(debts: dict[tuple[int, int], int], solver: Any) -> None:
    """OR-tools' own time, on indices that are given."""
    net = [0] * (1 + max(max(pair) for pair in debts))
    for (debtor, creditor), minor in debts.items():
        net[debtor] += minor
        net[creditor] -= minor
    solver.add_arcs_with_capacity_and_unit_cost(
        [debtor for debtor, _ in debts],
        [creditor for _, creditor in debts],
        list(debts.values()),
        [1] * len(debts),
    )
    solver.set_nodes_supplies(list(range(len(net))), net)
    solver.solve()


def main() -> None:
    """Print one table."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    signed = ledger(entries)
    for lines in (bench_audit(signed), bench_opening(signed), bench_bulk(), bench_durable()):
        for line in lines:
            line.show()
    bench_simplify()


class Ledger:
    """The rig of the ledger: entries signed, checked, folded and kept, without a network."""

    system = "p2pchat"

    @contextmanager
    def ready(self) -> Iterator[None]:
        """An account of 100,000 entries."""
        self._signed = ledger(100_000)
        yield

    def round(self) -> Iterator[Sample]:
        """One round of all its metrics."""
        found = {line.metric: line for line in self._lines()}
        yield Sample("ledger_audit", found["audit"].ratio)
        yield Sample("ledger_receive", found["receive"].count / found["receive"].took_s)
        yield Sample("ledger_open", found["open_cpu"].took_s)
        yield Sample("ledger_bulk", found["bulk"].ratio)
        yield Sample("ledger_bulk_rate", found["bulk"].count / found["bulk"].took_s)
        yield Sample("ledger_durable", found["durable"].ratio)
        yield Sample("ledger_pay", found["pay"].count / found["pay"].took_s)

    def _lines(self) -> Iterator[Line]:
        yield from bench_audit(self._signed, 1)
        yield from bench_opening(self._signed, 1)
        yield from bench_bulk(rounds=1)
        yield from bench_durable(rounds=1)


if __name__ == "__main__":
    main()
