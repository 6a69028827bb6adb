"""Draws the pictures of the terminal UI in docs/pictures: `make screens`, about a minute.

A bootstrap node and four people with real nodes talk, plan and owe; the UI of one of them is drawn as SVG.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import demo
import scene
from p2pchat_tui.app import P2PChatApp
from p2pchat_tui.chat_pane import ChatPane
from textual.pilot import Pilot

PICTURES: Final = Path(__file__).parents[1] / "docs" / "pictures"
WIDE: Final = (110, 32)
SMALL: Final = (80, 24)
SETTLE_S: Final = 1.2  # for what the node answers to be drawn


async def draw(home: Path) -> None:
    """All pictures."""
    for theme, size in (("dark", WIDE), ("light", SMALL)):
        app = P2PChatApp(home / "node.sock", theme=f"p2pchat-{theme}")
        async with app.run_test(size=size) as pilot:
            await pilot.pause(SETTLE_S)
            await app.query_one(ChatPane).show_named("@bob").wait()
            await take(pilot, f"chat-{theme}")
            await pilot.press("f3")
            await take(pilot, f"people-{theme}")
            await pilot.press("f4")
            await take(pilot, f"money-{theme}")


async def take(pilot: Pilot[None], name: str) -> None:
    """One picture."""
    await pilot.pause(SETTLE_S)
    svg = pilot.app.export_screenshot(title="p2pchat tui")
    # The fonts that Textual names live on a host of theirs; a picture of ours asks nobody for anything.
    (PICTURES / f"tui-{name}.svg").write_text(without_hosts(svg), encoding="utf-8")
    print(f"docs/pictures/tui-{name}.svg", flush=True)


def without_hosts(svg: str) -> str:
    """The picture with the fonts of whoever looks at it."""
    begin, end = svg.index("<style>"), svg.index("</style>")
    style = svg[begin:end]
    while "@font-face" in style:
        start = style.index("@font-face")
        style = style[:start] + style[style.index("}", start) + 1 :]
    return svg[:begin] + style.replace("Fira Code, monospace", "monospace") + svg[end:]


def main() -> int:
    """Make the world, draw it, end it."""
    folder = Path(tempfile.mkdtemp(prefix="p2pchat-screens-"))
    PICTURES.mkdir(exist_ok=True)
    with demo.network(folder) as people:
        scene.populate(*people)
        scene.stranger(folder, people[0])
        asyncio.run(draw(people[0].home))
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
