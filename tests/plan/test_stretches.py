"""A year too large to be planned at once: stretches of months come to what the whole comes to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.plan.years import year_of
from zeropark.formulation.carried import Carried, Supply
from zeropark.plan import stretches
from zeropark.plan.carried import Learned, learn
from zeropark.plan.stretches import stretch
from zeropark.plan.year import Year
from zeropark.units.timegrid import TimeGrid

WORKS = """
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 9 MW, tariff: simple}
  - {kind: load, name: lights, node: bus, profile: {constant: 1 MW}}
  - {kind: process_line, name: line, node: bus, rate: 0.1 t/h, energy: 20 MWh/t, stock_max: 9 t,
     stock_start: 2 t, orders: [{name: o, amount: 1.2 t, due: 24 h}]}
"""
# Four months in steps of two days from the first of January on.
STEPS, MINUTES = 60, 2880


def _year() -> Year:
    found = year_of(WORKS, {"tie/price_import": [0.0] * STEPS})
    grid = TimeGrid.local_days("2026-01-01", 2 * STEPS, MINUTES, "Asia/Shanghai")
    assert len(grid) == STEPS
    prices = 300.0 + 100.0 * np.sin(np.arange(STEPS))
    truth = replace(found.truth, grid=grid, run=grid, series={"tie/price_import": prices})
    return replace(found, truth=truth, end_price=300.0)


def test_a_year_is_planned_at_once_as_long_as_it_is_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    year = _year()
    monkeypatch.setattr(stretches, "_AT_ONCE", 3 * STEPS)
    assert stretch(year) == (STEPS, STEPS)
    monkeypatch.setattr(stretches, "_AT_ONCE", 3 * STEPS - 1)
    # January and February are kept, 59 days begin in 30 steps; March is seen too, 90 days in 45.
    assert stretch(year) == (30, 45)
    # Of three months there is nothing behind a stretch.
    assert stretch(year.until(45)) == (45, 45)


def test_stretches_come_to_what_the_whole_comes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    year = _year()
    whole = learn(year)
    monkeypatch.setattr(stretches, "_AT_ONCE", 0)
    parts = learn(year)
    assert parts.grid == whole.grid
    # Where a stretch begins with what the last one left, a price is one of all that are right.
    apart = np.abs(parts.worth["line"] / whole.worth["line"] - 1.0)
    assert np.median(apart) < 0.005
    assert apart.max() < 0.15
    assert parts.supply.sum() == pytest.approx(whole.supply.sum(), rel=1e-4)
    assert parts.peaks == pytest.approx(whole.peaks, rel=1e-3)
    assert whole.peaks.keys() == parts.peaks.keys() == {672, 673, 674, 675}


def test_a_year_learned_anew_keeps_what_it_knows_of_the_time_behind_its_first_stretch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    year = _year()
    known = Learned(
        year.truth.grid, {"line": np.full(STEPS, 7.0)}, {675: 99.0}, np.full((4, STEPS), 5.0)
    )
    monkeypatch.setattr(stretches, "_AT_ONCE", 0)
    found = learn(year, known)
    assert found.worth["line"][30:] == pytest.approx(7.0)
    assert found.worth["line"][:30].min() > 1_000.0
    assert found.peaks[675] == 99.0
    # Half of the year is still that of before, of each kind of supply.
    behind = found.carried(year.truth.grid.starts[30], Carried()).rest
    assert behind == pytest.approx(Supply(150.0, 150.0, 150.0, 150.0))
