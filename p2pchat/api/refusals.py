"""Which errors of p2pchat.errors a method may answer with: for its description, by what it takes and does."""

from __future__ import annotations

from typing import Final

from p2pchat.api.schema.base import Method
from p2pchat.errors import (
    NetworkError,
    NotAllowedError,
    NotFoundError,
    P2PChatError,
    QuotaError,
    StoreError,
    UntrustedKeyError,
    UsageError,
)

_NAMES: Final = frozenset(
    {"who", "chat", "group", "id", "ids", "other", "to", "reply", "before", "after", "around", "upto"}
    | {"mention", "people", "through", "debtor", "creditor", "where", "address", "sums", "parts", "hook"}
)
"""Parameters that name something which may not be there, or be several things."""

_LOOKS: Final = frozenset(
    {"list", "show", "history", "search", "unread", "marked", "scheduled", "status", "balance", "due", "plan"}
    | {
        "log",
        "applicants",
        "verify",
        "links",
        "after",
        "register",
        "export",
        "receipt",
        "statement",
        "forks",
        "draw",
        "words",
    }
)
"""Last words of methods that change nothing."""

_SAYS: Final = frozenset(
    {"message", "chat", "poll", "iou", "bill", "recurring", "circle", "ledger", "contact"}
)
"""What begins with these may have to write to a contact."""


def refusals(name: str, method: Method) -> tuple[type[P2PChatError], ...]:
    """The classes of errors, in the order of their exit codes. Every method may also meet a broken disk."""
    takes = frozenset(method.params.__struct_fields__)
    subject, _, verb = name.rpartition(".")
    may: set[type[P2PChatError]] = {StoreError}
    may |= {UsageError} if takes else set()
    may |= {NotFoundError} if takes & _NAMES else set()
    may |= {NetworkError} if method.runs == "network" else set()
    if name in ("iou.receipt", "bundle.export") or verb not in _LOOKS:
        may |= {NotAllowedError, QuotaError, UsageError} if takes else {NotAllowedError}
        may |= {UntrustedKeyError} if subject in _SAYS and takes else set()
    return tuple(sorted(may, key=lambda one: (one.exit_code, one.__name__)))
