"""Reading a QR code: as a terminal shows it, pasted or piped, or from an image.

What was pasted is turned into pixels and given to ZXing, which bears some damage.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from p2pchat.errors import UsageError

MAX_BYTES: Final = 16 * 1024 * 1024
_LEAST: Final = 10  # modules in a line of a code: fewer are a picture of something else
_SCALE: Final = 4  # pixels to a module
_QUIET: Final = 4  # modules around a code
_HALVES: Final = {" ": (0, 0), "\u00a0": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
_IMAGES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")

Modules = list[list[int]]


def read(source: str) -> str:
    """The text of the QR code in a file, or on standard input if `source` is "-".

    Raises:
        UsageError: it cannot be read, or there is no code in it.
    """
    try:
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if source == "-" else _contents(Path(source))
    except OSError as error:
        raise UsageError(f"The file {source} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"A QR code is not larger than {MAX_BYTES // 1024 // 1024} MiB.")
    found = _from_image(data) if data.startswith(_IMAGES) else _from_text(data.decode(errors="replace"))
    if found is None:
        raise UsageError("There is no QR code to be read there: copy it whole, with the space around it.")
    return found


def _contents(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _from_text(text: str) -> str | None:
    lines = [line for line in text.splitlines() if _is_part(line)]
    if not lines:
        return None
    modules = _modules(lines)
    # Which of ink and paper the space around it is depends on the terminal, and is often cut off.
    for around in (1, 0):
        found = _decode(*_pixels(modules, around))
        if found is not None:
            return found
    return None


def _is_part(line: str) -> bool:
    letters = line.replace(" ", "").replace("\u00a0", "")
    return len(letters) >= _LEAST / 2 and set(letters) <= {"▀", "▄", "█", "#"}


def _modules(lines: list[str]) -> Modules:
    """The modules of a code: two above each other in a half block, else one in two letters."""
    width = max(map(len, lines))
    if any(set(line) & {"▀", "▄"} for line in lines):
        halves = [[_HALVES.get(letter, (0, 0)) for letter in line.ljust(width)] for line in lines]
        return [[pair[half] for pair in line] for line in halves for half in (0, 1)]
    return [[int(letter not in " \u00a0") for letter in line.ljust(width)[::2]] for line in lines]


def _pixels(modules: Modules, around: int) -> tuple[bytes, int, int]:
    """A grey image of the modules, with its width and height."""
    side = [around] * _QUIET
    rows = [[*side, *row, *side] for row in modules]
    rim = [[around] * len(rows[0])] * _QUIET
    grey = [[255 if module else 0 for module in row for _ in range(_SCALE)] for row in (*rim, *rows, *rim)]
    return b"".join(bytes(row) * _SCALE for row in grey), len(grey[0]), len(grey) * _SCALE


def _decode(pixels: bytes, width: int, height: int) -> str | None:
    import zxingcpp  # loaded by whoever reads a code and by nobody else

    view = memoryview(pixels).cast("B", (height, width))
    found = zxingcpp.read_barcodes(view, formats=zxingcpp.BarcodeFormat.QRCode)
    return found[0].text if found else None


def _from_image(data: bytes) -> str | None:
    image = _open(data)
    return _decode(image.tobytes(), *image.size)


def _open(data: bytes) -> Any:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise UsageError(
            "Images need the Python package 'pillow': install p2pchat[images], or paste the code as text."
        ) from error
    import io

    try:
        return Image.open(io.BytesIO(data)).convert("L")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise UsageError("The image is damaged.") from error
