"""Time grids: what a part of a run knows of its clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeropark.units.timegrid import TimeGrid

NAMES = ("starts", "local_hour", "local_month", "local_day")


@given(st.integers(0, 90), st.integers(1, 12))
def test_a_window_of_a_grid_that_was_asked_is_as_one_that_was_not(first: int, count: int) -> None:
    """Over the night of 29 March 2026, on which Berlin's clock leaves out an hour."""
    asked = TimeGrid.local_days("2026-03-28", 2, 30, "Europe/Berlin")
    unasked = TimeGrid.local_days("2026-03-28", 2, 30, "Europe/Berlin")
    assert len(asked) == 94
    for name in NAMES:
        getattr(asked, name)
    last = min(first + count, len(asked))
    kept, anew = asked.window(first, last), unasked.window(first, last)
    assert kept == anew
    assert "local_hour" in vars(kept)
    assert "local_hour" not in vars(anew)
    for name in NAMES:
        assert getattr(kept, name).tolist() == getattr(anew, name).tolist()
    assert kept.local().tolist() == anew.local().tolist()
    assert kept.end == anew.end


def test_a_window_does_not_take_the_end_of_the_whole() -> None:
    grid = TimeGrid.regular(np.datetime64("2026-01-01T00:00:00"), 4, 60, "UTC")
    assert grid.end == np.datetime64("2026-01-01T04:00:00")
    assert grid.window(1, 3).end == np.datetime64("2026-01-01T03:00:00")


@pytest.mark.parametrize("minutes", [5, 15, 60])
def test_a_day_is_as_long_as_its_clock_says(minutes: int) -> None:
    grid = TimeGrid.local_days("2026-03-29", 1, minutes, "Europe/Berlin")
    assert float(grid.hours.sum()) == pytest.approx(23.0)
