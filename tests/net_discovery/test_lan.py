"""Finding each other in the LAN, by multicast over the loopback interface."""

import os

import pytest

from p2pchat.net.config import Reach
from p2pchat.net.lan import announceable, fingerprint

LAN = Reach(table=False, relays=False, lan=True)


async def test_devices_of_one_network_find_each_other_without_any_server(overlay, eventually) -> None:
    alice = await overlay.open(bootstrap=(), reach=LAN)
    bob = await overlay.open(bootstrap=(), reach=LAN)
    await eventually(lambda: alice.services.lan.find(bob.device))
    await alice.connect(bob.device, [])
    assert alice.is_connected(bob.device)


async def test_devices_of_another_network_are_not_taken_for_ours(overlay, eventually) -> None:
    alice = await overlay.open(bootstrap=(), reach=LAN)
    stranger = await overlay.open(bootstrap=(), reach=LAN, psk=os.urandom(32))
    bob = await overlay.open(bootstrap=(), reach=LAN)
    await eventually(lambda: alice.services.lan.find(bob.device))
    assert not alice.services.lan.find(stranger.device)


async def test_where_nothing_can_be_announced_nothing_is(overlay, eventually) -> None:
    shy = await overlay.open(listen=(), bootstrap=(), reach=LAN)
    alice = await overlay.open(bootstrap=(), reach=LAN)
    bob = await overlay.open(bootstrap=(), reach=LAN)
    await eventually(lambda: alice.services.lan.find(bob.device))
    assert not alice.services.lan.find(shy.device)


def test_the_fingerprint_tells_networks_apart() -> None:
    key = b"k" * 32
    prints = [fingerprint("friends", None), fingerprint("friend", None), fingerprint("friends", key)]
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize(
    ("addresses", "announced"),
    [
        (
            ["/ip4/192.168.1.2/tcp/4001", "/ip4/10.0.0.2/tcp/4001"],
            [("192.168.1.2", 4001), ("10.0.0.2", 4001)],
        ),
        (["/ip4/192.168.1.2/tcp/4001", "/ip4/10.0.0.2/tcp/5000"], [("192.168.1.2", 4001)]),
        (["/ip4/0.0.0.0/tcp/4001"], []),
        (["/ip6/fe80::1/tcp/4001"], []),
        (["/ip4/203.0.113.1/tcp/4001/p2p/12D3/p2p-circuit"], []),
        ([], []),
    ],
)
def test_only_concrete_addresses_are_announced(addresses: list[str], announced: list[object]) -> None:
    assert announceable(addresses) == announced
