"""Ledger accounts in memory: what all entries of one add up to, without reading them anew."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from p2pchat.core.ids import AccountId, DeviceId, LedgerEntryId, PersonId
from p2pchat.core.ledger import audit, opening
from p2pchat.core.ledger.account import Account
from p2pchat.core.ledger.entry import SignedEntry
from p2pchat.core.ledger.state import AccountState
from p2pchat.errors import ProtocolError, StoreError
from p2pchat.store import ledger
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

_DAMAGED: Final = "The stored entries of an account are not those that were signed: restore a backup."
MAX_ACCOUNTS: Final = 256  # a state takes a kilobyte or two for each entry


@dataclass(slots=True)
class _Loaded:
    state: AccountState
    newest: ledger.Stamp | None  # up to which row it was folded; None while it is being changed


class AccountCache:
    """Answers from memory if that is what the transaction sees; else it reads what is new, or all.

    Queries run in several threads and see different moments of the ledger, and a change may yet be
    rolled back. So a state is lent under a lock, and it goes only if its newest row is the newest of
    the transaction, or one that the transaction sees.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._loaded: dict[AccountId, _Loaded] = {}

    @contextmanager
    def state(
        self, tx: Reader, account: Account, devices: Mapping[DeviceId, PersonId]
    ) -> Iterator[AccountState]:
        """The state of `account` as `tx` sees it, for the length of the context. Change it by `add` only."""
        with self._lock:
            yield self._load(tx, account, devices).state

    def add(self, tx: Transaction, entry: ledger.StoredEntry, signed: SignedEntry) -> list[LedgerEntryId]:
        """Store an entry of an account that is lent just now; gives what its state says has moved.

        Raises:
            ProtocolError: the entry does not belong into the account; nothing was stored.
        """
        loaded = self._loaded[entry.account]
        loaded.newest = None  # whatever goes wrong from here on, the state is not taken for the stored one
        moved = loaded.state.add(signed)
        loaded.newest = ledger.add(tx, entry) or ledger.newest(tx, entry.account)
        return moved

    def _load(self, tx: Reader, account: Account, devices: Mapping[DeviceId, PersonId]) -> _Loaded:
        newest = ledger.newest(tx, account.id)
        loaded = self._loaded.get(account.id)
        if loaded is not None and loaded.newest is not None:
            if loaded.newest == newest:
                _take(loaded.state, [], devices)
                return loaded
            entries = ledger.entries(tx, account.id, since=loaded.newest.row)
            if entries and entries[0].id == loaded.newest.id:
                loaded.newest = None
                _take(loaded.state, ((one.raw, one.signature) for one in entries[1:]), devices)
                loaded.newest = newest
                return loaded
        loaded = _Loaded(AccountState(account, devices), newest)
        with _collector_paused():
            _open(loaded.state, tx)
        while len(self._loaded) >= MAX_ACCOUNTS:
            del self._loaded[next(iter(self._loaded))]
        self._loaded[account.id] = loaded
        return loaded


def _take(
    state: AccountState, entries: Iterable[tuple[bytes, bytes]], devices: Mapping[DeviceId, PersonId]
) -> None:
    for device, person in devices.items():
        state.admit(device, person)
    opening.add_stored(state, entries)


def _open(state: AccountState, tx: Reader) -> None:
    """Add all that is stored, if it is what was put into the store.

    Raises:
        StoreError: some entries are not those that were signed, or the end of the own chain is missing.
    """
    stored = ledger.account(tx, state.account.id)
    try:
        opening.add_stored(state, ledger.signed(tx, state.account.id))
        audit.check_heads(state)
    except ProtocolError as error:
        raise StoreError(_DAMAGED) from error
    if stored is not None and stored.seq and stored.prev not in state.chains.entries:
        raise StoreError(_DAMAGED)
    if missing := state.chains.missing():
        logger.info("%d entries of an account are not here yet; others wait for them.", len(missing))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """All that is made meanwhile is kept: the collector would walk the growing heap for nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
