"""How much a contact may owe me, and up to which amount my node accepts without asking me."""

from __future__ import annotations

from p2pchat.core.ledger import actions, policy
from p2pchat.core.ledger.units import Unit
from p2pchat.errors import UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts
from p2pchat.node.features.ledger.accounts import Written
from p2pchat.node.features.ledger.amounts import parse_bound
from p2pchat.store import people
from p2pchat.store.transaction import Transaction


def set_limit(
    app: App,
    tx: Transaction,
    person: people.Person,
    amount: str,
    automatic: str | None,
    holds: str | None = None,
) -> tuple[Written, Unit]:
    """From now on `person` may owe me up to `amount`; what I accepted before stays accepted.

    Single IOUs up to `automatic` (None: whatever fits; with or without the unit) are accepted unasked, and
    up to `holds` (None: a fifth) may wait in circulations.

    Raises:
        UsageError: a figure is malformed, in another unit, or a part is above the whole.
    """
    owed, unit = parse_bound(amount)
    unasked, held = _part(automatic, owed, unit), _part(holds, owed, unit)
    with accounts.opened(app, tx, person.id, unit) as state:
        draft = actions.set_limit(state, app.person, policy.limit(owed, held=held, automatic=unasked))
        return accounts.write(app, tx, state, draft), unit


def _part(text: str | None, owed: int, unit: Unit) -> int | None:
    if text is None:
        return None
    part, its_unit = parse_bound(text if len(text.split()) > 1 else f"{text} {unit}")
    if its_unit != unit:
        raise UsageError(f"all figures of a limit are in one unit, not {unit} and {its_unit}")
    if part > owed:
        raise UsageError("what is accepted without asking, or waits in circles, lies within the limit")
    return part
