import pytest

from p2pchat.core.ledger import actions, agreements
from p2pchat.core.ledger.chains import Head, heads_root
from p2pchat.core.ledger.details import Terms
from p2pchat.core.ledger.entry import Writer
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import NotFoundError, UsageError

EUR = iso_unit("EUR")


def eur(minor):
    return Amount(minor, EUR)


def agreed_balance(pair, minor):
    offer = pair.alice.do(actions.pay, eur(minor))
    pair.sync()
    pair.bob.do(actions.accept, offer.id)
    pair.sync()


def test_a_checkpoint_is_agreed_when_both_know_the_same(pair, alice, bob):
    agreed_balance(pair, 1250)
    proposal = alice.do(agreements.propose_checkpoint)
    assert abs(proposal.entry.details.balance) == 1250
    assert proposal.entry.details.count == 2
    pair.sync()
    bob.do(agreements.agree, proposal.id)
    pair.sync()
    assert proposal.id in alice.state.agreed
    with pytest.raises(UsageError, match="agreed already"):
        bob.do(agreements.agree, proposal.id)


def test_a_checkpoint_over_other_entries_is_not_agreed_to(pair, alice, bob):
    agreed_balance(pair, 1250)
    alice.do(actions.pay, eur(1))
    proposal = alice.do(agreements.propose_checkpoint)
    pair.sync()
    bob.do(actions.request, eur(5))
    with pytest.raises(UsageError, match="do not know the same entries"):
        bob.do(agreements.agree, proposal.id)


def test_a_checkpoint_with_other_totals_is_not_agreed_to(pair, alice, bob):
    agreed_balance(pair, 1250)
    draft = agreements.propose_checkpoint(alice.state, alice.person)
    conceded = (draft.details.conceded[0] + 1, draft.details.conceded[1])
    changed = type(draft.details)(draft.details.heads_root, draft.details.count, conceded, draft.details.held)
    proposal = alice.write(type(draft)(draft.account, draft.kind, details=changed))
    pair.sync()
    with pytest.raises(UsageError, match="other totals"):
        bob.do(agreements.agree, proposal.id)


def test_terms_are_in_force_when_both_agreed_and_until_both_agree_to_others(pair, alice, bob):
    first = alice.do(agreements.propose_terms, Terms(500, 30))
    pair.sync()
    assert bob.state.current_terms() is None
    bob.do(agreements.agree, first.id)
    pair.sync()
    assert alice.state.current_terms() == first.id
    second = bob.do(agreements.propose_terms, Terms(0))
    pair.sync()
    assert alice.state.current_terms() == first.id
    alice.do(agreements.agree, second.id)
    pair.sync()
    assert bob.state.current_terms() == second.id


def test_only_the_other_side_agrees_and_only_to_proposals(pair, alice, bob):
    proposal = alice.do(agreements.propose_terms, Terms(0))
    asked = alice.do(actions.request, eur(5))
    pair.sync()
    with pytest.raises(UsageError, match="your own proposal"):
        alice.do(agreements.agree, proposal.id)
    with pytest.raises(UsageError, match="not a proposal"):
        bob.do(agreements.agree, asked.id)
    with pytest.raises(NotFoundError):
        bob.do(agreements.agree, pair.account.id)


def test_the_root_names_a_set_of_heads_in_any_order(pair, alice, bob):
    agreed_balance(pair, 1)
    heads = alice.state.heads()
    assert heads_root(heads) == heads_root(heads[::-1])
    moved = [Head(Writer(heads[0].writer.device, bytes(8)), heads[0].seq, heads[0].id), heads[1]]
    assert heads_root(moved) != heads_root(heads)
