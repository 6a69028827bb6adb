"""This node: who I am, its state, its network."""

from __future__ import annotations

from typing import Final

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
    cursor: int = 0  # the newest event's; following from here shows what happens from now on


class Peer(Result):
    """A device we are connected to now."""

    device: str
    name: str | None  # petname, if it belongs to a contact
    addresses: list[str]
    direction: str
    bootstrap: bool


class Absent(Result):
    """A device that we want to be connected with and are not."""

    device: str
    name: str | None  # what its person is called here
    contact: bool  # else it belongs to a fellow member of a group
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
    "network.join": Method(JoinNetwork, NetworkInfo, "store", "Belong to a network"),
    "network.show": Method(Nothing, NetworkInfo, "store", "The network this node belongs to"),
}
