"""A malicious counterparty with a valid key tries everything; nothing of it changes what I owe.

Names follow docs/protocol/ledger.md, section 10. Mallory signs with a certified device of the other
person and sends whatever bytes he likes. Alice owes him 10.00 EUR before and after.
"""

import hashlib

import cbor2
import pytest

from p2pchat.core.ledger import actions, agreements, policy
from p2pchat.core.ledger.concession import RequestStatus, Status
from p2pchat.core.ledger.details import MAX_PREFIX, Checkpoint, Closure, Limit, Prefix, Terms
from p2pchat.core.ledger.entry import Kind, encode, entry_id
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.statement import statement
from p2pchat.core.ledger.units import iso_unit
from p2pchat.core.ledger.verify import verify_bundle
from p2pchat.core.ledger.writer import Draft, write
from p2pchat.errors import ProtocolError, UsageError

EUR = iso_unit("EUR")
OWED = -1000


def eur(minor):
    return Amount(minor, EUR)


@pytest.fixture
def mallory(bob):
    return bob


@pytest.fixture
def debt(pair, alice, mallory):
    """The 10.00 EUR that Alice does owe; whatever a test does, this is checked again at its end."""
    offer = alice.do(actions.pay, eur(1000))
    pair.sync()
    mallory.do(actions.accept, offer.id)
    pair.sync()
    yield offer
    assert alice.owed == OWED
    assert alice.state.concessions[offer.id].status is Status.BINDING


def say(mallory, kind, **fields):
    """An entry that no honest program would write, properly signed."""
    return mallory.write(Draft(mallory.account.id, kind, **fields))


def test_forge_a_debt_in_my_name(debt, alice, mallory):
    mine = alice.known[debt.id].entry
    forged = encode(type(mine)(**{f: getattr(mine, f) for f in mine.__struct_fields__} | {"amount": 99_999}))
    for key in (mallory.key, alice.key):
        signature = key.sign("ledger entry", entry_id(debt.raw))
        with pytest.raises(ProtocolError):
            alice.receive(forged, signature)
    with pytest.raises(ProtocolError):
        alice.receive(forged, mallory.key.sign("ledger entry", entry_id(forged)))


def test_alter_the_amount_of_my_debt(debt, alice):
    fields = cbor2.loads(debt.raw)
    fields[8] = 100_000
    with pytest.raises(ProtocolError):
        alice.receive(cbor2.dumps(fields), debt.signature)


def test_replay_my_debt(debt, alice):
    for _ in range(3):
        assert alice.receive(debt.raw, debt.signature) == []


def test_replay_my_debt_in_another_account(debt, new_pair):
    dollars = new_pair(iso_unit("USD"))
    with pytest.raises(ProtocolError, match="another account"):
        dollars.alice.receive(debt.raw, debt.signature)


def test_accept_in_my_name(debt, alice, mallory):
    owes_me = say(mallory, Kind.CONCEDE, amount=500)
    own_acceptance = say(mallory, Kind.ACCEPT, ref=owes_me.id)
    own_prefix = say(mallory, Kind.ACCEPT, ref=owes_me.id, details=Prefix(1))
    alice.pull(mallory)
    assert alice.state.concessions[owes_me.id].status is Status.OFFERED
    assert alice.state.faults == {own_acceptance.id, own_prefix.id}


def test_undo_his_own_signed_concession(debt, pair, alice, mallory):
    owes_me = say(mallory, Kind.CONCEDE, amount=500)
    pair.sync()
    alice.do(actions.accept, owes_me.id)
    undo = say(mallory, Kind.VOID, ref=owes_me.id)
    pair.sync()
    assert alice.state.concessions[owes_me.id].counts
    assert alice.state.faults == {undo.id}
    assert alice.owed == OWED + 500
    alice.do(actions.void, owes_me.id)  # she forgives it, so that the books are as before


def test_owe_me_more_than_my_limit(debt, pair, alice, mallory):
    alice.do(actions.set_limit, policy.limit(100))
    for _ in range(5):
        say(mallory, Kind.CONCEDE, amount=2000)
    pair.sync()
    assert policy.acceptable(alice.state, alice.person) == []
    for offer in alice.state.offers_to(alice.person):
        with pytest.raises(UsageError, match="more than your limit"):
            alice.do(actions.accept, offer.id)


def test_raise_my_limit(debt, pair, alice, mallory):
    mine = alice.do(actions.set_limit, Limit(100, 0))
    pair.sync()
    say(mallory, Kind.LIMIT, details=Limit(10**9, 0), seen=(mine.id,))
    pair.sync()
    assert alice.state.limit_of(alice.person) == Limit(100, 0)


def test_mislead_me_with_requests(debt, pair, alice, mallory):
    asked = say(mallory, Kind.REQUEST, amount=10**9)
    pair.sync()
    assert alice.state.requests[asked.id].status is RequestStatus.REQUESTED


def test_withdraw_or_decline_in_my_name(debt, pair, alice, mallory):
    mine = alice.do(actions.request, eur(500))
    his = mallory.do(actions.request, eur(700))
    pair.sync()
    wrong = {say(mallory, Kind.WITHDRAW, ref=mine.id).id, say(mallory, Kind.DISPUTE, ref=his.id).id}
    pair.sync()
    assert alice.state.requests[mine.id].status is RequestStatus.REQUESTED
    assert alice.state.requests[his.id].status is RequestStatus.REQUESTED
    assert alice.state.faults == wrong


def test_open_his_own_hold_or_mine_with_a_wrong_preimage(debt, pair, alice, mallory):
    mine = alice.do(actions.pay, eur(5), lock=hashlib.sha256(b"s" * 32).digest())
    his = say(mallory, Kind.CONCEDE, amount=7, lock=hashlib.sha256(b"t" * 32).digest())
    pair.sync()
    mallory.do(actions.set_limit, policy.limit(10**6))
    mallory.do(actions.accept, mine.id)
    say(mallory, Kind.PREIMAGE, ref=mine.id, preimage=b"x" * 32)
    say(mallory, Kind.PREIMAGE, ref=his.id, preimage=b"t" * 32)
    pair.sync()
    assert alice.state.concessions[mine.id].status is Status.HELD
    assert alice.state.concessions[his.id].status is Status.OFFERED


def test_fork_his_chain(debt, pair, alice, mallory):
    head = mallory.head
    first = say(mallory, Kind.CONCEDE, amount=300)
    mallory.head = head
    second = say(mallory, Kind.CONCEDE, amount=200)
    pair.sync()
    (proof,) = alice.state.equivocations()
    assert {signed.id for signed in proof} == {first.id, second.id}
    for offer in (first, second):  # both count against the one who signed them
        alice.do(actions.accept, offer.id)
    assert alice.owed == OWED + 500
    alice.do(actions.void, first.id)
    alice.do(actions.void, second.id)


def test_make_my_two_devices_see_different_things(debt, pair, alice, mallory):
    tablet = pair.add_device(alice, "tablet")
    tablet.pull(alice)
    head = mallory.head
    alice.take(say(mallory, Kind.CONCEDE, amount=300))
    mallory.head = head
    tablet.take(say(mallory, Kind.CONCEDE, amount=200))
    alice.pull(tablet)
    tablet.pull(alice)
    assert alice.state.fingerprint() == tablet.state.fingerprint()
    assert len(alice.state.equivocations()) == 1


def test_claim_my_device_as_his(debt, alice, mallory):
    with pytest.raises(ProtocolError, match="belongs to the other"):
        alice.state.admit(alice.id, mallory.person)


def test_frame_me_for_a_fork(debt, pair, alice, mallory):
    alice.do(actions.pay, eur(1))
    alice.restart()
    alice.do(actions.pay, eur(2))
    pair.sync()
    assert mallory.state.equivocations() == []


def test_close_an_epoch_to_retract_what_i_hold(debt, pair, alice, mallory):
    owes_me = say(mallory, Kind.CONCEDE, amount=500)
    pair.sync()
    epoch = owes_me.entry.epoch
    retract = say(mallory, Kind.CLOSURE, details=Closure(mallory.id, epoch, ()))
    pair.sync()
    with pytest.raises(UsageError, match="shut out"):
        alice.do(agreements.agree, retract.id)
    assert owes_me.id in alice.state.concessions


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_close_my_epoch_alone(debt, pair, alice, mallory, order):
    tablet = pair.add_device(mallory, "second device of Mallory")
    tablet.pull(mallory)
    close = say(mallory, Kind.CLOSURE, details=Closure(alice.id, debt.entry.epoch, ()))
    tablet.take(close)
    agreed = say(tablet, Kind.ACCEPT, ref=close.id)
    for index in order:
        alice.take((close, agreed)[index])
    assert not alice.state.is_closed(alice.id, debt.entry.epoch)
    assert alice.state.faults == {agreed.id}


def test_impose_terms_or_a_checkpoint(debt, pair, alice, mallory):
    terms = say(mallory, Kind.TERMS, details=Terms(9999))
    false = Checkpoint(bytes(32), 3, (10**9, 0), (0, 0))
    checkpoint = say(mallory, Kind.CHECKPOINT, details=false)
    say(mallory, Kind.ACCEPT, ref=terms.id)
    say(mallory, Kind.ACCEPT, ref=checkpoint.id)
    pair.sync()
    assert alice.state.current_terms() is None
    assert alice.state.agreed == set()
    with pytest.raises(UsageError, match="do not know the same"):
        alice.do(agreements.agree, checkpoint.id)


def test_spam_with_long_or_loose_entries(debt, alice, mallory):
    fields = cbor2.loads(debt.raw)
    fields[11] = [bytes(32)] * 20
    with pytest.raises(ProtocolError, match="600"):
        alice.receive(cbor2.dumps(fields), debt.signature)


def test_make_me_walk_a_chain_without_end(debt, pair, alice, mallory):
    for _ in range(MAX_PREFIX):
        last = alice.do(actions.pay, eur(1))
    for signed in alice.known.values():
        mallory.take(signed)
    far = say(mallory, Kind.ACCEPT, ref=last.id, details=Prefix(1))
    backwards = say(mallory, Kind.ACCEPT, ref=last.id, details=Prefix(last.entry.seq + 1))
    alice.take(far)
    alice.take(backwards)
    assert alice.state.faults == {far.id, backwards.id}
    assert alice.state.concessions[last.id].status is Status.OFFERED


def test_send_dates_from_the_far_future(debt, pair, alice, mallory):
    draft = Draft(mallory.account.id, Kind.CONCEDE, amount=5)
    head = mallory.head
    late, _head = write(draft, head, mallory.key, now_ms=253_402_300_799_999, nonce=bytes(12))
    alice.take(late)
    assert alice.do(actions.pay, eur(1)).entry.created_ms < late.entry.created_ms


def test_show_an_old_checkpoint(debt, pair, alice, mallory):
    old = alice.do(agreements.propose_checkpoint, challenge=b"january!")
    pair.sync()
    mallory.do(agreements.agree, old.id)
    report = verify_bundle(statement(mallory.state, pair.certificates, old.id))
    assert report.challenge == b"january!"  # who asked with another nonce sees that it is old
    assert any("afterwards" in sentence for sentence in report.not_proven)


def test_refuse_to_sign(debt, pair, alice, mallory):
    claim = alice.do(actions.request, eur(1000))  # "I paid you back"
    pair.sync()
    assert alice.state.requests[claim.id].status is RequestStatus.REQUESTED  # visible, and not counted


def test_keep_a_hold_frozen(debt, pair, alice, mallory):
    alice.do(actions.set_limit, policy.limit(100))
    hold = alice.do(actions.pay, eur(5), lock=bytes(32))
    pair.sync()
    mallory.do(actions.set_limit, policy.limit(10**6))
    mallory.do(actions.accept, hold.id)
    pair.sync()
    assert alice.state.held_for(mallory.person) == 5  # frozen, bounded by what Alice put in
    assert alice.owed == OWED
