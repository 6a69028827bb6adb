"""The records a node keeps for others: bounded, newest wins, nearest stay."""

from __future__ import annotations

from typing import Final

from p2pchat.core.ids import DeviceId
from p2pchat.net.dht.record import AddressRecord, distance, position

DEFAULT_LIMIT: Final = 10_000
"""Records; 20 MB at most."""
PER_SENDER: Final = 64
"""Records that one peer may leave here: it needs one for itself, and hands on a few."""


class Shelf:
    """Records by position. When full, the farthest from ourselves goes: nearer nodes keep it too."""

    def __init__(self, own: DeviceId, limit: int = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self._position = position(own)
        self._records: dict[bytes, tuple[AddressRecord, DeviceId]] = {}
        self._sent: dict[DeviceId, int] = {}

    def __len__(self) -> int:
        return len(self._records)

    def put(self, record: AddressRecord, sender: DeviceId, now_ms: int) -> bool:
        """Keep `record` from `sender`; False if it is out of date, older than ours, or there is no room."""
        if not record.is_current(now_ms):
            return False
        key = position(record.device)
        known = self._records.get(key)
        if known is not None and known[0].issued_ms >= record.issued_ms:
            return known[0].encoded == record.encoded
        if known is None and not self._make_room(key, sender, now_ms):
            return False
        self._drop(key)
        self._records[key] = (record, sender)
        self._sent[sender] = self._sent.get(sender, 0) + 1
        return True

    def get(self, key: bytes, now_ms: int) -> AddressRecord | None:
        """The current record at `key`, if we have one."""
        known = self._records.get(key)
        return known[0] if known is not None and known[0].is_current(now_ms) else None

    def expire(self, now_ms: int) -> None:
        """Let go of what is out of date."""
        for key in [key for key, (record, _) in self._records.items() if not record.is_current(now_ms)]:
            self._drop(key)

    def _make_room(self, key: bytes, sender: DeviceId, now_ms: int) -> bool:
        if self._sent.get(sender, 0) >= PER_SENDER:
            return False
        if len(self._records) < self.limit:
            return True
        self.expire(now_ms)
        if len(self._records) < self.limit:
            return True
        farthest = max(self._records, key=lambda other: distance(other, self._position))
        if distance(key, self._position) >= distance(farthest, self._position):
            return False
        self._drop(farthest)
        return True

    def _drop(self, key: bytes) -> None:
        known = self._records.pop(key, None)
        if known is None:
            return
        sender = known[1]
        self._sent[sender] -= 1
        if not self._sent[sender]:
            del self._sent[sender]
