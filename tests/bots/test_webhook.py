"""Where webhooks may go, and how they are signed."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from p2pchat.api.webhook import Webhook, secret_of, signed
from p2pchat.config import Home
from p2pchat.errors import UsageError


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # The example of https://docs.svix.com/receiving/verifying-payloads/how-manual
    secret = base64.b64decode("plJ3nmyCDGBKInavdOK15jsl")
    body = b'{"event_type":"ping","data":{"success":true}}'
    headers = signed(secret, "msg_loFOjxBNrRLzqYUf", 1731705121, body)
    assert headers["webhook-signature"] == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


@pytest.mark.parametrize(
    "url", ["", "ftp://127.0.0.1/", "http://example.org/hook", "https://", "http://u:p@127.0.0.1/", "x"]
)
def test_events_go_nowhere_in_the_clear(url: str) -> None:
    with pytest.raises(UsageError):
        Webhook.at(url, b"secret", "node")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/hook", "http://localhost/", "http://[::1]:1/", "https://x.org/"]
)
def test_loopback_and_https_are_fine(url: str) -> None:
    assert Webhook.at(url, b"secret", "node").url.geturl() == url


def test_the_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    home = Home(tmp_path)
    secret = secret_of(home, "hook")
    assert len(secret) == 32
    assert secret_of(home, "hook") == secret
    assert (tmp_path / "bots" / "hook.secret").stat().st_mode & 0o777 == 0o600
