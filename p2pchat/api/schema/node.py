"""This node: who I am, its state, its network."""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result, Who


class Identity(Result):
    """Who I am."""

    name: str
    person: str
    device: str
    fingerprint: str


class Status(Result):
    """What `p2pchat status` shows."""

    identity: Identity
    network: str | None
    running: bool
    listening: list[str]
    peers: int
    contacts: int
    groups: int
    unread: int
    requests: int  # contact requests and group invitations waiting for a decision
    outbox: int  # items not yet delivered
    store_bytes: int
    version: str
    offline: bool = False  # it runs, and is kept off every network
    cursor: int = 0  # the newest event's; following from here shows what happens from now on


class Peer(Result):
    """A device we are connected to now."""

    device: str
    name: str | None  # petname, if it belongs to a contact
    addresses: list[str]
    direction: str
    bootstrap: bool
    peer_id: str = ""  # what its addresses end with, behind /p2p/


class Absent(Result):
    """A device that we want to be connected with and are not."""

    device: str
    name: str | None  # what its person is called here
    contact: bool  # else it belongs to a fellow member of a group, or
    bootstrap: bool  # is a node through which people find each other
    reason: str  # how the last dial failed; empty before the first has ended
    retry_s: float | None  # until the next dial; None while one is under way


class NetworkReport(Result):
    """What `p2pchat net` shows."""

    listening: list[str]
    peers: list[Peer]
    counters: dict[str, int]
    reachability: str  # public | private | unknown: whether others can dial us
    relays: list[str]  # devices through which others call us meanwhile
    absent: list[Absent]
    without: list[str]  # ways to find others that are switched off
    proxy: str = ""  # the SOCKS5 proxy that every dial goes through


class TracedAddress(Result):
    """What came of dialling one address of a device."""

    address: str
    reason: str  # why it failed; empty if it answered
    found: bool = False  # not known before: the table, a rendezvous or the LAN told it just now
    worked_ms: int = 0  # when it answered last before this; 0: never
    failed_ms: int = 0


class TracedDevice(Result):
    """The way to one device of a contact, tried step by step."""

    device: str
    connected: bool
    path: list[str] = msgspec.field(default_factory=list)  # of the connection, if it was up already
    ms: float | None = None  # round trip over it
    tries: list[TracedAddress] = msgspec.field(default_factory=list)
    retry_s: float | None = None  # when the node tries again by itself


class Trace(Result):
    """What `p2pchat peers trace` shows."""

    name: str
    devices: list[TracedDevice]


class SetBootstrap(Params):
    """Have a bootstrap address in the network file, or no longer; to remove it, a part of it will do."""

    address: str
    on: bool = True


class DeviceQuery(Params):
    """Whose devices; None: mine."""

    who: str | None = None


class Device(Result):
    """A device of a person."""

    device: str
    standing: str  # this | listed (by his card) | met (no card lists it) | revoked
    since_ms: int = 0  # when its person certified it; 0: not known


class Devices(Result):
    """The devices of a person, those in use first."""

    devices: list[Device]


class PingResult(Result):
    """Round trip in milliseconds."""

    ms: float


class JoinNetwork(Params):
    """Belong to the network that a network file (its text or its one-line link) describes."""

    text: str


class NetworkInfo(Result):
    """The network this node belongs to."""

    name: str
    bootstrap: list[str]
    private: bool  # has a pre-shared key
    link: str


METHODS: Final[dict[str, Method]] = {
    "identity.show": Method(Nothing, Identity, "store", "Who I am"),
    "node.status": Method(Nothing, Status, "store", "State of this node"),
    "node.stop": Method(Nothing, Done, "network", "Stop the running node"),
    "node.net": Method(
        Nothing, NetworkReport, "network", "Addresses, peers, who is missing and why, counters"
    ),
    "node.ping": Method(Who, PingResult, "network", "Round trip to a connected contact"),
    "node.connect": Method(Who, Done, "network", "Dial a contact now"),
    "node.trace": Method(Who, Trace, "network", "Why a contact is not reached, address by address"),
    "network.join": Method(JoinNetwork, NetworkInfo, "store", "Belong to a network"),
    "network.show": Method(Nothing, NetworkInfo, "store", "The network this node belongs to"),
    "network.bootstrap": Method(SetBootstrap, NetworkInfo, "store", "Add or remove a bootstrap node"),
    "device.list": Method(DeviceQuery, Devices, "store", "My devices, or those of a contact"),
}
