"""Hours without the grid, announced or not: what must run runs, the reserve says its cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zeropark.assets.battery import Battery
from zeropark.assets.grid_tie import GridTie
from zeropark.assets.kind import Kind
from zeropark.assets.load import Load
from zeropark.model.series import Profile
from zeropark.operate.loop import Outcome
from zeropark.operate.run import Run

from .conftest import park_of, request_of, silent

# 20:00 to midnight: by then a battery without a reserve has sold the dear evening's first hours.
OUT = slice(80, 96)


def _assets(reserve: float) -> list[Kind]:
    """A critical 0.2 MW and an ordinary 0.6 MW beside a 4 MWh battery."""
    return [
        GridTie(name="tie", node="bus", import_max=5.0, contract=3.0, tariff="simple"),
        Load(
            name="critical",
            node="bus",
            profile=Profile(constant=0.2),
            price_unserved=100_000.0,
        ),
        Load(name="works", node="bus", profile=Profile(constant=0.6), price_unserved=5_000.0),
        Battery(name="bat", node="bus", p_nom=2.0, e_nom=4.0, reserve=reserve),
    ]


def _lived(*, announced: bool, reserve: float = 0.0, out: bool = True) -> Outcome:
    run = Run(request_of(park_of(_assets(reserve))))
    there = np.ones(len(run.world.grid))
    if out:
        there[OUT] = 0.0
    said = there if announced else np.ones(len(there))
    series = {**run.world.truth.series, "tie/available": there}
    run.world = replace(
        run.world,
        truth=replace(run.world.truth, series=series),
        announced={"tie/available": said},
    )
    return run.live("plan", run.planned(), None, silent)


def _unserved(outcome: Outcome, load: str) -> float:
    """Return what a load lost in the run [MWh]."""
    return outcome.figures.unserved[load]


def test_an_announced_outage_is_prepared_for() -> None:
    prepared, surprised = _lived(announced=True), _lived(announced=False)
    # 0.8 MW for 4 h is 3.2 MWh; a full battery has 0.85 · 4 MWh above its floor, 3.15 MWh after
    # losses.
    assert _unserved(prepared, "critical") == pytest.approx(0.0, abs=1e-6)
    assert _unserved(prepared, "works") == pytest.approx(0.0, abs=0.2)
    assert _unserved(surprised, "works") > 1.0
    told = [
        gave for gave in surprised.gave_way if (gave.asset, gave.limit) == ("works", "unserved")
    ]
    assert sum(gave.amount for gave in told) == pytest.approx(_unserved(surprised, "works"))
    assert told[0].first >= OUT.start


def test_what_is_critical_is_lost_last() -> None:
    surprised = _lived(announced=False)
    # Critical supply is a quarter of all: by chance it would be a quarter of what is lost.
    assert _unserved(surprised, "critical") < 0.1 * _unserved(surprised, "works")


def test_a_reserve_helps_when_nobody_announced_it_and_costs_something_otherwise() -> None:
    bare, held = _lived(announced=False), _lived(announced=False, reserve=0.5)
    assert _unserved(held, "works") < _unserved(bare, "works")
    calm_bare = _lived(announced=False, out=False)
    calm_held = _lived(announced=False, reserve=0.5, out=False)
    price = sum(calm_held.costs.values()) - sum(calm_bare.costs.values())
    assert price > 0.0
    # The reserve's shadow price is told, and it is of the size of what the reserve truly cost.
    assert calm_bare.reserve_cost == 0.0
    assert price / 3 < calm_held.reserve_cost < price * 3
