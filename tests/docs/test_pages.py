"""The pages lead nowhere that does not exist, and show commands that do."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from p2pchat_cli.table import SECTIONS, Group

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MADE = {DOCS / "guide" / "reference.md"}  # by `make docs`, from the commands
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")} - MADE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_leads_to_files_that_exist(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    targets = [link.partition("#")[0] for link in links if not link.startswith(("http://", "https://", "#"))]
    broken = [target for target in targets if (found := (page.parent / target).resolve()) and missing(found)]
    assert broken == []


def missing(path: Path) -> bool:
    return path not in MADE and not path.exists()


def shown(page: Path) -> Iterator[list[str]]:
    """The words of each command that a block of a page types."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            for command in re.findall(r"(?:^|[|;] |\$ )p2pchat ([^|;]*)", line):
                yield shlex.split(command, comments=True)


def test_commands_in_the_guide_exist() -> None:
    entries = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
    found = 0
    for page in sorted((DOCS / "guide").glob("*.md")):
        for words in shown(page):
            if page in MADE or words[0].startswith("-"):
                continue
            found += 1
            entry = entries[words[0]]
            if isinstance(entry, Group):
                assert (words[1:2] or [entry.alone])[0] in entry.commands, (page.name, words)
    assert found > 40


def test_the_site_has_every_page_of_the_guide() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))

    def pages(entries: Any) -> Iterator[str]:
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, dict):
                for inner in entry.values():
                    yield from pages(inner)
            else:
                yield entry

    listed = set(pages(site["project"]["nav"]))
    guide = {f"guide/{page.name}" for page in (DOCS / "guide").glob("*.md")} | {"guide/reference.md"}
    assert guide <= listed
