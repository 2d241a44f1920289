"""A park of three levels, a base and three heat networks, lived by plan, by rules and by whim."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from zeropark.assets import kinds
from zeropark.assets.kind import Kind, Readings
from zeropark.model.park import Park
from zeropark.model.parkfile import parse_park
from zeropark.operate.loop import Outcome
from zeropark.operate.planner import Setpoints
from zeropark.operate.result import Results, figures
from zeropark.operate.run import Run

from .conftest import random_generator, request_of, silent

CENT = 0.01  # [CNY] on a day of thousands: the solver's tolerance


class Whim:
    """A policy that writes any number to any point now and then."""

    def __init__(self, park: Park, seed: int) -> None:
        self._random = random_generator(seed)
        self._assets = [asset for asset in park.assets if isinstance(asset, Kind)]

    def decide(self, index: int, readings: Mapping[str, Readings]) -> Setpoints:
        del index, readings
        return {
            asset.name: {
                point.name: float(self._random.uniform(-1.0, 3.0))
                for point in asset.points
                if point.writable and self._random.random() < 0.5
            }
            for asset in self._assets
        }


FILE = Path(__file__).with_name("network.yaml")
# Where the tie is too small for noon or for the evening, someone has to give way at every level.
TIES = {
    "as it is": "import_max: 12 MW, export_max: 3 MW",
    "no export": "import_max: 12 MW, export_max: 0 MW",
    "small": "import_max: 5 MW, export_max: 3 MW",
}


def _park(tie: str = "as it is") -> Park:
    text = FILE.read_text(encoding="utf-8")
    assert TIES["as it is"] in text
    return parse_park(text.replace(TIES["as it is"], TIES[tie]), kinds())


def _run(park: Park, month: int) -> Run:
    changes = {"step_minutes": 30, "horizon_hours": 8.0, "seed": month}
    return Run(request_of(park, start=f"2026-{month:02d}-17", **changes))


def _closes(outcome: Outcome) -> None:
    """What came in is what was used, lost, sent out, or is stored above the half at first [MWh]."""
    found = outcome.figures
    made = sum(found.made.get((name, "electricity"), 0.0) for name in ("roof", "field", "farm"))
    came = made + found.fired + found.imported
    went = found.used + found.lost + found.exported + found.stored - 2.0
    assert came == pytest.approx(went, abs=1e-6)
    assert found.residual <= 1e-6


@pytest.mark.parametrize(
    ("month", "tie"),
    [(1, "as it is"), (4, "small"), (7, "no export"), (10, "small"), (12, "as it is")],
)
def test_nothing_lived_costs_less_than_foresight_and_energy_closes(month: int, tie: str) -> None:
    park = _park(tie)
    run = _run(park, month)
    best = sum(run.foresight().costs.values())
    for outcome in (
        run.live("plan", run.planned(), None, silent),
        run.live("rules", run.rules(), None, silent),
        *(run.live("whim", Whim(park, 10 * month + i), None, silent) for i in range(3)),
    ):
        _closes(outcome)
        assert sum(outcome.costs.values()) >= best - CENT


def test_a_run_tells_what_the_base_kept_what_was_dumped_and_what_was_matched() -> None:
    run = _run(_park(), 4)
    outcome = run.live("plan", run.planned(), None, silent)
    found = figures(Results(run.request, run.world, {"plan": outcome}), outcome)
    assert 0.9 <= found["base"]["ramp_kept_share"] <= 1.0
    assert found["heat_dumped_mwh"] >= 0.0
    green = found["green_contracts"]["green"]
    assert 0.9 * 48.0 <= green["delivered_mwh"] <= 1.1 * 48.0
    assert 0.0 < green["matched_mwh"] <= min(green["delivered_mwh"], found["grid_import_mwh"])
    gained = found["clean_share_contract"] - found["clean_share"]
    taken = found["served_mwh"] + found["losses_mwh"]
    assert gained == pytest.approx(green["matched_mwh"] / taken)
