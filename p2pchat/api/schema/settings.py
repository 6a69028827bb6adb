"""What a person can switch on and off."""

from __future__ import annotations

from typing import Final

from p2pchat.api.schema.base import Method, Nothing, Params, Result


class Settings(Result):
    """All settings as they are."""

    read_receipts: bool  # contacts are told what I have read
    typing: bool  # connected contacts are told that I am typing, and I am told of them
    mentions_only: bool = False  # in groups I am notified only of what names or answers me
    quiet_until_ms: int = 0  # I am notified of nothing until then; 0: no such time
    fetch_megabytes: int = 8  # files up to this size are fetched unasked; 0: none
    files_megabytes: int = 2048  # what is fetched unasked never fills more of the disk
    holding_megabytes: int = 64  # that friends may leave here for others of them who are away; 0: none


class SetSettings(Params):
    """Change those that are given."""

    read_receipts: bool | None = None
    typing: bool | None = None
    mentions_only: bool | None = None
    quiet_s: int | None = None  # seconds from now; 0 ends it
    fetch_megabytes: int | None = None  # 0 to 4096
    files_megabytes: int | None = None  # 0 to 1048576
    holding_megabytes: int | None = None  # 0 to 65536


METHODS: Final[dict[str, Method]] = {
    "settings.show": Method(Nothing, Settings, "store", "What is switched on and off"),
    "settings.set": Method(SetSettings, Settings, "store", "Switch something on or off"),
}
