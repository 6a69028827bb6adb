import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from p2pchat.core.ledger import actions
from p2pchat.core.ledger.conversion import convert, is_consistent
from p2pchat.core.ledger.details import Purpose
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.units import iso_unit, own_unit
from p2pchat.errors import UsageError

EUR, USD, JPY, KWD = (iso_unit(code) for code in ("EUR", "USD", "JPY", "KWD"))


@pytest.mark.parametrize(
    ("foreign", "unit", "rate", "minor"),
    [
        (Amount(2000, USD), EUR, "0.92", 1840),
        (Amount(3000, JPY), EUR, "0.0061", 1830),
        (Amount(1000, KWD), EUR, "3,01", 301),
        (Amount(15, USD), EUR, "0.1", 2),  # half a cent goes to the even one
        (Amount(25, USD), EUR, "0.1", 2),
        (Amount(3, own_unit("beer")), EUR, "4", 1200),
    ],
)
def test_a_foreign_amount_is_rounded_once(foreign, unit, rate, minor):
    amount, conversion = convert(foreign, unit, rate)
    assert amount == Amount(minor, unit)
    assert is_consistent(conversion, minor, unit)
    assert not is_consistent(conversion, minor + 1, unit)


@settings(deadline=None)
@given(st.integers(100, 10**9), st.integers(1, 10**6))
def test_a_conversion_is_off_by_at_most_half_a_smallest_part(minor, micros):
    rate = f"{micros // 1000}.{micros % 1000:03d}"
    assume(minor * micros > 1000)
    amount, _conversion = convert(Amount(minor, USD), EUR, rate)
    assert abs(2000 * amount.minor - 2 * minor * micros) <= 1000


def test_the_rate_travels_inside_the_signed_entry(pair, alice, bob):
    amount, conversion = convert(Amount(2000, USD), EUR, "0.92")
    offer = alice.do(actions.pay, amount, purpose=Purpose(conversion=conversion))
    pair.sync()
    seen = bob.state.concessions[offer.id]
    assert seen.purpose.conversion == conversion
    assert is_consistent(seen.purpose.conversion, seen.amount, EUR)


@pytest.mark.parametrize("rate", ["", "0", "0.0", "-1", "1e3", "1.2345678", "٣", "1/3", "."])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(UsageError):
        convert(Amount(100, USD), EUR, rate)


def test_what_comes_to_less_than_a_smallest_part_is_refused():
    with pytest.raises(UsageError):
        convert(Amount(5, USD), EUR, "0.1")


def test_a_unit_is_not_converted_into_itself():
    with pytest.raises(UsageError):
        convert(Amount(100, EUR), EUR, "1")
