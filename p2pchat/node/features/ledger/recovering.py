"""Whether this device took the place of a lost one, and has not yet settled the accounts with somebody.

Until then it signs nothing in them that binds it: what the lost device signed may still be under way.
"""

from __future__ import annotations

from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.node.features.app import App
from p2pchat.store import people, recoveries
from p2pchat.store.recoveries import Recovery
from p2pchat.store.transaction import Reader, Transaction


def begin(tx: Transaction, person: PersonId) -> None:
    """From now on the accounts with `person` have to be settled first."""
    recoveries.put(tx, Recovery(person, None, settled=False))


def is_needed(app: App, tx: Reader, person: PersonId) -> bool:
    """Whether nothing that binds may be signed in the accounts with `person` yet."""
    known = recoveries.get(tx, person)
    # A store made of the words alone knows nothing of what its person signed before, with anybody.
    return app.is_from_words(tx) if known is None else not known.settled


def replaced_devices(app: App, tx: Reader) -> tuple[DeviceId, ...]:
    """My devices that are gone."""
    mine = people.all_devices(tx, app.person)
    return tuple(sorted(one.id for one in mine if one.standing == "revoked" and one.id != app.device))
