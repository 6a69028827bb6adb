"""Which chat is meant."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError
from p2pchat_cli.session import Session


def latest(session: Session) -> str:
    """The chat that was used last.

    Raises:
        NotFoundError: there is none yet.
    """
    chats = session.call("chat.list", s.ChatQuery(), s.Chats).chats
    if not chats:
        raise NotFoundError("There are no chats yet: p2pchat invite, or p2pchat contact add LINK.")
    first = chats[0]
    return f"#{first.conversation}" if first.chat.startswith("#") else first.chat


def full_name(session: Session, chat: str) -> str:
    """`@petname` or `#group`, as messages name the chat."""
    if not chat.startswith("#"):
        try:
            return f"@{session.call('contact.show', s.Who(who=chat), s.Contact).name}"
        except NotFoundError:
            if chat.startswith("@"):
                raise
    return f"#{session.call('group.show', s.GroupName(group=chat), s.Group).name}"
