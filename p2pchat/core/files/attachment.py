"""What a message says of a file that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from p2pchat.core import fields
from p2pchat.core.codec import Value
from p2pchat.core.files.chunks import HASH_SIZE, KEY_SIZE, MAX_SIZE, file_id
from p2pchat.core.files.names import media_type, safe_name
from p2pchat.core.ids import FileId

MAX_FILES: Final = 16  # in one message
_MAX_NAME: Final = 255  # bytes, as it comes
_MAX_TYPE: Final = 127
_SIGN: Final = "📎"


@dataclass(frozen=True)
class Attachment:
    """A file, its name already harmless, and all that is needed to fetch, check and open it."""

    name: str
    media_type: str
    size: int  # bytes
    key: bytes
    root: bytes

    @cached_property
    def id(self) -> FileId:
        """The name under which it is asked for."""
        return file_id(self.key, self.root)


def wordless(names: Sequence[str]) -> str:
    """The text of a message with files of these names and no words: what versions without files show."""
    return f"{_SIGN} {', '.join(names)}"


def encode_attachments(attachments: Sequence[Attachment]) -> list[dict[str, object]]:
    """How attachments stand in a content."""
    return [
        {"name": one.name, "type": one.media_type, "size": one.size, "key": one.key, "root": one.root}
        for one in attachments
    ]


def decode_attachments(value: Value) -> tuple[Attachment, ...]:
    """What `encode_attachments` took; names and types that could do harm are replaced. Raises DecodeError."""
    return tuple(_attachment(fields.mapping(one)) for one in fields.items(value, most=MAX_FILES))


def _attachment(value: dict[str, Value]) -> Attachment:
    return Attachment(
        safe_name(fields.text(value.get("name"), least=1, most=_MAX_NAME)),
        media_type(fields.text(value.get("type"), most=_MAX_TYPE)),
        fields.integer(value.get("size"), high=MAX_SIZE + 1),
        fields.blob(value.get("key"), least=KEY_SIZE, most=KEY_SIZE),
        fields.blob(value.get("root"), least=HASH_SIZE, most=HASH_SIZE),
    )
