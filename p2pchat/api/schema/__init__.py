"""What the local API speaks: parameters and results of every method, events and errors.

Both ends import this module and nothing behind it, so it holds plain msgspec structs only. Ids are
their base32 text, times are milliseconds since 1970, money is text such as "12.50 EUR" beside its
integer minor units. `who` names a contact, `chat` a contact or a group: a petname or group name, with
`@` (contact) or `#` (group) in front where the two could be confused, or an id or its beginning.
"""

from __future__ import annotations

from p2pchat.api.schema.base import (
    Done,
    ErrorData,
    Method,
    Nothing,
    Params,
    Result,
    Who,
)
from p2pchat.api.schema.contacts import (
    Accept,
    AddContact,
    Contact,
    Contacts,
    Invite,
    Rename,
)
from p2pchat.api.schema.events import (
    Event,
    Events,
    Since,
)
from p2pchat.api.schema.groups import (
    CreateGroup,
    Group,
    GroupName,
    Groups,
    GroupWho,
    Member,
)
from p2pchat.api.schema.messages import (
    Chat,
    Chats,
    ChatSummary,
    Delivery,
    History,
    Message,
    MessageId,
    Messages,
    Search,
    Send,
)
from p2pchat.api.schema.money import (
    Balance,
    BalanceQuery,
    Balances,
    Iou,
    IouId,
    Ious,
    Pay,
    RequestPay,
    Split,
    SplitResult,
)
from p2pchat.api.schema.node import (
    Identity,
    JoinNetwork,
    NetworkInfo,
    NetworkReport,
    Peer,
    PingResult,
    Status,
)

__all__ = [
    "Accept",
    "AddContact",
    "Balance",
    "BalanceQuery",
    "Balances",
    "Chat",
    "ChatSummary",
    "Chats",
    "Contact",
    "Contacts",
    "CreateGroup",
    "Delivery",
    "Done",
    "ErrorData",
    "Event",
    "Events",
    "Group",
    "GroupName",
    "GroupWho",
    "Groups",
    "History",
    "Identity",
    "Invite",
    "Iou",
    "IouId",
    "Ious",
    "JoinNetwork",
    "Member",
    "Message",
    "MessageId",
    "Messages",
    "Method",
    "NetworkInfo",
    "NetworkReport",
    "Nothing",
    "Params",
    "Pay",
    "Peer",
    "PingResult",
    "Rename",
    "RequestPay",
    "Result",
    "Search",
    "Send",
    "Since",
    "Split",
    "SplitResult",
    "Status",
    "Who",
]
