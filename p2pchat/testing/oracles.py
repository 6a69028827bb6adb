"""What must be true of any world once it is at rest, whatever happened before.

    same_messages   all members of a group show the same messages in the same order
    same_members    all members agree on members, roles, rules and name
    exactly_once    nothing is shown or told of twice
    all_explained   outboxes are empty, and every delivery has ended or cannot be
    outsiders_lack  who was not a member holds no key to what was said meanwhile
    restart_changes_nothing

Each raises AssertionError with what differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from p2pchat.api import schema as s
from p2pchat.core.ids import ConversationId, EntryId, GroupId, PersonId
from p2pchat.core.log.entry import Entry
from p2pchat.core.ratchet.bursts import GroupBody, open_body
from p2pchat.core.ratchet.sender_keys import InboundGroupSession
from p2pchat.errors import P2PChatError
from p2pchat.node.features.group import group_messages
from p2pchat.store import events, logs, messages, outbox
from p2pchat.store import groups as group_rows
from p2pchat.testing.person import Person
from p2pchat.testing.world import World

_EVERYTHING = 1_000_000
_QUEUED = """SELECT e.id, d.person, e.conversation
             FROM delivery AS d JOIN entry AS e ON e.number = d.entry WHERE d.state = 'queued'"""


def restless(world: World, liars: Collection[Person] = ()) -> Iterator[str]:
    """Why the nodes that run and do not lie are not at rest; nothing if they are."""
    up = [person for person in world.people if person.is_up and person not in liars]
    here = {person.device for person in up}
    for person in up:
        queued = [device for device in person.look(outbox.devices) if device in here]
        if queued:
            yield f"{person} has something for {[device.short for device in queued]}"
        if person.look(messages.conversations_waiting):
            yield f"{person} waits for sender keys"
        yield from unexplained(person, up)
    for group in _groups(up):
        held = {person.name: entries(person, group) for person in members(up, group)}
        whole = set[EntryId]().union(*held.values())
        yield from (f"{name} lacks {len(whole - his)} entries" for name, his in held.items() if his != whole)


async def settle(world: World, *, within_s: float = 1800.0, liars: Collection[Person] = ()) -> None:
    """Let the world go on until all but `liars` are at rest. Fails if it takes longer than `within_s`."""
    world.note("settle")
    try:
        await world.until(lambda: next(restless(world, liars), "") == "", "rest", within_s=within_s)
    except AssertionError as error:
        raise AssertionError(f"no rest within {within_s} s: {list(restless(world, liars))}") from error
    await world.pass_time(3.0)


def check(world: World, *, liars: Collection[Person] = ()) -> None:
    """All that must hold of those who run and do not lie, once the world is at rest."""
    up = [person for person in world.people if person.is_up and person not in liars]
    for group in _groups(up):
        same_messages(members(up, group), group)
        same_members(members(up, group), group)
    for person in up:
        exactly_once(person)
        all_explained(person, up)


def same_messages(people: Collection[Person], group: GroupId) -> None:
    """All show the same messages in the same order.

    Sealed lines are set aside: a newcomer cannot know which of the entries before his time are lines.
    """
    first, *others = people
    for person in others:
        sealed = {line.id for one in (person, first) for line in shown(one, group) if line.kind == "sealed"}
        mine, his = [
            [_said(one, line) for line in shown(one, group) if line.id not in sealed]
            for one in (person, first)
        ]
        odd = [line for line in mine if line not in his] + [line for line in his if line not in mine]
        assert not odd, f"{person} and {first} differ: {odd}"
        assert mine == his, f"{person} and {first} show another order"


def same_members(people: Collection[Person], group: GroupId) -> None:
    """All agree on members, roles, rules and name, and those who think that they are members are."""
    views = {person: person.look(person.app.groups.view, group) for person in people}
    first = next(iter(views.values()))
    for person, view in views.items():
        roles = {one: member.role for one, member in view.members.items()}
        assert roles == {one: member.role for one, member in first.members.items()}, (
            f"{person}: other members"
        )
        assert (view.policy, view.name, view.banned) == (first.policy, first.name, first.banned), (
            f"{person}: other rules"
        )
        assert person.id in view.members, f"{person} takes himself for a member"


def exactly_once(person: Person) -> None:
    """No text is shown twice in a chat (scenarios never repeat one), and no message is told of twice."""
    for conversation in person.look(logs.conversations):
        texts = Counter(line.text for line in shown(person, conversation.id) if line.kind == "text")
        assert all(count == 1 for count in texts.values()), f"{person} sees twice: {texts.most_common(3)}"
    told = Counter(
        event.data["id"]
        for event in person.look(events.after, 0, limit=_EVERYTHING)
        if event.type == "message.received" and event.data["kind"] not in ("sealed", "missing")
    )
    assert all(count == 1 for count in told.values()), f"{person} is told twice: {told.most_common(3)}"


def all_explained(person: Person, up: Collection[Person]) -> None:
    """What waits does so for somebody who is away or no member any more."""
    waiting = unexplained(person, up)
    assert not waiting, waiting


def outsiders_lack(insider: Person, outsider: Person, ids: Iterable[str]) -> None:
    """`outsider` cannot open these messages of a group, with all keys he holds."""
    for text in ids:
        entry = insider.look(logs.get, EntryId.parse(text))
        assert entry is not None
        assert not opens(outsider, entry), f"{outsider} reads {text}"


def opens(person: Person, entry: Entry) -> bool:
    """Whether a person can open a sealed message with any key that he holds."""
    body = group_messages.read_sealed(entry.body)
    held = person.look(lambda tx: tx.execute("SELECT state FROM sender_key"))
    return any(_opens(person, state, body) for (state,) in held)


async def restart_changes_nothing(world: World, *people: Person) -> None:
    """What the people see is the same after a power cut and a start."""
    for person in people:
        before = sights(person)
        await world.restart(person)
        await settle(world)
        after = sights(person)
        for name, sight in before.items():
            assert after[name] == sight, f"{person} sees another {name} after a restart"


# --- looking at stores ----------------------------------------------------------------------------


def shown(person: Person, chat: ConversationId) -> list[messages.Message]:
    """The lines of a chat in display order, without those that tell of membership in each one's words."""
    lines = person.look(messages.page, chat, before=None, limit=_EVERYTHING)
    return [line for line in lines if line.kind != "group"]


def texts(person: Person, chat: str) -> list[str]:
    """The texts of a chat, in display order."""
    page = person.query("message.history", s.History(chat=chat, limit=500))
    return [message.text for message in page.messages if message.kind == "text"]


def entries(person: Person, group: GroupId) -> set[EntryId]:
    """The entries of a group's log that a person holds."""
    rows = person.database.read(
        lambda tx: tx.execute("SELECT id FROM entry WHERE conversation = ?", (group,))
    )
    return {EntryId(id) for (id,) in rows}


def group_id(person: Person, name: str) -> GroupId:
    """The group that a person calls so."""
    return GroupId.parse(person.query("group.show", s.GroupName(group=name)).group)


def members(people: Iterable[Person], group: GroupId) -> list[Person]:
    """Those of `people` who are members, as whoever knows most of the group's operations sees it."""
    within = [
        person for person in people if (one := person.look(group_rows.get, group)) and one.state == "joined"
    ]
    if not within:
        return []
    best = max(within, key=lambda person: person.look(logs.operations, group)[0])
    listed = best.look(best.app.groups.view, group).members
    return [person for person in within if person.id in listed]


def sights(person: Person) -> dict[str, object]:
    """All that the local API shows of chats, groups and money."""
    seen: dict[str, object] = {
        "list of chats": person.query("chat.list", s.ChatQuery()),
        "list of groups": person.query("group.list"),
        "list of IOUs": person.query("iou.list", s.IouQuery()),
        "balance": person.query("iou.balance", s.BalanceQuery()),
        "list of contacts": person.query("contact.list"),
    }
    for chat in person.query("chat.list", s.ChatQuery()).chats:
        seen[chat.chat] = person.query("message.history", s.History(chat=chat.chat, limit=500)).messages
    return seen


def _opens(person: Person, state: bytes, body: GroupBody) -> bool:
    session = InboundGroupSession.from_bytes(state, person.app.pickle_key)
    try:
        open_body(session, body)
    except P2PChatError:
        return False
    return True


def _groups(people: Iterable[Person]) -> set[GroupId]:
    return {one.group for person in people for one in person.look(group_rows.all_in, "joined")}


def unexplained(person: Person, up: Collection[Person]) -> list[str]:
    """What a person believes to be under way to somebody who is here and shares the chat."""
    here = {one.id: one for one in up}
    rows = person.look(lambda tx: tx.execute(_QUEUED))
    return [
        f"{person}: {EntryId(entry).short} waits for {here[PersonId(to)]}"
        for entry, to, conversation in rows
        if PersonId(to) in here and _shares(person, here[PersonId(to)], ConversationId(conversation))
    ]


def _shares(person: Person, other: Person, conversation: ConversationId) -> bool:
    known = person.look(logs.conversation, conversation)
    assert known is not None
    if known.person is not None:
        return True
    within = members([person, other], GroupId(conversation))
    return person in within and other in within


def _said(person: Person, line: messages.Message) -> tuple[object, ...]:
    reactions = person.look(messages.reactions, line.id)
    marks = {(one.person, one.emoji) for one in reactions}
    return (line.id, line.kind, line.text, line.person, line.pinned, marks)
