"""What an operator can set: one TOML file in the node's home, whose every key has a comment."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from p2pchat.config import Home, NetworkFile, check_address, write_private
from p2pchat.errors import UsageError

FILE_NAME: Final = "bootstrap.toml"
DEFAULT_LISTEN: Final = "/ip4/0.0.0.0/tcp/4001"

_LISTEN: Final = re.compile(r"/(?P<kind>ip4|ip6)/(?P<host>[0-9a-fA-F.:]{2,45})/tcp/(?P<port>[0-9]{1,5})")
_ANY_PEER: Final = "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

_TEMPLATE: Final = """\
# A p2pchat bootstrap node. `p2pchat-bootstrap check-config` says whether this file can be used.

# The network's name: 1 to 32 lower-case letters, digits and inner dashes. Whoever uses another
# name is in another network.
name = "{name}"

# Where to listen, as /ip4|ip6/ADDRESS/tcp/PORT. 0.0.0.0 and :: are all interfaces.
listen = {listen}

# Under which addresses others reach this node, as /ip4|ip6|dns4|dns6/HOST/tcp/PORT. Needed behind
# a NAT, in most clouds, or to hand out a DNS name; else the machine's own addresses are used.
announce = {announce}

# A file with 64 hex digits, relative to this one: only nodes that know it get as far as a
# handshake. The network file that is handed out then holds the key and is a secret.
pre_shared_key_file = "{pre_shared_key_file}"
"""


@dataclass(frozen=True, slots=True)
class Listen:
    """One TCP endpoint to listen on; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: object) -> Self:
        """The endpoint that the multiaddr `text` names; raises UsageError if it names none."""
        match = _LISTEN.fullmatch(text) if isinstance(text, str) else None
        if match is not None and int(match["port"]) <= 65535:
            try:
                host = ipaddress.ip_address(match["host"])
            except ValueError:
                host = None
            if host is not None and host.version == int(match["kind"][2]):
                return cls(str(host), int(match["port"]))
        raise UsageError(f"{text!r} is not a listen address like {DEFAULT_LISTEN}.")

    @property
    def multiaddr(self) -> str:
        """The endpoint as a multiaddr."""
        return f"/ip{ipaddress.ip_address(self.host).version}/{self.host}/tcp/{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """A bootstrap node's settings."""

    name: str
    listen: tuple[Listen, ...] = (Listen("0.0.0.0", 4001),)  # noqa: S104 -- a bootstrap node is public
    announce: tuple[str, ...] = ()
    """Multiaddrs without /p2p/."""
    pre_shared_key_file: str = ""

    def __post_init__(self) -> None:
        NetworkFile(self.name)
        if not self.listen:
            raise UsageError("A bootstrap node listens on at least one address.")
        for address in self.announce:
            check_announced(address)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The settings in `text`.

        Raises:
            UsageError: not TOML, an unknown key, or a value that cannot be used.
        """
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"The settings are not TOML: {error}.") from error
        known = {"name": str, "listen": list, "announce": list, "pre_shared_key_file": str}
        _check_types(table, known)
        if "name" not in table:
            raise UsageError("The settings lack the network's name.")
        values: dict[str, Any] = dict(table)
        if "listen" in table:
            values["listen"] = tuple(Listen.parse(address) for address in table["listen"])
        if "announce" in table:
            values["announce"] = tuple(check_announced(address) for address in table["announce"])
        return cls(**values)

    @classmethod
    def read(cls, home: Home) -> Self | None:
        """The settings in `home`, or None where no node has run yet; raises UsageError like `parse`."""
        path = home.directory / FILE_NAME
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not text.") from error

    def to_toml(self) -> str:
        """The commented file that `parse` reads back."""
        return _TEMPLATE.format(
            name=self.name,
            listen=_strings([endpoint.multiaddr for endpoint in self.listen]),
            announce=_strings(self.announce),
            pre_shared_key_file=self.pre_shared_key_file.replace("\\", "\\\\").replace('"', '\\"'),
        )

    def pre_shared_key(self, home: Home) -> str | None:
        """The network's key, 64 hex digits, or None for an open network; raises UsageError if unreadable."""
        if not self.pre_shared_key_file:
            return None
        path = home.directory / self.pre_shared_key_file
        try:
            key = path.read_text(encoding="ascii").strip().lower()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The pre-shared key file {path} cannot be read.") from error
        return NetworkFile(self.name, (), key).pre_shared_key


def check_announced(address: object) -> str:
    """`address`, if it has the shape /ip4|ip6|dns4|dns6/HOST/tcp/PORT; raises UsageError if not."""
    try:
        check_address(f"{address}{_ANY_PEER}")
    except UsageError as error:
        raise UsageError(f"{address!r} is not an address like /dns4/boot.example.org/tcp/4001.") from error
    return str(address)


def write_default(home: Home, settings: Settings) -> Path:
    """Leave `settings` in `home` as a commented file to edit."""
    path = home.directory / FILE_NAME
    write_private(path, settings.to_toml().encode())
    return path


def _check_types(table: Mapping[str, Any], known: Mapping[str, type]) -> None:
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"The settings have an unknown key: {key!r}.")
        if type(value) is not known[key]:
            raise UsageError(f"The setting {key!r} has the wrong type.")


def _strings(values: tuple[str, ...] | list[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"
