"""What a person can switch on and off."""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.api import schema as s
from p2pchat.api.methods.base import Change, Query
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.store.transaction import Reader, Transaction


def settings_show(app: App, tx: Reader, params: s.Nothing) -> s.Settings:
    """See the table."""
    return s.Settings(**msgspec.structs.asdict(settings.get(tx)))


def settings_set(app: App, tx: Transaction, params: s.SetSettings) -> s.Settings:
    """See the table."""
    given = {name: value for name, value in msgspec.structs.asdict(params).items() if value is not None}
    settings.put(tx, msgspec.structs.replace(settings.get(tx), **given))
    return settings_show(app, tx, s.Nothing())


QUERIES: Final[dict[str, Query]] = {"settings.show": settings_show}
CHANGES: Final[dict[str, Change]] = {"settings.set": settings_set}
