"""How late and how far out of order an envelope may come: vodozemac's bounds, as we rely on them."""

from __future__ import annotations

import pytest

from p2pchat.core.ratchet.errors import Reason, UndecryptableError

SKIPPED_KEYS = 40  # of one chain
CHAINS = 5
GAP = 2000


def opens(device, peer, envelope):
    """Whether the envelope opens; its key being gone is the only reason that may stop it."""
    try:
        device.open(peer, envelope)
    except UndecryptableError as error:
        if error.reason is not Reason.KEY_GONE:
            raise
        return False
    return True


def test_of_a_chain_in_reverse_order_the_last_41_open_and_the_rest_is_sealed_anew(talking):
    alice, bob = talking
    envelopes = [alice.seal(bob, b"x") for _ in range(100)]
    opened = [opens(bob, alice, envelope) for envelope in reversed(envelopes)]
    assert opened == [True] * (SKIPPED_KEYS + 1) + [False] * (100 - SKIPPED_KEYS - 1)
    assert bob.open(alice, alice.seal(bob, b"again")) == b"again"


def test_an_envelope_may_be_late_by_fewer_than_five_chains(talking):
    alice, bob = talking
    late = []
    for _ in range(2 * CHAINS):
        late.append(alice.seal(bob, b"late"))
        bob.open(alice, alice.seal(bob, b"in time"))
        alice.open(bob, bob.seal(alice, b"a new chain"))
    opened = [opens(bob, alice, envelope) for envelope in late]
    assert opened == [False] * CHAINS + [True] * CHAINS


def test_a_gap_of_2000_is_bridged_and_one_more_is_not(talking):
    alice, bob = talking
    bob = bob.copy()
    for _ in range(GAP):
        alice.seal(bob, b"lost")
    bridged = alice.copy().seal(bob, b"after the gap")
    alice.seal(bob, b"lost too")
    assert not opens(bob, alice, alice.seal(bob, b"too far"))
    assert bob.open(alice, bridged) == b"after the gap"


@pytest.mark.parametrize("count", [1, 3, 17])
def test_starts_in_any_order_open(alice, bob, count):
    alice.start(bob)
    envelopes = [alice.seal(bob, b"%d" % number) for number in range(count)]
    assert sorted(bob.open(alice, one) for one in reversed(envelopes)) == sorted(
        b"%d" % number for number in range(count)
    )
