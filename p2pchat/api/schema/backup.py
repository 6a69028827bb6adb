"""Recovery: the words that are the person, and backups that they open."""

from __future__ import annotations

from typing import Final

from p2pchat.api.schema.base import Method, Nothing, Params, Result


class Words(Result):
    """The 24 words of the person's root key: whoever has them is the person."""

    words: str


class BackupFile(Params):
    """A backup, by its absolute path as the node sees it."""

    path: str


class BackupReport(Result):
    """What a backup is that was read to its end and found whole."""

    path: str
    bytes: int  # of the store in it
    created_ms: int
    store_version: int


METHODS: Final[dict[str, Method]] = {
    "backup.words": Method(Nothing, Words, "store", "The 24 words that restore the person"),
    "backup.create": Method(BackupFile, BackupReport, "store", "Write everything into one encrypted file"),
    "backup.verify": Method(BackupFile, BackupReport, "store", "Read a backup of mine to its end"),
}
