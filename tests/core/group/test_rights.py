"""Who may do what, as far as he knows."""

from __future__ import annotations

import pytest

from p2pchat.core.group.operations import (
    Add,
    Ban,
    Create,
    Demote,
    Invite,
    Join,
    Leave,
    Link,
    NewCard,
    Policy,
    Promote,
    Remove,
    Rename,
    Role,
    Seen,
    SetPolicy,
    Unban,
)
from p2pchat.core.ids import EntryId
from p2pchat.errors import ProtocolError

NONE = Seen()


def test_the_founder_owns_the_group(world):
    world.ann.found("climbers", Policy(history_days=7))
    view = world.ann.view
    assert view.name == "climbers"
    assert view.policy == Policy(history_days=7)
    assert world.ann.role(world.ann) is Role.OWNER
    assert view.founder == world.ann.id


def test_two_groups_of_one_founder_differ_by_their_nonce(world):
    one = world.ann.found()
    other = world.bob.do(Create(world.bob.id, b"m" * 16, "friends", Policy(), world.bob.card))
    assert one.id != other.id


def test_a_genesis_with_somebody_elses_card_founds_nothing(world):
    with pytest.raises(ProtocolError, match="found"):
        world.ann.do(Create(world.ann.id, b"n" * 16, "x", Policy(), world.bob.card))


def test_an_invited_person_joins_by_himself(world):
    world.gather("ann")
    invite = world.ann.do(Invite(world.ann.id, world.bob.id, Role.READER))
    assert invite.id in world.ann.view.offers
    world.bob.hear(world.ann)
    world.bob.do(Join(world.bob.id, invite.id, world.bob.card))
    view = world.agree()
    assert view.members[world.bob.id].role is Role.READER
    assert view.members[world.bob.id].devices == (world.bob.device(),)
    assert view.offers == {}


def test_an_invitation_is_for_one_person(world):
    world.gather("ann")
    invite = world.ann.do(Invite(world.ann.id, world.bob.id, Role.MEMBER))
    world.eve.hear(world.ann)
    world.eve.do(Join(world.eve.id, invite.id, world.eve.card))
    assert world.eve.id not in world.agree().members


@pytest.mark.parametrize("how", [Remove, Ban])
def test_an_invitation_ends_with_a_removal(world, how):
    world.gather("ann")
    invite = world.ann.do(Invite(world.ann.id, world.bob.id, Role.MEMBER))
    world.ann.do(how(world.ann.id, world.bob.id, NONE))
    assert world.ann.view.offers == {}
    world.bob.hear(world.ann)
    world.bob.do(Join(world.bob.id, invite.id, world.bob.card))
    assert world.bob.id not in world.agree().members


def test_an_invitation_is_for_one_time(world):
    world.gather("ann")
    invite = world.ann.do(Invite(world.ann.id, world.bob.id, Role.MEMBER))
    world.bob.hear(world.ann)
    world.bob.do(Join(world.bob.id, invite.id, world.bob.card))
    world.bob.do(Leave(world.bob.id, NONE))
    world.bob.do(Join(world.bob.id, invite.id, world.bob.card))
    assert world.bob.id not in world.agree().members


def test_a_removed_person_may_be_invited_anew(world):
    world.gather("ann", bob=Role.MEMBER)
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    world.ann.add(world.bob)
    assert world.bob.id in world.agree().members


def test_a_banned_person_must_first_be_unbanned(world):
    world.gather("ann", bob=Role.MEMBER)
    world.ann.do(Ban(world.ann.id, world.bob.id, NONE))
    world.ann.add(world.bob)
    assert world.agree().banned == {world.bob.id}
    assert world.bob.id not in world.ann.view.members
    world.ann.do(Unban(world.ann.id, world.bob.id))
    world.ann.add(world.bob)
    assert world.bob.id in world.agree().members


@pytest.mark.parametrize(
    ("role", "act"),
    [
        (Role.READER, lambda me, cat, dan: Invite(me.id, dan.id, Role.READER)),
        (Role.READER, lambda me, cat, dan: Add(me.id, dan.id, Role.READER, dan.card)),
        (Role.MEMBER, lambda me, cat, dan: Add(me.id, dan.id, Role.ADMIN, dan.card)),
        (Role.MEMBER, lambda me, cat, dan: Remove(me.id, cat.id, NONE)),
        (Role.MEMBER, lambda me, cat, dan: Ban(me.id, dan.id, NONE)),
        (Role.MEMBER, lambda me, cat, dan: Promote(me.id, me.id, Role.ADMIN)),
        (Role.MEMBER, lambda me, cat, dan: Demote(me.id, cat.id, Role.READER)),
        (Role.MEMBER, lambda me, cat, dan: Rename(me.id, "mine")),
        (Role.MEMBER, lambda me, cat, dan: SetPolicy(me.id, Policy(write=Role.ADMIN))),
        (Role.ADMIN, lambda me, cat, dan: Promote(me.id, me.id, Role.OWNER)),
        (Role.ADMIN, lambda me, cat, dan: Add(me.id, dan.id, Role.OWNER, dan.card)),
        (Role.ADMIN, lambda me, cat, dan: Add(me.id, dan.id, Role.MEMBER, cat.card)),
        (Role.ADMIN, lambda me, cat, dan: Invite(me.id, dan.id, Role.OWNER)),
        (Role.ADMIN, lambda me, cat, dan: Invite(me.id, cat.id, Role.MEMBER)),
        (Role.ADMIN, lambda me, cat, dan: Link(me.id, bytes(32), Role.OWNER, 1, 1)),
        (Role.MEMBER, lambda me, cat, dan: Join(me.id, EntryId(bytes(32)), me.card)),
        (Role.MEMBER, lambda me, cat, dan: NewCard(me.id, cat.sign_card(2, "phone"), NONE)),
        (Role.MEMBER, lambda me, cat, dan: NewCard(me.id, me.sign_card(2, "laptop"), NONE)),
    ],
)
def test_nobody_does_what_his_role_does_not_allow(world, role, act):
    world.gather("ann", bob=role, cat=Role.MEMBER)
    before = world.agree()
    done = world.bob.do(act(world.bob, world.cat, world.dan))
    world.ann.hear(world.bob)
    assert not world.ann.group.stands(done)
    assert world.agree() == before


def test_a_stranger_does_nothing(world):
    world.gather("ann", bob=Role.MEMBER)
    world.eve.hear(world.ann)
    world.eve.do(Rename(world.eve.id, "mine"))
    world.eve.do(Rename(world.ann.id, "mine too"))
    assert world.agree().name == "friends"


@pytest.mark.parametrize("actor", ["bob", "cat"])
def test_the_founder_is_lowered_by_nobody(world, actor):
    world.gather("ann", bob=Role.ADMIN, cat=Role.OWNER)
    me = getattr(world, actor)
    me.do(Remove(me.id, world.ann.id, NONE))
    me.do(Ban(me.id, world.ann.id, NONE))
    me.do(Demote(me.id, world.ann.id, Role.READER))
    assert world.agree().members[world.ann.id].role is Role.OWNER


def test_a_founder_who_handed_the_group_over_can_be_removed(world):
    world.gather("ann", bob=Role.OWNER)
    world.ann.do(Demote(world.ann.id, world.ann.id, Role.MEMBER))
    world.bob.hear(world.ann)
    world.bob.do(Remove(world.bob.id, world.ann.id, NONE))
    assert set(world.agree().members) == {world.bob.id}


def test_an_admin_does_not_lower_an_owner(world):
    world.gather("ann", bob=Role.OWNER, cat=Role.ADMIN)
    world.cat.do(Demote(world.cat.id, world.bob.id, Role.READER))
    world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    assert world.agree().members[world.bob.id].role is Role.OWNER


def test_roles_rise_and_fall(world):
    world.gather("ann", bob=Role.MEMBER)
    world.ann.do(Promote(world.ann.id, world.bob.id, Role.ADMIN))
    assert world.ann.role(world.bob) is Role.ADMIN
    world.ann.do(Demote(world.ann.id, world.bob.id, Role.READER))
    assert world.agree().members[world.bob.id].role is Role.READER


def test_the_policy_says_who_may_invite(world):
    world.gather("ann", bob=Role.MEMBER)
    world.ann.do(SetPolicy(world.ann.id, Policy(invite=Role.ADMIN)))
    world.bob.hear(world.ann)
    world.bob.add(world.cat)
    assert world.cat.id not in world.agree().members


def test_a_member_leaves(world):
    world.gather("ann", bob=Role.MEMBER)
    world.bob.do(Leave(world.bob.id, NONE))
    assert set(world.agree().members) == {world.ann.id}


def test_a_new_device_announces_itself_by_a_newer_card(world):
    world.gather("ann", bob=Role.ADMIN)
    old_phone = world.bob.device_key
    world.bob.device_key = world.bob.key("laptop")
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(2, "laptop"), NONE))
    world.bob.do(Rename(world.bob.id, "from the laptop"))
    world.bob.device_key = old_phone
    world.bob.do(Rename(world.bob.id, "from the lost phone"))
    view = world.agree()
    assert view.name == "from the laptop"
    assert view.members[world.bob.id].devices == (world.bob.device("laptop"),)


def test_an_older_card_changes_nothing(world):
    world.gather("ann", bob=Role.ADMIN)
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(3, "phone", "laptop"), NONE))
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(2, "phone", "tablet"), NONE))
    assert world.bob.device("laptop") in world.agree().persons
    assert world.bob.device("tablet") not in world.agree().persons


def test_a_device_on_a_strangers_card_keeps_its_person(world):
    world.gather("ann", bob=Role.ADMIN, eve=Role.MEMBER)
    phone = world.bob.device()
    world.eve.device = lambda name="phone": phone  # eve lists bob's phone as her own
    world.eve.do(NewCard(world.eve.id, world.eve.sign_card(2, "phone"), NONE))
    world.talk()
    world.bob.do(Rename(world.bob.id, "still bob"))
    assert world.agree().name == "still bob"
    assert world.agree().persons[phone] == world.bob.id


def test_the_view_id_follows_members_and_devices_alone(world):
    world.gather("ann", bob=Role.MEMBER)
    first = world.agree().id
    world.ann.do(Rename(world.ann.id, "other"))
    world.ann.do(Promote(world.ann.id, world.bob.id, Role.ADMIN))
    assert world.agree().id == first
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(2, "phone", "laptop"), NONE))
    second = world.agree().id
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    assert len({first, second, world.agree().id}) == 3


def test_readers_do_not_invite_even_if_the_policy_would_let_them(world):
    world.gather("ann", bob=Role.READER)
    world.ann.do(SetPolicy(world.ann.id, Policy(invite=Role.READER)))
    world.bob.hear(world.ann)
    world.bob.add(world.cat, Role.READER)
    assert world.cat.id not in world.agree().members


@pytest.mark.parametrize(
    "card", [lambda world: world.cat.card, lambda world: world.bob.sign_card(2, "laptop")]
)
def test_an_invited_person_joins_with_his_own_card_and_a_device_on_it(world, card):
    world.gather("ann")
    invite = world.ann.do(Invite(world.ann.id, world.bob.id, Role.MEMBER))
    world.bob.hear(world.ann)
    act = world.bob.do(Join(world.bob.id, invite.id, card(world)))
    assert not world.bob.group.stands(act)


def test_a_removed_person_who_is_invited_anew_joins(world):
    world.gather("ann", bob=Role.MEMBER)
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    invite = world.ann.do(Invite(world.ann.id, world.bob.id, Role.MEMBER))
    world.bob.hear(world.ann)
    world.bob.do(Join(world.bob.id, invite.id, world.bob.card))
    assert world.bob.id in world.agree().members


def test_a_card_of_somebody_else_changes_nobodys_devices(world):
    world.gather("ann", bob=Role.MEMBER, cat=Role.MEMBER)
    phone = world.bob.device()
    world.cat.device = lambda name="phone": phone  # cat lists bob's phone, and bob publishes her card
    act = world.bob.do(NewCard(world.bob.id, world.cat.sign_card(2, "phone"), NONE))
    assert not world.bob.group.stands(act)


def test_an_old_card_brings_back_no_device(world):
    world.gather("ann", bob=Role.MEMBER)
    old = world.bob.sign_card(2, "phone", "laptop")
    world.bob.do(NewCard(world.bob.id, old, NONE))
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(3, "phone"), NONE))
    world.bob.device_key = world.bob.key("laptop")
    act = world.bob.do(NewCard(world.bob.id, old, NONE))
    assert not world.bob.group.stands(act)
    world.ann.hear(world.bob)
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    world.ann.do(Add(world.ann.id, world.bob.id, Role.MEMBER, old))
    assert world.agree().members[world.bob.id].devices == (world.bob.device("phone"),)
