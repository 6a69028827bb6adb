import pytest

from p2pchat.core.ledger import actions, audit
from p2pchat.core.ledger.entry import SignedEntry, trust, verify
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.state import fold
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
    return fold(pair.account, pair.owners, (trust(raw, signature) for raw, signature in rows))


def test_trusting_a_stored_entry_gives_what_verifying_gave(rows):
    assert [trust(*row) for row in rows] == [verify(*row) for row in rows]


def test_a_ledger_opens_by_its_heads(pair, bob, rows):
    state = reopened(pair, rows)
    assert audit.check_heads(state) == 2
    assert audit.check_all(state.chains.entries.values()) == 10
    assert state.fingerprint() == bob.state.fingerprint()


@pytest.mark.parametrize("victim", range(8))
def test_a_changed_or_removed_row_is_noticed(pair, rows, victim):
    raw, signature = rows[victim]
    changed = raw[:-1] + bytes([raw[-1] ^ 1])  # another nonce: still an entry, with another id
    for damaged in ([(changed, signature)], []):
        with pytest.raises(ProtocolError, match="changed or removed"):
            audit.check_heads(reopened(pair, rows[:victim] + damaged + rows[victim + 1 :]))


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
