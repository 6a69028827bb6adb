"""Inputs that nobody sane would send, for everything that reads bytes of others."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from p2pchat.core.codec import encode

INPUTS: Final = 20_000


def mutated(chances: random.Random, samples: Sequence[bytes]) -> bytes:
    """Random bytes, or a sample with some bytes changed, cut, doubled or moved."""
    if chances.random() < 0.2:
        return chances.randbytes(chances.choice((0, 1, 40, 300, 3000)))
    data = bytearray(chances.choice(samples))
    for _ in range(chances.randrange(1, 4)):
        at, size = chances.randrange(len(data) + 1), chances.randrange(1, 40)
        match chances.randrange(5):
            case 0:
                data[at : at + 1] = chances.randbytes(1)
            case 1:
                data[at : at + size] = chances.randbytes(size)
            case 2:
                del data[at : at + size]
            case 3:
                data[at:at] = data[at : at + size]
            case 4:
                data[at:] = b""
    return bytes(data)


def hammer(
    function: Callable[[bytes], object],
    samples: Sequence[bytes],
    errors: type[Exception] | tuple[type[Exception], ...],
    seed: int,
) -> int:
    """Feed `INPUTS` mutations to `function`; how many it refused with `errors`. Other errors pass."""
    chances = random.Random(seed)
    refused = 0
    for _ in range(INPUTS):
        data = mutated(chances, samples)
        if data in samples:
            continue
        try:
            function(data)
        except errors:
            refused += 1
    return refused


def oversized(size: int) -> list[bytes]:
    """Hostile shapes of about `size` bytes: a length claim, deep nesting, many items, one long string."""
    return [
        b"\x86\x01\x00\x01H" + bytes(8) + b"\x5b\x7f" + b"\xff" * 7,
        b"\x81" * size,
        b"\x9a" + (size - 5).to_bytes(4, "big") + b"\0" * (size - 5),
        encode(bytes(size - 5)),
    ]
