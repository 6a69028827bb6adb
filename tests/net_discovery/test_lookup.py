"""The pure parts of the table, with a whole overlay of routing tables in memory."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.net.dht.contact import Contact
from p2pchat.net.dht.lookup import BREADTH, MAX_QUERIES, PARALLEL, Lookup
from p2pchat.net.dht.messages import NEARER
from p2pchat.net.dht.record import AddressRecord, Role, distance, position
from p2pchat.net.dht.table import BUCKET_SIZE, RoutingTable

NOW = 1_700_000_000_000


def node(number: int, roles: Role = Role.TABLE, issued: int = NOW) -> AddressRecord:
    key = SigningKey(number.to_bytes(32, "big"))
    return AddressRecord.sign(key, [f"/ip4/10.0.0.1/tcp/{number}"], issued_ms=issued, roles=roles)


NODES = [node(number) for number in range(1, 201)]
ME = DeviceId(SigningKey(b"m" * 32).public)


def nearest(key: bytes, records: Sequence[AddressRecord]) -> list[DeviceId]:
    devices = [record.device for record in records]
    return sorted(devices, key=lambda device: distance(position(device), key))[:BREADTH]


@pytest.fixture(scope="module")
def overlay() -> dict[DeviceId, RoutingTable]:
    """Two hundred nodes, each of which has met all others and kept what its buckets hold."""
    tables = {record.device: RoutingTable(record.device) for record in NODES}
    for seed, table in enumerate(tables.values()):
        for record in random.Random(seed).sample(NODES, len(NODES)):
            table.add(record)
    return tables


def run(
    lookup: Lookup, overlay: dict[DeviceId, RoutingTable], key: bytes, dead: set[DeviceId], seed: int
) -> int:
    """Answer the search's queries in a random order; how many it made."""
    order = random.Random(seed)
    flying: list[Contact] = []
    queries = 0
    while True:
        while (contact := lookup.next()) is not None:
            flying.append(contact)
            queries += 1
        assert len(flying) == lookup.pending <= PARALLEL
        if not flying:
            return queries
        contact = flying.pop(order.randrange(len(flying)))
        if contact.device in dead:
            lookup.failed(contact.device)
        else:
            lookup.answered(contact.device, map(Contact.of, overlay[contact.device].closest(key, NEARER)))


@settings(max_examples=40, deadline=None)
@given(key=st.binary(min_size=32, max_size=32), start=st.sampled_from(NODES), seed=st.integers(0, 99))
def test_from_any_node_the_nearest_nodes_of_the_whole_overlay_are_found(
    overlay: dict[DeviceId, RoutingTable], key: bytes, start: AddressRecord, seed: int
) -> None:
    lookup = Lookup(key, ME, [Contact.of(start)])
    queries = run(lookup, overlay, key, set(), seed)
    assert [contact.device for contact in lookup.found()] == nearest(key, NODES)
    assert queries <= 2 * BUCKET_SIZE


@settings(max_examples=20, deadline=None)
@given(key=st.binary(min_size=32, max_size=32), seed=st.integers(0, 99))
def test_a_third_of_the_nodes_may_be_gone(
    overlay: dict[DeviceId, RoutingTable], key: bytes, seed: int
) -> None:
    dead = {record.device for record in random.Random(seed).sample(NODES, 66)}
    alive = [record for record in NODES if record.device not in dead]
    lookup = Lookup(key, ME, [Contact.of(record) for record in alive[:3]])
    run(lookup, overlay, key, dead, seed)
    found = [contact.device for contact in lookup.found()]
    assert set(found[: BREADTH // 2]) <= set(nearest(key, alive))
    assert not set(found) & dead


def test_a_liar_who_invents_nearer_nodes_does_not_keep_a_search_alive() -> None:
    key = b"\0" * 32
    lookup = Lookup(key, ME, [Contact.of(NODES[0])])
    invented = iter(range(1000, 10_000))
    queries = 0
    while (contact := lookup.next()) is not None:
        queries += 1
        lookup.answered(contact.device, [Contact.of(node(next(invented))) for _ in range(4)])
    assert queries <= MAX_QUERIES


def test_a_search_never_asks_ourselves_nor_who_has_no_address() -> None:
    silent = Contact(NODES[0].device, ())
    lookup = Lookup(b"\0" * 32, NODES[1].device, [Contact.of(NODES[1]), silent])
    assert lookup.next() is None


def test_a_full_bucket_keeps_the_nodes_it_has() -> None:
    table = RoutingTable(ME)
    kept = [record for record in NODES if table.add(record)]
    later = [node(number) for number in range(300, 400)]
    for record in later:
        table.add(record)
    assert set(nearest(position(ME), kept)) <= {
        record.device for record in table.closest(position(ME), len(table))
    }
    assert len(table) < len(kept) + len(later)


def test_a_node_that_fails_twice_in_a_row_is_forgotten() -> None:
    table = RoutingTable(ME)
    record = NODES[0]
    table.add(record)
    table.failed(record.device)
    table.answered(record.device)
    table.failed(record.device)
    assert len(table) == 1
    table.failed(record.device)
    assert len(table) == 0


def test_a_node_that_has_failed_makes_room_for_a_new_one() -> None:
    table = RoutingTable(ME)
    refused = [record for record in NODES if not table.add(record)]
    full = [record for record in NODES if record not in refused]
    for record in full:
        table.failed(record.device)
    assert table.add(refused[0])
    assert len(table) == len(full)


def test_a_node_that_stops_answering_queries_leaves_the_table() -> None:
    table = RoutingTable(ME)
    assert table.add(node(1))
    assert not table.add(node(1, roles=Role.NONE, issued=NOW + 1))
    assert len(table) == 0


def test_the_later_record_of_a_node_replaces_the_earlier() -> None:
    table = RoutingTable(ME)
    later = node(1, issued=NOW + 1)
    table.add(later)
    table.add(node(1))
    assert table.closest(b"\0" * 32) == [later]
