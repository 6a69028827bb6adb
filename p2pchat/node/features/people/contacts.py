"""Contacts: invite links, requests and their answers, petnames, trust.

A request travels like every item: queued in the outbox, sealed for the device the link names, sent
until it is acknowledged. Until the other side accepts, nothing else is sealed for it.
"""

from __future__ import annotations

from typing import Final

from p2pchat.config import NetworkFile
from p2pchat.core import invite
from p2pchat.core.direct import items
from p2pchat.core.identity import Card, clean_name, direct_conversation, fingerprint, safety_number
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.errors import DecodeError, NotAllowedError, ProtocolError, QuotaError, UsageError
from p2pchat.node.effects import CirclesChanged, Retry, Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import recovering
from p2pchat.node.features.people import cards, lost_log, removal
from p2pchat.node.features.people.names import free_petname
from p2pchat.store import events, logs, meta, outbox, people
from p2pchat.store.transaction import Reader, Transaction

MAX_PENDING_INVITED: Final = 500  # requests that came through my link
MAX_PENDING_STRANGERS: Final = 50  # requests of people who only met the device
_SECRET: Final = "invite secret"  # noqa: S105 - the name of a row
_NO_SECRET: Final = bytes(invite.SECRET_SIZE)


def create_invite(app: App, tx: Transaction, network: NetworkFile) -> invite.InviteLink:
    """A link that lets whoever gets it ask to be a contact."""
    secret = meta.get(tx, _SECRET)
    if secret is None:
        secret = app.entropy(invite.SECRET_SIZE)
        meta.put(tx, _SECRET, secret)
    return invite.InviteLink(
        invite.network_tag(network.name),
        app.person,
        app.device,
        app.name,
        app.addresses(tx)[: invite.MAX_LINK_ADDRESSES],
        secret,
    )


def add(
    app: App, tx: Transaction, link: str, name: str | None, greeting: str, network: NetworkFile
) -> PersonId:
    """Ask the person behind `link` to be a contact; if he asked first, accept him.

    Raises:
        UsageError: the link is malformed, of another network, my own, or of somebody I know already.
    """
    found = invite.InviteLink.parse(link)
    if found.network != invite.network_tag(network.name):
        raise UsageError(f"the link belongs to another network than '{network.name}'")
    if found.person == app.person:
        raise UsageError("this is your own invite link: give it to somebody else")
    if len(greeting.encode()) > items.MAX_GREETING:
        raise UsageError(f"a greeting has at most {items.MAX_GREETING} bytes")
    known = people.person(tx, found.person)
    if known and known.state in ("accepted", "requested", "blocked"):
        raise UsageError(f"{known.petname} is a contact already ({known.state})")
    owner = people.device(tx, found.device)
    if owner and owner.person != found.person and is_contact(tx, owner.person):
        raise UsageError("the link names a device of another contact: do not trust whoever gave it to you")
    people.add_device(tx, found.device, found.person)
    people.add_addresses(tx, found.device, found.addresses)
    if known and known.state == "pending":
        accept(app, tx, known, name)
        return known.id
    if known is None:
        petname = _petname(tx, name) if name else free_petname(tx, found.name)
        people.add_person(
            tx,
            people.Person(
                found.person, petname, found.name, "requested", False, 0, greeting, found.secret, app.now_ms()
            ),
        )
    else:
        people.set_state(tx, known.id, "requested")
        people.set_greeting(tx, known.id, greeting, found.secret)
        if name:
            rename(tx, known, name)
    _ask(app, tx, found.device, found.secret, greeting)
    _changed(app, tx, found.person)
    return found.person


def accept(app: App, tx: Transaction, person: people.Person, name: str | None = None) -> None:
    """Accept the request of `person`; somebody who was introduced to me is asked in turn.

    Raises:
        NotAllowedError: there is none.
    """
    if person.state != "pending":
        raise NotAllowedError(f"there is no request of {person.petname} to accept")
    if name:
        rename(tx, person, name)
    if person.introduced_by:
        people.set_introducer(tx, person.id, None)
        people.set_state(tx, person.id, "requested")
        for device in people.devices(tx, person.id):
            _ask(app, tx, device.id, _NO_SECRET, "")
        _changed(app, tx, person.id)
        return
    _become_contact(app, tx, person.id)
    for device in people.devices(tx, person.id):
        outbox.put(tx, device.id, items.Item(items.ACCEPT, app.card(tx)))
        tx.effects.append(Wake(device.id))
    if recovering.is_needed(app, tx, person.id):
        lost_log.ask(app, tx, person.id)


def reject(app: App, tx: Transaction, person: people.Person) -> None:
    """Turn down the request of `person`, who is not told. Raises NotAllowedError if there is none."""
    if person.state != "pending":
        raise NotAllowedError(f"there is no request of {person.petname} to reject")
    people.set_state(tx, person.id, "rejected")
    _changed(app, tx, person.id)


def block(app: App, tx: Transaction, person: people.Person) -> None:
    """Take nothing more from `person`, and send him nothing; what waits goes on if he is unblocked."""
    people.set_state(tx, person.id, "blocked")
    _changed(app, tx, person.id)


def unblock(app: App, tx: Transaction, person: people.Person) -> None:
    """Take messages of `person` again. Raises NotAllowedError if he is not blocked."""
    if person.state != "blocked":
        raise NotAllowedError(f"{person.petname} is not blocked")
    known = logs.conversation(tx, direct_conversation(app.person, person.id))
    people.set_state(tx, person.id, "accepted" if known else "rejected")
    _changed(app, tx, person.id)


def rename(tx: Transaction, person: people.Person, name: str) -> None:
    """Give `person` another petname. Raises UsageError if it is taken or not printable."""
    if name.casefold() != person.petname.casefold():
        _petname(tx, name)
    people.rename(tx, person.id, _clean(name))


def verify(app: App, tx: Transaction, person: people.Person) -> None:
    """The safety numbers were compared face to face and are equal."""
    _decide(app, tx, person, verified=True)


def trust(app: App, tx: Transaction, person: people.Person) -> None:
    """Go on with the new device of `person` without comparing anything.

    Raises:
        NotAllowedError: there is nothing to decide.
    """
    if not person.changed:
        raise NotAllowedError(f"there is nothing to decide about {person.petname}")
    _decide(app, tx, person, verified=False)


def _decide(app: App, tx: Transaction, person: people.Person, *, verified: bool) -> None:
    people.set_verified(tx, person.id, verified)
    for device in people.devices(tx, person.id):  # what has waited for the decision
        tx.effects.append(Wake(device.id))
    _changed(app, tx, person.id)


def numbers(app: App, person: PersonId) -> tuple[str, str]:
    """The fingerprint of a person, and the safety number between him and me."""
    return fingerprint(person), safety_number(app.person, person)


def meet(app: App, tx: Transaction, card: Card, raw: bytes) -> None:
    """Remember somebody I share a group with: his name if he is new to me, and his devices."""
    if people.person(tx, card.person) is None:
        people.add_person(
            tx,
            people.Person(
                card.person,
                free_petname(tx, card.name),
                card.name,
                "member",
                False,
                0,
                "",
                None,
                app.now_ms(),
            ),
        )
    cards.note(app, tx, card, raw)
    tx.effects.append(CirclesChanged())


def is_contact(tx: Reader, person: PersonId) -> bool:
    """Whether `person` and I have accepted each other."""
    known = people.person(tx, person)
    return known is not None and known.state == "accepted"


def announce_card(app: App, tx: Transaction) -> None:
    """Queue my newest card for every contact, in place of an older one still waiting."""
    card = items.Item(items.CARD, app.card(tx))
    for person in people.persons(tx, "accepted"):
        for device in people.devices(tx, person.id):
            outbox.replace(tx, device.id, card)
            tx.effects.append(Wake(device.id))


# --- from peers -----------------------------------------------------------------------------------


def take_request(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A person asks to be a contact.

    Raises:
        ProtocolError: the request is malformed or not the sender's own.
        QuotaError: too many requests wait already.
    """
    request = items.ContactRequest.decode(payload)
    card = cards.of_sender(sender, request.card)
    known = people.person(tx, sender.person)
    if known and (known.state in ("rejected", "blocked") or _asked_before(known)):
        return
    if known is None:
        invited = request.secret == meta.get(tx, _SECRET)
        most = MAX_PENDING_INVITED if invited else MAX_PENDING_STRANGERS
        if len(people.persons(tx, "pending")) >= most:
            raise QuotaError("too many contact requests wait for a decision")
        people.add_person(
            tx,
            people.Person(
                card.person,
                free_petname(tx, card.name),
                card.name,
                "pending",
                False,
                0,
                _printable(request.greeting),
                None,
                app.now_ms(),
            ),
        )
    elif known.state == "member":
        people.set_state(tx, known.id, "pending")
        people.set_greeting(tx, known.id, _printable(request.greeting), None)
    elif known.state == "pending":  # introduced to me before
        people.set_introducer(tx, known.id, None)
        people.set_greeting(tx, known.id, _printable(request.greeting) or known.greeting, None)
    cards.note(app, tx, card, request.card)
    known = people.person(tx, sender.person)
    assert known is not None
    if known.state == "requested":  # we asked each other: both have decided
        people.set_state(tx, known.id, "pending")
        accept(app, tx, people.person(tx, known.id) or known)
    elif known.state == "accepted":  # he lost his store, or our answer, or had removed me: answer again,
        outbox.unseal(tx, sender.id)  # before whatever he could not take until now
        outbox.put_first(tx, sender.id, items.Item(items.ACCEPT, app.card(tx)))
        tx.effects.append(Retry(sender.id))
    else:
        events.record(tx, "request.received", {"person": known.id.text, "name": known.petname}, app.now_ms())


def take_accept(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A person accepts my request. Raises ProtocolError if the card is not his, or I never asked."""
    card = cards.of_sender(sender, payload)
    known = people.person(tx, sender.person)
    if known is None or known.state not in ("requested", "accepted"):
        raise ProtocolError("an answer to a request that was never made")
    cards.note(app, tx, card, payload)
    if known.state == "requested":
        _become_contact(app, tx, known.id)
        lost_log.ask(app, tx, known.id)  # in case I was his contact before and lost my store
        for device in people.devices(tx, known.id):
            tx.effects.append(Wake(device.id))


def take_card(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact's newer card. Raises ProtocolError if it is not his."""
    cards.note(app, tx, cards.of_sender(sender, payload), payload)


def _asked_before(person: people.Person) -> bool:
    return person.state == "pending" and person.introduced_by is None


def ask_again(app: App, tx: Transaction, person: people.Person) -> None:
    """Put a request that waits in the words of my present card."""
    for device in people.devices(tx, person.id):
        _ask(app, tx, device.id, person.secret or _NO_SECRET, person.greeting)


def _ask(app: App, tx: Transaction, device: DeviceId, secret: bytes, greeting: str) -> None:
    outbox.drop(tx, device, items.REQUEST)
    request = items.ContactRequest(app.card(tx), secret or _NO_SECRET, greeting)
    outbox.put(tx, device, items.Item(items.REQUEST, request.encode()))
    tx.effects.append(Wake(device))


def _become_contact(app: App, tx: Transaction, person: PersonId) -> None:
    people.set_state(tx, person, "accepted")
    conversation = direct_conversation(app.person, person)
    logs.open_direct(tx, conversation, person)
    logs.touch(tx, conversation, app.now_ms())
    removal.resume(app, tx, person)
    _changed(app, tx, person)


def _changed(app: App, tx: Transaction, id: PersonId) -> None:
    person = people.person(tx, id)
    assert person is not None
    events.record(
        tx,
        "contact.changed",
        {"person": id.text, "name": person.petname, "state": person.state},
        app.now_ms(),
    )
    tx.effects.append(CirclesChanged())


def _petname(tx: Reader, name: str) -> str:
    cleaned = _clean(name)
    if people.named(tx, cleaned):
        raise UsageError(f"somebody is called '{cleaned}' already: choose another name with --name")
    return cleaned


def _clean(name: str) -> str:
    try:
        return clean_name(name)
    except DecodeError as error:
        raise UsageError(str(error)) from error


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
