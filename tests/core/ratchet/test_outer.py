"""The KEM ratchet of the outer layer: fresh keys on both sides, whatever is lost, doubled or late."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.ratchet import kem
from p2pchat.core.ratchet.envelope import Envelope, SessionId
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.outer import EPOCH_ENVELOPES, LATE_ENVELOPES, OuterLayer
from p2pchat.errors import DecodeError

SESSION = SessionId(b"s" * 16)
BINDING = b"b" * 32


class Side:
    """One end of the layer alone; an envelope is (epoch, KEM field, key)."""

    def __init__(self, *, is_initiator):
        self.layer = OuterLayer.begin(SESSION, BINDING, b"k" * 32, is_initiator=is_initiator)

    def seal(self):
        self.layer, kem_field, key = self.layer.seal()
        return self.layer.current.number, kem_field, key

    def open(self, envelope):
        epoch, kem_field, key = envelope
        layer, expected = self.layer.receiving(epoch, kem_field)
        assert key == expected
        self.layer = layer.opened_one(epoch, kem_field)


@pytest.fixture
def sides():
    return Side(is_initiator=True), Side(is_initiator=False)


def exchange(initiator, responder, envelopes):
    for _ in range(envelopes // 2):
        responder.open(initiator.seal())
        initiator.open(responder.seal())


def test_both_sides_move_to_a_fresh_epoch_after_enough_envelopes(sides):
    initiator, responder = sides
    exchange(initiator, responder, EPOCH_ENVELOPES)
    assert (initiator.layer.current.number, responder.layer.current.number) == (0, 0)
    before = initiator.layer.current
    exchange(initiator, responder, 4)
    assert initiator.layer.current == responder.layer.current
    assert initiator.layer.current.number == 1
    assert len({before.root, before.from_initiator, before.from_responder}) == 3
    assert initiator.layer.current.root != before.root
    exchange(initiator, responder, 10 * EPOCH_ENVELOPES)
    assert initiator.layer.current.number == responder.layer.current.number > 8


def test_the_offered_secret_and_the_answer_are_forgotten_when_the_epoch_is_agreed(sides):
    initiator, responder = sides
    exchange(initiator, responder, EPOCH_ENVELOPES + 4)
    assert initiator.layer.offer is None
    assert responder.layer.answer is None
    assert initiator.seal()[1] is None


def test_offer_and_answer_are_repeated_until_they_arrive(sides):
    initiator, responder = sides
    exchange(initiator, responder, EPOCH_ENVELOPES)
    lost, offer = initiator.seal(), initiator.seal()
    assert lost[1] == offer[1]
    responder.open(offer)
    lost, answer = responder.seal(), responder.seal()
    assert lost[:2] == answer[:2]
    initiator.open(answer)
    initiator.open(lost)
    assert initiator.layer.current == responder.layer.current


def test_what_was_sealed_before_the_change_still_opens_for_a_bounded_number_of_envelopes(sides):
    initiator, responder = sides
    exchange(initiator, responder, EPOCH_ENVELOPES)
    late = [initiator.seal() for _ in range(3)]
    responder.open(late.pop())
    responder.open(late.pop())
    for _ in range(LATE_ENVELOPES):
        initiator.open(responder.seal())
        assert initiator.layer.current.number == 1
    for number in range(LATE_ENVELOPES):
        if number == LATE_ENVELOPES - 1:
            responder.open(late[0])
        responder.open((1, None, initiator.layer.current.from_initiator))
    with pytest.raises(UndecryptableError) as refused:
        responder.open(late[0])
    assert refused.value.reason is Reason.KEY_GONE


def test_an_epoch_that_was_never_agreed_is_refused(sides):
    for side in sides:
        for epoch in (1, 2, 2**32 - 1):
            for kem_field in (None, bytes(kem.CIPHERTEXT_SIZE), bytes(kem.PUBLIC_SIZE)):
                with pytest.raises(UndecryptableError):
                    side.layer.receiving(epoch, kem_field)


def test_an_offer_that_is_no_kem_key_is_refused(sides):
    _, responder = sides
    with pytest.raises(DecodeError):
        responder.layer.opened_one(0, b"\xff" * kem.PUBLIC_SIZE)


def test_a_responder_does_not_make_the_initiator_answer(sides):
    initiator, _ = sides
    offered = kem.KemKeyPair.generate().public
    assert initiator.layer.opened_one(0, offered).current == initiator.layer.current


def test_the_two_directions_and_every_epoch_have_their_own_key(sides):
    initiator, responder = sides
    keys = set()
    for _ in range(3):
        keys |= {initiator.seal()[2], responder.seal()[2]}
        exchange(initiator, responder, EPOCH_ENVELOPES + 4)
    assert len(keys) == 6


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["keep", "lose", "double", "late"])), max_size=400))
def test_no_loss_doubling_or_delay_parts_the_sides(steps):
    initiator, responder = Side(is_initiator=True), Side(is_initiator=False)
    late = []
    for from_initiator, fate in steps:
        sender, receiver = (initiator, responder) if from_initiator else (responder, initiator)
        envelope = sender.seal()
        if fate == "late":
            late.append((receiver, envelope))
        for _ in range({"keep": 1, "double": 2}.get(fate, 0)):
            receiver.open(envelope)
    for receiver, envelope in late:
        with suppress(UndecryptableError):  # two epochs late
            receiver.open(envelope)
    exchange(initiator, responder, 2 * EPOCH_ENVELOPES + 4)
    assert initiator.layer.current == responder.layer.current


def test_the_epochs_change_in_a_talk_between_devices(talking):
    alice, bob = talking
    epochs = set()
    for _ in range(3 * EPOCH_ENVELOPES):
        for sender, receiver in ((alice, bob), (bob, alice)):
            envelope = sender.seal(receiver, b"x")
            epochs.add(Envelope.decode(envelope).header.epoch)
            assert receiver.open(sender, envelope) == b"x"
    assert epochs == set(range(max(epochs) + 1))
    assert max(epochs) >= 5
