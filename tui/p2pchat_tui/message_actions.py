"""What can be done with a message that was chosen."""

from __future__ import annotations

from typing import Protocol

from p2pchat_cli.text import ago
from textual.content import Content

from p2pchat.api import schema as s
from p2pchat_tui import words
from p2pchat_tui.dialogs import ChooseEmoji, Confirm, Show
from p2pchat_tui.program import Program
from p2pchat_tui.words import MUTED


class Drafting(Protocol):
    """Where the next message is written."""

    def begin_reply(self, message: s.Message) -> None:
        """What is written next answers this."""

    def begin_edit(self, message: s.Message) -> None:
        """What is written next replaces this."""


async def carry_out(program: Program, draft: Drafting, action: str, message: s.Message) -> None:
    """Do `action`: reply, react, edit, delete, pin, star or info.

    Raises:
        P2PChatError: the node refuses.
    """
    match action:
        case "reply":
            draft.begin_reply(message)
        case "edit" if message.mine and message.kind == "text":
            draft.begin_edit(message)
        case "delete" if message.mine and message.kind == "text":
            await _delete(program, message)
        case "edit" | "delete":
            program.notify("Only a text of yours can be changed.", severity="warning")
        case "react":
            await _react(program, message)
        case "pin":
            params = s.Mark(id=message.id, on=not message.pinned)
            await program.link.call("message.pin", params, s.Message)
        case "star":
            params = s.Mark(id=message.id, on=not message.starred)
            await program.link.call("message.star", params, s.Message)
        case "info" if message.kind == "iou" and message.chat.startswith("@"):
            program.show_account(message.chat.removeprefix("@"))
        case "info":
            program.push_screen(Show("Message", _details(message)))


async def _react(program: Program, message: s.Message) -> None:
    mine = [one for one in message.reactions if one.name == program.my_name]
    emoji = "" if mine else await program.push_screen_wait(ChooseEmoji("React; esc takes nothing"))
    if isinstance(emoji, str):
        await program.link.call("message.react", s.React(id=message.id, emoji=emoji), s.Message)


async def _delete(program: Program, message: s.Message) -> None:
    text = f"{words.one_line(message, 200)}\n\nIt goes away for everybody; who has read it may remember it."
    if await program.push_screen_wait(Confirm("Delete this message?", text, "Delete")):
        await program.link.call("message.delete", s.MessageId(id=message.id), s.Message)


def _details(message: s.Message) -> Content:
    parts: list[Content | str] = [message.text, ""]
    facts = [
        ("from", "you" if message.mine else message.sender),
        ("sent", ago(message.sent_ms)),
        ("received", "" if message.mine else ago(message.received_ms)),
        ("edited", ago(message.edited_ms) if message.edited_ms else ""),
        ("vanishes in", words.remains(message.expires_ms) if message.expires_ms else ""),
        ("id", message.id),
    ]
    parts += [Content.assemble((f"{name:<12}", MUTED), fact) for name, fact in facts if fact]
    if message.deliveries:
        parts += ["", Content.styled("How far it came", "bold")]
    for one in message.deliveries:
        parts += _delivery(one)
    return words.lines(parts)


def _delivery(one: s.Delivery) -> list[Content | str]:
    colour = "$success" if one.state in ("delivered", "read") else "$error" if one.state == "failed" else ""
    parts: list[Content | str] = [
        Content.assemble(f"{one.name:<16}", (f"{one.state:<10}", colour), "  ", (ago(one.at_ms), MUTED))
    ]
    if one.held_by:
        parts.append(Content.styled(f"  kept by {', '.join(one.held_by)}", MUTED))
    if one.reason:
        parts.append(Content.styled(f"  {one.reason}", MUTED))
    return parts
