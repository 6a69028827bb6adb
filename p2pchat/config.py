"""Which network a node belongs to.

A network is named by a small TOML file that its operator hands out, or by the same file as one line
of text (`p2pchat-net:` and base64url), which fits into a chat or a QR code:

    name = "friends"
    bootstrap = ["/dns4/boot.example.org/tcp/4001/p2p/12D3KooW..."]
    pre_shared_key = "64 hex digits"   # optional: only those who know it get as far as a handshake

Addresses are multiaddrs (https://multiformats.io/multiaddr/). Their shape is checked here, without
libp2p, because the command line reads these files too and has to start fast.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from p2pchat.errors import UsageError
from p2pchat.home import Home

__all__ = ["LINK_PREFIX", "MAX_BOOTSTRAP", "MAX_TEXT", "Home", "NetworkFile", "check_address"]

LINK_PREFIX: Final = "p2pchat-net:"
MAX_TEXT: Final = 64 * 1024  # characters of a network file; a hundred addresses fit ten times over
MAX_BOOTSTRAP: Final = 64

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")
# The peer id of an Ed25519 key: base58 of the fixed prefix 00 24 08 01 12 20 and 32 bytes.
_ADDRESS: Final = re.compile(
    r"/(?P<kind>ip4|ip6|dns4|dns6)/(?P<host>[^/\s]{1,253})/tcp/(?P<port>[1-9][0-9]{0,4})"
    r"/p2p/12D3KooW[1-9A-HJ-NP-Za-km-z]{44}"
)
_DNS_LABEL: Final = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_DNS_NAME: Final = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*\.?")


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """The overlay a node belongs to. Nodes of different networks do not speak to each other."""

    name: str
    """1 to 32 lower-case letters, digits and inner dashes."""
    bootstrap: tuple[str, ...] = ()
    """Multiaddrs, with /p2p/, of nodes that introduce strangers; empty for a network of one LAN."""
    pre_shared_key: str | None = field(default=None, repr=False)
    """64 lower-case hex digits: whoever lacks it cannot even start a handshake."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name!r} is not a network name: 1 to 32 lower-case letters, digits and inner dashes."
            )
        if len(self.bootstrap) > MAX_BOOTSTRAP:
            raise UsageError(f"A network file names at most {MAX_BOOTSTRAP} bootstrap addresses.")
        for address in self.bootstrap:
            check_address(address)
        if self.pre_shared_key is not None and not _KEY.fullmatch(self.pre_shared_key):
            raise UsageError("A pre-shared key is 64 hex digits (32 random bytes).")

    @property
    def protocol_prefix(self) -> str:
        """What the ids of all stream protocols of this network start with."""
        return f"/p2pchat/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The network that `text` describes, as TOML or as a `p2pchat-net:` link.

        Raises:
            UsageError: `text` is neither, or names an unknown key, a bad address or a bad pre-shared key.
        """
        if len(text) > MAX_TEXT:
            raise UsageError(f"A network file has at most {MAX_TEXT} characters.")
        text = text.strip()
        if text.startswith(LINK_PREFIX):
            text = _open_link(text)
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"The network file is not TOML: {error}.") from error
        return cls(**_checked(table))

    @classmethod
    def read(cls, path: Path) -> Self:
        """The network described by the file at `path`; raises UsageError if there is none to read."""
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"The network file {path} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"The network file {path} is not text.") from error

    def to_toml(self) -> str:
        """The network file, ready to be handed out; a secret if it holds a pre-shared key."""
        lines = [f'name = "{self.name}"', "bootstrap = ["]
        lines += [f'  "{address}",' for address in self.bootstrap]
        lines.append("]")
        if self.pre_shared_key is not None:
            lines.append(f'pre_shared_key = "{self.pre_shared_key.lower()}"')
        return "\n".join(lines) + "\n"

    def to_link(self) -> str:
        """The network file as one line; a secret if it holds a pre-shared key."""
        return LINK_PREFIX + base64.urlsafe_b64encode(self.to_toml().encode()).decode().rstrip("=")


def check_address(address: object) -> str:
    """`address`, if it has the shape /ip4|ip6|dns4|dns6/HOST/tcp/PORT/p2p/ID; raises UsageError if not."""
    match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if match is None or int(match["port"]) > 65535 or not _is_host(match["kind"], match["host"]):
        raise UsageError(f"{address!r} is not an address like /ip4/203.0.113.7/tcp/4001/p2p/12D3KooW....")
    return match.string


def _is_host(kind: str, host: str) -> bool:
    if kind.startswith("dns"):
        return _DNS_NAME.fullmatch(host) is not None
    try:
        return ipaddress.ip_address(host).version == int(kind[2])
    except ValueError:
        return False


def _checked(table: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(table.keys() - {"name", "bootstrap", "pre_shared_key"})
    if unknown:
        raise UsageError(f"The network file has an unknown key: {unknown[0]!r}.")
    if "name" not in table:
        raise UsageError("The network file lacks its name.")
    bootstrap = table.get("bootstrap", [])
    if not isinstance(bootstrap, list):
        raise UsageError("The network file's bootstrap is not a list of addresses.")
    key = table.get("pre_shared_key")
    if key is not None and not isinstance(key, str):
        raise UsageError("A pre-shared key is 64 hex digits (32 random bytes).")
    return {"name": table["name"], "bootstrap": tuple(bootstrap), "pre_shared_key": key and key.lower()}


def _open_link(link: str) -> str:
    body = link.removeprefix(LINK_PREFIX)
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise UsageError("The network link is damaged: copy it once more, as a whole.") from error
