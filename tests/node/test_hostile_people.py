"""What a stranger, a contact or a fellow member tries, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.core.codec import decode
from p2pchat.core.direct import items
from p2pchat.core.direct.frames import Ack
from p2pchat.core.direct.items import ContactRequest, Item
from p2pchat.core.identity import Card, DeviceCertificate
from p2pchat.core.ids import EntryId, GroupId
from p2pchat.core.keys import SigningKey
from p2pchat.core.log.entry import author
from p2pchat.core.ratchet.megolm import SenderKey
from p2pchat.core.ratchet.sender_keys import InboundGroupSession
from p2pchat.errors import ProtocolError
from p2pchat.node.features.group import group_log, group_messages
from p2pchat.node.features.people import contacts
from p2pchat.store import logs, outbox, people

NUMBERS = count(900_000)  # copies of people that no other test has


@pytest.fixture
def trio_of_members(workshop: Any) -> Any:
    ann, ben, cleo = workshop.members(next(NUMBERS))
    yield ann, ben, cleo, GroupId.parse(ann.query("group.list", s.Nothing()).groups[0].group)
    for person in (ann, ben, cleo):
        person.close()


@pytest.fixture
def two_contacts(workshop: Any) -> Any:
    ann, ben = workshop.contacts(next(NUMBERS))
    yield ann, ben
    ann.close()
    ben.close()


def texts(person: Any, chat: str) -> list[tuple[str, str]]:
    page = person.query("message.history", s.History(chat=chat, limit=200)).messages
    return [(one.kind, one.text) for one in page if one.kind != "group"]


def group_name(person: Any) -> str:
    return f"#{person.query('group.list', s.Nothing()).groups[0].name}"


def test_an_entry_that_knows_nothing_of_the_group_is_dropped(trio_of_members: Any) -> None:
    ann, _, _, group = trio_of_members
    stranger = SigningKey(b"\x07" * 32)
    forged = author(
        stranger, group, chain=None, heads=(), lamport=0, sent_ms=5, kind="sealed", body=b"anything"
    )
    ann.database.transact(lambda tx: group_log.take_hinted(ann.app, tx, group, [forged]))
    assert not ann.database.read(lambda tx: logs.has(tx, forged.id))


def test_a_card_cannot_take_a_device_from_its_person(two_contacts: Any, workshop: Any) -> None:
    ann, ben = two_contacts
    mallory, key = SigningKey(b"m" * 32), SigningKey(b"d" * 32)
    own = DeviceCertificate.issue(mallory, key, b"\x08" * 32, 5)
    # The request comes from a device of Mallory's own; its card lists Ben's beside it, countersigned by none.
    claim = replace(own, device=ben.device, olm_identity=b"\x09" * 32)
    body, *_ = decode(claim.encode())  # type: ignore[misc]
    claim = replace(claim, signature=mallory.sign("device certificate", body))
    raw = Card(claim.person, 1 << 50, "mallory", (own, claim), (), 5).sign(mallory)
    request = ContactRequest(raw, bytes(16), "").encode()

    def ask(tx: Any) -> None:
        people.set_certificate(tx, own.device, own.person, own.encode(), own.olm_identity)
        sender = people.device(tx, own.device)
        assert sender is not None
        with pytest.raises(ProtocolError, match="countersigned"):
            contacts.take_request(ann.app, tx, sender, request)

    ann.database.transact(ask)
    known = ann.database.read(lambda tx: people.device(tx, ben.device))
    assert known.person == ben.app.person
    assert known.olm_identity == ben.app.certificate.olm_identity
    ann.change("message.send", s.Send(chat="ben", text="still you?"))
    workshop.rest(ann, ben)
    assert ("text", "still you?") in texts(ben, "ann")


def test_blocking_and_unblocking_leaves_no_hole_in_the_chat(two_contacts: Any, workshop: Any) -> None:
    ann, ben = two_contacts
    ann.change("message.send", s.Send(chat="ben", text="one"))
    ann.change("contact.block", s.Who(who="ben"))
    assert ann.seal(ben) == []
    assert ("text", "one") not in texts(ben, "ann")
    ann.change("contact.unblock", s.Who(who="ben"))
    ann.change("message.send", s.Send(chat="ben", text="two"))
    workshop.rest(ann, ben)
    assert texts(ben, "ann")[-2:] == [("text", "one"), ("text", "two")]


def test_a_message_stripped_by_a_carrier_is_missing_until_a_whole_copy_comes(trio_of_members: Any) -> None:
    ann, _, cleo, group = trio_of_members
    chat = group_name(ann)
    id = ann.change("message.send", s.Send(chat=chat, text="important")).id
    entry = ann.database.read(lambda tx: logs.get(tx, EntryId.parse(id)))

    def take(entry_as_carried: Any) -> None:
        cleo.database.transact(lambda tx: group_log.take_hinted(cleo.app, tx, group, [entry_as_carried]))

    take(entry.without_body())
    assert texts(cleo, chat)[-1][0] == "missing"
    take(entry)
    assert texts(cleo, chat)[-1][0] != "missing"


def test_a_made_up_key_that_is_passed_on_does_not_keep_out_the_true_one(
    trio_of_members: Any, workshop: Any
) -> None:
    ann, ben, cleo, group = trio_of_members
    chat = group_name(ann)
    ann.change("message.send", s.Send(chat=chat, text="hello all"))
    for _ in range(6):
        for sealed in ann.seal(ben):
            ann.hear(ben, ben.take(ann, sealed))
    state = ben.database.read(
        lambda tx: tx.execute("SELECT state FROM sender_key WHERE device = ?", (ann.device,))
    )[-1][0]
    true = InboundGroupSession.from_bytes(state, ben.app.pickle_key).sender_key(0)
    made_up = SenderKey(
        true.group, true.author, true.session_id, 0, true.exported[:5] + bytes(128) + true.exported[133:]
    )
    ben_at_cleo = cleo.database.read(lambda tx: people.device(tx, ben.device))
    with pytest.raises(ProtocolError):
        cleo.database.transact(
            lambda tx: group_messages.take_key(cleo.app, tx, ben_at_cleo, made_up.encode())
        )
    workshop.rest(ann, ben, cleo, group=group)
    assert texts(cleo, chat)[-1] == ("text", "hello all")


def test_an_item_that_may_not_be_does_not_refuse_the_words_beside_it(
    two_contacts: Any,
) -> None:
    ann, ben = two_contacts
    wish = items.KeysWanted(GroupId(b"g" * 32), (b"s" * 32,)).encode()
    ben.database.transact(lambda tx: outbox.put(tx, ann.device, Item(items.GROUP_KEY_WANTED, wish)))
    ben.change("message.send", s.Send(chat="ann", text="private"))
    answers = []
    for _ in range(3):
        for sealed in ben.seal(ann):
            answers.append(ann.take(ben, sealed))
            ben.hear(ann, answers[-1])
    assert answers
    assert all(isinstance(one, Ack) for one in answers)
    assert ("text", "private") in texts(ann, "ben")
