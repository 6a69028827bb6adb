"""What a person can switch on and off."""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.api import schema as s
from p2pchat.api.methods.base import Change, Query
from p2pchat.errors import UsageError
from p2pchat.node.effects import HoldingChanged
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.store.transaction import Reader, Transaction

_MAX_QUIET_S: Final = 366 * 86_400
_MAX_HOLDING_MEGABYTES: Final = 65_536
_MAX_FETCH_MEGABYTES: Final = 4096
_MAX_FILES_MEGABYTES: Final = 1024 * 1024


def settings_show(app: App, tx: Reader, params: s.Nothing) -> s.Settings:
    """See the table."""
    now = settings.get(tx)
    return s.Settings(
        read_receipts=now.read_receipts,
        typing=now.typing,
        mentions_only=now.mentions_only,
        quiet_until_ms=now.quiet_until_ms if now.quiet_until_ms > app.now_ms() else 0,
        fetch_megabytes=now.fetch_megabytes,
        files_megabytes=now.files_megabytes,
        holding_megabytes=now.holding_megabytes,
    )


def settings_set(app: App, tx: Transaction, params: s.SetSettings) -> s.Settings:
    """See the table."""
    given = {
        name: value
        for name, value in msgspec.structs.asdict(params).items()
        if value is not None and name != "quiet_s"
    }
    if params.quiet_s is not None:
        if not 0 <= params.quiet_s <= _MAX_QUIET_S:
            raise UsageError(f"quiet is kept for 0 to {_MAX_QUIET_S} seconds")
        given["quiet_until_ms"] = app.now_ms() + 1000 * params.quiet_s if params.quiet_s else 0
    for megabytes, most in (
        (params.fetch_megabytes, _MAX_FETCH_MEGABYTES),
        (params.files_megabytes, _MAX_FILES_MEGABYTES),
    ):
        if megabytes is not None and not 0 <= megabytes <= most:
            raise UsageError(f"files can have 0 to {most} MB")
    if params.holding_megabytes is not None:
        if not 0 <= params.holding_megabytes <= _MAX_HOLDING_MEGABYTES:
            raise UsageError(f"friends can be given 0 to {_MAX_HOLDING_MEGABYTES} MB")
        tx.effects.append(HoldingChanged(params.holding_megabytes))
    settings.put(tx, msgspec.structs.replace(settings.get(tx), **given))
    return settings_show(app, tx, s.Nothing())


QUERIES: Final[dict[str, Query]] = {"settings.show": settings_show}
CHANGES: Final[dict[str, Change]] = {"settings.set": settings_set}
