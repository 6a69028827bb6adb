"""Two people behind two NATs, and a public node in between: real kernels' NAT, real processes."""

import subprocess
import time
from collections.abc import Callable

import pytest

pytestmark = [pytest.mark.nat, pytest.mark.end_to_end]

PATIENCE_S = 45


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"did not happen in {PATIENCE_S} s: {what}")
        time.sleep(0.2)


def is_direct(state: dict, device: str) -> bool:
    return any("p2p-circuit" not in address for address in state["peers"].get(device, ()))


def test_two_people_behind_nats_meet_and_outlive_the_relay(
    person, server: subprocess.Popen[str], record_property
) -> None:
    alice, bob = person("alice"), person("bob")
    for each in (alice, bob):
        until(lambda each=each: each.ask(do="state")["reachability"] == "private", "a verdict")
        until(lambda each=each: "p2p-circuit" in str(each.ask(do="state")["addresses"]), "a reservation")

    until(lambda: alice.ask(do="connect", to=bob.device) == "connected", "alice reaches bob")
    assert alice.ask(do="send", to=bob.device, text="hello bob") == "hello bob"
    assert bob.ask(do="send", to=alice.device, text="hello alice") == "hello alice"

    deadline = time.monotonic() + 30
    while not (punched := is_direct(alice.ask(do="state"), bob.device)) and time.monotonic() < deadline:
        time.sleep(0.2)
    record_property("hole_punched", punched)
    print(f"\nhole punch succeeded: {punched}")

    server.kill()
    server.wait()
    if punched:
        for number in range(3):
            assert alice.ask(do="send", to=bob.device, text=f"alone {number}") == f"alone {number}"
            assert bob.ask(do="send", to=alice.device, text=f"alone {number}") == f"alone {number}"
    else:
        until(lambda: bob.device not in alice.ask(do="state")["peers"], "alice notices")


def test_a_router_that_maps_the_port_makes_a_person_reachable(person, upnp_router: None) -> None:
    alice, bob = person("alice", "--port-mapping"), person("bob")
    until(lambda: alice.ask(do="state")["reachability"] == "public", "alice is reachable")
    assert "/ip4/203.0.113.11/tcp/4001" in alice.ask(do="state")["addresses"]
    until(lambda: bob.ask(do="connect", to=alice.device) == "connected", "bob reaches alice")
    assert bob.ask(do="send", to=alice.device, text="no relay") == "no relay"
    assert is_direct(bob.ask(do="state"), alice.device)


def test_a_machine_that_is_carried_into_another_network_is_back_within_seconds(
    world, person, record_property
) -> None:
    alice = person("alice")
    until(lambda: alice.ask(do="state")["peers"], "alice meets the server")
    world.run("alice", "ip", "address", "flush", "dev", "eth0")  # the default route goes with it
    left = time.monotonic()
    until(lambda: not alice.ask(do="state")["peers"], "alice notices that she is alone")
    noticed = time.monotonic() - left
    world.run("alice", "ip", "address", "add", "192.168.1.77/24", "dev", "eth0")
    world.run("alice", "ip", "route", "add", "default", "via", "192.168.1.1")
    came = time.monotonic()
    until(lambda: alice.ask(do="state")["peers"], "alice meets the server again")
    back = time.monotonic() - came
    record_property("noticed_s", noticed)
    record_property("back_s", back)
    print(f"\nnoticed after {noticed:.1f} s, back after {back:.1f} s")
    assert noticed < 15  # an idle connection would be asked every two minutes
    assert back < 10
    until(lambda: alice.ask(do="state")["changes"] >= 2, "alice knows that she has moved")
