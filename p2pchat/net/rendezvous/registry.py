"""What a rendezvous point remembers: one record for each device, for a while. Values and numbers only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import tagged_hash

DEFAULT_TTL_S: Final = 2 * 3600
SHORTEST_TTL_S: Final = 60
LONGEST_TTL_S: Final = 72 * 3600  # what may be asked for, by the specification
GRANTED_TTL_S: Final = 6 * 3600  # what is given at most
_SERIAL_SIZE: Final = 8


@dataclass(frozen=True, slots=True)
class Registration:
    """A signed record in its namespace."""

    namespace: str
    device: DeviceId
    record: bytes
    seq: int  # of the record: an older one does not replace it
    serial: int  # of the registration, at this point
    until: float


class Registry:
    """At most `limit` registrations; `is_here` says whether a device is connected and so keeps its place."""

    def __init__(self, limit: int, is_here: Callable[[DeviceId], bool], secret: bytes) -> None:
        self.limit = limit
        self._is_here = is_here
        self._secret = secret  # marks cookies as ours
        self._serial = 0
        self._kept: dict[str, Registration] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def register(
        self, namespace: str, device: DeviceId, record: bytes, seq: int, ttl_s: int, now: float
    ) -> int | None:
        """Keep the record; the seconds for which it is kept, or None if there is no room."""
        known = self._kept.get(namespace)
        if known is not None and known.seq > seq and known.until > now:
            return int(known.until - now)
        if known is None and not self._make_room(now):
            return None
        self._serial += 1
        granted = min(ttl_s, GRANTED_TTL_S)
        self._kept.pop(namespace, None)
        self._kept[namespace] = Registration(namespace, device, record, seq, self._serial, now + granted)
        return granted

    def unregister(self, namespace: str) -> None:
        """Forget what is registered there."""
        self._kept.pop(namespace, None)

    def discover(self, namespace: str, cookie: bytes, now: float) -> Registration | None:
        """What is registered there, unless that was so when `cookie` was given out.

        Raises:
            ValueError: the cookie is none of ours for this namespace.
        """
        since = self._serial_in(cookie, namespace) if cookie else 0
        known = self._kept.get(namespace)
        if known is None or known.until <= now or known.serial <= since:
            return None
        return known

    def cookie(self, namespace: str) -> bytes:
        """Stands for all registrations in the namespace so far."""
        serial = self._serial.to_bytes(_SERIAL_SIZE, "big")
        return serial + self._mark(serial, namespace)

    def _serial_in(self, cookie: bytes, namespace: str) -> int:
        serial, mark = cookie[:_SERIAL_SIZE], cookie[_SERIAL_SIZE:]
        if mark != self._mark(serial, namespace):
            raise ValueError("not our cookie")
        return int.from_bytes(serial, "big")

    def _mark(self, serial: bytes, namespace: str) -> bytes:
        return tagged_hash("rendezvous cookie", self._secret, serial, namespace.encode())[:_SERIAL_SIZE]

    def _make_room(self, now: float) -> bool:
        if len(self._kept) < self.limit:
            return True
        for namespace, one in list(self._kept.items()):
            if one.until <= now:
                del self._kept[namespace]
        if len(self._kept) < self.limit:
            return True
        for namespace, one in self._kept.items():
            if not self._is_here(one.device):
                del self._kept[namespace]
                return True
        return False
