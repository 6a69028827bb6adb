import pytest

from p2pchat.core.ledger import actions, audit
from p2pchat.core.ledger.entry import SignedEntry, entry_id, trust, verify
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.opening import add_stored
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import DecodeError, ProtocolError

EUR = iso_unit("EUR")


@pytest.fixture
def rows(pair, alice, bob):
    for minor in range(1, 6):
        offer = alice.do(actions.pay, Amount(minor, EUR))
        pair.sync()
        bob.do(actions.accept, offer.id)
    pair.sync()
    return [(signed.raw, signed.signature) for signed in bob.known.values()]


def reopened(pair, rows):
    state = AccountState(pair.account, pair.owners)
    add_stored(state, rows)
    return state


def test_trusting_a_stored_entry_gives_what_verifying_gave(rows):
    assert [trust(*row) for row in rows] == [verify(*row) for row in rows]


def test_a_ledger_opens_by_its_heads(pair, bob, rows):
    state = reopened(pair, rows)
    assert audit.check_heads(state) == 2
    assert audit.check_all(state.chains.entries.values()) == 10
    assert state.fingerprint() == bob.state.fingerprint()


@pytest.mark.parametrize("victim", range(10))
def test_a_changed_row_is_noticed_or_takes_no_part(pair, rows, victim):
    raw, signature = rows[victim]
    noticed = 0
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        try:
            state = reopened(pair, [*rows[:victim], (changed, signature), *rows[victim + 1 :]])
            audit.check_heads(state)
        except ProtocolError:
            noticed += 1
        else:
            assert entry_id(changed) not in state.chains.entries
    assert noticed > len(raw) - 3  # all but a number that makes it fit nowhere: as if it were removed


def test_behind_a_removed_row_the_chain_waits(pair, rows):
    whole = reopened(pair, rows)
    heads = {head.id for head in whole.heads()}
    for victim, (raw, _signature) in enumerate(rows):
        state = reopened(pair, rows[:victim] + rows[victim + 1 :])
        assert (entry_id(raw) in state.chains.missing()) is (entry_id(raw) not in heads)
        assert audit.check_heads(state) >= 1


def test_a_changed_head_is_noticed(pair, rows):
    raw, signature = rows[-1]
    changed = raw[:-1] + bytes([raw[-1] ^ 1])
    with pytest.raises(ProtocolError, match="bad signature"):
        audit.check_heads(reopened(pair, [*rows[:-1], (changed, signature)]))


def test_a_full_audit_checks_every_signature(rows):
    signed = [trust(*row) for row in rows]
    swapped = SignedEntry(signed[3].id, signed[3].raw, signed[4].signature, signed[3].entry)
    with pytest.raises(ProtocolError, match="bad signature"):
        audit.check_all([*signed[:3], swapped])


@pytest.mark.parametrize("raw", [b"", b"\xff", b"\x80", b"\x01", b"\x90" + b"\xf6" * 16])
def test_a_row_that_never_was_an_entry_is_refused(raw):
    with pytest.raises(DecodeError):
        trust(raw, bytes(64))
