"""What a person can switch on and off."""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.store import meta
from p2pchat.store.transaction import Reader, Transaction

_KEY: Final = "settings"


class Settings(msgspec.Struct, frozen=True):
    """All settings, with their defaults; unknown ones of a newer version are dropped."""

    read_receipts: bool = True  # tell contacts in private chats what I have read
    typing: bool = True  # tell connected contacts that I am typing, and be told of them
    mentions_only: bool = False  # notify of private chats, and in groups only of what names or answers me
    quiet_until_ms: int = 0  # notify of nothing until then
    holding_megabytes: int = 64  # of what friends leave here for each other; 0: nothing is taken
    fetch_megabytes: int = 8  # files up to this size are fetched unasked; 0: none
    files_megabytes: int = 2048  # what is fetched unasked never fills more of the disk
    circulates: bool = False  # pass on payments of friends, and let debts in circles cancel out


def get(tx: Reader) -> Settings:
    """The settings as they are."""
    raw = meta.get(tx, _KEY)
    return msgspec.json.decode(raw, type=Settings) if raw else Settings()


def put(tx: Transaction, settings: Settings) -> None:
    """Change the settings."""
    meta.put(tx, _KEY, msgspec.json.encode(settings))
