"""The vocabulary: every command with what it does and an example of it.

Only names stand here, so that `p2pchat --help` and each command load no more than they need. The
target "money:pay" is the function `pay` of p2pchat_cli/commands/money.py, whose parameters are the
command's arguments and options.
"""

from __future__ import annotations

from typing import Final


class Command:
    """One command. (Making a NamedTuple of this would take as long as filling the table.)"""

    __slots__ = ("example", "help", "passes_dashes", "target")

    def __init__(self, target: str, help: str, example: str, passes_dashes: bool = False) -> None:
        self.target = target
        self.help = help
        self.example = example
        self.passes_dashes = passes_dashes  # words such as -3 are arguments and not options


class Group:
    """Commands about one thing: `p2pchat contact add`."""

    __slots__ = ("alone", "commands", "help")
    __match_args__ = ("help", "commands", "alone")

    def __init__(self, help: str, commands: dict[str, Command], alone: str = "") -> None:
        self.help = help
        self.commands = commands
        self.alone = alone  # the command that is meant where none is named


_NODE: Final[dict[str, Command | Group]] = {
    "init": Command("home:init", "Make a profile: your name, keys and encrypted store", "init --name alice"),
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

_PEOPLE: Final[dict[str, Command | Group]] = {
    "invite": Command("contacts:invite", "Print a link (and QR code) that makes a contact", "invite --no-qr"),
    "qr": Command("contacts:read_qr", "Read a QR code: an image, or the text of a terminal", "qr code.png"),
    "contact": Group(
        "The people you know",
        {
            "add": Command(
                "contacts:add", "Ask the person behind a link", "contact add p2pchat:... --name bob"
            ),
            "invite": Command("contacts:invite", "Print a link that makes a contact", "contact invite"),
            "list": Command("contacts:show_all", "Show all contacts", "contact list"),
            "show": Command("contacts:show", "Show one contact with its safety number", "contact show bob"),
            "rename": Command("contacts:rename", "Change a petname", "contact rename bob robert"),
            "verify": Command(
                "contacts:verify",
                "Say that you compared the safety number and it is equal",
                "contact verify bob",
            ),
            "trust": Command(
                "contacts:trust", "Go on with a new device without comparing", "contact trust bob"
            ),
            "introduce": Command(
                "contacts:introduce", "Make two contacts known to each other", "contact introduce bob carol"
            ),
            "remove": Command(
                "contacts:remove", "Have somebody as a contact no longer", "contact remove bob"
            ),
            "block": Command("contacts:block", "Take nothing more from a person", "contact block mallory"),
            "unblock": Command("contacts:unblock", "Take messages again", "contact unblock bob"),
            "accept": Command("requests:accept", "Accept a request", "contact accept alice --name ali"),
            "reject": Command("requests:reject", "Reject a request", "contact reject mallory"),
        },
    ),
    "requests": Group(
        "People who ask to be your contact",
        {
            "list": Command("requests:show_all", "Show the requests that wait for you", "requests list"),
            "accept": Command("requests:accept", "Accept a request", "requests accept alice --name ali"),
            "reject": Command("requests:reject", "Reject a request", "requests reject mallory"),
        },
    ),
}

_SEND: Final = Command("messages:send", "Write to a contact or a group", 'send bob "hi" --ack delivered')
_READ: Final = Command("reading:read", "Show what is unread and mark it as read", "read bob")

_MESSAGES: Final[dict[str, Command | Group]] = {
    "send": _SEND,
    "chat": Command("chat:chat", "Chat: see what comes in, type what goes out", "chat bob"),
    "tui": Command("tui:tui", "Chats, people and money on the whole terminal", "tui --theme light"),
    "read": _READ,
    "inbox": Command("inbox:inbox", "Show all that waits for you", "inbox"),
    "history": Command("reading:history", "Show the newest messages of a chat", "history bob --limit 20"),
    "search": Command("reading:search", "Find messages that contain all words", "search pizza friday"),
    "export": Command("export:export", "Write a chat into a file", "export bob bob.txt"),
    "chats": Command("chats:chats", "Show all chats", "chats"),
    "mute": Command("chats:mute", "Do not notify of a chat for a while", "mute bob 8h"),
    "unmute": Command("chats:unmute", "Notify again", "unmute bob"),
    "archive": Command("chats:archive", "Keep a chat out of the list", "archive bob"),
    "unarchive": Command("chats:unarchive", "Have a chat in the list again", "unarchive bob"),
    "vanish": Command("chats:vanish", "Let the texts of a chat vanish after a while", "vanish bob 7d"),
    "draft": Group(
        "What is typed and not sent",
        {
            "set": Command("drafts:keep", "Keep the draft of a chat", 'draft set bob "dear bob"'),
            "show": Command("drafts:show", "Show the draft of a chat", "draft show bob"),
            "clear": Command("drafts:clear", "Forget the draft of a chat", "draft clear bob"),
        },
    ),
    "typing": Command("drafts:typing", "Tell a contact that you are typing", "typing bob"),
    "settings": Group(
        "What you can switch on and off",
        {
            "show": Command("settings:show", "Show all settings", "settings show"),
            "set": Command("settings:change", "Switch something on or off", "settings set receipts off"),
        },
    ),
    "notify": Command("notify:notify", "Tell the desktop what comes in", "notify --no-text"),
    "dnd": Command("settings:disturb_not", "Do not disturb: no notifications for a while", "dnd 8h"),
    "tail": Command("follow:tail", "Show messages as they come", "tail bob"),
    "msg": Group(
        "Single messages",
        {
            "show": Command("msg:show", "Show one message and how far it came", "msg show k3jq2h4l"),
            "receipts": Command("msg:receipts", "Show who has a message of yours", "msg receipts k3jq2h4l"),
            "retry": Command("msg:retry", "Try at once to bring it to all", "msg retry k3jq2h4l"),
            "scheduled": Command("scheduled:show_all", "Show what is to be sent later", "msg scheduled"),
            "cancel": Command("scheduled:cancel", "Do not send it", "msg cancel qo4hbtyk"),
            "forward": Command("msg:forward", "Send a text on to another chat", "msg forward k3jq2h4l bob"),
            "edit": Command(
                "msg:edit", "Put other words for a text of yours", 'msg edit k3jq2h4l "better words"'
            ),
            "delete": Command("msg:delete", "Delete a text of yours for everybody", "msg delete k3jq2h4l"),
            "react": Command("msg:react", "Put an emoji beside a message", "msg react k3jq2h4l 👍"),
            "unreact": Command("msg:unreact", "Take your emoji back", "msg unreact k3jq2h4l"),
            "pin": Command("msg:pin", "Pin a message for everybody in the chat", "msg pin k3jq2h4l"),
            "unpin": Command("msg:unpin", "Take the pin away", "msg unpin k3jq2h4l"),
            "star": Command("msg:star", "Star a message for yourself", "msg star k3jq2h4l"),
            "unstar": Command("msg:unstar", "Take the star away", "msg unstar k3jq2h4l"),
            "pinned": Command("msg:pinned", "Show pinned messages", "msg pinned bob"),
            "starred": Command("msg:starred", "Show starred messages", "msg starred"),
        },
    ),
}

_GROUPS: Final[dict[str, Command | Group]] = {
    "group": Group(
        "Groups",
        {
            "create": Command("groups:create", "Found a group", "group create trip --history all"),
            "list": Command("groups:show_all", "Show your groups and invitations", "group list"),
            "show": Command("groups:show", "Show a group with its members", "group show trip"),
            "invite": Command(
                "groups:invite",
                "Invite a contact, or print a link",
                "group invite trip --max-uses 5 --expires 2d",
            ),
            "add": Command("groups:add", "Make a contact a member at once", "group add trip bob"),
            "log": Command("groups:log", "Show who did what to the group, and what counts", "group log trip"),
            "verify": Command("groups:verify", "Check the whole log of a group", "group verify trip"),
            "join": Command("groups:join", "Enter a group by a link", "group join p2pchat-group:..."),
            "links": Command("groups:links", "Show the links that still let people in", "group links trip"),
            "revoke": Command(
                "groups:revoke", "Let nobody in by a link any more", "group revoke trip k3jq2h4l"
            ),
            "remove": Command(
                "groups:remove", "Remove a member or an invitation", "group remove trip bob --ban"
            ),
            "unban": Command("groups:unban", "Let a banned person be invited again", "group unban trip bob"),
            "role": Command("groups:role", "Give a member another role", "group role trip bob admin"),
            "rename": Command("groups:rename", "Give a group another name", 'group rename trip "long trip"'),
            "policy": Command(
                "groups:policy", "Show or change the rules of a group", "group policy trip --invite admin"
            ),
            "confirm": Command("groups:confirm", "Confirm the removals so far", "group confirm trip"),
            "accept": Command("groups:accept", "Accept an invitation", "group accept trip"),
            "decline": Command("groups:decline", "Decline an invitation", "group decline trip"),
            "leave": Command("groups:leave", "Leave a group", "group leave trip"),
            "members": Command("groups:members", "Show the members of a group", "group members trip"),
            "send": Command("messages:send_to_group", "Write to a group", 'group send trip "hello all"'),
            "read": Command("reading:read_group", "Show the newest messages of a group", "group read trip"),
        },
    ),
}

_POLLS: Final[dict[str, Command | Group]] = {
    "poll": Group(
        "Polls",
        {
            "create": Command(
                "polls:create", "Ask everybody in a chat", 'poll create trip "Where to?" Rome Oslo'
            ),
            "vote": Command("polls:vote", "Choose in a poll", "poll vote k3jq2h4l 2"),
            "close": Command("polls:close", "Let no more votes count", "poll close k3jq2h4l"),
            "show": Command("polls:show", "Show a poll and who chose what", "poll show k3jq2h4l"),
        },
    ),
}

_MONEY: Final[dict[str, Command | Group]] = {
    "pay": Command(
        "money:pay", "Sign that you owe a contact", 'pay bob 12.50 EUR "pizza"', passes_dashes=True
    ),
    "request": Command(
        "money:request", "Ask a contact to sign that you are owed", 'request bob 8 EUR "taxi"', True
    ),
    "settle": Command(
        "money:settle", "Ask a contact for the receipt of what you paid back", "settle bob 20 EUR", True
    ),
    "receipt": Command(
        "money:receipt", "Sign that a contact paid you back", 'receipt bob 20 EUR "in cash"', True
    ),
    "split": Command("split:split", "Split a bill you paid in a group", 'split trip 60 EUR "dinner"', True),
    "bill": Group(
        "Bills that you entered with split",
        {
            "list": Command("bill:show_all", "Show your bills and who bears what", "bill list"),
            "edit": Command("bill:edit", "Enter a bill anew", "bill edit k3jq2h4l 66 EUR", True),
            "delete": Command("bill:delete", "Let nothing be owed for a bill", "bill delete k3jq2h4l"),
        },
    ),
    "recurring": Group(
        "IOUs that come again",
        {
            "pay": Command(
                "recurring:pay", "Owe this again and again", 'recurring pay bob 20 EUR "phone"', True
            ),
            "request": Command(
                "recurring:request",
                "Ask for this again and again",
                'recurring request bob 400 EUR "rent" --from 2026-12-01 --every month',
                True,
            ),
            "list": Command("recurring:show_all", "Show what comes again", "recurring list"),
            "stop": Command("recurring:stop", "Enter it no more", "recurring stop 3f9a"),
        },
    ),
    "due": Command("money:due", "Show what is due, the earliest first", "due"),
    "balance": Command("money:balance", "Show who owes whom", "balance bob"),
    "iou": Group(
        "Single IOUs",
        {
            "list": Command("money:show_all", "Show IOUs, newest first", "iou list bob"),
            "show": Command("money:show", "Show one with all that was signed about it", "iou show k3jq2h4l"),
            "accept": Command(
                "money:accept", "Accept an IOU, or sign what you were asked for", "iou accept k3jq2h4l"
            ),
            "reject": Command(
                "money:reject", "Reject an IOU or a request, or forgive a debt", "iou reject k3jq2h4l"
            ),
            "same": Command(
                "money:same", "Say that an IOU and a request are one", "iou same k3jq2h4l p7mn3c5d"
            ),
            "dispute": Command(
                "money:dispute", "Object to an IOU, for both to see", 'iou dispute k3jq2h4l "it was 10"'
            ),
            "remind": Command("money:remind", "Write a contact a reminder", "iou remind k3jq2h4l"),
            "limit": Command(
                "money:limit", "Say how much a contact may owe you", "iou limit bob 50 EUR --auto 10", True
            ),
        },
    ),
}

_CIRCLES: Final[dict[str, Command | Group]] = {
    "circle": Group(
        "Debts around several people: all of it, or nothing",
        {
            "on": Command("circle:on", "Take part in what friends begin", "circle on"),
            "off": Command("circle:off", "Take part no longer", "circle off"),
            "list": Command("circle:show_all", "Show circulations that go through you", "circle list"),
            "clear": Command("circle:clear", "Let debts that run in a circle cancel out", "circle clear EUR"),
            "join": Command("circle:join", "Simplify debts in a group", "circle join trip"),
            "leave": Command("circle:leave", "Simplify debts in a group no longer", "circle leave trip"),
            "simplify": Command(
                "circle:simplify", "Show what can be simplified in a group", "circle simplify trip EUR --do"
            ),
            "invoice": Command("circle:invoice", "Make an invoice as text", "circle invoice 12 EUR", True),
            "pay": Command(
                "circle:pay", "Pay an invoice through friends", "circle pay p2pchat-invoice:... --through bob"
            ),
            "assign": Command(
                "circle:assign", "Hand a claim on to somebody else", "circle assign bob 12 EUR carol", True
            ),
            "swap": Command(
                "circle:swap", "Offer one unit for another", "circle swap bob 12 EUR for 3 beer", True
            ),
            "accept": Command("circle:accept", "Agree to a swap", "circle accept k3jq2h4l"),
            "cancel": Command("circle:cancel", "Ask for the end of a circulation", "circle cancel k3jq2h4l"),
        },
    ),
}

_LEDGER: Final[dict[str, Command | Group]] = {
    "ledger": Group(
        "Proofs and books of your IOUs",
        {
            "statement": Command(
                "ledger:statement", "Write a file that proves an account", "ledger statement bob bob.proof"
            ),
            "receipt": Command(
                "ledger:receipt", "Write a file that proves one IOU", "ledger receipt k3jq2h4l taxi.proof"
            ),
            "verify": Command(
                "ledger:verify", "Say what such a file proves, and what not", "ledger verify bob.proof"
            ),
            "export": Command(
                "ledger:export",
                "Write your accounts for another program",
                "ledger export --format hledger bob bob.journal",
            ),
            "history": Command(
                "account:history", "Show an account line by line", "ledger history bob --category food"
            ),
            "plot": Command("account:plot", "Draw a balance over time", "ledger plot bob"),
            "import": Command(
                "importing:splitwise",
                "Take over what stands in a Splitwise export",
                'ledger import trip.csv --me "Ann" --who "Bob Smith=bob"',
            ),
            "forks": Command(
                "ledger:forks", "Show devices that signed two entries with one number", "ledger forks proofs"
            ),
        },
    ),
}

_SCRIPTS: Final[dict[str, Command | Group]] = {
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

SECTIONS: Final[dict[str, dict[str, Command | Group]]] = {
    "Your node": _NODE,
    "People": _PEOPLE,
    "Messages": _MESSAGES,
    "Groups": _GROUPS | _POLLS,
    "Money": _MONEY | _CIRCLES | _LEDGER,
    "Scripts": _SCRIPTS,
}
