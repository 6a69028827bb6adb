"""Commands about messages and chats."""

from __future__ import annotations

from typing import Final

from p2pchat_cli.table.entry import Command, Group

MESSAGES: Final[dict[str, Command | Group]] = {
    "send": Command("messages:send", "Write to a contact or a group", 'send bob "hi" --ack delivered'),
    "file": Group(
        "Files that go with messages",
        {
            "send": Command("files:send", "Send files", 'file send bob photo.jpg --caption "the view"'),
            "get": Command("files:get", "Fetch a file, and write it into a folder", "file get k3jq2h4l"),
            "list": Command("files:show_all", "Show files, and how far they are here", "file list bob"),
            "resume": Command("files:resume", "Fetch a file in the background", "file resume k3jq2h4l"),
            "cancel": Command(
                "files:cancel", "Fetch a file no longer, drop your copy", "file cancel k3jq2h4l"
            ),
        },
    ),
    "chat": Command("chat:chat", "Chat: see what comes in, type what goes out", "chat bob"),
    "tui": Command("tui:tui", "Chats, people and money on the whole terminal", "tui --theme light"),
    "read": Command("reading:read", "Show what is unread and mark it as read", "read bob"),
    "inbox": Command("inbox:inbox", "Show all that waits for you", "inbox"),
    "history": Command("reading:history", "Show the newest messages of a chat", "history bob --limit 20"),
    "search": Command("reading:search", "Find messages that contain all words", "search pizza friday"),
    "export": Command("export:export", "Write a chat into a file", "export bob bob.txt"),
    "bundle": Group(
        "Messages that you carry by hand",
        {
            "export": Command(
                "bundles:export", "Write what waits for somebody into a file", "bundle export bob bob.bundle"
            ),
            "import": Command("bundles:take", "Take what somebody brought you", "bundle import ann.bundle"),
        },
    ),
    "chats": Command("chats:chats", "Show all chats", "chats"),
    "mute": Command("chats:mute", "Do not notify of a chat for a while", "mute bob 8h"),
    "unmute": Command("chats:unmute", "Notify again", "unmute bob"),
    "archive": Command("chats:archive", "Keep a chat out of the list", "archive bob"),
    "unarchive": Command("chats:unarchive", "Have a chat in the list again", "unarchive bob"),
    "vanish": Command("chats:vanish", "Let the texts of a chat vanish after a while", "vanish bob 7d"),
    "draft": Group(
        "What is typed and not sent",
        {
            "set": Command("drafts:keep", "Keep the draft of a chat", 'draft set bob "dear bob"'),
            "show": Command("drafts:show", "Show the draft of a chat", "draft show bob"),
            "clear": Command("drafts:clear", "Forget the draft of a chat", "draft clear bob"),
        },
    ),
    "typing": Command("drafts:typing", "Tell a contact that you are typing", "typing bob"),
    "settings": Group(
        "What you can switch on and off",
        {
            "show": Command("settings:show", "Show all settings", "settings show"),
            "set": Command("settings:change", "Switch something on or off", "settings set receipts off"),
        },
    ),
    "notify": Command("notify:notify", "Tell the desktop what comes in", "notify --no-text"),
    "dnd": Command("settings:disturb_not", "Do not disturb: no notifications for a while", "dnd 8h"),
    "tail": Command("follow:tail", "Show messages as they come", "tail bob"),
    "msg": Group(
        "Single messages",
        {
            "show": Command("msg:show", "Show one message and how far it came", "msg show k3jq2h4l"),
            "receipts": Command("msg:receipts", "Show who has a message of yours", "msg receipts k3jq2h4l"),
            "retry": Command("msg:retry", "Try at once to bring it to all", "msg retry k3jq2h4l"),
            "scheduled": Command("scheduled:show_all", "Show what is to be sent later", "msg scheduled"),
            "cancel": Command("scheduled:cancel", "Do not send it", "msg cancel qo4hbtyk"),
            "forward": Command("msg:forward", "Send a text on to another chat", "msg forward k3jq2h4l bob"),
            "edit": Command(
                "msg:edit", "Put other words for a text of yours", 'msg edit k3jq2h4l "better words"'
            ),
            "delete": Command("msg:delete", "Delete a text of yours for everybody", "msg delete k3jq2h4l"),
            "react": Command("msg:react", "Put an emoji beside a message", "msg react k3jq2h4l 👍"),
            "unreact": Command("msg:unreact", "Take your emoji back", "msg unreact k3jq2h4l"),
            "pin": Command("msg:pin", "Pin a message for everybody in the chat", "msg pin k3jq2h4l"),
            "unpin": Command("msg:unpin", "Take the pin away", "msg unpin k3jq2h4l"),
            "star": Command("msg:star", "Star a message for yourself", "msg star k3jq2h4l"),
            "unstar": Command("msg:unstar", "Take the star away", "msg unstar k3jq2h4l"),
            "pinned": Command("msg:pinned", "Show pinned messages", "msg pinned bob"),
            "starred": Command("msg:starred", "Show starred messages", "msg starred"),
        },
    ),
}
