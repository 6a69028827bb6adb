import hashlib

import pytest

from p2pchat.core import codec
from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import order
from p2pchat.core.ledger.circulation import Role
from p2pchat.core.ledger.order import Order
from p2pchat.core.ledger.probe import Memory
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import DecodeError, UsageError

EUR = iso_unit("EUR")
PEOPLE = tuple(PersonId(bytes([n]) * 32) for n in range(1, 8))
LOCK = hashlib.sha256(bytes(32)).digest()
INVOICE = Order(LOCK, EUR, 500, 1_800_000_000_000)
TOKEN = b"t" * 16


def test_an_invoice_is_sent_along_a_route_and_shrinks_at_each_hop():
    first = order.send_along(INVOICE, PEOPLE[:2])
    assert order.next_hop(first, Memory()) == PEOPLE[0]
    second = order.onwards(first)
    assert order.next_hop(second, Memory()) == PEOPLE[1]
    assert order.onwards(second) == INVOICE
    assert order.next_hop(INVOICE, Memory()) is None


def test_a_clearing_goes_to_whoever_sent_the_token():
    clearing = Order(LOCK, EUR, 500, 1_800_000_000_000, token=TOKEN)
    assert order.next_hop(clearing, Memory().remember(TOKEN, PEOPLE[3])) == PEOPLE[3]
    assert order.next_hop(clearing, Memory()) is None
    assert order.intermediary(clearing).clearing
    assert not order.intermediary(INVOICE).clearing


def test_a_clearing_along_a_route_follows_it():
    clearing = Order(LOCK, EUR, 500, 1_800_000_000_000, route=PEOPLE[:2], token=TOKEN)
    assert order.next_hop(clearing, Memory().remember(TOKEN, PEOPLE[3])) == PEOPLE[0]
    assert order.intermediary(clearing).clearing
    assert order.onwards(clearing).token == TOKEN


def test_an_intermediary_passes_on_what_comes_in():
    passage = order.intermediary(INVOICE)
    assert (passage.role, passage.lock) == (Role.INTERMEDIARY, LOCK)
    assert passage.incoming == passage.outgoing == 500


@pytest.mark.parametrize(
    "changes", [{}, {"route": PEOPLE[:5]}, {"token": TOKEN}, {"route": PEOPLE[:2], "token": TOKEN}]
)
def test_an_order_survives_its_encoding(changes):
    wanted = Order(LOCK, EUR, 500, 1_800_000_000_000, **changes)
    assert order.decode(order.encode(wanted)) == wanted


@pytest.mark.parametrize("route", [PEOPLE[:6], (PEOPLE[0], PEOPLE[1], PEOPLE[0])])
def test_a_route_that_is_too_long_or_meets_somebody_twice_is_refused(route):
    with pytest.raises(UsageError):
        order.send_along(INVOICE, route)
    with pytest.raises(DecodeError):
        order.decode(order.encode(Order(LOCK, EUR, 500, 1, route=route)))


@pytest.mark.parametrize(
    ("index", "value"),
    [(0, 2), (1, bytes(31)), (2, "EUR"), (3, 0), (4, -1), (5, None), (6, b"t")],
)
def test_what_is_no_order_is_refused(index, value):
    parts = codec.decode(order.encode(Order(LOCK, EUR, 500, 1, route=PEOPLE[:1])))
    parts[index] = value
    with pytest.raises(DecodeError):
        order.decode(codec.encode(parts))
