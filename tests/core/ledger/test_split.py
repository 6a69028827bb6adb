from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import split
from p2pchat.errors import UsageError

PEOPLE = [PersonId(bytes([n]) * 32) for n in range(1, 13)]
SALTS = st.binary(min_size=32, max_size=32)
SALT = bytes(32)
TOTALS = st.integers(1, 2**53 - 1)


def groups(**kw):
    return st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True, **kw)


def test_a_hundred_for_three_adds_up():
    parts = split.equal(10000, PEOPLE[:3], SALT)
    assert sorted(parts.values()) == [3333, 3333, 3334]


def test_thirty_for_seven_adds_up():
    assert sum(split.equal(3000, PEOPLE[:7], SALT).values()) == 3000


def test_the_odd_cent_does_not_always_hit_the_same_person():
    unlucky = {
        max(parts, key=parts.get)
        for n in range(100)
        if (parts := split.equal(100, PEOPLE[:3], bytes([n]) * 32))
    }
    assert unlucky == set(PEOPLE[:3])


@settings(deadline=None)
@given(TOTALS, groups(), SALTS)
def test_law_12_equal(total, people, salt):
    check(total, split.equal(total, people, salt), dict.fromkeys(people, Fraction(total, len(people))))


@settings(deadline=None)
@given(TOTALS, st.dictionaries(st.sampled_from(PEOPLE), st.integers(0, 1000), min_size=1), SALTS)
def test_law_12_shares(total, shares, salt):
    whole = sum(shares.values())
    if not whole:
        with pytest.raises(UsageError):
            split.by_shares(total, shares, salt)
        return
    parts = split.by_shares(total, shares, salt)
    check(total, parts, {person: Fraction(total * n, whole) for person, n in shares.items()})
    assert all(parts[person] == 0 for person, n in shares.items() if n == 0)


@settings(deadline=None)
@given(TOTALS, st.integers(0, 10_000), SALTS)
def test_law_12_percent(total, points, salt):
    shares = {PEOPLE[0]: points, PEOPLE[1]: 10_000 - points}
    check(
        total,
        split.by_percent(total, shares, salt),
        {person: Fraction(total * n, 10_000) for person, n in shares.items()},
    )


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 100_000), groups(max_size=5)), min_size=1, max_size=10),
    st.integers(0, 50_000),
    SALTS,
)
def test_law_12_itemised(lines, extra, salt):
    items = [split.Item(minor, tuple(people)) for minor, people in lines]
    subtotal = sum(item.minor for item in items)
    if not subtotal:
        return
    ideals = {}
    for item in items:
        for person in item.people:
            part = Fraction(item.minor, len(item.people))
            ideals[person] = ideals.get(person, 0) + part * Fraction(subtotal + extra, subtotal)
    check(subtotal + extra, split.itemised(items, extra, salt), ideals)


def check(total, parts, ideals):
    assert sum(parts.values()) == total
    assert parts.keys() == ideals.keys()
    for person, minor in parts.items():
        assert minor >= 0
        assert abs(minor - ideals[person]) < 1


@settings(deadline=None)
@given(TOTALS, groups(), SALTS)
def test_everybody_computes_the_same_whoever_is_named_first(total, people, salt):
    assert split.equal(total, people, salt) == split.equal(total, people[::-1], salt)


def test_exact_parts_are_kept_and_a_difference_is_named_with_its_sign():
    parts = {PEOPLE[0]: 700, PEOPLE[1]: 300}
    assert split.exact(1000, parts) == parts
    with pytest.raises(UsageError, match="5 smallest parts are missing"):
        split.exact(1005, parts)
    with pytest.raises(UsageError, match="5 smallest parts are too much"):
        split.exact(995, parts)


def test_percentages_that_are_not_a_hundred_are_refused_with_the_difference():
    with pytest.raises(UsageError, match=r"0\.50 % missing"):
        split.by_percent(1000, {PEOPLE[0]: 9950}, SALT)
    with pytest.raises(UsageError, match=r"1\.00 % too much"):
        split.by_percent(1000, {PEOPLE[0]: 10_100}, SALT)


@pytest.mark.parametrize(
    "divide",
    [
        lambda: split.equal(10, [], SALT),
        lambda: split.by_shares(10, {PEOPLE[0]: -1, PEOPLE[1]: 2}, SALT),
        lambda: split.by_percent(10, {PEOPLE[0]: -1, PEOPLE[1]: 10_001}, SALT),
        lambda: split.exact(10, {PEOPLE[0]: -1, PEOPLE[1]: 11}),
        lambda: split.exact(0, {}),
        lambda: split.itemised([], 0, SALT),
        lambda: split.itemised([split.Item(0, (PEOPLE[0],))], 5, SALT),
        lambda: split.itemised([split.Item(5, ())], 0, SALT),
        lambda: split.itemised([split.Item(5, (PEOPLE[0], PEOPLE[0]))], 0, SALT),
        lambda: split.itemised([split.Item(5, (PEOPLE[0],)), split.Item(-1, (PEOPLE[0],))], 0, SALT),
        lambda: split.itemised([split.Item(5, (PEOPLE[0],))], -1, SALT),
    ],
)
def test_what_is_no_division_is_refused(divide):
    with pytest.raises(UsageError):
        divide()
