"""Messages that share a commit are delivered each for itself."""

from __future__ import annotations

from itertools import count
from typing import Any

from p2pchat.api import schema as s
from p2pchat.api.methods import CHANGES

BURST = 20
_numbers = count(9_500_000)


def test_each_message_of_a_burst_is_delivered(workshop: Any) -> None:
    ann, ben = workshop.contacts(next(_numbers))
    sends = [s.Send(chat="ben", text=f"text {number}") for number in range(BURST)]
    ann.database.transact_each([lambda tx, it=one: CHANGES["message.send"](ann.app, tx, it) for one in sends])
    waiting = ann.query("message.history", s.History(chat="ben", limit=BURST)).messages
    assert [[one.state for one in message.deliveries] for message in waiting] == [["queued"]] * BURST
    workshop.rest(ann, ben)
    shown = ann.query("message.history", s.History(chat="ben", limit=BURST)).messages
    assert [message.state for message in shown] == ["delivered"] * BURST
    ann.close()
    ben.close()
