"""What an operator can set: one TOML file in the node's home, whose every key has a comment."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from p2pchat.config import Home, NetworkFile, check_address
from p2pchat.core.mailbox.frames import MAX_TOKEN
from p2pchat.errors import UsageError
from p2pchat.files import write_atomically

FILE_NAME: Final = "bootstrap.toml"
DEFAULT_LISTEN: Final = "/ip4/0.0.0.0/tcp/4001"

_LISTEN: Final = re.compile(r"/(?P<kind>ip4|ip6)/(?P<host>[0-9a-fA-F.:]{2,45})/tcp/(?P<port>[0-9]{1,5})")
_ANY_PEER: Final = "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

_POSTGRES: Final = ("postgresql://", "postgres://")
_MOST: Final = 1_000_000_000
_MAY_BE_ZERO: Final = (
    "relay_reservations",
    "relay_circuits",
    "records",
    "mailbox_megabytes",
    "mailbox_kilobytes_strangers",
)  # a service switched off
_LONGEST_DRAIN_S: Final = 3600
_TYPES: Final = {
    "name": str,
    "listen": list,
    "announce": list,
    "pre_shared_key_file": str,
    "metrics": str,
    "log": str,
    "mailbox_database": str,
    "mailbox_token": str,
    "drain_seconds": int,
    "limits": dict,
}

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

# Where http://…/metrics (Prometheus) and http://…/health are served, such as "127.0.0.1:9464"; ""
# for nowhere. Whoever reaches it learns how many people use the node: keep it on loopback.
metrics = "{metrics}"

# "text" or "json": one line per event on stderr.
log = "{log}"

# Where messages for people who are away are kept: "" for mailbox.db beside this file, or a database that
# several nodes share, such as "postgresql://p2pchat@db.example.org/mailbox" (password: ~/.pgpass).
mailbox_database = "{mailbox_database}"

# What a person has to show to get a mailbox here (`p2pchat mailbox use --token`); "" for nothing: then each
# new one costs the person's machine a second of work, so that nobody takes thousands.
mailbox_token = "{mailbox_token}"

# Seconds that relayed connections get to end after SIGTERM; a second signal ends them at once.
drain_seconds = {drain_seconds}

# Read again on SIGHUP (`systemctl reload`); connections that are up stay. All else needs a restart.
[limits]
# Connections at a time, and of these from one IPv4 /24 or IPv6 /56.
connections = {limits.connections}
connections_per_range = {limits.connections_per_range}
# Devices behind NATs that can be called through this node.
relay_reservations = {limits.relay_reservations}
# Relayed connections at a time; of these, the most of any one device.
relay_circuits = {limits.relay_circuits}
relay_circuits_per_device = {limits.relay_circuits_per_device}
# What one relayed connection may last, carry (both ways together), and how fast.
relay_minutes = {limits.relay_minutes}
relay_megabytes = {limits.relay_megabytes}
relay_kilobytes_per_second = {limits.relay_kilobytes_per_second}
# Address records kept for others, 2 kB each: as many in the table, and as many again at the rendezvous.
records = {limits.records}
# Mailboxes: encrypted messages kept for people who are away. All together (0 offers none; on the disk
# it can be half as much again, as small ones are rounded up),
# how many people may have one here, and how much of each contacts, and strangers, may fill.
mailbox_megabytes = {limits.mailbox_megabytes}
mailboxes = {limits.mailboxes}
mailbox_megabytes_each = {limits.mailbox_megabytes_each}
mailbox_kilobytes_strangers = {limits.mailbox_kilobytes_strangers}
# Days that a message is kept at most.
mailbox_days = {limits.mailbox_days}
# Deposits a second from one IPv4 /24 or IPv6 /56.
mailbox_deposits_per_second = {limits.mailbox_deposits_per_second}
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
class NodeLimits:
    """What the node gives away; see the comments in the file."""

    connections: int = 4096
    connections_per_range: int = 256
    relay_reservations: int = 1024
    relay_circuits: int = 512
    relay_circuits_per_device: int = 16
    relay_minutes: int = 240
    relay_megabytes: int = 256
    relay_kilobytes_per_second: int = 1024
    records: int = 10_000
    mailbox_megabytes: int = 1024
    mailboxes: int = 10_000
    mailbox_megabytes_each: int = 32
    mailbox_kilobytes_strangers: int = 1024
    mailbox_days: int = 31
    mailbox_deposits_per_second: int = 100

    def __post_init__(self) -> None:
        for limit in fields(self):
            value, least = getattr(self, limit.name), 0 if limit.name in _MAY_BE_ZERO else 1
            if type(value) is not int or not least <= value < _MOST:
                raise UsageError(
                    f"The limit {limit.name!r} is not a whole number from {least} below {_MOST}."
                )


@dataclass(frozen=True, slots=True)
class Settings:
    """A bootstrap node's settings."""

    name: str
    listen: tuple[Listen, ...] = (Listen("0.0.0.0", 4001),)  # noqa: S104 -- a bootstrap node is public
    announce: tuple[str, ...] = ()
    """Multiaddrs without /p2p/."""
    pre_shared_key_file: str = ""
    metrics: str = ""
    log: str = "text"
    mailbox_database: str = ""
    mailbox_token: str = field(default="", repr=False)
    drain_seconds: int = 10
    limits: NodeLimits = NodeLimits()

    def __post_init__(self) -> None:
        NetworkFile(self.name)
        self.metrics_endpoint()
        if self.log not in ("text", "json"):
            raise UsageError(f'The log is "text" or "json", not {self.log!r}.')
        if not 0 <= self.drain_seconds <= _LONGEST_DRAIN_S:
            raise UsageError(f"drain_seconds is a number from 0 to {_LONGEST_DRAIN_S}.")
        if self.mailbox_database and not self.mailbox_database.startswith(_POSTGRES):
            raise UsageError(f'mailbox_database is "" or begins with {_POSTGRES[0]}.')
        if len(self.mailbox_token.encode()) > MAX_TOKEN or not self.mailbox_token.isprintable():
            raise UsageError(f"mailbox_token has at most {MAX_TOKEN} bytes of printable text.")
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
        _check_types(table)
        if "name" not in table:
            raise UsageError("The settings lack the network's name.")
        values: dict[str, Any] = dict(table)
        if "listen" in table:
            values["listen"] = tuple(Listen.parse(address) for address in table["listen"])
        if "announce" in table:
            values["announce"] = tuple(check_announced(address) for address in table["announce"])
        if "limits" in table:
            values["limits"] = _limits(table["limits"])
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
            raise UsageError(f"The file {path} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not text.") from error

    def to_toml(self) -> str:
        """The commented file that `parse` reads back."""
        return _TEMPLATE.format(
            name=self.name,
            listen=_strings([endpoint.multiaddr for endpoint in self.listen]),
            announce=_strings(self.announce),
            pre_shared_key_file=_escaped(self.pre_shared_key_file),
            mailbox_database=_escaped(self.mailbox_database),
            mailbox_token=_escaped(self.mailbox_token),
            metrics=self.metrics,
            log=self.log,
            drain_seconds=self.drain_seconds,
            limits=self.limits,
        )

    def metrics_endpoint(self) -> tuple[str, int] | None:
        """Address and port to serve metrics at, None for nowhere; raises UsageError if it is neither."""
        if not self.metrics:
            return None
        host, _, port = self.metrics.rpartition(":")
        try:
            address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            address = None
        if address is None or not port.isdecimal() or int(port) > 65535:
            raise UsageError(f"{self.metrics!r} is not an endpoint like 127.0.0.1:9464.")
        return str(address), int(port)

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
    write_atomically(path, settings.to_toml().encode())
    return path


def _check_types(table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        if key not in _TYPES:
            raise UsageError(f"The settings have an unknown key: {key!r}.")
        if type(value) is not _TYPES[key]:
            raise UsageError(f"The setting {key!r} has the wrong type.")


def _limits(table: Mapping[str, Any]) -> NodeLimits:
    unknown = sorted(table.keys() - {limit.name for limit in fields(NodeLimits)})
    if unknown:
        raise UsageError(f"The limits have an unknown key: {unknown[0]!r}.")
    return NodeLimits(**table)


def _strings(values: tuple[str, ...] | list[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
