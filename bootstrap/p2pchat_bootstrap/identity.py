"""The node's key: what its addresses end in, and so what must never be lost."""

from __future__ import annotations

import secrets
from pathlib import Path

from p2pchat.core.keys import SEED_SIZE, SigningKey
from p2pchat.errors import StoreError
from p2pchat.files import write_atomically


def load_identity(path: Path) -> SigningKey:
    """The key in the file at `path`, which is made if it is not there.

    Raises:
        StoreError: the file cannot be read or written, or holds something else.
    """
    try:
        seed = path.read_bytes()
    except FileNotFoundError:
        seed = secrets.token_bytes(SEED_SIZE)
        write_atomically(path, seed)
    except OSError as error:
        raise StoreError(f"The identity {path} cannot be read: {error.strerror}.") from error
    if len(seed) != SEED_SIZE:
        raise StoreError(f"{path} is not the identity of a bootstrap node: it should have {SEED_SIZE} bytes.")
    return SigningKey(seed)
