"""The rules: their thresholds are the best of a grid, on days that no comparison uses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bench import days, thresholds
from zeropark.operate.controllers import Thresholds


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(thresholds.TABLE.read_text(encoding="utf-8"))
    return found


def _of(cell: dict[str, Any]) -> Thresholds:
    return Thresholds(cell["target"], cell["fill"], cell["start_surplus"])


def test_the_thresholds_are_the_best_of_the_grid(table: dict[str, Any]) -> None:
    best = min(table["cells"], key=lambda cell: cell["cost_cny"])
    assert _of(best) == Thresholds()


def test_the_best_lies_inside_the_grid(table: dict[str, Any]) -> None:
    for name in ("target", "fill", "start_surplus"):
        tried = sorted({cell[name] for cell in table["cells"]})
        assert tried[0] < getattr(Thresholds(), name) < tried[-1]


def test_the_grid_was_tried_on_24_days_outside_the_twelve(table: dict[str, Any]) -> None:
    assert len(set(table["days"])) == 24
    assert not [day for day in table["days"] if day.endswith("-17")]
    assert [_of(cell) for cell in table["cells"]] == thresholds.cells()
    for cell in table["cells"]:
        assert cell["cost_cny"] == pytest.approx(sum(cell["cost_by_day_cny"]), abs=0.2)


@pytest.mark.parametrize("day", ["2026-03-27", "2026-10-05"])
def test_the_kept_sums_are_what_the_rules_cost_today(table: dict[str, Any], day: str) -> None:
    cells = [cell for cell in table["cells"] if _of(cell) == Thresholds()] + table["cells"][-1:]
    at = table["days"].index(day)
    kept = [cell["cost_by_day_cny"][at] for cell in cells]
    assert thresholds.costs(day, [_of(cell) for cell in cells]) == pytest.approx(kept, abs=0.02)


@pytest.mark.parametrize(("day", "seed"), [("2026-07-17", 1), ("2026-11-17", 2)])
def test_a_plan_costs_less_than_the_rules_and_nothing_beats_foresight(day: str, seed: int) -> None:
    lived = days.live_day(day, seed)
    assert lived.foresight.total <= min(lived.plan.total, lived.rules.total, lived.played.total)
    assert lived.plan.total < lived.rules.total
    assert lived.won
    assert 0.0 < days.captured([lived]) < 1.0


def _lived(total: float, **other: float) -> days.Lived:
    return days.Lived({"energy": total}, **other)


def test_captured_is_a_ratio_of_sums() -> None:
    good = days.Day("a", 1, _lived(100.0), _lived(20.0), _lived(0.0), _lived(50.0))
    bad = days.Day("b", 1, _lived(300.0), _lived(300.0), _lived(200.0), _lived(300.0))
    assert days.captured([good, bad]) == pytest.approx(80.0 / 200.0)


def test_a_day_is_not_won_by_serving_less() -> None:
    rules, best = _lived(100.0, late=1.0, short=0.2), _lived(10.0)
    cheap = days.Day("a", 1, rules, _lived(50.0, late=1.0, short=0.2), best, best)
    assert cheap.won
    assert not replace(cheap, plan=_lived(50.0, late=2.0, short=0.2)).won
    assert not replace(cheap, plan=_lived(50.0, late=1.0, short=0.3)).won
    assert not replace(cheap, plan=_lived(50.0, unserved=0.1)).won
    assert not replace(cheap, plan=_lived(100.0)).won
