"""How long the page takes for the next 50 messages of a long history: `python -m benchmarks.web [MESSAGES]`.

A real node with so many messages (100,000) in one chat, its page in headless Chromium. Scrolls upwards page
by page; a page's time is from the moment the page asks for it until it is laid out: HTTP, the store, and
the drawing. The node without the browser and the bare store are measured in the same run.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from p2pchat.api import methods
from p2pchat.api import schema as s
from p2pchat.api.client import Client
from p2pchat.config import Home, NetworkFile
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import DeviceId, EntryId, PersonId
from p2pchat.node.profile import Profile
from p2pchat.store import deliveries, logs, messages, people
from p2pchat.store.transaction import Transaction

PAGE = 50
PAGES = 60
CHUNK = 5000


def main(count: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="p2pchat-bench-"))
    home = Home(folder / "ann")
    home.create()
    person = fill(home, count)
    chat = f"@{person.text}"
    print(f"{count} messages in one chat; {PAGES} pages of {PAGE} upwards, in ms")
    with Profile.open(home, "") as profile:
        report("the store", walk(lambda name, params: methods.call(profile, name, params), chat))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("P2PCHAT_")}
    command = [sys.executable, "-m", "p2pchat_cli", "--home", str(home.directory)]
    with (folder / "log").open("wb") as log:
        run = [*command, "run", "--listen", "/ip4/127.0.0.1/tcp/0"]
        node = subprocess.Popen(run, stdout=log, stderr=log, env=environment)
    try:
        while not home.socket.exists():
            time.sleep(0.1)
        with Client.connect(home.socket) as client:
            report("the node's socket", walk(client.call, chat))
        opened = subprocess.run([*command, "--json", "web", "--no-open"], capture_output=True, check=True)
        report("the page in Chromium", browse(json.loads(opened.stdout)["result"]["link"], person.text))
    finally:
        node.terminate()
        node.wait(30)
        shutil.rmtree(folder)


def fill(home: Home, count: int) -> PersonId:
    """A profile with one contact and `count` messages with it."""
    app = Profile.create(home, "ann")
    home.network_file.write_text(NetworkFile("bench").to_toml())
    person, device = PersonId(bytes(range(32))), DeviceId(bytes(range(1, 33)))
    conversation = direct_conversation(app.person, person)
    begin_ms = app.now_ms() - count * 60_000

    def start(tx: Transaction) -> None:
        people.add_person(tx, people.Person(person, "ben", "ben", "accepted", False, 1, "", b"", 1))
        logs.open_direct(tx, conversation, person)

    def write(first: int, tx: Transaction) -> None:
        for number in range(first, min(first + CHUNK, count)):
            at_ms = begin_ms + number * 60_000
            mine = number % 3 == 0
            id = EntryId(number.to_bytes(32, "big"))
            text = f"message {number}: " + "some words about nothing " * (1 + number % 5)
            messages.add(
                tx,
                messages.Message(
                    id, conversation, number + 1, device, app.person if mine else person, mine, "text", text,
                    at_ms, at_ms,
                ),
            )  # fmt: skip
            if mine:
                deliveries.expect(tx, id, [person], at_ms)

    with Profile.open(home, "") as profile:
        profile.change(start)
        for first in range(0, count, CHUNK):
            profile.change(lambda tx, first=first: write(first, tx))
    return person


def walk(call: Any, chat: str) -> list[float]:
    """The times of pages asked for one after the other."""
    times, before = [], None
    for _ in range(PAGES):
        begin = time.perf_counter()
        page = call("message.history", s.History(chat=chat, limit=PAGE, before=before))
        times.append(1000 * (time.perf_counter() - begin))
        before = page.messages[0].id
    return times


def browse(link: str, about: str) -> list[float]:
    """The times that the page itself took, as it measured them."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-proxy-server", *as_root])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(link)
        page.wait_for_selector(".app")
        begin = time.perf_counter()
        page.evaluate("hash => { location.hash = hash }", f"#/chat/{about}")
        page.wait_for_selector(".message")
        print(f"  opened in {1000 * (time.perf_counter() - begin):.0f} ms")
        pages = "performance.getEntriesByName('page').length"
        while page.evaluate(pages) < PAGES:
            page.evaluate("document.querySelector('.timeline .scroller').scrollTop = 0")
            page.wait_for_timeout(20)
        times: list[float] = page.evaluate("performance.getEntriesByName('page').map(one => one.duration)")
        shown = page.evaluate("document.querySelectorAll('.message').length")
        print(f"  {shown} messages kept in the page")
        browser.close()
    return times


def report(what: str, times: list[float]) -> None:
    ordered = sorted(times)
    print(
        f"{what:22} median {statistics.median(times):6.1f}  95 % {ordered[int(len(ordered) * 0.95)]:6.1f}"
        f"  worst {ordered[-1]:6.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
