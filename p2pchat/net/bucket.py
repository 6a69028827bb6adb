"""A token bucket: so much per second, and a burst on top."""

from __future__ import annotations

from collections import OrderedDict

from p2pchat.core.ids import DeviceId


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` of them per second; time comes as an argument."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, amount: float, now: float) -> bool:
        """Take `amount` if it is there."""
        self._refill(now)
        if self._tokens < amount:
            return False
        self._tokens -= amount
        return True

    def owe(self, amount: float, now: float) -> float:
        """Take `amount` in any case; the seconds to wait until the bucket is not in debt."""
        self._refill(now)
        self._tokens -= amount
        return max(0.0, -self._tokens / self._rate)

    def _refill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now


class PeerBuckets:
    """A bucket for each peer; of very many, those that were used last."""

    def __init__(self, rate: float, burst: float, *, most: int = 4096) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: OrderedDict[DeviceId, TokenBucket] = OrderedDict()

    def take(self, peer: DeviceId, now: float) -> bool:
        """Take one token of `peer` if it is there."""
        bucket = self._buckets.pop(peer, None) or TokenBucket(self._rate, self._burst, now)
        self._buckets[peer] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket.take(1, now)
