"""Who owes whom: balances, the IOUs behind them, and what waits for a decision."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.cells import set_cell_size
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from p2pchat.api import schema as s
from p2pchat_tui import words
from p2pchat_tui.dialogs import Choose, Field, Form
from p2pchat_tui.iou_dialog import IouDialog
from p2pchat_tui.pane import Pane
from p2pchat_tui.words import MUTED

_ALL: Final = "all"
_SIDE: Final = 32  # columns that the list of balances takes
_LISTED: Final = 500  # IOUs, the newest
_EDGES: Final = 5  # columns beside the words of a row: paddings and the scroll bar
_STATES: Final = {
    "binding": "$success",
    "fulfilled": "$success",
    "offered": "$accent",
    "requested": "$accent",
    "held": "$accent",
    "void": MUTED,
    "declined": "$error",
}


class MoneyPane(Pane):
    """Balances to the left, the IOUs of the chosen one to the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "write('pay')", "I owe"),
        Binding("r", "write('request')", "They owe"),
        Binding("u", "settle", "Settle up"),
        Binding("l", "write('limit')", "Limit", show=False),
        Binding("a", "decide(True)", "Accept"),
        Binding("d", "decide(False)", "Decline"),
    ]

    def __init__(self) -> None:
        super().__init__(id="money")
        self._balances: list[s.Balance] = []
        self._ious: dict[str, s.Iou] = {}
        self._who: str | None = None

    def compose(self) -> ComposeResult:
        """Two lists and a row of buttons."""
        with Horizontal():
            with Vertical(classes="side"):
                yield OptionList(id="balances", compact=True)
            with Vertical(classes="main"):
                yield Static(id="account")
                yield OptionList(id="ious", compact=True)
                with Horizontal(classes="buttons"):
                    yield Button("I owe", name="pay", variant="primary", compact=True)
                    yield Button("They owe", name="request", compact=True)
                    yield Button("Settle up", name="settle", compact=True)
                    yield Button("Accept", name="accept", variant="success", compact=True)
                    yield Button("Decline", name="decline", compact=True)

    async def load(self) -> None:
        """Ask for balances and IOUs anew."""
        self._balances = (await self.link.call("iou.balance", s.BalanceQuery(), s.Balances)).balances
        waiting = (await self.link.call("iou.list", s.IouQuery(waiting=True), s.Ious)).ious
        newest = (await self.link.call("iou.list", s.IouQuery(limit=_LISTED), s.Ious)).ious
        self._ious = {one.id: one for one in (*newest, *waiting)}
        ious = list(self._ious.values())
        self.program.badge("money", len(waiting))
        self.program.know_balances(self._balances)
        people = list(dict.fromkeys([one.who for one in self._balances] + [one.who for one in ious]))
        options = [Option(self._everybody(len(waiting)), id=_ALL)]
        options += [Option(self._person(who), id=f"@{who}") for who in people]
        self._fill(self.query_one("#balances", OptionList), options)
        self._show()

    def _everybody(self, waiting: int) -> Content:
        told = f"{waiting} to decide" if waiting else "nothing to decide"
        return Content.assemble(("Everybody", "bold"), "\n", (told, "$accent" if waiting else MUTED))

    def _person(self, who: str) -> Content:
        rows = [words.amount(one) for one in self._balances if one.who == who and one.minor]
        told = Content("  ").join(rows) if rows else Content.styled("even", MUTED)
        return Content.assemble((who, "bold"), "\n", told)

    def _show(self) -> None:
        chosen = [one for one in self._ious.values() if self._who in (None, one.who)]
        chosen.sort(key=lambda one: not one.mine_to_decide)
        self.query_one("#account", Static).update(self._account())
        ious = self.query_one("#ious", OptionList)
        room = max((ious.size.width or self.program.size.width - _SIDE) - _EDGES, 30)
        self._fill(ious, [Option(_row(one, room), id=one.id) for one in chosen])

    def on_resize(self) -> None:
        """The rows fill the width."""
        self._show()

    def _account(self) -> Content:
        if self._who is None:
            return Content.assemble(("All IOUs", "bold"), ("  newest first, open ones on top", MUTED))
        parts: list[Content | str] = [Content.styled(self._who, "bold $primary")]
        for one in self._balances:
            if one.who == self._who:
                parts.append(Content.assemble(words.amount(one), (_limits(one), MUTED)))
        return words.lines(parts)

    @staticmethod
    def _fill(list_: OptionList, options: list[Option]) -> None:
        chosen = list_.highlighted_option.id if list_.highlighted_option else None
        with list_.prevent(OptionList.OptionHighlighted):
            list_.clear_options()
            list_.add_options(options)
            ids = [one.id for one in options]
            if ids:
                list_.highlighted = ids.index(chosen) if chosen in ids else 0

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the account that is chosen."""
        if event.option_list.id == "balances":
            self._who = None if event.option.id == _ALL else str(event.option.id)[1:]
            self._show()

    def show_account(self, who: str) -> None:
        """Choose the account with a contact."""
        balances = self.query_one("#balances", OptionList)
        ids = [one.id for one in balances.options]
        if f"@{who}" in ids:
            balances.highlighted = ids.index(f"@{who}")
        balances.focus()

    # --- doing --------------------------------------------------------------------------------

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        match event.button.name:
            case "accept" | "decline":
                self.action_decide(event.button.name == "accept")
            case "settle":
                self.action_settle()
            case str(deed):
                self.action_write(deed)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a balance goes to its IOUs."""
        if event.option_list.id == "balances":
            self.query_one("#ious", OptionList).focus()
        elif event.option.id in self._ious:
            self._show_iou(self._ious[event.option.id])

    @work(group="act")
    async def _show_iou(self, iou: s.Iou) -> None:
        with self.program.telling():
            found = await self.link.call(
                "ledger.register", s.RegisterQuery(who=f"@{iou.who}", unit=iou.unit), s.Registers
            )
            register = found.registers[0] if found.registers else None
            story = await self.link.call("iou.show", s.IouId(id=iou.id), s.IouStory)
            match await self.program.push_screen_wait(IouDialog(story, register)):
                case "accept" | "reject" as deed:
                    await self.decide(iou, deed == "accept")
                case "dispute":
                    await self.link.call("iou.dispute", s.Dispute(id=iou.id), s.Iou)
                case "remind":
                    await self.link.call("iou.remind", s.IouId(id=iou.id), s.Iou)
                    self.program.notify(f"{iou.who} gets a reminder.")
            await self.refresh_now()

    @work(group="act")
    async def action_decide(self, yes: bool) -> None:
        """Accept or decline the chosen IOU."""
        option = self.query_one("#ious", OptionList).highlighted_option
        iou = self._ious.get(str(option.id)) if option else None
        if iou is None or not iou.mine_to_decide:
            self.program.notify("Choose one that waits for you: it is marked with !", severity="warning")
            return
        await self.decide(iou, yes)

    async def decide(self, iou: s.Iou, yes: bool) -> None:
        """Accept or decline an IOU, or sign a request."""
        with self.program.telling():
            method = "iou.accept" if yes else "iou.reject"
            await self.link.call(method, s.IouId(id=iou.id), s.Iou)
            self.program.notify("Signed." if yes else "Declined.")
            await self.refresh_now()

    @work(group="act")
    async def action_write(self, deed: str) -> None:
        """Sign, request or limit: with whom, how much, what for."""
        titles = {"pay": "I owe", "request": "They owe me", "limit": "How much they may owe me"}
        await self._fill_in(deed, titles[deed], self._who or "", "")

    @work(group="act")
    async def action_settle(self) -> None:
        """Pay back what is owed, in either direction."""
        open_ = [one for one in self._balances if one.minor and self._who in (None, one.who)]
        if not open_:
            self.program.notify("Nobody owes anything here.")
            return
        balance = open_[0]
        if len(open_) > 1:
            options = [
                (str(index), Content.assemble(f"{one.who}  ", words.amount(one)))
                for index, one in enumerate(open_)
            ]
            chosen = await self.program.push_screen_wait(Choose("Settle up with", options))
            if not isinstance(chosen, str):
                return
            balance = open_[int(chosen)]
        amount = balance.amount.lstrip("+-")
        if balance.minor < 0:
            await self._fill_in("settle", f"I paid {balance.who} back", balance.who, amount)
        else:
            await self._fill_in("receipt", f"{balance.who} paid me back", balance.who, amount)

    async def _fill_in(self, deed: str, title: str, who: str, amount: str) -> None:
        fields = [
            Field("who", "Contact", who, "bob"),
            Field("amount", "Amount", amount, "12.50 EUR"),
        ]
        if deed != "limit":
            fields.append(Field("note", "What for", "", "pizza", needed=False))
        text = {
            "settle": "They are asked for a receipt; the debt is lower once they sign it.",
            "receipt": "You sign that you got it.",
            "pay": "You sign it; it counts once they accept.",
            "request": "They are asked to sign it.",
            "limit": "Nothing above this is accepted; what fits is accepted unasked.",
        }[deed]
        filled = await self.program.ask(Form(title, fields, "Sign" if deed != "request" else "Ask", text))
        if not filled:
            return
        with self.program.telling():
            await self._send(deed, filled)
            await self.refresh_now()

    async def _send(self, deed: str, filled: dict[str, str]) -> None:
        who, amount, note = filled["who"].removeprefix("@"), filled["amount"], filled.get("note", "")
        match deed:
            case "pay":
                await self.link.call("iou.pay", s.Pay(who=who, amount=amount, note=note), s.Iou)
            case "request":
                await self.link.call("iou.request", s.RequestPay(who=who, amount=amount, note=note), s.Iou)
            case "settle":
                await self.link.call("iou.settle", s.Settle(who=who, amount=amount, note=note), s.Iou)
            case "receipt":
                await self.link.call("iou.receipt", s.GiveReceipt(who=who, amount=amount, note=note), s.Iou)
            case "limit":
                await self.link.call("iou.limit", s.SetLimit(who=who, amount=amount), s.Balance)


def _limits(one: s.Balance) -> str:
    told = [
        f"may owe you {one.limit}" if one.limit else "",
        f"you may owe {one.their_limit}" if one.their_limit else "",
    ]
    return "".join(f"  {part}" for part in told if part)


def _row(iou: s.Iou, room: int) -> Content:
    mark = ("! ", "bold $accent") if iou.mine_to_decide else ("≈ ", "$accent") if iou.same_as else ("  ", "")
    when = words.short_when(iou.at_ms)
    return Content.assemble(
        mark,
        (
            set_cell_size(words.iou_sentence(iou), room - 2 - len(iou.state)),
            "bold" if iou.mine_to_decide else "",
        ),
        (iou.state, _STATES.get(iou.state, MUTED)),
        "\n  ",
        (set_cell_size(iou.note, room - 2 - len(when)), MUTED),
        (when, MUTED),
    )
