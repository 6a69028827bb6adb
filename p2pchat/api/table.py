"""The method table: every capability of a node, by name.

`store` methods are plain functions of the store and run in the node or, when no node runs, in the
command's own process. `network` methods need the running node.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from p2pchat.api import schema as s


class Method(NamedTuple):
    """One capability: its parameter and result types, where it runs, and what it is for."""

    params: type[s.Params]
    result: type[s.Result]
    runs: Literal["store", "network"]
    help: str


METHODS: Final[dict[str, Method]] = {
    "identity.show": Method(s.Nothing, s.Identity, "store", "Who I am"),
    "node.status": Method(s.Nothing, s.Status, "store", "State of this node"),
    "node.stop": Method(s.Nothing, s.Done, "network", "Stop the running node"),
    "node.net": Method(s.Nothing, s.NetworkReport, "network", "Addresses, peers and counters"),
    "node.ping": Method(s.Ping, s.PingResult, "network", "Round trip to a connected contact"),
    "node.connect": Method(s.Who, s.Done, "network", "Dial a contact now"),
    "network.join": Method(s.JoinNetwork, s.NetworkInfo, "store", "Belong to a network"),
    "network.show": Method(s.Nothing, s.NetworkInfo, "store", "The network this node belongs to"),
    "invite.create": Method(s.Nothing, s.Invite, "store", "A link for a new contact"),
    "contact.add": Method(s.AddContact, s.Contact, "store", "Ask the person behind a link to be a contact"),
    "contact.list": Method(s.Nothing, s.Contacts, "store", "All contacts"),
    "contact.show": Method(s.Who, s.Contact, "store", "One contact"),
    "contact.rename": Method(s.Rename, s.Contact, "store", "Change a petname"),
    "contact.verify": Method(s.Who, s.Contact, "store", "The safety numbers were compared and are equal"),
    "contact.block": Method(s.Who, s.Contact, "store", "Take nothing more from a person"),
    "contact.unblock": Method(s.Who, s.Contact, "store", "Take messages again"),
    "request.list": Method(s.Nothing, s.Contacts, "store", "Requests waiting for my decision"),
    "request.accept": Method(s.Accept, s.Contact, "store", "Accept a request"),
    "request.reject": Method(s.Who, s.Done, "store", "Reject a request"),
    "message.send": Method(s.Send, s.Message, "store", "Write a text"),
    "message.show": Method(s.MessageId, s.Message, "store", "One message with its deliveries"),
    "message.history": Method(s.History, s.Messages, "store", "Messages of one chat"),
    "message.search": Method(s.Search, s.Messages, "store", "Find messages"),
    "chat.list": Method(s.Nothing, s.Chats, "store", "All chats"),
    "chat.read": Method(s.Chat, s.Done, "store", "Mark a chat as read"),
    "group.create": Method(s.CreateGroup, s.Group, "store", "Found a group"),
    "group.list": Method(s.Nothing, s.Groups, "store", "My groups and invitations"),
    "group.show": Method(s.GroupName, s.Group, "store", "One group with its members"),
    "group.invite": Method(s.GroupWho, s.Group, "store", "Invite a contact"),
    "group.accept": Method(s.GroupName, s.Group, "store", "Accept an invitation"),
    "group.decline": Method(s.GroupName, s.Done, "store", "Decline an invitation"),
    "group.leave": Method(s.GroupName, s.Group, "store", "Leave a group"),
    "iou.pay": Method(s.Pay, s.Iou, "store", "I owe"),
    "iou.request": Method(s.RequestPay, s.Iou, "store", "You owe me"),
    "iou.split": Method(s.Split, s.SplitResult, "store", "Split a bill I paid in a group"),
    "iou.accept": Method(s.IouId, s.Iou, "store", "Accept an IOU, or sign a request"),
    "iou.reject": Method(s.IouId, s.Iou, "store", "Reject an IOU or a request, or forgive a debt"),
    "iou.list": Method(s.BalanceQuery, s.Ious, "store", "IOUs, newest first"),
    "iou.balance": Method(s.BalanceQuery, s.Balances, "store", "Who owes whom"),
    "events.list": Method(s.Since, s.Events, "store", "What happened, after a cursor"),
}

SUBSCRIBE: Final = "events.subscribe"
"""Answered by the server itself: Since -> Done, then `event` notifications without end."""
