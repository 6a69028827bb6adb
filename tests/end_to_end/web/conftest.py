"""A real headless Chromium (Debian's), and people who use their node's page in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
WAIT_MS: Final = 30_000
OPTIONS: Final = ["--no-proxy-server", "--host-resolver-rules=MAP evil.example 127.0.0.1"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; `evil.example` is this machine there, as after DNS rebinding."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    expect.set_options(timeout=WAIT_MS)
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS, *as_root])
        yield started
        started.close()


@dataclass
class Tab:
    """One browser profile with the page of one person open in it."""

    person: Any
    context: BrowserContext
    page: Page
    alarms: list[str] = field(default_factory=list)

    def log_in(self) -> None:
        """As `p2pchat web` does it."""
        self.page.goto(self.person.json("web", "--no-open")["link"])
        self.page.wait_for_selector(".app")

    def go(self, *place: str) -> None:
        """To a place of the page."""
        self.page.evaluate("hash => { location.hash = hash }", "#/" + "/".join(place))

    def open_chat(self, name: str) -> None:
        """From the list of chats."""
        self.go("chats")
        self.page.locator(".list .row", has=self.page.locator(".row-name", has_text=name)).click()
        self.page.wait_for_selector(".composer")

    def write(self, text: str) -> None:
        """Type and press Enter."""
        self.page.locator(".write").fill(text)
        self.page.keyboard.press("Enter")

    def message(self, text: str) -> Any:
        """The message with these words."""
        return self.page.locator(".message", has_text=text)

    def reads(self, text: str) -> None:
        """Wait until the words are there."""
        expect(self.page.locator(".message .text", has_text=text)).to_be_visible()


NewTab = Callable[[Any], Tab]


@pytest.fixture(scope="module")
def new_tab(browser: Browser) -> Iterator[NewTab]:
    """Opens a browser profile for a person whose node runs; whatever alarms it fails the test."""
    tabs: list[Tab] = []

    def make(person: Any) -> Tab:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        context.set_default_timeout(WAIT_MS)
        tab = Tab(person, context, context.new_page())
        tab.page.on("pageerror", lambda error: tab.alarms.append(f"error: {error}"))
        tab.page.on("dialog", lambda dialog: tab.alarms.append(f"dialog: {dialog.message}"))
        tab.page.on(
            "console",
            lambda line: tab.alarms.append(line.text) if "Content Security Policy" in line.text else None,
        )
        tabs.append(tab)
        return tab

    yield make
    for tab in tabs:
        tab.context.close()
    assert [alarm for tab in tabs for alarm in tab.alarms] == []
