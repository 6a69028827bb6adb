"""Logging for a process: one readable line per event, no message text, no keys."""

from __future__ import annotations

import logging
import sys
from pathlib import Path


def configure(level: int = logging.INFO, *, file: Path | None = None) -> None:
    """Send p2pchat's log lines to `file`, or to stderr; libraries below WARNING stay silent."""
    handler: logging.Handler = (
        logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.ERROR)
    logging.getLogger("p2pchat").setLevel(level)
