"""Who is named in a text: each person's id, beside the word by which the author named him.

Names are everybody's own: what the author calls @anna, a reader may know as @anna-from-work. So the
content says whom each `@word` means, and a reader is shown his own name for that person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from p2pchat.core import fields
from p2pchat.core.codec import Value
from p2pchat.core.identity import MAX_NAME
from p2pchat.core.ids import PersonId

MAX_MENTIONS: Final = 32  # in one text


@dataclass(frozen=True, slots=True)
class Mention:
    """A person, and the word that stands behind an @ for him; empty if none does."""

    person: PersonId
    word: str


def find(text: str, names: Mapping[str, PersonId]) -> tuple[Mention, ...]:
    """Whom `text` names, given what each person is called; the first `MAX_MENTIONS`.

    A name may have blanks; of names that begin alike the longest counts, and case does not.
    """
    if "@" not in text:
        return ()
    by_look = {name.casefold(): person for name, person in names.items()}
    found = {
        Mention(by_look[match[1].casefold()], match[1])
        for match in _pattern(by_look).finditer(text)
        if match[1].casefold() in by_look
    }
    return tuple(sorted(found, key=lambda one: (one.person, one.word))[:MAX_MENTIONS])


def resolved(text: str, mentions: Iterable[Mention], name_of: Callable[[PersonId], str]) -> str:
    """`text` with the reader's own names in place of the author's words."""
    persons = {one.word.casefold(): one.person for one in mentions if one.word}
    if not persons or "@" not in text:
        return text
    names = {word: name_of(person) for word, person in persons.items()}
    return _pattern(names).sub(lambda match: "@" + names.get(match[1].casefold(), match[1]), text)


def encode_mentions(mentions: Iterable[Mention]) -> list[list[object]]:
    """Mentions as a content has them."""
    return [[one.person, one.word] for one in mentions]


def decode_mentions(value: Value) -> tuple[Mention, ...]:
    """The mentions in a content. Raises DecodeError if they are malformed or too many."""
    pairs = [fields.array(pair, 2) for pair in fields.items(value, most=MAX_MENTIONS)]
    return tuple(
        Mention(fields.identifier(person, PersonId), fields.text(word, most=MAX_NAME))
        for person, word in pairs
    )


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """An @ that does not stand within a word (as in an address), and one of `words` to its end."""
    longest_first = sorted(filter(None, words), key=lambda word: (-len(word), word))
    return re.compile(
        rf"(?<![\w@])@({'|'.join(map(re.escape, longest_first)) or '(?!)'})(?!\w)", re.IGNORECASE
    )
