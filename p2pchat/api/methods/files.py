"""Files in chats."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Final

from p2pchat.api import file_views
from p2pchat.api import schema as s
from p2pchat.api.methods.backup import Whole
from p2pchat.api.methods.base import Change, Query, page_limit
from p2pchat.core.files.attachment import Attachment
from p2pchat.errors import NotAllowedError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import conversations
from p2pchat.node.features.chat import files as features
from p2pchat.node.features.people.names import find_chat
from p2pchat.node.profile import Profile
from p2pchat.store import files
from p2pchat.store.blobs import pieces_of
from p2pchat.store.transaction import Reader, Transaction


def file_list(app: App, tx: Reader, params: s.FileQuery) -> s.Files:
    """See the table."""
    limit = page_limit(params.limit)
    if params.id is not None:
        found = features.named_by(tx, params.id)
    else:
        chat = conversations.id_of(app, find_chat(tx, params.chat)) if params.chat else None
        found = files.newest(tx, chat, limit=limit + 1)
    return s.Files(
        files=[file_views.file_in(app, tx, one, message) for one, message in found[:limit]],
        more=len(found) > limit,
    )


def file_fetch(app: App, tx: Transaction, params: s.FileId) -> s.File:
    """See the table."""
    one = features.find(tx, params.id)
    features.fetch(app, tx, one)
    app.fetching.pop(one.id, None)
    fresh = files.get(tx, one.id)
    assert fresh is not None
    return file_views.file(app, fresh)


def file_cancel(app: App, tx: Transaction, params: s.FileId) -> s.Done:
    """See the table."""
    features.cancel(app, tx, features.find(tx, params.id))
    return s.Done()


def file_add(profile: Profile, params: s.AddFile) -> s.File:
    """See the table."""
    path = _absolute(params.path)
    name = params.name or path.name
    kind = params.type or mimetypes.guess_type(name)[0] or ""
    try:
        if not path.is_file():
            raise UsageError(f"{path} is no file" if path.exists() else f"there is no file {path}")
        with path.open("rb") as file:
            size = path.stat().st_size
            about = profile.app.blobs.seal(pieces_of(file), size, name, kind, profile.app.entropy)
    except OSError as error:
        raise UsageError(f"the file {path} cannot be read: {error.strerror}") from error
    return note_sealed(profile, about)


def note_sealed(profile: Profile, about: Attachment) -> s.File:
    """A file was sealed here, to be sent."""
    now_ms = profile.app.now_ms()
    profile.change(lambda tx: files.add(tx, about, files.HERE, now_ms))
    return file_views.file(profile.app, files.File(about, files.HERE, now_ms))


def file_save(profile: Profile, params: s.SaveFile) -> s.SavedFile:
    """See the table."""
    folder = _absolute(params.folder)
    one = profile.query(lambda tx: features.find(tx, params.id))
    if one.state != files.HERE:
        raise NotAllowedError(f"{one.about.name} is not here yet: `p2pchat file get {one.id.text[:8]}`")
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    path = profile.app.blobs.save(one.about, folder, params.name)
    return s.SavedFile(id=one.id.text, path=str(path), size=one.about.size)


def _absolute(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():  # a node's working directory is not the caller's
        raise UsageError("the path must be absolute")
    return path


QUERIES: Final[dict[str, Query]] = {"file.list": file_list}
CHANGES: Final[dict[str, Change]] = {"file.fetch": file_fetch, "file.cancel": file_cancel}
WHOLE: Final[dict[str, Whole]] = {"file.add": file_add, "file.save": file_save}
