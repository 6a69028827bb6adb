"""Which proxy a node goes through."""

from __future__ import annotations

import pytest

from p2pchat.daemon.ways import parse_proxy
from p2pchat.errors import UsageError


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("127.0.0.1:9050", ("127.0.0.1", 9050)),
        ("localhost:9050", ("127.0.0.1", 9050)),
        ("[::1]:9050", ("::1", 9050)),
    ],
)
def test_a_proxy_is_an_address_and_a_port(text: str, proxy: tuple[str, int]) -> None:
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text",
    ["", "9050", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "tor.example.org:9050", "::1"],
)
def test_a_name_would_have_to_be_looked_up_and_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no proxy"):
        parse_proxy(text)
