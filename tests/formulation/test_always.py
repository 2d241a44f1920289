"""There is always a plan: no numbers, however wild, leave a park without one.

And what it plans can be done: it keeps rows and bounds, and no flow goes both its ways at once,
also where prices are below zero and waste would pay.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formulation.made_up import (
    ZONE,
    Asked,
    Floats,
    MadeUp,
    Stubborn,
    battery_says,
    breach,
    flat,
    tie_says,
    tie_shows,
)
from zeropark.assets.battery import Battery
from zeropark.assets.boiler import Boiler
from zeropark.assets.curtailable_load import CurtailableLoad
from zeropark.assets.grid_tie import GridTie
from zeropark.assets.heat_load import HeatLoad
from zeropark.assets.load import Load
from zeropark.assets.pv import Pv, PvArray
from zeropark.assets.thermal_store import ThermalStore
from zeropark.formulation.plan import Plan
from zeropark.formulation.program import Program
from zeropark.formulation.solver import NoPlanError, Solver
from zeropark.model.series import Profile
from zeropark.units.timegrid import TimeGrid

STEPS = 6
FLAT = Profile(constant=1.0)
PAIRS = {"battery": ("charge", "discharge"), "grid_tie": ("import", "export")}


def _series(low: float, high: float) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(low, high), min_size=STEPS, max_size=STEPS)


def _grid(minutes: float) -> TimeGrid:
    return TimeGrid.regular(np.datetime64("2026-04-10T00:00:00"), STEPS, minutes, ZONE)


def _both_ways(plan: Plan) -> float:
    """The largest amount that goes both ways of one flow in a step."""
    worst = 0.0
    for kind, (one, other) in PAIRS.items():
        if kind in plan.program.blocks:
            both = np.minimum(plan.amounts(kind, one), plan.amounts(kind, other))
            worst = max(worst, float(both.max()))
    return worst


def _wild_park(draw: st.DrawFn) -> MadeUp:
    """Every number is anything it could be read as: none there, too much, paid to take it."""
    power = st.floats(0.0, 50.0)
    p_nom, e_nom = draw(st.floats(0.01, 50.0)), draw(st.floats(0.01, 200.0))
    battery = Battery(
        name="bat", node="bus", p_nom=p_nom, e_nom=e_nom, wear_cost=draw(st.floats(0.0, 200.0)),
        reserve=draw(st.floats(0.0, 1.0)), standing_loss=draw(st.floats(0.0, 0.9)),
    )  # fmt: skip
    assets: list[Asked] = [
        GridTie(
            name="tie", node="bus", import_max=draw(power), export_max=draw(power),
            contract=draw(st.floats(0.01, 50.0)), tariff="simple",
        ),
        battery,
        Load(name="works", node="bus", profile=FLAT),
        CurtailableLoad(
            name="mill", node="bus", profile=FLAT, share=draw(st.floats(0.0, 1.0)),
            price_curtailed=draw(st.floats(0.0, 5e3)),
        ),
        Pv(name="roof", node="bus", p_nom=1.0, arrays=(PvArray(tilt=30.0),)),
        Stubborn("furnace"),
        HeatLoad(name="offices", node="warm", profile=FLAT),
        Boiler(name="kettle", node="bus", heat="warm", p_nom=draw(st.floats(0.01, 50.0))),
        ThermalStore(name="tank", node="warm", q_nom=p_nom, e_nom=e_nom),
    ]  # fmt: skip
    mill = np.array(draw(_series(0.0, 20.0)))
    limits = {name: draw(_series(0.0, 1.0)) for name in ("charge_limit", "discharge_limit")}
    says = {
        "tie": tie_says(
            STEPS, available=draw(_series(0.0, 1.0)), price_import=draw(_series(-1e4, 1e4)),
            price_export=draw(_series(-1e4, 1e4)),
        ),
        "bat": battery_says(
            STEPS, **limits, efficiency=draw(st.floats(0.1, 1.0)),
            keep=draw(st.sampled_from([battery.keep, 1.0])),
        ),
        "works": flat(STEPS, demand=draw(_series(0.0, 100.0))),
        "mill": flat(STEPS, demand=mill, curtailable=mill * draw(st.floats(0.0, 1.0))),
        "roof": flat(STEPS, available=draw(_series(0.0, 100.0))),
        "furnace": flat(STEPS, amount=draw(_series(-20.0, 20.0))),
        "offices": flat(STEPS, demand=draw(_series(0.0, 20.0))),
        "kettle": flat(STEPS, efficiency=draw(st.floats(0.1, 1.0))),
        "tank": flat(STEPS, keep=draw(st.floats(0.0, 1.0))),
    }  # fmt: skip
    return MadeUp(assets, _grid(draw(st.sampled_from([5, 15, 30, 60]))), says)


@st.composite
def wild_programs(draw: st.DrawFn) -> Program:
    """A program of a wild park, stores far outside their bands, the month's peak anything."""
    park = _wild_park(draw)
    held = {name: {"energy": draw(st.floats(-5.0, 400.0))} for name in ("bat", "tank")}
    peaks = {name: draw(st.floats(0.0, 100.0)) for name in ("peak_even", "peak_odd")}
    demand = {"demand_price_odd": draw(st.floats(0.0, 1e5)), "drawn": draw(st.floats(0.0, 10.0))}
    return park.told({"tie": tie_shows(**peaks, **demand), **held})


@settings(max_examples=400, deadline=None, derandomize=True)
@given(wild_programs())
def test_no_numbers_leave_a_park_without_a_plan(program: Program) -> None:
    solution = Solver(program).solve()
    assert breach(program, solution.columns) <= 1e-6
    assert _both_ways(Plan.read(program, solution, 0)) <= 1e-6


def _burner(price: Floats, sold: Floats, *, wear: float, start: float) -> Program:
    """A park that could only earn by waste: a tie, a small load and a battery without wear."""
    tie = GridTie(name="tie", node="bus", import_max=5.0, export_max=5.0, tariff="simple")
    battery = Battery(name="bat", node="bus", p_nom=1.0, e_nom=4.0, wear_cost=wear)
    works = Load(name="works", node="bus", profile=FLAT)
    park = MadeUp(
        [tie, battery, works],
        _grid(60),
        {
            "tie": tie_says(STEPS, price_import=price, price_export=sold),
            "bat": battery_says(STEPS),
            "works": flat(STEPS, demand=1.0),
        },
    )
    return park.told({"tie": tie_shows(), "bat": {"energy": start}})


def test_a_full_battery_does_not_burn_what_it_is_paid_to_take() -> None:
    """At -1,000 CNY/MWh a linear plan would charge and discharge at once; no inverter does."""
    program = _burner(np.full(STEPS, -1000.0), np.full(STEPS, -1000.0), wear=0.0, start=3.8)
    relaxed = Solver(program)
    relaxed.one_way = False
    wasteful, plan = (Plan.read(program, s.solve(), 0) for s in (relaxed, Solver(program)))
    assert _both_ways(wasteful) > 0.1
    assert _both_ways(plan) == 0.0
    assert wasteful.solution.objective < plan.solution.objective
    # It makes room and fills it again, but burns nothing: what it keeps over is its band.
    assert plan.amounts("battery", "energy").max() <= 3.8 + 1e-9


def test_selling_dearer_than_buying_is_no_endless_trade() -> None:
    program = _burner(np.full(STEPS, 100.0), np.full(STEPS, 300.0), wear=50.0, start=2.0)
    plan = Plan.read(program, Solver(program).solve(), 0)
    assert _both_ways(plan) == 0.0


@settings(max_examples=150, deadline=None, derandomize=True)
@given(_series(-1500.0, 600.0), _series(-300.0, 500.0), st.sampled_from([0.0, 20.0, 96.0]))
def test_no_store_or_tie_goes_both_ways_below_zero(
    price: list[float], sold: list[float], wear: float
) -> None:
    program = _burner(np.array(price), np.array(sold), wear=wear, start=3.0)
    solver = Solver(program)
    for _ in range(2):  # cold, and warm with the ways of the last plan open again
        solution = solver.solve()
        assert breach(program, solution.columns) <= 1e-6
        assert _both_ways(Plan.read(program, solution, 0)) <= 1e-6


def test_ways_that_were_shut_are_open_again_in_the_next_plan() -> None:
    price = np.full(STEPS, -1000.0)
    program = _burner(price, price, wear=0.0, start=3.8)
    solver = Solver(program)
    first = solver.solve().objective
    given = program.blocks["grid_tie"].signals
    for name in ("price_import", "price_export"):
        given[name].put(np.full_like(given[name].array, 400.0))
    program.update({})
    assert solver.solve().objective == pytest.approx(Solver(program).solve().objective)
    for name in ("price_import", "price_export"):
        given[name].put(np.full_like(given[name].array, -1000.0))
    program.update({})
    assert solver.solve().objective == pytest.approx(first)


def test_an_empty_battery_in_the_dark_still_loses_and_still_has_a_plan() -> None:
    """At its floor, too cold to charge, the tie out: standing takes it below its floor."""
    battery = Battery(name="bat", node="bus", p_nom=1.0, e_nom=10.0, standing_loss=0.2)
    park = MadeUp(
        [GridTie(name="tie", node="bus", import_max=1.0, tariff="simple"), battery],
        _grid(60),
        {
            "tie": tie_says(STEPS, available=0.0),
            "bat": battery_says(STEPS, charge_limit=0.0, keep=battery.keep),
        },
    )
    program = park.told({"tie": tie_shows(), "bat": {"energy": 1.0}})
    plan = Plan.read(program, Solver(program).solve(), 0)
    assert plan.gave_way == []
    assert plan.amounts("battery", "energy")[0, -1] == pytest.approx(0.8 ** (STEPS / 24))


def test_a_number_that_is_missing_is_no_plan_and_not_a_zero() -> None:
    for numbers in ({"price_import": np.nan}, {"available": np.nan}):
        price = np.full(STEPS, 400.0)
        program = _burner(price, price - 300.0, wear=0.0, start=2.0)
        solver = Solver(program)
        solver.solve()
        for name, number in numbers.items():
            signal = program.blocks["grid_tie"].signals[name]
            signal.put(np.where(np.arange(signal.shape[1]) == 3, number, signal.array))
        program.update({})
        for planner in (solver, Solver(program)):
            with pytest.raises(NoPlanError, match="missing"):
                planner.solve()
