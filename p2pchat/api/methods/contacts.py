"""Contacts, invites and requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from p2pchat.api import schema as s
from p2pchat.api import views
from p2pchat.api.methods.base import Change, Query
from p2pchat.core.ids import PersonId
from p2pchat.node.features.app import App
from p2pchat.node.features.people import contacts, introductions, removal
from p2pchat.node.features.people.names import find_person
from p2pchat.node.profile import require_network
from p2pchat.store import people
from p2pchat.store.transaction import Reader, Transaction


def invite_create(app: App, tx: Transaction, params: s.Nothing) -> s.Invite:
    """See the table."""
    link = contacts.create_invite(app, tx, require_network(app.home))
    return s.Invite(link=link.encode(), reachable=bool(link.addresses))


def contact_add(app: App, tx: Transaction, params: s.AddContact) -> s.Contact:
    """See the table."""
    person = contacts.add(app, tx, params.link, params.name, params.message, require_network(app.home))
    return _contact(app, tx, person)


def contact_list(app: App, tx: Reader, params: s.Nothing) -> s.Contacts:
    """See the table."""
    known = people.persons(tx, "accepted", "requested", "blocked")
    return s.Contacts(contacts=[views.contact(app, tx, person, whole=False) for person in known])


def contact_show(app: App, tx: Reader, params: s.Who) -> s.Contact:
    """See the table."""
    return views.contact(app, tx, find_person(tx, params.who))


def contact_rename(app: App, tx: Transaction, params: s.Rename) -> s.Contact:
    """See the table."""
    person = find_person(tx, params.who)
    contacts.rename(tx, person, params.name)
    return _contact(app, tx, person.id)


def contact_verify(app: App, tx: Transaction, params: s.Who) -> s.Contact:
    """See the table."""
    return _change_contact(app, tx, params.who, contacts.verify)


def contact_trust(app: App, tx: Transaction, params: s.Who) -> s.Contact:
    """See the table."""
    return _change_contact(app, tx, params.who, contacts.trust)


def contact_introduce(app: App, tx: Transaction, params: s.Introduce) -> s.Done:
    """See the table."""
    introductions.introduce(app, tx, find_person(tx, params.who), find_person(tx, params.to))
    return s.Done()


def contact_remove(app: App, tx: Transaction, params: s.RemoveContact) -> s.Done:
    """See the table."""
    removal.remove(app, tx, find_person(tx, params.who), with_debts=params.with_debts)
    return s.Done()


def contact_block(app: App, tx: Transaction, params: s.Who) -> s.Contact:
    """See the table."""
    return _change_contact(app, tx, params.who, contacts.block)


def contact_unblock(app: App, tx: Transaction, params: s.Who) -> s.Contact:
    """See the table."""
    return _change_contact(app, tx, params.who, contacts.unblock)


def request_list(app: App, tx: Reader, params: s.Nothing) -> s.Contacts:
    """See the table."""
    return s.Contacts(contacts=[views.contact(app, tx, person) for person in people.persons(tx, "pending")])


def request_accept(app: App, tx: Transaction, params: s.Accept) -> s.Contact:
    """See the table."""
    person = find_person(tx, params.who)
    contacts.accept(app, tx, person, params.name)
    return _contact(app, tx, person.id)


def request_reject(app: App, tx: Transaction, params: s.Who) -> s.Done:
    """See the table."""
    contacts.reject(app, tx, find_person(tx, params.who))
    return s.Done()


def _change_contact(
    app: App, tx: Transaction, who: str, change: Callable[[App, Transaction, people.Person], None]
) -> s.Contact:
    person = find_person(tx, who)
    change(app, tx, person)
    return _contact(app, tx, person.id)


def _contact(app: App, tx: Reader, id: PersonId) -> s.Contact:
    person = people.person(tx, id)
    assert person is not None
    return views.contact(app, tx, person)


QUERIES: Final[dict[str, Query]] = {
    "contact.list": contact_list,
    "contact.show": contact_show,
    "request.list": request_list,
}
CHANGES: Final[dict[str, Change]] = {
    "invite.create": invite_create,
    "contact.add": contact_add,
    "contact.rename": contact_rename,
    "contact.verify": contact_verify,
    "contact.trust": contact_trust,
    "contact.introduce": contact_introduce,
    "contact.remove": contact_remove,
    "contact.block": contact_block,
    "contact.unblock": contact_unblock,
    "request.accept": request_accept,
    "request.reject": request_reject,
}
