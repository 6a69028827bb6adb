"""Files between real nodes: a kill in the middle of one, a group, what nobody has any more."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end

SIZE = 32_000_000  # long enough to be killed in the middle of it


def a_file(folder: Path, name: str, size: int) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(os.urandom(size))
    return path


def states(person: Any, chat: str) -> dict[str, str]:
    return {one["name"]: one["state"] for one in person.json("file", "list", chat)["files"]}


def over_http(person: Any, id: str, data: bytes) -> None:
    """A page gets the bytes to save them, under headers by which nothing in them runs; others get nothing."""
    web = person.json("web", "--token")
    request = urllib.request.Request(
        f"{web['url']}files/{id}", headers={"Authorization": f"Bearer {web['token']}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.read() == data
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''holiday.mp4"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert any("sandbox" in one for one in answer.headers.get_all("Content-Security-Policy"))
    request.remove_header("Authorization")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=30)


def test_a_file_goes_on_where_a_kill_broke_it_off(pair: Any, tmp_path: Path) -> None:
    ann, ben = pair
    ben.json("settings", "set", "files", "off")
    sent = a_file(tmp_path / "sent", "holiday.mp4", SIZE)
    message = ann.json("send", "ben", "the sea", "--file", str(sent))
    (file,) = message["files"]
    assert (file["name"], file["type"], file["size"]) == ("holiday.mp4", "video/mp4", SIZE)
    ben.reads("ann", "the sea")
    assert states(ben, "ann") == {"holiday.mp4": "offered"}
    ben.json("file", "resume", file["id"])
    part = ben.home / "files" / f"{file['id']}.part"
    while not part.exists() or part.stat().st_size < SIZE // 8:
        time.sleep(0.001)  # it takes a second, so `until` could come too late
    ben.kill()
    came = part.stat().st_size
    assert SIZE // 8 <= came < SIZE
    ben.start()
    got = tmp_path / "got"
    got.mkdir()
    ben.json("file", "get", file["id"], "--to", str(got))
    assert (got / "holiday.mp4").read_bytes() == sent.read_bytes()
    print(came)
    before = {path.name for path in got.iterdir()}
    ben.json("file", "get", file["id"], "--to", str(got))  # nothing is replaced
    assert {path.name for path in got.iterdir()} - before == {"holiday (1).mp4"}
    assert states(ben, "ann") == {"holiday.mp4": "here"}
    assert [path.name for path in (ben.home / "files").iterdir()] == [file["id"]]
    assert b"\x00" * 64 not in (ben.home / "files" / file["id"]).read_bytes()
    over_http(ben, file["id"], sent.read_bytes())
    ann.json("msg", "delete", message["id"])
    ben.until("the bytes are gone", lambda: not list((ben.home / "files").iterdir()))
    assert not list((ann.home / "files").iterdir())
    assert states(ben, "ann") == states(ann, "ben") == {}
