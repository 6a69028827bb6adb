"""Commands about contacts and requests."""

from __future__ import annotations

from typing import Final

from p2pchat_cli.table.entry import Command, Group

PEOPLE: Final[dict[str, Command | Group]] = {
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
