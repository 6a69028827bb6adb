"""A profile with a chat of 100,000 messages: opening it, opening the chat, and searching, as a face does.

`python -m benchmarks.chats` prints each figure in milliseconds beside its limit. The messages are rows as
a node writes them (index, deliveries, reactions), put in at once; everything after that is the node's own
code, through the methods of the local API.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from p2pchat.api import schema as s
from p2pchat.api.methods import call
from p2pchat.config import Home
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import ConversationId, DeviceId, EntryId, PersonId
from p2pchat.node.profile import Profile
from p2pchat.store import deliveries, logs, messages, people
from p2pchat.store.transaction import Transaction

MESSAGES: Final = 100_000
ROUNDS: Final = 15
SEARCH_MS: Final = 20.0
CHAT_MS: Final = 50.0
FILE_MS: Final = 50.0
PASSPHRASE_MS: Final = 700.0
PASSPHRASE: Final = "correct horse"
RARE: Final = "pomegranate"
BOB: Final = PersonId(b"b" * 32)
_FEW: Final = 1000  # messages that hold the rare word: one in so many

_OPEN: Final = """
import sys, time
from pathlib import Path
from p2pchat.config import Home
from p2pchat.node.profile import Profile
began = time.perf_counter()
with Profile.open(Home(Path(sys.argv[1])), sys.argv[2]) as profile:
    profile.query(lambda tx: tx.one("SELECT max(rowid) FROM message"))
    print(1000 * (time.perf_counter() - began))
"""


class Figure(NamedTuple):
    """A time and the most that it may be, both in milliseconds."""

    what: str
    ms: float
    limit_ms: float


def fill(profile: Profile, count: int = MESSAGES) -> None:
    """Put a chat with Bob of so many messages into a profile, half of them mine and delivered."""
    app, chances = profile.app, random.Random(1)
    chat = direct_conversation(app.person, BOB)
    words = [f"{a}{b}" for a in ("ba", "ko", "mi", "tu", "se", "ra", "li", "no") for b in _SYLLABLES]

    def begin(tx: Transaction) -> None:
        people.add_person(tx, people.Person(BOB, "bob", "Bob", "accepted", False, 0, "", None, 0))
        logs.open_direct(tx, chat, BOB)

    def add(tx: Transaction, numbers: range) -> None:
        for number in numbers:
            text = " ".join(chances.choices(words, k=12)) + (f" {RARE}" if number % _FEW == 0 else "")
            _add(tx, app.person, app.device, chat, number, f"hello {text}")

    profile.change(begin)
    for start in range(0, count, 5000):
        profile.change(lambda tx, numbers=range(start, start + 5000): add(tx, numbers))
    profile.database.settle()


_SYLLABLES: Final = [f"{c}{v}{d}" for c in "bdfgklmnprst" for v in "aeiou" for d in "nrs"]


def _add(
    tx: Transaction, me: PersonId, device: DeviceId, chat: ConversationId, number: int, text: str
) -> None:
    mine, id = number % 2 == 0, EntryId(number.to_bytes(32, "big"))
    author = me if mine else BOB
    at_ms = 1_700_000_000_000 + number
    messages.add(tx, messages.Message(id, chat, number + 1, device, author, mine, "text", text, at_ms, at_ms))
    if mine:
        deliveries.expect(tx, id, [BOB], at_ms)
        deliveries.advance(tx, [id], BOB, "delivered", at_ms)
    if number % 10 == 0:
        messages.react(tx, id, BOB, "👍", at_ms)


def median_ms(act: Callable[[], object]) -> float:
    """The median of some rounds, after one that counts not."""
    act()
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def cold_ms(home: Home, passphrase: str) -> float:
    """From an imported program to the first row of the store, each time in a process of its own."""
    command = [sys.executable, "-c", _OPEN, str(home.directory), passphrase]
    return statistics.median(
        float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(5)
    )


def measure(folder: Path) -> list[Figure]:
    """All figures, on the disk of `folder`."""
    homes = {"": Home(folder / "file"), PASSPHRASE: Home(folder / "passphrase")}
    for passphrase, home in homes.items():
        Profile.create(home, "ann", passphrase)
        with Profile.open(home, passphrase) as profile:
            fill(profile)
    figures = [
        Figure("open the profile, key file", cold_ms(homes[""], ""), FILE_MS),
        Figure("open the profile, passphrase", cold_ms(homes[PASSPHRASE], PASSPHRASE), PASSPHRASE_MS),
    ]
    with Profile.open(homes[""]) as profile:

        def ask(method: str, params: s.Params) -> Any:
            return call(profile, method, params)

        def open_chat() -> None:
            ask("chat.show", s.Chat(chat="bob"))
            page = ask("message.history", s.History(chat="bob", limit=50))
            assert len(page.messages) == 50

        oldest = EntryId((200).to_bytes(32, "big")).text
        figures += [
            Figure("open the chat: summary and 50 messages", median_ms(open_chat), CHAT_MS),
            Figure(
                "page back to its beginning",
                median_ms(lambda: ask("message.history", s.History(chat="bob", limit=50, before=oldest))),
                CHAT_MS,
            ),
            Figure("list all chats", median_ms(lambda: ask("chat.list", s.ChatQuery())), CHAT_MS),
        ]
        for what, text in {
            "one rare word": RARE,
            "a word that all messages hold": "hello",
            "two words of many": "hello bababan",
            "beginnings of two letters": "ba ko",
            "a rare and a common word": f"{RARE} hello",
            "a word that none holds": "zzyzx",
        }.items():
            took = median_ms(lambda text=text: ask("message.search", s.Search(text=text, limit=50)))
            figures.append(Figure(f"search: {what}", took, SEARCH_MS))
    return figures


def main() -> None:
    # /var/tmp is on a disk where /tmp may be in memory
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        figures = measure(Path(folder))
    for what, ms, limit_ms in figures:
        print(f"{what:42} {ms:8.1f} ms   at most {limit_ms:4.0f} ms   {'' if ms < limit_ms else 'MISSED'}")
    sys.exit(any(ms >= limit_ms for _, ms, limit_ms in figures))


if __name__ == "__main__":
    main()
