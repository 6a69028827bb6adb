"""The manual page and the reference are whole."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
from p2pchat_cli import reference


def test_the_reference_explains_every_command_and_option() -> None:
    text = reference.markdown()
    for _, name, example, command in reference.commands():
        assert f"\n### {name}\n\n{command.help} " in text
        assert f"\n```sh\np2pchat {example}\n```\n" in text
        for written, meaning in reference.params(command):
            assert f"\n- `{written}`: {meaning}" in text
    assert "None" not in text


def test_the_manual_page_names_every_command(nobody: Any) -> None:
    page = nobody("man").out
    sections = re.findall(r"^\.SS p2pchat (.*)$", page, re.MULTILINE)
    assert sections == [name.replace("-", "\\-") for _, name, _, _ in reference.commands()]


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_the_manual_page_is_sound() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z"], input=reference.man(), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
