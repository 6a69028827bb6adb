"""Commands about groups and polls."""

from __future__ import annotations

from typing import Final

from p2pchat_cli.table.entry import Command, Group

GROUPS: Final[dict[str, Command | Group]] = {
    "group": Group(
        "Groups",
        {
            "create": Command("groups:create", "Found a group", "group create trip --history all"),
            "list": Command("groups:show_all", "Show your groups and invitations", "group list"),
            "show": Command("groups:show", "Show a group with its members", "group show trip"),
            "invite": Command(
                "groups:invite",
                "Invite a contact, or print a link",
                "group invite trip --max-uses 5 --expires 2d",
            ),
            "add": Command("groups:add", "Make a contact a member at once", "group add trip bob"),
            "log": Command("groups:log", "Show who did what to the group, and what counts", "group log trip"),
            "verify": Command("groups:verify", "Check the whole log of a group", "group verify trip"),
            "rotate": Command("groups:rotate", "Seal what you write by a new key", "group rotate trip"),
            "fork-report": Command(
                "fork_report:fork_report",
                "Write proofs of who signed two entries with one number",
                "group fork-report trip proofs",
            ),
            "join": Command("groups:join", "Enter a group by a link", "group join p2pchat-group:..."),
            "approve": Command("groups:approve", "Let somebody in who asks", "group approve trip dan"),
            "links": Command("groups:links", "Show the links that still let people in", "group links trip"),
            "revoke": Command(
                "groups:revoke", "Let nobody in by a link any more", "group revoke trip k3jq2h4l"
            ),
            "remove": Command(
                "groups:remove", "Remove a member or an invitation", "group remove trip bob --ban"
            ),
            "unban": Command("groups:unban", "Let a banned person be invited again", "group unban trip bob"),
            "role": Command("groups:role", "Give a member another role", "group role trip bob admin"),
            "rename": Command("groups:rename", "Give a group another name", 'group rename trip "long trip"'),
            "policy": Command(
                "groups:policy", "Show or change the rules of a group", "group policy trip --invite admin"
            ),
            "confirm": Command("groups:confirm", "Confirm the removals so far", "group confirm trip"),
            "accept": Command("groups:accept", "Accept an invitation", "group accept trip"),
            "decline": Command("groups:decline", "Decline an invitation", "group decline trip"),
            "leave": Command("groups:leave", "Leave a group", "group leave trip"),
            "members": Command("groups:members", "Show the members of a group", "group members trip"),
            "send": Command("messages:send_to_group", "Write to a group", 'group send trip "hello all"'),
            "read": Command("reading:read_group", "Show the newest messages of a group", "group read trip"),
        },
    ),
}

POLLS: Final[dict[str, Command | Group]] = {
    "poll": Group(
        "Polls",
        {
            "create": Command(
                "polls:create", "Ask everybody in a chat", 'poll create trip "Where to?" Rome Oslo'
            ),
            "vote": Command("polls:vote", "Choose in a poll", "poll vote k3jq2h4l 2"),
            "close": Command("polls:close", "Let no more votes count", "poll close k3jq2h4l"),
            "show": Command("polls:show", "Show a poll and who chose what", "poll show k3jq2h4l"),
        },
    ),
}
