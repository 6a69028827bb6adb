"""The web page: plain HTML, CSS and JavaScript modules in static/, served by the node as they are."""

from __future__ import annotations

from importlib.resources import files as resources
from importlib.resources.abc import Traversable


def files() -> dict[str, bytes]:
    """All files of the page by their path under static/."""
    return dict(_walk(resources(__name__) / "static", ""))


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for entry in folder.iterdir():
        name = prefix + entry.name
        found += _walk(entry, f"{name}/") if entry.is_dir() else [(name, entry.read_bytes())]
    return found
