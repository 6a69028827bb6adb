"""Small questions in the middle of the screen. Each gives back what was chosen, or None."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

EMOJI: Final = tuple(
    "👍👎😀😂🙂😉😍🥰😘😎🤔😐🙄😴😢😭😡😱🤯🥳🤝🙏👏💪👋✌👌🤞🫶💔❤💚💙🔥✨🎉🎂🎁🌞🌧❄🌈🍕🍺🍷☕🍰🧀🚲🚆🏊⛰🏠💶💸📌✅❌❗❓⏰📷🎵"
)


class Dialog(ModalScreen[object]):
    """A box with a title; escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close")]

    def __init__(self, title: str) -> None:
        super().__init__(classes="dialog")
        self.box_title = title

    def body(self) -> ComposeResult:
        """What stands in the box."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The box."""
        box = Vertical(classes="box")
        box.border_title = self.box_title
        box.border_subtitle = "esc closes"
        with box:
            yield from self.body()


class Confirm(Dialog):
    """Yes or no; gives True for yes."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "dismiss(True)"), Binding("n", "dismiss(None)")]

    def __init__(self, title: str, text: str, yes: str) -> None:
        super().__init__(title)
        self._text = text
        self._yes = yes

    def body(self) -> ComposeResult:
        """The question and two buttons."""
        yield Static(Content(self._text), classes="prose")
        with Horizontal(classes="buttons"):
            yield Button(Content(f"{self._yes} (y)"), id="yes", variant="error", compact=True)
            yield Button("Cancel (n)", id="no", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(True if event.button.id == "yes" else None)


class Field(NamedTuple):
    """One line to fill in."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    needed: bool = True


class Form(Dialog):
    """Some lines to fill in; gives them by name."""

    def __init__(self, title: str, fields: Sequence[Field], button: str, text: str = "") -> None:
        super().__init__(title)
        self._fields = fields
        self._button = button
        self._text = text

    def body(self) -> ComposeResult:
        """The lines and a button."""
        if self._text:
            yield Static(Content(self._text), classes="prose")
        for field in self._fields:
            yield Label(Content(field.label))
            yield Input(field.value, placeholder=field.hint, id=f"field-{field.name}", compact=True)
        with Horizontal(classes="buttons"):
            yield Button(Content(self._button), id="done", variant="primary", compact=True)
            yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin where something is missing."""
        empty = [field for field in self._fields if not field.value]
        self.query_one(f"#field-{(empty or list(self._fields))[0].name}", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next empty line, or is done."""
        for field in self._fields:
            line = self.query_one(f"#field-{field.name}", Input)
            if field.needed and not line.value.strip():
                line.focus()
                return
        self._finish()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Done, or not."""
        if event.button.id == "done":
            self._finish()
        else:
            self.dismiss(None)

    def _finish(self) -> None:
        values = {
            field.name: self.query_one(f"#field-{field.name}", Input).value.strip() for field in self._fields
        }
        if all(values[field.name] for field in self._fields if field.needed):
            self.dismiss(values)


class Choose(Dialog):
    """One of several; gives its id."""

    def __init__(self, title: str, options: Sequence[tuple[str, str | Content]]) -> None:
        super().__init__(title)
        self._options = options

    def body(self) -> ComposeResult:
        """The list."""
        yield OptionList(
            *(Option(Content(text) if isinstance(text, str) else text, id=id) for id, text in self._options),
            compact=True,
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Chosen."""
        self.dismiss(event.option.id)


class ChooseEmoji(Dialog):
    """A grid of emoji; typing looks for a name; gives the emoji."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False, priority=True),
        Binding("right", "step(1)", show=False, priority=True),
        Binding("up", "step(-10)", show=False, priority=True),
        Binding("down", "step(10)", show=False, priority=True),
    ]

    def __init__(self, title: str = "Emoji") -> None:
        super().__init__(title)
        self._found: list[str] = list(EMOJI)
        self._index = 0

    def body(self) -> ComposeResult:
        """The field and the grid."""
        yield Input(placeholder="type a name, such as heart", compact=True)
        yield Static(id="emoji-grid")
        yield Static(id="emoji-name", classes="muted")

    def on_mount(self) -> None:
        """Show all."""
        self._draw()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for a name."""
        wanted = event.value.strip().upper()
        self._found = [one for one in EMOJI if wanted in unicodedata.name(one, "")]
        self._index = 0
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the marked one."""
        if self._found:
            self.dismiss(self._found[self._index])

    def action_step(self, step: int) -> None:
        """Mark another."""
        if self._found:
            self._index = min(max(self._index + step, 0), len(self._found) - 1)
            self._draw()

    def action_take(self, index: int) -> None:
        """Take the one that was clicked."""
        self.dismiss(self._found[index])

    def _draw(self) -> None:
        cells = [
            Content.styled(f" {one} ", "reverse" if index == self._index else "").stylize(
                f"@click=screen.take({index})"
            )
            for index, one in enumerate(self._found)
        ]
        rows = [Content("").join(cells[start : start + 10]) for start in range(0, len(cells), 10)]
        self.query_one("#emoji-grid", Static).update(Content("\n").join(rows))
        name = unicodedata.name(self._found[self._index]).lower() if self._found else "nothing of that name"
        self.query_one("#emoji-name", Static).update(Content(name))


class Show(Dialog):
    """Something to read."""

    def __init__(self, title: str, text: Content) -> None:
        super().__init__(title)
        self._text = text

    def body(self) -> ComposeResult:
        """The text."""
        with VerticalScroll(classes="reading", can_focus=True):
            yield Static(self._text)
