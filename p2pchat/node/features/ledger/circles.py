"""Whom this node keeps company with: contacts, people it asked, and fellow members of groups."""

from __future__ import annotations

import heapq
from typing import Final

from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.core.keys import tagged_hash
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_views
from p2pchat.store import groups, knocks, outbox, people
from p2pchat.store.transaction import Reader

MAX_OTHERS: Final = 32  # devices that are dialled for nothing but what waits for them
ROTATE_S: Final = 600  # after which it is others' turn
MAX_MEMBERS: Final = 32  # devices of a group to be connected with; gossip and the others reach the rest


def wanted_devices(app: App, tx: Reader) -> set[DeviceId]:
    """The devices to stay connected with."""
    wanted: set[DeviceId] = set()
    for person in people.persons(tx, "accepted", "requested"):
        wanted.update(device.id for device in people.devices(tx, person.id))
    for membership in groups.all_in(tx, "joined", "joining"):
        members = group_views.member_devices(app, tx, membership.group)
        # Everybody draws his own few (rendezvous hashing), so that a large group is one random graph.
        wanted.update(
            heapq.nsmallest(MAX_MEMBERS, members, key=lambda one: tagged_hash("circle", app.device, one))
        )
    for waiting in knocks.everyone(tx):
        wanted.update(waiting.doors)
    return (wanted | _others_with_mail(app, tx, wanted)) - {app.device}


def _others_with_mail(app: App, tx: Reader, wanted: set[DeviceId]) -> set[DeviceId]:
    """A few more devices for which something waits, others after a while.

    A new sender key waits for every member of a group. Who does not get it from me asks whomever he is
    connected with, so there is no hurry, and a channel of thousands does not make anybody dial thousands.
    """
    period = app.now_ms() // (1000 * ROTATE_S)
    return set(
        heapq.nsmallest(
            MAX_OTHERS,
            set(outbox.devices(tx)) - wanted,
            key=lambda one: tagged_hash("turn", app.device, one, period.to_bytes(8, "big")),
        )
    )


def fellow_devices(app: App, tx: Reader) -> dict[GroupId, frozenset[DeviceId]]:
    """The devices of the other members of every group that I am in."""
    return {
        one.group: frozenset(group_views.member_devices(app, tx, one.group) - {app.device})
        for one in groups.all_in(tx, "joined", "joining")
    }


def joined_groups(tx: Reader) -> dict[GroupId, bytes]:
    """The groups I am in, with the secrets of their gossip."""
    return {one.group: one.secret for one in groups.all_in(tx, "joined", "joining") if one.secret}
