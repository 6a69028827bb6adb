"""What an installation puts on a machine, and that it works from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end

PACKAGES = {
    "p2pchat": "p2pchat",
    "p2pchat_cli": "cli/p2pchat_cli",
    "p2pchat_tui": "tui/p2pchat_tui",
    "p2pchat_web": "web/p2pchat_web",
    "p2pchat_bootstrap": "bootstrap/p2pchat_bootstrap",
}
COMMANDS = {"p2pchat", "p2pchat-bootstrap"}


def files(directory: Path) -> set[str]:
    return {
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_wheel_adds_our_packages_and_two_commands(installed: Any) -> None:
    (metadata,) = [name for name in installed.packages if name.endswith(".dist-info")]
    assert metadata.startswith("p2pchat-")
    assert installed.packages - {metadata} == PACKAGES.keys()
    assert installed.commands == COMMANDS


def test_every_file_of_the_packages_is_in_the_wheel(installed: Any, root: Path) -> None:
    for name, source in PACKAGES.items():
        assert files(installed.site_packages / name) == files(root / source)


def test_an_editable_install_adds_our_paths_and_two_commands(editable: Any, root: Path) -> None:
    assert {Path(name).suffix for name in editable.packages} == {".pth", ".dist-info"}
    assert len(editable.packages) == 2
    assert editable.commands == COMMANDS
    (path,) = [name for name in editable.packages if name.endswith(".pth")]
    assert set((editable.site_packages / path).read_text().split()) == {
        str(root),
        str(root / "cli"),
        str(root / "bootstrap"),
        str(root / "tui"),
        str(root / "web"),
    }


@pytest.mark.parametrize("how", ["installed", "editable"])
def test_both_commands_work_from_where_they_were_installed(
    how: str, root: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    environment: Any = request.getfixturevalue(how)
    expected = environment.site_packages if how == "installed" else root
    where = environment.run("python", "-c", "import p2pchat; print(p2pchat.__file__)")
    assert where.stdout.startswith(str(expected / "p2pchat"))
    assert environment.run("p2pchat", "--version").stdout.startswith("p2pchat ")
    home = ("--home", tmp_path / "home")
    made = environment.run("p2pchat", *home, "init", "--name", "Ann")
    assert (made.returncode, made.stderr) == (0, "")
    assert "Ann" in environment.run("p2pchat", *home, "whoami").stdout
    bootstrap = environment.run("p2pchat-bootstrap", "check-config", "--home", tmp_path / "boot")
    assert bootstrap.returncode == 1
    assert bootstrap.stderr.startswith("p2pchat-bootstrap: ")


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["whoami"], ["status"], ["send", "nobody", "hi"], ["doctor"]],
    ids=" ".join,
)
def test_a_command_loads_no_network_stack(installed: Any, tmp_path: Path, words: list[str]) -> None:
    home = ("--home", tmp_path)
    installed.run("p2pchat", *home, "init", "--name", "Ann")
    run = installed.run("python", "-X", "importtime", "-m", "p2pchat_cli", *home, *words)
    loaded = {
        line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")
    }
    assert "p2pchat_cli.main" in loaded
    assert {name.partition(".")[0] for name in loaded} & {"trio", "libp2p", "multiaddr", "asyncio"} == set()
