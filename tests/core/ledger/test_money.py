import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core import codec
from p2pchat.core.ledger.money import MAX_MINOR, Amount, format_minor, parse_amount, plain_number
from p2pchat.core.ledger.units import iso_unit, own_unit, read_unit, unit_value
from p2pchat.errors import DecodeError, UsageError

EUR, JPY, KWD, BEER = iso_unit("EUR"), iso_unit("JPY"), iso_unit("KWD"), own_unit("beer")


@pytest.mark.parametrize(
    ("text", "minor", "unit"),
    [
        ("12.50 EUR", 1250, EUR),
        ("12.5 EUR", 1250, EUR),
        ("12,50 EUR", 1250, EUR),
        ("EUR 12.50", 1250, EUR),
        ("  12   EUR ", 1200, EUR),
        ("007 EUR", 700, EUR),
        ("0.01 EUR", 1, EUR),
        ("100 JPY", 100, JPY),
        ("1.234 KWD", 1234, KWD),
        ("3 beer", 3, BEER),
        ("beer 3", 3, BEER),
        ("90071992547409.91 EUR", MAX_MINOR - 1, EUR),
    ],
)
def test_what_people_type_is_read_exactly(text, minor, unit):
    assert parse_amount(text) == Amount(minor, unit)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1.005 EUR", "at most 2 decimals"),
        ("1.5 JPY", "no decimals"),
        ("1.5 beer", "no decimals"),
        ("-3 EUR", "above zero"),
        ("0 EUR", "above zero"),
        ("0.00 EUR", "above zero"),
        ("1e9 EUR", "plain number"),
        ("+3 EUR", "plain number"),
        ("1,000.50 EUR", "plain number"),
        ("1. EUR", "plain number"),
        (".5 EUR", "plain number"),
        ("NaN EUR", "lower case"),
        ("3 XQQ", "no currency in use"),
        ("3 DEM", "no currency in use"),
        ("3 eur", "write EUR"),
        ("3 Euro", "lower case"),
        ("3 €", "write EUR"),
        ("3€", "write EUR"),
        ("$ 3", "a currency such as EUR"),
        ("1 000 EUR", "space inside the number"),
        ("1 000", "space inside the number"),
        ("3 b_er", "lower case"),
        ("3", "an amount and a unit"),
        ("", "an amount and a unit"),
        ("3 big beer", "an amount and a unit"),
        ("١٢ EUR", "digits 0 to 9"),
        ("１２.50 EUR", "digits 0 to 9"),
        ("¹ EUR", "digits 0 to 9"),
        ("90071992547409.92 EUR", "largest amount"),
        ("99999999999999999 beer", "largest amount"),
        ("000000000000000000000.00 EUR", "above zero"),
    ],
)
def test_anything_else_is_refused_with_one_clear_sentence(text, says):
    with pytest.raises(UsageError, match=says) as caught:
        parse_amount(text)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 160


def test_a_known_unit_of_ones_own_has_its_decimals():
    hour = own_unit("hour", scale=2)
    assert parse_amount("1,25 hour", {"hour": hour}) == Amount(125, hour)


@pytest.mark.parametrize("minor", [0, -1, MAX_MINOR, True, 1.0])
def test_an_amount_is_a_bounded_positive_integer(minor):
    with pytest.raises(UsageError):
        Amount(minor, EUR)


@settings(deadline=None)
@given(st.integers(1, MAX_MINOR - 1), st.sampled_from([EUR, JPY, KWD, BEER, own_unit("hour", 9)]))
def test_the_plain_form_reads_back_as_the_same_amount(minor, unit):
    amount = Amount(minor, unit)
    assert parse_amount(str(amount), {unit.code: unit}) == amount


def test_people_see_their_own_grouping_and_decimal_sign():
    assert format_minor(123456789, EUR, "en") == "1,234,567.89 EUR"
    assert format_minor(-123456789, EUR, "de") == "-1.234.567,89 EUR"
    assert format_minor(1250, iso_unit("RSD"), "en") == "12.50 RSD"  # CLDR would show no decimals
    assert format_minor(3, BEER) == "3 beer"
    assert format_minor(-(2**62), EUR, "en") == "-46,116,860,184,273,879.04 EUR"
    assert plain_number(-5, EUR) == "-0.05"


@pytest.mark.parametrize("unit", [EUR, JPY, BEER, own_unit("hour", 2, issuer=bytes(32))])
def test_a_unit_survives_its_encoding(unit):
    assert read_unit(codec.decode(codec.encode(unit_value(unit)))) == unit


@pytest.mark.parametrize(
    "value",
    [
        ["iso", "EUR", 3, None],
        ["iso", "eur", 2, None],
        ["iso", "EUR", 2, bytes(32)],
        ["own", "Beer", 0, None],
        ["own", "beer\n", 0, None],
        ["own", "beer", 10, None],
        ["own", "beer", True, None],
        ["own", "beer", 0, b"short"],
        ["xyz", "beer", 0, None],
        ["own", "beer", 0],
        "beer",
    ],
)
def test_no_other_value_is_a_unit(value):
    with pytest.raises(DecodeError):
        read_unit(value)


@pytest.mark.parametrize("code", ["Beer", "", "3beer", "a" * 25, "bière"])
def test_a_unit_of_ones_own_is_one_lower_case_word(code):
    with pytest.raises(UsageError):
        own_unit(code)
