"""Two members leave a session with the same log, whatever they came with."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pchat.core.ids import ConversationId, DeviceId
from p2pchat.core.log.entry import NO_CONVERSATION, author
from p2pchat.core.sync.frames import (
    MAX_DEVICES,
    MAX_FRAME,
    Done,
    Have,
    Reconcile,
    Settled,
    State,
    Want,
    WantIds,
    decode_frame,
    encode_frame,
    pack_entries,
)
from p2pchat.core.sync.session import SyncSession
from p2pchat.errors import ProtocolError

KINDS = {1: State, 2: Have, 3: Want, 5: Done, 6: Reconcile, 7: WantIds, 8: Settled}


def kinds(line):
    """The types of the frames that went over the line."""
    return [KINDS.get(frame[1]) for frame in line.sent]


def test_equal_logs_cost_one_small_frame_each_way(member, line):
    ann, bob = member("ann"), member("bob")
    ann.write()
    bob.take(ann.entries.values())
    between = line(ann, bob)
    between.settle()
    assert kinds(between) == [State, State]
    assert max(map(len, between.sent)) < 32


def test_what_a_carrier_left_out_is_asked_of_others_once(member, line):
    ann, bob, cat = member("ann"), member("bob"), member("cat")
    entries = [ann.write(f"text {number}") for number in range(5)]
    bob.take(entries)
    cat.take(entry.without_body() if number in (1, 3) else entry for number, entry in enumerate(entries))
    assert len(cat.gaps()) == 2
    between = line(cat, bob)
    between.settle()
    assert [entry.body for entry in cat.entries.values()] == [entry.body for entry in entries]
    dan = member("dan")
    dan.take(entry.without_body() for entry in entries)
    between = line(dan, member("eve"))
    between.settle()  # dan asks eve, who has nothing
    between.settle()  # eve asks dan for what he could not give her
    again = len(between.sent)
    between.settle()
    assert kinds(between)[again:] == [State, State]


def test_both_sides_get_what_they_lack(member, line):
    ann, bob, cat = member("ann"), member("bob"), member("cat")
    for _ in range(3):
        ann.write()
    bob.take(ann.entries.values())
    for _ in range(4):
        ann.write()
        bob.write()
    cat.take(bob.entries.values())
    cat.write()
    bob.take(cat.entries.values())
    between = line(ann, bob)
    between.settle()
    assert ann.shown() == bob.shown()
    assert len(ann.entries) == 12
    assert Reconcile not in kinds(between)


def test_any_member_serves_the_entries_of_any_other(member, line):
    ann, bob, cat = member("ann"), member("bob"), member("cat")
    ann.write("for cat")
    line(ann, bob).settle()
    line(bob, cat).settle()
    assert cat.shown() == ann.shown()


def test_a_newcomer_gets_a_long_log_in_bounded_frames_the_newest_first(member, line):
    ann, bob = member("ann"), member("bob")
    for _ in range(400):
        ann.write("y" * 4000)
    between = line(ann, bob)
    between.sessions[0].start(ann)
    while not any(entry.header.seq == 400 for entry in bob.waiting.values()):
        assert between.step()
    assert not bob.entries
    while between.step():
        pass
    assert bob.shown() == ann.shown()
    assert all(session.is_settled for session in between.sessions)
    assert max(map(len, between.sent)) <= MAX_FRAME


def test_a_session_goes_on_where_a_broken_one_ended(member, line):
    ann, bob = member("ann"), member("bob")
    for _ in range(200):
        ann.write("y" * 4000)
    broken = line(ann, bob)
    broken.sessions[1].start(bob)
    while not bob.entries:
        assert broken.step()
    before = len(bob.entries)
    assert before < 200
    second = line(ann, bob)
    second.settle()
    assert bob.shown() == ann.shown()
    assert sum(map(len, second.sent)) < 4400 * (200 - before) + 5000


def test_entries_written_during_a_session_do_no_harm_and_come_with_the_next_round(member, line):
    ann, bob = member("ann"), member("bob")
    for _ in range(50):
        ann.write("y" * 20_000)
    between = line(ann, bob)
    between.sessions[0].start(ann)
    while between.step():
        ann.write("while you read")
        if bob.entries:
            bob.write("me too")
        if len(ann.entries) > 80:
            break
    while between.step():
        pass
    between.settle()
    assert bob.shown() == ann.shown()


def test_both_sides_may_begin_at_once(member, line):
    ann, bob = member("ann"), member("bob")
    ann.write()
    bob.write()
    between = line(ann, bob)
    between.sessions[0].start(ann)
    between.sessions[1].start(bob)
    while between.step():
        pass
    assert ann.shown() == bob.shown()
    assert all(session.is_settled for session in between.sessions)


def test_the_side_that_was_called_may_begin_a_round(member, line):
    ann, bob = member("ann"), member("bob")
    between = line(ann, bob)
    between.settle()
    ann.write()
    between.sessions[1].start(bob)
    while between.step():
        pass
    assert ann.shown() == bob.shown()


def test_new_entries_are_pushed_between_rounds(member, line):
    ann, bob = member("ann"), member("bob")
    between = line(ann, bob)
    between.settle()
    for frame in pack_entries([bob.write().encode()]):
        ann.take(between.sessions[0].receive(frame, ann))
    assert ann.shown() == bob.shown()
    between.sessions[0].held(ann.heights())
    bob.take(between.sessions[1].receive(between.sessions[0].next_frame(ann), bob))
    assert between.sessions[1].peer_heights == {bob.device: 1}


@pytest.mark.parametrize("forked_on", [0, 1])
def test_the_second_side_of_a_fork_is_found_by_ranges(member, line, forked_on):
    ann, bob, mallory = member("ann"), member("bob"), member("mallory")
    mallory.write("one")
    twin = member("mallory")
    twin.take(mallory.entries.values())
    ends = (ann, bob)
    for i in range(3):
        mallory.write(f"yes {i}")
        twin.write(f"no {i}")
    twin.write("longer")
    ends[forked_on].take(mallory.entries.values())
    ends[1 - forked_on].take(twin.entries.values())
    between = line(ann, bob)
    between.settle()
    assert Reconcile in kinds(between)
    assert ann.shown() == bob.shown()
    assert len(ann.entries) == 8


def test_signatures_that_a_carrier_spoilt_are_covered_by_the_chain(member, line):
    ann, bob, cat = member("ann"), member("bob"), member("cat")
    for _ in range(30):
        ann.write()
    honest = list(ann.entries.values())
    spoilt = [replace(entry, signature=bytes(64)) for entry in honest[:-1]]
    bob.take([*spoilt, honest[-1]])
    line(bob, cat).settle()
    assert cat.shown() == ann.shown()


def test_a_known_entry_still_proves_the_one_before(member, monkeypatch):
    ann, bob = member("ann"), member("bob")
    first, second = ann.write(), ann.write()
    monkeypatch.setattr(bob, "lacking", lambda ids: set(ids) - {second.id})  # it waits for its predecessor
    frame = next(pack_entries([replace(first, signature=bytes(64)).encode(), second.encode()]))
    session = SyncSession(ConversationId(b"c" * 32), initiator=False)
    assert [entry.id for entry in session.receive(frame, bob)] == [first.id]


def test_entries_without_a_good_signature_end_the_session(member, line):
    ann, bob = member("ann"), member("bob")
    entry = replace(ann.write(), signature=bytes(64))
    ann.entries[entry.id] = entry
    with pytest.raises(ProtocolError, match="signature"):
        line(ann, bob).settle()
    assert not bob.entries


def test_an_entry_of_another_conversation_ends_the_session(member):
    ann, bob = member("ann"), member("bob")
    session = SyncSession(ConversationId(b"d" * 32), initiator=False)
    with pytest.raises(ProtocolError, match="another conversation"):
        session.receive(next(pack_entries([ann.write().encode()])), bob)


@pytest.mark.parametrize(
    "frames",
    [
        [Have({})],
        [Done()],
        [Want(())],
        [WantIds(())],
        [Reconcile(b"\x61")],
        [State(9, bytes(16)), State(9, bytes(16))],
        [State(9, bytes(16)), Reconcile(b"\x61")],
        [State(9, bytes(16)), WantIds(())],
        [State(9, bytes(16)), Done()],
        [State(9, bytes(16)), Have({}), Have({})],
        [State(9, bytes(16)), Have({}), Want(()), Want(())],
        [State(9, bytes(16)), Have({}), *[Want((), more=True)] * 3],
        [State(9, bytes(16)), Have({}), Done(), Done()],
    ],
)
def test_frames_out_of_place_end_the_session(member, frames):
    session = SyncSession(ConversationId(b"c" * 32), initiator=True)
    bob = member("bob")
    *allowed, refused = map(encode_frame, frames)
    for frame in allowed:
        session.receive(frame, bob)
    with pytest.raises(ProtocolError):
        session.receive(refused, bob)


def test_a_peer_that_claims_entries_it_lacks_gains_nothing(member):
    session = SyncSession(ConversationId(b"c" * 32), initiator=True)
    bob = member("bob")
    for frame in (
        State(9, bytes(16)),
        Have({DeviceId(b"d" * 32): 2**52}),
        Want(()),
        Done(),
        Done(),
        Settled(False),
    ):
        session.receive(encode_frame(frame), bob)
    while session.next_frame(bob):
        pass
    assert session.is_settled


def test_a_log_of_more_devices_than_a_frame_holds_says_so_within_the_frame(member, monkeypatch):
    bob = member("bob")
    crowd = {DeviceId(i.to_bytes(32, "big")): 1 for i in range(MAX_DEVICES + 1)}
    monkeypatch.setattr(bob, "heights", lambda: crowd)
    session = SyncSession(ConversationId(b"c" * 32), initiator=False)
    session.receive(encode_frame(State(9, bytes(16))), bob)
    session.next_frame(bob)
    have = decode_frame(session.next_frame(bob))
    assert isinstance(have, Have)
    assert len(have.heights) == MAX_DEVICES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_any_two_histories_become_one(member, line, data):
    members = [member(name) for name in ("ann", "bob", "cat")]
    # A second installation with ann's key: whenever both write, ann's chain forks.
    members.append(member("ann"))
    for _ in range(data.draw(st.integers(0, 25))):
        one = data.draw(st.sampled_from(members))
        if data.draw(st.booleans()):
            one.write(data.draw(st.sampled_from("xyz")))
        else:
            one.take(data.draw(st.sampled_from(members)).entries.values())
    one, other = members[0], members[1]
    union = set(one.entries) | set(other.entries)
    between = line(one, other)
    between.settle()  # finds the gaps that heights show
    between.settle()  # finds what a fork hid
    assert set(one.entries) == union
    assert one.shown() == other.shown()


def test_the_entry_that_founds_a_group_travels_in_the_groups_log(member):
    ann, bob = member("ann"), member("bob")
    genesis = author(
        ann.key, NO_CONVERSATION, chain=None, heads=(), lamport=0, sent_ms=1, kind="group", body=b"g"
    )
    session = SyncSession(ConversationId(genesis.id), initiator=False)
    assert session.receive(next(pack_entries([genesis.encode()])), bob) == [genesis]
