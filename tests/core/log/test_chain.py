"""Entries find their place in a log, or are refused for good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pchat.core.ids import ConversationId, EntryId
from p2pchat.core.keys import SigningKey
from p2pchat.core.log.chain import Fits, Known, Missing, Step, check_next
from p2pchat.core.log.entry import (
    NO_CONVERSATION,
    PURPOSE,
    ChainHead,
    Entry,
    Header,
    author,
    hash_body,
)
from p2pchat.core.log.order import MAX_LEAP_MS
from p2pchat.errors import DecodeError, ProtocolError


def signed(key: SigningKey, header: Header, body: bytes = b"x") -> Entry:
    """An entry of an author who does not keep the rules."""
    header = replace(header, body_hash=hash_body(body))
    raw = header.encode()
    entry = Entry(header, raw, b"", body)
    return replace(entry, signature=key.sign(PURPOSE, entry.id))


def test_a_chain_is_taken_in_order(writer, log):
    ann = writer("ann")
    for text in ("one", "two", "three"):
        assert log.take(ann.write(text)) == Fits(())


def test_an_entry_taken_twice_is_known(writer, log):
    entry = writer("ann").write("one")
    log.take(entry)
    assert log.take(entry) == Known()


def test_an_entry_waits_for_its_predecessor_and_parents(writer, log):
    ann, bob = writer("ann"), writer("bob")
    first = ann.write("one")
    question = bob.write("why?")
    answer = ann.write("because", question)
    assert log.take(answer) == Missing(frozenset({first.id, question.id}))
    log.take(first)
    assert log.take(answer) == Missing(frozenset({question.id}))
    log.take(question)
    assert log.take(answer) == Fits(())


def test_both_sides_of_a_fork_are_taken_and_the_second_is_noticed(writer, log):
    ann = writer("ann")
    log.take(ann.write("one"))
    other = ann.fork()
    yes, no = ann.write("yes"), other.write("no")
    assert log.take(yes) == Fits(())
    assert log.take(no) == Fits((yes.id,))
    assert log.take(ann.write("more")) == Fits(())
    assert isinstance(log.take(other.write("less")), Fits)


def test_a_predecessor_of_another_device_is_refused(writer, log):
    ann, bob = writer("ann"), writer("bob")
    first = bob.write("one")
    log.take(first)
    ann.last = first
    with pytest.raises(ProtocolError, match="predecessor"):
        log.take(ann.write("two"))


def test_a_number_that_skips_is_refused(writer, log):
    ann = writer("ann")
    first = ann.write("one")
    log.take(first)
    skipping = signed(ann.key, replace(ann.write("two").header, seq=3))
    with pytest.raises(ProtocolError, match="predecessor"):
        log.take(skipping)


@pytest.mark.parametrize("leap", [0, -1, MAX_LEAP_MS + 1])
def test_a_lamport_time_at_or_below_a_parents_or_far_above_is_refused(writer, log, leap):
    ann, bob = writer("ann"), writer("bob")
    parent = bob.write("question")
    log.take(parent)
    entry = ann.write("answer", parent)
    forged = signed(ann.key, replace(entry.header, lamport=parent.header.lamport + leap))
    with pytest.raises(ProtocolError, match="Lamport"):
        log.take(forged)


def test_the_largest_allowed_leap_is_taken(writer, log):
    ann, bob = writer("ann"), writer("bob")
    parent = bob.write("question")
    log.take(parent)
    entry = ann.write("answer", parent)
    assert log.take(
        signed(ann.key, replace(entry.header, lamport=parent.header.lamport + MAX_LEAP_MS))
    ) == Fits(())


def test_a_first_entry_may_not_begin_after_the_year_2286(writer, log):
    entry = writer("ann").write("one")
    with pytest.raises(ProtocolError, match="Lamport"):
        log.take(signed(writer("ann").key, replace(entry.header, lamport=10**13 + 1)))


def test_steps_against_a_head(writer):
    ann = writer("ann")
    first = ann.write("one")
    other = ann.fork()
    second, third = ann.write("two"), ann.write("three")
    rival = other.write("2")
    head = ChainHead(1, first.id)
    assert check_next(None, first) is Step.NEXT
    assert check_next(head, second) is Step.NEXT
    assert check_next(head, first) is Step.BEFORE
    assert check_next(head, third) is Step.GAP
    assert check_next(None, second) is Step.GAP
    assert check_next(ChainHead(2, rival.id), third) is Step.FORK


def test_the_entry_that_founds_a_group_belongs_to_the_group_it_names():
    key = SigningKey(b"k" * 32)
    genesis = author(
        key, NO_CONVERSATION, chain=None, heads=(), lamport=0, sent_ms=5, kind="group", body=b"x"
    )
    assert genesis.conversation == genesis.id
    second = author(
        key,
        ConversationId(genesis.id),
        chain=ChainHead(1, genesis.id),
        heads=(),
        lamport=genesis.header.lamport,
        sent_ms=6,
        kind="text",
        body=b"y",
    )
    assert second.conversation == genesis.conversation


@pytest.mark.parametrize(
    "change", [{"seq": 2, "prev": EntryId(b"p" * 32)}, {"parents": (EntryId(b"p" * 32),)}]
)
def test_an_entry_that_founds_a_group_refers_to_nothing(writer, change):
    entry = writer("ann").write("one")
    forged = signed(writer("ann").key, replace(entry.header, conversation=NO_CONVERSATION, **change))
    with pytest.raises(DecodeError, match="founds"):
        Entry.decode(forged.encode())
