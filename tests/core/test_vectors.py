"""Persons, links, frames, items and contents have the bytes of docs/protocol/identity.md and direct.md.

The vectors were made once; where a format gets a new version they are made anew, and the page says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from p2pchat.core.content import Unknown, decode_content, encode_content
from p2pchat.core.direct import items
from p2pchat.core.direct.frames import Hello, decode_frame, encode_frame, envelope_id
from p2pchat.core.direct.items import ContactRequest, GroupInvite, KeysWanted, LogWanted, ReadMark
from p2pchat.core.identity import (
    Card,
    DeviceCertificate,
    direct_conversation,
    fingerprint,
    safety_number,
)
from p2pchat.core.ids import PersonId
from p2pchat.core.invite import InviteLink, network_tag
from p2pchat.core.keys import SigningKey
from p2pchat.node.words import backup_key, fingerprint_words, from_words, to_words

FOLDER = Path(__file__).parents[1] / "vectors"
IDENTITY = json.loads((FOLDER / "identity.json").read_text())
DIRECT = json.loads((FOLDER / "direct.json").read_text())

ROOT, DEVICE = (SigningKey(bytes.fromhex(IDENTITY[name])) for name in ("root_seed", "device_seed"))
PERSON, OTHER = PersonId(ROOT.public), PersonId(bytes.fromhex(IDENTITY["other"]))

PAYLOADS: dict[str, Any] = {
    items.REQUEST: ContactRequest,
    items.READ: ReadMark,
    items.LOG_WANTED: LogWanted,
    items.GROUP_INVITE: GroupInvite,
    items.GROUP_KEY_WANTED: KeysWanted,
}


def raw(value: str) -> bytes:
    return bytes.fromhex(value)


def test_a_certificate() -> None:
    found = DeviceCertificate.decode(raw(IDENTITY["certificate"]))
    assert found == DeviceCertificate.issue(ROOT, DEVICE, b"o" * 32, 1_700_000_000_000)
    assert found.encode().hex() == IDENTITY["certificate"]


def test_a_card() -> None:
    found = Card.decode(raw(IDENTITY["card"]))
    assert (found.person, found.name, found.version) == (PERSON, "Alice", 3)
    assert found.sign(ROOT).hex() == IDENTITY["card"]


def test_a_card_of_the_version_before_mailboxes_is_read() -> None:
    assert Card.decode(raw(IDENTITY["card_version_1"])) == Card.decode(raw(IDENTITY["card"]))


def test_a_link() -> None:
    link = InviteLink.parse(IDENTITY["link"])
    assert link.encode() == IDENTITY["link"]
    assert (link.person, link.network) == (PERSON, network_tag("demo"))


def test_what_two_persons_compute_and_read_aloud() -> None:
    assert direct_conversation(PERSON, OTHER).hex() == IDENTITY["conversation"]
    assert safety_number(PERSON, OTHER) == IDENTITY["safety_number"]
    assert fingerprint(PERSON) == IDENTITY["fingerprint"]
    assert fingerprint_words(PERSON) == IDENTITY["fingerprint_words"]


def test_the_words_and_what_they_open() -> None:
    assert to_words(ROOT.seed) == IDENTITY["words"]
    assert from_words(IDENTITY["words"]) == ROOT.seed
    assert backup_key(ROOT.seed).hex() == IDENTITY["backup_key"]


@pytest.mark.parametrize("name", DIRECT["frames"])
def test_a_frame(name: str) -> None:
    assert encode_frame(decode_frame(raw(DIRECT["frames"][name]))).hex() == DIRECT["frames"][name]


def test_a_hello_and_an_envelope_id() -> None:
    question = Hello.decode_question(raw(DIRECT["hello"]["question"]))
    assert question.encode_question().hex() == DIRECT["hello"]["question"]
    answer = Hello.decode_answer(raw(DIRECT["hello"]["answer"]))
    assert answer.encode_answer().hex() == DIRECT["hello"]["answer"]
    assert envelope_id(raw(DIRECT["envelope"]["sealed"])).hex() == DIRECT["envelope"]["id"]


def test_the_items_of_an_envelope() -> None:
    found = items.decode_items(raw(DIRECT["plaintext"]))
    assert items.encode_items(found).hex() == DIRECT["plaintext"]
    assert {item.kind for item in found} > PAYLOADS.keys()
    for item in found:
        if item.kind in PAYLOADS:
            assert PAYLOADS[item.kind].decode(item.payload).encode() == item.payload


@pytest.mark.parametrize("name", DIRECT["contents"])
def test_a_content(name: str) -> None:
    body = raw(DIRECT["contents"][name])
    said = decode_content(body)
    if isinstance(said, Unknown):
        assert name == "a newer kind"
    else:
        assert encode_content(said, b"s" * 16) == body
