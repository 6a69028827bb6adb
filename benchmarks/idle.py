"""What an idle node with ten contacts sends and receives: real nodes on loopback, in virtual time.

`python -m benchmarks.idle [minutes]`; 270 minutes (two of this machine's) hold two renewals of its record
in the table. Counted are bytes as TCP carries them, both ways.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.figures import Sample
from p2pchat.testing.idle import measure

CONTACTS: Final = 10
MINUTES: Final = 90.0
HEADERS: Final = 78  # IPv4 and TCP with timestamps, and half of a packet that acknowledges two


def run(minutes: float = MINUTES) -> dict[str, float]:
    """The figures for `minutes`, in kB per 90 minutes."""
    counted = {name: value * MINUTES / minutes for name, value in measure(CONTACTS, minutes).items()}
    both = counted["sent_bytes"] + counted["received_bytes"]
    messages = counted["sent_messages"] + counted["received_messages"]
    return {
        f"kB in {MINUTES:.0f} min with {CONTACTS} contacts": both / 1000,
        "of them sent": counted["sent_bytes"] / 1000,
        "with headers of TCP and IP, and acknowledgements, about": (both + HEADERS * messages) / 1000,
    }


class Idleness:
    """The rig of an idle node: half an hour of virtual time, in which nothing is left to chance."""

    system = "p2pchat"

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Nothing is kept between rounds."""
        yield

    def round(self) -> Iterator[Sample]:
        """What it sends and receives in an hour."""
        counted = measure(CONTACTS, 30)
        yield Sample("idle_traffic_of_ten", 2 * (counted["sent_bytes"] + counted["received_bytes"]) / 1000)


if __name__ == "__main__":
    for title, value in run(*map(float, sys.argv[1:])).items():
        print(f"{title:60} {value:10.1f}")
