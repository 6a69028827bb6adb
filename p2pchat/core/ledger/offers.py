"""What people tell each other around a circulation, beside orders and probes: invoices and swaps.

invoice   [1, payee, order]                           how to pay somebody who is no contact; as text
ask       [1, id, unit, amount]                       please make me an invoice
answer    [1, id, order]                              here it is
swap      [1, lock, gives, amount, takes, amount, deadline_ms]
cancel    [1, lock]                                   please end it
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from p2pchat.core import codec, fields
from p2pchat.core.codec import Value
from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import order
from p2pchat.core.ledger.details import HASH_SIZE
from p2pchat.core.ledger.entry import MAX_TIME_MS
from p2pchat.core.ledger.money import MAX_MINOR, Amount
from p2pchat.core.ledger.order import Order
from p2pchat.core.ledger.units import read_unit, unit_value
from p2pchat.errors import DecodeError, UsageError

ASK_SIZE: Final = 16
_VERSION: Final = 1
_LIMIT: Final = 1024
_PREFIX: Final = "p2pchat-invoice:"


class Ask(msgspec.Struct, frozen=True):
    """A wish for an invoice over `amount`; the answer names `id` (16 random bytes)."""

    id: bytes
    amount: Amount


class Swap(msgspec.Struct, frozen=True):
    """I concede `gives` to you, and you concede `takes` to me, both under `lock`, or neither."""

    lock: bytes
    gives: Amount
    takes: Amount
    deadline_ms: int


def invoice_text(payee: PersonId, wanted: Order) -> str:
    """`wanted` as text that can be sent to anybody."""
    raw = codec.encode([_VERSION, bytes(payee), order.encode(wanted)])
    return _PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_invoice(text: str) -> tuple[PersonId, Order]:
    """The payee and the order in `text`.

    Raises:
        UsageError: it is damaged.
    """
    body = text.strip().removeprefix(_PREFIX)
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        version, payee, wanted = fields.array(codec.decode(raw, limit=_LIMIT), 3)
        fields.integer(version, low=_VERSION, high=_VERSION + 1)
        return fields.identifier(payee, PersonId), order.decode(fields.blob(wanted, most=_LIMIT))
    except (binascii.Error, ValueError, DecodeError) as error:
        raise UsageError("this is no invoice, or a part of it is missing: copy it as a whole") from error


def encode_ask(ask: Ask) -> bytes:
    """The bytes of `ask`."""
    return codec.encode([_VERSION, ask.id, *_amount_values(ask.amount)])


def decode_ask(raw: bytes) -> Ask:
    """The wish in `raw`. Raises DecodeError."""
    id, *amount = _versioned(raw, 3)
    return Ask(fields.blob(id, least=ASK_SIZE, most=ASK_SIZE), _amount(amount))


def encode_answer(ask: bytes, invoice: Order) -> bytes:
    """The bytes of the answer to `ask`."""
    return codec.encode([_VERSION, ask, order.encode(invoice)])


def decode_answer(raw: bytes) -> tuple[bytes, Order]:
    """The id of the wish, and the invoice. Raises DecodeError."""
    id, invoice = _versioned(raw, 2)
    return fields.blob(id, least=ASK_SIZE, most=ASK_SIZE), order.decode(fields.blob(invoice, most=_LIMIT))


def encode_swap(swap: Swap) -> bytes:
    """The bytes of `swap`."""
    amounts = [*_amount_values(swap.gives), *_amount_values(swap.takes)]
    return codec.encode([_VERSION, swap.lock, *amounts, swap.deadline_ms])


def decode_swap(raw: bytes) -> Swap:
    """The proposal in `raw`. Raises DecodeError if it is malformed, or both units are the same."""
    lock, *amounts, deadline_ms = _versioned(raw, 6)
    gives, takes = _amount(amounts[:2]), _amount(amounts[2:])
    if gives.unit == takes.unit:
        raise DecodeError("a swap is between two units")
    return Swap(_lock(lock), gives, takes, fields.integer(deadline_ms, high=MAX_TIME_MS))


def encode_cancel(lock: bytes) -> bytes:
    """The bytes of the wish to end the circulation under `lock`."""
    return codec.encode([_VERSION, lock])


def decode_cancel(raw: bytes) -> bytes:
    """The lock in `raw`. Raises DecodeError."""
    (lock,) = _versioned(raw, 1)
    return _lock(lock)


def _versioned(raw: bytes, length: int) -> list[Value]:
    version, *rest = fields.array(codec.decode(raw, limit=_LIMIT), length + 1)
    fields.integer(version, low=_VERSION, high=_VERSION + 1)
    return rest


def _lock(value: Value) -> bytes:
    return fields.blob(value, least=HASH_SIZE, most=HASH_SIZE)


def _amount_values(amount: Amount) -> list[Value]:
    return [unit_value(amount.unit), amount.minor]


def _amount(values: list[Value]) -> Amount:
    unit, minor = values
    return Amount(fields.integer(minor, low=1, high=MAX_MINOR), read_unit(unit))
