"""Texts of one commit share a key, and still each stands alone: for deletion, history and who comes later."""

from __future__ import annotations

from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.core.ids import EntryId
from p2pchat.core.ratchet.bursts import GroupBody, open_body
from p2pchat.core.ratchet.sender_keys import InboundGroupSession
from p2pchat.errors import ProtocolError
from p2pchat.node.features.group import group_messages
from p2pchat.node.features.group.group_messages import read_sealed
from p2pchat.store import logs

TEXTS = [f"text {number}" for number in range(6)]


@pytest.fixture
def members(workshop: Any) -> Any:
    people = workshop.members(77)
    yield people
    for person in people:
        person.close()


def says(*texts: str) -> list[tuple[str, s.Params]]:
    return [("message.send", s.Send(chat="#trip", text=text)) for text in texts]


def history(person: Any) -> list[s.Message]:
    return list(person.query("message.history", s.History(chat="#trip", limit=200)).messages)


def texts(person: Any) -> list[str]:
    return [one.text for one in history(person) if one.kind == "text"]


def bodies(person: Any) -> list[Any]:
    ids = [EntryId.parse(one.id) for one in history(person) if one.kind == "text"]
    return [read_sealed(person.database.read(lambda tx, it=id: logs.get(tx, it)).body) for id in ids]


def test_texts_of_one_commit_share_a_key_and_are_read_by_all(workshop: Any, members: Any) -> None:
    ann, ben, cleo = members
    ann.change_each(*says(*TEXTS))
    ann.change_each(*says("alone"))
    first, *others, alone = (body.sealed_key for body in bodies(ann))
    assert (first, alone) == (None, None)
    assert len(set(others)) == 1
    workshop.rest(*members, group=workshop.group)
    assert texts(ben) == texts(cleo) == [*TEXTS, "alone"]


def test_one_text_of_a_burst_is_deleted_before_the_others_are_read(workshop: Any, members: Any) -> None:
    ann, ben, _ = members
    ann.change_each(*says(*TEXTS))
    for doomed in (TEXTS[0], TEXTS[1]):  # the first under the key among them
        (id,) = (one.id for one in history(ann) if one.text == doomed)
        ann.change("message.delete", s.MessageId(id=id))
    workshop.rest(*members, group=workshop.group)
    assert texts(ben) == TEXTS[2:]


def test_who_joins_in_the_middle_of_a_commit_reads_from_there(workshop: Any, members: Any) -> None:
    ann, ben, _ = members
    dora = workshop.person(ann.home.directory.with_name("dora"), name="dora")
    dora.change("contact.add", s.AddContact(link=ann.change("invite.create", s.Nothing()).link))
    workshop.rest(ann, dora)
    ann.change("request.accept", s.Accept(who="dora"))
    workshop.rest(ann, dora)
    ann.change("group.policy", s.SetPolicy(group="trip", history="from-join"))
    workshop.rest(*members, group=workshop.group)
    add = ("group.add", s.GroupWho(group="trip", who="dora"))
    ann.change_each(*says(*TEXTS[:3]), add, *says(*TEXTS[3:]))
    carry(ann, dora)
    dora.change("group.accept", s.GroupName(group="trip"))
    for _ in range(3):
        for other in (ben, dora):
            workshop.reconcile(ann, other, workshop.group)
            carry(ann, other)
        dora.database.transact(
            lambda tx: group_messages.ask_for_keys(dora.app, workshop.group, [ann.device], tx, most=9)
        )
        carry(dora, ann)
    assert texts(ben) == TEXTS
    assert texts(dora) == TEXTS[3:]
    assert len({body.session_id for body in bodies(ann)}) == 1
    held = dora.database.read(lambda tx: tx.execute("SELECT state FROM sender_key"))
    sessions = [InboundGroupSession.from_bytes(state, dora.app.pickle_key) for (state,) in held]
    for body in bodies(ann)[:3]:  # nor can she, with any key that she holds
        assert all(not opens(session, body) for session in sessions)
    dora.close()


def carry(sender: Any, receiver: Any) -> None:
    for sealed in sender.seal(receiver):
        sender.hear(receiver, receiver.take(sender, sealed))


def opens(session: InboundGroupSession, body: GroupBody) -> bool:
    try:
        open_body(session, body)
    except ProtocolError:
        return False
    return True
