"""A time that lies ahead, as a person types it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from p2pchat.errors import UsageError
from p2pchat_cli.text import SECONDS

_HINT: Final = "write it like 18:30, 2h, 2026-12-24 or 2026-12-24T18:30"


def time_ahead(text: str, now: datetime) -> datetime:
    """The local time that `text` means, behind `now`: a time of day, a while from now, or a date.

    A time of day that is over today is tomorrow's; a date alone is nine in the morning.

    Raises:
        UsageError: it is none of these, or over.
    """
    text = text.strip()
    if found := re.fullmatch(r"(?:in )?([1-9][0-9]{0,5})([smhd])", text):
        return now + timedelta(seconds=int(found[1]) * SECONDS[found[2]])
    try:
        if re.fullmatch(r"[0-9]{1,2}:[0-9]{2}", text):
            at = datetime.combine(now.date(), datetime.strptime(text, "%H:%M").time())
            at = at if at > now else at + timedelta(days=1)
        else:
            at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"'{text}' is no time: {_HINT}.") from error
    if at.tzinfo is not None:
        at = at.astimezone().replace(tzinfo=None)
    elif re.fullmatch(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}", text):
        at = at.replace(hour=9)
    if at <= now:
        raise UsageError(f"'{text}' is over: give a time that lies ahead.")
    return at
