"""A fork is proven by its two sides alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.ids import ConversationId
from p2pchat.core.log.entry import NO_CONVERSATION
from p2pchat.core.log.equivocation import EquivocationProof, SignedChain
from p2pchat.errors import DecodeError, ProtocolError


@pytest.fixture
def forked(writer):
    """Two runs of one device that disagree from number 2 on."""
    ann = writer("ann")
    ann.write("one")
    other = ann.fork()
    return [ann.write(str(i)) for i in range(4)], [other.write(f"not {i}") for i in range(4)]


def test_a_fork_is_proven(forked, writer):
    (one, *_), (other, *_) = forked
    proof = EquivocationProof.of([one], [other])
    assert EquivocationProof.decode(proof.encode()).verify() == (
        one.conversation,
        writer("ann").device,
        2,
    )


def test_both_finders_make_the_same_proof(forked):
    (one, *_), (other, *_) = forked
    assert EquivocationProof.of([one], [other]) == EquivocationProof.of([other], [one])


def test_a_later_signature_proves_a_side_whose_own_was_spoilt(forked):
    one, other = forked
    spoilt = [*(replace(entry, signature=bytes(64)) for entry in one[:3]), one[3]]
    proof = EquivocationProof.of(spoilt, other)
    assert EquivocationProof.decode(proof.encode()).verify()[2] == 2
    assert {len(proof.first.raw_headers), len(proof.second.raw_headers)} == {1, 4}


def test_an_entry_does_not_contradict_itself(forked):
    one, _ = forked
    with pytest.raises(ProtocolError, match="same"):
        EquivocationProof.of(one, one)


def test_different_numbers_do_not_contradict_each_other(forked):
    one, other = forked
    with pytest.raises(ProtocolError, match="contradict"):
        EquivocationProof.of(one[:1], other[1:])


def test_two_devices_do_not_contradict_each_other(writer):
    with pytest.raises(ProtocolError, match="contradict"):
        EquivocationProof.of([writer("ann").write("x")], [writer("bob").write("x")])


@pytest.mark.parametrize("conversation", [NO_CONVERSATION, ConversationId(b"d" * 32)])
def test_first_entries_of_two_conversations_are_no_fork(writer, conversation):
    ann = writer("ann")
    elsewhere = ann.fork()
    elsewhere.conversation = conversation
    with pytest.raises(ProtocolError, match="contradict"):
        EquivocationProof.of([ann.write("one")], [elsewhere.write("one")])


def test_founding_two_groups_is_no_fork(writer):
    ann = writer("ann")
    ann.conversation = NO_CONVERSATION
    other = ann.fork()
    with pytest.raises(ProtocolError, match="contradict"):
        EquivocationProof.of([ann.write("one")], [other.write("two")])


def test_a_forged_signature_proves_nothing(forked):
    one, other = forked
    proof = EquivocationProof.of(one, other)
    forged = EquivocationProof(proof.first, replace(proof.second, signature=bytes(64)))
    with pytest.raises(ProtocolError, match="signature"):
        forged.verify()


def test_headers_that_are_not_one_chain_prove_nothing(forked):
    one, other = forked
    jumping = SignedChain((one[0].raw_header, one[2].raw_header), one[2].signature)
    with pytest.raises(ProtocolError, match="one chain"):
        jumping.verify()
    crossing = SignedChain((one[0].raw_header, other[1].raw_header), other[1].signature)
    with pytest.raises(ProtocolError, match="one chain"):
        crossing.verify()
    with pytest.raises(ProtocolError, match="no entry"):
        SignedChain.of([replace(one[0], signature=bytes(64))])
    assert SignedChain.of(other).verify() == other[0].header


@given(raw=st.binary(max_size=200))
def test_no_bytes_but_a_decode_error_leave_the_decoder(raw):
    with pytest.raises(DecodeError):
        EquivocationProof.decode(raw)
