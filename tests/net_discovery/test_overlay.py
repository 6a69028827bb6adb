"""Finding each other over real libp2p on loopback."""

import os
import time

import pytest
import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.errors import NetworkError
from p2pchat.net.config import Reach
from p2pchat.net.dht import service
from p2pchat.net.dht.contact import Contact
from p2pchat.net.dht.messages import Find, encode_request
from p2pchat.net.dht.record import position


def kept_by(network, device) -> bool:
    """Whether `network` keeps a record of `device`."""
    return network.services.table.shelf.get(position(device), time.time_ns() // 1_000_000) is not None


async def test_devices_find_each_other_through_a_bootstrap_node(overlay, eventually) -> None:
    alice = await overlay.open()
    bob = await overlay.open()
    await eventually(lambda: kept_by(overlay.bootstrap, bob.device))
    await alice.connect(bob.device, [])
    assert alice.is_connected(bob.device)


async def test_a_stale_address_does_not_hide_the_current_one(overlay, eventually) -> None:
    alice = await overlay.open()
    bob = await overlay.open()
    await eventually(lambda: kept_by(overlay.bootstrap, bob.device))
    await alice.connect(bob.device, ["/ip4/127.0.0.1/tcp/1"])
    assert alice.is_connected(bob.device)


async def test_a_device_that_moved_is_found_at_its_new_address(overlay, eventually) -> None:
    key = SigningKey(os.urandom(32))
    alice = await overlay.open()
    before = await overlay.open(key=key)
    await eventually(lambda: kept_by(overlay.bootstrap, before.device))
    old = before.state().listening
    await overlay.stop(before)
    after = await overlay.open(key=key)
    assert after.state().listening != old
    current = [address.rpartition("/p2p/")[0] for address in after.state().listening]
    while await alice.services.discovery.find(after.device) != current:  # noqa: ASYNC110 -- a search
        await trio.sleep(0.05)
    await alice.connect(after.device, [])
    assert alice.is_connected(after.device)


async def test_with_the_bootstrap_node_gone_the_others_keep_the_table(overlay, eventually) -> None:
    nodes = [await overlay.open() for _ in range(4)]
    for node in nodes:
        await eventually(lambda node=node: node.state().reachability == "public")
    first, last = nodes[0], nodes[-1]
    await eventually(lambda: sum(kept_by(node, last.device) for node in nodes[:-1]) >= 2)
    await overlay.stop(overlay.bootstrap)
    record = await first.services.table.find(last.device)
    assert record is not None
    assert record.device == last.device


async def test_people_who_met_find_each_other_with_every_bootstrap_node_gone(overlay, eventually) -> None:
    key, gone = SigningKey(os.urandom(32)), overlay.bootstrap.state().listening
    alice, bob = await overlay.open(key=key), await overlay.open()
    await eventually(lambda: bob.state().reachability == "public")
    card = bob.state().listening
    await overlay.stop(overlay.bootstrap)
    await overlay.stop(alice)
    overlay.bootstrap = None
    alice = await overlay.open(key=key, bootstrap=gone)
    await alice.connect(bob.device, card)
    await alice.services.table.publish()  # as she does a few seconds after her start
    newcomer = await overlay.open(bootstrap=alice.state().listening)  # any member will do as a way in
    await eventually(lambda: newcomer.is_connected(alice.device))
    await newcomer.connect(bob.device, [])


async def test_who_is_nowhere_is_not_found(overlay, eventually) -> None:
    alice = await overlay.open()
    await eventually(lambda: alice.is_connected(overlay.bootstrap.device))
    nobody = DeviceId(SigningKey(os.urandom(32)).public)
    assert await alice.services.discovery.find(nobody) == []
    with pytest.raises(NetworkError):
        await alice.connect(nobody, [])


async def test_a_node_that_switched_the_table_off_is_not_in_it(overlay, eventually) -> None:
    shy = await overlay.open(reach=Reach(table=False))
    open_ = await overlay.open()
    await eventually(lambda: kept_by(overlay.bootstrap, open_.device))
    await eventually(lambda: overlay.bootstrap.is_connected(shy.device))
    assert not kept_by(overlay.bootstrap, shy.device)


async def test_a_node_starts_without_waiting_for_a_bootstrap_node_that_is_gone(overlay) -> None:
    address = f"/ip4/127.0.0.1/tcp/1/p2p/{overlay.bootstrap.state().listening[0].rpartition('/')[2]}"
    lonely = await overlay.open(bootstrap=(address,))
    assert lonely.state().listening
    assert lonely.state().reachability == "unknown"


async def test_networks_of_different_names_keep_apart(overlay, eventually) -> None:
    other = await overlay.open(name="other")
    same = await overlay.open()
    await eventually(lambda: kept_by(overlay.bootstrap, same.device))
    assert not kept_by(overlay.bootstrap, other.device)


async def test_a_bootstrap_node_may_have_a_dns_name(overlay, eventually) -> None:
    by_name = overlay.bootstrap.state().listening[0].replace("/ip4/127.0.0.1/", "/dns4/localhost/")
    alice = await overlay.open(bootstrap=(by_name,))
    await eventually(lambda: alice.is_connected(overlay.bootstrap.device))


async def test_a_name_that_leads_nowhere_is_told(overlay) -> None:
    alice = await overlay.open(bootstrap=())
    with pytest.raises(NetworkError, match="its name cannot be resolved"):
        await alice.connect(overlay.bootstrap.device, ["/dns4/nowhere.invalid/tcp/4001"])


async def test_the_table_ends_only_connections_that_are_for_nothing_else(
    overlay, eventually, monkeypatch
) -> None:
    """It is the first to dial a bootstrap node and a contact, and then strangers, more than it keeps."""
    monkeypatch.setattr(service, "MAX_LINKS", 1)
    alice = await overlay.open(reach=Reach(relays=False, lan=False))
    await eventually(lambda: kept_by(overlay.bootstrap, alice.device))
    contact, *strangers = [await overlay.open(bootstrap=()) for _ in range(4)]
    alice.protect({contact.device})
    question = encode_request(Find(position(alice.device), None))
    for node in (overlay.bootstrap, contact, *strangers):
        await alice.disconnect(node.device)
        assert await alice.services.table._ask(Contact.of(node.services.table.own_record()), question)
    assert [alice.is_connected(stranger.device) for stranger in strangers] == [False, False, True]
    assert alice.is_connected(contact.device)
    assert alice.is_connected(overlay.bootstrap.device)
