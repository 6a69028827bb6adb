"""What one person on a circulation tells the next beside the hold: how it goes on.

The payee makes an order with an empty route and gives it to the payer (an invoice: lock, amount,
deadline). The payer sets the route, and each hop passes it on without itself. In a clearing nobody
names a route: the token of the probe tells each one who is next. Each hop of a route sees the people
after it; a clearing shows nobody but neighbours.
"""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.core import codec, fields
from p2pchat.core.codec import Value
from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import probe
from p2pchat.core.ledger.circulation import Passage, Role
from p2pchat.core.ledger.details import HASH_SIZE
from p2pchat.core.ledger.entry import MAX_TIME_MS
from p2pchat.core.ledger.money import MAX_MINOR
from p2pchat.core.ledger.units import Unit, read_unit, unit_value
from p2pchat.errors import DecodeError, UsageError

MAX_ROUTE: Final = 5
_VERSION: Final = 1


class Order(msgspec.Struct, frozen=True):
    """A circulation of `minor` smallest parts of `unit` under `lock`.

    `route` are the people after the receiver, the payee last; empty if the receiver is the payee.
    `token` is that of the probe which found the circle, if it is a clearing; with a route it only says
    that it is one.
    """

    lock: bytes
    unit: Unit
    minor: int
    deadline_ms: int
    route: tuple[PersonId, ...] = ()
    token: bytes | None = None


def send_along(invoice: Order, route: tuple[PersonId, ...]) -> Order:
    """The order that a payer gives to the first hop, for the payee's `invoice`.

    `route` begins after that hop and ends with the payee.

    Raises:
        UsageError: it is longer than five people, or names somebody twice.
    """
    if len(route) > MAX_ROUTE or len(set(route)) != len(route):
        raise UsageError(f"A payment goes through at most {MAX_ROUTE} people, each of them once")
    return msgspec.structs.replace(invoice, route=route)


def next_hop(order: Order, memory: probe.Memory) -> PersonId | None:
    """To whom I pass it on; None if it ends with me, or if I never saw its token."""
    if order.route:
        return order.route[0]
    return None if order.token is None else memory.sender(order.token)


def onwards(order: Order) -> Order:
    """The order for the next hop."""
    return msgspec.structs.replace(order, route=order.route[1:])


def intermediary(order: Order) -> Passage:
    """My part in `order` when I pass it on."""
    clearing = order.token is not None
    return Passage(
        Role.INTERMEDIARY, order.lock, order.minor, order.minor, order.deadline_ms, clearing=clearing
    )


def encode(order: Order) -> bytes:
    """The bytes of `order`."""
    route: list[Value] = [bytes(person) for person in order.route]
    return codec.encode(
        [
            _VERSION,
            order.lock,
            unit_value(order.unit),
            order.minor,
            order.deadline_ms,
            route,
            order.token,
        ]
    )


def decode(raw: bytes) -> Order:
    """The order whose one encoding is `raw`.

    Raises:
        DecodeError: malformed, or a route that is too long or meets somebody twice.
    """
    version, lock, unit, minor, deadline_ms, route, token = fields.array(codec.decode(raw, limit=512), 7)
    people = tuple(fields.identifier(person, PersonId) for person in fields.items(route, most=MAX_ROUTE))
    if fields.integer(version) != _VERSION or len(set(people)) != len(people):
        raise DecodeError("not an order of a circulation")
    return Order(
        lock=fields.blob(lock, least=HASH_SIZE, most=HASH_SIZE),
        unit=read_unit(unit),
        minor=fields.integer(minor, low=1, high=MAX_MINOR),
        deadline_ms=fields.integer(deadline_ms, high=MAX_TIME_MS),
        route=people,
        token=None if token is None else fields.blob(token, least=probe.TOKEN_SIZE, most=probe.TOKEN_SIZE),
    )
