"""Horizons: equal steps, steps that grow, and the run's end."""

import numpy as np
import pytest

from zeropark.operate.horizon import Steps
from zeropark.units.timegrid import TimeGrid

# Two hours of quarter-hours, then three hours by the hour.
GROWN = Steps.of(0.25, 2.0, 3.0)
RUN = TimeGrid.regular(np.datetime64("2026-04-17T00:00:00"), 96, 15, "UTC")


def test_a_grown_horizon_has_fine_steps_then_coarse_ones() -> None:
    assert Steps(0.25, fine=8, coarse=3, ratio=4) == GROWN
    assert GROWN.lengths.tolist() == [0.25] * 8 + [1.0] * 3
    assert GROWN.span == 20


@pytest.mark.parametrize(("index", "ahead"), [(0, 8), (1, 7), (3, 5), (4, 8)])
def test_coarse_steps_lie_on_the_calendar_and_are_refilled_when_due(index: int, ahead: int) -> None:
    grid = GROWN.grid(RUN, index)
    assert GROWN.open_fine(index) == ahead
    assert grid.hours.tolist() == [0.25] * ahead + [0.0] * (8 - ahead) + [1.0] * 3
    # The first coarse step starts on a whole hour of the run's calendar, whatever the quarter now.
    assert (grid.starts[8] - RUN.start) % np.timedelta64(3600, "s") == np.timedelta64(0, "s")


def test_steps_past_the_run_have_no_length() -> None:
    grid = GROWN.grid(RUN, 92)
    assert grid.hours.tolist() == [0.25] * 4 + [0.0] * 7
    grid = GROWN.grid(RUN, 85)  # eleven quarter-hours are left: seven fine ones, one hour
    assert grid.hours.tolist() == [0.25] * 7 + [0.0] + [1.0, 0.0, 0.0]


def test_a_coarse_step_is_the_mean_of_its_fine_ones() -> None:
    fine = np.arange(20.0).reshape(1, -1)
    found = GROWN.gather(fine, 0)[0]
    assert found.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 9.5, 13.5, 17.5]
    # A quarter-hour later seven fine steps are ahead; the eighth has no length, repeats the last.
    found = GROWN.gather(fine, 1)[0]
    assert found.tolist() == [0, 1, 2, 3, 4, 5, 6, 6, 8.5, 12.5, 16.5]


def test_past_the_last_number_it_stands_still() -> None:
    assert Steps(1.0, 4).gather(np.array([[1.0, 2.0]]), 0).tolist() == [[1.0, 2.0, 2.0, 2.0]]


@pytest.mark.parametrize("index", [0, 1, 91, 92, 93, 187])
def test_steps_within_the_run_are_a_window_of_it_and_those_past_its_end_have_no_length(
    index: int,
) -> None:
    run = TimeGrid.local_days("2026-03-29", 2, 15, "Europe/Berlin")  # 23 hours, then 24
    assert len(run) == 188
    found = Steps.of(0.25, 24.0).grid(run, index)
    inside = min(96, 188 - index)
    assert found.hours.tolist() == [0.25] * inside + [0.0] * (96 - inside)
    assert found.starts[:inside].tolist() == run.starts[index : index + inside].tolist()
    assert found.local_hour[:inside].tolist() == run.local_hour[index : index + inside].tolist()
