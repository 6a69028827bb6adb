"""How good or bad the simulated network is."""

from __future__ import annotations

import random
from dataclasses import dataclass

RETRANSMIT_S = 0.25  # what a lost packet costs a stream; TCP's timer doubles from about here
LONGEST_RETRANSMIT_S = 8.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """Delays in seconds, chances from 0 to 1; drawn anew for every packet."""

    latency_s: tuple[float, float] = (0.005, 0.08)
    loss: float = 0.0  # of a packet of a stream, which then comes late, for streams are reliable
    gossip_loss: float = 0.1
    gossip_copies: int = 2  # at most so many of each payload arrive
    gossip_delay_s: float = 2.0  # at most, so that payloads overtake each other
    notice_s: tuple[float, float] = (0.0, 15.0)  # until an end notices that a connection is dead
    disk_s: float = 0.004  # at most, before a commit that finds the disk busy begins
    repeats: float = 0.0  # chance that what a device sends over direct/1 is sent twice
    is_taped: bool = False  # whether what goes over direct/1 is kept in `SimNet.tape`

    def latency(self, chances: random.Random) -> float:
        """How long a packet of a stream takes, its retransmissions included."""
        delay, timer = chances.uniform(*self.latency_s), RETRANSMIT_S
        while chances.random() < self.loss:
            delay += timer
            timer = min(2 * timer, LONGEST_RETRANSMIT_S)
        return delay
