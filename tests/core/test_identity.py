"""Persons certify devices, cards say who they are, links lead to them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import identity
from p2pchat.core.codec import encode
from p2pchat.core.identity import Card, DeviceCertificate, clean_name, direct_conversation, safety_number
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.invite import InviteLink, network_tag
from p2pchat.core.keys import SigningKey, verify
from p2pchat.errors import DecodeError, ProtocolError, UsageError

ALICE, BOB = SigningKey(b"a" * 32), SigningKey(b"b" * 32)
PHONE_KEY = SigningKey(b"p" * 32)
PHONE = DeviceId(PHONE_KEY.public)
OLM = b"o" * 32

names = st.text(st.characters(categories=["L", "N", "S"], codec="utf-8"), min_size=1, max_size=16)


def certificate(root: SigningKey = ALICE, device: SigningKey = PHONE_KEY) -> DeviceCertificate:
    return DeviceCertificate.issue(root, device, OLM, 1_700_000_000_000)


def card(root: SigningKey = ALICE, **changes: object) -> Card:
    made = Card(
        PersonId(root.public), 3, "Alice", (certificate(root),), ((PHONE, "/ip4/192.0.2.1/tcp/4001"),), 1
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_certificate_and_a_card_come_back_as_they_were() -> None:
    assert DeviceCertificate.decode(certificate().encode()) == certificate()
    assert Card.decode(card().sign(ALICE)) == card()


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_card_with_one_changed_byte_is_refused(place: int, change: int) -> None:
    raw = bytearray(card().sign(ALICE))
    raw[place % len(raw)] ^= change
    with pytest.raises(ProtocolError):
        Card.decode(bytes(raw))


def test_a_card_signed_by_somebody_else_is_refused() -> None:
    with pytest.raises(ProtocolError, match="signature"):
        Card.decode(card().sign(BOB))


def test_a_card_cannot_list_a_device_of_somebody_else() -> None:
    stolen = card(devices=(certificate(BOB),))
    with pytest.raises(ProtocolError, match="somebody else"):
        Card.decode(stolen.sign(ALICE))


def test_nobody_certifies_a_device_that_did_not_countersign() -> None:
    mallory, own = SigningKey(b"m" * 32), SigningKey(b"x" * 32)
    claim = certificate(mallory, own)
    body = [2, mallory.public, PHONE, OLM, 1_700_000_000_000]
    signed = encode(body)
    for countersignature in (
        claim.countersignature,
        certificate().countersignature,
        mallory.sign("device certificate countersigned", signed),
        PHONE_KEY.sign("device certificate", signed),
        bytes(64),
    ):
        raw = encode([signed, mallory.sign("device certificate", signed), countersignature])
        with pytest.raises(ProtocolError, match="countersigned"):
            DeviceCertificate.decode(raw)


def test_a_certificate_of_version_1_is_refused_but_its_person_renews_it() -> None:
    body = encode([1, ALICE.public, PHONE, OLM, 1_700_000_000_000])
    old = encode([body, ALICE.sign("device certificate", body)])
    with pytest.raises(DecodeError):
        DeviceCertificate.decode(old)
    assert DeviceCertificate.renew(old, ALICE, PHONE_KEY) == certificate()
    assert DeviceCertificate.renew(certificate().encode(), ALICE, PHONE_KEY) == certificate()


def test_a_signature_for_one_purpose_is_none_for_another() -> None:
    signature = ALICE.sign("card", b"message")
    verify(ALICE.public, "card", b"message", signature)
    for purpose, message, key in (
        ("device certificate", b"message", ALICE),
        ("card", b"other", ALICE),
        ("card", b"message", BOB),
    ):
        with pytest.raises(ProtocolError):
            verify(key.public, purpose, message, signature)


def test_keys_do_not_print_their_secret() -> None:
    assert "61616161" not in repr(ALICE)
    assert b"a" * 32 not in repr(ALICE).encode()


def test_both_persons_compute_the_same_safety_number_and_conversation() -> None:
    alice, bob = PersonId(ALICE.public), PersonId(BOB.public)
    assert safety_number(alice, bob) == safety_number(bob, alice)
    assert len(safety_number(alice, bob).replace(" ", "")) == 60
    assert safety_number(alice, bob) != safety_number(alice, PersonId(b"c" * 32))
    assert direct_conversation(alice, bob) == direct_conversation(bob, alice)
    assert identity.fingerprint(alice).replace("-", "") == alice.text[:20]


@pytest.mark.parametrize("name", ["", "  ", "\n", "x" * 65, "\u202e\u200b"])
def test_a_name_has_something_to_read(name: str) -> None:
    with pytest.raises(DecodeError):
        clean_name(name)


def test_a_name_is_one_line_without_tricks() -> None:
    assert clean_name(" Al\nice\u202e  B\t") == "Al ice B"


def link(name: str = "Alice", addresses: tuple[str, ...] = ("/ip4/192.0.2.1/tcp/1",)) -> InviteLink:
    return InviteLink(network_tag("demo"), PersonId(ALICE.public), PHONE, name, addresses, b"s" * 16)


@given(names, st.lists(st.sampled_from(["/ip4/192.0.2.1/tcp/1", "/dns4/example.org/tcp/2"]), max_size=4))
def test_a_link_comes_back_as_it_was_even_if_it_was_broken_into_lines(
    name: str, addresses: list[str]
) -> None:
    made = link(name, tuple(addresses))
    text = made.encode()
    assert InviteLink.parse(text) == made
    assert InviteLink.parse(f"  {text[:30]}\n {text[30:]}\n") == made


@given(st.integers(8, 10_000), st.sampled_from("ABCxyz019-_"))
def test_a_mistyped_link_is_noticed(place: int, letter: str) -> None:
    text = link().encode()
    place = 8 + place % (len(text) - 8)
    wrong = text[:place] + letter + text[place + 1 :]
    try:
        # The last letter of base64 may carry unused bits: such a link says the same.
        assert InviteLink.parse(wrong) == link()
    except UsageError as error:
        assert "damaged" in str(error)  # noqa: PT017


@pytest.mark.parametrize("text", ["", "hello", "p2pchat:", "https://example.org", "p2pchat:" + "A" * 5000])
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        InviteLink.parse(text)
