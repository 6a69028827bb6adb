"""Three people with nodes of their own: debts in a circle cancel out, and what moves adds up to zero."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


def cents(one: Any, other: Any) -> int:
    """What `other` owes `one`."""
    return int(one.balances().get((other.name, "EUR"), 0))


def test_debts_in_a_circle_cancel_out_though_one_is_killed(new_person: Any, befriend: Any) -> None:
    trio = ann, ben, cleo = [new_person(name) for name in ("ann", "ben", "cleo")]
    for host, guest in combinations(trio, 2):
        befriend(host, guest)
    for person, other in zip(trio, (ben, cleo, ann), strict=True):
        other.json("iou", "limit", person.name, "100", "EUR")
        person.json("circle", "on")
    for debtor, creditor, amount in ((ann, ben, "33.34"), (ben, cleo, "33.33"), (cleo, ann, "33.33")):
        debtor.json("pay", creditor.name, amount, "EUR")
        creditor.until("it is accepted", lambda one=creditor, of=debtor: cents(one, of))
        debtor.until("it counts", lambda one=debtor, of=creditor: cents(one, of))

    ben.kill()
    ann("circle", "clear", "USD").refused(1)
    assert ann.json("circle", "clear")["units"] == ["EUR"]
    ben.start()
    for person in trio:
        person.until(
            "it is done",
            lambda one=person: [c["state"] for c in one.json("circle", "list")["circulations"]] == ["done"],
        )
    assert [cents(ben, ann), cents(cleo, ben), cents(ann, cleo)] == [1, 0, 0]
    for one, other in combinations(trio, 2):
        assert cents(one, other) == -cents(other, one)
