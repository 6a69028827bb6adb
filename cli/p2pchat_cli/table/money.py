"""Commands about IOUs, circles of debts and their books."""

from __future__ import annotations

from typing import Final

from p2pchat_cli.table.entry import Command, Group

MONEY: Final[dict[str, Command | Group]] = {
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

CIRCLES: Final[dict[str, Command | Group]] = {
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

LEDGER: Final[dict[str, Command | Group]] = {
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
