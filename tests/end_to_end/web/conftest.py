"""A real headless Chromium (Debian's), and people who use their node's page in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

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

    def safety_number(self) -> list[str]:
        """Its groups of digits, once all are there: the panel is drawn anew whenever something changes."""
        groups = self.page.locator(".safety span")
        number: list[str] = self.person.until(
            "a safety number", lambda: len(texts := groups.all_inner_texts()) == 12 and texts
        )
        return number


NewTab = Callable[[Any], Tab]

_tabs: list[Tab] = []
_SEEN: Final = """async () => {
    const { state } = await import("/js/state.js");
    const seen = { at: location.hash, sight: document.visibilityState, text: document.body.innerText, state };
    return JSON.stringify(seen, null, 1);
}"""
_SEEN_SHOWN: Final = 8000  # characters of each


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """When a test fails, what each page showed and knew is told with it."""
    report = yield
    if report.failed:
        for tab in _tabs:
            try:
                seen = tab.page.evaluate(_SEEN)
            except Error as error:
                seen = str(error)
            report.sections.append((f"page of {tab.person.name}", seen[:_SEEN_SHOWN]))
    return report


@pytest.fixture(scope="module")
def new_tab(browser: Browser) -> Iterator[NewTab]:
    """Opens a browser profile for a person whose node runs; whatever alarms it fails the test."""

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
        _tabs.append(tab)
        return tab

    yield make
    alarms = [alarm for tab in _tabs for alarm in tab.alarms]
    while _tabs:
        _tabs.pop().context.close()
    assert alarms == []
