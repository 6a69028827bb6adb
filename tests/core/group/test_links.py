"""Invite links: any member online can let in whoever holds the secret."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pchat.core.group.links import check_proof, prove
from p2pchat.core.group.operations import Admit, Ban, Leave, Link, Remove, RevokeLink, Role, Seen
from p2pchat.core.keys import SigningKey
from p2pchat.errors import ProtocolError

SECRET = SigningKey(b"link secret".ljust(32))
LATE = 10**12


def publish(person, *, role=Role.MEMBER, max_uses=5, expires_ms=LATE):
    return person.do(Link(person.id, SECRET.public, role, max_uses, expires_ms))


def admission(by, newcomer, link, secret=SECRET):
    signatures = prove(secret, newcomer.device_key, link.id, newcomer.id)
    return Admit(by.id, newcomer.id, link.id, newcomer.card, newcomer.device(), *signatures)


def admit(by, newcomer, link, **changes):
    return by.do(admission(by, newcomer, link), **changes)


def test_any_member_admits_a_holder_of_the_secret(world):
    world.gather("ann", bob=Role.MEMBER)
    link = publish(world.ann, role=Role.READER)
    world.talk()
    admit(world.bob, world.cat, link)
    view = world.agree()
    assert view.members[world.cat.id].role is Role.READER
    assert view.offers[link.id].uses == 1


def test_a_reader_admits_nobody(world):
    world.gather("ann", bob=Role.READER)
    link = publish(world.ann)
    world.talk()
    admit(world.bob, world.cat, link)
    assert world.cat.id not in world.agree().members


@pytest.mark.parametrize(
    "forge",
    [
        lambda admit, eve: replace(admit, person=eve.id, card=eve.card, device=eve.device()),
        lambda admit, eve: replace(admit, device=eve.device()),
        lambda admit, eve: replace(admit, card=eve.card),
        lambda admit, eve: replace(admit, link_signature=bytes(64)),
        lambda admit, eve: replace(admit, device_signature=bytes(64)),
    ],
)
def test_a_forged_proof_admits_nobody(world, forge):
    world.gather("ann", bob=Role.MEMBER)
    link = publish(world.ann)
    world.talk()
    world.bob.do(forge(admission(world.bob, world.cat, link), world.eve))
    assert set(world.agree().members) == {world.ann.id, world.bob.id}


def test_another_secret_proves_nothing(world):
    world.gather("ann")
    link = publish(world.ann)
    forged = admission(world.ann, world.cat, link, secret=SigningKey(b"guess".ljust(32)))
    with pytest.raises(ProtocolError):
        check_proof(forged, SECRET.public)


def test_a_proof_for_one_link_opens_no_other(world):
    world.gather("ann")
    one, other = publish(world.ann), publish(world.ann)
    world.ann.do(replace(admission(world.ann, world.cat, one), link=other.id))
    assert world.cat.id not in world.agree().members


def test_a_link_expires_by_the_clock_of_the_member_who_admits(world):
    world.gather("ann")
    link = publish(world.ann, expires_ms=5000)
    admit(world.ann, world.bob, link, sent_ms=5000)
    admit(world.ann, world.cat, link, sent_ms=5001)
    assert set(world.agree().members) == {world.ann.id, world.bob.id}


def test_a_link_has_no_more_uses_than_it_says(world):
    world.gather("ann")
    link = publish(world.ann, max_uses=2)
    for newcomer in (world.bob, world.cat, world.dan):
        admit(world.ann, newcomer, link)
    assert set(world.agree().members) == {world.ann.id, world.bob.id, world.cat.id}
    assert world.ann.view.offers == {}


def test_uses_exceeded_at_the_same_time_let_in_the_first_as_shown(world):
    world.gather("ann", bob=Role.MEMBER, cat=Role.MEMBER)
    link = publish(world.ann, max_uses=1)
    world.talk()
    one, other = admit(world.bob, world.dan, link), admit(world.cat, world.eve, link)
    world.dan.hear(world.bob)
    late_guest = world.dan.add(world.fay)
    view = world.agree()
    first, second = sorted((one, other), key=lambda act: act.position)
    assert first.operation.person in view.members
    assert second.operation.person not in view.members
    assert world.ann.group.stands(late_guest) == (first is one)


def test_one_person_admitted_twice_counts_once(world):
    world.gather("ann", bob=Role.MEMBER, cat=Role.MEMBER)
    link = publish(world.ann, max_uses=2)
    world.talk()
    admit(world.bob, world.dan, link)
    admit(world.cat, world.dan, link)
    world.talk()
    admit(world.bob, world.eve, link)
    assert {world.dan.id, world.eve.id} <= set(world.agree().members)


@pytest.mark.parametrize("knows", [True, False])
def test_a_revoked_link_opens_nothing(world, knows):
    world.gather("ann", bob=Role.MEMBER)
    link = publish(world.ann)
    world.talk()
    world.ann.do(RevokeLink(world.ann.id, link.id))
    if knows:
        world.talk()
    admit(world.bob, world.cat, link)
    assert world.cat.id not in world.agree().members
    assert world.agree().offers == {}


@pytest.mark.parametrize("how", [Remove, Ban])
def test_an_old_link_does_not_bring_back_the_removed(world, how):
    world.gather("ann", bob=Role.MEMBER)
    link = publish(world.ann)
    world.ann.do(how(world.ann.id, world.bob.id, Seen()))
    admit(world.ann, world.bob, link)
    assert world.bob.id not in world.agree().members


def test_who_left_may_come_back_by_a_link(world):
    world.gather("ann", bob=Role.MEMBER)
    link = publish(world.ann)
    world.talk()
    world.bob.do(Leave(world.bob.id, Seen()))
    world.talk()
    admit(world.ann, world.bob, link)
    assert world.bob.id in world.agree().members


def test_a_link_of_a_removed_admin_falls_if_the_remover_did_not_know_it(world):
    world.gather("ann", bob=Role.ADMIN)
    link = publish(world.bob)
    admit(world.bob, world.cat, link)
    world.ann.do(Remove(world.ann.id, world.bob.id, Seen()))
    assert set(world.agree().members) == {world.ann.id}


@pytest.mark.parametrize(("signer", "device"), [("cat", "laptop"), ("eve", "phone")])
def test_a_card_of_another_or_without_the_device_admits_nobody(world, signer, device):
    world.gather("ann")
    link = publish(world.ann)
    phone = world.cat.device()
    world.eve.device = lambda name="phone": phone  # eve's card lists cat's phone
    card = getattr(world, signer).sign_card(1, device)
    act = world.ann.do(replace(admission(world.ann, world.cat, link), card=card))
    assert not world.ann.group.stands(act)


def test_a_link_raises_no_member_and_brings_in_no_banned_person(world):
    world.gather("ann", bob=Role.READER)
    world.ann.do(Ban(world.ann.id, world.cat.id, Seen()))
    link = publish(world.ann, role=Role.MEMBER)
    admit(world.ann, world.bob, link)
    admit(world.ann, world.cat, link)
    view = world.agree()
    assert view.members[world.bob.id].role is Role.READER
    assert world.cat.id not in view.members


def test_the_last_use_may_be_witnessed_twice(world):
    world.gather("ann", bob=Role.MEMBER, cat=Role.MEMBER)
    link = publish(world.ann, max_uses=1)
    world.talk()
    acts = [admit(by, world.dan, link) for by in (world.bob, world.cat)]
    assert world.dan.id in world.agree().members
    assert all(world.ann.group.stands(act) for act in acts)


def test_a_link_made_after_a_removal_brings_back_the_removed(world):
    world.gather("ann", bob=Role.MEMBER)
    world.ann.do(Remove(world.ann.id, world.bob.id, Seen()))
    link = publish(world.ann)
    admit(world.ann, world.bob, link)
    assert world.bob.id in world.agree().members
