"""What every command promises to programs: its exit codes, and a JSON answer of a known shape.

The example of each command runs in this process, on one profile whose node does not run. Bob and the
group trip exist there; ids and other names of the examples do not.
"""

from __future__ import annotations

import io
import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from p2pchat_cli.main import main
from p2pchat_cli.session import Session
from p2pchat_cli.table import SECTIONS, Command, Group

from p2pchat.api import schema as s

CODES: Final = {0, 1, 3, 4, 5, 6, 7, 8}  # 2 is a bug

# Some whose example has to end like that, whatever other examples did before.
EXPECTED: Final = {
    "status": 0,
    "whoami": 0,
    "doctor": 0,
    "contact list": 0,
    "contact show": 0,
    "requests list": 0,
    "chats": 0,
    "inbox": 0,
    "history": 0,
    "search": 0,
    "group list": 0,
    "group show": 0,
    "balance": 0,
    "iou list": 0,
    "events": 3,  # --follow needs the node
    "api describe": 0,
    "completion": 0,
    "stop": 3,
    "net status": 3,
    "peers list": 3,
    "peers trace": 3,
    "contact remove": 0,
    "msg scheduled": 0,
    "msg cancel": 6,
    "msg retry": 6,
    "device list": 0,
    "bootstrap list": 0,
    "bootstrap add": 1,  # no such address
    "ping": 3,
    "connect": 3,
    "web": 3,
    "tail": 3,
    "rpc": 3,
    "bot run": 6,  # no such file
    "msg show": 6,
    "msg forward": 6,
    "iou accept": 6,
    "contact block": 6,
    "send": 7,  # it waits for --ack, and no node runs
    "pay": 0,
    "group approve": 6,  # nobody asks
    "bundle export": 6,  # they have never met
    "bundle import": 3,  # no such file
    "hook add": 0,
    "hook list": 0,
    "hook remove": 6,
    "profile list": 0,
    "mailbox serve": 0,
    "group rotate": 0,
    "group fork-report": 0,
    "tui": 1,  # no terminal
    "network join": 1,  # no such file
}
MAKES_A_PROFILE: Final = {"init", "backup restore"}
RUNS_A_NODE: Final = {"run", "daemon run", "daemon start"}
SPEAKS_OTHERWISE: Final = {"completion", "man", "api describe", "rpc"}  # no envelope by nature


def every_command() -> Iterator[tuple[str, Command]]:
    for section in SECTIONS.values():
        for name, entry in section.items():
            if isinstance(entry, Group):
                for inner, command in entry.commands.items():
                    yield f"{name} {inner}", command
            else:
                yield name, entry


COMMANDS: Final = {
    name: command for name, command in every_command() if name not in MAKES_A_PROFILE | RUNS_A_NODE
}


def typed(command: Command) -> list[str]:
    """The words of a command's example, up to where a shell would redirect."""
    return list(takewhile(lambda word: word not in "<>|", shlex.split(command.example)))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, profiles: Path) -> Path:
    home = shutil.copytree(profiles / "carol", tmp_path_factory.mktemp("contract") / "carol")
    for words in (["contact", "rename", "alice", "bob"], ["group", "create", "trip"]):
        assert main(["--home", str(home), *words]) == 0
    return home


@pytest.fixture
def home(tmp_path: Path, prepared: Path) -> Path:
    return shutil.copytree(prepared, tmp_path / "carol")


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[type[s.Result]]:
    """The types that commands answer with, as they do."""
    kinds: list[type[s.Result]] = []
    answer = Session.answer

    def watch(self: Session, result: s.Result, *rest: Any, **more: Any) -> None:
        kinds.append(type(result))
        answer(self, result, *rest, **more)

    monkeypatch.setattr(Session, "answer", watch)
    return kinds


def run(monkeypatch: pytest.MonkeyPatch, home: Path, words: list[str]) -> int:
    monkeypatch.setenv("P2PCHAT_HOME", str(home))
    monkeypatch.setenv("HOME", str(home.parent))
    monkeypatch.chdir(home.parent)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    return main(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_with_a_known_code_and_answers_in_its_shape(
    name: str,
    home: Path,
    answered: list[type[s.Result]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(monkeypatch, home, [*typed(COMMANDS[name]), "--json"])
    captured = capsys.readouterr()
    assert code in CODES, captured.err
    assert code == EXPECTED.get(name, code), captured.err
    if name in SPEAKS_OTHERWISE and code == 0:
        return
    envelopes = [json.loads(line) for line in captured.out.splitlines()]
    if code == 0:
        for envelope, kind in zip(envelopes, answered, strict=True):
            assert set(envelope) == {"ok", "result"}
            assert envelope["ok"] is True
            msgspec.convert(envelope["result"], kind, strict=True)
            assert not set(envelope["result"]) - set(kind.__struct_fields__)
    else:
        envelope = envelopes[-1]
        assert envelope["ok"] is False
        assert envelope["error"]["exit_code"] == code
        assert captured.err.endswith(f"p2pchat: {envelope['error']['message']}\n")
        assert "bug" not in captured.err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_without_a_profile_makes_none(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path / "nobody", typed(COMMANDS[name])) in CODES
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "nobody").exists()


@pytest.mark.parametrize("name", [name for name, _ in every_command()])
def test_an_option_that_no_command_knows_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path / "nobody", [*name.split(), "--no-such-option", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["error"] == "UsageError"
