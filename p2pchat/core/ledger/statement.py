"""Making proofs for others out of an account: statements, receipts, histories, equivocations.

Each gives the bytes of a bundle that `verify.verify_bundle` checks. `certificates` are the encoded
`DeviceCertificate`s of both persons; those of devices that signed nothing here are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from p2pchat.core.identity import DeviceCertificate
from p2pchat.core.ids import LedgerEntryId
from p2pchat.core.ledger.account import Account
from p2pchat.core.ledger.bundle import Bundle, BundleKind, encode
from p2pchat.core.ledger.chains import Equivocation
from p2pchat.core.ledger.details import Prefix
from p2pchat.core.ledger.entry import Kind, SignedEntry
from p2pchat.core.ledger.state import AccountState
from p2pchat.errors import NotFoundError, UsageError


def statement(state: AccountState, certificates: Sequence[bytes], checkpoint: LedgerEntryId) -> bytes:
    """Proof of the balance that both signed in `checkpoint`.

    Raises:
        UsageError: it is no checkpoint, or the other side has not agreed to it.
    """
    proposal = state.find(checkpoint)
    if proposal is None or proposal.entry.kind is not Kind.CHECKPOINT:
        raise NotFoundError("There is no such checkpoint in this account")
    acceptance = _acceptance(state, proposal)
    if acceptance is None:
        raise UsageError("The other side has not agreed to this checkpoint yet")
    return _bundle(BundleKind.STATEMENT, state.account, certificates, (proposal, acceptance))


def receipt(state: AccountState, certificates: Sequence[bytes], concession: LedgerEntryId) -> bytes:
    """Proof that somebody conceded an amount, and, if it is so, that the other accepted it.

    Raises:
        UsageError: there is no such concession, or it is void.
    """
    found = state.concessions.get(concession)
    if found is None:
        raise NotFoundError("There is no such concession in this account")
    if found.voided:
        raise UsageError("This is void: a receipt would mislead")
    parts = [found.signed]
    acceptance = _acceptance(state, found.signed)
    if acceptance is not None:
        parts += _chain_between(state, found.signed, acceptance)
        parts.append(acceptance)
    parts += _preimage(state, found.signed)
    return _bundle(BundleKind.RECEIPT, state.account, certificates, parts)


def history(state: AccountState, certificates: Sequence[bytes]) -> bytes:
    """All entries of the account, in the order in which they came in here."""
    return _bundle(BundleKind.HISTORY, state.account, certificates, state.chains.entries.values())


def equivocation(account: Account, certificates: Sequence[bytes], proof: Equivocation) -> bytes:
    """Proof that a device signed two different entries with one number."""
    return _bundle(BundleKind.EQUIVOCATION, account, certificates, proof)


def _bundle(
    kind: BundleKind, account: Account, certificates: Sequence[bytes], entries: Iterable[SignedEntry]
) -> bytes:
    listed = list(entries)
    signers = {signed.entry.device for signed in listed}
    needed = tuple(raw for raw in certificates if DeviceCertificate.decode(raw).device in signers)
    pairs = tuple((signed.raw, signed.signature) for signed in listed)
    return encode(Bundle(kind, (account.low, account.high), account.unit, needed, pairs))


def _acceptance(state: AccountState, target: SignedEntry) -> SignedEntry | None:
    """A living acceptance of `target`: one that names it if there is one, else one of a prefix."""
    covering = None
    for signed in state.chains.entries.values():
        entry = signed.entry
        if entry.kind is not Kind.ACCEPT or not state.is_alive(signed):
            continue
        if state.seat_of(signed) == state.seat_of(target):
            continue
        if entry.ref == target.id and not isinstance(entry.details, Prefix):
            return signed
        if covering is None and _covers(state, signed, target):
            covering = signed
    return covering


def _covers(state: AccountState, acceptance: SignedEntry, target: SignedEntry) -> bool:
    prefix, ref = acceptance.entry.details, acceptance.entry.ref
    if not isinstance(prefix, Prefix) or ref is None or target.id in prefix.exceptions:
        return False
    last = state.find(ref)
    if last is None or last.entry.writer != target.entry.writer:
        return False
    if not prefix.first_seq <= target.entry.seq <= last.entry.seq:
        return False
    return any(signed.id == target.id for signed in state.chains.ancestors(ref))


def _chain_between(state: AccountState, target: SignedEntry, acceptance: SignedEntry) -> list[SignedEntry]:
    """The entries after `target` up to the one that a prefix acceptance names, oldest first."""
    ref = acceptance.entry.ref
    assert ref is not None
    chain = []
    for signed in state.chains.ancestors(ref):
        if signed.entry.seq <= target.entry.seq:
            break
        chain.append(signed)
    return chain[::-1]


def _preimage(state: AccountState, target: SignedEntry) -> list[SignedEntry]:
    shown = (
        signed
        for signed in state.chains.entries.values()
        if signed.entry.kind is Kind.PREIMAGE
        and signed.entry.ref == target.id
        and signed.entry.preimage == state.concessions[target.id].preimage
        and state.seat_of(signed) != state.seat_of(target)
    )
    return list(shown)[:1]
