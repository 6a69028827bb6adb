"""Opening encrypted SQLite files, and saying in one sentence what is wrong with one.

SQLite3 Multiple Ciphers encrypts every page with ChaCha20 and authenticates it with Poly1305
(https://utelle.github.io/SQLite3MultipleCiphers/docs/ciphers/cipher_chacha20/). We hand it the raw
32-byte key, so it derives nothing; passphrases are the business of `keystore`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from p2pchat.errors import InUseError, StoreError

KEY_SIZE: Final = 32
APPLICATION_ID: Final = 0x70327063  # "p2pc": tells our stores from other encrypted SQLite files
BUSY_TIMEOUT_MS: Final = 5_000  # a writer of another process (offline command, backup) is done by then
_STATEMENTS: Final = 256  # prepared statements kept per connection; every query we have fits
CACHE_KIB: Final = (
    16 * 1024
)  # of each connection; each page missed costs a decryption, so it pays to keep more than 2 MiB
WAL_PAGES: Final = 4096  # until they are moved into the main file; a page changed often is moved once
_WAL_LIMIT_BYTES: Final = 64 * 1024 * 1024  # what a long reader has made the WAL grow to is given back

# In order; before any of these runs, the key has been set.
_SETTINGS: Final = (
    "PRAGMA temp_store = MEMORY",  # temporary files would not be encrypted
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA fullfsync = ON",  # macOS: a plain fsync leaves the data in the drive's cache
    "PRAGMA synchronous = FULL",
    f"PRAGMA wal_autocheckpoint = {WAL_PAGES}",
    f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}",
)

_SENTENCES: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (
        apsw.NotADBError,
        "The store {path} does not open: the key is another store's, or the first page is damaged.",
    ),
    (apsw.CorruptError, "The store {path} is damaged; 'p2pchat doctor --repair' saves what can be read."),
    (apsw.FullError, "The disk of the store {path} is full; the last change was not made."),
    (apsw.ReadOnlyError, "The store {path} is read-only; nothing was changed."),
    (apsw.BusyError, "The store {path} is in use by another process; the change was not made."),
    (apsw.LockedError, "The store {path} is in use by another process; the change was not made."),
    (apsw.CantOpenError, "The store {path} cannot be opened; its folder must exist and be writable for you."),
    (apsw.PermissionsError, "The store {path} may not be opened by you."),
    (apsw.IOError, "The disk of the store {path} reports an error; the last change was not made."),
)


def connect(path: Path, key: bytes, *, readonly: bool = False, cache_kib: int = CACHE_KIB) -> apsw.Connection:
    """An encrypted connection to the existing file `path`, in WAL mode, durable at every commit.

    Nothing has been read yet for a file that is not new: a wrong key shows at the first statement.

    Raises:
        apsw.Error: see `failures`.
    """
    if len(key) != KEY_SIZE:
        raise ValueError(f"a store key has {KEY_SIZE} bytes")
    connection = apsw.Connection(
        str(path),
        flags=apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE,
        statementcachesize=_STATEMENTS,
    )
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.pragma("cipher", "chacha20")
        connection.pragma("key", f"raw:{key.hex()}")
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        # Else binding a new value to a parameter compiles the statement anew: this SQLite has STAT4.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        for setting in _SETTINGS:
            connection.execute(setting)
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        if not readonly:
            connection.execute("PRAGMA journal_mode = WAL")
    except BaseException:
        connection.close(True)
        raise
    return connection


def settle(connection: apsw.Connection) -> None:
    """Move all commits from the WAL into the main file, which is then whole by itself, and on the disk.

    Closing does the same, but says nothing when it could not.

    Raises:
        apsw.Error: the disk; or another connection is in the way.
    """
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0]
    if busy:
        raise apsw.BusyError


def check_ours(connection: apsw.Connection, path: Path) -> None:
    """Return if the file at `path` is a store that can be written.

    Raises:
        StoreError: it is some other encrypted database.
        apsw.Error: it cannot be read, or not be written.
    """
    if connection.pragma("application_id") != APPLICATION_ID:
        raise StoreError(f"{path} is not a p2pchat store.")
    if connection.readonly("main"):
        raise apsw.ReadOnlyError


def describe(error: apsw.Error, path: Path) -> Exception:
    """The `StoreError` that tells a person what `error` means, or `error` itself if it is a bug of ours."""
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            is_in_use = kind in (apsw.BusyError, apsw.LockedError)
            return (InUseError if is_in_use else StoreError)(sentence.format(path=path))
    return error


@contextmanager
def failures(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the disk and the file into `StoreError`.

    A broken constraint or a mistake in SQL is a bug and passes as the `apsw.Error` it is.
    """
    try:
        yield
    except apsw.Error as error:
        described = describe(error, path)
        if described is error:
            raise
        raise described from error
