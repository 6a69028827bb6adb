from __future__ import annotations

from datetime import datetime

import pytest
from p2pchat_cli.when import time_ahead

from p2pchat.errors import UsageError

NOW = datetime(2026, 5, 14, 15, 0, 30)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("18:30", datetime(2026, 5, 14, 18, 30)),
        ("9:05", datetime(2026, 5, 15, 9, 5)),  # over today
        ("15:00", datetime(2026, 5, 15, 15, 0)),
        ("2h", datetime(2026, 5, 14, 17, 0, 30)),
        ("in 3d", datetime(2026, 5, 17, 15, 0, 30)),
        ("2026-12-24", datetime(2026, 12, 24, 9, 0)),
        ("2026-12-24T18:30", datetime(2026, 12, 24, 18, 30)),
        ("2026-12-24 18:30", datetime(2026, 12, 24, 18, 30)),
        ("2026-12-24 00:00", datetime(2026, 12, 24, 0, 0)),
    ],
)
def test_a_time_is_what_a_person_means_by_it(text: str, at: datetime) -> None:
    assert time_ahead(text, NOW) == at


def test_a_time_with_a_zone_is_turned_into_local_time() -> None:
    assert time_ahead("2026-12-24T18:30+00:00", NOW).astimezone() == datetime.fromisoformat(
        "2026-12-24T18:30+00:00"
    )


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "2026-13-01", "2026-05-14T14:59", "2020-01-01", "0h", "2w"]
)
def test_what_is_no_time_ahead_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        time_ahead(text, NOW)
