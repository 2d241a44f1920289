"""The rules: their thresholds are the best of a grid, on days that no comparison uses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench import thresholds
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
