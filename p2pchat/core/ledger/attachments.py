"""Files that belong to an IOU: their names and hashes stand in its note, and the note's hash is signed.

A note with attachments ends with one mark for each: `pizza #food ⟦bill.pdf sha256:9f86d0…⟧`. The file
itself goes wherever the two want; whoever has it can show that it is the one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from p2pchat.errors import UsageError

MAX_NAME: Final = 64
_MARK: Final = re.compile(r"\s*⟦([^⟦⟧]{1,64}) sha256:([0-9a-f]{64})⟧")
_NAME: Final = re.compile(r"[^⟦⟧\x00-\x1f]{1,64}\Z")
_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")


def attach(note: str, files: Mapping[str, str]) -> str:
    """`note` with a mark for each of `files`: the hex SHA-256 by name.

    Raises:
        UsageError: a name or a hash is none.
    """
    for name, digest in files.items():
        if not _NAME.match(name) or not _HASH.match(digest):
            raise UsageError(f"'{name}' cannot be attached: give a short name, and the file's SHA-256")
    return " ".join([*([note] if note else []), *(f"⟦{name} sha256:{files[name]}⟧" for name in files)])


def detach(note: str) -> tuple[str, dict[str, str]]:
    """The words of `note`, and the files that it names."""
    return _MARK.sub("", note), dict(_MARK.findall(note))
