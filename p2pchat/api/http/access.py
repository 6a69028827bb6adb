"""Who may use the API over HTTP: one-time login secrets, sessions of browsers, tokens of scripts.

A secret is 256 random bits and is kept as its hash, so what lies in the store opens no door. The page
has a host name of its own, `<label>.localhost`, which browsers resolve to this machine: cookies know no
ports, so under 127.0.0.1 any other program on this machine that the browser visits would get ours.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Final, Literal

import msgspec

LOGIN_MS: Final = 5 * 60 * 1000
SESSION_MS: Final = 30 * 24 * 3600 * 1000
MAX_LOGINS: Final = 16
MAX_PASSES: Final = 32  # of each kind; the oldest gives way

_LABEL_BYTES: Final = 10

Kind = Literal["page", "script"]


class Pass(msgspec.Struct, frozen=True):
    """What admits one browser, or the scripts that were given a token."""

    kind: Kind
    hash: str
    until_ms: int  # 0: until HTTP is turned off


class Kept(msgspec.Struct):
    """What outlives a restart."""

    label: str
    port: int = 0  # 0: HTTP is off
    passes: list[Pass] = msgspec.field(default_factory=list)


class Access:
    """The doors of one node. Plain state: the caller keeps `encode()` after each change."""

    def __init__(self, kept: bytes | None, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._kept = msgspec.json.decode(kept, type=Kept) if kept else Kept(label=_label())
        self._logins: dict[str, int] = {}  # hash: until when; they do not outlive the process

    @property
    def port(self) -> int:
        """Where HTTP is served; 0 if it is off."""
        return self._kept.port

    @port.setter
    def port(self, port: int) -> None:
        self._kept.port = port

    @property
    def host(self) -> str:
        """The page's host and port, as in the Host header."""
        return f"{self._kept.label}.localhost:{self.port}"

    @property
    def origin(self) -> str:
        """The page's origin."""
        return f"http://{self.host}"

    def encode(self) -> bytes:
        """What to keep."""
        return msgspec.json.encode(self._kept)

    def login(self) -> str:
        """A new secret that `redeem` takes once, within LOGIN_MS."""
        now = self._now_ms()
        self._logins = {hash: until for hash, until in self._logins.items() if until > now}
        while len(self._logins) >= MAX_LOGINS:
            del self._logins[next(iter(self._logins))]
        secret = secrets.token_urlsafe(32)
        self._logins[_hash(secret)] = now + LOGIN_MS
        return secret

    def redeem(self, secret: str) -> str | None:
        """The session that a login secret opens; None if it is unknown, used or too old."""
        until = self._logins.pop(_hash(secret), 0)
        return self._grant("page", self._now_ms() + SESSION_MS) if until > self._now_ms() else None

    def token(self) -> str:
        """A new token for scripts."""
        return self._grant("script", 0)

    def admits(self, kind: Kind, secret: str) -> bool:
        """Whether `secret` is a session or token that is good now."""
        hash, now = _hash(secret), self._now_ms()
        return any(
            one.kind == kind and one.hash == hash and (one.until_ms == 0 or one.until_ms > now)
            for one in self._kept.passes
        )

    def end(self, secret: str) -> None:
        """End one session."""
        hash = _hash(secret)
        self._kept.passes = [one for one in self._kept.passes if one.hash != hash]

    def end_all(self) -> None:
        """End every session and token, and take another name for the page."""
        self._kept = Kept(label=_label(), port=self.port)
        self._logins = {}

    def _grant(self, kind: Kind, until_ms: int) -> str:
        secret, now = secrets.token_urlsafe(32), self._now_ms()
        good = [one for one in self._kept.passes if one.until_ms == 0 or one.until_ms > now]
        same = [one for one in good if one.kind == kind]
        dropped = same[: max(0, len(same) - MAX_PASSES + 1)]
        self._kept.passes = [one for one in good if one not in dropped]
        self._kept.passes.append(Pass(kind, _hash(secret), until_ms))
        return secret


def _hash(secret: str) -> str:
    # The secrets have 256 random bits: there is nothing to stretch.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _label() -> str:
    return "p2pchat-" + secrets.token_hex(_LABEL_BYTES)
