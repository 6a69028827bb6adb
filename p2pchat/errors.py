"""Every error p2pchat raises on purpose, sorted by whose fault it is.

    P2PChatError
    ├── ProtocolError            the peer's: bytes or claims that break the protocol
    │   └── DecodeError          bytes that are not the one canonical encoding of a value
    ├── UsageError               the caller's: a request that cannot be carried out as asked
    │   ├── NotFoundError        names nothing, or more than one thing
    │   ├── NotAllowedError      the group's rules or the contact's state forbid it
    │   ├── UntrustedKeyError    a key changed and the person has not decided
    │   └── QuotaError           too much, too fast
    ├── NetworkError             the world's: unreachable, reset, timed out
    └── StoreError               the disk's: corrupt, full, read-only, wrong passphrase
        └── InUseError           another process has it open: perhaps a node that is just starting

A bug is an `AssertionError` and is meant to be seen. `exit_code` is what a command ends with when
the error reaches the person; the table is in docs/guide/exit-codes.md.
"""

from __future__ import annotations


class P2PChatError(Exception):
    """The root. Its text is one sentence that a person can act on."""

    exit_code = 2


class ProtocolError(P2PChatError):
    """The peer sent something that the protocol forbids. Drop it, count it, perhaps drop the peer."""


class DecodeError(ProtocolError):
    """Bytes that are not the canonical encoding of an allowed value."""


class UsageError(P2PChatError):
    """The request is malformed or does not fit the present state."""

    exit_code = 1


class NotFoundError(UsageError):
    """A name matches nothing, or several things."""

    exit_code = 6


class NotAllowedError(UsageError):
    """The group's rules, or the contact's state, forbid the request."""

    exit_code = 8


class UntrustedKeyError(UsageError):
    """The peer's identity key changed and the person has not yet decided about it."""

    exit_code = 4


class QuotaError(UsageError):
    """A bound on number, size or rate is reached."""

    exit_code = 5


class NetworkError(P2PChatError):
    """A peer or an address could not be reached, or the connection broke."""

    exit_code = 3


class StoreError(P2PChatError):
    """The store on disk cannot be used as it is."""

    exit_code = 3


class InUseError(StoreError):
    """Another process has the home open; it may be a node that is starting and will answer soon."""
