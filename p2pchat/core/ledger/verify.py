"""Checking a proof with nothing but its bytes: what it proves, and what it does not.

This needs no node and no store. Trust comes from two places only: the keys of the two persons, which
the reader has to know, and the signatures inside.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec

from p2pchat.core.identity import DeviceCertificate, fingerprint
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.ledger import agreements, bundle
from p2pchat.core.ledger.account import Account, open_account
from p2pchat.core.ledger.bundle import BundleKind
from p2pchat.core.ledger.details import Checkpoint, Prefix, Purpose
from p2pchat.core.ledger.entry import Kind, SignedEntry, verify
from p2pchat.core.ledger.money import plain_number
from p2pchat.core.ledger.state import AccountState, fold
from p2pchat.errors import ProtocolError

_CLOCK = "When this was signed: the dates are those of the signers' own clocks."
_LATER = "What happened afterwards: either side may hold later entries."


class Report(msgspec.Struct, frozen=True):
    """What a bundle proves, in sentences for people, and in figures for programs.

    `balance` is what the person with the higher key owes the one with the lower, in smallest parts;
    None where the bundle does not show a balance. `challenge` is the nonce inside a statement.
    """

    kind: BundleKind
    account: Account
    proven: tuple[str, ...]
    not_proven: tuple[str, ...]
    balance: int | None = None
    challenge: bytes | None = None


def verify_bundle(data: bytes) -> Report:
    """What `data` proves.

    Raises:
        ProtocolError: nothing: it is malformed, a signature or certificate is bad, or the parts do not
            belong together. The error says which.
    """
    parts = bundle.decode(data)
    account = open_account(*parts.persons, parts.unit)
    owners = _owners(parts, account)
    signed = [verify(raw, signature) for raw, signature in parts.entries]
    for entry in signed:
        if entry.entry.account != account.id or entry.entry.device not in owners:
            raise ProtocolError("an entry belongs to another account, or its device has no certificate")
    match parts.kind:
        case BundleKind.STATEMENT:
            return _statement(account, owners, signed)
        case BundleKind.RECEIPT:
            return _receipt(account, owners, signed)
        case BundleKind.HISTORY:
            return _history(account, owners, signed)
        case BundleKind.EQUIVOCATION:
            return _equivocation(account, owners, signed)


def _owners(parts: bundle.Bundle, account: Account) -> dict[DeviceId, PersonId]:
    certificates = [DeviceCertificate.decode(raw) for raw in parts.certificates]
    owners = {certificate.device: certificate.person for certificate in certificates}
    if len(owners) != len(certificates) or not set(owners.values()) <= {account.low, account.high}:
        raise ProtocolError("a device has two certificates, or belongs to somebody else")
    return owners


def _statement(account: Account, owners: dict[DeviceId, PersonId], signed: list[SignedEntry]) -> Report:
    if len(signed) != 2:
        raise ProtocolError("a statement is a checkpoint and the other side's agreement")
    proposal, acceptance = signed
    checkpoint = proposal.entry.details
    if not isinstance(checkpoint, Checkpoint) or not _accepts(acceptance, proposal, owners):
        raise ProtocolError("the two entries are not a checkpoint and the other side's agreement to it")
    fresh = "Freshness: there is no challenge inside, so it may be old."
    if checkpoint.challenge is not None:
        fresh = f"Freshness, unless you chose the challenge {checkpoint.challenge.hex()} yourself."
    return Report(
        BundleKind.STATEMENT,
        account,
        proven=_checkpoint_sentences(account, checkpoint, proposal),
        not_proven=(
            fresh,
            _LATER,
            _CLOCK,
            "Which entries made up the balance: a statement shows their sum only.",
        ),
        balance=checkpoint.balance,
        challenge=checkpoint.challenge,
    )


def _checkpoint_sentences(account: Account, checkpoint: Checkpoint, proposal: SignedEntry) -> tuple[str, ...]:
    on = _date(proposal)
    sentences = [
        f"Both signed that, over {checkpoint.count} entries, {_owes(account, checkpoint.balance)} ({on})."
    ]
    for person, held in zip((account.low, account.high), checkpoint.held, strict=True):
        if held:
            payer = fingerprint(person)
            sentences.append(f"Beyond that, {payer} had {_amount(account, held)} in open holds.")
    return tuple(sentences)


def _receipt(account: Account, owners: dict[DeviceId, PersonId], signed: list[SignedEntry]) -> Report:
    if not signed or signed[0].entry.kind is not Kind.CONCEDE:
        raise ProtocolError("a receipt begins with the concession that it is about")
    concession, *rest = signed
    conceder = owners[concession.entry.device]
    other = account.other(conceder)
    assert concession.entry.amount is not None
    amount = _amount(account, concession.entry.amount)
    purpose = concession.entry.details
    reason = (purpose if isinstance(purpose, Purpose) else Purpose()).reason.name.lower()
    proven = [
        f"{fingerprint(conceder)} conceded {amount} to {fingerprint(other)} ({reason}, {_date(concession)})."
    ]
    not_proven = [
        f"Whether {fingerprint(other)} gave it up later (forgave, refunded or cancelled it).",
        "The balance: other entries may stand on either side.",
        _CLOCK,
    ]
    fulfilled = [shown for shown in rest if shown.entry.kind is Kind.PREIMAGE]
    chain = [shown for shown in rest if shown.entry.kind is not Kind.PREIMAGE]
    if chain:
        _check_covered(concession, chain, owners)
        proven.append(f"{fingerprint(other)} accepted it.")
    else:
        not_proven.insert(0, f"That {fingerprint(other)} accepted it: until then it does not count.")
    if concession.entry.lock is not None:
        proven += _fulfilment(concession, fulfilled, owners)
        if not fulfilled:
            not_proven.insert(0, "That it is due: it stands under a lock that nobody shows to be open.")
    elif fulfilled:
        raise ProtocolError("a preimage for a concession without a lock")
    return Report(BundleKind.RECEIPT, account, tuple(proven), tuple(not_proven))


def _check_covered(
    concession: SignedEntry, chain: list[SignedEntry], owners: dict[DeviceId, PersonId]
) -> None:
    *between, acceptance = chain
    last = concession
    for signed in between:
        if signed.entry.prev != last.id:
            raise ProtocolError("the chain from the concession to what was accepted has a gap")
        last = signed
    if not _accepts(acceptance, last, owners, prefix=bool(between) or acceptance.entry.details is not None):
        raise ProtocolError("the acceptance is not the other side's, or names something else")
    prefix = acceptance.entry.details
    if isinstance(prefix, Prefix) and (
        concession.entry.seq < prefix.first_seq or concession.id in prefix.exceptions
    ):
        raise ProtocolError("the acceptance leaves this concession out")


def _fulfilment(
    concession: SignedEntry, shown: list[SignedEntry], owners: dict[DeviceId, PersonId]
) -> list[str]:
    for signed in shown:
        preimage = signed.entry.preimage
        assert preimage is not None
        opens = hashlib.sha256(preimage).digest() == concession.entry.lock
        theirs = owners[signed.entry.device] != owners[concession.entry.device]
        if not (opens and theirs and signed.entry.ref == concession.id):
            raise ProtocolError("the preimage does not open this concession")
    return ["Its lock is open: the preimage is shown."] if shown else []


def _history(account: Account, owners: dict[DeviceId, PersonId], signed: list[SignedEntry]) -> Report:
    state = fold(account, owners, signed)
    if len(state.chains.entries) != len(signed):
        raise ProtocolError("entries are missing, doubled or out of their chains")
    proven = [f"{len(signed)} entries are signed by devices of the two, and their chains have no gap."]
    proven.append(f"They add up to: {_owes(account, state.balance)}.")
    not_proven = [_CLOCK]
    checkpoint = _last_checkpoint(state)
    if checkpoint is None:
        not_proven.insert(0, "Completeness: the holder may have left out the ends of chains.")
    elif _covers_all_before(account, owners, signed, checkpoint):
        proven.append(f"Up to the checkpoint of {_date(checkpoint)} it is complete: both signed its sum.")
        not_proven.insert(0, "Completeness after that checkpoint: ends of chains may be left out.")
    else:
        not_proven.insert(0, "Completeness: the entries do not give the checkpoint that both signed.")
    proven += [
        f"The device {forked.first.entry.device.short} signed two entries with one number."
        for forked in state.equivocations()
    ]
    return Report(BundleKind.HISTORY, account, tuple(proven), tuple(not_proven), balance=state.balance)


def _last_checkpoint(state: AccountState) -> SignedEntry | None:
    agreed = [
        signed
        for signed in state.chains.entries.values()
        if signed.id in state.agreed and signed.entry.kind is Kind.CHECKPOINT
    ]
    return agreed[-1] if agreed else None


def _covers_all_before(
    account: Account, owners: dict[DeviceId, PersonId], signed: list[SignedEntry], checkpoint: SignedEntry
) -> bool:
    """Whether what came in before the checkpoint, or before its acceptance, gives what it states."""
    claimed = checkpoint.entry.details
    assert isinstance(claimed, Checkpoint)
    cuts = [
        index
        for index, entry in enumerate(signed)
        if entry.id == checkpoint.id or entry.entry.ref == checkpoint.id
    ]
    for cut in cuts:
        below = fold(account, owners, (entry for entry in signed[:cut] if entry.id != checkpoint.id))
        if agreements.checkpoint_at(below, below.heads(), claimed.challenge) == claimed:
            return True
    return False


def _equivocation(account: Account, owners: dict[DeviceId, PersonId], signed: list[SignedEntry]) -> Report:
    if len(signed) != 2:
        raise ProtocolError("an equivocation is shown by two entries")
    first, second = signed
    same_slot = first.entry.writer == second.entry.writer and first.entry.seq == second.entry.seq
    if not same_slot or first.id == second.id:
        raise ProtocolError("the two entries do not contradict each other")
    owner = owners[first.entry.device]
    return Report(
        BundleKind.EQUIVOCATION,
        account,
        proven=(
            f"A device of {fingerprint(owner)} signed two different entries with one number"
            f" ({first.entry.seq}).",
        ),
        not_proven=(
            "Why: it may be fraud, a stolen key, or a device that was copied and not restored properly.",
            "That anybody was harmed: both entries count against the one who signed them.",
        ),
    )


def _accepts(
    acceptance: SignedEntry, target: SignedEntry, owners: dict[DeviceId, PersonId], *, prefix: bool = False
) -> bool:
    entry = acceptance.entry
    return (
        entry.kind is Kind.ACCEPT
        and entry.ref == target.id
        and owners[entry.device] != owners[target.entry.device]
        and isinstance(entry.details, Prefix) is prefix
    )


def _owes(account: Account, balance: int) -> str:
    if balance == 0:
        return "nobody owed anything"
    debtor, creditor = (account.high, account.low) if balance > 0 else (account.low, account.high)
    return f"{fingerprint(debtor)} owed {fingerprint(creditor)} {_amount(account, abs(balance))}"


def _amount(account: Account, minor: int) -> str:
    return f"{plain_number(minor, account.unit)} {account.unit}"


def _date(signed: SignedEntry) -> str:
    return datetime.fromtimestamp(signed.entry.created_ms // 1000, UTC).date().isoformat()
