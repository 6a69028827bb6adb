"""Links that people hand on: a scheme, and base64url (RFC 4648 §5, no padding) over a body and a checksum.

The checksum (four bytes) finds letters that were lost or mistyped on the way; it proves nothing.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from p2pchat.core.keys import tagged_hash
from p2pchat.errors import UsageError

_CHECK_SIZE: Final = 4
_MAX_LINK: Final = 4096


def write_link(scheme: str, body: bytes) -> str:
    """`body` as a link that begins with `scheme`."""
    checked = body + _checksum(body)
    return scheme + base64.urlsafe_b64encode(checked).decode().rstrip("=")


def read_link(scheme: str, text: str) -> bytes:
    """The body of a link, which a person may have pasted with blanks and line breaks.

    Raises:
        UsageError: it has another scheme, or letters are missing or wrong.
    """
    link = "".join(text.split())
    if not link.startswith(scheme) or len(link) > _MAX_LINK:
        raise UsageError(f"not an invite link: it should start with {scheme}")
    letters = link.removeprefix(scheme)
    try:
        checked = base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise damaged() from error
    body, checksum = checked[:-_CHECK_SIZE], checked[-_CHECK_SIZE:]
    if checksum != _checksum(body):
        raise damaged()
    return body


def damaged() -> UsageError:
    """What is said of a link that cannot be read."""
    return UsageError("the invite link is damaged or incomplete: copy it again, whole")


def _checksum(body: bytes) -> bytes:
    return tagged_hash("invite link", body)[:_CHECK_SIZE]
