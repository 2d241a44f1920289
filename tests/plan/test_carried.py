"""What a year tells its windows: prices and sums worked out by hand, told anew as the year goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.plan.years import year_of
from zeropark.assets.kind import Horizon
from zeropark.formulation.carried import Carried, Supply
from zeropark.formulation.plan import Plan
from zeropark.formulation.solver import Solver
from zeropark.plan.carried import Learned, YearPlan, learn
from zeropark.plan.year import Year

IDEAL = (
    "efficiency: 1, efficiency_best: 1, floor: 0, ceiling: 1, standing_loss: 0, "
    "wear_cost: 0 CNY/MWh"
)
STORE = f"""
assets:
  - {{kind: grid_tie, name: tie, node: bus, import_max: 10 MW, tariff: simple}}
  - {{kind: load, name: works, node: bus, profile: {{constant: 3 MW}}}}
  - {{kind: battery, name: bat, node: bus, p_nom: 4 MW, e_nom: 2 MWh, start: 0, {IDEAL}}}
"""
SUN = """
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 9 MW, export_max: 9 MW, tariff: simple}
  - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
  - {kind: pv, name: roof, node: bus, p_nom: 4 MW, arrays: [{tilt: 30 deg}]}
  - {kind: transformer, name: outer, node: site, up: bus, p_nom: 1 MW}
  - {kind: direct_supply, name: direct}
"""
# Half past nine in the evening of the last of January at the park.
EVENING = np.datetime64("2026-01-31T14:00:00")


def _steps(text: str, prices: Sequence[float]) -> Year:
    # What is sent brings a third of what is bought.
    export = [price / 3.0 for price in prices]
    return year_of(text, {"tie/price_import": prices, "tie/price_export": export})


def _plan(year: Year) -> Plan:
    program = year.program(year.lag)
    return Plan.read(program, Solver(program).solve(), 0)


def _head(year: Year, steps: int, carried: Carried) -> Year:
    return replace(year, truth=year.truth.window(0, steps), carried=carried)


# -- worth of stocks ------------------------------------------------------------------------------


def test_what_is_in_store_is_worth_what_the_rest_of_the_year_saves_with_it() -> None:
    """A MWh held over from 100 spares one at 500; the end of the year pays nothing."""
    learned = learn(_steps(STORE, [100.0, 500.0]))
    assert learned.worth["bat"][0] == pytest.approx(500.0, rel=1e-5)


@pytest.mark.parametrize(("next_hour", "kept"), [(101.0, 2.0), (99.0, 0.0)])
def test_a_window_told_of_it_fills_as_the_whole_year_would(next_hour: float, kept: float) -> None:
    year = _steps(STORE, [100.0, next_hour])
    first = year.truth.grid.starts[0] + np.timedelta64(1, "h")
    told = learn(year).carried(first, Carried())
    seen = _plan(_head(year, 1, told)).amounts("battery", "energy")
    assert seen[0, -1] == pytest.approx(kept, abs=1e-6)
    alone = _plan(_head(year, 1, Carried())).amounts("battery", "energy")
    assert alone[0, -1] == pytest.approx(0.0, abs=1e-6)


def test_behind_the_years_end_a_stock_is_worth_what_it_usually_is() -> None:
    year = _steps(STORE, [100.0, 500.0])
    told = learn(year).carried(year.truth.grid.end, Carried())
    horizon = Horizon(year.truth.grid, 0.0, carried=told)
    assert told.worth == {}
    assert horizon.worth_of("bat", 77.0) == 77.0


# -- the year's supply ----------------------------------------------------------------------------


def test_sums_of_the_year_are_those_of_its_steps() -> None:
    """3 MW of load, nothing stored at one price: 3 MWh are bought an hour, and 3 MW at most."""
    learned = learn(_steps(STORE, [100.0] * 4))
    assert learned.supply.sum(axis=1) == pytest.approx([0.0, 12.0, 0.0, 0.0], abs=1e-4)
    assert list(learned.peaks.values()) == pytest.approx([3.0], abs=1e-4)
    half = learned.grid.starts[1] + np.timedelta64(30, "m")
    known = Carried(lived=Supply(bought=5.0))
    # Two hours and a half are left, and 5 MWh were bought before.
    assert learned.carried(half, known).rest == pytest.approx(Supply(0.0, 12.5), abs=1e-4)


# Own generation that the year's rest could have given, and what of it was sent [MWh].
REST = 1000.0


@pytest.mark.parametrize("room", [0.0, 1.5, 1e6])
def test_the_years_export_is_kept_in_a_window(room: float) -> None:
    """The rest of the year leaves so much of the 20 % to the window: what is above is curtailed."""
    year = _steps(SUN, [300.0] * 24)
    free = _plan(year)
    available = float(free.program.blocks["pv"].signals["available"].array[0, free.open].sum())
    surplus = float(free.amounts("grid_tie", "export").sum())
    assert surplus > 2.0
    sent = 0.2 * (REST + available) - room
    rest = Supply(own=REST, bought=0.0, sent=sent, available=REST)
    plan = _plan(replace(year, carried=Carried(rest=rest)))
    assert plan.gave_way == []
    found = float(plan.amounts("grid_tie", "export").sum())
    assert found == pytest.approx(min(room, surplus), abs=1e-6)


@pytest.mark.parametrize(("spare", "short"), [(1e-3, 0.0), (-5.0, 5.0)])
def test_a_share_that_cannot_be_reached_gives_way_and_is_named(spare: float, short: float) -> None:
    """Own use of the day can only be what load and sun allow; the year asks for 5 MWh more."""
    year = _steps(SUN, [300.0] * 24)
    free = _plan(year)
    block = free.program.blocks["direct_supply"]
    own = float(free.solution.columns[block.column("own").terms[0].columns[0, 0]])
    available = float(free.program.blocks["pv"].signals["available"].array[0, free.open].sum())
    rest = Supply(own=0.6 * (REST + available) - own + spare, sent=0.0, available=REST)
    plan = _plan(replace(year, carried=Carried(rest=rest)))
    assert sum(gave.amount for gave in plan.gave_way) == pytest.approx(short, abs=1e-3)
    assert {gave.limit for gave in plan.gave_way} == ({"self_use"} if short else set())


def test_own_use_is_what_loads_use_and_no_loss() -> None:
    """Of 24 h: what the sun gives and is not sent, less 0.08 % of 1 MW that a transformer takes."""
    plan = _plan(_steps(SUN, [300.0] * 24))
    program, x = plan.program, plan.solution.columns
    own = float(x[program.blocks["direct_supply"].column("own").terms[0].columns[0, 0]])
    given = float(plan.amounts("pv", "p").sum() - plan.amounts("grid_tie", "export").sum())
    assert own == pytest.approx(given - 24 * 0.0008, abs=1e-6)


# -- as the year goes -----------------------------------------------------------------------------


def test_the_year_is_planned_anew_when_a_month_begins() -> None:
    series = {"tie/price_import": [100.0, 100.0, 90.0, 700.0]}
    year = year_of(STORE, series, start=EVENING)
    grid, plan = year.truth.grid, YearPlan(lambda: year)
    first = plan.carried(grid.window(0, 1), Carried(), year.readings)
    assert first.rest == pytest.approx(Supply(0.0, 9.0), abs=1e-4)
    plan.carried(grid.window(1, 2), Carried(), year.readings)
    assert len(plan.learned) == 1
    # In February 7 MWh were truly bought, and the store turns out to be full: of the last hour's 3
    # MWh two are its own.
    full = {**year.readings, "bat": {**year.readings["bat"], "energy": 2.0}}
    known = Carried(lived=Supply(bought=7.0), hours=2.0)
    told = plan.carried(grid.window(2, 3), known, full)
    assert len(plan.learned) == 2
    assert told.rest == pytest.approx(Supply(2.0, 8.0), abs=1e-4)
    assert told.worth["bat"] == pytest.approx(700.0, rel=1e-5)


def test_a_learned_year_is_told_by_where_the_window_ends() -> None:
    year = _steps(STORE, [100.0] * 3)
    worth = {"bat": np.array([1.0, 2.0, 3.0])}
    learned = Learned(year.truth.grid, worth, {}, np.zeros((4, 3)))
    ends = [year.truth.grid.starts[0] + np.timedelta64(m, "m") for m in (30, 60, 61, 120)]
    assert [learned.carried(end, Carried()).worth["bat"] for end in ends] == [1.0, 1.0, 2.0, 2.0]
