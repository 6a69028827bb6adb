"""What an operator watches and turns while the node runs: real processes on loopback."""

import json
import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.end_to_end
LOOPBACK = "/ip4/127.0.0.1/tcp/0"
DEPLOY = Path(__file__).parents[2] / "bootstrap" / "deploy"

SETTINGS = """
name = "friends"
listen = ["/ip4/127.0.0.1/tcp/0"]
metrics = "127.0.0.1:0"
log = "json"
[limits]
connections = {connections}
"""


@pytest.fixture
def node(tmp_path, start):
    (tmp_path / "bootstrap.toml").write_text(SETTINGS.format(connections=100))
    return start(tmp_path)


def get(node, path: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{node.ready['metrics_port']}{path}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def metrics(node) -> dict[str, float]:
    status, text = get(node, "/metrics")
    assert status == 200
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def next_line(node) -> dict:
    return json.loads(node.process.stderr.readline())


def test_metrics_are_what_prometheus_reads(node) -> None:
    _, text = get(node, "/metrics")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert all(family.documentation and family.type in ("gauge", "counter") for family in families.values())
    assert families["p2pchat_relay_requests"].type == "counter"
    values = metrics(node)
    assert values["p2pchat_peers"] == 0
    assert values["p2pchat_connections_limit"] == 100
    assert values["process_resident_memory_bytes"] > 1_000_000


def test_a_node_says_that_it_is_healthy_and_nothing_else_is_there(node) -> None:
    assert get(node, "/health") == (200, "ok\n")
    assert get(node, "/etc/passwd")[0] == 404


@pytest.mark.parametrize("request_", [b"POST /metrics HTTP/1.1\r\n\r\n", b"\xff\r\n\r\n", b"x" * 9000])
def test_a_request_that_is_none_is_answered_and_forgotten(node, request_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", node.ready["metrics_port"]), timeout=10) as connection:
        connection.sendall(request_)
        answer = connection.recv(100)
    assert not answer or answer.startswith(b"HTTP/1.1 400 ")
    assert get(node, "/health")[0] == 200


def test_health_tells_whether_the_running_node_is_well(tmp_path, start, command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        endpoint = f"127.0.0.1:{probe.getsockname()[1]}"
    node = start(tmp_path, "--name", "friends", "--listen", LOOPBACK, "--metrics", endpoint)
    well = command("health", "--home", tmp_path)
    assert (well.returncode, well.stdout) == (0, "ok\n")
    node.stop()
    gone = command("health", "--home", tmp_path)
    assert gone.returncode == 3
    assert f"does not answer at {endpoint}" in gone.stderr
    assert gone.stderr.count("\n") == 1


def test_health_of_a_node_that_serves_none_is_no_guess(tmp_path, command) -> None:
    command("init", "--home", tmp_path, "--name", "friends")
    result = command("health", "--home", tmp_path)
    assert result.returncode == 1
    assert "serves no /health" in result.stderr


def test_dashboard_and_alerts_ask_for_nothing_that_the_node_does_not_tell(node) -> None:
    """Every metric, and every label that an expression names, is one of a running node's."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")  # so that something was dropped
        while stranger.recv(100):
            pass
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(get(node, "/metrics")[1]):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels, SCRAPED)
    for expression in expressions():
        names = re.findall(r"\b(?:p2pchat|process|up)\w*(?=[{\[ ]|$)", expression)
        assert names, expression
        by = {one.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for one in group.split(",")}
        matched = set(re.findall(r"(\w+)=", expression))
        for name in names:
            assert name == "up" or by | matched <= labels[name], expression


SCRAPED = {"job", "instance"}  # what Prometheus itself adds


def expressions() -> Iterator[str]:
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(targets) > 10
    yield from (target["expr"] for target in targets)
    rules = re.findall(r"^ *expr: (.+)$", (DEPLOY / "alerts.yml").read_text(), re.MULTILINE)
    assert rules
    yield from rules


def test_the_operators_guide_names_every_metric_and_no_other(node) -> None:
    guide = (DEPLOY.parents[1] / "docs" / "guide" / "operators.md").read_text()
    named = {name.partition("{")[0] for name in re.findall(r"`(p2pchat_\w+(?:\{\w+\})?)`", guide)}
    told = {line.split()[2] for line in get(node, "/metrics")[1].splitlines() if line.startswith("# TYPE")}
    assert {name for name in told if name.startswith("p2pchat_")} == named


def test_the_limits_are_read_again_on_hangup(tmp_path, node) -> None:
    assert "is up" in next_line(node)["message"]
    assert metrics(node)["p2pchat_mailbox_limit_bytes"] == 1_024_000_000
    limits = SETTINGS.format(connections="7\nmailbox_megabytes = 5")
    (tmp_path / "bootstrap.toml").write_text(limits)
    node.process.send_signal(signal.SIGHUP)
    assert "read again" in next_line(node)["message"]
    values = metrics(node)
    assert (values["p2pchat_connections_limit"], values["p2pchat_mailbox_limit_bytes"]) == (7, 5_000_000)


def test_limits_that_cannot_be_used_leave_the_old_ones(tmp_path, node) -> None:
    next_line(node)
    (tmp_path / "bootstrap.toml").write_text(SETTINGS.format(connections='"many"'))
    node.process.send_signal(signal.SIGHUP)
    line = next_line(node)
    assert line["level"] == "error"
    assert "The old limits stay" in line["message"]
    assert metrics(node)["p2pchat_connections_limit"] == 100


def test_a_change_that_needs_a_restart_is_named(tmp_path, node) -> None:
    next_line(node)
    (tmp_path / "bootstrap.toml").write_text(SETTINGS.format(connections=7).replace("friends", "strangers"))
    node.process.send_signal(signal.SIGHUP)
    next_line(node)
    assert "need a restart" in next_line(node)["message"]


def test_the_service_manager_is_told(tmp_path, start, monkeypatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        node = start(tmp_path / "home", "--name", "friends", "--listen", LOOPBACK)
        assert manager.recv(100) == b"READY=1"
        node.stop()
        assert manager.recv(100) == b"STOPPING=1"


def test_a_taken_metrics_port_is_named_in_one_sentence(tmp_path, command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "bootstrap.toml").write_text(
            SETTINGS.format(connections=7).replace("127.0.0.1:0", endpoint)
        )
        result = command("run", "--home", tmp_path)
    assert result.returncode == 3
    assert result.stderr.count("\n") == 1
    assert f"Cannot serve metrics on {endpoint}" in result.stderr
