"""Frames of files/1: chunks are asked for by the file's id, and come in order. docs/protocol/files.md"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from p2pchat.core import fields
from p2pchat.core.codec import decode, encode
from p2pchat.core.files.chunks import HASH_SIZE, MAX_SIZE, SEALED_SIZE, TAG_SIZE, count_of
from p2pchat.core.ids import FileId
from p2pchat.errors import DecodeError

MAX_CHUNKS: Final = count_of(MAX_SIZE)
MAX_FRAME: Final = 1 + HASH_SIZE * MAX_CHUNKS
MAX_ASKED: Final = 32  # chunks in one question: 8 MiB
_NUMBER_SIZE: Final = 4
_HASHES, _CHUNK, _REFUSED = range(3)


class Reason(IntEnum):
    """Why nothing is sent."""

    GONE = 0  # it is not here, or not for you: which of the two is not told
    BUSY = 1  # ask again later


@dataclass(frozen=True, slots=True)
class Ask:
    """Send `count` chunks from `first` on; no chunk: the hashes of all."""

    file: FileId
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hashes of all chunks, one behind the other."""

    hashes: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """One sealed chunk."""

    number: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing more is sent."""

    reason: Reason


Answer: TypeAlias = Hashes | Chunk | Refused


def encode_ask(ask: Ask) -> bytes:
    """The frame of a question."""
    return encode([ask.file, ask.first, ask.count])


def decode_ask(frame: bytes) -> Ask:
    """The question in a frame. Raises DecodeError."""
    file, first, count = fields.array(decode(frame), 3)
    return Ask(
        fields.identifier(file, FileId),
        fields.integer(first, high=MAX_CHUNKS),
        fields.integer(count, high=MAX_ASKED + 1),
    )


def encode_answer(answer: Answer) -> bytes:
    """The frame of an answer. Chunks are larger than what CBOR is decoded of here, and need none."""
    match answer:
        case Hashes(hashes):
            return bytes([_HASHES]) + hashes
        case Chunk(number, sealed):
            return b"".join((bytes([_CHUNK]), number.to_bytes(_NUMBER_SIZE, "big"), sealed))
        case Refused(reason):
            return bytes([_REFUSED, reason])


def decode_answer(frame: bytes) -> Answer:
    """The answer in a frame. Raises DecodeError."""
    if len(frame) > MAX_FRAME:
        raise DecodeError(f"an answer about a file has at most {MAX_FRAME} bytes")
    match frame[:1], frame[1:]:
        case b"\x00", hashes if hashes and len(hashes) % HASH_SIZE == 0:
            return Hashes(hashes)
        case b"\x01", rest if _NUMBER_SIZE + TAG_SIZE <= len(rest) <= _NUMBER_SIZE + SEALED_SIZE:
            return Chunk(int.from_bytes(rest[:_NUMBER_SIZE], "big"), rest[_NUMBER_SIZE:])
        case b"\x02", rest if len(rest) == 1 and rest[0] in tuple(Reason):
            return Refused(Reason(rest[0]))
    raise DecodeError("no answer about a file")
