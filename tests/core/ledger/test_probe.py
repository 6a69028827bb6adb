import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import codec
from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import probe
from p2pchat.core.ledger.probe import Memory, Probe
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import DecodeError

EUR = iso_unit("EUR")
TOKEN = b"t" * 16
PEOPLE = [PersonId(bytes([n + 1]) * 32) for n in range(8)]


def walk(debts, start):
    """Let a probe of `start` run through `debts` ({debtor: {creditor: minor}}); gives what was found."""
    memories = {person: Memory() for person in PEOPLE}
    memories[start], sent = probe.start(memories[start], TOKEN, EUR, debts.get(start, {}))
    queue = [(start, to, message) for to, message in sent]
    found = []
    for sender, to, message in queue:
        message = probe.decode(probe.encode(message))
        owed = debts.get(sender, {}).get(to, 0)
        memories[to], onwards, hit = probe.receive(memories[to], message, sender, owed, debts.get(to, {}))
        queue += [(to, further, new) for further, new in onwards]
        if hit is not None:
            found.append(hit)
    return memories, found, len(queue)


def ring(*minors):
    size = len(minors)
    return {PEOPLE[n]: {PEOPLE[(n + 1) % size]: minor} for n, minor in enumerate(minors)}


def test_a_circle_is_found_with_the_smallest_debt_on_it():
    memories, (found,), _sent = walk(ring(30, 20, 25), PEOPLE[0])
    assert (found.debtor, found.minor) == (PEOPLE[2], 20)
    # The clearing goes the other way: each passes the hold to the one who sent him the token.
    assert memories[PEOPLE[2]].sender(TOKEN) == PEOPLE[1]
    assert memories[PEOPLE[1]].sender(TOKEN) == PEOPLE[0]


def test_a_circle_of_five_is_found_and_one_of_six_is_not():
    assert len(walk(ring(*[10] * 5), PEOPLE[0])[1]) == 1
    assert walk(ring(*[10] * 6), PEOPLE[0])[1] == []


def test_without_a_circle_nothing_is_found():
    assert walk({PEOPLE[0]: {PEOPLE[1]: 5}, PEOPLE[1]: {PEOPLE[2]: 5}}, PEOPLE[0])[1] == []


def test_a_sender_who_owes_nothing_is_not_believed():
    memory = Memory()
    message = Probe(TOKEN, EUR, 4, 10**6)
    assert probe.receive(memory, message, PEOPLE[1], 0, {PEOPLE[2]: 5}) == (memory, [], None)


def test_the_same_token_is_passed_on_once():
    message = Probe(TOKEN, EUR, 4, 10)
    memory, onwards, _ = probe.receive(Memory(), message, PEOPLE[1], 10, {PEOPLE[2]: 5})
    assert len(onwards) == 1
    assert probe.receive(memory, message, PEOPLE[3], 10, {PEOPLE[2]: 5}) == (memory, [], None)


def test_memory_and_fan_out_are_bounded():
    memory = Memory()
    for number in range(probe.MAX_REMEMBERED + 5):
        memory = memory.remember(number.to_bytes(16, "big"), PEOPLE[0])
    assert len(memory.senders) == probe.MAX_REMEMBERED
    many = {PersonId(bytes([n]) * 32): n + 1 for n in range(100)}
    _memory, sent = probe.start(Memory(), TOKEN, EUR, many)
    assert [message.minor for _to, message in sent] == list(range(100, 84, -1))


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(PEOPLE), st.dictionaries(st.sampled_from(PEOPLE), st.integers(1, 9)), max_size=8
    )
)
def test_a_probe_always_dies_out(debts):
    debts = {debtor: {c: m for c, m in owed.items() if c != debtor} for debtor, owed in debts.items()}
    _memories, found, sent = walk(debts, PEOPLE[0])
    assert sent <= sum(len(owed) for owed in debts.values())
    assert all(debts[hit.debtor][PEOPLE[0]] >= hit.minor for hit in found)


@pytest.mark.parametrize(
    "value",
    [
        [2, TOKEN, ["iso", "EUR", 2, None], 4, 5],
        [1, b"t", ["iso", "EUR", 2, None], 4, 5],
        [1, TOKEN, ["iso", "EUR", 2, None], 6, 5],
        [1, TOKEN, ["iso", "EUR", 2, None], 4, 0],
        [1, TOKEN, ["iso", "EUR", 2, None], True, 5],
        [1, TOKEN, "EUR", 4, 5],
    ],
)
def test_what_is_no_probe_is_refused(value):
    with pytest.raises(DecodeError):
        probe.decode(codec.encode(value))
