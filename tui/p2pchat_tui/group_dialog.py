"""Who is in a group, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from p2pchat.api import schema as s
from p2pchat_tui import words
from p2pchat_tui.dialogs import Choose, Confirm, Dialog, Field, Form
from p2pchat_tui.program import Program
from p2pchat_tui.words import MUTED

_ROLES = {
    "owner": "owner: may do everything",
    "admin": "admin: may invite and remove",
    "member": "member: may write",
    "read-only": "read-only: may read",
}


class GroupDialog(Dialog):
    """Members with their roles, and buttons."""

    def __init__(self, group: s.Group, contacts: Sequence[s.Contact]) -> None:
        super().__init__(f"#{group.name}")
        self._group = group
        self._contacts = contacts

    @property
    def program(self) -> Program:
        """What the screens share."""
        return cast(Program, self.app)

    def body(self) -> ComposeResult:
        """Facts, members, buttons."""
        yield Static(id="group-facts")
        yield OptionList(id="members", compact=True)
        with Horizontal(classes="buttons"):
            yield Button("Invite", name="invite", variant="primary", compact=True)
            yield Button("Role", name="role", compact=True)
            yield Button("Remove", name="remove", compact=True)
            yield Button("Rename", name="rename", compact=True)
            yield Button("Split a bill", name="split", compact=True)
            yield Button("Leave", name="leave", variant="error", compact=True)

    def on_mount(self) -> None:
        """Show the group."""
        self._draw()

    def _draw(self) -> None:
        group = self._group
        invited = f"\nInvited: {', '.join(group.invited)}" if group.invited else ""
        self.query_one("#group-facts", Static).update(
            Content.assemble(
                (f"Newcomers read {group.history}; ", MUTED),
                (f"{group.invite}s invite, {group.write}s write", MUTED),
                invited,
            )
        )
        members = self.query_one("#members", OptionList)
        members.clear_options()
        members.add_options(Option(_line(one), id=one.person) for one in group.members)

    @work(group="act")
    async def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        with self.program.telling():
            await self._do(event.button.name or "")

    async def _do(self, action: str) -> None:
        match action:
            case "invite":
                await self._invite()
            case "role":
                await self._role()
            case "remove":
                await self._remove()
            case "rename":
                filled = await self.program.ask(
                    Form("Rename", [Field("name", "Name", self._group.name)], "Rename")
                )
                if filled:
                    await self._change("group.rename", s.RenameGroup(group=self._exact, name=filled["name"]))
            case "split":
                await self._split()
            case "leave":
                text = "You keep what you have read."
                if await self.program.push_screen_wait(Confirm("Leave the group?", text, "Leave")):
                    await self._change("group.leave", s.GroupName(group=self._exact))
                    self.dismiss(None)

    @property
    def _exact(self) -> str:
        return f"#{self._group.group}"

    async def _change(self, method: str, params: s.Params) -> None:
        self._group = await self.program.link.call(method, params, s.Group)
        self._draw()

    async def _invite(self) -> None:
        inside = {one.person for one in self._group.members}
        options = [
            (one.person, one.name)
            for one in self._contacts
            if one.state == "accepted" and one.person not in inside
        ]
        if not options:
            self.program.notify("All your contacts are in it.")
            return
        who = await self.program.push_screen_wait(Choose("Invite", options))
        if isinstance(who, str):
            await self._change("group.invite", s.GroupWho(group=self._exact, who=who))

    def _chosen(self) -> s.Member | None:
        option = self.query_one("#members", OptionList).highlighted_option
        if option is None:
            self.program.notify("Choose a member first.", severity="warning")
            return None
        return next(one for one in self._group.members if one.person == option.id)

    async def _role(self) -> None:
        member = self._chosen()
        if member:
            role = await self.program.push_screen_wait(Choose(f"{member.name} becomes", list(_ROLES.items())))
            if isinstance(role, str):
                who = None if member.me else member.person
                await self._change("group.role", s.SetRole(group=self._exact, role=role, who=who))

    async def _remove(self) -> None:
        member = self._chosen()
        if member:
            text = "They read nothing that is written from now on."
            if await self.program.push_screen_wait(Confirm(f"Remove {member.name}?", text, "Remove")):
                await self._change("group.remove", s.RemoveMember(group=self._exact, who=member.person))

    async def _split(self) -> None:
        fields = [
            Field("amount", "What you paid", hint="60 EUR"),
            Field("note", "What for", hint="dinner", needed=False),
        ]
        text = "Every other member is asked to sign an equal part."
        filled = await self.program.ask(Form("Split a bill", fields, "Ask them", text))
        if filled:
            params = s.Split(group=self._exact, amount=filled["amount"], note=filled["note"])
            bill = await self.program.link.call("iou.split", params, s.SplitResult)
            self.program.notify(f"{len(bill.ious)} were asked; your own share is {bill.own_share}.")


def _line(one: s.Member) -> Content:
    name = ("You", "bold $primary") if one.me else (one.name, words.name_style(one.name))
    return Content.assemble(name, (f"  {one.role}", MUTED))
