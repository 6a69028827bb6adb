"""The fault of patches/psk_addresses, with libp2p's own code and with ours."""

from collections.abc import Iterator

import pytest
from libp2p.connection_types import ConnectionType
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.security.pnet.protector import new_protected_conn
from multiaddr import Multiaddr

from p2pchat.net.patches import PATCHES, install

ADDRESS = Multiaddr("/ip4/203.0.113.7/tcp/4001")


@pytest.fixture
def libp2ps_own() -> Iterator[None]:
    for replacement in PATCHES["psk_addresses"]:
        replacement.revert()
    yield
    install()


def protected() -> object:
    raw = RawConnection(None, True, ConnectionType.RELAYED, [ADDRESS])
    return new_protected_conn(raw, "ab" * 32)


def test_libp2p_knows_no_address_of_a_protected_connection(libp2ps_own: None) -> None:
    with pytest.raises(AttributeError):
        protected().get_transport_addresses()
    with pytest.raises(AttributeError):
        protected().get_connection_type()


def test_a_protected_connection_tells_what_it_protects() -> None:
    install()
    assert protected().get_transport_addresses() == [ADDRESS]
    assert protected().get_connection_type() is ConnectionType.RELAYED
