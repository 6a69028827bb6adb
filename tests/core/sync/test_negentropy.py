"""Range reconciliation: byte for byte what the reference says, and cheap for large sets."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pchat.core.ids import EntryId
from p2pchat.core.sync.negentropy import VERSION, initiate, reconcile, respond
from p2pchat.errors import ProtocolError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sync_negentropy.json").read_text())


def id_of(number):
    return EntryId(hashlib.sha256(f"entry {number}".encode()).digest())


def converse(ours, theirs, frame_limit=0):
    """All messages of a reconciliation, and what the initiating side learnt."""
    messages = [initiate(ours)]
    have, need = [], []
    while True:
        messages.append(respond(theirs, messages[-1], frame_limit=frame_limit))
        progress = reconcile(ours, messages[-1], frame_limit=frame_limit)
        have += progress.have
        need += progress.need
        if progress.message is None:
            return messages, have, need
        messages.append(progress.message)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_every_message_is_that_of_the_reference(case, storage):
    items = [(case["start"] + i // case["per_timestamp"], id_of(i)) for i in range(case["count"])]

    def without(every):
        return [item for i, item in enumerate(items) if every == 0 or i % every]

    ours, theirs = without(case["initiator_lacks"]), without(case["responder_lacks"])
    messages, have, need = converse(storage(ours), storage(theirs), case["frame_limit"])
    assert [message.hex() for message in messages] == case["messages"]
    assert sorted(have) == sorted(id for _, id in set(ours) - set(theirs))
    assert sorted(need) == sorted(id for _, id in set(theirs) - set(ours))
    assert (len(have), len(need)) == (case["have"], case["need"])


entries = st.tuples(st.integers(0, 6), st.integers(0, 40).map(id_of))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ours=st.sets(entries, max_size=150),
    theirs=st.sets(entries, max_size=150),
    frame_limit=st.sampled_from([0, 4096]),
)
def test_any_difference_is_found(storage, ours, theirs, frame_limit):
    _, have, need = converse(storage(ours), storage(theirs), frame_limit)
    assert set(have) >= {id for _, id in ours - theirs} - {id for _, id in theirs}
    assert set(need) >= {id for _, id in theirs - ours} - {id for _, id in ours}


@pytest.mark.parametrize("frame_limit", [4096, 20_000])
def test_no_message_is_above_the_limit_of_a_frame(storage, frame_limit):
    dice = random.Random(1)
    items = [(i, id_of(i)) for i in range(3000)]
    ours, theirs = dice.sample(items, 2000), dice.sample(items, 2000)
    messages, have, need = converse(storage(ours), storage(theirs), frame_limit)
    assert max(map(len, messages)) <= frame_limit
    assert set(have) == {id for _, id in set(ours) - set(theirs)}
    assert set(need) == {id for _, id in set(theirs) - set(ours)}


def test_ten_of_a_million_are_found_in_six_round_trips_and_100_kb(storage):
    dice = random.Random(2)
    items = [(1_700_000_000_000 + i * 10, EntryId(dice.randbytes(32))) for i in range(1_000_000)]
    lost = set(dice.sample(range(len(items)), 10))
    ours = [item for i, item in enumerate(items) if i not in lost]
    messages, have, need = converse(storage(ours, 512), storage(items, 512), 64 * 1024)
    assert have == []
    assert set(need) == {items[i][1] for i in lost}
    assert len(messages) <= 2 * 6
    assert sum(map(len, messages)) < 100_000


def test_another_version_is_answered_with_ours(storage):
    assert respond(storage([]), b"\x62") == bytes([VERSION])
    with pytest.raises(ProtocolError, match="version"):
        reconcile(storage([]), b"\x62")


RANGE_TO_INFINITY = b"\x00\x00"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x5f",
        b"\x61\x00",
        b"\x61\x01\x21" + bytes(33) + b"\x00",  # a bound longer than an id
        b"\x61" + RANGE_TO_INFINITY + b"\x03",  # an unknown mode
        b"\x61" + RANGE_TO_INFINITY + b"\x01" + bytes(15),  # a short fingerprint
        b"\x61" + RANGE_TO_INFINITY + b"\x02\x02" + bytes(32),  # a list with fewer ids than it says
        b"\x61" + RANGE_TO_INFINITY + b"\x80\x00",  # a number with a leading zero
        b"\x61" + b"\xff" * 9 + b"\x7f\x00\x00",  # a timestamp above 64 bits
        b"\x61" + b"\xff" * 11,  # a number without end
        b"\x61\x05\x01\x09\x00\x01\x01\x08\x00",  # a bound below the one before
    ],
)
def test_a_malformed_message_is_refused(storage, message):
    for side in (respond, reconcile):
        with pytest.raises(ProtocolError):
            side(storage([(1, id_of(1))]), message)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=st.binary(max_size=200))
def test_nothing_but_a_protocol_error_leaves_a_reconciliation(storage, tail):
    try:
        respond(storage([(i, id_of(i)) for i in range(50)]), bytes([VERSION]) + tail)
    except ProtocolError:
        return
