"""What the web page needs and no other face does."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api.methods.base import Change, Query
from p2pchat.errors import UsageError
from p2pchat.node.features.app import App
from p2pchat.store.transaction import Reader

QUIET_ZONE: Final = 4  # modules, as ISO/IEC 18004 asks
MAX_QR: Final = 2953  # bytes in the largest code at the lowest level of correction


def qr_draw(app: App, tx: Reader, params: s.QrText) -> s.Qr:
    """See the table."""
    import segno

    if not 0 < len(params.text.encode()) <= MAX_QR:
        raise UsageError(f"a QR code holds 1 to {MAX_QR} bytes")
    rows = segno.make_qr(params.text, error="l").matrix
    squares = [
        f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, dark in enumerate(row)
        if dark
    ]
    return s.Qr(size=len(rows) + 2 * QUIET_ZONE, path="".join(squares))


QUERIES: Final[dict[str, Query]] = {"qr.draw": qr_draw}
CHANGES: Final[dict[str, Change]] = {}
