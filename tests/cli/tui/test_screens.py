"""The terminal UI, driven key by key and click by click against real nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from p2pchat_tui.app import P2PChatApp
from p2pchat_tui.chat_pane import ChatPane
from p2pchat_tui.composer import Composer
from textual.pilot import Pilot
from textual.widgets import Button, Input

from p2pchat.api import schema as s
from p2pchat.api.client import Client

pytestmark = pytest.mark.end_to_end

PATIENCE_S = 30.0


class Driver:
    """Fingers and eyes in front of the UI of one person."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot
        app = pilot.app
        assert isinstance(app, P2PChatApp)
        self.app = app

    @property
    def screen(self) -> str:
        """What is to be read on the terminal."""
        strips = self.app.screen._compositor.render_strips()
        lines = ("".join(segment.text for segment in strip).rstrip() for strip in strips)
        return "\n".join(lines)

    async def until(self, claim: Callable[[], Any]) -> None:
        """Wait until something holds."""
        for _ in range(int(PATIENCE_S / 0.05)):
            if claim():
                return
            await self.pilot.pause(0.05)
        raise AssertionError(f"it did not come true; the screen:\n{self.screen}")

    async def sees(self, *texts: str) -> None:
        """Wait until all of it stands on the screen."""
        await self.until(lambda: all(text in self.screen for text in texts))

    async def misses(self, text: str) -> None:
        """Wait until it stands there no longer."""
        await self.until(lambda: text not in self.screen)

    async def keys(self, *keys: str) -> None:
        """Press keys one after the other; a text of several letters is typed."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.pilot.press(*("space" if letter == " " else letter for letter in text))

    async def fill(self, name: str, text: str) -> None:
        """Write into a field of the box."""
        await self.until(lambda: self.app.screen.query(f"#field-{name}"))
        self.app.screen.query_one(f"#field-{name}", Input).value = text

    async def click(self, label: str) -> None:
        """Click the button that says so."""
        await self.until(lambda: self._buttons(label))
        assert await self.pilot.click(self._buttons(label)[0])

    def _buttons(self, label: str) -> list[Button]:
        found = [one for one in self.app.screen.query(Button) if str(one.label).startswith(label)]
        return [one for one in found if one.region.width and one.display]


def drive(person: Any, story: Callable[[Driver], Awaitable[None]], size: tuple[int, int] = (80, 24)) -> None:
    """Let the story happen in the UI of a person."""

    async def run() -> None:
        app = P2PChatApp(Path(person.home) / "node.sock")
        async with app.run_test(size=size, notifications=True) as pilot:
            driver = Driver(pilot)
            await driver.until(lambda: app.link.online and app.my_name)
            await story(driver)

    asyncio.run(run())


@pytest.fixture(scope="module")
def people(overlay: Any) -> tuple[Any, Any]:
    """Alice and Bob; he asks to be her contact."""
    alice, bob = overlay.join("alice"), overlay.join("bob")
    assert bob("contact", "add", alice.json("invite")["link"], "--message", "it is bob").code == 0
    return alice, bob


@pytest.fixture(scope="module")
def pair(people: tuple[Any, Any]) -> tuple[Any, Any]:
    """Alice and Bob after she accepted him by a click."""
    alice, bob = people

    async def accept(ui: Driver) -> None:
        await ui.sees("Welcome", "F3 People  1")
        await ui.keys("f3")
        await ui.sees("Asking you", "it is bob", "Safety number", "not compared yet")
        await ui.click("Accept")
        await ui.sees("Contacts")
        who = s.Who(who="alice")
        await ui.until(lambda: ask(bob, "contact.show", who).state == "accepted")
        await ui.click("Verified")
        number = alice.json("contact", "show", "bob")["safety_number"]
        await ui.sees("It is the same", *number.split()[:3])
        await ui.keys("y")
        await ui.sees("✓ verified")

    drive(alice, accept)
    assert alice.json("contact", "show", "bob")["verified"] is True
    return alice, bob


def ask(person: Any, method: str, params: s.Params) -> Any:
    """What the node of a person answers: as a command would, without a process for each."""
    with Client.connect(person.home / "node.sock") as client:
        return client.call(method, params)


def last(person: Any, chat: str) -> s.Message:
    found = ask(person, "message.history", s.History(chat=chat, limit=1)).messages[0]
    assert isinstance(found, s.Message)
    return found


def reactions(person: Any, message: str) -> list[str]:
    return [one.emoji for one in ask(person, "message.show", s.MessageId(id=message)).reactions]


def test_what_is_typed_arrives_and_its_state_is_told(pair: tuple[Any, Any]) -> None:
    alice, bob = pair

    async def chat(ui: Driver) -> None:
        await ui.sees("@bob", "✓ verified")
        await ui.type("first line")
        await ui.keys("ctrl+j")
        await ui.type("second :tada:")
        await ui.keys("enter")
        await ui.sees("first line", "second 🎉  ✓ delivered")
        assert last(bob, "alice").text == "first line\nsecond 🎉"
        assert ui.app.query_one(Composer).text == ""
        bob("typing", "alice")
        await ui.sees("is typing")
        bob("send", "alice", "an answer")
        await ui.sees("an answer")
        await ui.until(lambda: last(bob, "alice").state == "read")

    drive(alice, chat)


def test_a_message_is_answered_marked_changed_and_deleted_by_keys(pair: tuple[Any, Any]) -> None:
    alice, bob = pair
    question = bob.json("send", "alice", "which cheese?")["id"]

    async def act(ui: Driver) -> None:
        await ui.sees("which cheese?")
        await ui.keys("up", "r")
        await ui.type("the one that smells")
        await ui.sees("↪ answer to bob: which cheese?")
        await ui.keys("enter")
        await ui.until(lambda: last(bob, "alice").reply == question)
        await ui.sees("↪ bob: which cheese?")
        await ui.keys("up", "up", "plus")
        await ui.sees("thumbs up sign")
        await ui.keys("enter")
        await ui.until(lambda: reactions(bob, question))
        await ui.sees("👍 alice")
        await ui.keys("s")
        await ui.sees("★")
        await ui.keys("down", "e")
        await ui.sees("✎ other words for")
        await ui.keys("ctrl+u")
        await ui.type("the mild one")
        await ui.keys("enter")
        await ui.sees("the mild one  edited")
        await ui.until(lambda: last(bob, "alice").text == "the mild one")
        await ui.keys("up", "d")
        await ui.sees("Delete this message?")
        await ui.keys("y")
        await ui.until(lambda: last(bob, "alice").kind == "deleted")
        await ui.misses("the mild one")

    drive(alice, act)
    assert reactions(bob, question) == ["👍"]


def test_what_a_peer_writes_is_shown_as_text(pair: tuple[Any, Any]) -> None:
    alice, bob = pair
    bob("send", "alice", "[red]x[/red] [@click=app.quit]y[/] \x1b[2Jz \u202etxt")

    async def look(ui: Driver) -> None:
        await ui.sees("[red]x[/red] [@click=app.quit]y[/] \\x1b[2Jz \\u202etxt")

    drive(alice, look, size=(120, 30))


def test_an_iou_is_accepted_in_the_chat_and_settled_on_the_money_screen(pair: tuple[Any, Any]) -> None:
    alice, bob = pair
    assert bob("pay", "alice", "12.50", "EUR", "pizza").code == 0

    async def settle(ui: Driver) -> None:
        await ui.sees("bob owes you 12.50 EUR", "Accept", "F4 Money  1")
        await ui.click("Accept")
        await ui.sees("+12.50 EUR")
        await ui.keys("f4")
        await ui.sees("nothing to decide", "binding")
        await ui.keys("down", "enter", "enter")
        await ui.sees("Account with bob in EUR", "▸", "Remind")
        await ui.keys("escape")
        await ui.keys("u")
        await ui.sees("bob paid me back")
        await ui.fill("note", "in cash")
        await ui.click("Sign")
        await ui.until(lambda: ui.screen.count("even"))
        await ui.until(lambda: ask(bob, "iou.list", s.IouQuery()).ious[0].note == "in cash")

    drive(alice, settle)


def test_a_group_is_founded_filled_and_searched(pair: tuple[Any, Any]) -> None:
    alice, bob = pair

    async def found(ui: Driver) -> None:
        await ui.keys("f3", "g")
        await ui.fill("name", "trip")
        await ui.click("Found it")
        await ui.until(lambda: (chat := ui.app.query_one(ChatPane).open_chat) and chat.chat == "#trip")
        await ui.keys("ctrl+o")
        await ui.click("Invite")
        await ui.sees("bob")
        await ui.keys("enter")
        await ui.sees("Invited: bob")
        await ui.until(lambda: ask(bob, "group.list", s.Nothing()).groups)
        assert bob("group", "accept", "trip").code == 0
        await ui.keys("escape")
        await ui.sees("2 members")
        await ui.type("platform four at nine")
        await ui.keys("enter")
        await ui.sees("✓ delivered")
        await ui.keys("ctrl+f")
        await ui.type("platform nine")
        await ui.sees("#trip", "You: platform four at nine")
        await ui.keys("enter")
        await ui.until(lambda: ui.app.query_one(ChatPane).conversation.selected)

    drive(alice, found, size=(100, 30))


def test_it_goes_on_when_the_node_comes_back(pair: tuple[Any, Any], overlay: Any) -> None:
    alice, bob = pair

    async def survive(ui: Driver) -> None:
        await ui.app.query_one(ChatPane).show_named("@bob").wait()
        await ui.sees("@bob")
        overlay.kill(alice)
        await ui.sees("node is away")
        await ui.type("written meanwhile")
        await ui.keys("enter")
        await ui.sees("not running")
        assert ui.app.query_one(Composer).text == "written meanwhile"
        assert bob("send", "alice", "are you there?").code == 0
        overlay.run(alice)
        await ui.sees("are you there?")
        await ui.keys("enter")
        await ui.sees("written meanwhile  ✓ delivered")

    drive(alice, survive)
    texts = [one["text"] for one in bob.json("history", "alice")["messages"]]
    assert texts.count("written meanwhile") == 1


def test_older_messages_come_as_one_scrolls_up(pair: tuple[Any, Any]) -> None:
    alice, _ = pair
    lines = "\n".join(f"number {number}" for number in range(120))
    assert alice("chat", "bob", stdin=lines, timeout=120).code == 0

    async def scroll(ui: Driver) -> None:
        pane = ui.app.query_one(ChatPane)
        await pane.show_named("@bob").wait()
        await ui.sees("number 119")
        assert len(pane.conversation.messages) == 50
        await ui.keys("up", "home")
        await ui.until(lambda: len(pane.conversation.messages) == 100)
        await ui.keys("home")
        await ui.until(lambda: len(pane.conversation.messages) > 120)
        texts = [one.text for one in pane.conversation.messages if one.text.startswith("number")]
        assert texts == [f"number {number}" for number in range(120)]

    drive(alice, scroll)


def test_the_command_runs_it_on_a_real_terminal(pair: tuple[Any, Any], terminal: Any) -> None:
    alice, _ = pair
    window = terminal(alice, "tui", columns=80)
    window.await_text("F2 Chats")
    window.await_text("Write to")
    window.type("from a real terminal\r")
    window.await_text("from a real terminal  ✓")
    window.type("\x11")  # ^q
    assert window.end() == 0


def test_it_needs_a_terminal_and_a_node(pair: tuple[Any, Any], nobody: Any) -> None:
    assert "terminal" in pair[0]("tui").refused(1)
