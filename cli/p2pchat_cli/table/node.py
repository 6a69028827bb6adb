"""Commands about the node and its network."""

from __future__ import annotations

from typing import Final

from p2pchat_cli.table.entry import Command, Group

NODE: Final[dict[str, Command | Group]] = {
    "init": Command("home:init", "Make a profile: your name, keys and encrypted store", "init --name alice"),
    "profile": Group(
        "Several profiles side by side",
        {"list": Command("profiles:show_all", "Show your profiles", "profile list")},
        alone="list",
    ),
    "run": Command("running:run", "Run your node", "run --listen /ip4/0.0.0.0/tcp/4001 --detach"),
    "web": Command("web:web", "Open the web page of your node", "web --no-open"),
    "stop": Command("running:stop", "Stop the running node", "stop"),
    "daemon": Group(
        "Your node in the background",
        {
            "run": Command("running:run", "Run your node", "daemon run"),
            "start": Command("running:start", "Run your node in the background", "daemon start"),
            "stop": Command("running:stop", "Stop the running node", "daemon stop"),
            "status": Command("node:status", "Show the state of your node", "daemon status"),
        },
    ),
    "status": Command("node:status", "Show the state of your node", "status --json"),
    "doctor": Command("doctor:doctor", "Look for what is wrong and say how to mend it", "doctor --repair"),
    "backup": Group(
        "Recovery words and backups",
        {
            "words": Command("backup:show_words", "Show the 24 words that restore you", "backup words --yes"),
            "create": Command(
                "backup:create", "Write everything into one encrypted file", "backup create ~/alice.p2pchat"
            ),
            "verify": Command("backup:verify", "Read a backup to its end", "backup verify ~/alice.p2pchat"),
            "restore": Command(
                "backup:restore",
                "Make a profile of a backup, as a new device",
                "backup restore ~/alice.p2pchat --home ~/new",
            ),
        },
    ),
    "protect": Command(
        "protect:protect", "Choose what guards your profile, or another passphrase", "protect passphrase"
    ),
    "whoami": Command("home:whoami", "Show who you are", "whoami"),
    "network": Group(
        "The network your node belongs to",
        {
            "join": Command("network:join", "Belong to a network", "network join friends.toml"),
            "show": Command("network:show", "Show the network, with a link to hand on", "network show"),
        },
    ),
    "bootstrap": Group(
        "Nodes through which people find each other",
        {
            "list": Command("bootstrap:show_all", "Show the bootstrap nodes", "bootstrap list"),
            "add": Command(
                "bootstrap:add",
                "Use one more",
                "bootstrap add /dns4/boot.example.org/tcp/4001/p2p/12D3KooW...",
            ),
            "remove": Command("bootstrap:remove", "Use one no longer", "bootstrap remove boot.example.org"),
        },
        alone="list",
    ),
    "device": Group(
        "Your devices, and those of others",
        {"list": Command("device:show_all", "Show devices", "device list bob")},
        alone="list",
    ),
    "mailbox": Group(
        "Nodes that keep messages for you while you are away",
        {
            "use": Command(
                "mailbox:use",
                "Let contacts leave messages for you at a node",
                "mailbox use /dns4/boot.example.org/tcp/4001/p2p/12D3KooW...",
            ),
            "list": Command("mailbox:show_all", "Show your mailboxes", "mailbox list"),
            "usage": Command("mailbox:usage", "Show how full they are", "mailbox usage"),
            "serve": Command("mailbox:serve", "Be one for your friends", "mailbox serve 64"),
            "drop": Command("mailbox:drop", "Use a mailbox no longer", "mailbox drop 8EqHWmwe"),
        },
    ),
    "net": Group(
        "The network as your node sees it",
        {
            "status": Command(
                "node:net", "Show addresses, peers, who is not connected and why", "net status --prometheus"
            )
        },
        alone="status",
    ),
    "peers": Group(
        "Devices that you are connected to",
        {
            "list": Command("node:peers", "Show the devices you are connected to", "peers list"),
            "add": Command("node:connect", "Dial a contact now", "peers add bob"),
            "ping": Command("node:ping", "Measure the round trip to a contact", "peers ping bob --count 3"),
            "trace": Command(
                "trace:trace", "Try each way to a contact and say what fails", "peers trace bob"
            ),
        },
        alone="list",
    ),
    "ping": Command("node:ping", "Measure the round trip to a contact", "ping bob --count 3"),
    "connect": Command("node:connect", "Dial a contact now", "connect bob"),
}
