"""Text for a terminal: harmless, aligned, and with times as people say them."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence
from typing import Final

# What a peer could use to move the cursor, hide text or turn its direction round: control characters,
# bidirectional marks and overrides (https://trojansource.codes), invisible characters, tags, lone
# surrogates. The joiners U+200C and U+200D stay: scripts and emoji need them.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_UNSAFE_BUT_NEWLINE: Final = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def harmless(text: str, *, keep_lines: bool = False) -> str:
    """`text` with every character that could fool the reader or the terminal written as an escape."""
    return (_UNSAFE_BUT_NEWLINE if keep_lines else _UNSAFE).sub(_escape, text)


def harmless_json(document: str) -> str:
    """The same for a JSON document on one line: those characters as \\u escapes, its meaning unchanged."""
    return _UNSAFE.sub(_json_escape, document)


def ago(at_ms: int, now_ms: int | None = None) -> str:
    """When that was, seen from now: "just now", "5 min ago", "yesterday 14:03", "12 May 14:03"."""
    now = time.time() if now_ms is None else now_ms / 1000
    at = at_ms / 1000
    age = now - at
    if age < _MINUTE:  # a peer's clock may be ahead of ours
        return "just now" if age > -_MINUTE else _date(at, now)
    if age < _HOUR:
        return f"{age // _MINUTE:.0f} min ago"
    if age < 6 * _HOUR:
        return f"{age // _HOUR:.0f} h ago"
    return _date(at, now)


def lasting(seconds: int) -> str:
    """How long that is: "30 s", "10 min", "8 h", "7 d"; rounded down to one unit, up to a second.

    What lacks less than the next smaller unit counts as whole: a moment after "8 h" it is not "7 h".
    """
    for unit, size, smaller in (("d", _DAY, _HOUR), ("h", _HOUR, _MINUTE), ("min", _MINUTE, 1)):
        if seconds >= size - smaller + 1:
            return f"{(seconds + smaller - 1) // size} {unit}"
    return f"{max(seconds, 1)} s"


def columns(rows: Sequence[Sequence[str]], *, gap: str = "  ") -> list[str]:
    """The rows as lines in which the columns stand below each other."""
    if not rows:
        return []
    widths = [max(width(row[index]) for row in rows) for index in range(len(rows[0]))]
    return [
        gap.join(cell + " " * (room - width(cell)) for cell, room in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def width(text: str) -> int:
    """How many columns a terminal gives to `text`, styles not counted."""
    return sum(_width(letter) for letter in _STYLE.sub("", text))


def shortened(text: str, letters: int) -> str:
    """The first line of `text`, cut to `letters`."""
    line = text.partition("\n")[0]
    return line if len(line) <= letters else f"{line[: letters - 1]}…"


def plural(count: int, noun: str) -> str:
    """ "1 contact", "2 contacts"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def megabytes(size: int) -> str:
    """A size in bytes as people say it: "812 B", "1.4 kB", "3.2 MB"."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


_STYLE: Final = re.compile(r"\x1b\[[0-9;]*m")


def _width(letter: str) -> int:
    if letter.isascii():
        return 1
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in "\t\n\r":
        return " "
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _json_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def _date(at: float, now: float) -> str:
    then, today = time.localtime(at), time.localtime(now)
    clock = time.strftime("%H:%M", then)
    if then[:3] == today[:3]:
        return f"today {clock}"
    if then[:3] == time.localtime(now - _DAY)[:3]:
        return f"yesterday {clock}"
    if then.tm_year == today.tm_year:
        return f"{then.tm_mday} {time.strftime('%b', then)} {clock}"
    return time.strftime("%Y-%m-%d", then)


def as_sentence(text: str) -> str:
    """`text` with a capital at the beginning and a full stop at the end, whoever worded it."""
    stop = "" if text.endswith((".", "?", "!")) else "."
    return text[:1].upper() + text[1:] + stop
