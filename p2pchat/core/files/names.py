"""Names of files that come from others: never a path, never something that a system takes for special."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_NAME: Final = 200  # bytes of UTF-8: room for " (12)" and a dot in front, in the 255 of most file systems
MAX_SUFFIX: Final = 20  # bytes that are kept at the end of a name that is cut
NAMELESS: Final = "file"
UNKNOWN_TYPE: Final = "application/octet-stream"

_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')  # by Windows; some mean something to shells too
# Devices of Windows, with whatever suffix:
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
_DEVICE: Final = re.compile(r"(?i:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?=\.|$)")
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, bidi and other format, lone halves
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")  # RFC 6838


def safe_name(name: str) -> str:
    """A name for a file in some folder, as near to `name` as is safe on any system; never empty.

    What it gives it leaves alone: `safe_name(safe_name(x)) == safe_name(x)`.
    """
    while (better := _step(name)) != name:
        name = better
    return name


def media_type(text: str) -> str:
    """`text` if it has the form of a media type (RFC 6838), else that of bytes of which nothing is known."""
    text = text.lower()
    return text if _TYPE.fullmatch(text) else UNKNOWN_TYPE


def _step(name: str) -> str:
    name = name.replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if unicodedata.category(c) not in _INVISIBLE)
    name = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name))
    name = name.strip().lstrip(".").rstrip(". ")  # hidden, or cut off by Windows
    if name.startswith(("-", "~")) or _DEVICE.match(name):  # an option, a home
        name = f"_{name}"
    return _cut(name) or NAMELESS


def _cut(name: str) -> str:
    if len(name.encode()) <= MAX_NAME:
        return name
    stem, dot, suffix = name.rpartition(".")
    end = dot + suffix if stem and len(suffix.encode()) < MAX_SUFFIX else ""
    return name.encode()[: MAX_NAME - len(end.encode())].decode(errors="ignore").rstrip(". ") + end
