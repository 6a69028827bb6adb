"""The `p2pchat-bootstrap` command: a node that is always there, so that people find each other.

libp2p takes seconds to import; only `run`, once its settings are known to be good, loads it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Annotated, Final

import typer

from p2pchat.config import Home, NetworkFile
from p2pchat.errors import NetworkError, P2PChatError, UsageError
from p2pchat_bootstrap.identity import load_identity
from p2pchat_bootstrap.settings import FILE_NAME, Listen, Settings, check_announced, write_default

_HEALTH_S: Final = 5.0

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Run a node that is always there, so that the people of a network find each other.",
    epilog="Example: p2pchat-bootstrap run --home /var/lib/p2pchat --name friends",
)

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", help="The node's directory.", show_default="$P2PCHAT_HOME or ~/.local/share/p2pchat"
    ),
]
NameOption = Annotated[str | None, typer.Option(help="The network's name; needed the first time.")]
ListenOption = Annotated[
    list[str] | None, typer.Option(help="Where to listen, such as /ip4/0.0.0.0/tcp/4001; may be repeated.")
]
AnnounceOption = Annotated[
    list[str] | None,
    typer.Option(help="Under which address others reach this node, if not the machine's own."),
]
KeyOption = Annotated[
    Path | None, typer.Option(help="A file with 64 hex digits: only its holders can connect.")
]

MetricsOption = Annotated[
    str | None, typer.Option(help="Where /metrics and /health are served, such as 127.0.0.1:9464.")
]


@app.command("init", epilog="Example: p2pchat-bootstrap init --home /srv/boot --name friends")
def init(
    home: HomeOption = None,
    name: NameOption = None,
    listen: ListenOption = None,
    announce: AnnounceOption = None,
    psk_file: KeyOption = None,
    metrics: MetricsOption = None,
) -> None:
    """Write bootstrap.toml and the node's identity, to be looked over before the first run."""
    place = Home.locate(home)
    place.create()
    with place.hold():
        path = place.directory / FILE_NAME
        if path.exists():
            raise UsageError(f"The file {path} is there already: edit it, then `check-config`.")
        _settings(place, name, listen, announce, psk_file, metrics)
        load_identity(place.key_file)
        typer.echo(f"{path} is written: look it over, then `p2pchat-bootstrap run --home {place.directory}`.")


@app.command(
    "run",
    epilog="Examples: p2pchat-bootstrap run --name friends   |   "
    "p2pchat-bootstrap run --home /srv/boot --name friends --listen /ip4/0.0.0.0/tcp/4001 "
    "--announce /dns4/boot.example.org/tcp/4001",
)
def run_node(
    home: HomeOption = None,
    name: NameOption = None,
    listen: ListenOption = None,
    announce: AnnounceOption = None,
    psk_file: KeyOption = None,
    metrics: MetricsOption = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Run the node until SIGINT or SIGTERM. The first run writes bootstrap.toml from these options."""
    place = Home.locate(home)
    place.create()
    with place.hold():
        settings = _settings(place, name, listen, announce, psk_file, metrics)
        from p2pchat_bootstrap.server import serve

        serve(place, settings, json_output=json_output)


@app.command("show", epilog="Example: p2pchat-bootstrap show --home /srv/boot > network.toml")
def show(
    home: HomeOption = None,
    link: Annotated[bool, typer.Option("--link", help="One line instead of the file.")] = False,
) -> None:
    """Print the network file to hand out, as it was when the node last started."""
    place = Home.locate(home)
    if not place.network_file.exists():
        raise UsageError(f"No bootstrap node has run with the home {place.directory} yet.")
    network = NetworkFile.read(place.network_file)
    typer.echo(network.to_link() if link else network.to_toml(), nl=link)


@app.command("health", epilog="Example: p2pchat-bootstrap health --home /srv/boot")
def health(home: HomeOption = None) -> None:
    """Ask the running node whether it is well, where its settings say that /health is served."""
    settings = Settings.read(Home.locate(home))
    endpoint = settings.metrics_endpoint() if settings else None
    if endpoint is None:
        raise UsageError("The node serves no /health: set `metrics` in its settings.")
    try:
        connection = HTTPConnection(*endpoint, timeout=_HEALTH_S)
        connection.request("GET", "/health")
        answer = connection.getresponse().read().decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        raise NetworkError(
            f"The node does not answer at {settings and settings.metrics}: {error}."
        ) from error
    if answer != "ok":
        raise NetworkError(f"The node is not well: {answer}.")
    typer.echo(answer)


@app.command("check-config", epilog="Example: p2pchat-bootstrap check-config --home /srv/boot")
def check_config(home: HomeOption = None) -> None:
    """Say whether bootstrap.toml can be used, without starting anything."""
    place = Home.locate(home)
    settings = Settings.read(place)
    if settings is None:
        raise UsageError(f"There is no {FILE_NAME} in {place.directory}: the first `run --name` writes one.")
    settings.pre_shared_key(place)
    endpoints = ", ".join(endpoint.multiaddr for endpoint in settings.listen)
    typer.echo(f"{place.directory / FILE_NAME} is good: network {settings.name}, listening on {endpoints}.")


def _settings(
    home: Home,
    name: str | None,
    listen: list[str] | None,
    announce: list[str] | None,
    psk_file: Path | None,
    metrics: str | None,
) -> Settings:
    kept = Settings.read(home)
    if kept is None and name is None:
        raise UsageError("A new bootstrap node needs the network's name: add --name NAME.")
    base = kept or Settings(name or "")
    settings = replace(
        base,
        name=name or base.name,
        listen=tuple(Listen.parse(address) for address in listen) if listen else base.listen,
        announce=tuple(check_announced(address) for address in announce) if announce else base.announce,
        pre_shared_key_file=str(psk_file.absolute()) if psk_file else base.pre_shared_key_file,
        metrics=base.metrics if metrics is None else metrics,
    )
    settings.pre_shared_key(home)
    if kept is None:
        write_default(home, settings)
    return settings


def run() -> None:
    """Entry point of the console script: errors become one sentence on stderr and an exit code."""
    try:
        app()
    except P2PChatError as error:
        print(f"p2pchat-bootstrap: {error}", file=sys.stderr)  # noqa: T201 -- the person's terminal
        sys.exit(error.exit_code)
