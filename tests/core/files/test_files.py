"""What a message says of a file, names that come from others, chunks and frames."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import content
from p2pchat.core.content import Text, decode_content, encode_content
from p2pchat.core.files import chunks, frames
from p2pchat.core.files.attachment import Attachment, wordless
from p2pchat.core.files.chunks import CHUNK_SIZE, TAG_SIZE
from p2pchat.core.files.names import MAX_NAME, UNKNOWN_TYPE, media_type, safe_name
from p2pchat.core.ids import FileId
from p2pchat.errors import DecodeError, ProtocolError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "files.json").read_text())
KEY, SALT = b"k" * 32, b"s" * content.SALT_SIZE

names = st.text(min_size=1, max_size=60).map(safe_name)
digests = st.binary(min_size=32, max_size=32)
attachments = st.builds(
    Attachment,
    names,
    st.sampled_from(["image/png", UNKNOWN_TYPE]),
    st.integers(0, chunks.MAX_SIZE),
    digests,
    digests,
)


# --- names ------------------------------------------------------------------------------------------


@given(st.text(max_size=400))
def test_a_name_is_never_a_path_nor_hides_anything(text: str) -> None:
    name = safe_name(text)
    assert name == safe_name(name)
    assert 0 < len(name.encode()) <= MAX_NAME
    assert not set(name) & set('/\\<>:"|?*')
    assert name[0] not in ".-~ "
    assert name[-1] not in ". "
    assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in name)


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../.ssh/authorized_keys", "authorized_keys"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        ("/", "file"),
        ("..", "file"),
        (".bashrc", "bashrc"),
        ("-rf", "_-rf"),
        ("NUL", "_NUL"),
        ("com1.txt", "_com1.txt"),
        ("comet.txt", "comet.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("a\x00b\nc.txt", "abc.txt"),
        ("report. . .", "report"),
        ("Ünïcode 📎 ok.pdf", "Ünïcode 📎 ok.pdf"),
        ("x" * 300 + ".tar", "x" * 196 + ".tar"),
    ],
)
def test_names_that_mean_harm_become_harmless(given: str, safe: str) -> None:
    assert safe_name(given) == safe


def test_a_type_that_is_none_is_unknown() -> None:
    assert media_type("Image/PNG") == "image/png"
    assert media_type("image/png\r\nX-Evil: 1") == UNKNOWN_TYPE
    assert media_type("") == UNKNOWN_TYPE


# --- what a message says ------------------------------------------------------------------------------


@given(st.lists(attachments, max_size=3).map(tuple))
def test_files_come_back_as_they_were(files: tuple[Attachment, ...]) -> None:
    said = Text("look", files=files)
    assert decode_content(encode_content(said, SALT)) == said


def test_a_name_that_is_a_path_arrives_as_a_name() -> None:
    evil = Attachment("../../etc/passwd", "text/plain", 5, KEY, b"r" * 32)
    said = decode_content(encode_content(Text("look", files=(evil,)), SALT))
    assert isinstance(said, Text)
    assert [one.name for one in said.files] == ["passwd"]


def test_without_words_the_text_names_the_files() -> None:
    assert wordless(["a.pdf", "b.png"]) == "📎 a.pdf, b.png"


def test_a_file_above_the_limit_is_refused() -> None:
    huge = Attachment("a", "a/b", chunks.MAX_SIZE + 1, KEY, b"r" * 32)
    with pytest.raises(DecodeError):
        decode_content(encode_content(Text("look", files=(huge,)), SALT))


# --- chunks -------------------------------------------------------------------------------------------


def sealed_file(data: bytes) -> tuple[list[bytes], bytes]:
    size = len(data)
    pieces = [data[CHUNK_SIZE * at : CHUNK_SIZE * (at + 1)] for at in range(chunks.count_of(size))]
    sealed = [chunks.seal(KEY, size, number, piece) for number, piece in enumerate(pieces)]
    return sealed, b"".join(map(chunks.hash_of, sealed))


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE])
def test_chunks_open_to_what_was_sealed(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    sealed, hashes = sealed_file(data)
    assert sum(map(len, sealed)) == chunks.sealed_size(size)
    chunks.check_hashes(size, chunks.root_of(size, hashes), hashes)
    for number, one in enumerate(sealed):
        chunks.check_chunk(size, hashes, number, one)
    opened = [chunks.unseal(KEY, size, number, one) for number, one in enumerate(sealed)]
    assert b"".join(opened) == data


@given(st.integers(0, 2), st.integers(0, CHUNK_SIZE), st.integers(1, 255))
def test_a_changed_byte_is_noticed_by_the_hash_and_by_the_seal(number: int, at: int, change: int) -> None:
    size = 2 * CHUNK_SIZE + 100
    sealed, hashes = CHANGED
    one = bytearray(sealed[number])
    one[at % len(one)] ^= change
    with pytest.raises(ProtocolError):
        chunks.check_chunk(size, hashes, number, bytes(one))
    with pytest.raises(ProtocolError):
        chunks.unseal(KEY, size, number, bytes(one))


CHANGED = sealed_file(bytes(2 * CHUNK_SIZE + 100))


def test_chunks_are_bound_to_their_place_and_to_the_end() -> None:
    size = 2 * CHUNK_SIZE
    sealed, hashes = sealed_file(bytes(size))
    for wrong in (
        lambda: chunks.check_chunk(size, hashes, 1, sealed[0]),
        lambda: chunks.unseal(KEY, size, 1, sealed[0]),
        lambda: chunks.unseal(KEY, CHUNK_SIZE, 0, sealed[0]),  # as if the file ended there
        lambda: chunks.unseal(KEY, 3 * CHUNK_SIZE, 1, sealed[1]),
    ):
        with pytest.raises(ProtocolError):
            wrong()


def test_a_list_of_hashes_stands_for_one_size_and_one_order() -> None:
    size = 2 * CHUNK_SIZE
    _, hashes = sealed_file(bytes(range(256)) * (size // 256))
    root = chunks.root_of(size, hashes)
    for other in (hashes[32:] + hashes[:32], hashes[:32], hashes + hashes[:32]):
        with pytest.raises(ProtocolError):
            chunks.check_hashes(size, root, other)
    with pytest.raises(ProtocolError):
        chunks.check_hashes(size - 1, root, hashes)


# --- frames -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [frames.Hashes(b"h" * 64), frames.Chunk(5, b"c" * TAG_SIZE), *map(frames.Refused, frames.Reason)],
)
def test_answers_come_back_as_they_were(answer: frames.Answer) -> None:
    assert frames.decode_answer(frames.encode_answer(answer)) == answer


@given(st.integers(0, frames.MAX_CHUNKS - 1), st.integers(0, frames.MAX_ASKED))
def test_questions_come_back_as_they_were(first: int, count: int) -> None:
    ask = frames.Ask(FileId(b"f" * 32), first, count)
    assert frames.decode_ask(frames.encode_ask(ask)) == ask


def test_nobody_asks_for_more_than_is_sent_at_once() -> None:
    with pytest.raises(DecodeError):
        frames.decode_ask(frames.encode_ask(frames.Ask(FileId(b"f" * 32), 0, frames.MAX_ASKED + 1)))


# --- the bytes of docs/protocol/files.md ----------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS["files"], ids=lambda vector: str(vector["size"]))
def test_files_have_the_bytes_of_the_vectors(vector: dict[str, Any]) -> None:
    key, size = bytes.fromhex(vector["key"]), vector["size"]
    data = (bytes.fromhex(vector["pattern"]) * size)[:size]
    pieces = [data[CHUNK_SIZE * at : CHUNK_SIZE * (at + 1)] for at in range(chunks.count_of(size))]
    sealed = [chunks.seal(key, size, number, piece) for number, piece in enumerate(pieces)]
    hashes = b"".join(map(chunks.hash_of, sealed))
    root = chunks.root_of(size, hashes)
    assert hashes.hex() == vector["hashes"]
    assert root.hex() == vector["root"]
    assert chunks.file_id(key, root).hex() == vector["id"]
    assert sealed[-1][:64].hex() == vector["last_chunk_begins"]


def test_contents_and_frames_have_the_bytes_of_the_vectors() -> None:
    body = bytes.fromhex(VECTORS["content"])
    said = decode_content(body)
    assert isinstance(said, Text)
    assert encode_content(said, body_salt(body)) == body
    ask = frames.decode_ask(bytes.fromhex(VECTORS["frames"]["ask"]))
    assert (ask.first, ask.count) == (16, 16)
    assert frames.encode_ask(ask).hex() == VECTORS["frames"]["ask"]
    for name in ("chunk", "refused"):
        answer = frames.decode_answer(bytes.fromhex(VECTORS["frames"][name]))
        assert frames.encode_answer(answer).hex() == VECTORS["frames"][name]


def body_salt(body: bytes) -> bytes:
    from p2pchat.core.codec import decode

    value = decode(body)
    assert isinstance(value, dict)
    salt = value["s"]
    assert isinstance(salt, bytes)
    return salt
