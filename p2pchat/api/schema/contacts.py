"""Contacts, invites and requests."""

from __future__ import annotations

from typing import Final

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result, Who


class Invite(Result):
    """A link that lets somebody ask to be my contact."""

    link: str
    reachable: bool  # it holds at least one address


class AddContact(Params):
    """Ask the person behind an invite link to be a contact, under a petname of my choice."""

    link: str
    name: str | None = None
    message: str = ""


class Rename(Params):
    """Give a contact another petname."""

    who: str
    name: str


class Contact(Result):
    """A person I know or asked to know."""

    person: str
    name: str  # petname
    claimed_name: str  # what the person calls himself
    state: str  # requested | pending (his request waits for me) | accepted | rejected | blocked
    verified: bool
    fingerprint: str
    safety_number: str  # empty in lists
    words: str = ""  # the fingerprint as words; empty in lists
    undecided: bool = False  # verified once, then a device came: nothing is sent until verify or trust
    connected: bool = False
    message: str = ""  # greeting that came with a request
    introduced_by: str = ""  # the contact who vouches, if the person has not asked
    mailboxes: int = 0  # that his card names; not counted in lists


class Contacts(Result):
    """Contacts in the order of their names."""

    contacts: list[Contact]


class Accept(Params):
    """Accept a request, optionally under another petname."""

    who: str
    name: str | None = None


class RemoveContact(Params):
    """Have a person among my contacts no longer; `with_debts`: though something is owed or undecided."""

    who: str
    with_debts: bool = False


class Introduce(Params):
    """Make two of my contacts known to each other."""

    who: str
    to: str


METHODS: Final[dict[str, Method]] = {
    "invite.create": Method(Nothing, Invite, "store", "A link for a new contact"),
    "contact.add": Method(AddContact, Contact, "store", "Ask the person behind a link to be a contact"),
    "contact.list": Method(Nothing, Contacts, "store", "All contacts"),
    "contact.show": Method(Who, Contact, "store", "One contact"),
    "contact.rename": Method(Rename, Contact, "store", "Change a petname"),
    "contact.verify": Method(Who, Contact, "store", "The safety numbers were compared and are equal"),
    "contact.trust": Method(Who, Contact, "store", "Go on with a person's new device without comparing"),
    "contact.introduce": Method(Introduce, Done, "store", "Make two contacts known to each other"),
    "contact.remove": Method(RemoveContact, Done, "store", "Have a person among my contacts no longer"),
    "contact.block": Method(Who, Contact, "store", "Take nothing more from a person"),
    "contact.unblock": Method(Who, Contact, "store", "Take messages again"),
    "request.list": Method(Nothing, Contacts, "store", "Requests waiting for my decision"),
    "request.accept": Method(Accept, Contact, "store", "Accept a request"),
    "request.reject": Method(Who, Done, "store", "Reject a request"),
}
