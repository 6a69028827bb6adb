"""Files in chats."""

from __future__ import annotations

from typing import Final

from p2pchat.api.schema.base import Done, Method, Params, Result


class File(Result):
    """A file that a message names, and how far it is here."""

    id: str
    name: str  # harmless: never a path, never hidden
    type: str  # the media type that its sender says it has
    size: int  # bytes
    state: str  # offered | waiting (for its turn) | fetching | here | gone (see reason) | broken
    done: int = 0  # bytes that have come
    reason: str = ""  # why it does not come now
    message: str = ""  # id of the message that names it
    chat: str = ""
    sender: str = ""
    mine: bool = False
    at_ms: int = 0  # when the message was sent


class Files(Result):
    """Files, those of the newest messages first."""

    files: list[File]
    more: bool = False


class FileQuery(Params):
    """The files of a chat, or of all; or with `id` one file, or those of the message with that id."""

    chat: str | None = None
    id: str | None = None
    limit: int = 100


class FileId(Params):
    """A file by its id or the beginning of it."""

    id: str


class AddFile(Params):
    """Put a file here, sealed, to be sent with `message.send`; by its absolute path as the node sees it."""

    path: str
    name: str = ""  # as recipients see it; empty: the last part of the path
    type: str = ""  # its media type; empty: guessed from the name


class SaveFile(FileId):
    """Write a file that is here into a folder, by its absolute path as the node sees it."""

    folder: str
    name: str = ""  # empty: the one it has; another if that is taken


class SavedFile(Result):
    """A file as it was written, in the clear."""

    id: str
    path: str
    size: int


METHODS: Final[dict[str, Method]] = {
    "file.add": Method(AddFile, File, "store", "Put a file here to be sent"),
    "file.list": Method(FileQuery, Files, "store", "Files that messages name"),
    "file.fetch": Method(FileId, File, "store", "Fetch a file from whoever has it"),
    "file.cancel": Method(FileId, Done, "store", "Do not fetch a file, and drop what has come of it"),
    "file.save": Method(SaveFile, SavedFile, "store", "Write a file that is here into a folder"),
}
