"""Operations survive the wire, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.codec import decode, encode
from p2pchat.core.group.encoding import decode_operation, encode_operation
from p2pchat.core.group.graph import read_act
from p2pchat.core.group.operations import (
    Add,
    Admit,
    Ban,
    Checkpoint,
    Create,
    Demote,
    Invite,
    Join,
    Leave,
    Link,
    NewCard,
    Policy,
    Promote,
    Remove,
    Rename,
    RevokeLink,
    Role,
    Seen,
    SetPolicy,
    Unban,
)
from p2pchat.core.ids import DeviceId, EntryId, PersonId
from p2pchat.errors import DecodeError, ProtocolError

ANN, BOB = PersonId(b"a" * 32), PersonId(b"b" * 32)
ENTRY, DEVICE = EntryId(b"e" * 32), DeviceId(b"d" * 32)
SEEN = Seen(((DEVICE, 3),))
ALL = [
    Create(ANN, b"n" * 16, "friends", Policy(None, Role.MEMBER, Role.ADMIN, 2), b"card"),
    Invite(ANN, BOB, Role.READER),
    Join(BOB, ENTRY, b"card"),
    Add(ANN, BOB, Role.ADMIN, b"card"),
    Remove(ANN, BOB, SEEN),
    Leave(ANN, SEEN),
    Promote(ANN, BOB, Role.OWNER),
    Demote(ANN, BOB, Role.READER),
    Rename(ANN, "Freunde – 友達"),
    SetPolicy(ANN, Policy(30)),
    Ban(ANN, BOB, Seen()),
    Unban(ANN, BOB),
    Link(ANN, b"k" * 32, Role.MEMBER, 10, 1_800_000_000_000),
    RevokeLink(ANN, ENTRY),
    Admit(ANN, BOB, ENTRY, b"card", DEVICE, b"l" * 64, b"d" * 64),
    NewCard(ANN, b"card", SEEN),
    Checkpoint(ANN, SEEN),
]


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: type(operation).__name__)
def test_an_operation_survives_the_wire(operation):
    assert decode_operation(encode_operation(operation)) == operation


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: type(operation).__name__)
def test_an_operation_with_a_field_too_few_or_too_many_is_refused(operation):
    value = decode(encode_operation(operation))
    for wrong in (value[:-1], [*value, 0]):
        with pytest.raises(DecodeError):
            decode_operation(encode(wrong))


@pytest.mark.parametrize(
    "value",
    [
        [2, 9, ANN, "name"],
        [1, 99, ANN],
        [1, 9, b"short", "name"],
        [1, 9, ANN, "two\nlines"],
        [1, 9, ANN, " padded"],
        [1, 9, ANN, ""],
        [1, 9, ANN, "n" * 65],
        [1, 7, ANN, BOB, 0],
        [1, 7, ANN, BOB, 5],
        [1, 7, ANN, BOB, True],
        [1, 10, ANN, [None, 2, 2, 0]],
        [1, 10, ANN, [-1, 2, 2, 1]],
        [1, 13, ANN, bytes(32), 2, 0, 0],
        [1, 13, ANN, bytes(31), 2, 1, 0],
        [1, 17, ANN, [[DEVICE, 1], [DEVICE, 2]]],
        [1, 17, ANN, [[DEVICE, 0]]],
        [1, 17, ANN, [[bytes([i // 256, i % 256]) + bytes(30), 1] for i in range(513)]],
        [1, 16, ANN, bytes(8 * 1024 + 1), []],
        {"version": 1},
        [],
    ],
)
def test_what_is_no_operation_is_refused(value):
    with pytest.raises(DecodeError):
        decode_operation(encode(value))


@given(raw=st.binary(max_size=120))
def test_no_bytes_make_the_decoder_fail_otherwise(raw):
    with pytest.raises(DecodeError):
        decode_operation(raw)


def test_an_erased_operation_is_no_act(world):
    world.ann.found()
    [(_, entry)] = world.ann.acts.values()
    with pytest.raises(ProtocolError, match="erased"):
        read_act(entry.without_body(), frozenset())


def test_an_operation_with_a_forged_card_is_no_act(world):
    world.ann.found()
    [(_, entry)] = world.ann.acts.values()
    body = encode_operation(Add(world.ann.id, BOB, Role.MEMBER, world.ann.card[:-1] + b"x"))
    with pytest.raises(ProtocolError, match="signature"):
        read_act(replace(entry, body=body), frozenset())
