"""Whose the devices are that write in an account."""

from __future__ import annotations

from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.node.features.app import App
from p2pchat.store import people
from p2pchat.store.transaction import Reader


def owners(app: App, tx: Reader, person: PersonId) -> dict[DeviceId, PersonId]:
    """Who owns the devices whose entries count in an account with `person`; those that are gone, too."""
    owned = {device.id: who for who in (person, app.person) for device in people.all_devices(tx, who)}
    return owned | {app.device: app.person}


def certificates(app: App, tx: Reader, person: PersonId) -> list[bytes]:
    """What proves this to a stranger, for every device whose certificate we have seen."""
    owned = [device for who in (person, app.person) for device in people.all_devices(tx, who)]
    known = {device.id: device.certificate for device in owned if device.certificate is not None}
    return [*(known | {app.device: app.certificate.encode()}).values()]
