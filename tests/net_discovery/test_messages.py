import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import codec
from p2pchat.core.keys import SigningKey
from p2pchat.errors import ProtocolError
from p2pchat.net.dht import messages
from p2pchat.net.dht.messages import Find, Found, Store
from p2pchat.net.dht.record import AddressRecord, Role

RECORDS = [
    AddressRecord.sign(SigningKey(bytes([n]) * 32), ["x" * 200] * 8, issued_ms=2**52, roles=Role.TABLE)
    for n in range(messages.NEARER + 2)
]
records = st.sampled_from(RECORDS)
keys = st.binary(min_size=32, max_size=32)


@given(st.builds(Find, keys, st.none() | records) | st.builds(Store, records))
def test_a_request_survives_the_wire(request: Find | Store) -> None:
    assert messages.decode_request(messages.encode_request(request)) == request


@given(st.builds(Found, records, st.none() | records, st.lists(records, max_size=messages.NEARER).map(tuple)))
def test_an_answer_survives_the_wire(found: Found) -> None:
    assert messages.decode_found(messages.encode_found(found)) == found


def test_the_largest_answer_is_within_the_frame_limit() -> None:
    found = Found(RECORDS[0], RECORDS[1], tuple(RECORDS[2:]))
    assert len(messages.encode_found(found)) <= messages.FRAME_LIMIT


@given(st.binary(max_size=200))
def test_noise_is_refused_as_the_peers_fault(noise: bytes) -> None:
    with pytest.raises(ProtocolError):
        messages.decode_request(noise)
    with pytest.raises(ProtocolError):
        messages.decode_found(noise)


@pytest.mark.parametrize(
    "request_", [[], [0], [0, b"k" * 31, None], [0, b"k" * 32, b""], [1, None], [2, b""], [1, b"", b""], 7]
)
def test_a_malformed_request_is_refused(request_: object) -> None:
    with pytest.raises(ProtocolError):
        messages.decode_request(codec.encode(request_))


def test_an_answer_with_too_many_nodes_is_refused() -> None:
    nearer = [record.encoded for record in RECORDS[: messages.NEARER + 1]]
    with pytest.raises(ProtocolError):
        messages.decode_found(codec.encode([RECORDS[0].encoded, None, nearer]))


@given(st.booleans())
def test_whether_a_record_was_kept_survives_the_wire(kept: bool) -> None:
    assert messages.decode_kept(messages.encode_kept(kept)) is kept
