"""This node: who I am, its state, its network."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from p2pchat import __version__
from p2pchat.api import schema as s
from p2pchat.api import views
from p2pchat.api.methods.base import Change, Query
from p2pchat.config import NetworkFile
from p2pchat.core.identity import DeviceCertificate
from p2pchat.errors import NotAllowedError, NotFoundError
from p2pchat.files import write_atomically
from p2pchat.node.features.app import App
from p2pchat.node.features.people.names import find_person
from p2pchat.node.profile import network_of, require_network
from p2pchat.store import events, messages, outbox, people
from p2pchat.store import groups as group_store
from p2pchat.store.transaction import Reader, Transaction


def identity_show(app: App, tx: Reader, params: s.Nothing) -> s.Identity:
    """See the table."""
    return views.identity(app)


def node_status(app: App, tx: Reader, params: s.Nothing) -> s.Status:
    """See the table; the running node adds what only it knows."""
    network = network_of(app.home)
    return s.Status(
        identity=views.identity(app),
        network=network.name if network else None,
        running=False,
        listening=[],
        peers=0,
        contacts=len(people.persons(tx, "accepted")),
        groups=len(group_store.all_in(tx, "joined")),
        unread=sum(messages.unread_counts(tx).values()),
        requests=len(people.persons(tx, "pending")) + len(group_store.all_in(tx, "invited")),
        outbox=outbox.count(tx),
        store_bytes=app.home.store.stat().st_size,
        version=__version__,
        cursor=events.last(tx),
    )


def network_join(app: App, tx: Transaction, params: s.JoinNetwork) -> s.NetworkInfo:
    """See the table."""
    network = NetworkFile.parse(params.text)
    present = network_of(app.home)
    if present and present.name != network.name and people.persons(tx):
        raise NotAllowedError(
            f"this node belongs to '{present.name}' and has contacts there: make another profile with --home"
        )
    write_atomically(app.home.network_file, network.to_toml().encode())
    return _network(network)


def network_show(app: App, tx: Reader, params: s.Nothing) -> s.NetworkInfo:
    """See the table."""
    return _network(require_network(app.home))


def network_bootstrap(app: App, tx: Transaction, params: s.SetBootstrap) -> s.NetworkInfo:
    """See the table; a running node takes it up when it is started anew."""
    network = require_network(app.home)
    present = list(network.bootstrap)
    if params.on:
        present += [params.address] if params.address not in present else []
    else:
        present = [one for one in present if params.address not in one]
        if len(network.bootstrap) - len(present) != 1:
            raise NotFoundError(
                f"'{params.address}' is no single bootstrap node: see `p2pchat bootstrap list`"
            )
    changed = replace(network, bootstrap=tuple(present))
    write_atomically(app.home.network_file, changed.to_toml().encode())
    return _network(changed)


def device_list(app: App, tx: Reader, params: s.DeviceQuery) -> s.Devices:
    """See the table."""
    person = find_person(tx, params.who).id if params.who else app.person
    rows = [_device(one) for one in people.all_devices(tx, person)]
    if person == app.person:
        since_ms = app.certificate.created_ms
        rows.append(s.Device(device=app.device.text, standing="this", since_ms=since_ms))
    return s.Devices(devices=sorted(rows, key=lambda one: (_STANDINGS.index(one.standing), -one.since_ms)))


def _device(one: people.Device) -> s.Device:
    since_ms = DeviceCertificate.decode(one.certificate).created_ms if one.certificate else 0
    return s.Device(device=one.id.text, standing=one.standing, since_ms=since_ms)


def _network(network: NetworkFile) -> s.NetworkInfo:
    return s.NetworkInfo(
        name=network.name,
        bootstrap=list(network.bootstrap),
        private=network.pre_shared_key is not None,
        link=network.to_link(),
    )


QUERIES: Final[dict[str, Query]] = {
    "identity.show": identity_show,
    "node.status": node_status,
    "network.show": network_show,
    "device.list": device_list,
}
_STANDINGS: Final = ("this", "listed", "met", "revoked")
CHANGES: Final[dict[str, Change]] = {
    "network.join": network_join,
    "network.bootstrap": network_bootstrap,
}
