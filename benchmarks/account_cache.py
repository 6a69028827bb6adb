"""What it costs to take in one more ledger entry, by how many there are.

Run `python benchmarks/account_cache.py`. Each line is an account of so many entries in a store on the
disk: the time to take in one (verify, add, insert) in memory of the account, as a node does, and the
time if the account were read and folded anew, as a command without a node does at its first look.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger.account import open_account
from p2pchat.core.ledger.entry import Kind, SignedEntry, verify
from p2pchat.core.ledger.units import iso_unit
from p2pchat.core.ledger.writer import Draft, WriterHead, write
from p2pchat.node.features.ledger.account_cache import AccountCache
from p2pchat.store import ledger
from p2pchat.store.database import Database
from p2pchat.store.transaction import Transaction

SIZES = (1_000, 10_000, 50_000)
ENTRIES = 200  # taken in one by one at each size
NOW_MS = 1_800_000_000_000
KEY = SigningKey(bytes([1]) * 32)
PERSONS = [PersonId(SigningKey(bytes([number]) * 32).public) for number in (3, 4)]
OWNERS = {DeviceId(KEY.public): PERSONS[0]}
ACCOUNT = open_account(PERSONS[0], PERSONS[1], iso_unit("EUR"))


def concessions(count: int) -> list[SignedEntry]:
    head = WriterHead.start(ACCOUNT.id, bytes(8))
    entries = []
    for number in range(count):
        draft = Draft(ACCOUNT.id, Kind.CONCEDE, amount=number + 1)
        signed, head = write(draft, head, KEY, now_ms=NOW_MS + number, nonce=number.to_bytes(12, "big"))
        entries.append(signed)
    return entries


def row(signed: SignedEntry) -> ledger.StoredEntry:
    return ledger.StoredEntry(signed.id, ACCOUNT.id, signed.raw, signed.signature, "", b"", NOW_MS)


def take(tx: Transaction, cache: AccountCache, signed: SignedEntry) -> float:
    """Microseconds to take one entry in."""
    begin = time.perf_counter()
    verified = verify(signed.raw, signed.signature)
    with cache.state(tx, ACCOUNT, OWNERS):
        cache.add(tx, row(verified), verified)
    return 1e6 * (time.perf_counter() - begin)


def measure(database: Database, stored: list[SignedEntry], fresh: list[SignedEntry]) -> tuple[float, float]:
    """Median microseconds with the account in memory, and without."""

    def fill(tx: Transaction) -> None:
        for signed in stored:
            ledger.add(tx, row(signed))

    database.transact(fill)
    cache = AccountCache()

    def warm(tx: Transaction) -> None:
        with cache.state(tx, ACCOUNT, OWNERS):
            pass

    database.transact(warm)
    *some, last = fresh
    times = database.transact(lambda tx: [take(tx, cache, signed) for signed in some]).result
    anew = database.transact(lambda tx: take(tx, AccountCache(), last)).result
    return statistics.median(times), anew


def main() -> None:
    entries = concessions(max(SIZES) + ENTRIES)
    print(f"{'entries':>10} {'in memory':>12} {'anew':>14}")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        for size in SIZES:
            with Database.create(Path(folder) / f"{size}.db", os.urandom(32)) as database:
                took, anew = measure(database, entries[:size], entries[size : size + ENTRIES])
            print(f"{size:10,} {took:9,.0f} us {anew:11,.0f} us")


if __name__ == "__main__":
    main()
