"""Who was removed as a contact is heard no more, and gets what had waited once both want it again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import NotAllowedError

NUMBERS = count(3400)


@pytest.fixture
def pair(workshop: Any) -> Iterator[tuple[Any, Any]]:
    ann, ben = workshop.contacts(next(NUMBERS))
    yield ann, ben
    ann.close()
    ben.close()


def remove(person: Any, who: str, **more: Any) -> None:
    person.change("contact.remove", s.RemoveContact(who=who, **more))


def write(author: Any, who: str, text: str) -> str:
    return str(author.change("message.send", s.Send(chat=who, text=text)).id)


def ask_again(asker: Any, owner: Any) -> None:
    asker.change("contact.add", s.AddContact(link=owner.change("invite.create", s.Nothing()).link))


def test_nothing_is_sent_to_or_taken_from_a_contact_who_was_removed(workshop: Any, pair: Any) -> None:
    ann, ben = pair
    write(ann, "ben", "delivered")
    workshop.rest(ann, ben)
    write(ann, "ben", "not yet")
    ann.seal(ben)  # in an envelope that is on its way
    ann.in_flight.clear()
    remove(ann, "ben")
    refused = write(ben, "ann", "are you there?")
    for sealed in [*ben.seal(ann), *ann.seal(ben)]:
        ben.hear(ann, ann.take(ben, sealed))
    assert ben.texts_of(ann) == ["delivered"]
    assert ann.texts_of(ben) == []
    assert ben.query("message.show", s.MessageId(id=refused)).state == "failed"
    assert "ben" not in {one.name for one in ann.query("contact.list", s.Nothing()).contacts}
    with pytest.raises(NotAllowedError):
        write(ann, "ben", "hi")
    assert [one.archived for one in ann.query("chat.list", s.ChatQuery()).chats if one.chat == "@ben"] == [
        True
    ]


def test_what_had_waited_arrives_once_they_are_contacts_again(workshop: Any, pair: Any) -> None:
    ann, ben = pair
    write(ann, "ben", "one")
    workshop.rest(ann, ben)
    write(ann, "ben", "two")
    remove(ann, "ben")
    ask_again(ann, ben)
    workshop.rest(ann, ben)
    write(ann, "ben", "three")
    write(ben, "ann", "welcome back")
    workshop.rest(ann, ben)
    assert ben.texts_of(ann) == ["one", "two", "three"]
    assert ann.texts_of(ben) == ["welcome back"]
    states = {one.text: one.state for one in ann.messages(ben) if one.mine}
    assert states == {"one": "delivered", "two": "delivered", "three": "delivered"}
    assert not ann.query("chat.show", s.Chat(chat="ben")).archived


def test_who_was_removed_may_ask_again(workshop: Any, pair: Any) -> None:
    ann, ben = pair
    remove(ann, "ben")
    remove(ben, "ann")
    ask_again(ben, ann)
    workshop.rest(ann, ben)
    assert [one.name for one in ann.query("request.list", s.Nothing()).contacts] == ["ben"]
    ann.change("request.accept", s.Accept(who="ben"))
    workshop.rest(ann, ben)
    write(ann, "ben", "hello again")
    workshop.rest(ann, ben)
    assert ben.texts_of(ann) == ["hello again"]


def test_who_owes_something_is_removed_only_on_purpose(pair: Any) -> None:
    ann, _ben = pair
    ann.change("iou.pay", s.Pay(who="ben", amount="5.00 EUR"))
    with pytest.raises(NotAllowedError, match="owed or undecided"):
        remove(ann, "ben")
    remove(ann, "ben", with_debts=True)
    assert ann.query("iou.list", s.IouQuery(who="ben")).ious


@pytest.mark.parametrize("state", ["blocked", "removed"])
def test_only_a_contact_is_removed(pair: Any, state: str) -> None:
    ann, _ben = pair
    if state == "blocked":
        ann.change("contact.block", s.Who(who="ben"))
    else:
        remove(ann, "ben")
    with pytest.raises(NotAllowedError):
        remove(ann, "ben")


def test_fellow_members_still_read_each_other_in_their_group(workshop: Any) -> None:
    ann, ben, cleo = workshop.members(next(NUMBERS))
    remove(ann, "ben")
    write(ann, "#trip", "to all")
    write(ben, "#trip", "from ben")
    workshop.rest(ann, ben, cleo, group=workshop.group)
    for person, other, text in ((ben, ann, "to all"), (ann, ben, "from ben")):
        found = person.query("message.history", s.History(chat="#trip")).messages
        assert text in {one.text for one in found if one.person == other.app.person.text}
        person.close()
    cleo.close()
