"""With whom a restored person has to settle the accounts first, and proofs of forked ledger chains."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.ids import AccountId, DeviceId, PersonId
from p2pchat.store.transaction import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Recovery:
    """How far it got with one person; `heads` is what he said he holds, encoded, None until he did."""

    person: PersonId
    heads: bytes | None
    settled: bool


@dataclass(frozen=True, slots=True)
class Fork:
    """A device signed two entries with one number; `proof` is a bundle that anybody can check."""

    account: AccountId
    device: DeviceId
    epoch: bytes
    proof: bytes
    noticed_ms: int


def get(tx: Reader, person: PersonId) -> Recovery | None:
    """The recovery with `person`; None if none was ever needed."""
    row = tx.one("SELECT heads, settled FROM ledger_recovery WHERE person = ?", (person,))
    return Recovery(person, row[0], bool(row[1])) if row else None


def put(tx: Transaction, recovery: Recovery) -> None:
    """Note how far it got."""
    tx.execute(
        "INSERT OR REPLACE INTO ledger_recovery VALUES (?, ?, ?)",
        (recovery.person, recovery.heads, int(recovery.settled)),
    )


def add_fork(tx: Transaction, fork: Fork) -> bool:
    """Keep a proof; whether this chain was not known as forked before."""
    known = tx.one(
        "SELECT 1 FROM ledger_fork WHERE account = ? AND device = ? AND epoch = ?",
        (fork.account, fork.device, fork.epoch),
    )
    if known is None:
        tx.execute(
            "INSERT INTO ledger_fork VALUES (?, ?, ?, ?, ?)",
            (fork.account, fork.device, fork.epoch, fork.proof, fork.noticed_ms),
        )
    return known is None


def forks(tx: Reader, account: AccountId | None = None) -> list[Fork]:
    """All proofs, or those of one account, the oldest first."""
    where = "WHERE account = ?" if account else ""
    rows = tx.execute(
        f"SELECT * FROM ledger_fork {where} ORDER BY noticed_ms, account, device",
        (account,) if account else (),
    )
    return [Fork(AccountId(row[0]), DeviceId(row[1]), *row[2:]) for row in rows]
