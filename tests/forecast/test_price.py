"""A market price is known as far as it is published, and nothing later is looked at."""

from __future__ import annotations

import numpy as np
import pytest

from zeropark.forecast.price import foresee_price, published_steps
from zeropark.units.timegrid import TimeGrid, to_utc


def hours_from(local: str, count: int, zone: str = "Europe/Berlin") -> TimeGrid:
    return TimeGrid.regular(to_utc(np.datetime64(local, "s"), zone), count, 60, zone)


@pytest.mark.parametrize(
    ("begin", "known"),
    [
        ("2026-01-07T00:00", 24),
        ("2026-01-07T11:00", 13),
        ("2026-01-07T12:00", 12 + 24),
        ("2026-03-29T00:00", 23),
        ("2026-03-28T12:00", 12 + 23),
        ("2026-10-25T00:00", 25),
    ],
)
def test_today_is_known_and_from_noon_on_tomorrow(begin: str, known: int) -> None:
    assert published_steps(hours_from(begin, 72)) == known


def test_beyond_what_is_published_like_days_tell() -> None:
    # A week of 100, on rest days 40; today, a Wednesday, is published at 200.
    past = hours_from("2025-12-31T00:00", 7 * 24)
    rest = np.isin((past.local_day + 3) % 7, (5, 6))
    ahead = hours_from("2026-01-07T00:00", 96)
    found = foresee_price(np.where(rest, 40.0, 100.0), past, np.full(96, 200.0), ahead)
    assert found[:24].tolist() == [200.0] * 24
    # Thursday and Friday: the mean of five workdays of 100 and today's 200. Saturday: a rest day.
    assert found[24:72].tolist() == pytest.approx([700.0 / 6] * 48)
    assert found[72:].tolist() == [40.0] * 24


def test_a_price_not_yet_published_changes_nothing() -> None:
    past, ahead = hours_from("2025-12-31T00:00", 7 * 24), hours_from("2026-01-07T10:00", 72)
    truth = np.arange(72.0)
    other = np.where(np.arange(72) < 14, truth, -999.0)
    history = np.linspace(0.0, 300.0, 7 * 24)
    told = foresee_price(history, past, truth, ahead)
    assert told.tolist() == foresee_price(history, past, other, ahead).tolist()
