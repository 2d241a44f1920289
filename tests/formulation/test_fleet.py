"""Thousands of devices: each feasible, all together as cheap as is proven, by other arithmetic."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import networkx as nx  # type: ignore[import-untyped] # it has none
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tests.formulation.fleets import Market, batteries, sessions
from zeropark.formulation.fleet import Batteries, Cars, car_groups, pool, split_into_parts
from zeropark.formulation.fleet_plan import Effort, FleetPlan, Lattice, plan_fleet
from zeropark.formulation.solver import NoPlanError

Floats = npt.NDArray[np.float64]
QUARTERS = np.full(96, 0.25)
HOURS = np.ones(24)
seeds = st.integers(0, 2**32 - 1)


def _prices(hours: Floats, seed: int = 3) -> Floats:
    """Cheap nights, dear evenings, and a little of everything."""
    at = np.cumsum(hours) - hours / 2
    noise = np.random.default_rng(seed).uniform(-8.0, 8.0, len(hours))
    return np.where(at < 7, 290.0, np.where((at >= 18) & (at < 22), 910.0, 580.0)) + noise


def _no_cars(steps: int) -> Cars:
    none = np.zeros(0)
    return Cars(np.zeros((0, steps)), none, none, none, none)


def _alone(**numbers: float) -> Batteries:
    """One battery of 1 MW and 2 MWh without losses, empty, with what is said of it."""
    usual = {"p_nom": 1.0, "low": 0.0, "high": 2.0, "start": 0.0, "last": 0.0}
    usual |= {"efficiency_in": 1.0, "efficiency_out": 1.0, "keep": 1.0, "wear": 0.0, "worth": 0.0}
    return Batteries(**{name: np.array([x]) for name, x in (usual | numbers).items()})


# -- cars -----------------------------------------------------------------------------------------


def test_a_car_takes_its_cheapest_steps() -> None:
    """2 MWh at most 1 a step in the last three of four: the two cheapest of those."""
    car = Cars(np.array([[0.0, 1, 1, 1]]), *(np.array([x]) for x in (2.0, 2.0, 0.0, 0.8)))
    prices = np.array([1.0, 5.0, 3.0, 4.0])
    assert car.cheapest(prices).tolist() == [[0, 0, 1, 1]]
    assert car.uncontrolled().tolist() == [[0, 1, 1, 0]]
    assert car.cost(car.cheapest(prices), prices).tolist() == [pytest.approx(7.0 / 0.8)]


def test_a_car_that_stays_takes_more_only_where_that_pays() -> None:
    """1 of 3 MWh must be; what is beyond is worth 4 in the car, 3.2 at the meter."""
    car = Cars(np.ones((1, 4)), *(np.array([x]) for x in (1.0, 3.0, 4.0, 0.8)))
    prices = np.array([3.3, 3.1, 5.0, 2.0])
    taken = car.cheapest(prices)
    assert taken.tolist() == [[0, 1, 0, 1]]
    assert car.cost(taken, prices).tolist() == [pytest.approx(5.1 / 0.8 - 4.0)]


def test_what_a_stay_cannot_give_is_told() -> None:
    car = Cars(np.ones((2, 3)), np.array([3.0, 3.5]), np.array([3.0, 4.0]), *np.ones((2, 2)))
    can, lacks = car.servable()
    assert (can.least.tolist(), can.asked.tolist(), lacks.tolist()) == ([3, 3], [3, 3], [0, 0.5])


def test_groups_of_cars_are_about_as_many_as_asked_for() -> None:
    cars = sessions(QUARTERS)
    groups = car_groups(cars, 9)
    assert len(groups) == len(cars)
    assert sorted(set(groups.tolist())) == list(range(9))
    assert car_groups(_no_cars(4), 9).tolist() == []
    assert len(set(car_groups(sessions(QUARTERS, 2), 9).tolist())) <= 2


# -- batteries ------------------------------------------------------------------------------------


def test_one_battery_by_hand() -> None:
    """It buys 1 at 1 and 1 at 2, sells both at 5 less 1 of wear: it earns 5."""
    prices = np.array([2.0, 1.0, 5.0, 5.0])
    assert _alone(wear=1.0).least_cost(prices, np.ones(4)).tolist() == [pytest.approx(-5.0)]


def test_a_battery_is_worth_what_is_left_in_it() -> None:
    """A stored MWh is worth 4 at the end: it fills at 3, and keeps the 1 it has."""
    battery = _alone(start=1.0, worth=4.0)
    assert battery.least_cost(np.array([3.0]), np.ones(1)).tolist() == [pytest.approx(-5.0)]
    assert battery.least_cost(np.array([9.0]), np.ones(1)).tolist() == [pytest.approx(-9.0)]


def test_a_last_energy_that_is_out_of_reach_has_no_cost() -> None:
    prices = np.ones(1)
    assert _alone(last=1.0).least_cost(prices, np.ones(1)).tolist() == [pytest.approx(1.0)]
    assert _alone(last=1.01).least_cost(prices, np.ones(1)).tolist() == [np.inf]


def _by_solver(b: Batteries, prices: Floats, hours: Floats) -> float:
    """The first battery's least cost as a linear program: charge, discharge, energy."""
    n = len(hours)
    one, keep = np.eye(n), b.keep[0] ** hours
    balance = one - np.diag(keep[1:], -1)
    found = linprog(
        np.concatenate([prices, b.wear[0] - prices, np.append(np.zeros(n - 1), -b.worth[0])]),
        A_eq=np.hstack([-b.efficiency_in[0] * one, one / b.efficiency_out[0], balance]),
        b_eq=np.append(keep[0] * b.start[0], np.zeros(n - 1)),
        bounds=[
            *[(0.0, b.p_nom[0] * length) for length in np.tile(hours, 2)],
            *[(low, b.high[0]) for low in b.floor(hours)[0]],
        ],
    )
    assert found.status == 0
    return float(found.fun)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seeds)
def test_the_least_cost_is_that_of_a_linear_program(seed: int) -> None:
    """Also at prices below nothing, and in steps of any length."""
    random = np.random.default_rng(seed)
    hours = random.choice([0.25, 0.5, 1.0], 12)
    prices = random.uniform(-100.0, 900.0, 12)
    battery = batteries(1, seed, worth=float(random.uniform(0.0, 600.0)))
    cost = battery.least_cost(prices, hours)[0]
    # The solver tolerates 1e-7 MWh in each of its rows.
    assert cost == pytest.approx(_by_solver(battery, prices, hours), abs=1e-4)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seeds, st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))
def test_parts_add_up_to_their_batteries(seed: int, ratios: int, states: int, classes: int) -> None:
    fleet = batteries(30, seed)
    parts = split_into_parts(fleet, ratios, states, classes, 500.0)

    def total(numbers: Floats) -> Floats:
        return np.bincount(parts.owner, numbers, len(fleet)).astype(np.float64)

    assert total(parts.share) == pytest.approx(np.ones(30))
    assert total(parts.power) == pytest.approx(fleet.p_nom)
    assert total(parts.start) == pytest.approx(fleet.start)
    assert np.bincount(parts.group, parts.weight) == pytest.approx(np.ones(parts.groups))


def test_batteries_that_are_alike_are_one_pool_that_can_all_they_can() -> None:
    sizes = np.array([1.0, 3.0, 6.0])
    one = _alone(start=0.5, low=0.2, efficiency_in=0.9, efficiency_out=0.8, wear=7.0, worth=3.0)
    fleet = Batteries(**{name: numbers.repeat(3) for name, numbers in vars(one).items()})
    fleet = replace(fleet, **{n: vars(fleet)[n] * sizes for n in ("p_nom", "low", "high", "start")})
    parts = split_into_parts(fleet, 1, 1, 1, 500.0)
    found = pool(fleet, parts, np.ones(2))
    assert parts.groups == 1
    assert parts.weight == pytest.approx([0.1, 0.3, 0.6])
    assert found.inward == pytest.approx([9.0])
    assert found.outward == pytest.approx([12.5])
    assert found.low[0] == pytest.approx([-3.0, -3.0])
    assert found.high[0] == pytest.approx([15.0, 15.0])
    assert (found.taken[0], found.given[0]) == pytest.approx((1 / 0.9, 0.8))
    assert (found.wear[0], found.worth[0]) == pytest.approx((5.6, 3.0))


def _assert_feasible(found: FleetPlan, cars: Cars, fleet: Batteries, hours: Floats) -> None:
    """Hold every device's set-points against its own limits."""
    assert np.all(found.cars >= -1e-12)
    assert np.all(found.cars <= cars.most + 1e-12)
    taken = found.cars.sum(axis=1)
    assert np.all(taken >= cars.least - 1e-9)
    assert np.all(taken <= cars.asked + 1e-9)
    for power in (found.charge, found.discharge):
        assert np.all(power >= -1e-12)
        assert np.all(power <= fleet.p_nom[:, None] * hours + 1e-9)
    assert np.minimum(found.charge, found.discharge).max(initial=0.0) <= 1e-6
    stored = fleet.follow(
        found.charge * fleet.efficiency_in[:, None],
        found.discharge / fleet.efficiency_out[:, None],
        hours,
    )
    assert np.all(stored >= fleet.floor(hours) - 1e-7)
    assert np.all(stored <= fleet.high[:, None] + 1e-7)
    assert np.all(stored[:, -1:] >= fleet.last[:, None] - 1e-7)


def _fleet_cost(found: FleetPlan, cars: Cars, fleet: Batteries, hours: Floats) -> float:
    """Wear, less what is left: what the fleet costs beside its power [CNY], by hand."""
    stored = fleet.follow(
        found.charge * fleet.efficiency_in[:, None],
        found.discharge / fleet.efficiency_out[:, None],
        hours,
    )[:, -1]
    later = float((cars.worth * (found.cars.sum(axis=1) - cars.least)).sum())
    return float(fleet.wear @ found.discharge.sum(axis=1) - fleet.worth @ stored) - later


def _power(found: FleetPlan, cars: Cars, hours: Floats) -> Floats:
    into_cars = (found.cars / cars.efficiency[:, None]).sum(axis=0)
    into_stores = found.charge.sum(axis=0) - found.discharge.sum(axis=0)
    return np.asarray((into_cars + into_stores) / hours)


# -- park and fleet -------------------------------------------------------------------------------


def test_real_sessions_and_batteries_are_planned_as_near_as_is_proven() -> None:
    """Two hundred devices. The cost is added up by hand, and the bound needs no solver at all.

    At the plan's prices each device alone, and the market alone, cost what simple arithmetic says:
    a car by its sorted steps, a battery by dynamic programming, the market by its two blocks.
    """
    price, hours = _prices(QUARTERS), QUARTERS
    cars, fleet = sessions(hours), batteries(100, 1)
    market, load = Market("market", 0.5, 2.0, 200.0), 0.2 + 0.1 * np.sin(np.arange(96.0))
    found = plan_fleet(market.program(price, load, hours), "bus", cars, fleet)
    _assert_feasible(found, cars, fleet, hours)
    power = load + _power(found, cars, hours)
    cost = market.cost(price, power, hours) + _fleet_cost(found, cars, fleet, hours)
    assert found.cost == pytest.approx(cost, abs=1e-6)
    at_once = (cars.uncontrolled() / cars.efficiency[:, None]).sum(axis=0) / hours
    rests = float(fleet.worth @ (fleet.start * fleet.keep**24))
    uncontrolled = market.cost(price, load + at_once, hours) - rests
    assert found.uncontrolled == pytest.approx(uncontrolled, abs=1e-6)
    bound = market.least(price, found.prices, load, hours)
    for most, least in zip(cars.most, cars.least, strict=True):
        left = least
        for step in sorted(range(96), key=lambda step: found.prices[step]):
            part = min(left, most[step])
            bound += part * found.prices[step] / 0.92
            left -= part
    bound += float(fleet.least_cost(found.prices, hours).sum())
    assert cost - bound <= 0.01 * (uncontrolled - bound)
    assert found.gap <= 0.01
    assert bound <= found.bound + 1e-6


def test_a_fleet_without_losses_costs_what_a_network_says() -> None:
    """Two hundred devices in whole kWh and CNY, by the network simplex of another package."""
    random = np.random.default_rng(5)
    price = np.round(_prices(HOURS)).astype(int)
    load = random.integers(300, 500, 24)
    begin, stay = random.integers(0, 16, 100), random.integers(2, 9, 100)
    at = np.arange(24)
    most = 7 * ((at >= begin[:, None]) & (at < (begin + stay)[:, None]))
    asked = np.floor(random.uniform(0.2, 0.9, 100) * most.sum(axis=1)).astype(int)
    p_nom, hold = random.choice([5, 10, 25], 100), random.choice([2, 3, 4], 100)
    content = p_nom * hold
    start, wear = random.integers(0, content + 1), random.choice([25, 35, 45], 100)
    best = _by_network(price, load, most, asked, p_nom, content, start, wear)
    one, none = np.ones(100), np.zeros(100)
    cars = Cars(most / 1.0, asked / 1.0, asked / 1.0, none, one)
    fleet = Batteries(
        p_nom / 1.0, none, content / 1.0, start / 1.0, none, one, one, one, wear / 1.0, none
    )
    market = Market("market", 600.0, 4_000.0, 200.0)
    program = market.program(price / 1.0, load / 1.0, HOURS)
    found = plan_fleet(program, "bus", cars, fleet, Effort(gap=0.002))
    _assert_feasible(found, cars, fleet, HOURS)
    assert found.bound - 1e-3 <= best <= found.cost + 1e-3
    assert found.cost - best <= 0.01 * (found.uncontrolled - best)
    assert found.gap <= 0.01


def _by_network(*numbers: npt.NDArray[np.integer]) -> int:
    price, load, most, asked, p_nom, content, start, wear = (each.tolist() for each in numbers)
    net = nx.DiGraph()
    steps = range(24)
    # What is stored now leaves by "rest" or by use; the grid fills up "rest" at no cost.
    net.add_node("grid", demand=-sum(load) - sum(asked))
    net.add_node("rest", demand=sum(start))
    net.add_edge("grid", "rest")
    for t in steps:
        net.add_node(t, demand=load[t])
        net.add_edge("grid", t, capacity=600, weight=price[t])
        net.add_node(("dear", t), demand=0)
        net.add_edge("grid", ("dear", t), capacity=4_000, weight=price[t] + 200)
        net.add_edge(("dear", t), t)
    for i in range(len(asked)):
        net.add_node(("car", i), demand=asked[i])
        for t in steps:
            if most[i][t]:
                net.add_edge(t, ("car", i), capacity=most[i][t])
        net.add_node((i, 0), demand=-start[i])
        for t in steps:
            net.add_edge(t, (i, t), capacity=p_nom[i], weight=0)
            net.add_edge((i, t), t, capacity=p_nom[i], weight=wear[i])
        for t, after in pairwise(steps):
            net.add_edge((i, t), (i, after), capacity=content[i])
        net.add_edge((i, 23), "rest", capacity=content[i])
    cost, _ = nx.network_simplex(net)
    return int(cost)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seeds)
def test_every_device_is_feasible_whatever_the_lattice(seed: int) -> None:
    random = np.random.default_rng(seed)
    hours = random.choice([0.5, 1.0], 16)
    cars, fleet = sessions(hours, int(random.integers(0, 40))), batteries(20, seed)
    lasting = random.uniform(0.0, 1.0, 20) < 0.3
    fleet = replace(fleet, last=np.where(lasting, 0.9 * fleet.start, 0.0))
    lattice = Lattice(*random.integers(1, 4, 3).tolist())
    market = Market("market", 0.3, 2.0, 150.0)
    program = market.program(_prices(hours, seed), np.full(16, 0.1), hours)
    found = plan_fleet(program, "bus", cars, fleet, Effort(lattices=(lattice,)))
    _assert_feasible(found, cars, fleet, hours)
    assert found.bound <= found.cost + 1e-6
    assert found.cost <= found.uncontrolled + 1e-6 or lasting.any()


def test_where_power_is_paid_to_be_taken_no_battery_goes_both_ways() -> None:
    price = np.full(4, -50.0)
    market = Market("market", 1.0, 0.0, 0.0)
    fleet = batteries(10, 2, worth=0.0)
    found = plan_fleet(
        market.program(price, np.full(4, 0.9), np.ones(4)), "bus", _no_cars(4), fleet
    )
    _assert_feasible(found, _no_cars(4), fleet, np.ones(4))
    assert found.bound <= found.cost


def test_a_fleet_of_nothing_costs_nothing() -> None:
    price, load = np.array([2.0, 3.0]), np.array([1.0, 1.0])
    market = Market("market", 2.0, 0.0, 0.0)
    none = batteries(0, 1)
    found = plan_fleet(market.program(price, load, np.ones(2)), "bus", _no_cars(2), none)
    assert [found.cost, found.bound, found.gap] == pytest.approx([5.0, 5.0, 0.0])
    assert found.cars.shape == found.charge.shape == (0, 2)


def test_a_last_energy_no_battery_can_reach_is_no_plan() -> None:
    market = Market("market", 9.0, 0.0, 0.0)
    program = market.program(np.ones(2), np.zeros(2), np.ones(2))
    fleet = _alone(p_nom=0.5, last=1.1)
    with pytest.raises(NoPlanError):
        plan_fleet(program, "bus", _no_cars(2), fleet)


def test_a_saving_is_never_one_of_fines() -> None:
    """A car that charges as it comes overloads the market: that it could not costs it nothing."""
    market = Market("market", 1.0, 0.0, 0.0)
    car = Cars(np.full((1, 2), 1.0), *(np.array([x]) for x in (1.0, 1.0, 0.0, 1.0)))
    program = market.program(np.array([9.0, 4.0]), np.array([0.5, 0.0]), np.ones(2))
    found = plan_fleet(program, "bus", car, batteries(0, 1))
    # Uncontrolled it takes 1 in the first hour, of which half is there at 9.
    assert found.uncontrolled == pytest.approx(9.0)
    assert found.cost == pytest.approx(4.5 + 4.0)
    assert found.gap == 0.0


def test_what_is_missing_is_no_device() -> None:
    one = np.ones(1)
    with pytest.raises(AssertionError, match="no gaps"):
        Cars(np.full((1, 2), np.nan), one, one, one, one)
    with pytest.raises(AssertionError, match="gives nothing back"):
        Cars(np.array([[1.0, -0.1]]), one, one, one, one)
    with pytest.raises(AssertionError, match="part of what may be"):
        Cars(np.ones((1, 2)), 2.0 * one, one, one, one)
    with pytest.raises(AssertionError, match="no gaps"):
        _alone(start=np.nan)
    with pytest.raises(AssertionError, match="lies in the band"):
        _alone(start=2.1)
