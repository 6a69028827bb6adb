"""One signature proves the chain behind it, and spoilt ones do no lasting harm."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pchat.core.log.runs import MAX_RUN, RunVerifier
from p2pchat.errors import ProtocolError


def spoilt(entry):
    return replace(entry, signature=bytes(64))


def test_a_burst_needs_one_signature_for_every_run(writer):
    ann = writer("ann")
    entries = [ann.write(str(i)) for i in range(3 * MAX_RUN)]
    passed_on = [e if e.header.seq % MAX_RUN == 0 else spoilt(e) for e in entries]
    assert RunVerifier().add(passed_on) == passed_on


def test_entries_of_several_authors_are_proven_in_order_of_arrival(writer):
    ann, bob = writer("ann"), writer("bob")
    entries = []
    for i in range(10):
        entries.append(ann.write(str(i), *entries[-1:]))
        entries.append(bob.write(str(i), *entries[-1:]))
    assert RunVerifier().add(entries) == entries


def test_spoilt_signatures_are_covered_by_the_next_good_one(writer):
    ann = writer("ann")
    entries = [ann.write(str(i)) for i in range(10)]
    passed_on = [*map(spoilt, entries[:-1]), entries[-1]]
    assert RunVerifier().add(passed_on) == passed_on


def test_an_unproven_tail_waits_for_the_next_batch(writer):
    ann = writer("ann")
    entries = [ann.write(str(i)) for i in range(6)]
    verifier = RunVerifier()
    batch = [entries[0], entries[1], spoilt(entries[2]), spoilt(entries[3])]
    assert verifier.add(batch) == batch[:2]
    assert verifier.add(entries[4:]) == [*batch[2:], *entries[4:]]
    verifier.finish()


def test_an_entry_that_nobody_signed_is_never_let_through(writer):
    ann = writer("ann")
    verifier = RunVerifier()
    assert verifier.add([spoilt(ann.write("one"))]) == []
    with pytest.raises(ProtocolError, match="signature"):
        verifier.finish()
    verifier.finish()


def test_a_signature_proves_only_its_own_chain(writer):
    ann, bob = writer("ann"), writer("bob")
    claimed = spoilt(ann.write("one"))
    bob.last = claimed  # bob names ann's entry as his own predecessor
    assert RunVerifier().add([claimed, entry := bob.write("two")]) == [entry]


def test_a_signature_does_not_reach_further_than_a_run(writer):
    ann = writer("ann")
    entries = [ann.write(str(i)) for i in range(MAX_RUN + 1)]
    passed_on = [*map(spoilt, entries[:-1]), entries[-1]]
    assert RunVerifier().add(passed_on) == passed_on[1:]


def test_a_flood_of_unsigned_entries_is_cut_off(writer):
    ann = writer("ann")
    entries = [spoilt(ann.write(str(i))) for i in range(1025)]
    with pytest.raises(ProtocolError, match="too many"):
        RunVerifier().add(entries)


def test_the_newest_entries_sent_first_prove_the_older_ones(writer):
    ann = writer("ann")
    entries = [ann.write(str(i)) for i in range(8)]
    verifier = RunVerifier()
    assert verifier.add(entries[5:]) == entries[5:]
    older = [*map(spoilt, entries[:5])]
    assert verifier.add(older) == older
