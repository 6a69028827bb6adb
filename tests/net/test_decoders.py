"""Noise and nearly well-formed bytes into every decoder that a stranger reaches; `make fuzz` looks longer."""

from __future__ import annotations

import random

import pytest

from p2pchat.core import codec
from p2pchat.testing.decoders import DECLARED, TARGETS, run

ROUNDS = 40
SHAPES = [[1, b"\x07" * 32, 0, [], None], [0, b"k" * 32, None], [b"x" * 96, b"s" * 64], [2, [[1, b"a"]]]]


@pytest.mark.parametrize("name", TARGETS)
def test_a_decoder_takes_or_refuses_and_never_breaks(name):
    chances = random.Random(name)
    for number in range(ROUNDS):
        data = bytearray(codec.encode(chances.choice(SHAPES)) if number % 2 else chances.randbytes(number))
        for _ in range(chances.randrange(4)):
            if data:
                data[chances.randrange(len(data))] = chances.randrange(256)
        run(name, bytes(data))


def test_an_error_that_is_not_declared_is_a_fault(monkeypatch):
    def broken(data):
        raise KeyError(data)

    assert KeyError not in DECLARED
    monkeypatch.setitem(TARGETS, "cbor", broken)
    with pytest.raises(KeyError):
        run("cbor", b"")


def test_an_identify_message_whose_texts_are_no_text_is_taken_without_them():
    """Found by `make fuzz`: protobuf takes any bytes for a text, and refuses to write them again."""
    assert run("identify", bytes.fromhex("2a0a000000d6ffffffffffff"))  # protocol_version
    assert run("identify", bytes.fromhex("1a046162fffe"))  # a protocol
