"""Entries: what an author writes is what everybody reads, and nothing else passes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.codec import decode, encode
from p2pchat.core.ids import ConversationId, DeviceId, EntryId
from p2pchat.core.keys import SigningKey
from p2pchat.core.log.entry import (
    MAX_BODY,
    MAX_PARENTS,
    ChainHead,
    Entry,
    Header,
    author,
    hash_body,
)
from p2pchat.core.log.equivocation import EquivocationProof
from p2pchat.errors import DecodeError, ProtocolError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "log_entries.json").read_text())
NOW = 1_800_000_000_000


@pytest.mark.parametrize("vector", VECTORS["entries"], ids=lambda vector: vector["name"])
def test_an_entry_has_the_bytes_of_the_vector(vector):
    entry = author(
        SigningKey(bytes.fromhex(vector["seed"])),
        ConversationId(bytes.fromhex(vector["conversation"])),
        chain=ChainHead(vector["seq"] - 1, EntryId(bytes.fromhex(vector["prev"])))
        if vector["prev"]
        else None,
        heads=tuple(EntryId(bytes.fromhex(parent)) for parent in vector["parents"]),
        lamport=vector["newest_lamport"],
        sent_ms=vector["sent_ms"],
        kind=vector["kind"],
        body=bytes.fromhex(vector["body"]),
    )
    assert entry.header.lamport == vector["lamport"]
    assert entry.raw_header.hex() == vector["header"]
    assert entry.id.hex() == vector["id"]
    assert entry.encode().hex() == vector["entry"]
    assert Entry.decode(bytes.fromhex(vector["entry"])) == entry
    entry.verify()


def test_the_proof_of_the_vector_holds():
    vector = VECTORS["equivocation"]
    proof = EquivocationProof.decode(bytes.fromhex(vector["proof"]))
    conversation, device, seq = proof.verify()
    assert (conversation.hex(), device.hex(), seq) == (
        vector["conversation"],
        vector["device"],
        vector["seq"],
    )


@pytest.mark.parametrize("size", [0, 1, MAX_BODY])
def test_an_entry_survives_the_wire(size):
    entry = author(
        SigningKey(b"s" * 32),
        ConversationId(b"c" * 32),
        chain=ChainHead(6, EntryId(b"p" * 32)),
        heads=tuple(EntryId(bytes([i]) * 32) for i in range(MAX_PARENTS)),
        lamport=NOW,
        sent_ms=NOW,
        kind="k" * 32,
        body=bytes(size),
    )
    assert Entry.decode(entry.encode()) == entry


def test_a_body_above_the_limit_is_not_written(writer):
    with pytest.raises(ProtocolError, match="at most"):
        writer("ann").write("x" * (MAX_BODY + 1))


def test_of_many_heads_the_newest_are_kept(writer):
    heads = [writer(f"w{i}").write("x", clock_ms=NOW - i) for i in range(20)]
    entry = writer("ann").write("on top", *heads)
    assert set(entry.header.parents) == {head.id for head in heads[:MAX_PARENTS]}


def test_an_erased_body_leaves_a_valid_entry_with_the_same_id(writer):
    entry = writer("ann").write("to be forgotten")
    erased = Entry.decode(entry.without_body().encode())
    assert erased.body is None
    assert erased.id == entry.id
    erased.verify()


def test_another_body_is_refused(writer):
    entry = writer("ann").write("signed")
    with pytest.raises(DecodeError, match="body"):
        Entry.decode(replace(entry, body=b"other").encode())


def test_a_signature_of_another_device_is_refused(writer):
    entry = writer("ann").write("x")
    with pytest.raises(ProtocolError, match="signature"):
        replace(entry, signature=writer("bob").write("x").signature).verify()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (0, 2),
        (1, bytes(31)),
        (2, bytes(33)),
        (3, 0),
        (3, 1 << 53),
        (3, True),
        (4, b"p" * 32),
        (5, [b"b" * 32, b"a" * 32]),
        (5, [b"a" * 32, b"a" * 32]),
        (5, [bytes([i]) * 32 for i in range(17)]),
        (6, 0),
        (6, 1 << 53),
        (7, -1),
        (8, ""),
        (8, "k" * 33),
        (9, bytes(31)),
    ],
)
def test_a_header_that_breaks_a_rule_is_refused(writer, field, value):
    fields = decode(writer("ann").write("x").raw_header)
    fields[field] = value
    with pytest.raises(DecodeError):
        Header.decode(encode(fields))


def test_only_a_first_entry_has_no_predecessor(writer):
    ann = writer("ann")
    ann.write("one")
    fields = decode(ann.write("two").raw_header)
    fields[4] = None
    with pytest.raises(DecodeError, match="predecessor"):
        Header.decode(encode(fields))


@given(raw=st.binary(max_size=300))
def test_nothing_but_a_decode_error_leaves_the_decoder(raw):
    with pytest.raises(DecodeError):
        Entry.decode(raw)


def test_a_header_names_its_body_and_its_references(writer):
    ann, bob = writer("ann"), writer("bob")
    first, other = ann.write("one"), bob.write("two")
    entry = ann.write("three", other)
    assert entry.header.referred == {first.id, other.id}
    assert first.header.referred == frozenset()
    assert entry.header.body_hash == hash_body(b"three")
    assert entry.header.device == DeviceId(ann.key.public)
