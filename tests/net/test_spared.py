"""Importing the network loads nothing of what is spared, and what is spared is not needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from p2pchat.net.spared import ABSENT

LOADED = """
import sys
import p2pchat.net.libp2p_network
print("\\n".join(name for name, module in sys.modules.items() if getattr(module, "__file__", None)))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_what_is_spared_is_not_loaded(loaded: set[str]) -> None:
    assert "libp2p.host.basic_host" in loaded
    for name in ABSENT:
        assert not [one for one in loaded if one == name or one.startswith(name + ".")]


def test_a_placeholder_says_what_it_stands_for() -> None:
    code = "import p2pchat.net, aioquic.tls as t; class_ = type('X', (t.Context,), {}); t.Context.Inner(1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError: aioquic.tls.Context.Inner is not loaded: p2pchat does without it" in done.stderr
