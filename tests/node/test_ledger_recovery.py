"""A restored person signs nothing that binds before both know the same and the lost device is closed."""

from __future__ import annotations

import os
import random
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.config import Home
from p2pchat.core.ids import LedgerEntryId
from p2pchat.core.ledger import holdings
from p2pchat.core.ledger.bundle import BundleKind
from p2pchat.core.ledger.verify import verify_bundle
from p2pchat.errors import NotAllowedError, UsageError
from p2pchat.node.features.ledger import accounts
from p2pchat.node.features.people import restore
from p2pchat.node.profile import Profile
from p2pchat.node.words import from_words, to_words
from p2pchat.store import ledger, recoveries

_numbers = count(7_000_000)


@pytest.fixture
def people(workshop: Any) -> Any:
    """Ann, Ben and Cleo, members of #trip."""
    return workshop.members(next(_numbers))


def pay(debtor: Any, creditor: Any, amount: str) -> str:
    who = creditor.app.person.text
    return str(debtor.change("iou.pay", s.Pay(who=who, amount=amount)).id)


def accept_all(person: Any) -> None:
    for one in person.decidable():
        person.change("iou.accept", s.IouId(id=one.id))


def state(person: Any, of: Any) -> Any:
    def look(tx: Any) -> Any:
        (stored,) = ledger.accounts(tx, of.app.person)
        with accounts.known(person.app, tx, stored) as known:
            return known.fingerprint(), known.is_closed(lost_device(person, of), None)

    return person.database.read(look)


def lost_device(one: Any, other: Any) -> Any:
    (gone,) = [
        device
        for device, standing in one.database.read(lambda tx: tx.execute("SELECT id, standing FROM device"))
        if standing == "revoked"
    ]
    return gone


def test_nothing_binding_is_signed_before_the_other_has_confirmed_where_the_account_stands(
    workshop: Any, people: Any, tmp_path: Path
) -> None:
    ann, ben, cleo = people
    pay(ann, ben, "5 EUR")
    workshop.rest(ann, ben, cleo)
    accept_all(ben)
    workshop.rest(ann, ben, cleo)
    ann.back_up(tmp_path / "backup")
    pay(ann, ben, "7 EUR")
    workshop.rest(ann, ben, cleo)
    accept_all(ben)
    pay(ben, ann, "2 EUR")
    workshop.rest(ann, ben, cleo)
    lost = pay(ann, ben, "100 EUR")  # signed, and never sent

    again = workshop.restored(ann, tmp_path / "backup")
    assert again.query("iou.balance", s.BalanceQuery(who="ben")).balances[0].recovering
    with pytest.raises(NotAllowedError, match="restored"):
        pay(again, ben, "1 EUR")
    workshop.rest(again, ben, cleo)

    assert not again.query("iou.balance", s.BalanceQuery(who="ben")).balances[0].recovering
    assert (again.cents(ben), ben.cents(again)) == (-1200, 1200)
    assert state(again, ben) == state(ben, again)
    assert state(ben, again)[1], "the lost device is closed by both"
    assert lost not in {one.id for one in ben.query("iou.list", s.IouQuery()).ious}
    assert [one.amount for one in again.decidable()] == ["2.00 EUR"]
    pay(again, ben, "1 EUR")
    workshop.rest(again, ben, cleo)
    accept_all(ben)
    workshop.rest(again, ben, cleo)
    assert (again.cents(ben), ben.cents(again)) == (-1300, 1300)


def test_a_closure_that_would_shut_out_what_the_other_holds_is_answered_with_it(
    workshop: Any, people: Any, tmp_path: Path
) -> None:
    ann, ben, cleo = people
    ann.back_up(tmp_path / "backup")
    pay(ann, ben, "7 EUR")
    workshop.rest(ann, ben, cleo)
    again = workshop.restored(ann, tmp_path / "backup")
    ben_says_nothing = recoveries.Recovery(ben.app.person, holdings.encode(()), settled=False)
    again.database.transact(lambda tx: recoveries.put(tx, ben_says_nothing))
    workshop.rest(again, ben, cleo)
    accept_all(ben)
    workshop.rest(again, ben, cleo)
    assert (again.cents(ben), ben.cents(again)) == (-700, 700)
    pay(again, ben, "1 EUR")


def test_offers_within_the_limit_are_accepted_as_soon_as_the_account_is_settled(
    workshop: Any, people: Any, tmp_path: Path
) -> None:
    ann, ben, cleo = people
    ann.change("iou.limit", s.SetLimit(who="ben", amount="50 EUR"))
    workshop.rest(ann, ben, cleo)
    ann.back_up(tmp_path / "backup")
    again = workshop.restored(ann, tmp_path / "backup")
    pay(ben, again, "20 EUR")
    workshop.rest(again, ben, cleo)
    assert (again.cents(ben), ben.cents(again)) == (2000, -2000)


def test_a_person_of_words_alone_settles_with_each_contact_first(
    workshop: Any, people: Any, tmp_path: Path
) -> None:
    ann, ben, cleo = people
    pay(ann, ben, "4 EUR")
    workshop.rest(ann, ben, cleo)
    accept_all(ben)
    workshop.rest(ann, ben, cleo)
    root = from_words(to_words(ann.app.root.seed))
    again = workshop.person(tmp_path / "ann", name="ann", root=root, clock_ms=ann._clock + 1000)
    link = ben.change("invite.create", s.Nothing()).link
    again.change("contact.add", s.AddContact(link=link))
    with pytest.raises(NotAllowedError):
        pay(again, ben, "1 EUR")
    workshop.rest(again, ben, cleo)
    assert (again.cents(ben), ben.cents(again)) == (-400, 400)
    assert state(again, ben) == state(ben, again)
    pay(again, ben, "1 EUR")


def put_back(person: Any, copy: Path) -> None:
    """Put an older store in the place of the present one, as if the disk had been rolled back."""
    person.database.close()
    for suffix in ("-wal", "-shm"):
        Path(f"{person.home.store}{suffix}").unlink(missing_ok=True)
    shutil.copy(copy, person.home.store)
    person._open()


def test_an_older_store_is_told_by_the_anchor_beside_it(workshop: Any, people: Any, tmp_path: Path) -> None:
    ann, ben, _ = people
    pay(ann, ben, "1 EUR")
    ann.crash()
    assert not ann.database.read(lambda tx: restore.has_forgotten(ann.app, tx))
    ann.database.settle()
    shutil.copy(ann.home.store, tmp_path / "old")
    with pytest.raises(RuntimeError):
        ann.database.transact(lambda tx: _sign_and_fail(ann, ben, tx))
    ann.crash()
    assert not ann.database.read(lambda tx: restore.has_forgotten(ann.app, tx)), "it was undone"
    pay(ann, ben, "2 EUR")
    ann.crash()
    assert not ann.database.read(lambda tx: restore.has_forgotten(ann.app, tx))
    put_back(ann, tmp_path / "old")
    assert ann.database.read(lambda tx: restore.has_forgotten(ann.app, tx))


def _sign_and_fail(ann: Any, ben: Any, tx: Any) -> None:
    from p2pchat.api.methods import CHANGES

    CHANGES["iou.pay"](ann.app, tx, s.Pay(who=ben.app.person.text, amount="9 EUR"))
    raise RuntimeError


def test_a_profile_with_an_older_store_goes_on_as_a_new_device(tmp_path: Path) -> None:
    home = Home(tmp_path / "ann")
    Profile.create(home, "ann")
    with Profile.open(home) as profile:
        before = profile.app.device
        profile.change(lambda tx: profile.app.remember(tx, LedgerEntryId(b"x" * 32)))
    with Profile.open(home) as profile:
        after = profile.app.device
        assert after != before
    with Profile.open(home) as profile:
        assert profile.app.device == after


def test_a_forked_chain_is_proven_kept_and_shown_to_the_one_who_forked_it(workshop: Any, people: Any) -> None:
    ann, ben, cleo = people
    pay(ben, ann, "1 EUR")
    (before,) = ben.database.read(lambda tx: ledger.accounts(tx, ann.app.person))
    pay(ben, ann, "2 EUR")
    ben.database.transact(lambda tx: ledger.put_account(tx, before))  # a copy of Ben's device is at work
    ben.app.accounts._loaded.clear()
    pay(ben, ann, "3 EUR")
    workshop.rest(ann, ben, cleo)
    for person, whose in ((ann, "ben"), (ben, "me")):
        (fork,) = person.query("ledger.forks", s.Nothing()).forks
        assert fork.who == whose
        assert verify_bundle(fork.data).kind is BundleKind.EQUIVOCATION
    accept_all(ann)
    workshop.rest(ann, ben, cleo)
    assert (ann.cents(ben), ben.cents(ann)) == (600, -600), "both branches count against him who signed them"


@pytest.mark.parametrize("seed", range(int(os.environ.get("P2PCHAT_RESTORES", "2"))))
def test_restores_at_random_moments_lose_no_cent_and_overshoot_no_limit(
    workshop: Any, people: Any, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    ann, ben, cleo = people
    pair = [ann, ben]
    for one, other in ((0, 1), (1, 0)):
        limit = s.SetLimit(who=pair[other].app.name, amount="100 EUR", auto="0")
        pair[one].change("iou.limit", limit)
    workshop.rest(*pair, cleo)
    kept: dict[int, Path] = {}
    for step in range(50):
        side = chance.randrange(2)
        person, other = pair[side], pair[1 - side]
        act = chance.random()
        if act < 0.3:
            _try(lambda me=person, to=other: pay(me, to, f"{chance.randrange(1, 60)} EUR"))
        elif act < 0.55:
            for one in person.decidable():
                _try(lambda me=person, it=one: me.change("iou.accept", s.IouId(id=it.id)))
        elif act < 0.85:
            for sealed in person.seal(other):
                if chance.random() < 0.7:
                    person.hear(other, other.take(person, sealed))
            person.in_flight[other.device].clear()
        elif act < 0.93 or side not in kept:
            kept[side] = tmp_path / f"{step}.backup"
            person.back_up(kept[side])
        else:
            home = tmp_path / f"{step}" / person.app.name
            pair[side] = workshop.person.restored(person, kept.pop(side), home)
            kept.clear()
            # Two who are restored before either has heard of it would have to be introduced anew.
            for _ in range(4):
                for sender, receiver in (pair, pair[::-1]):
                    for sealed in sender.seal(receiver):
                        sender.hear(receiver, receiver.take(sender, sealed))
    workshop.rest(*pair, cleo)
    one, other = pair
    assert one.cents(other) == -other.cents(one)
    assert abs(one.cents(other)) <= 10_000
    lines = [
        {(line.id, line.state, line.minor) for line in person.query("iou.list", s.IouQuery()).ious}
        for person in pair
    ]
    assert lines[0] == lines[1]
    assert not any(person.query("ledger.forks", s.Nothing()).forks for person in pair)
    assert not any(b.recovering for p in pair for b in p.query("iou.balance", s.BalanceQuery()).balances)


def _try(act: Any) -> None:
    # Over the limit, or this person was restored and has not settled yet: nothing was signed.
    with suppress(UsageError):
        act()
