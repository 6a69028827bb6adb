"""The people: who asks, who invites, whom you know; with their safety numbers."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from p2pchat.api import schema as s
from p2pchat_tui import words
from p2pchat_tui.dialogs import Choose, Confirm, Field, Form, Show
from p2pchat_tui.pane import Pane
from p2pchat_tui.person import STATES, actions_for, details, drawn, number_block
from p2pchat_tui.words import MUTED

_ACTIONS = {
    "accept": "Accept",
    "reject": "Reject",
    "join": "Join",
    "decline": "Decline",
    "write": "Write",
    "verify": "Verified",
    "trust": "Trust",
    "rename": "Rename",
    "introduce": "Introduce",
    "block": "Block",
    "unblock": "Unblock",
}


class PeoplePane(Pane):
    """The list to the left, one person to the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "invite", "Invite"),
        Binding("a", "add", "Add by link"),
        Binding("g", "found", "New group"),
    ]

    def __init__(self) -> None:
        super().__init__(id="people")
        self._people: dict[str, s.Contact] = {}
        self._invitations: dict[str, s.Group] = {}
        self._shown: str | None = None

    def compose(self) -> ComposeResult:
        """List, details, buttons."""
        with Horizontal():
            with Vertical(classes="side"):
                yield OptionList(id="people-list", compact=True)
                with Horizontal(classes="buttons"):
                    yield Button("Invite", id="invite", variant="primary", compact=True)
                    yield Button("Add", id="add", compact=True)
            with VerticalScroll(classes="main", can_focus=False):
                yield Static(id="person")
                yield Horizontal(id="person-actions", classes="buttons wrap")

    async def load(self) -> None:
        """Ask for everybody anew."""
        requests = (await self.link.call("request.list", s.Nothing(), s.Contacts)).contacts
        contacts = (await self.link.call("contact.list", s.Nothing(), s.Contacts)).contacts
        groups = (await self.link.call("group.list", s.Nothing(), s.Groups)).groups
        invitations = [one for one in groups if one.state == "invited"]
        self.program.know(contacts, groups)
        self.program.badge("people", len(requests) + len(invitations))
        waiting = {one.person for one in requests}
        others = [one for one in contacts if one.person not in waiting]
        self._people = {one.person: one for one in [*requests, *others]}
        self._invitations = {one.group: one for one in invitations}
        options: list[Option | None] = []
        for title, rows in (
            ("Asking you", [(one.person, self._line(one)) for one in requests]),
            ("Inviting you", [(one.group, self._invitation(one)) for one in invitations]),
            ("Contacts", [(one.person, self._line(one)) for one in others]),
        ):
            if rows:
                options.append(Option(Content.styled(title, f"bold {MUTED}"), disabled=True))
                options += [Option(line, id=id) for id, line in rows]
        people = self.query_one("#people-list", OptionList)
        chosen = people.highlighted_option.id if people.highlighted_option else None
        with people.prevent(OptionList.OptionHighlighted):
            people.clear_options()
            people.add_options(options)
            known = self._people.keys() | self._invitations.keys()
            first = next((option.id for option in people.options if option.id), None)
            chosen = chosen if chosen in known else first
            if chosen:
                people.highlighted = people.get_option_index(chosen)
        await self._show(chosen)

    @staticmethod
    def _line(one: s.Contact) -> Content:
        dot = Content.styled("● ", "$success" if one.connected else MUTED)
        marks = [
            (one.verified, " ✓", "$success"),
            (one.undecided, " ! new device", "$error"),
            (one.state not in ("accepted", "pending"), f"  {STATES.get(one.state)}", MUTED),
        ]
        told = [(word, style) for holds, word, style in marks if holds]
        return Content.assemble(dot, (one.name, "" if one.state == "accepted" else "italic"), *told)

    @staticmethod
    def _invitation(one: s.Group) -> Content:
        return Content.assemble((f"#{one.name}", "italic"), (f"  from {one.invited_by}", MUTED))

    async def _show(self, id: str | None) -> None:
        self._shown = id
        person, invitation = self._people.get(id or ""), self._invitations.get(id or "")
        about = self.query_one("#person", Static)
        actions: list[str] = []
        if person:
            whole = await self.link.call("contact.show", s.Who(who=person.person), s.Contact)
            whole.connected = person.connected
            about.update(details(whole))
            actions = actions_for(whole)
        elif invitation:
            about.update(
                Content.assemble(
                    (f"#{invitation.name}", "bold $primary"),
                    f"\n\n{invitation.invited_by} invites you to this group.",
                )
            )
            actions = ["join", "decline"]
        else:
            about.update(
                "Nobody yet.\n\nInvite shows a link and a QR code to give to somebody you know;\n"
                "Add takes the link that somebody gave to you."
            )
        await self._offer(actions)

    async def _offer(self, actions: list[str]) -> None:
        row = self.query_one("#person-actions", Horizontal)
        if [button.name for button in row.query(Button)] == actions:
            return
        await row.remove_children()
        good = {"accept", "join", "write"}
        await row.mount_all(
            Button(_ACTIONS[one], name=one, variant="primary" if one in good else "default", compact=True)
            for one in actions
        )

    @work(exclusive=True, group="person")
    async def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show who is chosen."""
        with self.program.telling():
            await self._show(event.option.id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter writes to a contact."""
        person = self._people.get(event.option.id or "")
        if person and person.state == "accepted":
            self.program.write_to(f"@{person.name}")

    @work(group="act")
    async def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        if event.button.id == "invite":
            self.action_invite()
        elif event.button.id == "add":
            self.action_add()
        elif event.button.name:
            with self.program.telling():
                await self._do(event.button.name)
                await self.refresh_now()

    async def _do(self, action: str) -> None:
        if invitation := self._invitations.get(self._shown or ""):
            name = s.GroupName(group=invitation.group)
            if action == "join":
                await self.link.call("group.accept", name, s.Group)
            else:
                await self.link.call("group.decline", name, s.Done)
            return
        person = self._people[self._shown or ""]
        who = s.Who(who=person.person)
        match action:
            case "accept":
                await self.link.call("request.accept", s.Accept(who=person.person), s.Contact)
            case "reject":
                await self.link.call("request.reject", who, s.Done)
            case "write":
                self.program.write_to(f"@{person.name}")
            case "verify":
                await self._verify(person)
            case "rename":
                field = Field("name", "What you call them", person.name)
                filled = await self.program.ask(Form("Rename", [field], "Rename"))
                if filled:
                    params = s.Rename(who=person.person, name=filled["name"])
                    await self.link.call("contact.rename", params, s.Contact)
            case "introduce":
                await self._introduce(person)
            case "block":
                text = f"Nothing from {person.name} is taken any more. They are not told."
                if await self.program.push_screen_wait(Confirm(f"Block {person.name}?", text, "Block")):
                    await self.link.call("contact.block", who, s.Contact)
            case "trust" | "unblock":
                await self.link.call(f"contact.{action}", who, s.Contact)

    async def _verify(self, person: s.Contact) -> None:
        whole = await self.link.call("contact.show", s.Who(who=person.person), s.Contact)
        text = (
            f"Compare this number with {person.name}, over the phone or eye to eye.\n\n"
            f"{number_block(whole.safety_number)}\n\nIs it the same on both sides?"
        )
        if await self.program.push_screen_wait(Confirm("Safety number", text, "It is the same")):
            await self.link.call("contact.verify", s.Who(who=person.person), s.Contact)

    async def _introduce(self, person: s.Contact) -> None:
        others = [
            (one.person, one.name)
            for one in self._people.values()
            if one.state == "accepted" and one.person != person.person
        ]
        to = await self.program.push_screen_wait(Choose(f"Introduce {person.name} to", others))
        if isinstance(to, str):
            await self.link.call("contact.introduce", s.Introduce(who=person.person, to=to), s.Done)
            self.program.notify("Both get the card of the other.")

    @work(group="act")
    async def action_invite(self) -> None:
        """A link and a QR code for somebody new."""
        with self.program.telling():
            made = await self.link.call("invite.create", s.Nothing(), s.Invite)
            self.program.copy_to_clipboard(made.link)
            parts: list[Content | str] = [drawn(made.link, self.program.size.height), "", made.link, ""]
            parts.append("Whoever has this link can ask to be your contact. It was copied to the clipboard.")
            if not made.reachable:
                parts.append("It holds no address yet: others will need to find you through the network.")
            self.program.push_screen(Show("Invite somebody", words.lines(parts)))

    @work(group="act")
    async def action_add(self) -> None:
        """Ask the person behind a link."""
        fields = [
            Field("link", "Their link", hint="p2pchat:..."),
            Field("name", "What you call them", hint="their own name", needed=False),
            Field("message", "A greeting", hint="they see it with your request", needed=False),
        ]
        filled = await self.program.ask(Form("Add somebody", fields, "Ask"))
        if filled:
            with self.program.telling():
                params = s.AddContact(
                    link=filled["link"], name=filled["name"] or None, message=filled["message"]
                )
                added = await self.link.call("contact.add", params, s.Contact)
                self.program.notify(f"{added.name} was asked.")
                await self.refresh_now()

    @work(group="act")
    async def action_found(self) -> None:
        """Found a group."""
        fields = [Field("name", "Name of the group", hint="trip")]
        filled = await self.program.ask(Form("New group", fields, "Found it"))
        if filled:
            with self.program.telling():
                group = await self.link.call("group.create", s.CreateGroup(name=filled["name"]), s.Group)
                self.program.write_to(f"#{group.name}")
