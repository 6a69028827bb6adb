"""The methods of the table that work on the store: each translates, none decides.

The running node runs them in its store's thread, a command without a node in its own process; the
two differ in nothing. Queries read, changes write; both are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from p2pchat import __version__
from p2pchat.api import schema as s
from p2pchat.api import views
from p2pchat.config import NetworkFile, write_private
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import ConversationId, GroupId, PersonId
from p2pchat.core.ledger.money import plain_number
from p2pchat.errors import NotAllowedError, UsageError
from p2pchat.node.features import chats, contacts, group_messages, groups, ledger, splits
from p2pchat.node.features.app import App
from p2pchat.node.features.names import chat_name, find_chat, find_group, find_message, find_person
from p2pchat.node.profile import Profile, network_of, require_network
from p2pchat.store import events, logs, messages, outbox, people
from p2pchat.store import groups as group_store
from p2pchat.store.transaction import Reader, Transaction

MAX_PAGE: Final = 500


def call(profile: Profile, method: str, params: s.Params) -> s.Result:
    """Run a store method in this process. Raises whatever the method raises."""
    if method in QUERIES:
        query = QUERIES[method]
        return profile.query(lambda tx: query(profile.app, tx, params))
    change = CHANGES[method]
    return profile.change(lambda tx: change(profile.app, tx, params))


# --- this node ------------------------------------------------------------------------------------


def identity_show(app: App, tx: Reader, params: s.Nothing) -> s.Identity:
    """See the table."""
    return views.identity(app)


def node_status(app: App, tx: Reader, params: s.Nothing) -> s.Status:
    """See the table; the running node adds what only it knows."""
    network = network_of(app.home)
    chats_open = logs.conversations(tx)
    return s.Status(
        identity=views.identity(app),
        network=network.name if network else None,
        running=False,
        listening=[],
        peers=0,
        contacts=len(people.persons(tx, "accepted")),
        groups=len(group_store.all_in(tx, "joined")),
        unread=sum(messages.unread(tx, one.id, one.read_lamport) for one in chats_open),
        requests=len(people.persons(tx, "pending")) + len(group_store.all_in(tx, "invited")),
        outbox=outbox.count(tx),
        store_bytes=app.home.store.stat().st_size,
        version=__version__,
        cursor=events.last(tx),
    )


def network_join(app: App, tx: Transaction, params: s.JoinNetwork) -> s.NetworkInfo:
    """See the table."""
    network = NetworkFile.parse(params.text)
    present = network_of(app.home)
    if present and present.name != network.name and people.persons(tx):
        raise NotAllowedError(
            f"this node belongs to '{present.name}' and has contacts there: make another profile with --home"
        )
    write_private(app.home.network_file, network.to_toml().encode())
    return _network(network)


def network_show(app: App, tx: Reader, params: s.Nothing) -> s.NetworkInfo:
    """See the table."""
    return _network(require_network(app.home))


def _network(network: NetworkFile) -> s.NetworkInfo:
    return s.NetworkInfo(
        name=network.name,
        bootstrap=list(network.bootstrap),
        private=network.pre_shared_key is not None,
        link=network.to_link(),
    )


# --- contacts -------------------------------------------------------------------------------------


def invite_create(app: App, tx: Transaction, params: s.Nothing) -> s.Invite:
    """See the table."""
    link = contacts.create_invite(app, tx, require_network(app.home))
    return s.Invite(link=link.encode(), reachable=bool(link.addresses))


def contact_add(app: App, tx: Transaction, params: s.AddContact) -> s.Contact:
    """See the table."""
    person = contacts.add(app, tx, params.link, params.name, params.message, require_network(app.home))
    return _contact(app, tx, person)


def contact_list(app: App, tx: Reader, params: s.Nothing) -> s.Contacts:
    """See the table."""
    known = people.persons(tx, "accepted", "requested", "blocked")
    return s.Contacts(contacts=[views.contact(app, person, whole=False) for person in known])


def contact_show(app: App, tx: Reader, params: s.Who) -> s.Contact:
    """See the table."""
    return views.contact(app, find_person(tx, params.who))


def contact_rename(app: App, tx: Transaction, params: s.Rename) -> s.Contact:
    """See the table."""
    person = find_person(tx, params.who)
    contacts.rename(tx, person, params.name)
    return _contact(app, tx, person.id)


def contact_verify(app: App, tx: Transaction, params: s.Who) -> s.Contact:
    """See the table."""
    return _change_contact(app, tx, params.who, contacts.verify)


def contact_block(app: App, tx: Transaction, params: s.Who) -> s.Contact:
    """See the table."""
    return _change_contact(app, tx, params.who, contacts.block)


def contact_unblock(app: App, tx: Transaction, params: s.Who) -> s.Contact:
    """See the table."""
    return _change_contact(app, tx, params.who, contacts.unblock)


def request_list(app: App, tx: Reader, params: s.Nothing) -> s.Contacts:
    """See the table."""
    return s.Contacts(contacts=[views.contact(app, person) for person in people.persons(tx, "pending")])


def request_accept(app: App, tx: Transaction, params: s.Accept) -> s.Contact:
    """See the table."""
    person = find_person(tx, params.who)
    contacts.accept(app, tx, person, params.name)
    return _contact(app, tx, person.id)


def request_reject(app: App, tx: Transaction, params: s.Who) -> s.Done:
    """See the table."""
    contacts.reject(app, tx, find_person(tx, params.who))
    return s.Done()


def _change_contact(
    app: App, tx: Transaction, who: str, change: Callable[[App, Transaction, people.Person], None]
) -> s.Contact:
    person = find_person(tx, who)
    change(app, tx, person)
    return _contact(app, tx, person.id)


def _contact(app: App, tx: Reader, id: PersonId) -> s.Contact:
    person = people.person(tx, id)
    assert person is not None
    return views.contact(app, person)


# --- messages -------------------------------------------------------------------------------------


def message_send(app: App, tx: Transaction, params: s.Send) -> s.Message:
    """See the table."""
    chat = find_chat(tx, params.chat)
    if isinstance(chat, people.Person):
        id = chats.send_text(app, tx, chat, params.text)
    else:
        id = group_messages.send_text(app, tx, chat, params.text)
    sent = messages.get(tx, id)
    assert sent is not None
    return views.message(app, tx, sent)


def message_show(app: App, tx: Reader, params: s.MessageId) -> s.Message:
    """See the table."""
    return views.message(app, tx, find_message(tx, params.id))


def message_history(app: App, tx: Reader, params: s.History) -> s.Messages:
    """See the table."""
    limit = _limit(params.limit)
    before = find_message(tx, params.before) if params.before else None
    found = messages.page(tx, _conversation(app, tx, params.chat), before=before, limit=limit + 1)
    more = len(found) > limit
    return s.Messages(messages=[views.message(app, tx, one) for one in found[-limit:]], more=more)


def message_search(app: App, tx: Reader, params: s.Search) -> s.Messages:
    """See the table."""
    words = params.text.split()
    if not words:
        raise UsageError("there is no word to search for")
    found = messages.search(tx, words[:16], limit=_limit(params.limit))
    return s.Messages(messages=[views.message(app, tx, one) for one in found])


def chat_list(app: App, tx: Reader, params: s.Nothing) -> s.Chats:
    """See the table."""
    summaries = []
    for one in logs.conversations(tx):
        newest = messages.last(tx, one.id)
        summaries.append(
            s.ChatSummary(
                chat=chat_name(app, tx, one.id),
                conversation=one.id.text,
                unread=messages.unread(tx, one.id, one.read_lamport),
                last=views.message(app, tx, newest) if newest else None,
            )
        )
    return s.Chats(chats=summaries)


def chat_read(app: App, tx: Transaction, params: s.Chat) -> s.Done:
    """See the table."""
    chats.mark_read(app, tx, _conversation(app, tx, params.chat))
    return s.Done()


def _conversation(app: App, tx: Reader, chat: str) -> ConversationId:
    found = find_chat(tx, chat)
    return direct_conversation(app.person, found.id) if isinstance(found, people.Person) else found.group


def _limit(limit: int) -> int:
    if not 0 < limit <= MAX_PAGE:
        raise UsageError(f"a page has 1 to {MAX_PAGE} lines, not {limit}")
    return limit


# --- groups ---------------------------------------------------------------------------------------


def group_create(app: App, tx: Transaction, params: s.CreateGroup) -> s.Group:
    """See the table."""
    return _group(app, tx, groups.create(app, tx, params.name, params.history))


def group_list(app: App, tx: Reader, params: s.Nothing) -> s.Groups:
    """See the table."""
    return s.Groups(groups=[views.group(app, tx, one) for one in group_store.all_in(tx)])


def group_show(app: App, tx: Reader, params: s.GroupName) -> s.Group:
    """See the table."""
    return views.group(app, tx, find_group(tx, params.group))


def group_invite(app: App, tx: Transaction, params: s.GroupWho) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    groups.invite(app, tx, membership, find_person(tx, params.who))
    return _group(app, tx, membership.group)


def group_accept(app: App, tx: Transaction, params: s.GroupName) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    groups.accept(app, tx, membership)
    return _group(app, tx, membership.group)


def group_decline(app: App, tx: Transaction, params: s.GroupName) -> s.Done:
    """See the table."""
    groups.decline(app, tx, find_group(tx, params.group))
    return s.Done()


def group_leave(app: App, tx: Transaction, params: s.GroupName) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    groups.leave(app, tx, membership)
    return _group(app, tx, membership.group)


def _group(app: App, tx: Reader, id: GroupId) -> s.Group:
    membership = group_store.get(tx, id)
    assert membership is not None
    return views.group(app, tx, membership)


# --- money ----------------------------------------------------------------------------------------


def iou_pay(app: App, tx: Transaction, params: s.Pay) -> s.Iou:
    """See the table."""
    person = find_person(tx, params.who)
    return _written(app, tx, person, ledger.pay(app, tx, person, params.amount, params.note))


def iou_request(app: App, tx: Transaction, params: s.RequestPay) -> s.Iou:
    """See the table."""
    person = find_person(tx, params.who)
    return _written(app, tx, person, ledger.request(app, tx, person, params.amount, params.note))


def iou_accept(app: App, tx: Transaction, params: s.IouId) -> s.Iou:
    """See the table."""
    return _decided(app, tx, params.id, ledger.accept)


def iou_reject(app: App, tx: Transaction, params: s.IouId) -> s.Iou:
    """See the table."""
    return _decided(app, tx, params.id, ledger.reject)


def iou_split(app: App, tx: Transaction, params: s.Split) -> s.SplitResult:
    """See the table."""
    bill = splits.split(app, tx, find_group(tx, params.group), params.amount, params.note)
    made = []
    for person, written in bill.requests:
        made.append(_written(app, tx, person, written))
    return s.SplitResult(
        total=str(bill.total),
        own_share=f"{plain_number(bill.own_share, bill.total.unit)} {bill.total.unit}",
        ious=made,
    )


def iou_list(app: App, tx: Reader, params: s.BalanceQuery) -> s.Ious:
    """See the table."""
    person = find_person(tx, params.who).id if params.who else None
    return s.Ious(ious=[views.iou(app, tx, line) for line in ledger.lines(app, tx, person)])


def iou_balance(app: App, tx: Reader, params: s.BalanceQuery) -> s.Balances:
    """See the table."""
    person = find_person(tx, params.who).id if params.who else None
    standings = [one for one in ledger.standings(app, tx, person) if one.minor or one.open]
    return s.Balances(balances=[views.balance(app, tx, one) for one in standings])


def _decided(
    app: App, tx: Transaction, id: str, decide: Callable[[App, Transaction, ledger.Line], ledger.Written]
) -> s.Iou:
    line = ledger.find(app, tx, id)
    person = people.person(tx, line.person)
    assert person is not None
    written = decide(app, tx, line)
    chats.send_content(app, tx, person, written.said, kind="iou", shown=written.shown)
    return views.iou(app, tx, ledger.find(app, tx, line.item.id.text))


def _written(app: App, tx: Transaction, person: people.Person, written: ledger.Written) -> s.Iou:
    chats.send_content(app, tx, person, written.said, kind="iou", shown=written.shown)
    return views.iou(app, tx, ledger.find(app, tx, written.id.text))


# --- events ---------------------------------------------------------------------------------------


def events_list(app: App, tx: Reader, params: s.Since) -> s.Events:
    """See the table."""
    found = events.after(tx, params.since, limit=_limit(params.limit))
    return s.Events(events=[views.event(one) for one in found], last=found[-1].seq if found else params.since)


QUERIES: Final[dict[str, Callable[[App, Reader, Any], s.Result]]] = {
    "identity.show": identity_show,
    "node.status": node_status,
    "network.show": network_show,
    "contact.list": contact_list,
    "contact.show": contact_show,
    "request.list": request_list,
    "message.show": message_show,
    "message.history": message_history,
    "message.search": message_search,
    "chat.list": chat_list,
    "group.list": group_list,
    "group.show": group_show,
    "iou.list": iou_list,
    "iou.balance": iou_balance,
    "events.list": events_list,
}
CHANGES: Final[dict[str, Callable[[App, Transaction, Any], s.Result]]] = {
    "network.join": network_join,
    "invite.create": invite_create,
    "contact.add": contact_add,
    "contact.rename": contact_rename,
    "contact.verify": contact_verify,
    "contact.block": contact_block,
    "contact.unblock": contact_unblock,
    "request.accept": request_accept,
    "request.reject": request_reject,
    "message.send": message_send,
    "chat.read": chat_read,
    "group.create": group_create,
    "group.invite": group_invite,
    "group.accept": group_accept,
    "group.decline": group_decline,
    "group.leave": group_leave,
    "iou.pay": iou_pay,
    "iou.request": iou_request,
    "iou.split": iou_split,
    "iou.accept": iou_accept,
    "iou.reject": iou_reject,
}
