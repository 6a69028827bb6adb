"""What the local API speaks: parameters and results of every method, events and errors.

Both ends import this module and nothing behind it, so it holds plain msgspec structs only. Ids are
their base32 text, times are milliseconds since 1970, money is text such as "12.50 EUR" beside its
integer minor units. `who` names a contact, `chat` a contact or a group: a petname or group name, with
`@` (contact) or `#` (group) in front where the two could be confused, or an id or its beginning.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Params(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of all parameters: named, and unknown names are refused."""


class Result(msgspec.Struct, kw_only=True):
    """Base of all results; a newer node may add fields."""


class Nothing(Params):
    """No parameters."""


class Done(Result):
    """The request was carried out and has nothing to show."""


# --- this node ---------------------------------------------------------------------------------


class Identity(Result):
    """Who I am."""

    name: str
    person: str
    device: str
    fingerprint: str


class Status(Result):
    """What `p2pchat status` shows."""

    identity: Identity
    network: str | None
    running: bool
    listening: list[str]
    peers: int
    contacts: int
    groups: int
    unread: int
    requests: int  # contact requests and group invitations waiting for a decision
    outbox: int  # items not yet delivered
    store_bytes: int
    version: str
    cursor: int = 0  # the newest event's; following from here shows what happens from now on


class Peer(Result):
    """A device we are connected to now."""

    device: str
    name: str | None  # petname, if it belongs to a contact
    addresses: list[str]
    direction: str
    bootstrap: bool


class NetworkReport(Result):
    """What `p2pchat net` shows."""

    listening: list[str]
    peers: list[Peer]
    counters: dict[str, int]


class Ping(Params):
    """Measure the round trip to a connected contact."""

    who: str


class PingResult(Result):
    """Round trip in milliseconds."""

    ms: float


class JoinNetwork(Params):
    """Belong to the network that a network file (its text or its one-line link) describes."""

    text: str


class NetworkInfo(Result):
    """The network this node belongs to."""

    name: str
    bootstrap: list[str]
    private: bool  # has a pre-shared key
    link: str


# --- contacts ----------------------------------------------------------------------------------


class Invite(Result):
    """A link that lets somebody ask to be my contact."""

    link: str
    reachable: bool  # it holds at least one address


class AddContact(Params):
    """Ask the person behind an invite link to be a contact, under a petname of my choice."""

    link: str
    name: str | None = None
    message: str = ""


class Who(Params):
    """A contact."""

    who: str


class Rename(Params):
    """Give a contact another petname."""

    who: str
    name: str


class Contact(Result):
    """A person I know or asked to know."""

    person: str
    name: str  # petname
    claimed_name: str  # what the person calls himself
    state: str  # requested | pending (his request waits for me) | accepted | rejected | blocked
    verified: bool
    fingerprint: str
    safety_number: str  # empty in lists
    connected: bool = False
    message: str = ""  # greeting that came with a request


class Contacts(Result):
    """Contacts in the order of their names."""

    contacts: list[Contact]


class Accept(Params):
    """Accept a request, optionally under another petname."""

    who: str
    name: str | None = None


# --- messages ----------------------------------------------------------------------------------


class Chat(Params):
    """A contact or a group."""

    chat: str


class Send(Params):
    """Write a text to a contact or a group."""

    chat: str
    text: str


class History(Params):
    """The newest `limit` messages of a chat, oldest first; `before` is a message id to page back from."""

    chat: str
    limit: int = 50
    before: str | None = None


class Search(Params):
    """Messages that contain all words of `text`, newest first."""

    text: str
    limit: int = 50


class MessageId(Params):
    """A message by its id or the beginning of it."""

    id: str


class Delivery(Result):
    """How far a message of mine has come to one recipient."""

    name: str
    state: str  # queued | handed | delivered | read | failed
    at_ms: int


class Message(Result):
    """One message as shown."""

    id: str
    chat: str  # '@petname' or '#group'
    sender: str  # petname, or my own name
    mine: bool
    kind: str  # text | iou | group
    text: str
    sent_ms: int
    received_ms: int
    state: str  # of mine: stored | queued | handed | delivered | read, perhaps n/m; else received
    deliveries: list[Delivery] = []


class Messages(Result):
    """Messages, in the order the method promises."""

    messages: list[Message]
    more: bool = False


class ChatSummary(Result):
    """A line in the list of chats."""

    chat: str
    conversation: str
    unread: int
    last: Message | None


class Chats(Result):
    """All chats, the most recently used first."""

    chats: list[ChatSummary]


# --- groups ------------------------------------------------------------------------------------


class CreateGroup(Params):
    """Found a group."""

    name: str
    history: str = "from-join"  # what newcomers may read: all | from-join


class GroupWho(Params):
    """A group and a contact."""

    group: str
    who: str


class GroupName(Params):
    """A group."""

    group: str


class Member(Result):
    """A member of a group."""

    name: str
    person: str
    role: str  # owner | admin | member | read-only
    me: bool


class Group(Result):
    """A group as I see it."""

    group: str  # id
    name: str
    state: str  # invited | joined | left | removed
    members: list[Member]
    invited: list[str]  # names of persons invited and not yet joined
    invited_by: str = ""


class Groups(Result):
    """All groups I am in or invited to."""

    groups: list[Group]


# --- money -------------------------------------------------------------------------------------


class Pay(Params):
    """I owe the contact this amount: signed by me, counted once the contact accepts."""

    who: str
    amount: str
    note: str = ""


class RequestPay(Params):
    """The contact owes me this amount, I say; nothing counts until the contact signs it."""

    who: str
    amount: str
    note: str = ""


class Split(Params):
    """I paid a bill for a group: ask every other member for an equal share."""

    group: str
    amount: str
    note: str = ""


class IouId(Params):
    """A ledger entry by its id or the beginning of it."""

    id: str


class Iou(Result):
    """One IOU as I see it."""

    id: str
    kind: str  # iou | request
    who: str  # the other person's petname
    direction: str  # i-owe | owes-me
    amount: str
    minor: int
    unit: str
    state: str  # offered | binding | held | fulfilled | void; requested | answered | withdrawn | declined
    note: str
    at_ms: int
    mine_to_decide: bool


class Ious(Result):
    """IOUs, newest first."""

    ious: list[Iou]


class BalanceQuery(Params):
    """Balances with one contact, or with all."""

    who: str | None = None


class Balance(Result):
    """What stands between me and one person in one unit."""

    who: str
    amount: str  # signed text: "+12.50 EUR" the contact owes me, "-12.50 EUR" I owe the contact
    minor: int
    unit: str
    open_offers: int  # IOUs that wait for a decision of either side


class Balances(Result):
    """All balances that are not zero, or have something open."""

    balances: list[Balance]


class SplitResult(Result):
    """The requests that a split made."""

    total: str
    own_share: str
    ious: list[Iou]


# --- events ------------------------------------------------------------------------------------


class Since(Params):
    """Events after a cursor, oldest first; cursor 0 is the beginning."""

    since: int = 0
    limit: int = 500


class Event(Result):
    """Something that happened, in the order it was committed. `seq` is the cursor."""

    seq: int
    at_ms: int
    type: (
        str  # message.received, message.state, request.received, contact.changed, group.changed, iou.changed
    )
    data: dict[str, Any]


class Events(Result):
    """A page of events; `last` is the cursor to continue from."""

    events: list[Event]
    last: int


class ErrorData(Result):
    """The `data` of a JSON-RPC error."""

    exit_code: int
    error: str  # the class name in p2pchat.errors
