"""From what a person types to whom or what is meant, and back."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TypeVar

from p2pchat.core.ids import ConversationId, GroupId, Id, PersonId
from p2pchat.errors import NotFoundError, UsageError
from p2pchat.node.features.app import App
from p2pchat.store import groups, logs, messages, people
from p2pchat.store.transaction import Reader

Named = TypeVar("Named", people.Person, groups.Membership, people.Person | groups.Membership)

_ID_LETTERS = 52
_LEAST_PREFIX = 4  # letters of an id that are accepted in its place


def find_person(tx: Reader, text: str) -> people.Person:
    """The person whom `text` names: a petname, `@petname`, or an id or its beginning.

    Raises:
        NotFoundError: nobody, or several.
    """
    return _only(tx, text, _persons(tx, text), "contact")


def find_exactly(tx: Reader, text: str) -> people.Person:
    """As `find_person`, but the beginning of a petname is not enough: where money is concerned.

    Raises:
        NotFoundError: nobody of exactly that name or id.
    """
    person = find_person(tx, text)
    name = text.strip().removeprefix("@")
    if person.petname.casefold() != name.casefold() and not _begins(person.id, name):
        raise NotFoundError(f"nobody is called '{text}': did you mean {person.petname}?")
    return person


def find_group(tx: Reader, text: str) -> groups.Membership:
    """The group that `text` names: a name, `#name`, or an id or its beginning.

    Raises:
        NotFoundError: none, or several.
    """
    return _only(tx, text, _groups(tx, text), "group")


def find_chat(tx: Reader, text: str) -> people.Person | groups.Membership:
    """The contact or group that `text` names; `@` and `#` decide where both would fit.

    Raises:
        NotFoundError: neither, or several.
    """
    found: list[people.Person | groups.Membership] = []
    if not text.startswith("#"):
        found += _persons(tx, text)
    if not text.startswith("@"):
        found += _groups(tx, text)
    whole = [one for one in found if _is_called(one, text)]
    return _only(tx, text, whole or found, "contact or group")


def _is_called(one: people.Person | groups.Membership, text: str) -> bool:
    name = one.petname if isinstance(one, people.Person) else one.name
    return name.casefold() == text.strip().lstrip("@#").casefold()


def _persons(tx: Reader, text: str) -> list[people.Person]:
    name = text.strip().removeprefix("@")
    exact = people.named(tx, name)
    if exact:
        return [exact]
    known = people.persons(tx)
    return [one for one in known if _begins(one.id, name)] or [
        one for one in known if name and one.petname.casefold().startswith(name.casefold())
    ]


def _groups(tx: Reader, text: str) -> list[groups.Membership]:
    name = text.strip().removeprefix("#")
    known = groups.all_in(tx)
    return (
        [one for one in known if one.name.casefold() == name.casefold()]
        or [one for one in known if _begins(one.group, name)]
        or [one for one in known if name and one.name.casefold().startswith(name.casefold())]
    )


def _only(tx: Reader, text: str, found: Sequence[Named], what: str) -> Named:
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(
            f"@{one.petname}" if isinstance(one, people.Person) else f"#{one.name} ({one.group.short})"
            for one in found[:5]
        )
        raise NotFoundError(f"'{text}' could be {shown}")
    like = _alike(tx, text, what)
    raise NotFoundError(f"no {what} is called '{text}'" + (f": did you mean {like}?" if like else ""))


def _alike(tx: Reader, text: str, what: str) -> str | None:
    """The name that looks most like `text`: for an error, never to act upon."""
    names = [f"@{one.petname}" for one in people.persons(tx)] if "contact" in what else []
    names += [f"#{one.name}" for one in groups.all_in(tx)] if "group" in what else []
    by_look = {name[1:].casefold(): name for name in names}
    close = get_close_matches(text.strip().lstrip("@#").casefold(), by_look, n=1)
    return by_look[close[0]] if close else None


def find_message(tx: Reader, text: str) -> messages.Message:
    """The message whose id begins with `text`.

    Raises:
        NotFoundError: none, or several.
    """
    prefix = text.strip().lower()
    if len(prefix) < _LEAST_PREFIX:
        raise UsageError(f"'{text}' is too short for a message id: give at least {_LEAST_PREFIX} letters")
    # A prefix in base32 is not a whole number of bytes: look up the whole bytes, then compare letters.
    found = [
        one
        for one in messages.beginning_with(tx, whole_bytes(prefix), limit=1000)
        if one.id.text.startswith(prefix)
    ]
    if len(found) == 1:
        return found[0]
    raise NotFoundError(f"'{text}' is the beginning of {'several messages' if found else 'no message id'}")


def free_petname(tx: Reader, wanted: str) -> str:
    """`wanted`, or `wanted2`, `wanted3`... if others are called so already."""
    if len(wanted) >= _ID_LETTERS:  # a name that is somebody's id would be taken for him
        wanted = wanted[: _ID_LETTERS // 2]
    name, number = wanted, 1
    while people.named(tx, name):
        number += 1
        name = f"{wanted}{number}"
    return name


def name_of(app: App, tx: Reader, person: PersonId) -> str:
    """What a person is called here."""
    if person == app.person:
        return app.name
    known = people.person(tx, person)
    return known.petname if known else person.short


def chat_name(app: App, tx: Reader, conversation: ConversationId) -> str:
    """A conversation as `@petname` or `#group`."""
    known = logs.conversation(tx, conversation)
    if known and known.person:
        return "@" + name_of(app, tx, known.person)
    membership = groups.get(tx, GroupId(conversation))
    return "#" + (membership.name if membership else conversation.short)


def _begins(id: Id, prefix: str) -> bool:
    return len(prefix) >= _LEAST_PREFIX and id.text.startswith(prefix.lower())


def whole_bytes(prefix: str) -> bytes:
    """The bytes that the beginning of an id settles. Raises NotFoundError if no id begins like that."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    bits = ""
    for letter in prefix:
        if letter not in alphabet:
            raise NotFoundError(f"'{prefix}' is the beginning of no id")
        bits += f"{alphabet.index(letter):05b}"
    whole = len(bits) // 8 * 8
    return int(bits[:whole] or "0", 2).to_bytes(whole // 8, "big")
