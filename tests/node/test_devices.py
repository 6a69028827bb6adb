"""Devices of contacts that come and go, and contacts who are introduced to each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.core.codec import encode
from p2pchat.core.direct.items import INTRODUCTION, Item
from p2pchat.core.identity import Card, DeviceCertificate
from p2pchat.errors import NotAllowedError, ProtocolError, UntrustedKeyError, UsageError
from p2pchat.node.features.people import cards, introductions
from p2pchat.store import meta, outbox, people


def write(author: Any, reader: Any, text: str) -> None:
    author.change("message.send", s.Send(chat=reader.app.person.text, text=text))


def who(person: Any) -> s.Who:
    return s.Who(who=person.app.person.text)


def events(person: Any, kind: str) -> list[dict[str, Any]]:
    page = person.query("events.list", s.Since(since=0, limit=500))
    return [one.data for one in page.events if one.type == kind]


def renewed(workshop: Any, person: Any, folder: Path) -> Any:
    """The person on a new device, the old one being lost."""
    person.back_up(folder / "backup")
    return workshop.restored(person, folder / "backup")


def test_a_profile_of_before_countersigned_certificates_opens_and_tells_its_contacts(
    workshop: Any,
) -> None:
    ann, ben = workshop.contacts(2000)
    body = encode([1, ann.app.person, ann.device, ann.app.certificate.olm_identity, 5])
    old = encode([body, ann.app.root.sign("device certificate", body)])
    ann.database.transact(lambda tx: meta.put(tx, "device certificate", old))
    ann.crash()
    ann.hello(ben, wants_bundle=True)
    known = ben.database.read(lambda tx: people.device(tx, ann.device))
    assert DeviceCertificate.decode(known.certificate).created_ms == 5
    ann.change("message.send", s.Send(chat="ben", text="as before"))
    workshop.rest(ann, ben)
    assert ben.texts_of(ann)[-1] == "as before"


def test_an_unverified_contact_goes_on_with_a_line_in_the_chat(workshop: Any, tmp_path: Path) -> None:
    ann, ben, cleo = workshop.members(2001)
    again = renewed(workshop, ben, tmp_path)
    workshop.rest(ann, again, cleo)
    assert [one.text for one in ann.messages(again) if one.kind == "group"] == ["uses a new device"]
    (told,) = events(ann, "contact.new-device")
    assert (told["name"], told["devices"], told["undecided"]) == ("ben", [again.device.text], False)
    write(ann, again, "hello new device")
    workshop.rest(ann, again, cleo)
    assert again.texts_of(ann) == ["hello new device"]


@pytest.mark.parametrize("decision", ["contact.verify", "contact.trust"])
def test_a_verified_contact_is_not_written_to_until_i_decide(
    workshop: Any, tmp_path: Path, decision: str
) -> None:
    ann, ben, cleo = workshop.members(2002 + (decision == "contact.trust"))
    ann.change("contact.verify", who(ben))
    write(ann, ben, "meant for the device that I verified")
    again = renewed(workshop, ben, tmp_path)
    write(again, ann, "it is still me")
    with pytest.raises(AssertionError, match="items are still queued"):
        workshop.rest(ann, again, cleo)
    shown = ann.query("contact.show", who(ben))
    assert (shown.verified, shown.undecided) == (False, True)
    assert ann.texts_of(again) == ["it is still me"]
    assert again.texts_of(ann) == []
    with pytest.raises(UntrustedKeyError, match="contact trust ben"):
        write(ann, again, "shall I?")
    ann.change(decision, who(ben))
    write(ann, again, "decided")
    workshop.rest(ann, again, cleo)
    assert again.texts_of(ann) == ["meant for the device that I verified", "decided"]
    shown = ann.query("contact.show", who(ben))
    assert (shown.verified, shown.undecided) == (decision == "contact.verify", False)


def test_there_is_nothing_to_trust_without_a_new_device(workshop: Any) -> None:
    ann, ben, _ = workshop.members(2004)
    with pytest.raises(NotAllowedError):
        ann.change("contact.trust", who(ben))


def test_an_older_card_brings_no_device_back(workshop: Any, tmp_path: Path) -> None:
    ann, ben, cleo = workshop.members(2005)
    old = ben.database.read(ben.app.card)
    again = renewed(workshop, ben, tmp_path)
    workshop.rest(ann, again, cleo)
    ann.database.transact(lambda tx: cards.note(ann.app, tx, Card.decode(old), old))
    listed = ann.database.read(lambda tx: [one.id for one in people.devices(tx, ben.app.person)])
    assert listed == [again.device]


def test_read_receipts_go_on_past_the_line_about_a_new_device(workshop: Any, tmp_path: Path) -> None:
    ann, ben, cleo = workshop.members(2006)
    again = renewed(workshop, ben, tmp_path)
    write(again, ann, "read me")
    workshop.rest(ann, again, cleo)
    ann.change("chat.read", s.ReadChat(chat=again.app.person.text))
    workshop.rest(ann, again, cleo)
    assert [one.state for one in again.messages(ann) if one.text == "read me"] == ["read"]


# --- introductions --------------------------------------------------------------------------------


@pytest.fixture
def friends(workshop: Any, tmp_path: Path) -> tuple[Any, Any, Any]:
    """Ann, and two contacts of hers who have never heard of each other."""
    make = workshop.person
    ann, dora, emil = (make(tmp_path / name, name=name) for name in ("ann", "dora", "emil"))
    link = ann.change("invite.create", s.Nothing()).link
    for guest in (dora, emil):
        guest.change("contact.add", s.AddContact(link=link))
        workshop.rest(ann, guest)
        ann.change("request.accept", s.Accept(who=guest.app.name))
        workshop.rest(ann, guest)
    return ann, dora, emil


def test_two_contacts_who_are_introduced_become_contacts_without_a_link(
    workshop: Any, friends: tuple[Any, Any, Any]
) -> None:
    ann, dora, emil = friends
    ann.change("contact.introduce", s.Introduce(who="dora", to="emil"))
    workshop.rest(*friends)
    for person, name in ((dora, "emil"), (emil, "dora")):
        (request,) = person.query("request.list", s.Nothing()).contacts
        assert (request.name, request.message, request.introduced_by) == (name, "introduced by ann", "ann")
    dora.change("request.accept", s.Accept(who="emil"))
    workshop.rest(*friends)
    (request,) = emil.query("request.list", s.Nothing()).contacts
    assert (request.message, request.introduced_by) == ("introduced by ann", "")
    emil.change("request.accept", s.Accept(who="dora"))
    workshop.rest(*friends)
    write(dora, emil, "nice to meet you")
    workshop.rest(*friends)
    assert emil.texts_of(dora) == ["nice to meet you"]


def test_both_may_accept_at_once(workshop: Any, friends: tuple[Any, Any, Any]) -> None:
    ann, dora, emil = friends
    ann.change("contact.introduce", s.Introduce(who="dora", to="emil"))
    workshop.rest(*friends)
    dora.change("request.accept", s.Accept(who="emil"))
    emil.change("request.accept", s.Accept(who="dora"))
    workshop.rest(*friends)
    assert dora.query("contact.show", who(emil)).state == "accepted"
    assert emil.query("contact.show", who(dora)).state == "accepted"


def test_nobody_can_be_made_up_or_introduced_to_himself(workshop: Any, friends: tuple[Any, Any, Any]) -> None:
    ann, dora, emil = friends
    with pytest.raises(UsageError):
        ann.change("contact.introduce", s.Introduce(who="dora", to="dora"))
    card = bytearray(emil.database.read(emil.app.card))
    card[len(card) // 2] ^= 1
    ann.database.transact(lambda tx: outbox.put(tx, dora.device, Item(INTRODUCTION, bytes(card))))
    own = dora.database.read(dora.app.card)
    sender = dora.database.read(lambda tx: people.device(tx, ann.device))
    with pytest.raises(ProtocolError):
        dora.database.transact(lambda tx: introductions.take(dora.app, tx, sender, own))
    workshop.rest(*friends)
    assert dora.query("request.list", s.Nothing()).contacts == []
