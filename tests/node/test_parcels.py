"""What lies in a mailbox, between two people who never meet: taken once, confirmed, and not to be forged."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.core.identity import DeviceCertificate
from p2pchat.core.keys import SigningKey
from p2pchat.core.mailbox import tags
from p2pchat.core.mailbox.sealing import Parcel
from p2pchat.node.features.mailbox import mailboxes as feature
from p2pchat.store import mailboxes, outbox, people, sessions

MAILBOX = "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
_numbers = count(9_100_000)


@pytest.fixture
def pair(workshop: Any) -> Iterator[tuple[Any, Any]]:
    """Ann and Ben, contacts who know each other's mailboxes and are not connected any more."""
    people = ann, ben, _ = workshop.members(next(_numbers))
    for person in (ann, ben):
        person.change("mailbox.use", s.UseMailbox(where=MAILBOX))
    workshop.rest(*people)
    yield ann, ben
    for person in people:
        person.close()


def leave(sender: Any, receiver: Any) -> list[bytes]:
    """The parcels that the sender's node leaves for the receiver now; the mailbox confirms them."""

    def act(tx: Any) -> list[bytes]:
        feature.plan(sender.app, tx, receiver.device, ())
        due = mailboxes.due(tx, receiver.device, sender.app.now_ms(), limit=99)
        for deposit in due:
            feature.held(sender.app, tx, deposit)
        return [deposit.sealed for deposit in due]

    sealed: list[bytes] = sender.database.transact(act).result
    return sealed


def collect(receiver: Any, parcels: list[bytes]) -> None:
    receiver.database.transact(lambda tx: feature.take(receiver.app, tx, parcels))


def say(sender: Any, receiver: Any, text: str) -> str:
    found: str = sender.change("message.send", s.Send(chat=receiver.app.name, text=text)).id
    return found


def state(sender: Any, message: str) -> str:
    return str(sender.query("message.show", s.MessageId(id=message)).state)


def test_a_message_goes_there_and_its_receipt_comes_back(pair: Any) -> None:
    ann, ben = pair
    message = say(ann, ben, "by the mailbox")
    parcels = leave(ann, ben)
    assert state(ann, message) == "handed 1/1"
    collect(ben, parcels)
    assert ben.texts_of(ann) == ["by the mailbox"]
    collect(ann, leave(ben, ann))
    assert state(ann, message) == "delivered"
    assert leave(ann, ben) == []  # a receipt is not confirmed in turn
    assert ann.database.read(outbox.count) == ben.database.read(outbox.count) == 0


def test_the_same_by_several_ways_is_shown_once(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    message = say(ann, ben, "once")
    parcels = leave(ann, ben)
    collect(ben, parcels * 2)
    collect(ben, parcels)
    workshop.rest(ann, ben)  # over a connection too
    collect(ben, parcels)
    assert ben.texts_of(ann) == ["once"]
    assert state(ann, message) == "delivered"


def test_a_parcel_lost_on_the_way_is_left_anew_when_its_time_is_over(pair: Any) -> None:
    ann, ben = pair
    message = say(ann, ben, "again")
    (lost,) = leave(ann, ben)
    ann._clock += 40 * tags.DAY_MS
    ann.database.transact(lambda tx: feature.renew(ann.app, tx))
    assert state(ann, message) == "queued"
    (anew,) = leave(ann, ben)
    assert anew != lost
    collect(ben, [anew, lost])
    assert ben.texts_of(ann) == ["again"]


def test_what_cannot_be_opened_is_sealed_anew(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    message = say(ann, ben, "for a session that is gone")
    parcels = leave(ann, ben)
    ben.database.transact(lambda tx: sessions.drop_pairwise(tx, ann.device))
    collect(ben, parcels)
    assert ben.texts_of(ann) == []
    workshop.rest(ann, ben)
    assert ben.texts_of(ann) == ["for a session that is gone"]
    assert state(ann, message) == "delivered"


def test_a_parcel_with_a_forged_certificate_moves_no_device(pair: Any) -> None:
    """Anybody can put any certificate into a parcel; only its envelope proves who sent it."""
    ann, ben = pair
    say(ann, ben, "hers")
    stolen = Parcel.open(ben.app.mailbox_secret, leave(ann, ben)[0]).envelope
    mallory, device = SigningKey(b"m" * 32), SigningKey(b"d" * 32)
    own = DeviceCertificate.issue(mallory, device, b"o" * 32, 1)
    forged = [
        Parcel(own.encode(), stolen, True),
        Parcel(own.encode(), b"rubbish", True),
        Parcel(b"no certificate", stolen, True),
    ]
    collect(ben, [one.seal(ben.app.mailbox_secret.public) for one in forged])
    assert ben.texts_of(ann) == []
    known = ben.database.read(lambda tx: people.device(tx, ann.device))
    assert known.person == ann.app.person
    assert ben.database.read(lambda tx: people.device(tx, own.device)) is None
    assert ben.database.read(outbox.count) == 0  # nobody is told anything


def test_what_was_sealed_for_somebody_else_is_dropped_and_the_rest_is_taken(pair: Any) -> None:
    ann, ben = pair
    say(ann, ben, "mine")
    parcels = leave(ann, ben)
    collect(ben, [Parcel(b"c", b"e", True).seal(ann.app.mailbox_secret.public), bytes(1024), *parcels])
    assert ben.texts_of(ann) == ["mine"]


def test_a_mailbox_that_was_dropped_is_left_nothing(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    ben.change("mailbox.drop", s.DropMailbox(where=MAILBOX))
    workshop.rest(ann, ben)
    message = say(ann, ben, "to wait")
    assert leave(ann, ben) == []
    assert state(ann, message) == "queued"


@pytest.mark.parametrize(
    "written", ["", "/", "nowhere", "/ip4/192.0.2.7/tcp/4001", "../../etc/passwd", "a" * 256]
)
def test_a_card_that_names_rubbish_as_a_mailbox_stops_nothing(pair: Any, workshop: Any, written: str) -> None:
    ann, ben = pair
    ben.database.transact(lambda tx: mailboxes.name(tx, written or " ", ""))
    ben.database.transact(lambda tx: feature._announce(ben.app, tx))
    workshop.rest(ann, ben)
    message = say(ann, ben, "all the same")
    collect(ben, leave(ann, ben))
    assert ben.texts_of(ann) == ["all the same"]
    assert state(ann, message) == "handed 1/1"


def test_only_contacts_and_fellow_members_are_admitted(pair: Any) -> None:
    ann, ben = pair
    mailbox = ann.device  # whichever
    admitted = ben.database.read(lambda tx: feature.admissions(ben.app, tx, mailbox))
    assert len(admitted) == tags.AHEAD + 2
    shown, _ = ann.database.read(lambda tx: feature.deposit_address(ann.app, tx, ben.device, mailbox))
    today = next(one for one in admitted if one.day == tags.day_of(ann.app.now_ms()))
    assert tags.tag_of(shown) in today.tags
    ben.change("contact.block", s.Who(who="ann"))
    admitted = ben.database.read(lambda tx: feature.admissions(ben.app, tx, mailbox))
    assert not any(tags.tag_of(shown) in one.tags for one in admitted)
