"""What every command promises before it does anything: help, an example, and exit code 1 on bad usage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from p2pchat_cli.main import main
from p2pchat_cli.table import SECTIONS, Command, Group
from p2pchat_cli.tree import root


def every_command() -> Iterator[tuple[tuple[str, ...], Command]]:
    for section in SECTIONS.values():
        for name, entry in section.items():
            if isinstance(entry, Group):
                for inner, command in entry.commands.items():
                    yield (name, inner), command
            else:
                yield (name,), entry


COMMANDS = dict(every_command())
TARGETS = [command.target for command in COMMANDS.values()]


def help_of(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*words, "--help"]) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_says_what_it_does_and_shows_an_example(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of(words, capsys)
    assert COMMANDS[words].help in text
    assert f"Example: p2pchat {COMMANDS[words].example}" in text
    assert "--json" in text
    assert "--home" in text


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_parameter_of_a_command_is_explained(words: tuple[str, ...]) -> None:
    command: Any = root()
    for word in words:
        command = command.get_command(None, word)
    assert [param.name for param in command.params if not param.help] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_example_is_of_its_own_command(words: tuple[str, ...]) -> None:
    shared = TARGETS.count(COMMANDS[words].target) > 1  # an alias shows the example of its namesake
    assert shared or tuple(COMMANDS[words].example.split()[: len(words)]) == words


def test_help_lists_every_command_with_its_line(nobody: Any) -> None:
    outcome = nobody("--help")
    assert outcome.code == 0
    for section, entries in SECTIONS.items():
        assert f"{section}:" in outcome.out
        for name, entry in entries.items():
            assert f"  {name} " in outcome.out
            assert entry.help in outcome.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sned", "bob", "hi"], "Did you mean 'send'"),
        (["contact", "lsit"], "Did you mean 'list'"),
        (["send"], "Missing"),
        (["send", "bob"], "nothing to send"),
        (["history", "bob", "--limit", "many"], "--limit"),
        (["history", "bob", "--limit", "0"], "--limit"),
        (["status", "--jsno"], "--jsno"),
        (["status", "extra"], "extra"),
        (["send", "bob", "hi", "--ack", "seen"], "--ack"),
        (["completion", "tcsh"], "tcsh"),
        (["pay", "bob", "3", "EUR", "--jsno"], "--jsno"),
        (["--home"], "--home"),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_code_1(nobody: Any, words: list[str], sentence: str) -> None:
    assert sentence in nobody(*words).refused(1)


def test_bad_usage_of_a_program_is_answered_in_json(nobody: Any) -> None:
    outcome = nobody("send", "bob", "--json")
    assert outcome.code == 1
    assert outcome.error["error"] == "UsageError"
    assert outcome.error["exit_code"] == 1


@pytest.mark.parametrize("words", [[], ["contact"]])
def test_a_command_that_is_no_more_than_a_beginning_shows_the_help(nobody: Any, words: list[str]) -> None:
    outcome = nobody(*words)
    assert outcome.code == 1
    assert "Usage: p2pchat" in outcome.err


def test_the_version_is_that_of_the_package(nobody: Any) -> None:
    from importlib.metadata import version

    assert nobody("--version").out == f"p2pchat {version('p2pchat')}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_calls_us_back(nobody: Any, shell: str) -> None:
    outcome = nobody("completion", shell)
    assert outcome.code == 0
    assert "_P2PCHAT_COMPLETE" in outcome.out


def test_a_shell_completes_commands_and_options(nobody: Any) -> None:
    def words(typed: str) -> list[str]:
        position = str(len(typed.split(" ")) - 1)
        return nobody(
            _P2PCHAT_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=position
        ).out.splitlines()

    assert words("p2pchat conta") == ["contact"]
    assert words("p2pchat contact ver") == ["verify"]
    assert "--follow" in words("p2pchat events --")
    assert words("p2pchat send bo") == [""]  # no node runs: completion may not ask for a passphrase


@pytest.mark.parametrize("words", [["status"], ["contact", "list"], ["send", "bob", "hi"], ["run"]])
def test_a_home_without_a_profile_says_how_to_make_one(nobody: Any, words: list[str]) -> None:
    assert "p2pchat init" in nobody(*words).refused(1)
    assert not nobody.home.exists()


def _break(shell: str) -> None:
    raise ZeroDivisionError("oops\x1b[2J")


def test_a_bug_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("p2pchat_cli.commands.completion.completion", _break)
    monkeypatch.delenv("P2PCHAT_DEBUG", raising=False)
    assert main(["completion", "bash"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "bug: ZeroDivisionError: oops\\x1b" in line


def test_a_traceback_is_shown_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("p2pchat_cli.commands.completion.completion", _break)
    monkeypatch.setenv("P2PCHAT_DEBUG", "1")
    assert main(["completion", "bash"]) == 2
    assert "Traceback" in capsys.readouterr().err
