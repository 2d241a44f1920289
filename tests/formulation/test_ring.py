"""A ring of slots, turned and told anew, is the same program as one built where it has come to.

The rings here are shorter than a day, a day and longer, of steps from 5 minutes to an hour; they
pass a month's end, jump over steps, and begin outside their bands. What the turned ring plans is
carried into the program built anew: it must be feasible there, and cost there the least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tests.formulation.made_up import (
    ZONE,
    Asked,
    MadeUp,
    Stubborn,
    battery_says,
    breach,
    carried,
    flat,
    tie_says,
    tie_shows,
)
from zeropark.assets.battery import Battery
from zeropark.assets.boiler import Boiler
from zeropark.assets.curtailable_load import CurtailableLoad
from zeropark.assets.grid_tie import GridTie
from zeropark.assets.heat_load import HeatLoad
from zeropark.assets.heat_pump import HeatPump
from zeropark.assets.load import Load
from zeropark.assets.pv import Pv, PvArray
from zeropark.assets.thermal_store import ThermalStore
from zeropark.formulation.block import Rank
from zeropark.formulation.layout import Layout
from zeropark.formulation.solver import Solver
from zeropark.model.series import Profile
from zeropark.units.timegrid import TimeGrid

SAID_BY_PROFILE = Profile(constant=1.0)
MONTH_ENDS = np.datetime64("2026-04-30T16:00:00")  # midnight in the park


@dataclass(frozen=True)
class Ring:
    """minutes: of a step. steps: of the horizon. turns: how often it is planned."""

    minutes: float
    steps: int
    turns: int


RINGS = {
    "5 min, two hours": Ring(5, 24, 150),
    "15 min, six hours": Ring(15, 24, 150),
    "30 min, a day": Ring(30, 48, 80),
    "60 min, a day and a half": Ring(60, 36, 120),
}


def _assets() -> list[Asked]:
    return [
        GridTie(
            name="tie", node="bus", import_max=4.0, export_max=1.0, contract=2.0, tariff="simple"
        ),
        GridTie(name="old-tie", node="bus", import_max=0.5, tariff="simple"),
        Battery(name="bat", node="bus", p_nom=1.0, e_nom=2.0, reserve=0.1, wear_cost=20.0),
        Battery(name="small", node="bus", p_nom=0.2, e_nom=1.0, standing_loss=0.05),
        Load(name="works", node="bus", profile=SAID_BY_PROFILE),
        Load(name="lights", node="bus", profile=SAID_BY_PROFILE, price_unserved=5_000.0),
        CurtailableLoad(
            name="mill", node="bus", profile=SAID_BY_PROFILE, share=0.3, price_curtailed=450.0
        ),
        Pv(name="roof", node="bus", p_nom=3.0, arrays=(PvArray(tilt=30.0),)),
        HeatLoad(name="offices", node="warm", profile=SAID_BY_PROFILE),
        HeatPump(name="pump", node="bus", heat="warm", p_nom=0.2, t_sink=55.0),
        Boiler(name="kettle", node="bus", heat="warm", p_nom=1.0),
        ThermalStore(name="tank", node="warm", q_nom=0.5, e_nom=2.0),
        Stubborn("furnace"),
    ]


def _park(ring: Ring, count: int, random: np.random.Generator) -> MadeUp:
    half = np.timedelta64(round(ring.turns * ring.minutes * 60 / 2), "s")
    grid = TimeGrid.regular(MONTH_ENDS - half, count, ring.minutes, ZONE)

    def chance(low: float, high: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return random.uniform(low, high, count)

    sold = chance(-50.0, 200.0)
    price = sold + chance(1.0, 700.0)
    there = (random.random(count) > 0.05).astype(float)
    demand = {"demand": chance(0.2, 1.2)}
    mill = chance(0.1, 0.6)
    said = {
        "tie": tie_says(count, price_import=price, price_export=sold, available=there),
        "old-tie": tie_says(count, price_import=price + 5.0, price_export=sold),
        "bat": battery_says(count, charge_limit=chance(0.0, 1.0), efficiency=0.93, keep=0.9999),
        "small": battery_says(count, discharge_limit=chance(0.0, 1.0), keep=0.998),
        "works": flat(count, **demand),
        "lights": flat(count, demand=chance(0.0, 0.3)),
        "mill": flat(count, demand=mill, curtailable=0.25 * mill),
        "roof": flat(count, available=np.maximum(0.0, chance(-2.0, 3.0))),
        "offices": flat(count, demand=chance(0.0, 1.0)),
        "pump": flat(count, cop=chance(2.0, 5.0)),
        "kettle": flat(count, efficiency=0.975),
        "tank": flat(count, keep=chance(0.98, 1.0)),
        # Now and then more than the contract allows, and more than both ties can bring.
        "furnace": flat(count, amount=np.where(random.random(count) < 0.03, chance(0.0, 9.0), 0.3)),
    }
    return MadeUp(_assets(), grid, said)


def _shown(random: np.random.Generator) -> dict[str, dict[str, float]]:
    """Meters of the moment: now and then a store is outside its band, an interval half drawn."""
    peaks = {name: float(random.uniform(0.0, 2.5)) for name in ("peak_even", "peak_odd")}
    prices = {"demand_price_even": 900.0, "demand_price_odd": float(random.choice([0.0, 700.0]))}
    tie = tie_shows(drawn=float(random.choice([0.0, 0.1])), **peaks, **prices)
    held = {"bat": 2.0, "small": 1.0, "tank": 2.0}
    energy = {name: {"energy": float(random.uniform(-0.02, 1.1)) * e} for name, e in held.items()}
    return {"tie": tie, "old-tie": tie_shows(), **energy}


@pytest.mark.parametrize("name", RINGS)
def test_a_turned_ring_is_the_program_built_where_it_has_come_to(name: str) -> None:
    ring, random = RINGS[name], np.random.default_rng([len(name), 9])
    park = _park(ring, ring.steps + 3 * ring.turns, random)
    turned = park.program(ring.steps)
    solver = Solver(turned)
    now, elastic = 0, 0
    for _ in range(ring.turns):
        inputs = park.inputs(_shown(random), now, ring.steps)
        turned.update(inputs)
        built = park.program(ring.steps)
        built.update(inputs)
        warm, cold = solver.solve(), Solver(built).solve()
        there = carried(turned, warm.columns, built)
        assert breach(turned, warm.columns) <= 1e-6
        assert breach(built, there) <= 1e-6
        assert float(built.cost @ there) == pytest.approx(warm.objective, rel=1e-12)
        assert warm.objective == pytest.approx(cold.objective, rel=1e-6, abs=1e-3)
        for rank in Rank:
            gave = float(warm.columns[turned.rank_columns(rank)].sum())
            assert gave == pytest.approx(
                float(cold.columns[built.rank_columns(rank)].sum()), abs=1e-6
            )
        elastic += warm.elastic
        ahead = int(random.integers(1, 4))
        turned.layout.advance(ahead)
        now += ahead
    assert 0 < elastic < ring.turns, (
        "a ring is tried with limits that hold and with such that give way"
    )


def test_five_minute_steps_look_back_over_a_demand_interval() -> None:
    """Half-way through a quarter-hour 0.1 MWh are drawn: 0.05 more keep its mean at 0.6 MW."""
    grid = TimeGrid.regular(np.datetime64("2026-04-10T00:10:00"), 6, 5, ZONE)
    tie = GridTie(name="tie", node="bus", import_max=4.0, tariff="simple")
    works = Load(name="works", node="bus", profile=SAID_BY_PROFILE)
    told = {"tie": tie_says(6), "works": flat(6, demand=[0.6, 1.2, 1.2, 1.2, 0.0, 0.0])}
    alone = MadeUp([tie, works], grid, told)
    shown = {"tie": tie_shows(drawn=0.1, demand_price_odd=24.0 * 30 * 2)}
    program = alone.told(shown)
    assert program.layout.lag == 3
    solution = Solver(program).solve()
    # The first quarter-hour has a mean of (0.1 + 0.05) / 0.25 = 0.6 MW, the second of 1.2 MW, at
    # 1,440 CNY/MW of which half an hour in 720 is seen: 1 CNY/MW. Energy: 0.35 MWh at 400.
    assert solution.objective == pytest.approx(1.2 + 140.0)


def test_a_ring_goes_round_and_comes_home() -> None:
    layout = Layout(np.ones(5), lag=2)
    seen = []
    for _ in range(layout.slots):
        seen.append(layout.first)
        assert sorted([*layout.open(), *layout.closed()]) == list(range(layout.slots))
        layout.advance(1)
    assert layout.first == seen[0]
    assert len(set(seen)) == layout.slots
