"""Messages that are carried by hand between people who cannot connect."""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.api.schema.base import Method, Params, Result


class ExportBundle(Params):
    """Pack what waits for a contact or for the members of a group, with the group's log."""

    chat: str


class Bundle(Result):
    """Sealed messages on their way: docs/protocol/mailbox.md."""

    parcels: list[bytes]  # each for one device
    veiled: list[bytes]  # entries of a group, under its secret
    entries: int = 0  # of the group
    left: int = 0  # items that cannot be sealed before a first meeting, or had no room


class ImportBundle(Params):
    """Take what was carried; in parts where it is larger than a request. Again changes nothing."""

    parcels: list[bytes] = msgspec.field(default_factory=list)
    veiled: list[bytes] = msgspec.field(default_factory=list)


class BundleTaken(Result):
    """What a bundle brought."""

    parcels: int  # that were for me
    entries: int  # of my groups that I did not have
    others: int  # for somebody else, or damaged


METHODS: Final[dict[str, Method]] = {
    "bundle.export": Method(ExportBundle, Bundle, "store", "Pack what waits, to be carried by hand"),
    "bundle.import": Method(ImportBundle, BundleTaken, "store", "Take what was carried by hand"),
}
