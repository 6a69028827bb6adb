"""What a relay gives away, and the books that keep it within that. Values and numbers only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from p2pchat.core.ids import DeviceId


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """A relay's generosity. The defaults suit a small public server."""

    reservations: int = 512
    """Devices that may be called through us."""
    reservation_s: int = 3600
    """For how long, unless renewed; it also ends with the device's connection to us."""
    circuits: int = 256
    """Relayed connections at a time."""
    circuits_per_device: int = 16
    """Of these, the most that any one device may have, as caller or called."""
    circuit_s: int = 4 * 3600
    """How long one relayed connection may last."""
    circuit_bytes: int = 256 * 1024 * 1024
    """What one relayed connection may carry, both ways together."""
    bytes_per_second: int = 1024 * 1024
    """How fast, both ways together; faster senders are slowed down."""


class Reservations:
    """Who may be called through us, and until when (seconds on the caller's clock)."""

    def __init__(self) -> None:
        self._until: dict[DeviceId, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def reserve(self, device: DeviceId, limits: RelayLimits, now: float) -> float | None:
        """Reserve for `device`, or renew; when it ends, or None if there is no room."""
        if device not in self._until and len(self._until) >= limits.reservations:
            self._until = {other: until for other, until in self._until.items() if until > now}
            if len(self._until) >= limits.reservations:
                return None
        self._until[device] = now + limits.reservation_s
        return self._until[device]

    def holds(self, device: DeviceId, now: float) -> bool:
        """Whether `device` has a reservation at `now`."""
        return self._until.get(device, now) > now

    def release(self, device: DeviceId) -> None:
        """`device` is gone."""
        self._until.pop(device, None)


class Circuits:
    """How many relayed connections there are, and whose."""

    def __init__(self) -> None:
        self.total = 0
        self._of: Counter[DeviceId] = Counter()

    def open(self, caller: DeviceId, called: DeviceId, limits: RelayLimits) -> bool:
        """Count one more between the two; False if that is beyond the limits."""
        busiest = max(self._of[caller], self._of[called])
        if self.total >= limits.circuits or busiest >= limits.circuits_per_device:
            return False
        self.total += 1
        self._of.update((caller, called))
        return True

    def close(self, caller: DeviceId, called: DeviceId) -> None:
        """One between the two has ended."""
        self.total -= 1
        self._of.subtract((caller, called))
        self._of = +self._of  # drops the zeros


class Meter:
    """What one circuit has carried: when it must end, and how long to wait meanwhile."""

    def __init__(self, limits: RelayLimits, now: float) -> None:
        self._left = limits.circuit_bytes
        self._rate = limits.bytes_per_second
        self._free_at = now

    def take(self, size: int, now: float) -> float | None:
        """Seconds to wait before the next bytes, after `size` have passed; None if that was too much.

        A second's worth may come at once, so that a short exchange is never slowed down.
        """
        self._left -= size
        if self._left < 0:
            return None
        self._free_at = max(self._free_at, now) + size / self._rate
        return max(0.0, self._free_at - now - 1.0)
