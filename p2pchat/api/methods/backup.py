"""Recovery words and backups. A backup is of the whole store, so these are no single transactions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

from p2pchat.api import schema as s
from p2pchat.api.methods.base import Query
from p2pchat.errors import UsageError
from p2pchat.node.features.app import App
from p2pchat.node.profile import Profile
from p2pchat.node.words import to_words
from p2pchat.store.sealing import Description
from p2pchat.store.transaction import Reader

Whole: TypeAlias = Callable[[Profile, Any], s.Result]


def backup_words(app: App, tx: Reader, params: s.Nothing) -> s.Words:
    """See the table."""
    return s.Words(words=to_words(app.root.seed))


def backup_create(profile: Profile, params: s.BackupFile) -> s.BackupReport:
    """See the table."""
    path = _absolute(params.path)
    return report(path, profile.back_up(path))


def backup_verify(profile: Profile, params: s.BackupFile) -> s.BackupReport:
    """See the table."""
    path = _absolute(params.path)
    return report(path, profile.check_backup(path))


def report(path: Path, found: Description) -> s.BackupReport:
    """A backup as the API shows it."""
    return s.BackupReport(
        path=str(path),
        bytes=found.size_bytes,
        created_ms=found.created_ms,
        store_version=found.store_version,
    )


def _absolute(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():  # a node's working directory is not the caller's
        raise UsageError("the path of a backup must be absolute")
    return path


QUERIES: Final[dict[str, Query]] = {"backup.words": backup_words}
WHOLE: Final[dict[str, Whole]] = {"backup.create": backup_create, "backup.verify": backup_verify}
