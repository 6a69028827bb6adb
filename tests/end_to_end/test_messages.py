"""Private chat between two real nodes: sending, waiting, reading, searching, paging."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


def test_a_message_is_queued_first_and_delivered_a_moment_later(pair: Any) -> None:
    ann, ben = pair
    sent = ann.json("send", "ben", "hello Ben")
    assert sent["state"] in {"queued", "delivered"}
    ann.has_delivered(sent["id"])
    (received,) = [one for one in ben.messages("ann") if one["id"] == sent["id"]]
    assert received["text"] == "hello Ben"
    assert received["sender"] == "ann"
    assert received["mine"] is False


def test_what_is_sent_without_a_node_waits_and_arrives_in_order(pair: Any) -> None:
    ann, ben = pair
    ben.stop()
    ann.stop()
    offline = [ann.json("send", "ben", f"offline {number}") for number in (1, 2)]
    assert [one["state"] for one in offline] == ["queued", "queued"]
    ann.start()
    online = ann.json("send", "ben", "offline 3")
    assert online["state"] == "queued"
    ben.start()
    ann.has_delivered(online["id"])
    assert ben.texts("ann", "offline") == ["offline 1", "offline 2", "offline 3"]


def test_ack_waits_for_the_delivery_or_says_that_it_did_not_come(pair: Any) -> None:
    ann, ben = pair
    assert ann.json("send", "ben", "are you there?", "--ack", "delivered", "--timeout", "60")["state"] in {
        "delivered",
        "read",
    }
    ben.stop()
    assert "queued" in ann("send", "ben", "and now?", "--ack", "delivered", "--timeout", "0.1").refused(7)
    assert ann.texts("ben")[-1] == "and now?"


def test_reading_is_told_to_the_sender_and_only_once_unread(pair: Any) -> None:
    ann, ben = pair
    ann.json("send", "ben", "before", "--ack", "delivered")
    ben.reads("ann", "before")
    ben.json("read")
    sent = ann.json("send", "ben", "read this", "--ack", "delivered")
    (unread,) = ben.json("read", "ann")["messages"]
    assert unread["id"] == sent["id"]
    assert ben.json("read", "ann")["messages"] == []
    ann.has_delivered(sent["id"], "read")
    assert [one["state"] for one in ann.json("msg", "show", sent["id"][:8])["deliveries"]] == ["read"]


def test_piped_lines_become_messages_and_history_pages_back(pair: Any) -> None:
    ann, ben = pair
    lines = [f"piped {number}" for number in range(12)]
    outcome = ann("chat", "ben", stdin="\n".join(lines) + "\n\n")
    assert outcome.code == 0
    assert len(outcome.out.splitlines()) == len(lines)
    ben.reads("ann", lines[-1])
    assert ben.texts("ann", "piped") == lines
    newest = ben.json("history", "ann", "--limit", "5")
    assert [one["text"] for one in newest["messages"]] == lines[-5:]
    assert newest["more"] is True
    older = ben.json("history", "ann", "--limit", "7", "--before", newest["messages"][0]["id"][:10])
    assert [one["text"] for one in older["messages"]] == lines[:7]


def test_search_finds_messages_of_both_sides_that_hold_all_words(pair: Any) -> None:
    ann, ben = pair
    ann.json("send", "ben", "pizza on friday?", "--ack", "delivered")
    ben.json("send", "ann", "Friday is good, but no PIZZA", "--ack", "delivered")
    for person in pair:
        found = person.json("search", "pizza", "friday")["messages"]
        assert [one["text"] for one in found] == ["Friday is good, but no PIZZA", "pizza on friday?"]
        assert person.json("search", "pizza", "monday")["messages"] == []


def test_every_kind_of_text_arrives_as_it_was_written(pair: Any) -> None:
    ann, ben = pair
    texts = ["två öl, тайна, 秘密, 👩🏽‍🚀", "two\nlines", "--help", "x" * 8000]
    for text in texts:
        ann.json("send", "ben", "-", stdin=text)
    ben.reads("ann", *texts)
    assert ben.texts("ann")[-len(texts) :] == texts


def test_net_tells_who_is_not_connected_and_why(pair: Any) -> None:
    ann, ben = pair

    def absent() -> Any:
        return ann.json("net")["absent"]

    ann.until("ben is connected", lambda: not absent())
    assert ann.json("net")["reachability"] in {"unknown", "public", "private"}
    ben.stop()
    (one,) = ann.until("ann has dialled ben", lambda: [one for one in absent() if one["reason"]])
    assert (one["name"], one["contact"]) == ("ben", True)
    assert "refused" in one["reason"]
    shown = ann("net").out
    assert "Not connected" in shown
    assert one["reason"].partition(":")[0] in shown
    ben.start()
    ann.until("ben is back", lambda: not absent())
