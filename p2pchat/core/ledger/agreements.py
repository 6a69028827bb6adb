"""Terms, checkpoints and closures: proposed by one side, binding once the other accepts the very bytes.

The acceptance signs the id of the proposal, and the id is the hash of its bytes: both sides have
signed the same thing, and no third kind of signature is needed.
"""

from __future__ import annotations

from p2pchat.core.ids import DeviceId, LedgerEntryId, PersonId
from p2pchat.core.ledger.chains import Head, heads_root
from p2pchat.core.ledger.details import MAX_HEADS, Checkpoint, Closure, Terms
from p2pchat.core.ledger.entry import Kind, SignedEntry
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.writer import Draft
from p2pchat.errors import NotFoundError, UsageError


def propose_terms(
    state: AccountState, me: PersonId, terms: Terms, *, memo_hash: bytes | None = None
) -> Draft:
    """Terms for this account, to replace those in force. They never change a balance by themselves."""
    return Draft(
        state.account.id,
        Kind.TERMS,
        ref=state.current_terms(),
        details=terms,
        memo_hash=memo_hash,
        seen=state.seen_by(me),
    )


def propose_checkpoint(state: AccountState, me: PersonId, *, challenge: bytes | None = None) -> Draft:
    """The account as I know it now, for the other side to confirm.

    `challenge` is a nonce of 8 to 32 bytes by which somebody else can tell that it is fresh.
    """
    details = checkpoint_at(state, state.heads(), challenge)
    return Draft(state.account.id, Kind.CHECKPOINT, details=details, seen=state.seen_by(me))


def propose_closure(state: AccountState, device: DeviceId, epoch: bytes | None) -> Draft:
    """`epoch` of `device` ends with what is known of it; None ends the device (lost or revoked).

    Raises:
        UsageError: the chain has too many branches to name.
    """
    heads = tuple(sorted(head.id for head in _in_scope(state.heads(), device, epoch)))
    if len(heads) > MAX_HEADS:
        raise UsageError("This device wrote in too many chains for one closure")
    return Draft(state.account.id, Kind.CLOSURE, details=Closure(device, epoch, heads))


def agree(state: AccountState, me: PersonId, proposal_id: LedgerEntryId) -> Draft:
    """I agree to what the other side proposed.

    Raises:
        UsageError: it is not such a proposal, or it is agreed already; a checkpoint that differs from
            the account as I know it; a closure that would shut out entries I hold.
    """
    proposal = state.find(proposal_id)
    if proposal is None:
        raise NotFoundError("There is no such entry in this account")
    if state.seat_of(proposal) == state.account.seat(me):
        raise UsageError("This is your own proposal; the other side has to agree")
    if proposal_id in state.agreed:
        raise UsageError("This is agreed already")
    details = proposal.entry.details
    if isinstance(details, Checkpoint):
        _check_checkpoint(state, proposal, details)
    elif isinstance(details, Closure):
        _check_closure(state, details)
    elif not isinstance(details, Terms):
        raise UsageError("This is not a proposal: only terms, checkpoints and closures are agreed to")
    return Draft(state.account.id, Kind.ACCEPT, ref=proposal_id, seen=state.seen_by(me))


def checkpoint_at(state: AccountState, heads: list[Head], challenge: bytes | None = None) -> Checkpoint:
    """The totals of `state`, said to be those at `heads`."""
    return Checkpoint(
        heads_root=heads_root(heads),
        count=len(state.chains.entries),
        conceded=(state.conceded[0], state.conceded[1]),
        held=(state.held[0], state.held[1]),
        challenge=challenge,
    )


def heads_below(state: AccountState, proposal: SignedEntry) -> list[Head]:
    """The heads of all that `state` knows but `proposal`, which must be the end of its chain."""
    heads = []
    for head in state.heads():
        if head.id != proposal.id:
            heads.append(head)
        elif head.seq > 1:
            heads.append(Head(head.writer, head.seq - 1, LedgerEntryId(proposal.entry.prev)))
    return sorted(heads)


def _check_checkpoint(state: AccountState, proposal: SignedEntry, claimed: Checkpoint) -> None:
    ours = checkpoint_at(state, heads_below(state, proposal), claimed.challenge)
    if ours.heads_root != claimed.heads_root:
        raise UsageError("The two sides do not know the same entries yet: exchange them, then propose again")
    if (ours.conceded, ours.held, ours.count - 1) != (claimed.conceded, claimed.held, claimed.count):
        raise UsageError("This checkpoint states other totals than the entries add up to")


def _check_closure(state: AccountState, closure: Closure) -> None:
    kept = {signed.id for head in closure.heads for signed in state.chains.ancestors(head)}
    if not kept >= set(closure.heads):
        raise UsageError("This closure names entries that are not here yet")
    if any(head.id not in kept for head in _in_scope(state.heads(), closure.device, closure.epoch)):
        raise UsageError("This closure would shut out entries that you hold: send them, then ask again")


def _in_scope(heads: list[Head], device: DeviceId, epoch: bytes | None) -> list[Head]:
    return [
        head
        for head in heads
        if head.writer.device == device and (epoch is None or head.writer.epoch == epoch)
    ]
