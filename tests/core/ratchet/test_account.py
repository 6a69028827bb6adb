"""Our prekeys: who gets which one-time key, rotation, what is remembered and what is bounded."""

from __future__ import annotations

import pytest

from p2pchat.core.ids import DeviceId
from p2pchat.core.ratchet.account import ROTATION_MS, DeviceAccount
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.prekeys import MAX_ONE_TIME_KEYS, MAX_STARTS
from p2pchat.errors import StoreError

NOW_MS = 1_800_000_000_000
KEY = bytes(32)


def stranger(number):
    return DeviceId(number.to_bytes(32, "big"))


def one_time_key(bob, who, now_ms=NOW_MS):
    return bob.account.bundle(bob.endpoint.person, bob.signer, now_ms, who).one_time_key


def test_a_bundle_for_everybody_carries_no_one_time_key(bob):
    assert bob.bundle().one_time_key is None


def test_a_peer_gets_the_same_one_time_key_until_it_is_used_and_then_another(alice, bob, device):
    first = bob.bundle(alice)
    assert bob.bundle(device("carol")).one_time_key != first.one_time_key
    assert bob.bundle(alice).one_time_key == first.one_time_key
    alice.start(bob, first)
    bob.open(alice, alice.seal(bob, b""))
    assert bob.bundle(alice).one_time_key not in (first.one_time_key, None)


def test_one_time_keys_run_out_and_come_back_when_their_bundles_expire(bob):
    keys = [one_time_key(bob, stranger(number)) for number in range(MAX_ONE_TIME_KEYS)]
    assert None not in keys
    assert len(set(keys)) == MAX_ONE_TIME_KEYS
    late = stranger(MAX_ONE_TIME_KEYS)
    expires_ms = NOW_MS + 2 * ROTATION_MS
    assert one_time_key(bob, late, expires_ms - 1) is None
    assert one_time_key(bob, stranger(0)) == keys[0]
    bob.account.maintain(expires_ms)
    assert one_time_key(bob, late, expires_ms) == keys[1]  # the longest unused
    assert one_time_key(bob, stranger(2), expires_ms) == keys[2]


def test_rotation_is_due_after_two_weeks_and_changes_the_published_keys(bob):
    before = bob.bundle()
    assert not bob.account.maintain(NOW_MS + ROTATION_MS - 1)
    assert bob.account.maintain(NOW_MS + ROTATION_MS)
    after = bob.bundle()
    assert after.fallback_key != before.fallback_key
    assert after.kem_public != before.kem_public
    assert after.identity_key == before.identity_key


@pytest.mark.parametrize(("rotations", "opens"), [(0, True), (1, True), (2, False)])
def test_a_bundle_works_until_its_keys_have_been_rotated_twice(alice, bob, rotations, opens):
    alice.start(bob, bob.bundle())
    for rotation in range(1, rotations + 1):
        assert bob.account.maintain(NOW_MS + rotation * ROTATION_MS)
    envelope = alice.seal(bob, b"x")
    if opens:
        assert bob.open(alice, envelope) == b"x"
    else:
        with pytest.raises(UndecryptableError) as refused:
            bob.open(alice, envelope)
        assert refused.value.reason is Reason.UNKNOWN_PREKEY


def test_a_rotation_survives_a_restart(alice, bob):
    bob.copy()
    bob.now_ms = alice.now_ms = NOW_MS + ROTATION_MS
    assert bob.account.maintain(bob.now_ms)
    bob = bob.copy()
    alice.start(bob, bob.bundle())
    assert bob.open(alice, alice.seal(bob, b"x")) == b"x"


def test_a_clock_that_ran_ahead_and_was_set_right_does_not_stop_rotation(alice, bob):
    ahead_ms = 365 * 86_400_000
    assert bob.account.maintain(NOW_MS + ahead_ms)
    alice.start(bob, bob.bundle())  # at NOW_MS again: valid, although its keys come from the future
    assert bob.account.maintain(NOW_MS)
    assert not bob.account.maintain(NOW_MS - 1000)
    assert bob.open(alice, alice.seal(bob, b"x")) == b"x"


def test_a_one_time_key_works_after_the_fallback_key_was_rotated(alice, bob):
    alice.start(bob, bob.bundle(alice))
    bob.account.maintain(NOW_MS + ROTATION_MS)
    assert bob.open(alice, alice.seal(bob, b"x")) == b"x"


def test_many_starts_on_one_fallback_key_rotate_it_early_and_are_bounded(alice, bob):
    bundle = bob.bundle()
    for number in range(MAX_STARTS):
        if number in (MAX_STARTS // 2 - 1, MAX_STARTS // 2):
            assert bob.copy().account.maintain(NOW_MS) is (number == MAX_STARTS // 2)
        alice.start(bob, bundle)
        bob.open(alice, alice.seal(bob, b""))
    alice.start(bob, bundle)
    envelope = alice.seal(bob, b"one too many")
    with pytest.raises(UndecryptableError) as refused:
        bob.open(alice, envelope)
    assert refused.value.reason is Reason.CROWDED
    assert bob.account.maintain(NOW_MS)
    assert bob.open(alice, envelope) == b"one too many"
    assert len(bob.account.to_bytes(KEY)) < 64 * 1024


def test_an_account_goes_on_after_a_restart(alice, bob):
    bundle = bob.bundle(alice)
    bob = bob.copy()
    assert bob.bundle(alice).one_time_key == bundle.one_time_key
    alice.start(bob, bundle)
    assert bob.open(alice, alice.seal(bob, b"x")) == b"x"


def test_an_account_opens_only_under_its_own_key(bob):
    stored = bob.account.to_bytes(KEY)
    assert DeviceAccount.from_bytes(stored, KEY).identity_key == bob.account.identity_key
    for data, key in ((stored, b"\1" * 32), (stored[:-1], KEY), (b"", KEY), (stored + b"\0", KEY)):
        with pytest.raises(StoreError):
            DeviceAccount.from_bytes(data, key)
