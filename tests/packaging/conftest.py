"""The project built and installed as users do it, into environments of its own.

The environments see the packages of the one that runs the tests, so nothing is downloaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from uv import find_uv_bin

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and what an installation has added to it."""

    directory: Path
    packages: frozenset[str]
    """New entries of site-packages."""
    commands: frozenset[str]
    """New entries of bin."""

    @property
    def site_packages(self) -> Path:
        return site_packages(self.directory)

    def run(self, command: str, *words: object) -> subprocess.CompletedProcess[str]:
        """Run a command of this environment, away from the project's directory."""
        return subprocess.run(
            [self.directory / "bin" / command, *map(str, words)],
            capture_output=True,
            text=True,
            cwd=self.directory,
            env=clean_environment(),
            timeout=120,
        )


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "P2PCHAT"))}


def site_packages(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


def listing(directory: Path) -> frozenset[str]:
    return frozenset(path.name for path in directory.iterdir() if path.name != "__pycache__")


def install(directory: Path, *what: object) -> Environment:
    """A new environment at `directory` with `what` installed in it."""
    venv.create(directory, symlinks=True)
    # A plain path is added without its own .pth files: the project's editable install stays out.
    borrowed = sysconfig.get_path("purelib")
    (site_packages(directory) / "borrowed.pth").write_text(f"{borrowed}\n")
    before = listing(site_packages(directory)), listing(directory / "bin")
    python = directory / "bin" / "python"
    command = [find_uv_bin(), "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--python", python, *map(str, what)],
        capture_output=True,
        text=True,
        env=clean_environment(),
    )
    assert done.returncode == 0, done.stderr
    return Environment(
        directory,
        listing(site_packages(directory)) - before[0],
        listing(directory / "bin") - before[1],
    )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the working tree."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel."""
    return install(tmp_path_factory.mktemp("wheel") / "venv", wheel)


@pytest.fixture(scope="session")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the working tree installed as developers have it."""
    return install(tmp_path_factory.mktemp("editable") / "venv", "-e", ROOT)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's directory."""
    return ROOT
