"""Nobody does anything, and next to nothing is sent."""

from __future__ import annotations

import pytest

from p2pchat.testing.idle import measure

CONTACTS = 2
MINUTES = 90
PER_CONTACT = 20_000  # bytes both ways: 200 kB for ten


@pytest.mark.end_to_end
def test_an_idle_node_costs_its_contacts_next_to_nothing():
    counted = measure(CONTACTS, MINUTES)
    assert 0 < counted["sent_bytes"] + counted["received_bytes"] < CONTACTS * PER_CONTACT
