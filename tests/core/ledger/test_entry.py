import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import codec
from p2pchat.core.ids import LedgerEntryId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger import actions
from p2pchat.core.ledger.details import (
    Checkpoint,
    Closure,
    Conversion,
    Limit,
    Prefix,
    Purpose,
    Reason,
    Terms,
)
from p2pchat.core.ledger.entry import MAX_ENTRY_BYTES, Kind, decode, encode, sign, verify
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.units import iso_unit
from p2pchat.core.ledger.writer import Draft
from p2pchat.errors import DecodeError, ProtocolError

EUR = iso_unit("EUR")
REF = LedgerEntryId(bytes(32))
FULL_PURPOSE = Purpose(
    Reason.SHARE, "2027-01-31", "Europe/Berlin", bytes(32), Conversion(1000, iso_unit("USD"), 92, 100)
)
DRAFTS = {
    "plain concession": {"kind": Kind.CONCEDE, "amount": 1250},
    "full concession": {
        "kind": Kind.CONCEDE,
        "ref": REF,
        "amount": 2**53 - 1,
        "lock": bytes(32),
        "details": FULL_PURPOSE,
        "memo_hash": bytes(32),
        "seen": (REF,) * 4,
    },
    "acceptance": {"kind": Kind.ACCEPT, "ref": REF},
    "acceptance of a prefix": {
        "kind": Kind.ACCEPT,
        "ref": REF,
        "details": Prefix(1, tuple(LedgerEntryId(bytes([i]) * 32) for i in range(8))),
    },
    "void": {"kind": Kind.VOID, "ref": REF, "memo_hash": bytes(32)},
    "preimage": {"kind": Kind.PREIMAGE, "ref": REF, "preimage": bytes(32)},
    "request": {"kind": Kind.REQUEST, "amount": 1, "details": FULL_PURPOSE},
    "note": {"kind": Kind.NOTE, "memo_hash": bytes(32)},
    "withdrawal": {"kind": Kind.WITHDRAW, "ref": REF},
    "dispute": {"kind": Kind.DISPUTE, "ref": REF},
    "limit": {"kind": Kind.LIMIT, "details": Limit(1000, 200, 500)},
    "terms": {"kind": Kind.TERMS, "details": Terms(500, 30, 10_000)},
    "checkpoint": {
        "kind": Kind.CHECKPOINT,
        "details": Checkpoint(bytes(32), 7, (2**63 - 1, 0), (0, 5), bytes(16)),
    },
    "closure": {
        "kind": Kind.CLOSURE,
        "details": Closure(bytes(32), bytes(8), tuple(LedgerEntryId(bytes([i]) * 32) for i in range(10))),
    },
    "closure of a device": {"kind": Kind.CLOSURE, "details": Closure(bytes(32), None, ())},
}


@pytest.fixture(params=DRAFTS.values(), ids=DRAFTS.keys())
def signed(request, alice, pair):
    return alice.write(Draft(pair.account.id, **request.param))


def test_every_kind_survives_encoding_within_the_size_bound(signed):
    assert len(signed.raw) <= MAX_ENTRY_BYTES
    assert decode(signed.raw) == signed.entry
    assert encode(decode(signed.raw)) == signed.raw
    assert verify(signed.raw, signed.signature) == signed


def test_a_changed_byte_anywhere_is_refused(signed):
    for position in range(len(signed.raw)):
        changed = bytearray(signed.raw)
        changed[position] ^= 0x01
        with pytest.raises(ProtocolError):
            verify(bytes(changed), signed.signature)
    for position in range(len(signed.signature)):
        changed = bytearray(signed.signature)
        changed[position] ^= 0x01
        with pytest.raises(ProtocolError):
            verify(signed.raw, bytes(changed))


def test_trailing_and_missing_bytes_are_refused(signed):
    for raw in (signed.raw + b"\0", signed.raw[:-1], b""):
        with pytest.raises(DecodeError):
            verify(raw, signed.signature)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=700))
def test_noise_is_refused_with_a_decode_error(noise):
    with pytest.raises(DecodeError):
        decode(noise)


def fields_of(signed):
    return cbor2.loads(signed.raw)


@pytest.mark.parametrize("amount", [0, -1, 2**53, 2**64, True, 1.0, 12.5, "12", b"1", None])
def test_an_amount_that_is_no_positive_bounded_integer_is_refused(alice, pair, amount):
    fields = fields_of(alice.do(actions.pay, Amount(5, EUR)))
    fields[8] = amount
    with pytest.raises(DecodeError):
        decode(cbor2.dumps(fields))


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (0, 2),
        (0, True),
        (1, bytes(31)),
        (2, "x" * 32),
        (3, bytes(9)),
        (4, 0),
        (4, 2**32),
        (5, None),
        (6, "Z"),
        (6, "c"),
        (6, 67),
        (9, bytes(31)),
        (11, None),
        (11, [bytes(32)] * 5),
        (11, [bytes(31)]),
        (12, -1),
        (12, 253_402_300_800_000),
        (12, 1.8e12),
        (14, "memo"),
        (15, bytes(11)),
    ],
)
def test_a_field_of_the_wrong_type_or_size_is_refused(alice, index, value):
    fields = fields_of(alice.do(actions.pay, Amount(5, EUR)))
    fields[index] = value
    with pytest.raises(DecodeError):
        decode(cbor2.dumps(fields))


@pytest.mark.parametrize(
    ("index", "value"), [(7, bytes(32)), (8, 5), (9, bytes(32)), (10, bytes(32)), (14, bytes(32))]
)
def test_a_field_that_the_kind_does_not_have_is_refused(alice, pair, index, value):
    fields = fields_of(alice.write(Draft(pair.account.id, Kind.LIMIT, details=Limit(10, 2))))
    fields[index] = value
    with pytest.raises(DecodeError, match="wrong fields"):
        decode(cbor2.dumps(fields))


@pytest.mark.parametrize("kind", ["A", "V", "P", "N", "W", "D", "L", "T", "K", "X", "R", "C"])
def test_a_kind_without_what_it_needs_is_refused(alice, kind):
    fields = fields_of(alice.do(actions.pay, Amount(5, EUR)))
    fields[6], fields[8] = kind, None
    with pytest.raises(DecodeError, match="wrong fields"):
        decode(cbor2.dumps(fields))


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("C", [0, None, None, None, None]),  # the ordinary IOU has one encoding: none
        ("C", [5, None, None, None, None]),
        ("C", [True, None, None, None, None]),
        ("C", [0, "2027-13-01", "Europe/Berlin", None, None]),
        ("C", [0, "2027-02-29", "Europe/Berlin", None, None]),
        ("C", [0, "0000-01-01", "Europe/Berlin", None, None]),
        ("C", [0, "20270131", "Europe/Berlin", None, None]),
        ("C", [0, "2027-W01-1", "Europe/Berlin", None, None]),
        ("C", [0, "٢٠٢٧-01-01", "Europe/Berlin", None, None]),
        ("C", [0, "2027-01-01", None, None, None]),
        ("C", [0, None, "Europe/Berlin", None, None]),
        ("C", [1, None, None, bytes(31), None]),
        ("C", [1, None, None, None, [1, ["iso", "USD", 2, None], 1, 0]]),
        ("C", [1, None, None, None]),
        ("C", 1),
    ],
)
def test_details_outside_their_bounds_are_refused(alice, kind, details):
    fields = fields_of(alice.do(actions.pay, Amount(5, EUR)))
    fields[6], fields[13] = kind, details
    with pytest.raises(DecodeError):
        decode(cbor2.dumps(fields))


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("L", [10, 11, 0]),
        ("L", [10, 0, 11]),
        ("L", [-1, 0, 0]),
        ("L", [2**53, 0, 0]),
        ("T", [1_000_000, None, None]),
        ("T", [0, None, 0]),
        ("K", [bytes(32), 1, [0, 2**63], [0, 0], None]),
        ("K", [bytes(32), 1, [0], [0, 0], None]),
        ("K", [bytes(32), 1, [0, 0], [0, 0], bytes(7)]),
        ("X", [bytes(32), bytes(7), []]),
        ("X", [bytes(32), bytes(8), [bytes(32), bytes(32)]]),
        ("X", [bytes(32), bytes(8), [b"\2" * 32, b"\1" * 32]]),
        ("X", [bytes(32), bytes(8), [bytes([i]) * 32 for i in range(11)]]),
    ],
)
def test_details_of_agreements_outside_their_bounds_are_refused(alice, pair, kind, details):
    fields = fields_of(alice.write(Draft(pair.account.id, Kind.LIMIT, details=Limit(10, 2))))
    fields[6], fields[13] = kind, details
    with pytest.raises(DecodeError):
        decode(cbor2.dumps(fields))


def test_another_encoding_of_the_same_fields_is_refused(alice):
    raw = alice.do(actions.pay, Amount(5, EUR)).raw
    assert raw[0] == 0x90  # an array of 16
    for changed in (
        b"\x98\x10" + raw[1:],  # the length in two bytes
        b"\x9f" + raw[1:] + b"\xff",  # an indefinite array
        raw.replace(b"\x01\x58\x20", b"\x18\x01\x58\x20", 1),  # the version in two bytes
        b"\xc1" + raw,  # a tag
    ):
        assert changed != raw
        with pytest.raises(DecodeError):
            decode(changed)


def test_a_signature_for_another_purpose_is_refused(alice):
    signed = alice.do(actions.pay, Amount(5, EUR))
    elsewhere = alice.key.sign("log entry", signed.id)
    with pytest.raises(ProtocolError):
        verify(signed.raw, elsewhere)


def test_another_device_cannot_sign_in_this_name(alice, bob):
    signed = alice.do(actions.pay, Amount(5, EUR))
    with pytest.raises(ProtocolError):
        verify(signed.raw, bob.key.sign("ledger entry", signed.id))
    with pytest.raises(ValueError, match="another device"):
        sign(signed.entry, SigningKey(bytes(32)))


def test_the_encoding_is_the_documented_array(alice):
    signed = alice.do(actions.pay, Amount(1250, EUR))
    entry = signed.entry
    assert codec.decode(signed.raw) == [
        1,
        entry.account,
        alice.id,
        entry.epoch,
        1,
        entry.account,
        "C",
        None,
        1250,
        None,
        None,
        [],
        entry.created_ms,
        None,
        None,
        entry.nonce,
    ]
