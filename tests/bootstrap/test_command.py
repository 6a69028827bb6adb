"""The command as an operator uses it: real processes, real sockets on loopback."""

import signal
import socket
import stat
import subprocess
import sys

import pytest

from p2pchat.config import NetworkFile

pytestmark = pytest.mark.end_to_end
LOOPBACK = "/ip4/127.0.0.1/tcp/0"


def test_a_node_hands_out_its_network_and_ends_well(tmp_path, start, command) -> None:
    node = start(tmp_path, "--name", "friends", "--listen", LOOPBACK)
    network = NetworkFile.read(tmp_path / "network.toml")
    assert network.name == "friends"
    assert list(network.bootstrap) == node.ready["addresses"]
    assert NetworkFile.parse(node.ready["link"]) == network
    assert command("show", "--home", tmp_path).stdout == network.to_toml()
    assert command("show", "--home", tmp_path, "--link").stdout == network.to_link() + "\n"
    code, log = node.stop(signal.SIGINT)
    assert code == 0
    assert "is up" in log
    assert log.rstrip().endswith("Stopped.")


def test_a_node_keeps_its_identity_and_settings_over_a_restart(tmp_path, start) -> None:
    first = start(tmp_path, "--name", "friends", "--listen", LOOPBACK)
    first.stop(signal.SIGKILL)
    second = start(tmp_path)
    assert second.ready["device"] == first.ready["device"]
    assert second.ready["network"] == "friends"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert second.stop()[0] == 0


def test_a_node_can_be_set_up_before_it_runs(tmp_path, start, command) -> None:
    made = command("init", "--home", tmp_path, "--name", "friends", "--listen", LOOPBACK)
    assert made.returncode == 0
    key = (tmp_path / "key").read_bytes()
    again = command("init", "--home", tmp_path, "--name", "others")
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert start(tmp_path).ready["network"] == "friends"
    assert (tmp_path / "key").read_bytes() == key


def test_announced_addresses_are_what_is_handed_out(tmp_path, start) -> None:
    node = start(
        tmp_path, "--name", "friends", "--listen", LOOPBACK, "--announce", "/dns4/boot.example.org/tcp/4001"
    )
    (address,) = node.ready["addresses"]
    assert address.startswith("/dns4/boot.example.org/tcp/4001/p2p/12D3KooW")


def test_a_network_with_a_key_hands_it_out_but_never_logs_it(tmp_path, start) -> None:
    (tmp_path / "psk").write_text("cd" * 32)
    home = tmp_path / "home"
    node = start(home, "--name", "friends", "--listen", LOOPBACK, "--psk-file", str(tmp_path / "psk"))
    assert NetworkFile.read(home / "network.toml").pre_shared_key == "cd" * 32
    assert stat.S_IMODE((home / "network.toml").stat().st_mode) == 0o600
    code, log = node.stop()
    assert code == 0
    assert "cdcd" not in log


def test_two_nodes_cannot_share_a_home(tmp_path, start, command) -> None:
    start(tmp_path, "--name", "friends", "--listen", LOOPBACK)
    second = command("run", "--home", tmp_path)
    assert second.returncode == 3
    assert second.stderr.startswith(f"p2pchat-bootstrap: {tmp_path} is in use by process ")


def test_a_port_in_use_is_named_in_one_sentence(tmp_path, command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"/ip4/127.0.0.1/tcp/{taken.getsockname()[1]}"
        result = command("run", "--home", tmp_path, "--name", "friends", "--listen", address)
    assert result.returncode == 3
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert address in result.stderr
    assert "in use" in result.stderr


def test_two_nodes_cannot_share_a_port(tmp_path, start, command) -> None:
    first = start(tmp_path / "one", "--name", "friends", "--listen", LOOPBACK)
    address = f"/ip4/127.0.0.1/tcp/{first.port}"
    second = command("run", "--home", tmp_path / "two", "--name", "friends", "--listen", address)
    assert second.returncode == 3
    assert "in use" in second.stderr


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["run"], 1, "needs the network's name"),
        (["run", "--name", "Big Friends"], 1, "not a network name"),
        (["run", "--name", "friends", "--listen", "0.0.0.0:4001"], 1, "not a listen address"),
        (["run", "--name", "friends", "--announce", "boot.example.org"], 1, "not an address like"),
        (["run", "--name", "friends", "--psk-file", "/nonexistent"], 1, "cannot be read"),
        (["show"], 1, "No bootstrap node has run"),
        (["check-config"], 1, "There is no bootstrap.toml"),
    ],
)
def test_bad_input_gets_one_clear_sentence(tmp_path, command, options, code, reason) -> None:
    result = command(*options, "--home", tmp_path)
    assert result.returncode == code
    assert result.stdout == ""
    assert result.stderr.startswith("p2pchat-bootstrap: ")
    assert result.stderr.count("\n") == 1
    assert reason in result.stderr
    assert not (tmp_path / "key").exists()


def test_a_home_that_cannot_be_made_gets_one_clear_sentence(tmp_path, command) -> None:
    (tmp_path / "file").write_text("")
    result = command("run", "--home", tmp_path / "file", "--name", "friends")
    assert result.returncode == 3
    assert "cannot be made" in result.stderr


def test_a_damaged_identity_is_not_replaced(tmp_path, command) -> None:
    (tmp_path / "key").write_bytes(b"short")
    result = command("run", "--home", tmp_path, "--name", "friends", "--listen", LOOPBACK)
    assert result.returncode == 3
    assert "not the identity" in result.stderr
    assert (tmp_path / "key").read_bytes() == b"short"


def test_settings_are_checked_without_starting_anything(tmp_path, start, command) -> None:
    start(tmp_path, "--name", "friends", "--listen", LOOPBACK).stop()
    good = command("check-config", "--home", tmp_path)
    assert good.returncode == 0
    assert "network friends" in good.stdout
    with (tmp_path / "bootstrap.toml").open("a") as file:
        file.write("colour = 1\n")
    bad = command("check-config", "--home", tmp_path)
    assert bad.returncode == 1
    assert "unknown key: 'colour'" in bad.stderr


def test_what_does_not_run_a_node_loads_no_network_stack() -> None:
    script = "import sys, p2pchat_bootstrap.main; print({'trio', 'libp2p'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


def test_help_shows_how_to_use_the_command(command) -> None:
    result = command("--help")
    assert result.returncode == 0
    assert "Example: p2pchat-bootstrap run" in result.stdout
