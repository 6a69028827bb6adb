"""A small world for pictures: Ann, Bob, Carol and Dora with running nodes, a history and open business."""

from __future__ import annotations

from pathlib import Path

from demo import Person, befriend, wait_for

TALK = [
    ("bob", "Are you free on Saturday? The lake is finally warm 🏊"),
    ("alice", "Yes! Shall we take Carol along?"),
    ("bob", "Already asked her. She brings the boat,\nI bring the grill,\nyou bring the cheese."),
    ("alice", "Fair. Train at 9:10, platform 4"),
    ("bob", "👍"),
]
TRIP = [
    ("carol", "Boat is booked from 11:00 to 17:00"),
    ("bob", "I have the tickets for all three of us"),
    ("alice", "Great. I pay for dinner and split it here"),
    ("carol", "Who takes the sun cream?"),
]


def populate(alice: Person, bob: Person, carol: Person) -> None:
    """Contacts, talk, a group, IOUs: some settled, some waiting for Alice."""
    people = {"alice": alice, "bob": bob, "carol": carol}
    befriend(alice, bob)
    befriend(alice, carol)
    befriend(bob, carol)
    alice.run("contact", "verify", "bob")
    _private(people)
    _group(people)
    _money(people)


def _private(people: dict[str, Person]) -> None:
    alice, bob, carol = people["alice"], people["bob"], people["carol"]
    other = {"alice": "bob", "bob": "alice"}
    ids = []
    for who, text in TALK:
        ids.append(people[who].send(other[who], text))
        people[other[who]].expect(other[other[who]], text)
    bob.run("msg", "react", ids[3], "🎉")
    alice.run("msg", "star", ids[2])
    answer = alice.run("send", "bob", "Which one, Gruyère or the one that smells?", "--reply", ids[2])["id"]
    wait_for("delivery", lambda: alice.state(answer) == "delivered")
    carol.send("alice", "Do you still have my rain jacket?")
    alice.expect("carol", "Do you still have my rain jacket?")


def _group(people: dict[str, Person]) -> None:
    alice, bob, carol = people["alice"], people["bob"], people["carol"]
    alice.run("group", "create", "trip")
    for guest in (bob, carol):
        alice.run("group", "invite", "trip", guest.name)
        wait_for("the invitation", lambda one=guest: one.run("group", "list")["groups"])
        guest.run("group", "accept", "trip")
    for person in people.values():
        wait_for("three members", lambda one=person: len(one.run("group", "show", "trip")["members"]) == 3)
    for who, text in TRIP:
        people[who].send("#trip", text)
        for person in people.values():
            person.expect("#trip", text)


def _money(people: dict[str, Person]) -> None:
    alice, bob, carol = people["alice"], people["bob"], people["carol"]
    alice.run("split", "trip", "84.00", "EUR", "dinner at the lake")
    (asked,) = wait_for("the request", lambda: _open(bob))
    bob.run("iou", "accept", asked["id"])
    wait_for("the signature", lambda: _signed(alice))
    carol.run("pay", "alice", "8.50", "EUR", "ice cream")
    bob.run("request", "alice", "12.40", "EUR", "train ticket")
    alice.run("pay", "carol", "3", "beer", "lost bet")
    carol.run("iou", "limit", "alice", "50", "EUR")
    wait_for("two decisions", lambda: len(_open(alice)) == 2)


def _open(person: Person) -> list[dict[str, object]]:
    return [one for one in person.run("iou", "list")["ious"] if one["mine_to_decide"]]


def _signed(person: Person) -> list[dict[str, object]]:
    return [one for one in person.run("iou", "list")["ious"] if one["state"] == "binding"]


def stranger(folder: Path, alice: Person) -> None:
    """Dora asks to be a contact, and is gone again."""
    dora = Person("dora", folder)
    dora.begin(folder / "bootstrap" / "network.toml")
    link = alice.run("invite", "--no-qr")["link"]
    dora.run("contact", "add", link, "--message", "Hi, I am Dora from the climbing gym")
    wait_for("the request", lambda: alice.run("requests", "list")["contacts"])
    dora.stop()
