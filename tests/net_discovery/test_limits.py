"""A relay's books, by numbers alone."""

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.ids import DeviceId
from p2pchat.net.relay.limits import Circuits, Meter, RelayLimits, Reservations

LIMITS = RelayLimits(reservations=2, reservation_s=60, circuits=3, circuits_per_device=2)
ALICE, BOB, CAROL, DAVE = (DeviceId(bytes([number]) * 32) for number in range(4))


def test_a_reservation_lasts_its_time_and_is_renewed() -> None:
    book = Reservations()
    assert book.reserve(ALICE, LIMITS, now=0) == 60
    assert book.holds(ALICE, now=59)
    assert not book.holds(ALICE, now=60)
    assert book.reserve(ALICE, LIMITS, now=30) == 90
    assert book.holds(ALICE, now=60)


def test_a_full_relay_refuses_newcomers_but_renews() -> None:
    book = Reservations()
    book.reserve(ALICE, LIMITS, now=0)
    book.reserve(BOB, LIMITS, now=30)
    assert book.reserve(CAROL, LIMITS, now=59) is None
    assert book.reserve(BOB, LIMITS, now=59) == 119
    assert book.reserve(CAROL, LIMITS, now=60) == 120
    assert not book.holds(ALICE, now=60)


def test_a_released_reservation_makes_room() -> None:
    book = Reservations()
    book.reserve(ALICE, LIMITS, now=0)
    book.reserve(BOB, LIMITS, now=0)
    book.release(ALICE)
    assert book.reserve(CAROL, LIMITS, now=1) == 61


def test_circuits_are_bounded_by_device_and_in_all() -> None:
    book = Circuits()
    assert book.open(ALICE, BOB, LIMITS)
    assert book.open(CAROL, BOB, LIMITS)
    assert not book.open(DAVE, BOB, LIMITS)
    assert book.open(ALICE, CAROL, LIMITS)
    assert not book.open(DAVE, DeviceId(b"x" * 32), LIMITS)
    book.close(ALICE, BOB)
    assert book.open(DAVE, BOB, LIMITS)


@given(
    st.lists(
        st.tuples(st.sampled_from([ALICE, BOB, CAROL]), st.sampled_from([BOB, CAROL, DAVE])), max_size=20
    )
)
def test_when_all_circuits_have_ended_everything_is_free(calls: list[tuple[DeviceId, DeviceId]]) -> None:
    book = Circuits()
    for caller, called in [call for call in calls if book.open(*call, LIMITS)]:
        book.close(caller, called)
    assert book.total == 0
    assert all(
        book.open(ALICE, DeviceId(bytes([9 + n]) * 32), LIMITS) for n in range(LIMITS.circuits_per_device)
    )


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=50))
def test_a_meter_never_lets_more_pass_than_the_circuit_may_carry(sizes: list[int]) -> None:
    meter = Meter(RelayLimits(circuit_bytes=5000, bytes_per_second=10**9), now=0)
    passed = 0
    for size in sizes:
        if meter.take(size, now=0) is None:
            break
        passed += size
    assert passed <= 5000
    assert passed == sum(sizes) or passed + size > 5000


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=50))
def test_who_waits_as_told_is_never_faster_than_the_rate(sizes: list[int]) -> None:
    meter = Meter(RelayLimits(bytes_per_second=1000), now=0)
    now = 0.0
    for size in sizes:
        pause = meter.take(size, now)
        assert pause is not None
        now += pause
    assert sum(sizes) <= 1000 * (now + 1) + 1e-6  # a second's worth may come at once


def test_a_short_exchange_is_not_slowed_down() -> None:
    meter = Meter(RelayLimits(bytes_per_second=1000), now=0)
    assert meter.take(500, now=0) == 0
    assert meter.take(500, now=0) == 0
    assert meter.take(500, now=0) == 0.5
    assert meter.take(500, now=10) == 0
