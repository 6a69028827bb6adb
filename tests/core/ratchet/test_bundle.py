"""The prekey bundle: one encoding, one signer, a bounded life."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from p2pchat.core.codec import decode, encode
from p2pchat.core.keys import SigningKey
from p2pchat.core.ratchet.account import ROTATION_MS
from p2pchat.core.ratchet.bundle import (
    MAX_BUNDLE_BYTES,
    MAX_CLOCK_SKEW_MS,
    MAX_LIFETIME_MS,
    PrekeyBundle,
)
from p2pchat.errors import DecodeError, ProtocolError

NOW_MS = 1_800_000_000_000


def test_a_bundle_is_read_as_it_was_written(alice, bob):
    for bundle in (bob.bundle(), bob.bundle(alice)):
        assert PrekeyBundle.decode(bundle.encode()) == bundle
        assert len(bundle.encode()) < MAX_BUNDLE_BYTES
        bundle.verify(NOW_MS)


def test_every_field_is_signed(alice, bob, device):
    bundle = bob.bundle(alice)
    eve = device("eve")
    eve.now_ms = NOW_MS - 1
    other = replace(eve.bundle(alice), expires_ms=bundle.expires_ms - 1)
    for field in fields(PrekeyBundle):
        changed = replace(bundle, **{field.name: getattr(other, field.name)})
        assert changed != bundle
        with pytest.raises(ProtocolError):
            changed.verify(NOW_MS)


def test_a_bundle_is_valid_from_a_day_before_its_making_until_its_prekeys_are_deleted(bob):
    bundle = bob.bundle()
    assert bundle.expires_ms == NOW_MS + 2 * ROTATION_MS
    bob.now_ms += ROTATION_MS - 1
    assert bob.bundle().expires_ms == bundle.expires_ms
    bundle.verify(NOW_MS - MAX_CLOCK_SKEW_MS)
    bundle.verify(bundle.expires_ms - 1)
    for now_ms in (NOW_MS - MAX_CLOCK_SKEW_MS - 1, bundle.expires_ms):
        with pytest.raises(ProtocolError):
            bundle.verify(now_ms)


def test_a_signer_cannot_make_a_bundle_last_for_ever(bob):
    bundle = bob.bundle()
    longest = replace(bundle, expires_ms=NOW_MS + MAX_LIFETIME_MS).signed(bob.signer)
    longest.verify(NOW_MS)
    too_long = replace(bundle, expires_ms=NOW_MS + MAX_LIFETIME_MS + 1).signed(bob.signer)
    with pytest.raises(ProtocolError):
        too_long.verify(NOW_MS)


def test_a_signature_for_another_purpose_does_not_make_a_bundle(bob):
    bundle = bob.bundle()
    body = encode(decode(bundle.encode())[:-1])
    signer = SigningKey(bob.signer.seed)
    replace(bundle, signature=signer.sign("prekey-bundle", body)).verify(NOW_MS)
    with pytest.raises(ProtocolError):
        replace(bundle, signature=signer.sign("device-certificate", body)).verify(NOW_MS)


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (0, 2),
        (0, True),
        (1, bytes(31)),
        (2, "text"),
        (3, bytes(33)),
        (4, None),
        (5, bytes(31)),
        (6, bytes(1183)),
        (7, -1),
        (8, 2**53),
        (9, bytes(63)),
    ],
)
def test_a_field_of_the_wrong_type_or_size_is_refused(bob, index, value):
    wire = decode(bob.bundle().encode())
    wire[index] = value
    with pytest.raises(DecodeError):
        PrekeyBundle.decode(encode(wire))


def test_a_missing_or_an_extra_field_is_refused(bob):
    wire = decode(bob.bundle().encode())
    for changed in (wire[:-1], [*wire, 0]):
        with pytest.raises(DecodeError):
            PrekeyBundle.decode(encode(changed))
