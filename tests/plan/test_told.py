"""A planned year as a file: it comes back as it went, and another one is refused in a sentence."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.assets.yard import parse
from zeropark.assets.kind import Kind
from zeropark.assets.process_line import ProcessLine
from zeropark.data.errors import DataError
from zeropark.formulation.carried import Carried, Supply
from zeropark.plan.carried import Learned, YearPlan
from zeropark.plan.told import Told, read, settled_by, write
from zeropark.units.timegrid import TimeGrid

WORKS = """
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 9 MW, tariff: simple}
  - {kind: process_line, name: line, node: bus, rate: 1 t/h, energy: 2 MWh/t, stock_max: 9 t,
     embodied: 1 MWh/t, orders: [{name: o, amount: 1 t, due: 24 h}]}
"""
# Three days from the last of January on, in steps of six hours.
GRID = TimeGrid.local_days("2026-01-31", 3, 360, "Asia/Shanghai")
LEARNED = Learned(
    GRID,
    {"line": np.linspace(900.0, 1200.0, 12)},
    {672: 3.0, 673: 2.0},
    np.arange(48.0).reshape(4, 12),
)
TOLD = Told("yard", "year", dt.date(2026, 1, 2), 8, LEARNED)


def _assets() -> list[Kind]:
    return parse(WORKS)


def test_a_year_comes_back_as_it_was_written(tmp_path: Path) -> None:
    place = tmp_path / "year.json"
    write(TOLD, place)
    found = read(place, "yard", _assets(), "2026-02-02")
    assert (found.study, found.learned_on, found.seed) == ("year", dt.date(2026, 1, 2), 8)
    assert found.learned.grid == GRID
    assert found.learned.worth["line"] == pytest.approx(LEARNED.worth["line"], rel=1e-5)
    assert found.learned.peaks == LEARNED.peaks
    assert np.array_equal(found.learned.supply, LEARNED.supply)
    assert [each.name for each in tmp_path.iterdir()] == ["year.json"]


@pytest.mark.parametrize(
    ("change", "start", "key", "words"),
    [
        ({"schema": 2}, "2026-02-01", "year_file", "schema: Input should be less than"),
        ({"own_mwh": [1.0]}, "2026-02-01", "year_file", "its lists differ in length"),
        ({"park": "mill"}, "2026-02-01", "year_park", "a year of park 'mill', not of 'yard'"),
        (
            {"worth_cny": {"kiln": [1.0] * 12}},
            "2026-02-01",
            "year_assets",
            "values stocks of kiln, which the park has no longer",
        ),
        ({}, "2026-01-30", "year_time", "from 2026-01-31 to 2026-02-02; the run begins on"),
        ({}, "2026-02-03", "year_time", "from 2026-01-31 to 2026-02-02; the run begins on"),
    ],
)
def test_what_is_no_year_of_this_run_is_refused_in_a_sentence(
    tmp_path: Path, change: dict[str, Any], start: str, key: str, words: str
) -> None:
    place = tmp_path / "year.json"
    write(TOLD, place)
    held = json.loads(place.read_text(encoding="utf-8"))
    place.write_text(json.dumps({**held, **change}), encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read(place, "yard", _assets(), start)
    assert refused.value.key == key
    assert words in refused.value.text.en
    assert str(place) in refused.value.text.en
    assert refused.value.text.zh != refused.value.text.en


def test_what_is_no_json_is_refused_in_a_sentence(tmp_path: Path) -> None:
    place = tmp_path / "year.json"
    place.write_text("month,worth", encoding="utf-8")
    with pytest.raises(DataError, match="not a planned year"):
        read(place, "yard", _assets(), "2026-02-01")


def test_what_is_left_in_stock_is_settled_as_the_year_values_it() -> None:
    """1,200 CNY/t at 400 CNY/MWh are 3 MWh, of which 2 are the line's own."""
    end = GRID.starts[0] + np.timedelta64(71, "h")
    line = next(a for a in settled_by(_assets(), TOLD, end, 400.0) if a.name == "line")
    assert isinstance(line, ProcessLine)
    assert line.embodied == pytest.approx(1.0)
    assert line.worth(400.0) == pytest.approx(1200.0)
    # Behind the year, and where power is worth nothing, the park file's own word stands.
    for moment, price in ((GRID.end, 400.0), (end, 0.0)):
        other = next(a for a in settled_by(_assets(), TOLD, moment, price) if a.name == "line")
        assert isinstance(other, ProcessLine)
        assert other.embodied == 1.0


def test_a_run_within_the_year_takes_what_was_before_it_from_the_year() -> None:
    """A day into it four of twelve steps are over, and of the rest what is behind the window."""
    first = GRID.window(4, 6)
    plan = YearPlan(None, LEARNED)
    told = plan.carried(first, Carried(), {})
    own, bought, sent, available = (row.sum() - row[4:6].sum() for row in LEARNED.supply)
    assert told.rest == pytest.approx(Supply(own, bought, sent, available))
    assert told.worth["line"] == LEARNED.worth["line"][5]
    # What the run itself has lived takes the place of what the year thought of it.
    later = plan.carried(GRID.window(6, 8), replace(Carried(), lived=Supply(own=50.0)), {})
    own = LEARNED.supply[0, :4].sum() + 50.0 + LEARNED.supply[0, 8:].sum()
    assert later.rest is not None
    assert later.rest.own == pytest.approx(own)
    # Nobody learns it anew where a month begins.
    assert plan.learned == [LEARNED]
