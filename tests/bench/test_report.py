"""What a benchmark writes and what it holds against its bounds."""

from __future__ import annotations

import json
from pathlib import Path

import highspy
import numpy as np
import pytest

from bench.bare import quiet
from bench.cases import compare_optima
from bench.findings import Findings, Goal, Table
from bench.planned import Planned, Round, RunClock, measure
from bench.process import Ran
from bench.report import keep_bounds, measured_now, read, worse_than_bounds, write


def _ran(*objectives: float) -> list[Ran]:
    return [Ran([Round(each, 1.0, 1.0, 1.0, 1.0) for each in objectives], 0.0, 1.0)]


def test_a_goal_counts_its_edge_as_met() -> None:
    most, least = Goal("a", "a", 2.0), Goal("a", "a", 2.0, at_most=False)
    assert (most.is_met(2.0), most.is_met(2.01)) == (True, False)
    assert (least.is_met(2.0), least.is_met(1.99)) == (True, False)
    assert not most.is_met(float("nan"))


def test_optima_that_differ_stop_the_benchmark() -> None:
    compare_optima({"a": _ran(100.0, 200.0), "b": _ran(100.00001)}, "a day")
    with pytest.raises(RuntimeError, match=r"^b finds another optimum on a day, 1e-05 apart$"):
        compare_optima({"a": _ran(100.0), "b": _ran(100.001)}, "a day")
    with pytest.raises(RuntimeError, match="nan apart"):
        compare_optima({"a": _ran(100.0), "b": _ran(float("nan"))}, "a day")


def test_the_page_names_what_was_met_not_met_and_not_measured(tmp_path: Path) -> None:
    table = Table("A day", "Words.", ("tool", "ms"), [("bare", "1.0")])
    found = Findings([table], {"day/total_per_run": 1.1, "loop/total_per_run": 9.0})
    write(tmp_path, {"day": measured_now(found, {"PyPSA": "1.4.0"})})
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| a day's plan: total by HiGHS `run()` | ≤ 1.2 | 1.10 | met |" in page
    assert "| closed-loop step: total by HiGHS `run()` | ≤ 1.5 | 9.00 | **not met** |" in page
    assert "| - | not measured |" in page
    assert "| tool | ms |\n| --- | --- |\n| bare | 1.0 |" in page
    assert ", PyPSA 1.4.0.*" in page
    kept = json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))
    assert kept["goals"][0] == {"number": "day/total_per_run", "bound": 1.2, "met": True}


def test_a_case_measured_alone_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    day, loop = Findings([], {"day/total_per_run": 1.1}), Findings([], {"loop/cold_per_warm": 3.5})
    write(tmp_path, {"day": measured_now(day, {}), "loop": measured_now(loop, {})})
    kept = read(tmp_path)
    kept["loop"] = measured_now(Findings([], {"loop/cold_per_warm": 4.0}), {})
    write(tmp_path, kept)
    assert read(tmp_path)["day"].found.numbers == day.numbers
    assert read(tmp_path)["loop"].found.numbers == {"loop/cold_per_warm": 4.0}


def test_a_number_worse_than_its_kept_bound_is_told(tmp_path: Path) -> None:
    bounds = tmp_path / "bounds.json"
    keep_bounds(bounds, Findings([], {"day/total_per_run": 1.0, "loop/cold_per_warm": 2.6}))
    assert json.loads(bounds.read_text()) == {"day/total_per_run": 1.3, "loop/cold_per_warm": 2.0}
    fine = Findings([], {"day/total_per_run": 1.3, "loop/cold_per_warm": 2.0})
    assert worse_than_bounds(bounds, fine) == []
    slow = Findings([], {"day/total_per_run": 1.31})
    sentence = "a day's plan: total by HiGHS `run()`: 1.31, kept bound at most 1.30"
    assert worse_than_bounds(bounds, slow) == [sentence]


def test_time_in_the_solver_is_part_of_the_whole() -> None:
    def work() -> Planned:
        quiet({}).run()
        return Planned(0.0, np.zeros(1))

    before = highspy.Highs.run
    with RunClock() as clock:
        measured = measure(clock, work)
    assert 0.0 < measured.run <= measured.total
    assert highspy.Highs.run is before


def test_a_plan_that_was_not_read_back_whole_is_refused() -> None:
    with pytest.raises(AssertionError, match="read back whole"):
        measure(RunClock(), lambda: Planned(0.0, np.array([np.nan])))
