"""Commands for programs."""

from __future__ import annotations

from typing import Final

from p2pchat_cli.table.entry import Command, Group

SCRIPTS: Final[dict[str, Command | Group]] = {
    "events": Command("follow:events", "Show what happened, after a cursor", "events --since 0 --follow"),
    "rpc": Command("rpc:rpc", "Speak JSON-RPC on standard input and output", "rpc < requests.jsonl"),
    "bot": Group(
        "Programs that chat",
        {
            "run": Command(
                "bot:run", "Run a bot, or send events to a webhook", "bot run examples/echo_bot.py"
            ),
        },
    ),
    "hook": Group(
        "What your node calls for each event",
        {
            "add": Command(
                "hooks:add",
                "Call a web address or a command for each event",
                "hook add ci http://127.0.0.1:8000/hook --only message.received",
            ),
            "list": Command("hooks:show_all", "Show hooks and how far they are", "hook list"),
            "remove": Command("hooks:remove", "Call one no longer", "hook remove ci"),
        },
        alone="list",
    ),
    "api": Group(
        "The API for programs",
        {
            "describe": Command(
                "api:describe", "Print every method of the API in OpenRPC", "api describe > p2pchat.json"
            ),
        },
    ),
    "man": Command("man:man", "Print the manual page", "man > ~/.local/share/man/man1/p2pchat.1"),
    "completion": Command(
        "completion:completion",
        "Print the completion script of a shell",
        'completion bash > "$HOME/.local/share/bash-completion/completions/p2pchat"',
    ),
}
