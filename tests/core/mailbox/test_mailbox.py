"""Parcels, tags, stamps and frames of mailboxes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.codec import encode
from p2pchat.core.direct.frames import MAX_SEALED
from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import tags, work
from p2pchat.core.mailbox.limits import Load, MailboxLimits
from p2pchat.core.mailbox.sealing import SIZES, MailboxSecret, Parcel, parcel_id
from p2pchat.errors import DecodeError, ProtocolError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "mailbox.json").read_text())
ANN, BEN, EVE = (MailboxSecret(bytes([n]) * 32) for n in (1, 2, 3))
DEVICE, MAILBOX = DeviceId(b"d" * 32), DeviceId(b"m" * 32)

parcels = st.builds(
    Parcel, st.binary(max_size=512), st.binary(min_size=1, max_size=2000), wants_receipt=st.booleans()
)


# --- parcels --------------------------------------------------------------------------------------


@given(parcels)
def test_a_parcel_opens_for_its_recipient_alone(parcel: Parcel) -> None:
    sealed = parcel.seal(BEN.public)
    assert Parcel.open(BEN, sealed) == parcel
    with pytest.raises(ProtocolError):
        Parcel.open(EVE, sealed)


def test_a_parcel_tells_no_more_of_its_size_than_a_class() -> None:
    lengths = [*range(1, 5000, 37), 15_000, 60_000, MAX_SEALED]
    assert {len(Parcel(b"c", b"x" * length, True).seal(BEN.public)) for length in lengths} == set(SIZES)


def test_the_same_envelope_is_another_parcel_each_time_and_names_nobody() -> None:
    parcel = Parcel(b"the certificate of ann" * 9, b"envelope" * 40, True)
    one, two = parcel.seal(BEN.public), parcel.seal(BEN.public)
    assert one != two
    assert b"certificate" not in one
    assert b"envelope" not in one


@given(st.integers(0, SIZES[0] - 1), st.integers(1, 255))
def test_a_parcel_with_one_changed_byte_is_refused(place: int, change: int) -> None:
    raw = bytearray(Parcel(b"certificate", b"envelope", True).seal(BEN.public))
    raw[place] ^= change
    with pytest.raises(ProtocolError):
        Parcel.open(BEN, bytes(raw))


@given(st.sampled_from([*SIZES, 0, 1, 1023, 1025]).flatmap(lambda size: st.just(bytes(size))))
def test_bytes_that_are_no_parcel_are_refused(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        Parcel.open(BEN, raw)


def test_a_parcel_of_the_vector_opens() -> None:
    vector = VECTORS["parcel"]
    secret = MailboxSecret(bytes.fromhex(vector["seed"]))
    assert secret.public.hex() == vector["key"]
    sealed = bytes.fromhex(vector["sealed"])
    assert Parcel.open(secret, sealed) == Parcel(
        bytes.fromhex(vector["certificate"]), bytes.fromhex(vector["envelope"]), vector["wants_receipt"]
    )
    assert parcel_id(sealed).hex() == vector["id"]


# --- tags -----------------------------------------------------------------------------------------


def test_two_devices_compute_the_same_pass_and_no_third_does() -> None:
    ours, theirs = tags.pair_secret(ANN, BEN.public), tags.pair_secret(BEN, ANN.public)
    assert ours == theirs
    assert ours not in (tags.pair_secret(EVE, BEN.public), tags.pair_secret(EVE, ANN.public))


def test_a_pass_is_of_one_day_one_recipient_and_one_mailbox() -> None:
    pair = tags.pair_secret(ANN, BEN.public)
    passes = {
        tags.deposit_pass(pair, recipient, mailbox, day)
        for recipient in (DEVICE, DeviceId(b"e" * 32))
        for mailbox in (MAILBOX, DeviceId(b"n" * 32))
        for day in (20_000, 20_001)
    }
    assert len(passes) == 8
    assert len({tags.tag_of(one) for one in passes}) == 8


def test_a_key_of_low_order_has_nothing_in_common_with_anybody() -> None:
    with pytest.raises(ProtocolError, match="low order"):
        tags.pair_secret(ANN, bytes(32))


def test_the_tags_of_the_vector() -> None:
    vector = VECTORS["tag"]
    mine, theirs = (MailboxSecret(bytes.fromhex(vector[name])) for name in ("seed", "other_seed"))
    pair = tags.pair_secret(mine, theirs.public)
    assert pair.hex() == vector["pair"]
    device, mailbox = (DeviceId(bytes.fromhex(vector[name])) for name in ("recipient", "mailbox"))
    shown = tags.deposit_pass(pair, device, mailbox, vector["day"])
    assert shown.hex() == vector["pass"]
    assert tags.tag_of(shown).hex() == vector["tag"]


@given(st.integers(0, 2**50), st.floats(0, 1, exclude_max=True))
def test_a_parcel_ends_after_four_weeks_at_a_time_that_does_not_tell_its_beginning(
    now_ms: int, chance: float
) -> None:
    lasts_ms = tags.expiry_hour(now_ms, chance) * tags.HOUR_MS - now_ms
    assert 28 * tags.DAY_MS - tags.HOUR_MS <= lasts_ms <= 30 * tags.DAY_MS


# --- work -----------------------------------------------------------------------------------------


def test_a_stamp_is_found_and_good_for_its_subject_alone() -> None:
    subject = work.subject("parcel", MAILBOX, b"b" * 32, 20_000, b"parcel")
    stamp = next(stamp for stamp in work.candidates(subject, 8) if stamp is not None)
    assert work.is_stamp(stamp, subject, 8)
    others = [work.subject("parcel", MAILBOX, b"b" * 32, day, b"parcel") for day in range(20_001, 20_040)]
    assert sum(work.is_stamp(stamp, other, 8) for other in others) < 5


def test_the_stamp_of_the_vector() -> None:
    vector = VECTORS["stamp"]
    subject = work.subject(
        "parcel",
        bytes.fromhex(vector["mailbox"]),
        bytes.fromhex(vector["box"]),
        vector["day"],
        bytes.fromhex(vector["parcel_id"]),
    )
    assert subject.hex() == vector["subject"]
    assert work.is_stamp(bytes.fromhex(vector["stamp"]), subject, vector["bits"])


# --- limits ---------------------------------------------------------------------------------------


def test_a_pool_that_is_full_leaves_the_other_open() -> None:
    limits = MailboxLimits(stranger_parcels=2, stranger_size=4096)
    two = Load(2, 2048)
    full = limits.refusal(stranger=True, pool=two, depositor=None, more=1024, used=0)
    assert full is not None
    assert full.reason is f.Reason.BOX_FULL
    assert limits.refusal(stranger=False, pool=two, depositor=None, more=1024, used=0) is None


def test_a_mailbox_that_is_full_is_full_for_all() -> None:
    limits, nothing = MailboxLimits(size=10_000), Load(0, 0)
    full = limits.refusal(stranger=False, pool=nothing, depositor=None, more=1024, used=9000)
    assert full is not None
    assert full.reason is f.Reason.FULL


def test_a_depositor_has_a_quota_in_number_and_in_size() -> None:
    limits, nothing = MailboxLimits(depositor_parcels=3, depositor_size=4096), Load(0, 0)
    for left, reason in (
        (Load(2, 3072), None),
        (Load(3, 3072), f.Reason.QUOTA),
        (Load(2, 3073), f.Reason.QUOTA),
        (None, None),
    ):
        refusal = limits.refusal(stranger=True, pool=nothing, depositor=left, more=1024, used=0)
        assert (refusal and refusal.reason) is reason


def test_a_mailbox_of_no_size_is_closed() -> None:
    closed = MailboxLimits(size=0).refusal(stranger=False, pool=Load(0, 0), depositor=None, more=1024, used=0)
    assert closed is not None
    assert closed.reason is f.Reason.CLOSED


# --- frames ---------------------------------------------------------------------------------------

keys = st.binary(min_size=32, max_size=32)
stamps = st.none() | st.binary(min_size=8, max_size=8)
sealed = st.sampled_from(SIZES[:2]).map(bytes)
counts = st.integers(0, 2**53 - 1)
questions = st.one_of(
    st.builds(f.Hello),
    st.builds(f.Deposit, keys, st.integers(0, 10**7), sealed, stamps),
    st.builds(f.Visit, keys, st.binary(min_size=64, max_size=64), stamps, st.text(max_size=20)),
    st.builds(f.Admit, st.integers(0, 10**5), st.lists(keys, max_size=5).map(tuple)),
    st.builds(f.Admitted, keys),
    st.builds(f.Fetch, st.integers(0, f.MAX_FETCH), st.booleans()),
    st.builds(f.Taken, st.lists(keys, max_size=5).map(tuple)),
    st.builds(f.Leave),
)
answers = st.one_of(
    st.builds(f.Terms, keys, st.integers(0, 40), st.integers(0, 40), st.integers(0, 99)),
    st.builds(f.Held, keys),
    st.builds(f.Refused, st.sampled_from(f.Reason), st.integers(0, 99_999)),
    st.builds(f.Box, st.none() | keys, *(8 * [counts])),
    st.builds(f.Kept, sealed),
    st.builds(f.End, st.booleans()),
    st.builds(f.Done),
)


@given(questions)
def test_questions_come_back_as_they_were(question: f.Question) -> None:
    assert f.decode_question(f.encode_frame(question)) == question


@given(answers)
def test_answers_come_back_as_they_were(answer: f.Answer) -> None:
    assert f.decode_answer(f.encode_frame(answer)) == answer


@given(questions | answers, st.data())
def test_a_damaged_frame_raises_only_decode_errors(frame: f.Question | f.Answer, data: st.DataObject) -> None:
    raw = bytearray(f.encode_frame(frame))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    for decode in (f.decode_question, f.decode_answer):
        try:
            decode(bytes(raw))
        except DecodeError:
            continue


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=12,
)
names = st.sampled_from([*f._QUESTIONS, *f._ANSWERS, "x"])


@given(st.tuples(names, st.lists(values, max_size=9)).map(lambda one: [one[0], *one[1]]) | values)
def test_canonical_rubbish_raises_only_decode_errors(value: object) -> None:
    for decode in (f.decode_question, f.decode_answer):
        try:
            decode(encode(value))
        except DecodeError:
            continue


def test_a_visit_is_signed_for_one_challenge_at_one_mailbox() -> None:
    key = SigningKey(b"k" * 32)
    visit = f.Visit.sign(key, b"c" * 32, MAILBOX)
    visit.check(b"c" * 32, MAILBOX)
    for challenge, mailbox in ((b"d" * 32, MAILBOX), (b"c" * 32, DeviceId(b"n" * 32))):
        with pytest.raises(ProtocolError):
            visit.check(challenge, mailbox)
