"""What was done without knowing of each other ends the same for all."""

from __future__ import annotations

import pytest

from p2pchat.core.group.operations import (
    Add,
    Ban,
    Checkpoint,
    Demote,
    Invite,
    Join,
    Leave,
    NewCard,
    Policy,
    Promote,
    Remove,
    Rename,
    Role,
    Seen,
    SetPolicy,
)

NONE = Seen()
ADMIN = Role.ADMIN


def test_a_removed_admins_concurrent_acts_are_void(world):
    world.gather("ann", bob=ADMIN, cat=Role.MEMBER)
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    world.bob.do(Rename(world.bob.id, "mine"))
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    view = world.agree()
    assert set(view.members) == {world.ann.id, world.cat.id}
    assert view.name == "friends"


def test_what_the_remover_knew_stays(world):
    world.gather("ann", bob=ADMIN)
    world.bob.do(Rename(world.bob.id, "good name"))
    world.ann.hear(world.bob)
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    assert world.agree().name == "good name"


def test_whom_a_removed_admin_let_in_falls_with_him_and_all_that_follows(world):
    world.gather("ann", bob=ADMIN, dan=Role.MEMBER)
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    world.bob.add(world.cat, ADMIN)
    world.cat.hear(world.bob)
    world.cat.do(Rename(world.cat.id, "ours"))
    world.cat.do(Remove(world.cat.id, world.dan.id, NONE))
    invite = world.cat.do(Invite(world.cat.id, world.eve.id, Role.MEMBER))
    world.eve.hear(world.cat)
    world.eve.do(Join(world.eve.id, invite.id, world.eve.card))
    view = world.agree()
    assert set(view.members) == {world.ann.id, world.dan.id}
    assert view.name == "friends"


def test_duelling_admins_are_both_out(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN, dan=Role.MEMBER)
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.cat.do(Ban(world.cat.id, world.bob.id, NONE))
    world.cat.add(world.eve)
    view = world.agree()
    assert set(view.members) == {world.ann.id, world.dan.id}
    assert view.banned == {world.bob.id}


def test_in_a_duel_with_the_founder_the_other_is_out(world):
    world.gather("ann", bob=Role.OWNER)
    world.bob.do(Remove(world.bob.id, world.ann.id, NONE))
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    assert set(world.agree().members) == {world.ann.id}


def test_three_who_remove_each_other_in_a_circle_are_all_out(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN, dan=ADMIN)
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.cat.do(Remove(world.cat.id, world.dan.id, NONE))
    world.dan.do(Remove(world.dan.id, world.bob.id, NONE))
    assert set(world.agree().members) == {world.ann.id}


def test_who_is_removed_by_one_he_does_not_remove_takes_nobody_with_him(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN, dan=ADMIN)
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    world.dan.do(Remove(world.dan.id, world.bob.id, NONE))
    assert set(world.agree().members) == {world.ann.id, world.cat.id, world.dan.id}


def test_a_duellist_takes_no_third_with_him(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN, dan=ADMIN)
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.bob.do(Remove(world.bob.id, world.dan.id, NONE))
    world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    assert set(world.agree().members) == {world.ann.id, world.dan.id}


def test_a_chain_of_removals_is_followed_from_its_beginning(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN, dan=ADMIN, eve=ADMIN)
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.cat.do(Remove(world.cat.id, world.dan.id, NONE))
    world.dan.do(Remove(world.dan.id, world.eve.id, NONE))
    assert set(world.agree().members) == {world.ann.id, world.cat.id, world.eve.id}


def test_a_demoted_admins_concurrent_acts_are_void_but_those_of_his_new_role(world):
    world.gather("ann", bob=ADMIN, cat=Role.MEMBER)
    world.ann.do(Demote(world.ann.id, world.bob.id, Role.MEMBER))
    world.bob.do(Rename(world.bob.id, "mine"))
    world.bob.add(world.dan)
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    view = world.agree()
    assert view.name == "friends"
    assert set(view.members) == {world.ann.id, world.bob.id, world.cat.id, world.dan.id}
    assert view.members[world.bob.id].role is Role.MEMBER


def test_a_rise_loses_against_a_concurrent_fall(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN, dan=Role.MEMBER)
    world.bob.do(Promote(world.bob.id, world.dan.id, ADMIN))
    world.cat.do(Demote(world.cat.id, world.dan.id, Role.READER))
    assert world.agree().members[world.dan.id].role is Role.READER


def test_a_removal_wins_against_a_concurrent_rise(world):
    world.gather("ann", bob=ADMIN, dan=Role.MEMBER)
    world.bob.do(Promote(world.bob.id, world.dan.id, ADMIN))
    world.ann.do(Remove(world.ann.id, world.dan.id, NONE))
    assert world.dan.id not in world.agree().members


def test_a_ban_wins_against_a_concurrent_invitation_and_its_use(world):
    world.gather("ann", bob=ADMIN)
    invite = world.bob.do(Invite(world.bob.id, world.eve.id, Role.MEMBER))
    world.eve.hear(world.bob)
    world.eve.do(Join(world.eve.id, invite.id, world.eve.card))
    world.ann.do(Ban(world.ann.id, world.eve.id, NONE))
    view = world.agree()
    assert world.eve.id not in view.members
    assert view.banned == {world.eve.id}


def test_one_who_left_did_nothing_at_the_same_time_on_his_other_device(world):
    world.gather("ann", bob=ADMIN)
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(2, "phone", "laptop"), NONE))
    world.talk()
    laptop = type(world.bob)("bob", world.clock)
    laptop.device_key = laptop.key("laptop")
    laptop.hear(world.bob)
    laptop.do(Rename(world.bob.id, "from the laptop"))
    world.bob.do(Leave(world.bob.id, NONE))
    world.bob.hear(laptop)
    view = world.agree()
    assert view.name == "friends"
    assert set(view.members) == {world.ann.id}


def test_a_struck_off_devices_concurrent_acts_are_void(world):
    world.gather("ann", bob=ADMIN, cat=Role.MEMBER)
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(2, "phone", "laptop"), NONE))
    world.talk()
    thief = type(world.bob)("bob", world.clock)
    thief.device_key = thief.key("laptop")
    thief.hear(world.bob)
    thief.do(Remove(world.bob.id, world.cat.id, NONE))
    thief.do(Rename(world.bob.id, "stolen"))
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(3, "phone"), NONE))
    world.bob.hear(thief)
    view = world.agree()
    assert view.name == "friends"
    assert world.cat.id in view.members
    assert world.bob.device("laptop") not in view.persons


@pytest.mark.parametrize("first", ["ann", "bob"])
def test_of_two_concurrent_names_the_founders_stays(world, first):
    world.gather("ann", bob=ADMIN)
    for person in (world.ann, world.bob) if first == "ann" else (world.bob, world.ann):
        person.do(Rename(person.id, f"by {person.name}"))
    assert world.agree().name == "by ann"


def test_of_two_concurrent_policies_of_admins_the_last_shown_stays(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN)
    one = world.bob.do(SetPolicy(world.bob.id, Policy(history_days=1)))
    other = world.cat.do(SetPolicy(world.cat.id, Policy(history_days=2)))
    last = max(one, other, key=lambda act: act.position)
    assert world.agree().policy == last.operation.policy


@pytest.mark.parametrize("roles", [(Role.READER, ADMIN), (ADMIN, Role.READER)])
def test_two_who_add_the_same_person_agree_on_the_higher_role(world, roles):
    world.gather("ann", bob=ADMIN)
    world.ann.add(world.cat, roles[0])
    world.bob.add(world.cat, roles[1])
    assert world.agree().members[world.cat.id].role is ADMIN


def test_whoever_joined_stays_when_the_inviter_is_removed_later(world):
    world.gather("ann", bob=ADMIN)
    world.bob.add(world.cat)
    world.ann.hear(world.bob)
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    assert set(world.agree().members) == {world.ann.id, world.cat.id}


def test_a_removed_admin_who_strikes_back_with_old_parents_is_in_a_duel(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN)
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.ann.hear(world.bob)
    world.ann.do(Rename(world.ann.id, "later"))
    world.cat.do(Remove(world.cat.id, world.bob.id, NONE))  # cat pretends not to know
    assert set(world.agree().members) == {world.ann.id}


@pytest.mark.parametrize("witness", ["ann", "dan"])
def test_after_a_checkpoint_it_is_too_late_to_strike_back(world, witness):
    world.gather("ann", bob=ADMIN, cat=ADMIN, dan=ADMIN)
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    person = getattr(world, witness)
    person.hear(world.bob)
    person.do(Checkpoint(person.id, NONE))
    struck_back = world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    at_the_witness = world.cat.do(Remove(world.cat.id, world.dan.id, NONE))
    assert set(world.agree().members) == {world.ann.id, world.bob.id, world.dan.id}
    assert not world.ann.group.stands(struck_back)
    assert not world.ann.group.stands(at_the_witness)


def test_a_checkpoint_that_knew_the_answer_shuts_nothing_out(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN)
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    world.talk()
    world.ann.do(Checkpoint(world.ann.id, NONE))
    assert set(world.agree().members) == {world.ann.id}


def test_nobody_confirms_his_own_removals_nor_has_them_confirmed_by_his_creature(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN)
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.bob.do(Checkpoint(world.bob.id, NONE))
    world.bob.add(world.eve, ADMIN)
    world.eve.hear(world.bob)
    world.eve.do(Checkpoint(world.eve.id, NONE))
    world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    assert set(world.agree().members) == {world.ann.id}


def test_the_policy_says_how_many_admins_make_a_removal_final(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN, dan=ADMIN, eve=ADMIN)
    world.ann.do(SetPolicy(world.ann.id, Policy(quorum=2)))
    world.talk()
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.dan.hear(world.bob)
    world.dan.do(Checkpoint(world.dan.id, NONE))
    world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    assert world.bob.id not in world.agree().members
    # eve heard of the removal in time as well
    other = type(world)()
    other.gather("ann", bob=ADMIN, cat=ADMIN, dan=ADMIN, eve=ADMIN)
    other.ann.do(SetPolicy(other.ann.id, Policy(quorum=2)))
    other.talk()
    other.bob.do(Remove(other.bob.id, other.cat.id, NONE))
    for witness in (other.dan, other.eve):
        witness.hear(other.bob)
        witness.do(Checkpoint(witness.id, NONE))
    other.cat.do(Remove(other.cat.id, other.bob.id, NONE))
    assert other.bob.id in other.agree().members


def test_a_puppet_does_not_save_a_removed_admin(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN)
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    world.bob.do(Add(world.bob.id, world.eve.id, ADMIN, world.eve.card))
    world.eve.hear(world.bob)
    world.eve.do(Remove(world.eve.id, world.cat.id, NONE))
    assert set(world.agree().members) == {world.ann.id, world.cat.id}


@pytest.mark.parametrize("first", ["cat", "bob"])
def test_nobody_saves_himself_by_appointing_an_avenger(world, first):
    world.gather("ann", bob=ADMIN, cat=ADMIN)
    if first == "cat":
        world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    world.bob.add(world.eve, ADMIN)
    world.eve.hear(world.bob)
    world.eve.do(Remove(world.eve.id, world.cat.id, NONE))
    if first == "bob":
        world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    assert set(world.agree().members) == {world.ann.id, world.cat.id}


def test_a_demoted_admin_appoints_no_admin_at_the_same_time(world):
    world.gather("ann", bob=ADMIN)
    world.ann.do(Demote(world.ann.id, world.bob.id, Role.MEMBER))
    world.bob.add(world.cat, ADMIN)
    world.bob.add(world.dan, Role.MEMBER)
    assert set(world.agree().members) == {world.ann.id, world.bob.id, world.dan.id}


def test_a_duel_between_two_whose_removal_depends_on_another_duel_waits_for_it(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN, dan=ADMIN, eve=ADMIN, fay=ADMIN)
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    world.cat.do(Remove(world.cat.id, world.dan.id, NONE))
    world.dan.do(Remove(world.dan.id, world.eve.id, NONE))
    world.eve.do(Remove(world.eve.id, world.fay.id, NONE))
    world.fay.do(Remove(world.fay.id, world.eve.id, NONE))
    assert set(world.agree().members) == {world.ann.id, world.dan.id, world.fay.id}


def test_an_old_card_published_again_strikes_off_no_newer_device(world):
    world.gather("ann", bob=ADMIN)
    old = world.bob.sign_card(2, "phone", "laptop")
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(3, "phone", "tablet"), NONE))
    thief = type(world.bob)("bob", world.clock)
    thief.hear(world.ann)
    thief.do(NewCard(world.bob.id, old, NONE))
    world.bob.device_key = world.bob.key("tablet")
    world.bob.do(Rename(world.bob.id, "from the tablet"))
    world.bob.hear(thief)
    assert world.agree().name == "from the tablet"


def test_of_two_new_cards_the_higher_version_stands(world):
    world.gather("ann", bob=ADMIN)
    both = world.bob.sign_card(2, "phone", "laptop")
    world.bob.do(NewCard(world.bob.id, both, NONE))
    world.talk()
    laptop = type(world.bob)("bob", world.clock)
    laptop.hear(world.bob)
    laptop.device_key = laptop.key("laptop")
    laptop.do(NewCard(world.bob.id, world.bob.sign_card(4, "laptop"), NONE))
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(3, "phone"), NONE))
    world.bob.hear(laptop)
    assert world.agree().members[world.bob.id].devices == (world.bob.device("laptop"),)


def test_the_founder_alone_makes_a_removal_final(world):
    world.gather("ann", bob=ADMIN, cat=ADMIN)
    world.ann.do(SetPolicy(world.ann.id, Policy(quorum=2)))
    world.talk()
    world.bob.do(Remove(world.bob.id, world.cat.id, NONE))
    world.ann.hear(world.bob)
    world.ann.do(Checkpoint(world.ann.id, NONE))
    world.cat.do(Remove(world.cat.id, world.bob.id, NONE))
    assert set(world.agree().members) == {world.ann.id, world.bob.id}


def test_a_founder_who_handed_over_confirms_his_own_removals_no_more(world):
    world.gather("ann", bob=Role.OWNER, cat=ADMIN)
    world.ann.do(Demote(world.ann.id, world.ann.id, ADMIN))
    world.talk()
    world.ann.do(Remove(world.ann.id, world.cat.id, NONE))
    world.ann.do(Checkpoint(world.ann.id, NONE))
    world.cat.do(Remove(world.cat.id, world.ann.id, NONE))
    assert set(world.agree().members) == {world.bob.id}


def test_a_new_card_leaves_the_devices_that_it_lists_alone(world):
    world.gather("ann", bob=ADMIN)
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(2, "phone", "laptop"), NONE))
    world.talk()
    laptop = type(world.bob)("bob", world.clock)
    laptop.hear(world.bob)
    laptop.device_key = laptop.key("laptop")
    laptop.do(Rename(world.bob.id, "from the laptop"))
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(3, "phone", "laptop", "tablet"), NONE))
    world.bob.hear(laptop)
    assert world.agree().name == "from the laptop"
