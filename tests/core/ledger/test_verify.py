"""Laws 14 and 16: a stranger with nothing but the bytes sees what the two see, and no forgery passes."""

import hashlib

import pytest

from p2pchat.core.identity import DeviceCertificate, fingerprint
from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger import actions, agreements, bundle, policy, statement
from p2pchat.core.ledger.bundle import Bundle, BundleKind
from p2pchat.core.ledger.entry import Kind
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.units import iso_unit
from p2pchat.core.ledger.verify import verify_bundle
from p2pchat.core.ledger.writer import Draft
from p2pchat.errors import NotFoundError, ProtocolError, UsageError

EUR = iso_unit("EUR")
PREIMAGE = b"p" * 32


def eur(minor):
    return Amount(minor, EUR)


def agreed_balance(pair, minor):
    offer = pair.alice.do(actions.pay, eur(minor))
    pair.sync()
    pair.bob.do(actions.accept, offer.id)
    pair.sync()
    return offer


def agreed_checkpoint(pair, **kw):
    proposal = pair.alice.do(agreements.propose_checkpoint, **kw)
    pair.sync()
    pair.bob.do(agreements.agree, proposal.id)
    pair.sync()
    return proposal


def forked(pair):
    """Alice's device, copied without care, signs two entries with one number."""
    twin = pair.alice.backup()
    first = pair.alice.do(actions.pay, eur(1))
    pair.alice.anchor = None
    pair.alice.restart(twin)
    second = pair.alice.do(actions.pay, eur(2))
    for signed in (first, second):
        pair.bob.take(signed)
    (proof,) = pair.bob.state.equivocations()
    return proof


@pytest.fixture
def proofs(pair, alice, bob):
    """One bundle of each kind."""
    agreed_balance(pair, 1250)
    for minor in (1, 2, 3):
        alice.do(actions.pay, eur(minor))
    pair.sync()
    for draft in actions.accept_all(bob.state, bob.person, bob.state.offers_to(bob.person)):
        bob.write(draft)
    pair.sync()
    checkpoint = agreed_checkpoint(pair)
    covered = min(c.id for c in alice.state.concessions.values() if c.amount == 2)
    return {
        "statement": statement.statement(alice.state, pair.certificates, checkpoint.id),
        "receipt": statement.receipt(alice.state, pair.certificates, covered),
        "history": statement.history(alice.state, pair.certificates),
        "equivocation": statement.equivocation(pair.account, pair.certificates, forked(pair)),
    }


@pytest.mark.parametrize("kind", BundleKind)
def test_a_proof_passes_and_says_what_it_does_not_prove(proofs, pair, kind):
    report = verify_bundle(proofs[kind])
    assert report.kind is kind
    assert report.account == pair.account
    assert report.proven
    assert report.not_proven


@pytest.mark.parametrize("kind", BundleKind)
def test_a_proof_with_a_changed_byte_is_refused(proofs, kind):
    data = proofs[kind]
    for position in range(0, len(data), 1 if len(data) < 1500 else 3):
        changed = bytearray(data)
        changed[position] ^= 0x20
        with pytest.raises(ProtocolError):
            verify_bundle(bytes(changed))


def test_a_statement_shows_the_balance_that_both_signed(pair, alice, bob):
    agreed_balance(pair, 1250)
    checkpoint = agreed_checkpoint(pair, challenge=b"fresh at noon")
    report = verify_bundle(statement.statement(bob.state, pair.certificates, checkpoint.id))
    assert report.balance == bob.state.balance == alice.state.balance
    assert report.challenge == b"fresh at noon"
    who = f"{fingerprint(alice.person)} owed {fingerprint(bob.person)} 12.50 EUR"
    assert who in report.proven[0]
    assert any("Freshness" in sentence for sentence in report.not_proven)


def test_a_statement_names_open_holds(pair, alice, bob):
    bob.do(actions.set_limit, policy.limit(1000))
    hold = alice.do(actions.pay, eur(100), lock=hashlib.sha256(PREIMAGE).digest())
    pair.sync()
    bob.do(actions.accept, hold.id)
    pair.sync()
    checkpoint = agreed_checkpoint(pair)
    report = verify_bundle(statement.statement(bob.state, pair.certificates, checkpoint.id))
    assert report.balance == 0
    assert f"{fingerprint(alice.person)} had 1.00 EUR in open holds" in report.proven[1]


def test_a_checkpoint_that_one_side_signed_is_no_statement(pair, alice, bob):
    proposal = alice.do(agreements.propose_checkpoint)
    with pytest.raises(UsageError, match="not agreed"):
        statement.statement(alice.state, pair.certificates, proposal.id)
    herself = alice.write(Draft(pair.account.id, Kind.ACCEPT, ref=proposal.id))
    for parts in ((proposal, proposal), (proposal, herself), (proposal,)):
        with pytest.raises(ProtocolError):
            verify_bundle(made_up(pair, BundleKind.STATEMENT, parts))


def made_up(pair, kind, parts):
    """A bundle that no honest program would make, of properly signed entries."""
    persons = (pair.account.low, pair.account.high)
    entries = tuple((signed.raw, signed.signature) for signed in parts)
    return bundle.encode(Bundle(kind, persons, EUR, tuple(pair.certificates), entries))


def test_a_receipt_shows_the_creditors_signature_and_the_acceptance(pair, alice, bob):
    agreed_balance(pair, 1000)
    paid = bob.do(actions.receipt, eur(400))
    report = verify_bundle(statement.receipt(bob.state, pair.certificates, paid.id))
    assert "conceded 4.00 EUR" in report.proven[0]
    assert "repayment" in report.proven[0]
    assert "accepted it: until then it does not count" in report.not_proven[0]
    pair.sync()
    alice.do(actions.accept, paid.id)
    report = verify_bundle(statement.receipt(alice.state, pair.certificates, paid.id))
    assert report.proven[1].endswith("accepted it.")
    assert report.balance is None


def test_a_receipt_for_a_hold_says_whether_it_is_open(pair, alice, bob):
    bob.do(actions.set_limit, policy.limit(1000))
    hold = alice.do(actions.pay, eur(100), lock=hashlib.sha256(PREIMAGE).digest())
    pair.sync()
    bob.do(actions.accept, hold.id)
    report = verify_bundle(statement.receipt(bob.state, pair.certificates, hold.id))
    assert "under a lock" in report.not_proven[0]
    bob.write(Draft(pair.account.id, Kind.PREIMAGE, ref=hold.id, preimage=PREIMAGE))
    report = verify_bundle(statement.receipt(bob.state, pair.certificates, hold.id))
    assert any("lock is open" in sentence for sentence in report.proven)


def test_a_preimage_of_something_else_opens_nothing(pair, alice, bob):
    bob.do(actions.set_limit, policy.limit(1000))
    hold, other = (
        alice.do(actions.pay, eur(minor), lock=hashlib.sha256(PREIMAGE).digest()) for minor in (1, 2)
    )
    plain = alice.do(actions.pay, eur(3))
    pair.sync()
    wrong = bob.write(Draft(pair.account.id, Kind.PREIMAGE, ref=hold.id, preimage=bytes(32)))
    for_other = bob.write(Draft(pair.account.id, Kind.PREIMAGE, ref=other.id, preimage=PREIMAGE))
    own = alice.write(Draft(pair.account.id, Kind.PREIMAGE, ref=hold.id, preimage=PREIMAGE))
    for parts in ((hold, wrong), (hold, for_other), (hold, own), (plain, for_other)):
        with pytest.raises(ProtocolError, match="preimage"):
            verify_bundle(made_up(pair, BundleKind.RECEIPT, parts))


def test_there_is_no_receipt_for_what_is_void_or_unknown(pair, alice, bob):
    offer = agreed_balance(pair, 100)
    bob.do(actions.void, offer.id)
    with pytest.raises(UsageError, match="void"):
        statement.receipt(bob.state, pair.certificates, offer.id)
    with pytest.raises(NotFoundError):
        statement.receipt(bob.state, pair.certificates, pair.account.id)


def test_an_acceptance_that_left_the_concession_out_makes_no_receipt(pair, alice, bob):
    offers = [alice.do(actions.pay, eur(minor)) for minor in (1, 2, 3)]
    pair.sync()
    wanted = [bob.state.concessions[offer.id] for offer in (offers[0], offers[2])]
    (draft,) = actions.accept_all(bob.state, bob.person, wanted)
    acceptance = bob.write(draft)
    report = verify_bundle(statement.receipt(bob.state, pair.certificates, offers[1].id))
    assert "until then it does not count" in report.not_proven[0]
    forged = made_up(pair, BundleKind.RECEIPT, (offers[1], offers[2], acceptance))
    with pytest.raises(ProtocolError, match="leaves this concession out"):
        verify_bundle(forged)


def test_an_acceptance_of_a_later_part_of_the_chain_makes_no_receipt(pair, alice, bob):
    offers = [alice.do(actions.pay, eur(minor)) for minor in (1, 2, 3)]
    pair.sync()
    wanted = [bob.state.concessions[offer.id] for offer in offers[1:]]
    (draft,) = actions.accept_all(bob.state, bob.person, wanted)
    acceptance = bob.write(draft)
    assert len(verify_bundle(statement.receipt(bob.state, pair.certificates, offers[1].id)).proven) == 2
    for parts, says in (
        ((*offers, acceptance), "leaves this concession out"),
        ((offers[0], offers[2], acceptance), "gap"),
        ((offers[1], acceptance), "names something else"),
        ((offers[1], offers[2], alice.write(Draft(pair.account.id, Kind.ACCEPT, ref=offers[2].id))), "names"),
    ):
        with pytest.raises(ProtocolError, match=says):
            verify_bundle(made_up(pair, BundleKind.RECEIPT, parts))


def test_a_history_is_complete_up_to_the_last_checkpoint(pair, alice, bob):
    agreed_balance(pair, 1250)
    without = verify_bundle(statement.history(alice.state, pair.certificates))
    assert "left out" in without.not_proven[0]
    agreed_checkpoint(pair)
    agreed_balance(pair, 50)
    for device in (alice, bob):
        report = verify_bundle(statement.history(device.state, pair.certificates))
        assert report.balance == device.state.balance
        assert any("complete" in sentence for sentence in report.proven)


def test_a_history_with_hidden_entries_is_not_called_complete(pair, alice, bob):
    agreed_balance(pair, 1250)
    repaid = bob.do(actions.receipt, eur(1000))
    pair.sync()
    alice.do(actions.accept, repaid.id)
    pair.sync()
    agreed_checkpoint(pair)
    parts = bundle.decode(statement.history(bob.state, pair.certificates))
    hidden = alice.state.chains.entries  # Alice's acceptance of the receipt is the second of her chain
    shown = tuple(
        (signed.raw, signed.signature)
        for signed in hidden.values()
        if signed.entry.device == alice.id and signed.entry.seq == 1
    )
    report = verify_bundle(bundle.encode(Bundle(parts.kind, parts.persons, EUR, parts.certificates, shown)))
    assert not any("complete" in sentence for sentence in report.proven)
    gap = tuple(pair_ for pair_ in parts.entries if pair_ not in shown)
    with pytest.raises(ProtocolError, match="missing"):
        verify_bundle(bundle.encode(Bundle(parts.kind, parts.persons, EUR, parts.certificates, gap)))


def test_law_16_a_fork_is_proven_to_anybody(pair):
    proof = forked(pair)
    report = verify_bundle(statement.equivocation(pair.account, pair.certificates, proof))
    assert fingerprint(pair.alice.person) in report.proven[0]


def test_law_8_an_honest_person_cannot_be_framed(pair, alice, bob):
    first, second = alice.do(actions.pay, eur(1)), alice.do(actions.pay, eur(2))
    other = bob.do(actions.pay, eur(3))
    for parts in ((first, second), (first, first), (first, other)):
        with pytest.raises(ProtocolError, match="do not contradict"):
            verify_bundle(statement.equivocation(pair.account, pair.certificates, parts))


def test_a_device_without_a_certificate_of_either_proves_nothing(pair, alice):
    offer = alice.do(actions.pay, eur(1))
    stranger = DeviceCertificate.issue(SigningKey(bytes(32)), alice.key, bytes(32), 1).encode()
    for certificates in ([], [stranger], [pair.certificates[0], pair.certificates[0]]):
        with pytest.raises(ProtocolError):
            verify_bundle(statement.receipt(alice.state, certificates, offer.id))


@pytest.mark.parametrize("data", [b"", b"\x80", b"{}", bytes(100)])
def test_what_is_no_bundle_is_refused(data):
    with pytest.raises(ProtocolError):
        verify_bundle(data)
