"""How a person is shown, and what can be done about them."""

from __future__ import annotations

import segno
from textual.content import Content

from p2pchat.api import schema as s
from p2pchat_tui import words
from p2pchat_tui.words import MUTED

STATES = {
    "requested": "no answer yet",
    "pending": "asks to be your contact",
    "accepted": "",
    "rejected": "rejected",
    "blocked": "blocked",
}


def number_block(number: str) -> str:
    """A safety number in rows that are easy to read aloud."""
    words_ = number.split()
    return "\n".join("  ".join(words_[start : start + 4]) for start in range(0, len(words_), 4))


def details(one: s.Contact) -> Content:
    """All about one person."""
    standing = "asks to be your contact" if one.state == "pending" else STATES.get(one.state, one.state)
    parts: list[Content | str] = [
        Content.assemble(
            (one.name, "bold $primary"),
            (
                "  ● connected" if one.connected else "  ● not connected",
                "$success" if one.connected else MUTED,
            ),
            (f"  {standing}" if standing else "", "$accent"),
        ),
        "",
    ]
    if one.message and one.state == "pending":  # otherwise it is what the person wrote to them
        parts += [Content.assemble("“", (one.message, "italic"), "”"), ""]
    if one.introduced_by:
        parts += [f"introduced by {one.introduced_by}", ""]
    if one.undecided:
        parts += [
            Content.styled("A new device speaks for this person. Compare the safety number.", "$error"),
            "",
        ]
    if one.safety_number:
        verified = ("✓ verified", "$success") if one.verified else ("not compared yet", "$accent")
        parts += [
            Content.assemble(("Safety number  ", "bold"), verified),
            number_block(one.safety_number),
            "",
        ]
    parts += [Content.assemble(("fingerprint  ", MUTED), one.fingerprint)]
    if one.claimed_name != one.name:
        parts.append(Content.assemble(("calls themselves  ", MUTED), one.claimed_name))
    return words.lines(parts)


def actions_for(one: s.Contact) -> list[str]:
    """The buttons beside a person in that state."""
    match one.state:
        case "pending":
            return ["accept", "reject"]
        case "accepted":
            middle = ["trust"] if one.undecided else []
            verify = [] if one.verified and not one.undecided else ["verify"]
            return ["write", *verify, *middle, "rename", "introduce", "block"]
        case "blocked":
            return ["unblock"]
    return ["rename", "block"]


def drawn(link: str, height: int) -> Content:
    """The link as a QR code, dark on light whatever the theme, two modules to a character."""
    code = segno.make_qr(link, error="l")
    rows = [[bool(cell) for cell in row] for row in code.matrix_iter(border=2)]
    if len(rows) // 2 + 10 > height:
        return Content.styled("The window is too small for the QR code.", MUTED)
    pairs = zip(rows[::2], [*rows[1::2], [False] * len(rows[0])], strict=False)
    signs = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    drawn = ["".join(signs[pair] for pair in zip(*lines_, strict=True)) for lines_ in pairs]
    return Content.styled("\n".join(drawn), "black on white")
