"""Nobody does anything, and next to nothing is sent."""

from __future__ import annotations

import pytest

from p2pchat.testing.idle import measure

CONTACTS = 1
MINUTES = 60
BOUND = 200_000 / 10 / 90  # bytes both ways for each contact and minute


@pytest.mark.end_to_end
def test_an_idle_node_costs_its_contacts_next_to_nothing():
    counted = measure(CONTACTS, MINUTES)
    assert 0 < counted["sent_bytes"] + counted["received_bytes"] < CONTACTS * MINUTES * BOUND
