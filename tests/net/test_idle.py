"""Nobody does anything, and next to nothing is sent."""

from __future__ import annotations

import pytest

from p2pchat.testing.idle import measure

CONTACTS = 1
MINUTES = 60
# Ten contacts cost 66 kB an hour where 133 are allowed (docs/verification.md); with one, measured in
# seconds, it is 15 kB, most of it for the node's own part in the table.
BOUND = 20_000  # bytes both ways


@pytest.mark.end_to_end
def test_an_idle_node_costs_its_contacts_next_to_nothing():
    counted = measure(CONTACTS, MINUTES)
    assert 0 < counted["sent_bytes"] + counted["received_bytes"] < BOUND
