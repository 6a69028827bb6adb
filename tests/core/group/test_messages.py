"""What becomes of messages when their author's right to write changes."""

from __future__ import annotations

import pytest

from p2pchat.core.group.operations import (
    Checkpoint,
    Demote,
    Leave,
    NewCard,
    Policy,
    Remove,
    Role,
    Seen,
    SetPolicy,
)
from p2pchat.core.group.view import Verdict, may_post

NONE = Seen()


def verdict(world, frontier, device, seq):
    group = world.ann.group
    return may_post(group.view_after(frontier), group.view(), device, seq)


def test_a_members_messages_are_kept_and_a_strangers_refused(world):
    world.gather("ann", bob=Role.MEMBER)
    now = world.ann.group.frontier
    assert verdict(world, now, world.bob.device(), 1) is Verdict.KEPT
    assert verdict(world, now, world.eve.device(), 1) is Verdict.REFUSED


@pytest.mark.parametrize(
    "policy_and_role", [(Policy(write=Role.ADMIN), Role.MEMBER), (Policy(), Role.READER)]
)
def test_who_may_only_read_does_not_write(world, policy_and_role):
    policy, role = policy_and_role
    world.gather("ann", bob=role)
    world.ann.do(SetPolicy(world.ann.id, policy))
    assert verdict(world, world.ann.group.frontier, world.bob.device(), 1) is Verdict.REFUSED
    assert verdict(world, world.ann.group.frontier, world.ann.device(), 1) is Verdict.KEPT


def test_a_removal_keeps_what_its_author_saw_flags_the_rest_and_refuses_what_knows_it(world, seen):
    world.gather("ann", bob=Role.MEMBER)
    before = world.ann.group.frontier
    phone = world.bob.device()
    world.ann.do(Remove(world.ann.id, world.bob.id, seen((phone, 3))))
    assert verdict(world, before, phone, 3) is Verdict.KEPT
    assert verdict(world, before, phone, 4) is Verdict.FLAGGED
    assert verdict(world, world.ann.group.frontier, phone, 5) is Verdict.REFUSED


def test_what_either_of_two_removers_saw_is_kept(world, seen):
    world.gather("ann", bob=Role.MEMBER, cat=Role.ADMIN)
    before = world.ann.group.frontier
    phone = world.bob.device()
    world.ann.do(Remove(world.ann.id, world.bob.id, seen((phone, 3))))
    world.cat.do(Remove(world.cat.id, world.bob.id, seen((phone, 5))))
    world.talk()
    assert verdict(world, before, phone, 5) is Verdict.KEPT
    assert verdict(world, before, phone, 6) is Verdict.FLAGGED


def test_after_a_checkpoint_back_dated_messages_are_refused(world, seen):
    world.gather("ann", bob=Role.MEMBER, cat=Role.ADMIN)
    before = world.ann.group.frontier
    phone = world.bob.device()
    world.ann.do(Remove(world.ann.id, world.bob.id, seen((phone, 3))))
    world.cat.hear(world.ann)
    world.cat.do(Checkpoint(world.cat.id, seen((phone, 4))))
    world.talk()
    assert verdict(world, before, phone, 3) is Verdict.KEPT
    assert verdict(world, before, phone, 4) is Verdict.FLAGGED
    assert verdict(world, before, phone, 5) is Verdict.REFUSED


def test_the_removers_own_checkpoint_refuses_nothing(world, seen):
    world.gather("ann", bob=Role.MEMBER, cat=Role.ADMIN)
    before = world.ann.group.frontier
    phone = world.bob.device()
    world.cat.do(Remove(world.cat.id, world.bob.id, seen((phone, 3))))
    world.cat.do(Checkpoint(world.cat.id, seen((phone, 3))))
    world.talk()
    assert verdict(world, before, phone, 4) is Verdict.FLAGGED


def test_it_takes_a_quorum_of_checkpoints(world, seen):
    world.gather("ann", bob=Role.MEMBER, cat=Role.ADMIN, dan=Role.ADMIN, eve=Role.ADMIN)
    world.ann.do(SetPolicy(world.ann.id, Policy(quorum=2)))
    world.talk()
    before = world.ann.group.frontier
    phone = world.bob.device()
    world.cat.do(Remove(world.cat.id, world.bob.id, seen((phone, 3))))
    world.talk()
    world.dan.do(Checkpoint(world.dan.id, seen((phone, 3))))
    world.talk()
    assert verdict(world, before, phone, 9) is Verdict.FLAGGED
    world.eve.do(Checkpoint(world.eve.id, seen((phone, 7))))
    world.talk()
    assert verdict(world, before, phone, 9) is Verdict.REFUSED
    assert verdict(world, before, phone, 7) is Verdict.FLAGGED


def test_one_who_left_and_wrote_elsewhere_at_the_same_time_is_flagged(world, seen):
    world.gather("ann", bob=Role.MEMBER)
    before = world.ann.group.frontier
    world.bob.do(Leave(world.bob.id, seen((world.bob.device(), 2))))
    world.talk()
    assert verdict(world, before, world.bob.device(), 2) is Verdict.KEPT
    assert verdict(world, before, world.bob.device(), 3) is Verdict.FLAGGED


def test_a_readded_member_keeps_all_he_wrote_with_the_right_to_write(world, seen):
    world.gather("ann", bob=Role.MEMBER)
    before = world.ann.group.frontier
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    between = world.ann.group.frontier
    assert world.bob.device() in world.ann.view.ended
    world.ann.add(world.bob)
    assert world.bob.device() not in world.ann.view.ended
    assert verdict(world, before, world.bob.device(), 5) is Verdict.KEPT
    assert verdict(world, between, world.bob.device(), 6) is Verdict.REFUSED
    assert verdict(world, world.ann.group.frontier, world.bob.device(), 7) is Verdict.KEPT


def test_a_lost_devices_messages_are_kept_up_to_what_its_person_saw(world, seen):
    world.gather("ann", bob=Role.MEMBER)
    laptop = world.bob.device("laptop")
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(2, "phone", "laptop"), NONE))
    world.talk()
    before = world.ann.group.frontier
    world.bob.do(NewCard(world.bob.id, world.bob.sign_card(3, "phone"), seen((laptop, 4))))
    world.talk()
    assert verdict(world, before, laptop, 4) is Verdict.KEPT
    assert verdict(world, before, laptop, 5) is Verdict.FLAGGED
    assert verdict(world, world.ann.group.frontier, laptop, 6) is Verdict.REFUSED


def test_a_message_of_one_whose_admission_fell_is_flagged(world):
    world.gather("ann", bob=Role.ADMIN)
    world.bob.add(world.cat)
    in_bobs_eyes = world.bob.group.frontier
    world.ann.do(Remove(world.ann.id, world.bob.id, NONE))
    world.talk()
    assert verdict(world, in_bobs_eyes, world.cat.device(), 1) is Verdict.FLAGGED


def test_what_was_written_before_a_demotion_was_known_is_kept(world):
    world.gather("ann", bob=Role.MEMBER)
    before = world.ann.group.frontier
    world.ann.do(Demote(world.ann.id, world.bob.id, Role.READER))
    assert verdict(world, before, world.bob.device(), 1) is Verdict.KEPT
    assert verdict(world, world.ann.group.frontier, world.bob.device(), 2) is Verdict.REFUSED


def test_the_founder_alone_makes_the_end_final(world, seen):
    world.gather("ann", bob=Role.MEMBER)
    world.ann.do(SetPolicy(world.ann.id, Policy(quorum=2)))
    before = world.ann.group.frontier
    phone = world.bob.device()
    world.ann.do(Remove(world.ann.id, world.bob.id, seen((phone, 3))))
    world.ann.do(Checkpoint(world.ann.id, seen((phone, 4))))
    assert verdict(world, before, phone, 4) is Verdict.FLAGGED
    assert verdict(world, before, phone, 5) is Verdict.REFUSED


def test_a_removal_that_was_forgiven_no_longer_counts(world, seen):
    world.gather("ann", bob=Role.MEMBER)
    phone = world.bob.device()
    world.ann.do(Remove(world.ann.id, world.bob.id, seen((phone, 3))))
    world.ann.do(Checkpoint(world.ann.id, seen((phone, 3))))
    world.ann.add(world.bob)
    before = world.ann.group.frontier
    world.ann.do(Remove(world.ann.id, world.bob.id, seen((phone, 9))))
    assert verdict(world, before, phone, 9) is Verdict.KEPT
    assert verdict(world, before, phone, 12) is Verdict.FLAGGED


def test_a_device_that_a_later_card_lists_again_has_not_ended(world):
    world.gather("ann", bob=Role.MEMBER)
    for version, devices in ((2, ["phone", "laptop"]), (3, ["phone"]), (4, ["phone", "laptop"])):
        world.bob.do(NewCard(world.bob.id, world.bob.sign_card(version, *devices), NONE))
        assert (world.bob.device("laptop") in world.bob.view.ended) == (version == 3)
