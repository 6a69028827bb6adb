import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.config import LINK_PREFIX, NetworkFile
from p2pchat.errors import UsageError

PEER = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
ADDRESS = f"/ip4/203.0.113.7/tcp/4001/p2p/{PEER}"
KEY = "ab" * 32

hosts = st.sampled_from(["/ip4/203.0.113.7", "/ip6/2001:db8::1", "/dns4/boot.example.org", "/dns6/b"])
addresses = st.builds("{}/tcp/{}/p2p/{}".format, hosts, st.integers(1, 65535), st.just(PEER))
networks = st.builds(
    NetworkFile,
    name=st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True),
    bootstrap=st.lists(addresses, max_size=3).map(tuple),
    pre_shared_key=st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
)


def toml(**changes: str) -> str:
    lines = {"name": '"friends"', "bootstrap": f'["{ADDRESS}"]'} | changes
    return "\n".join(f"{key} = {value}" for key, value in lines.items())


@given(networks)
def test_a_network_survives_its_file_and_its_link(network: NetworkFile) -> None:
    assert NetworkFile.parse(network.to_toml()) == network
    assert NetworkFile.parse(f"  {network.to_link()}\n") == network


def test_the_prefix_of_the_stream_protocols_names_the_network() -> None:
    assert NetworkFile.parse(toml()).protocol_prefix == "/p2pchat/friends"


def test_the_pre_shared_key_is_not_printed() -> None:
    assert KEY not in repr(NetworkFile("friends", (), KEY))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = ", "not TOML"),
        ("bootstrap = []", "lacks its name"),
        (toml(colour='"red"'), "unknown key: 'colour'"),
        (toml(name='"Friends"'), "not a network name"),
        (toml(name='"-friends"'), "not a network name"),
        (toml(name='"a' + "b" * 32 + '"'), "not a network name"),
        (toml(name="7"), "not a network name"),
        (toml(bootstrap=f'"{ADDRESS}"'), "not a list"),
        (toml(bootstrap=f"[{', '.join([repr(ADDRESS)] * 65)}]"), "at most 64"),
        (toml(pre_shared_key='"abcd"'), "64 hex digits"),
        (toml(pre_shared_key="7"), "64 hex digits"),
        (toml(pre_shared_key=f'"{"g" * 64}"'), "64 hex digits"),
        (LINK_PREFIX + "!!", "damaged"),
        (LINK_PREFIX + "gICA", "damaged"),
        ("x" * 70_000, "at most"),
    ],
)
def test_a_malformed_network_file_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        NetworkFile.parse(text)


@pytest.mark.parametrize(
    "address",
    [
        "7",
        "'boot.example.org:4001'",
        f"'/ip4/203.0.113.7/tcp/4001/p2p/{PEER[:-1]}'",
        f"'/ip4/203.0.113.7/tcp/4001/p2p/{PEER[:-1]}0'",  # 0 is no letter of base58
        "'/ip4/203.0.113.7/tcp/4001'",
        f"'/ip4/203.0.113.7/tcp/0/p2p/{PEER}'",
        f"'/ip4/203.0.113.7/tcp/65536/p2p/{PEER}'",
        f"'/ip4/203.0.113.256/tcp/4001/p2p/{PEER}'",
        f"'/ip4/2001:db8::1/tcp/4001/p2p/{PEER}'",
        f"'/ip6/203.0.113.7/tcp/4001/p2p/{PEER}'",
        f"'/dns4/-boot.example.org/tcp/4001/p2p/{PEER}'",
        f"'/dns4/boot..example.org/tcp/4001/p2p/{PEER}'",
        f"'/ip4/203.0.113.7/udp/4001/p2p/{PEER}'",
    ],
)
def test_a_bootstrap_address_of_another_shape_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is not an address like"):
        NetworkFile.parse(toml(bootstrap=f"[{address}]"))


def test_a_link_may_not_hide_another_link() -> None:
    inner = base64.urlsafe_b64encode((LINK_PREFIX + "YQ").encode()).decode()
    with pytest.raises(UsageError, match="not TOML"):
        NetworkFile.parse(LINK_PREFIX + inner)
