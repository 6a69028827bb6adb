"""A live network on this machine: one bootstrap node and three people, each a process of its own.

They become contacts, chat, lose one of them to a kill -9 and get him back, form a group, split a bill
and look at what they owe each other. Everything goes through the commands a person would type. Ends
with an error if anything expected did not happen. On a terminal the network then stays, to be looked
at in a browser and joined from another terminal, until Ctrl-C.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

BIN: Final = Path(sys.executable).parent
PATIENCE_S: Final = 30.0
LISTEN: Final = "/ip4/127.0.0.1/tcp/0"
BOLD, DIM, GREEN, RED, PLAIN = (
    ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m")
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ
    else ("", "", "", "", "")
)
_began = time.monotonic()


class DemoFailedError(Exception):
    """Something expected did not happen."""


def say(who: str, text: str) -> None:
    """One line of the transcript."""
    print(f"{DIM}{time.monotonic() - _began:6.2f}s{PLAIN}  {BOLD}{who:<9}{PLAIN} {text}", flush=True)


def headline(text: str) -> None:
    """The next part of the story."""
    print(f"\n{GREEN}{text}{PLAIN}", flush=True)


def wait_for(what: str, check: Callable[[], Any]) -> Any:
    """What `check` gives once it gives something."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise DemoFailedError(f"waited {PATIENCE_S:.0f} s in vain for {what}")


def together(act: Callable[[Person], None], people: Iterable[Person]) -> None:
    """Have all people do something at the same time."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(act, people))


class Person:
    """A profile, its running node, and the commands typed in it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.home = folder / name
        self.node: subprocess.Popen[bytes] | None = None

    def run(self, *words: str) -> Any:
        """The result of a p2pchat command."""
        command = [BIN / "p2pchat", "--home", self.home, "--json", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoFailedError(f"{self.name}: p2pchat {' '.join(words)}: {done.stderr.strip()}")
        return json.loads(done.stdout.splitlines()[-1])["result"]

    def begin(self, network_file: Path) -> None:
        """Make the profile, belong to the network, and go online."""
        identity = self.run("init", "--name", self.name.capitalize())
        self.run("network", "join", str(network_file))
        say(self.name, f"has keys and an encrypted store; fingerprint {identity['fingerprint']}")
        self.start()
        say(self.name, "is online")

    def start(self) -> None:
        """Start the node, and wait until it answers."""
        log = (self.home / "demo.log").open("ab")
        self.node = subprocess.Popen([BIN / "p2pchat", "--home", self.home, "run"], stdout=log, stderr=log)
        wait_for(f"{self.name}'s node", lambda: self.run("status")["running"])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the node."""
        if self.node is not None:
            self.node.send_signal(how)
            self.node.wait(10)
            self.node = None

    def send(self, to: str, text: str) -> str:
        """Write a message; gives its id."""
        sent = self.run("send", to, text)
        say(self.name, f"→ {to}: {text}  {DIM}[{sent['state']}]{PLAIN}")
        return str(sent["id"])

    def wait_state(self, message: str, state: str) -> None:
        """Wait until a message of ours has come as far as `state`."""
        wait_for(f"'{state}' of {self.name}'s message", lambda: self.state(message) == state)
        say(self.name, f"{DIM}the message is {state}{PLAIN}")

    def state(self, message: str) -> str:
        """How far a message of ours has come."""
        return str(self.run("msg", "show", message)["state"])

    def texts(self, chat: str) -> list[str]:
        """The words of a chat, oldest first."""
        return [one["text"] for one in self.run("history", chat)["messages"] if one["kind"] == "text"]

    def expect(self, chat: str, text: str) -> None:
        """Wait until a text is there to read."""
        wait_for(f"{self.name} to read '{text}'", lambda: text in self.texts(chat))
        say(self.name, f"reads in {chat}: {text}")


@contextmanager
def network(folder: Path) -> Iterator[tuple[Person, Person, Person]]:
    """A bootstrap node and three people with running nodes; all ended at the end."""
    home = folder / "bootstrap"
    home.mkdir()
    with (home / "log").open("wb") as log:
        bootstrap = subprocess.Popen(
            [BIN / "p2pchat-bootstrap", "run", "--home", home, "--name", "demo", "--listen", LISTEN],
            stdout=log,
            stderr=log,
        )
        people = [Person(name, folder) for name in ("alice", "bob", "carol")]
        try:
            wait_for("the bootstrap node", (home / "network.toml").exists)
            say("bootstrap", "runs; its network file is handed out")
            together(lambda person: person.begin(home / "network.toml"), people)
            yield people[0], people[1], people[2]
        finally:
            for person in people:
                if person.node is not None:
                    person.node.kill()
                    person.node.wait(10)
            bootstrap.terminate()
            bootstrap.wait(10)


def befriend(host: Person, guest: Person) -> None:
    """`guest` asks through `host`'s invite link; `host` accepts."""
    link = host.run("invite", "--no-qr")["link"]
    guest.run("contact", "add", link, "--name", host.name)
    say(guest.name, f"adds {host.name} by the invite link ({len(link)} letters)")
    asked = wait_for(f"{guest.name}'s request", lambda: host.run("requests", "list")["contacts"])
    host.run("requests", "accept", asked[0]["person"], "--name", guest.name)
    say(host.name, f"accepts the request of {guest.name}")
    wait_for("the acceptance", lambda: guest.run("contact", "show", host.name)["state"] == "accepted")
    numbers = [
        host.run("contact", "show", guest.name)["safety_number"],
        guest.run("contact", "show", host.name)["safety_number"],
    ]
    if numbers[0] != numbers[1]:
        raise DemoFailedError("the two safety numbers differ")
    say("both", f"see the safety number {numbers[0][:35]}…")


def story(alice: Person, bob: Person, carol: Person) -> None:
    """What happens."""
    headline("Becoming contacts")
    befriend(alice, bob)
    befriend(alice, carol)
    befriend(bob, carol)

    headline("A private chat, end-to-end encrypted")
    alice.wait_state(alice.send("bob", "Are you free on Saturday?"), "delivered")
    bob.expect("alice", "Are you free on Saturday?")
    bob.wait_state(bob.send("alice", "Yes! Shall we take Carol along?"), "delivered")

    headline("Carol's node is killed (kill -9); messages wait, and arrive once and in order")
    carol.stop(signal.SIGKILL)
    say("carol", "is gone")
    waiting = [alice.send("carol", f"Saturday, part {number}") for number in (1, 2, 3)]
    if {alice.state(message) for message in waiting} != {"queued"}:
        raise DemoFailedError("a message to somebody who is away is not shown as queued")
    carol.start()
    say("carol", "is back")
    alice.wait_state(waiting[-1], "delivered")
    if carol.texts("alice") != [f"Saturday, part {number}" for number in (1, 2, 3)]:
        raise DemoFailedError(f"carol reads {carol.texts('alice')}")
    say("carol", "reads all three, in order, once")

    headline("A group")
    alice.run("group", "create", "trip")
    for guest in (bob, carol):
        alice.run("group", "invite", "trip", guest.name)
        wait_for(f"{guest.name}'s invitation", lambda one=guest: one.run("group", "list")["groups"])
        guest.run("group", "accept", "trip")
    for person in (alice, bob, carol):
        wait_for(
            f"{person.name} to see three members",
            lambda one=person: len(one.run("group", "show", "trip")["members"]) == 3,
        )
    say("all", "see the same three members of #trip")
    first = alice.send("#trip", "Train at 9:10, platform 4")
    bob.expect("#trip", "Train at 9:10, platform 4")
    carol.expect("#trip", "Train at 9:10, platform 4")
    alice.wait_state(first, "delivered")

    headline("Bob misses a message, and gets it from Carol while Alice, who wrote it, is away")
    bob.stop()
    missed = alice.send("#trip", "Change of plan: 10:40, platform 2")
    carol.expect("#trip", "Change of plan: 10:40, platform 2")
    wait_for("a first delivery", lambda: alice.state(missed) == "delivered 1/2")
    say("alice", f"{DIM}the message is delivered 1/2{PLAIN}")
    alice.stop()
    bob.start()
    bob.expect("#trip", "Change of plan: 10:40, platform 2")
    alice.start()

    headline("Splitting a bill")
    bill = alice.run("split", "trip", "50.00", "EUR", "dinner")
    say("alice", f"paid {bill['total']} for dinner; her own share is {bill['own_share']}")
    for guest in (bob, carol):
        asked = wait_for(f"the request to {guest.name}", lambda one=guest: requests_to(one))[0]
        guest.run("iou", "accept", asked["id"])
        say(guest.name, f"signs for {asked['amount']} ({asked['note']})")
    wait_for("both signatures", lambda: signed_shares(alice))
    say("alice", "has both signatures; her node accepts what she asked for")
    bob.run("pay", "carol", "12.50", "EUR", "ticket")
    say("bob", "owes carol 12.50 EUR for a ticket, and signs it")
    offer = wait_for("bob's IOU", lambda: open_offers(carol))[0]
    carol.run("iou", "accept", offer["id"])
    balances = wait_for("equal balances on all sides", lambda: settled(alice, bob, carol))
    for name, lines in balances.items():
        say(name, "; ".join(f"{line['who']} {line['amount']}" for line in lines))


def requests_to(person: Person) -> list[dict[str, Any]]:
    """Requests that `person` has to answer."""
    return [one for one in open_offers(person) if one["kind"] == "request"]


def open_offers(person: Person) -> list[dict[str, Any]]:
    """What `person` has to decide about."""
    return [one for one in person.run("iou", "list")["ious"] if one["mine_to_decide"]]


def signed_shares(person: Person) -> list[dict[str, Any]]:
    """The two IOUs that answer a split, once both are signed by both sides."""
    signed = [one for one in person.run("iou", "list")["ious"] if one["state"] == "binding"]
    return signed if len(signed) == 2 else []


def settled(*people: Person) -> dict[str, list[dict[str, Any]]]:
    """All balances, once nothing is open and they sum to zero."""
    found = {person.name: person.run("balance")["balances"] for person in people}
    lines = [line for listed in found.values() for line in listed]
    done = (
        len(lines) == 6
        and not any(line["open_offers"] for line in lines)
        and sum(line["minor"] for line in lines) == 0
    )
    return found if done else {}


def stay(*people: Person) -> None:
    """Keep the network until Ctrl-C, for the person to look at."""
    print(
        "The network stays until Ctrl-C. Each of them has a page (a link opens once, within five minutes):\n"
    )
    for person in people:
        print(f"  {BOLD}{person.name:<6}{PLAIN} {person.run('web', '--no-open')['link']}")
    home = people[0].home
    print(f"\nOr be {people[0].name} in another terminal:\n")
    print(f"  {BIN / 'p2pchat'} --home {home} chats")
    print(f"  {BIN / 'p2pchat'} --home {home} tui\n", flush=True)
    with suppress(KeyboardInterrupt):
        signal.pause()
    print()


def main() -> int:
    """Run the story; 0 if everything happened."""
    folder = Path(tempfile.mkdtemp(prefix="p2pchat-demo-"))
    try:
        with network(folder) as people:
            story(*people)
            seconds = time.monotonic() - _began
            print(f"\n{GREEN}Everything happened as it should, in {seconds:.1f} s.{PLAIN}\n")
            if sys.stdin.isatty() and sys.stdout.isatty():
                stay(*people)
    except (DemoFailedError, subprocess.TimeoutExpired) as error:
        print(f"\n{RED}The demo failed: {error}{PLAIN}", file=sys.stderr)
        print(f"The nodes' logs are in {folder}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        return 130
    shutil.rmtree(folder)
    print(BY_HAND)
    return 0


BY_HAND: Final = """By hand, in two terminals (`. .venv/bin/activate` first in each):

  p2pchat-bootstrap run --home /tmp/boot --name friends --listen /ip4/127.0.0.1/tcp/4001 &
  export P2PCHAT_HOME=/tmp/ann                  export P2PCHAT_HOME=/tmp/ben
  p2pchat init --name Ann                       p2pchat init --name Ben
  p2pchat network join /tmp/boot/network.toml   p2pchat network join /tmp/boot/network.toml
  p2pchat run --detach                          p2pchat run --detach
  p2pchat invite                                p2pchat contact add LINK
  p2pchat requests accept ben                   p2pchat chat ann
  p2pchat chat ben                              p2pchat pay ann 12.50 EUR "pizza"
"""

if __name__ == "__main__":
    sys.exit(main())
