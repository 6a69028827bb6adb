"""A balance drawn in plain text."""

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.ledger.books.plot import plot

points = st.lists(st.tuples(st.integers(0, 10**15), st.integers(-(10**15), 10**15)), min_size=1).map(sorted)


def test_above_the_line_is_owed_to_me_and_below_it_by_me():
    assert plot([(0, 4), (1, 4), (2, -4), (3, 0)], width=6, height=4) == [
        "███   ",
        "███───",
        "   ██ ",
        "   ██ ",
    ]


def test_nothing_is_a_line():
    assert plot([(0, 0)], width=5, height=3) == ["     ", "     ", "─────"]


@given(points, st.integers(1, 100), st.integers(2, 30))
def test_the_last_column_is_the_balance_and_nothing_owed_vanishes(points, width, height):
    lines = plot(points, width=width, height=height)
    assert [len(line) for line in lines] == [width] * height
    last = {line[-1] for line in lines}
    assert bool(last & set("█▀▄")) is bool(points[-1][1])
