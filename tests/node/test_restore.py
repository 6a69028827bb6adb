"""A person restored from a backup or from the words goes on as a new device, and forks nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.core.direct.frames import Hello, Nak, NakReason
from p2pchat.core.direct.items import LogWanted
from p2pchat.core.identity import direct_conversation
from p2pchat.errors import ProtocolError, UsageError
from p2pchat.node.features.chat import envelopes
from p2pchat.node.features.people import lost_log
from p2pchat.node.words import from_words, to_words
from p2pchat.store import people


def write(author: Any, reader: Any, text: str) -> str:
    return str(author.change("message.send", s.Send(chat=reader.app.person.text, text=text)).id)


def equivocations(*people: Any) -> list[tuple[Any, ...]]:
    return [
        row
        for person in people
        for row in person.database.read(lambda tx: tx.execute("SELECT * FROM equivocation"))
    ]


def test_a_chat_goes_on_and_what_came_after_the_backup_comes_back(workshop: Any, tmp_path: Path) -> None:
    ann, ben, cleo = workshop.members(1001)
    write(ann, ben, "before")
    workshop.rest(ann, ben, cleo)
    ann.back_up(tmp_path / "backup")
    write(ann, ben, "after")
    write(ben, ann, "an answer that is lost with the disk")
    workshop.rest(ann, ben, cleo)
    again = workshop.restored(ann, tmp_path / "backup")
    write(again, ben, "I am back")
    write(ben, again, "written to the lost device")
    workshop.rest(again, ben, cleo)
    shown = {one.text for one in again.messages(ben)} - {"uses a new device"}
    assert {"before", "after", "an answer that is lost with the disk", "I am back"} <= shown
    assert again.texts_of(ben)[-1] == "written to the lost device"
    assert ben.texts_of(again) == ["before", "after", "I am back"]
    assert [one.mine for one in again.messages(ben) if one.text == "after"] == [True]
    assert equivocations(again, ben) == []


def test_what_the_lost_device_had_not_sent_is_sent_by_the_new_one(workshop: Any, tmp_path: Path) -> None:
    ann, ben, cleo = workshop.members(1002)
    write(ann, ben, "queued")
    for _ in range(2):
        ann.seal(ben)  # some of it in an envelope that is lost
    ann.back_up(tmp_path / "backup")
    again = workshop.restored(ann, tmp_path / "backup")
    workshop.rest(again, ben, cleo)
    assert ben.texts_of(again) == ["queued"]
    assert [one.state for one in again.messages(ben) if one.text == "queued"] == ["delivered"]


def test_the_lost_device_is_revoked(workshop: Any, tmp_path: Path) -> None:
    ann, ben, cleo = workshop.members(1003)
    ann.back_up(tmp_path / "backup")
    write(ann, ben, "from the grave")
    (envelope,) = ann.seal(ben) or ann.seal(ben)
    write(ben, ann, "to whichever device")
    again = workshop.restored(ann, tmp_path / "backup")
    workshop.rest(again, ben, cleo)
    refusal = ben.take(ann, envelope)
    assert isinstance(refusal, Nak)
    assert refusal.reason is NakReason.REFUSED
    assert ben.texts_of(again) == []
    assert again.texts_of(ben) == ["to whichever device"]
    write(ben, again, "to the new one")
    assert ben.database.read(lambda tx: tx.execute("SELECT DISTINCT device FROM outbox ORDER BY device")) == [
        (bytes(again.device),)
    ]
    with pytest.raises(ProtocolError, match="revoked"):
        from_the_grave(ann, ben)


def from_the_grave(lost: Any, peer: Any) -> None:
    question = Hello(lost.app.certificate.encode(), wants_bundle=True)
    peer.database.transact(lambda tx: envelopes.answer_hello(peer.app, tx, lost.device, question))


def test_a_balance_goes_on(workshop: Any, tmp_path: Path) -> None:
    ann, ben, cleo = workshop.members(1004)

    def pay(debtor: Any, creditor: Any, amount: str) -> None:
        debtor.change("iou.pay", s.Pay(who=creditor.app.person.text, amount=amount, note=""))
        workshop.rest(debtor, creditor, cleo)
        for one in creditor.decidable():
            creditor.change("iou.accept", s.IouId(id=one.id))
        workshop.rest(debtor, creditor, cleo)

    pay(ann, ben, "5 EUR")
    ann.back_up(tmp_path / "backup")
    pay(ann, ben, "7 EUR")
    pay(ben, ann, "1 EUR")
    again = workshop.restored(ann, tmp_path / "backup")
    workshop.rest(again, ben, cleo)
    assert (again.cents(ben), ben.cents(again)) == (-1100, 1100)
    pay(again, ben, "3 EUR")
    pay(ben, again, "2 EUR")
    assert (again.cents(ben), ben.cents(again)) == (-1200, 1200)
    assert equivocations(again, ben) == []


def test_a_group_goes_on(workshop: Any, tmp_path: Path) -> None:
    ann, ben, cleo = workshop.members(1005)

    def write_all(*people: Any) -> None:
        for person in people:
            person.change("message.send", s.Send(chat="#trip", text=f"{person.app.device.short} here"))

    def texts(person: Any) -> set[str]:
        page = person.query("message.history", s.History(chat="#trip", limit=500))
        return {one.text for one in page.messages if one.kind == "text"}

    write_all(ann, ben, cleo)
    workshop.rest(ann, ben, cleo, group=workshop.group)
    ben.back_up(tmp_path / "backup")
    write_all(ben, ann)
    workshop.rest(ann, ben, cleo, group=workshop.group)
    again = workshop.restored(ben, tmp_path / "backup")
    workshop.rest(ann, again, cleo, group=workshop.group)
    write_all(ann, again, cleo)
    workshop.rest(ann, again, cleo, group=workshop.group)
    assert f"{again.app.device.short} here" in texts(cleo)
    assert texts(ann) == texts(again) == texts(cleo)
    assert equivocations(ann, again, cleo) == []


def test_a_person_of_words_alone_gets_the_chat_back(workshop: Any, tmp_path: Path) -> None:
    ann, ben, cleo = workshop.members(1006)
    write(ann, ben, "one")
    write(ben, ann, "two")
    workshop.rest(ann, ben, cleo)
    root = from_words(to_words(ann.app.root.seed))
    again = workshop.person(tmp_path / "ann", name="ann", root=root, clock_ms=ann._clock + 1000)
    assert again.app.person == ann.app.person
    link = ben.change("invite.create", s.Nothing()).link
    again.change("contact.add", s.AddContact(link=link))
    workshop.rest(again, ben, cleo)
    assert {one.text for one in again.messages(ben) if one.kind == "text"} == {"one", "two"}
    write(again, ben, "three")
    write(ben, again, "four")
    workshop.rest(again, ben, cleo)
    assert set(again.texts_of(ben)) == {"two", "four"}
    assert set(ben.texts_of(again)) == {"one", "three"}
    assert equivocations(again, ben) == []


@pytest.mark.parametrize(
    "text",
    ["", "abandon " * 23, "abandon " * 24, "abandon " * 23 + "arts", "abandon " * 23 + "zebra"],
)
def test_words_that_are_no_recovery_phrase_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        from_words(text)


def test_the_words_are_those_of_bip39() -> None:
    # The first 24-word vector of https://github.com/trezor/python-mnemonic/blob/master/vectors.json
    assert to_words(bytes(32)) == "abandon " * 23 + "art"
    assert from_words("  Abandon" * 23 + "\nART ") == bytes(32)


def test_a_log_that_is_asked_for_again_and_again_is_queued_once(workshop: Any) -> None:
    ann, ben, cleo = workshop.members(1007)
    write(ann, ben, "one")
    workshop.rest(ann, ben, cleo)
    sender = ann.database.read(lambda tx: people.device(tx, ben.device))
    conversation = direct_conversation(ann.app.person, ben.app.person)
    wish = LogWanted(conversation, ()).encode()
    for _ in range(3):
        ann.database.transact(lambda tx: lost_log.take_wanted(ann.app, tx, sender, wish))
    queued = ann.database.read(lambda tx: tx.execute("SELECT kind FROM outbox ORDER BY id"))
    assert queued == [("log.authors",), ("entry",), ("ledger.heads",)]
    other = LogWanted(direct_conversation(ann.app.person, cleo.app.person), ()).encode()
    with pytest.raises(ProtocolError):
        ann.database.transact(lambda tx: lost_log.take_wanted(ann.app, tx, sender, other))
