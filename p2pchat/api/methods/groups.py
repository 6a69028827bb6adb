"""Groups."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api import views
from p2pchat.api.methods.base import Change, Query
from p2pchat.core.identity import fingerprint
from p2pchat.core.ids import GroupId
from p2pchat.node.features.app import App
from p2pchat.node.features.group import (
    group_acts,
    group_asking,
    group_audit,
    group_checkpoints,
    group_links,
    group_messages,
    groups,
)
from p2pchat.node.features.people.names import find_group, find_person, name_of
from p2pchat.node.profile import require_network
from p2pchat.store import doors, logs
from p2pchat.store import groups as group_store
from p2pchat.store.transaction import Reader, Transaction


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


def group_link(app: App, tx: Transaction, params: s.CreateGroupLink) -> s.GroupLink:
    """See the table."""
    membership = find_group(tx, params.group)
    network = require_network(app.home)
    if params.approve:
        asked = group_asking.create(
            app, tx, membership, network, max_uses=params.max_uses, expires_s=params.expires_s
        )
        door = doors.get(tx, asked.link)
        assert door is not None
        return views.group_door(membership, door, asked.encode())
    made = group_links.create(
        app, tx, membership, network, max_uses=params.max_uses, expires_s=params.expires_s
    )
    found = next(one for one in group_links.open_links(app, tx, membership) if one.id == made.link)
    return views.group_link(membership, found, made.encode())


def group_links_list(app: App, tx: Reader, params: s.GroupName) -> s.GroupLinks:
    """See the table."""
    return _links(app, tx, find_group(tx, params.group))


def group_applicants(app: App, tx: Reader, params: s.GroupName) -> s.Applicants:
    """See the table."""
    found = doors.who_asks(tx, find_group(tx, params.group).group)
    return s.Applicants(
        applicants=[
            s.Applicant(
                name=one.name,
                person=one.person.text,
                fingerprint=fingerprint(one.person),
                asked_ms=one.asked_ms,
                rejected=one.rejected,
            )
            for one in found
        ]
    )


def group_approve(app: App, tx: Transaction, params: s.ApproveApplicant) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    (group_asking.approve if params.on else group_asking.reject)(app, tx, membership, params.who)
    return _group(app, tx, membership.group)


def group_revoke(app: App, tx: Transaction, params: s.RevokeGroupLink) -> s.GroupLinks:
    """See the table."""
    membership = find_group(tx, params.group)
    group_links.revoke(app, tx, membership, params.link)
    return _links(app, tx, membership)


def group_join(app: App, tx: Transaction, params: s.JoinGroup) -> s.Group:
    """See the table."""
    return _group(app, tx, group_links.join(app, tx, params.link, require_network(app.home)))


def group_add(app: App, tx: Transaction, params: s.GroupWho) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    groups.add(app, tx, membership, find_person(tx, params.who))
    return _group(app, tx, membership.group)


def group_log(app: App, tx: Reader, params: s.GroupName) -> s.GroupLog:
    """See the table."""
    membership = find_group(tx, params.group)
    found = group_audit.deeds(app, tx, membership.group) if logs.operations(tx, membership.group)[0] else []
    return s.GroupLog(
        deeds=[
            s.GroupDeed(
                id=deed.act.id.text,
                by=name_of(app, tx, deed.act.operation.by),
                words=group_acts.words_of(app, tx, deed.act.operation),
                sent_ms=deed.act.sent_ms,
                stands=deed.stands,
                after=sorted(id.text for id in deed.act.after),
            )
            for deed in found
        ],
        forks=[views.fork(app, tx, one) for one in logs.equivocations(tx, membership.group)],
    )


def group_verify(app: App, tx: Reader, params: s.GroupName) -> s.GroupAudit:
    """See the table."""
    membership = find_group(tx, params.group)
    found = group_audit.audit(tx, membership.group)
    return s.GroupAudit(
        group=membership.name,
        good=not (found.unproven or found.dangling),
        entries=found.entries,
        operations=found.operations,
        unproven=found.unproven,
        dangling=found.dangling,
        forks=len(found.forks),
        fingerprint=found.fingerprint.hex(),
        view=found.view.hex(),
        proofs=[views.fork(app, tx, one) for one in found.forks],
    )


def group_remove(app: App, tx: Transaction, params: s.RemoveMember) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    groups.remove(app, tx, membership, find_person(tx, params.who), ban=params.ban)
    return _group(app, tx, membership.group)


def group_unban(app: App, tx: Transaction, params: s.GroupWho) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    groups.unban(app, tx, membership, find_person(tx, params.who))
    return _group(app, tx, membership.group)


def group_role(app: App, tx: Transaction, params: s.SetRole) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    person = find_person(tx, params.who).id if params.who else app.person
    groups.set_role(app, tx, membership, person, params.role)
    return _group(app, tx, membership.group)


def group_rename(app: App, tx: Transaction, params: s.RenameGroup) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    groups.rename(app, tx, membership, params.name)
    return _group(app, tx, membership.group)


def group_policy(app: App, tx: Transaction, params: s.SetPolicy) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    wanted = {
        "history": params.history,
        "invite": params.invite,
        "write": params.write,
        "confirm": params.confirm,
    }
    groups.set_policy(app, tx, membership, {key: value for key, value in wanted.items() if value is not None})
    return _group(app, tx, membership.group)


def group_confirm(app: App, tx: Transaction, params: s.GroupName) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    group_checkpoints.confirm(app, tx, membership)
    return _group(app, tx, membership.group)


def group_rotate(app: App, tx: Transaction, params: s.GroupName) -> s.Group:
    """See the table."""
    membership = find_group(tx, params.group)
    group_messages.rotate(app, tx, membership)
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


def _links(app: App, tx: Reader, membership: group_store.Membership) -> s.GroupLinks:
    found = group_links.open_links(app, tx, membership)
    links = [views.group_link(membership, one) for one in found]
    mine = [one for one in doors.of(tx, membership.group) if one.expires_ms > app.now_ms()]
    return s.GroupLinks(links=[*links, *(views.group_door(membership, one) for one in mine)])


QUERIES: Final[dict[str, Query]] = {
    "group.list": group_list,
    "group.show": group_show,
    "group.links": group_links_list,
    "group.applicants": group_applicants,
    "group.log": group_log,
    "group.verify": group_verify,
}
CHANGES: Final[dict[str, Change]] = {
    "group.create": group_create,
    "group.invite": group_invite,
    "group.link": group_link,
    "group.revoke": group_revoke,
    "group.join": group_join,
    "group.approve": group_approve,
    "group.add": group_add,
    "group.remove": group_remove,
    "group.unban": group_unban,
    "group.role": group_role,
    "group.rename": group_rename,
    "group.policy": group_policy,
    "group.confirm": group_confirm,
    "group.rotate": group_rotate,
    "group.accept": group_accept,
    "group.decline": group_decline,
    "group.leave": group_leave,
}
