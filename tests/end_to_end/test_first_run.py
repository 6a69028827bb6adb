"""From nothing to a first message, as a newcomer types it."""

from __future__ import annotations

import sys
import time
from subprocess import run
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


def test_two_newcomers_talk_after_a_few_commands(new_person: Any, bootstrap: Any, link_of: Any) -> None:
    """Scenario 1: each is given one string, the network's link and an invite; no account, no address."""
    show = [sys.executable, "-m", "p2pchat_bootstrap", "show", "--home", str(bootstrap.network_file.parent)]
    network = run([*show, "--link"], capture_output=True, text=True, check=True).stdout.strip()
    ann, ben = (new_person(name, init=False) for name in ("ann", "ben"))
    began = time.monotonic()
    for person in (ann, ben):
        person.json("init", "--name", person.name)
        person.json("network", "join", network)
        person.launch()
    for person in (ann, ben):
        person.start()
    ben.json("contact", "add", link_of(ann))
    ann.knows("ben", "pending")
    ann.json("requests", "accept", "ben")
    ben.knows("ann", "accepted")
    sent = ben.json("send", "ann", "hello", "--ack", "delivered", "--timeout", "60")
    print(f"the first message after {time.monotonic() - began:.1f} s")
    assert sent["state"] == "delivered"
    ann.reads("ben", "hello")
    for person in (ann, ben):
        report = person("doctor")
        assert report.code == 0, report
