"""Events as signed HTTP requests, in their order, each until it is taken.

The headers and the signature are those of Standard Webhooks (https://www.standardwebhooks.com), for which
there are libraries in many languages: `webhook-id`, `webhook-timestamp`, and `webhook-signature`, which is
`v1,` and the base64 of HMAC-SHA256 under the secret over `id.timestamp.body`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import secrets
import time
from typing import Final, NamedTuple, Self
from urllib.parse import SplitResult, urlsplit

import msgspec

from p2pchat.api import schema as s
from p2pchat.config import Home
from p2pchat.errors import NetworkError, StoreError, UsageError
from p2pchat.files import write_atomically

TIMEOUT_S: Final = 15.0
PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0)  # until what was not taken is sent again
_PREFIX: Final = "whsec_"
_SECRET_SIZE: Final = 32  # bytes


class Webhook(NamedTuple):
    """Where events go."""

    url: SplitResult
    secret: bytes
    node: str  # the device: event numbers are its own

    @classmethod
    def at(cls, url: str, secret: bytes, node: str) -> Self:
        """A hook at `url`.

        Raises:
            UsageError: it is no URL, or would carry messages over a network in the clear.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise UsageError(f"'{url}' is not a web address such as http://127.0.0.1:8000/hook.")
        if parts.scheme == "http" and not is_here(parts.hostname):
            raise UsageError("Plain http would show your messages to the network: use https, or loopback.")
        return cls(parts, secret, node)

    def send(self, event: s.Event) -> None:
        """Deliver one event.

        Raises:
            NetworkError: nobody took it; it has to be sent again.
        """
        body = msgspec.json.encode(event)
        id = f"{self.node[:16]}-{event.seq}"
        headers = {"content-type": "application/json", **signed(self.secret, id, int(time.time()), body)}
        connection = self._connection()
        try:
            connection.request("POST", self._target(), body, headers)
            answer = connection.getresponse()
            answer.read(1024)
        except (OSError, http.client.HTTPException) as error:
            raise NetworkError(f"the hook cannot be reached: {error}") from error
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise NetworkError(f"the hook answered {answer.status}")

    def _connection(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        return kind(str(self.url.hostname), self.url.port, timeout=TIMEOUT_S)

    def _target(self) -> str:
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")


def signed(secret: bytes, id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers that say from whom a body comes, and when it was sent."""
    mac = hmac.digest(secret, b"%s.%d.%s" % (id.encode(), at_s, body), hashlib.sha256)
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": id, "webhook-timestamp": str(at_s), "webhook-signature": signature}


def secret_of(home: Home, name: str) -> bytes:
    """The secret of a hook, made at the first time; it lies in `bots/NAME.secret` for the receiver.

    Raises:
        StoreError: it cannot be read or written.
        UsageError: the file holds no such secret.
    """
    path = home.directory / "bots" / f"{name}.secret"
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        text = _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_SIZE)).decode()
        write_atomically(path, f"{text}\n".encode())
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"The file {path} cannot be read: {error}.") from error
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except ValueError as error:
        raise UsageError(f"{path} holds no secret: write {_PREFIX} and base64 into it.") from error


def is_here(host: str) -> bool:
    """Whether a host of a web address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
