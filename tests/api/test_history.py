"""Pages of a chat, in both directions and around a message; and QR codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from p2pchat.api import methods
from p2pchat.api import schema as s
from p2pchat.config import Home
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import DeviceId, EntryId, PersonId
from p2pchat.errors import UsageError
from p2pchat.node.profile import Profile
from p2pchat.store import logs, messages, people

COUNT = 23
BOB, CAROL = PersonId(bytes(range(32))), PersonId(bytes(range(2, 34)))


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[Profile]:
    """Ann, with a chat of COUNT messages with Bob and one message with Carol."""
    home = Home(tmp_path / "ann")
    home.create()
    app = Profile.create(home, "ann")

    def write(tx: Any) -> None:
        for person, name, count in ((BOB, "bob", COUNT), (CAROL, "carol", 1)):
            people.add_person(tx, people.Person(person, name, name, "accepted", False, 1, "", b"", 1))
            chat = direct_conversation(app.person, person)
            logs.open_direct(tx, chat, person)
            for number in range(count):
                id = EntryId(person[:1] * 31 + bytes([COUNT - number]))  # ids do not order them
                device = DeviceId(person)
                # Two share each Lamport time: then the id does.
                text, lamport = f"{number:02}", 1 + number // 2
                messages.add(
                    tx, messages.Message(id, chat, lamport, device, person, False, "text", text, 5, 5)
                )

    with Profile.open(home, "") as opened:
        opened.change(write)
        yield opened


def history(profile: Profile, **where: Any) -> s.Messages:
    page = methods.call(profile, "message.history", s.History(chat="bob", **where))
    assert isinstance(page, s.Messages)
    return page


def ids(page: s.Messages) -> list[str]:
    return [message.id for message in page.messages]


def test_pages_join_without_gap_or_double_in_both_directions(profile: Profile) -> None:
    whole = ids(history(profile, limit=COUNT))
    assert len(set(whole)) == COUNT
    up = history(profile, limit=5)
    back = ids(up)
    while up.more:
        up = history(profile, limit=5, before=back[0])
        assert up.newer
        back = ids(up) + back
    assert back == whole
    down = history(profile, limit=5, after=whole[0])
    forth = [whole[0], *ids(down)]
    while down.newer:
        down = history(profile, limit=5, after=forth[-1])
        assert down.more
        forth += ids(down)
    assert forth == whole


@pytest.mark.parametrize("place", [0, 1, 3, COUNT // 2, COUNT - 2, COUNT - 1])
def test_a_page_around_a_message_holds_it_with_its_neighbours(profile: Profile, place: int) -> None:
    whole = ids(history(profile, limit=COUNT))
    page = history(profile, limit=6, around=whole[place])
    shown = ids(page)
    at = whole.index(shown[0])
    assert whole[place] in shown
    assert shown == whole[at : at + len(shown)]
    assert len(shown) <= 6
    assert page.more == (at > 0)
    assert page.newer == (at + len(shown) < COUNT)


def test_a_page_has_one_place_and_it_is_in_the_chat(profile: Profile) -> None:
    one, other, *_ = ids(history(profile))
    with pytest.raises(UsageError, match="one of"):
        history(profile, before=one, after=other)
    carols = methods.call(profile, "message.history", s.History(chat="carol"))
    assert isinstance(carols, s.Messages)
    with pytest.raises(UsageError, match="not in bob"):
        history(profile, around=carols.messages[0].id)


def test_a_chat_names_the_person_it_is_with(profile: Profile) -> None:
    chats = methods.call(profile, "chat.list", s.ChatQuery())
    assert isinstance(chats, s.Chats)
    assert {one.about for one in chats.chats} == {BOB.text, CAROL.text}
    assert {message.person for message in history(profile).messages} == {BOB.text}


def test_a_text_becomes_a_qr_code_with_its_quiet_zone(profile: Profile) -> None:
    import segno

    drawn = methods.call(profile, "qr.draw", s.QrText(text="p2pchat:link"))
    assert isinstance(drawn, s.Qr)
    code = segno.make_qr("p2pchat:link", error="l")
    assert drawn.size == code.symbol_size(border=4)[0]
    assert drawn.path.count("M") == sum(map(sum, code.matrix))
    for text in ("", "x" * 2954):
        with pytest.raises(UsageError, match="QR code"):
            methods.call(profile, "qr.draw", s.QrText(text=text))


def test_the_list_of_chats_comes_in_pages_and_by_name(profile: Profile) -> None:
    def chats(**asked: Any) -> s.Chats:
        found = methods.call(profile, "chat.list", s.ChatQuery(**asked))
        assert isinstance(found, s.Chats)
        return found

    everything = chats()
    assert not everything.more
    assert chats(limit=1).chats == everything.chats[:1]
    assert chats(limit=1).more is (len(everything.chats) > 1)
    name = everything.chats[0].chat
    assert [one.chat for one in chats(name=name[1:].upper()).chats] == [name]
    assert chats(name="nobody").chats == []
    assert all(one.unread for one in chats(unread=True).chats)
    with pytest.raises(UsageError):
        chats(limit=0)
