"""How much a contact may owe me, and up to which amount my node accepts without asking me."""

from __future__ import annotations

from p2pchat.core.ledger import actions, policy
from p2pchat.core.ledger.units import Unit
from p2pchat.errors import UsageError
from p2pchat.node.features import accounts
from p2pchat.node.features.accounts import Written
from p2pchat.node.features.amounts import parse_bound
from p2pchat.node.features.app import App
from p2pchat.store import people
from p2pchat.store.transaction import Transaction


def set_limit(
    app: App, tx: Transaction, person: people.Person, amount: str, automatic: str | None
) -> tuple[Written, Unit]:
    """From now on `person` may owe me up to `amount`; what I accepted before stays accepted.

    Single IOUs up to `automatic` (None: whatever fits; with or without the unit) are accepted unasked.

    Raises:
        UsageError: a figure is malformed, in another unit, or `automatic` is above `amount`.
    """
    owed, unit = parse_bound(amount)
    unasked = None
    if automatic is not None:
        unasked, its_unit = parse_bound(automatic if len(automatic.split()) > 1 else f"{automatic} {unit}")
        if its_unit != unit:
            raise UsageError(f"both figures of a limit are in one unit, not {unit} and {its_unit}")
        if unasked > owed:
            raise UsageError("what is accepted without asking lies within the limit")
    with accounts.opened(app, tx, person.id, unit) as state:
        draft = actions.set_limit(state, app.person, policy.limit(owed, automatic=unasked))
        return accounts.write(app, tx, state, draft), unit
