"""Buckets answer like the list they stand for, and read little of it."""

from __future__ import annotations

from bisect import bisect_left

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pchat.core.ids import EntryId
from p2pchat.core.sync.buckets import EMPTY, FIRST_POSITION, MAX_BUCKET, Bucket, BucketStorage

positions = st.tuples(st.integers(0, 9), st.binary(min_size=32, max_size=32).map(EntryId))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(items=st.sets(positions, max_size=40), data=st.data())
def test_buckets_answer_like_a_list(storage, items, data):
    ordered = sorted(items)
    buckets = storage(items, data.draw(st.integers(1, 10)))
    begin = data.draw(st.integers(0, len(ordered)))
    end = data.draw(st.integers(begin, len(ordered)))
    bound = data.draw(st.tuples(st.integers(0, 9), st.binary(max_size=2)))
    assert buckets.size() == len(ordered)
    assert list(buckets.items(begin, end)) == ordered[begin:end]
    assert buckets.lower_bound(bound) == bisect_left(ordered, bound)
    total = sum(int.from_bytes(id, "little") for _, id in ordered[begin:end])
    assert buckets.total(begin, end) == total % 2**256


@given(items=st.lists(positions, min_size=2, max_size=30, unique=True))
def test_a_bucket_grows_and_halves(items):
    grown = EMPTY
    for _, id in items:
        grown = grown.with_entry(id)
    items.sort()
    assert grown == Bucket.of(FIRST_POSITION, items)
    lower, upper = grown.halves(items)
    assert (lower.first, upper.first) == (FIRST_POSITION, items[len(items) // 2])
    assert lower.count + upper.count == grown.count
    assert (lower.total + upper.total) % 2**256 == grown.total


def test_whole_buckets_are_not_read():
    items = [(i, EntryId(i.to_bytes(32, "big"))) for i in range(10 * MAX_BUCKET)]
    pieces = [items[i : i + MAX_BUCKET] for i in range(0, len(items), MAX_BUCKET)]
    read = []

    def load(first, end):
        read.append(first)
        return next(piece for piece in pieces if piece[0] == first)

    buckets = BucketStorage([Bucket.of(piece[0], piece) for piece in pieces], load)
    buckets.fingerprint()
    buckets.total(0, len(items))
    buckets.total(MAX_BUCKET, 3 * MAX_BUCKET)
    assert read == []
    buckets.total(MAX_BUCKET, 3 * MAX_BUCKET + 5)
    assert read == [pieces[3][0]]
