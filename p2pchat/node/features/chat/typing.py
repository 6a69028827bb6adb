"""Who may know that I am typing, and whose typing I am told of: accepted contacts, if I want that."""

from __future__ import annotations

from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.node.effects import Passing
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.store import people
from p2pchat.store.transaction import Reader


def listeners(tx: Reader, person: PersonId) -> list[DeviceId]:
    """The devices of a contact to tell; none if it is switched off or I have to decide about one."""
    known = people.person(tx, person)
    if known is None or not _is_open(tx, known):
        return []
    return [device.id for device in people.devices(tx, person)]


def heard(app: App, tx: Reader, device: DeviceId, typing: bool) -> Passing | None:
    """What to tell of a notice of `device`; None if it is no business of mine."""
    known = people.device(tx, device)
    person = people.person(tx, known.person) if known and known.standing == "listed" else None
    if person is None or not _is_open(tx, person):
        return None
    data = {"chat": f"@{person.petname}", "name": person.petname, "typing": typing}
    return Passing("chat.typing", data, app.now_ms())


def _is_open(tx: Reader, person: people.Person) -> bool:
    return person.state == "accepted" and not person.changed and settings.get(tx).typing
