from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.net.dht.record import LIFETIME_MS, AddressRecord, Role, distance, position
from p2pchat.net.dht.shelf import PER_SENDER, Shelf

NOW = 1_700_000_000_000
ME = DeviceId(SigningKey(b"m" * 32).public)


def record(number: int, issued: int = NOW) -> AddressRecord:
    key = SigningKey(number.to_bytes(32, "big"))
    return AddressRecord.sign(key, [f"/ip4/10.0.0.1/tcp/{issued % 1000}"], issued_ms=issued, roles=Role.NONE)


def sender(number: int) -> DeviceId:
    return DeviceId(number.to_bytes(32, "big"))


def test_of_two_records_the_later_one_is_kept_whatever_comes_first() -> None:
    for order in ([NOW, NOW + 1], [NOW + 1, NOW]):
        shelf = Shelf(ME)
        kept = [shelf.put(record(1, issued), sender(1), NOW) for issued in order]
        assert kept == [True, order[1] == NOW + 1]
        assert shelf.get(position(record(1).device), NOW) == record(1, NOW + 1)


def test_the_same_record_again_counts_as_kept() -> None:
    shelf = Shelf(ME)
    assert shelf.put(record(1), sender(1), NOW)
    assert shelf.put(record(1), sender(2), NOW)
    assert len(shelf) == 1


def test_a_record_that_is_out_of_date_is_neither_taken_nor_given() -> None:
    shelf = Shelf(ME)
    assert not shelf.put(record(1, NOW - LIFETIME_MS), sender(1), NOW)
    assert shelf.put(record(2), sender(1), NOW)
    assert shelf.get(position(record(2).device), NOW + LIFETIME_MS) is None
    shelf.expire(NOW + LIFETIME_MS)
    assert len(shelf) == 0


def test_one_sender_cannot_fill_the_shelf() -> None:
    shelf = Shelf(ME)
    kept = [shelf.put(record(number), sender(1), NOW) for number in range(1, PER_SENDER + 10)]
    assert sum(kept) == len(shelf) == PER_SENDER
    assert shelf.put(record(1000), sender(2), NOW)


def test_a_sender_gets_its_share_back_when_its_records_expire() -> None:
    shelf = Shelf(ME)
    for number in range(1, PER_SENDER + 1):
        shelf.put(record(number), sender(1), NOW)
    later = NOW + LIFETIME_MS
    shelf.expire(later)
    assert shelf.put(record(1, later), sender(1), later)


def test_a_full_shelf_keeps_what_is_nearest_to_its_node() -> None:
    shelf = Shelf(ME, limit=10)
    records = [record(number) for number in range(1, 101)]
    for number, each in enumerate(records):
        shelf.put(each, sender(number), NOW)
    nearest = sorted(records, key=lambda each: distance(position(each.device), position(ME)))
    assert len(shelf) == 10
    assert [shelf.get(position(each.device), NOW) is not None for each in nearest] == [True] * 10 + [
        False
    ] * 90
