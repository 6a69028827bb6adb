"""Two households behind a NAT each, and a public server, as network namespaces of this machine.

    alice 192.168.1.2 ── router 203.0.113.11 ──┐
                                                ├── server 203.0.113.1
    bob   192.168.2.2 ── router 203.0.113.12 ──┘

The routers masquerade (Linux: one mapping per destination, ports kept) and let in nothing that was
not asked for, as home routers do.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FIREWALL = """
table inet household {
  chain mapped_forward { }
  chain mapped { }
  chain mapped_outgoing { }
  chain input { type filter hook input priority 0; iifname "wan" ct state new drop; }
  chain forward {
    type filter hook forward priority 0;
    jump mapped_forward
    iifname "wan" ct state new drop;
  }
  chain incoming { type nat hook prerouting priority -100; jump mapped; }
  chain outgoing { type nat hook postrouting priority 100; oifname "wan" masquerade; }
}
"""

# The external address is a public one, as UPnP clients refuse documentation addresses; nobody dials it.
UPNP = """
ext_ifname=wan
ext_ip=20.0.0.1
listening_ip=lan
enable_upnp=yes
enable_natpmp=no
secure_mode=yes
uuid=00000000-0000-4000-8000-000000000001
upnp_table_name=household
upnp_nat_table_name=household
upnp_forward_chain=mapped_forward
upnp_nat_chain=mapped
upnp_nat_postrouting_chain=mapped_outgoing
allow 1024-65535 0.0.0.0/0 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""


class World:
    """The namespaces, named after this process so that test runs do not meet."""

    def __init__(self) -> None:
        self._tag = f"p2p{os.getpid()}"
        self._processes: list[subprocess.Popen[str]] = []

    def name(self, place: str) -> str:
        return f"{self._tag}-{place}"

    def inside(self, place: str, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.name(place), *command]

    def run(self, place: str, *command: str, stdin: str | None = None) -> None:
        subprocess.run(self.inside(place, *command), input=stdin, text=True, check=True, capture_output=True)

    def build(self) -> None:
        for place in ("server", "router1", "router2", "alice", "bob"):
            _ip("netns", "add", self.name(place))
            self.run(place, "ip", "link", "set", "lo", "up")
        self.run("server", "ip", "link", "add", "internet", "type", "bridge")
        self.run("server", "ip", "link", "set", "internet", "up")
        self.run("server", "ip", "address", "add", "203.0.113.1/24", "dev", "internet")
        for number, person in ((1, "alice"), (2, "bob")):
            router = f"router{number}"
            self._cable("server", f"port{number}", router, "wan")
            self.run("server", "ip", "link", "set", f"port{number}", "master", "internet")
            self._cable(router, "lan", person, "eth0")
            self.run(router, "ip", "address", "add", f"203.0.113.1{number}/24", "dev", "wan")
            self.run(router, "ip", "address", "add", f"192.168.{number}.1/24", "dev", "lan")
            self.run(router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
            self.run(router, "nft", "-f", "-", stdin=FIREWALL)
            self.run(person, "ip", "address", "add", f"192.168.{number}.2/24", "dev", "eth0")
            self.run(person, "ip", "route", "add", "default", "via", f"192.168.{number}.1")

    def _cable(self, one: str, port: str, other: str, other_port: str) -> None:
        ends = ("type", "veth", "peer", "name", other_port, "netns", self.name(other))
        self.run(one, "ip", "link", "add", port, *ends)
        self.run(one, "ip", "link", "set", port, "up")
        self.run(other, "ip", "link", "set", other_port, "up")

    def start(self, place: str, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.inside(place, *command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._processes.append(process)
        return process

    def destroy(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()
        for place in ("alice", "bob", "router1", "router2", "server"):
            subprocess.run(["ip", "netns", "delete", self.name(place)], check=False, capture_output=True)


class Person:
    """A device that obeys commands (peer.py)."""

    def __init__(self, world: World, place: str, link: str, *options: str) -> None:
        script = str(Path(__file__).with_name("peer.py"))
        self._process = world.start(place, sys.executable, script, link, *options)
        self.device = self._answer()

    def ask(self, **command: str) -> object:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="session")
def can_build() -> None:
    """Skips where this user may not make namespaces, or the tools are missing."""
    probe = f"p2p{os.getpid()}-probe"
    try:
        _ip("netns", "add", probe)
        subprocess.run(
            ["ip", "netns", "exec", probe, "nft", "list", "ruleset"], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"network namespaces cannot be made here: {error}")
    finally:
        subprocess.run(["ip", "netns", "delete", probe], check=False, capture_output=True)


@pytest.fixture
def world(can_build: None) -> Iterator[World]:
    world = World()
    try:
        world.build()
        yield world
    finally:
        world.destroy()


@pytest.fixture
def server(world: World, tmp_path: Path) -> subprocess.Popen[str]:
    """The bootstrap node; its first line of output is the network's description."""
    options = ("run", "--home", str(tmp_path / "server"), "--name", "nat", "--json")
    command = (sys.executable, "-m", "p2pchat_bootstrap", *options, "--listen", "/ip4/203.0.113.1/tcp/4001")
    return world.start("server", *command)


@pytest.fixture
def person(world: World, server: subprocess.Popen[str]) -> Callable[..., Person]:
    assert server.stdout is not None
    link = json.loads(server.stdout.readline())["link"]
    return lambda place, *options: Person(world, place, link, *options)


@pytest.fixture
def upnp_router(world: World, tmp_path: Path) -> None:
    """Alice's router passes ports on when it is asked to (miniupnpd); skips where it is not installed."""
    daemon = shutil.which("miniupnpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if daemon is None:
        pytest.skip("needs miniupnpd: apt-get install miniupnpd")
    (tmp_path / "upnp.conf").write_text(UPNP)
    world.run("alice", "ip", "route", "add", "239.0.0.0/8", "dev", "eth0")
    world.start("router1", daemon, "-d", "-f", str(tmp_path / "upnp.conf"), "-P", str(tmp_path / "upnp.pid"))
