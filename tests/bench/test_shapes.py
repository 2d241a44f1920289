"""The benchmark's problems mean what they say, whoever solves them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench import bare, ours
from bench.loop import park_of, windows
from bench.planned import Planned
from bench.shapes import P1, TINY, Flexible, Park, Problem, Size, Stores, scenarios

TWO_DAYS = Size("two days", days=2, minutes=120, jobs=3, cars=2)


def _none() -> tuple[Stores, Flexible]:
    empty = np.zeros(0)
    whole = np.zeros(0, dtype=np.int64)
    stores = Stores(whole, *(empty for _ in range(8)))
    return stores, Flexible(whole, whole, np.zeros((0, 2)), empty, empty)


def _two_hours(**other: object) -> Problem:
    """Two hours at 3 and 5 CNY/MWh, a load of 2 and 4 MW, 1 MW of sun in the first."""
    stores, flexible = _none()
    zeros = np.zeros(2)
    given: dict[str, object] = {
        "hours": 1.0,
        "first": 0,
        "price_import": np.array([3.0, 5.0]),
        "price_export": np.array([1.0, 1.0]),
        "demand_charge": 10.0,
        "peak_so_far": 0.0,
        "import_cap": 9.0,
        "export_cap": 9.0,
        "load": np.array([2.0, 4.0]),
        "pv": np.array([1.0, 0.0]),
        "wind": zeros,
        "heat_load": zeros,
        "waste_heat": zeros,
        "cop": np.full(2, 3.0),
        "heat_pump_nom": 0.0,
        "boiler_nom": 0.0,
        "boiler_cost": 0.0,
        "stores": stores,
        "flexible": flexible,
    }
    return Problem(**{**given, **other})  # type: ignore[arg-type]


def test_energy_and_the_highest_import_are_paid() -> None:
    # 1 MWh at 3, 4 MWh at 5, and 4 MW at 10.
    assert bare.plan(_two_hours()).objective == pytest.approx(3 + 20 + 40)


def test_the_highest_import_so_far_is_paid_even_when_it_is_not_reached() -> None:
    assert bare.plan(_two_hours(peak_so_far=6.0)).objective == pytest.approx(3 + 20 + 60)


def test_surplus_is_sold() -> None:
    # Of 5 MW of sun 3 MWh are sold at 1 in the first hour.
    p = _two_hours(pv=np.array([5.0, 0.0]))
    assert bare.plan(p).objective == pytest.approx(-3 + 20 + 40)


def test_flexible_energy_waits_for_the_cheap_hour_under_the_peak() -> None:
    zero = np.zeros(1, dtype=np.int64)
    amount = np.array([2.0])
    p = _two_hours(flexible=Flexible(zero, zero, np.full((1, 2), 2.0), amount, amount))
    # 2 MWh more at 3 in the first hour, whose import stays under that of the second.
    assert bare.plan(p).objective == pytest.approx(3 + 6 + 20 + 40)


def test_heat_is_lifted_by_the_pump_as_far_as_waste_heat_reaches() -> None:
    # 1 MWh of waste heat and 0.5 of electricity make 1.5 at a cop of 3; the boiler makes the rest.
    p = _two_hours(
        heat_load=np.array([2.0, 0.0]),
        waste_heat=np.array([1.0, 0.0]),
        heat_pump_nom=5.0,
        boiler_nom=5.0,
        boiler_cost=100.0,
    )
    assert bare.plan(p).objective == pytest.approx(1.5 * 3 + 50 + 20 + 40)


@pytest.mark.parametrize("size", [TINY, TWO_DAYS, P1], ids=lambda size: size.name)
def test_ours_and_the_hand_built_arrays_find_one_optimum(size: Size) -> None:
    problem = Park(size).problem()
    by_hand = bare.plan(problem)
    assert ours.plan(problem).objective == pytest.approx(by_hand.objective, rel=1e-9)
    assert bare.plan_without_presolve(problem).objective == pytest.approx(by_hand.objective)


def test_warm_equals_cold_at_every_step_of_a_closed_loop() -> None:
    park = park_of(TWO_DAYS)
    ring, warm = bare.Ring(park), None
    for problem in windows(park, 40):
        warm = warm or ours.rolling(park, problem)
        cold = bare.plan(problem).objective
        assert ring.plan(problem).objective == pytest.approx(cold, rel=1e-9)
        assert warm.plan(problem).objective == pytest.approx(cold, rel=1e-9)


def test_the_import_read_back_serves_what_the_others_leave() -> None:
    planned: Planned = bare.plan(_two_hours())
    assert planned.grid_import == pytest.approx([1.0, 4.0])


def test_a_forecast_is_right_about_the_step_that_begins_and_wrong_about_later_ones() -> None:
    park = Park(TWO_DAYS, days=3)
    true, foreseen = park.problem(5), park.problem(5, revised=True)
    for name in ("load", "pv", "wind", "heat_load"):
        assert getattr(foreseen, name)[0] == getattr(true, name)[0]
    assert not np.allclose(foreseen.load[1:], true.load[1:])
    assert np.array_equal(foreseen.price_import, true.price_import)


def test_what_was_taken_is_not_asked_for_again() -> None:
    park = Park(TINY)
    state = park.start()
    asked = park.problem(0, state).flexible
    taken = state.taken.copy()
    taken[asked.opened[0], asked.group[0]] = 0.5 * asked.most[0]
    left = park.problem(0, replace(state, taken=taken)).flexible
    assert left.most[0] == pytest.approx(0.5 * asked.most[0])


def test_scenarios_differ_in_the_weather_alone() -> None:
    problem = Park(TINY).problem()
    one, two = scenarios(problem, 2)
    assert not np.array_equal(one.wind, two.wind)
    assert np.array_equal(one.price_import, two.price_import)
    assert one.stores is problem.stores
