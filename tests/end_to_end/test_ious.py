"""IOUs between two real nodes: the same balance on both sides, whatever happens in between."""

from __future__ import annotations

import random
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


def euros(person: Any, other: Any) -> int:
    """Cents that `other` owes `person`."""
    return int(person.balances().get((other.name, "EUR"), 0))


def decidable(person: Any, note: str) -> Any:
    """The IOU with this note that `person` has to decide about, once it has come."""

    def look() -> Any:
        listed = person.json("iou", "list")["ious"]
        return next((one for one in listed if one["note"] == note and one["mine_to_decide"]), None)

    return person.until(f"the IOU '{note}'", look)


def state_of(person: Any, iou: str) -> str:
    (found,) = [one for one in person.json("iou", "list")["ious"] if one["id"] == iou]
    return str(found["state"])


def agree_on(people: Any, iou: str, state: str) -> None:
    for person in people:
        person.until(f"{iou[:8]} is {state}", lambda one=person: state_of(one, iou) == state)
    ann, ben = people
    assert ann.balances().get(("ben", "EUR"), 0) == -ben.balances().get(("ann", "EUR"), 0)


def settle(people: Any) -> None:
    """Both accept whatever waits for them until nothing is open, and see the same balance."""
    for person in people:

        def work_off(one: Any = person) -> bool:
            for iou in one.json("iou", "list")["ious"]:
                if iou["mine_to_decide"]:
                    one.json("iou", "accept", iou["id"])
            return not any(
                iou["state"] in {"offered", "requested"}
                for other in people
                for iou in other.json("iou", "list")["ious"]
            )

        person.until("nothing is open", work_off)


def test_an_iou_counts_on_both_sides_once_it_is_accepted(pair: Any) -> None:
    ann, ben = pair
    before = euros(ann, ben)
    made = ann.json("pay", "ben", "12.50", "EUR", "pizza for two")
    assert (made["state"], made["direction"], made["minor"]) == ("offered", "i-owe", 1250)
    offer = decidable(ben, "pizza for two")
    assert (offer["id"], offer["direction"], offer["amount"]) == (made["id"], "owes-me", "12.50 EUR")
    assert euros(ann, ben) == -euros(ben, ann) == before
    ben.json("iou", "accept", made["id"][:8])
    agree_on(pair, made["id"], "binding")
    assert euros(ann, ben) == before - 1250


def test_an_iou_that_is_rejected_counts_nowhere(pair: Any) -> None:
    ann, ben = pair
    before = euros(ann, ben)
    made = ann.json("pay", "ben", "3", "EUR", "not mine")
    ben.json("iou", "reject", decidable(ben, "not mine")["id"])
    agree_on(pair, made["id"], "void")
    assert euros(ann, ben) == before


def test_a_request_counts_once_the_debtor_has_signed(pair: Any) -> None:
    ann, ben = pair
    before = euros(ann, ben)
    ann.json("request", "ben", "8 EUR", "taxi")
    asked = decidable(ben, "taxi")
    assert (asked["kind"], asked["direction"]) == ("request", "i-owe")
    ben.json("iou", "accept", asked["id"])
    agree_on(pair, asked["id"], "answered")  # Ann asked for it: her node accepts it
    assert euros(ann, ben) == before + 800


def test_a_request_can_be_declined_or_withdrawn(pair: Any) -> None:
    ann, ben = pair
    before = euros(ann, ben)
    declined = ann.json("request", "ben", "5", "EUR", "no way")
    ben.json("iou", "reject", decidable(ben, "no way")["id"])
    agree_on(pair, declined["id"], "declined")
    withdrawn = ann.json("request", "ben", "6", "EUR", "oh, sorry")
    decidable(ben, "oh, sorry")
    ann.json("iou", "reject", withdrawn["id"])
    agree_on(pair, withdrawn["id"], "withdrawn")
    assert euros(ann, ben) == before


def test_a_debt_is_forgiven_by_whom_it_is_owed_to(pair: Any) -> None:
    ann, ben = pair
    before = euros(ann, ben)
    made = ann.json("pay", "ben", "20", "EUR", "forget it")
    ben.json("iou", "accept", decidable(ben, "forget it")["id"])
    agree_on(pair, made["id"], "binding")
    ann("iou", "reject", made["id"]).refused(1)  # the debtor cannot
    ben.json("iou", "reject", made["id"])
    agree_on(pair, made["id"], "void")
    assert euros(ann, ben) == before


@pytest.mark.parametrize("ann_returns_first", [True, False])
def test_what_both_wrote_alone_adds_up_in_whatever_order_they_return(
    pair: Any, ann_returns_first: bool
) -> None:
    ann, ben = pair
    before = euros(ann, ben)
    for person in pair:
        person.stop()
    ann.json("pay", "ben", "10", "EUR", f"a {ann_returns_first}")
    ben.json("pay", "ann", "4.01", "EUR", f"b {ann_returns_first}")
    ben.json("pay", "ann", "0.02", "EUR", f"c {ann_returns_first}")
    first, second = pair if ann_returns_first else pair[::-1]
    first.start()
    second.start()
    for person, notes in ((ben, "a"), (ann, "bc")):
        for note in notes:
            decidable(person, f"{note} {ann_returns_first}")
    for person in pair:
        person.stop()
    for person in pair:  # accepted alone, too
        for iou in person.json("iou", "list")["ious"]:
            if iou["mine_to_decide"]:
                person.json("iou", "accept", iou["id"])
    second.start()
    first.start()
    settle(pair)
    assert euros(ann, ben) == -euros(ben, ann) == before - 1000 + 403


@pytest.mark.parametrize("seed", [1])
def test_no_kill_makes_or_loses_a_cent(pair: Any, seed: int) -> None:
    ann, ben = pair
    print(f"seed {seed}")
    chance = random.Random(seed)
    expected = euros(ann, ben)
    for turn in range(4):
        for _ in range(3):
            payer, other = chance.sample(pair, 2)
            cents = chance.randrange(1, 5000)
            payer.json("pay", other.name, f"{cents // 100}.{cents % 100:02} EUR", f"turn {turn}")
            expected += cents if payer is ben else -cents
            for iou in other.json("iou", "list")["ious"]:
                if iou["mine_to_decide"]:
                    other.json("iou", "accept", iou["id"])
        victim = chance.choice(pair)
        victim.kill()
        victim.start()
    settle(pair)
    assert euros(ann, ben) == -euros(ben, ann) == expected


WRONG_AMOUNTS = (
    "1.005 EUR",
    "-3 EUR",
    "0 EUR",
    "0.00 EUR",
    "1e9 EUR",
    "9007199254740993 EUR",
    "1.2.3 EUR",
    "12 DEM",
    "12 EURO",
    "12 eur",
    "٣ EUR",
    "NaN EUR",
    "1.5 JPY",
    "EUR",
    "12",
)


def test_wrong_amounts_are_answered_in_one_sentence_and_change_nothing(pair: Any) -> None:
    ann, _ = pair
    before = ann.json("status")["cursor"], ann.json("iou", "list")
    for amount in WRONG_AMOUNTS:
        ann("pay", "ben", *amount.split()).refused(1)
    ann("request", "ben", "1.005", "EUR").refused(1)
    assert before == (ann.json("status")["cursor"], ann.json("iou", "list"))


def test_no_one_decides_twice_or_about_what_is_not_theirs(pair: Any) -> None:
    ann, ben = pair
    made = ann.json("pay", "ben", "1", "EUR", "decided")
    ann("iou", "accept", made["id"]).refused(1)
    ben.json("iou", "accept", decidable(ben, "decided")["id"])
    agree_on(pair, made["id"], "binding")
    cursor = ben.json("status")["cursor"]
    ben("iou", "accept", made["id"]).refused(1)
    ben("iou", "accept", "zzzzzzzz").refused(6)
    ben("pay", "nobody", "1", "EUR").refused(6)
    assert ben.json("status")["cursor"] == cursor
