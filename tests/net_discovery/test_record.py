import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import codec
from p2pchat.core.keys import SigningKey
from p2pchat.errors import DecodeError, ProtocolError
from p2pchat.net.dht.record import (
    CLOCK_SKEW_MS,
    LIFETIME_MS,
    MAX_RECORD,
    PURPOSE,
    AddressRecord,
    Role,
)

ALICE = SigningKey(b"a" * 32)
BOB = SigningKey(b"b" * 32)
NOW = 1_700_000_000_000
HOME = "/ip4/203.0.113.7/tcp/4001"

roles = st.sampled_from([Role.NONE, Role.TABLE, Role.RELAY, Role.TABLE | Role.RELAY])


@given(st.lists(st.text(min_size=1, max_size=60), max_size=8), st.integers(0, 2**52), roles)
def test_a_record_says_after_decoding_what_was_signed(addresses: list[str], issued: int, roles: Role) -> None:
    record = AddressRecord.sign(ALICE, addresses, issued_ms=issued, roles=roles)
    decoded = AddressRecord.decode(record.encoded)
    assert decoded == record
    assert decoded.addresses == tuple(address for address in addresses if len(address.encode()) <= 200)


def test_the_longest_record_is_within_the_bound() -> None:
    record = AddressRecord.sign(ALICE, ["x" * 200] * 12, issued_ms=2**52, roles=Role.TABLE | Role.RELAY)
    assert len(record.addresses) == 8
    assert len(record.encoded) <= MAX_RECORD


@given(st.binary(max_size=300))
def test_noise_is_refused_as_the_peers_fault(noise: bytes) -> None:
    with pytest.raises(ProtocolError):
        AddressRecord.decode(noise)


@given(st.data())
def test_one_changed_byte_makes_a_record_worthless(data: st.DataObject) -> None:
    encoded = bytearray(AddressRecord.sign(ALICE, [HOME], issued_ms=NOW, roles=Role.NONE).encoded)
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProtocolError):
        AddressRecord.decode(bytes(encoded))


def test_nobody_signs_for_another_device() -> None:
    body = codec.encode([1, ALICE.public, NOW, 0, ["/ip4/198.51.100.66/tcp/1"]])
    with pytest.raises(ProtocolError, match="bad signature"):
        AddressRecord.decode(codec.encode([body, BOB.sign(PURPOSE, body)]))


def test_a_signature_for_another_purpose_does_not_count() -> None:
    body = codec.encode([1, ALICE.public, NOW, 0, [HOME]])
    with pytest.raises(ProtocolError, match="bad signature"):
        AddressRecord.decode(codec.encode([body, ALICE.sign("message", body)]))


@pytest.mark.parametrize(
    "body",
    [
        [2, ALICE.public, NOW, 0, [HOME]],
        [1, ALICE.public[:31], NOW, 0, [HOME]],
        [1, ALICE.public, -1, 0, [HOME]],
        [1, ALICE.public, NOW, 4, [HOME]],
        [1, ALICE.public, NOW, 0, [HOME] * 9],
        [1, ALICE.public, NOW, 0, ["x" * 201]],
        [1, ALICE.public, NOW, 0, [""]],
        [1, ALICE.public, NOW, 0, [HOME], 0],
        [1, ALICE.public, NOW, 0, HOME],
    ],
)
def test_a_signed_record_outside_its_bounds_is_refused(body: list[object]) -> None:
    encoded = codec.encode(body)
    with pytest.raises(DecodeError):
        AddressRecord.decode(codec.encode([encoded, ALICE.sign(PURPOSE, encoded)]))


def test_a_record_is_current_for_two_hours() -> None:
    record = AddressRecord.sign(ALICE, [HOME], issued_ms=NOW, roles=Role.NONE)
    assert record.is_current(NOW)
    assert record.is_current(NOW + LIFETIME_MS - 1)
    assert not record.is_current(NOW + LIFETIME_MS)
    assert record.is_current(NOW - CLOCK_SKEW_MS)
    assert not record.is_current(NOW - CLOCK_SKEW_MS - 1)
