"""A QR code that a terminal shows is read back from what was copied there, and from an image of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import segno
from p2pchat_cli import qr, qr_reading

from p2pchat.errors import UsageError

LINK = "p2pchat:" + "hwF0-bcdefg_" * 25


@pytest.fixture
def drawn() -> list[str]:
    return qr.draw(LINK, forced=True)


def read(path: Path, lines: list[str]) -> str:
    file = path / "pasted"
    file.write_text("\n".join(lines))
    return qr_reading.read(str(file))


def inverted(lines: list[str]) -> list[str]:
    return [line.translate(str.maketrans("█▀▄ ", " ▄▀█")) for line in lines]


@pytest.mark.parametrize(
    "mangled",
    [
        lambda lines: lines,
        lambda lines: ["$ p2pchat invite --qr", "", *lines, LINK, "$"],
        lambda lines: [f"  {line.rstrip()}" for line in lines],
        lambda lines: [line.strip() for line in lines[1:-1]],
        lambda lines: [f"\t{line}".expandtabs() for line in inverted(lines)],
        lambda lines: [line[:20] + ("█" if line[20] == " " else " ") + line[21:] for line in lines],
    ],
    ids=["whole", "with what stands around it", "indented", "without its rim", "light on dark", "stained"],
)
def test_what_was_copied_from_a_terminal_is_read(drawn: list[str], mangled: Any, tmp_path: Path) -> None:
    assert read(tmp_path, mangled(drawn)) == LINK


def test_a_code_of_two_letters_to_a_module_is_read(tmp_path: Path) -> None:
    rows = segno.make_qr(LINK, error="l").matrix
    assert read(tmp_path, ["".join("##" if dark else "  " for dark in row) for row in rows]) == LINK


def test_an_image_is_read(tmp_path: Path) -> None:
    file = tmp_path / "code.png"
    segno.make_qr(LINK).save(str(file), scale=3)
    assert qr_reading.read(str(file)) == LINK


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG rubbish", "█▀▄█".encode() * 9, b"\xff\xfe\x00"])
def test_what_is_no_code_is_refused_with_a_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UsageError):
        qr_reading.read(str(tmp_path / "file"))
    with pytest.raises(UsageError, match="cannot be read"):
        qr_reading.read(str(tmp_path / "none"))
