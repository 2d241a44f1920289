"""Single cars: the plan costs what a plan of a row for each car does, and each car can do it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import linprog
from scipy.sparse import coo_array

from tests.assets.yard import (
    END_PRICE,
    NODES,
    XINING,
    day,
    outlook_of,
    parse,
    program_of,
    with_arrivals,
)
from zeropark.assets.ev_fleet import EvFleet, split_into_parts
from zeropark.assets.ev_hub import HubDevice
from zeropark.assets.kind import Device, Horizon, Kind
from zeropark.data.jobs import hours_since_1970
from zeropark.data.sessions import ExpectedSessions, SessionTable
from zeropark.formulation.program import Balance
from zeropark.formulation.queue import Work
from zeropark.formulation.solver import Solver
from zeropark.operate.horizon import Steps
from zeropark.operate.planner import Planner
from zeropark.operate.plant import Plant
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
SLOT, STEPS, RATE, SHORT = 0.25, 24, 0.01, 3_000.0
CRUMB = 1e-7
TIE = "{kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: simple}"
NONE = np.zeros(0)


def _fleet(**changes: object) -> EvFleet:
    words: dict[str, object] = {
        "name": "hub",
        "node": "bus",
        "p_nom": 1.0,
        "connectors": [{"name": "ac", "count": 500, "p_nom": RATE}],
        "taper": 0.0,
        "efficiency": 0.9,
        "efficiency_best": 0.9,
    }
    return EvFleet.model_validate({**words, **changes})


@dataclass
class Cars:
    """Cars that are there now: slots they stay, energy [MWh], rate [MW]."""

    stay: npt.NDArray[np.intp]
    energy: Floats
    rate: Floats

    @classmethod
    def of(cls, seed: int, count: int, longest: int = STEPS) -> Cars:
        random = np.random.default_rng(seed)
        stay = random.integers(1, longest + 1, count)
        rate = np.round(random.uniform(0.5, 1.0, count) * RATE, 6)
        share = random.uniform(0.0, 1.0, count)
        share[random.random(count) < 0.1] = 1.0
        return cls(stay, share * stay * SLOT * rate, rate)

    def table(self, grid: TimeGrid) -> SessionTable:
        now = float(hours_since_1970(grid.start))
        count = len(self.stay)
        leaves: Floats = np.asarray(now + self.stay * SLOT, dtype=np.float64)
        # A moment ago, so that nothing is charged before the first step.
        arrival: Floats = np.full(count, now - 1e-7)
        none = np.zeros(count, dtype=np.intp)
        return SessionTable(grid, arrival, leaves, leaves, self.energy, self.rate, none)


class Yard:
    """A tie and cars that are all there, planned for `STEPS` slots."""

    def __init__(self, fleet: EvFleet, cars: Cars, prices: Floats, leave: float = 0.0) -> None:
        self.fleet, self.cars, self.prices = fleet, cars, prices
        start = np.datetime64("2026-04-16T16:00:00")
        self.grid = TimeGrid.regular(start, STEPS * 2, SLOT * 60, XINING.zone)
        outlook = outlook_of(self.grid)
        tariff = outlook.tariffs["simple"].model_copy(update={"demand": None})
        self.outlook = type(outlook)(
            self.grid, None, {"simple": tariff}, self.grid, tables={"hub": cars.table(self.grid)}
        )
        self.assets: list[Kind] = [*parse(f"assets: [{TIE}]"), fleet]
        self.planner = Planner(self.assets, [Balance("bus", "electricity")], Steps(SLOT, STEPS))
        random = np.random.default_rng(1)
        self.devices: dict[str, Device] = {
            a.name: a.device(self.outlook, random) for a in self.assets
        }
        self.expected = ExpectedSessions(NONE, NONE, NONE, NONE, leave)

    @property
    def hub(self) -> HubDevice:
        found = self.devices["hub"]
        assert isinstance(found, HubDevice)
        return found

    def plan(self, step: int) -> Any:
        ahead = self.outlook.window(step, step + STEPS)
        signals: dict[str, dict[str, Any]] = {}
        for kind, own in self.planner.kinds.items():
            signals[kind] = own[0].signals(ahead)
        prices = np.concatenate([self.prices, np.full(STEPS, 500.0)])[step : step + STEPS]
        signals["grid_tie"]["price_import"] = prices[None, :]
        readings = {name: device.read() for name, device in self.devices.items()}
        horizon = Horizon(ahead.grid, END_PRICE, expected={"hub": self.expected})
        plan = self.planner.plan(step, signals, readings, horizon)
        assert plan is not None
        return plan


def _least(yard: Yard) -> float:
    """One column per car and slot, written by hand: what the cheapest plan costs [CNY]."""
    cars, fleet = yard.cars, yard.fleet
    count = len(cars.stay)
    size = count * STEPS
    risk = yard.expected.leave_rate * SLOT * np.arange(STEPS, 0, -1) * SHORT
    each = yard.prices / fleet.efficiency - END_PRICE / fleet.efficiency - risk
    # What is short at the last moment is settled as well.
    last = SHORT - END_PRICE / fleet.efficiency - risk[cars.stay - 1]
    cost = np.concatenate([np.tile(each, count), last])
    inside = np.arange(STEPS) < cars.stay[:, None]
    upper = np.where(inside, cars.rate[:, None] * SLOT, 0.0).ravel()
    bounds = np.stack(
        [np.zeros(size + count), np.concatenate([upper, np.full(count, np.inf)])], axis=1
    )
    car, column = np.repeat(np.arange(count), STEPS), np.arange(size)
    must = coo_array(
        (np.ones(size + count), (np.append(car, np.arange(count)), np.arange(size + count)))
    )
    station = coo_array((np.ones(size), (column % STEPS, column)), shape=(STEPS, size + count))
    found = linprog(cost, station, np.full(STEPS, fleet.p_nom * SLOT), must, cars.energy, bounds)
    assert found.status == 0, found.message
    return float(found.fun) + float(cars.energy.sum()) * END_PRICE / fleet.efficiency


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 0.3, 0.06]), st.sampled_from([0.0, 0.02]))
def test_groups_cost_what_a_row_for_each_car_costs(seed: int, p_nom: float, leave: float) -> None:
    cars = Cars.of(seed, 40)
    prices = np.round(np.random.default_rng(seed).uniform(50.0, 900.0, STEPS), 1)
    # What is short counts when a car leaves; where hurry is worth something none is.
    yard = Yard(_fleet(groups=90, p_nom=1.0 if leave else p_nom), cars, prices, leave)
    plan = yard.plan(0)
    assert plan.solution.objective == pytest.approx(_least(yard), rel=1e-6, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([90, 4, 1]))
def test_each_car_does_what_it_is_told_and_leaves_with_what_it_asked_for(
    seed: int, groups: int
) -> None:
    """Planned anew at every step and lived; with groups enough, it costs what was planned first."""
    cars = Cars.of(seed, 30, 18)
    prices = np.round(np.random.default_rng(seed).uniform(50.0, 900.0, STEPS), 1)
    yard = Yard(_fleet(groups=groups), cars, prices)
    paid, costs = 0.0, []
    for step in range(18):
        plan = yard.plan(step)
        costs.append(plan.solution.objective)
        told = yard.planner.setpoints(plan, step)["hub"]
        work = yard.hub.read()["sessions"]
        power = yard.fleet.powers(told, work, SLOT)
        assert power.sum() == pytest.approx(told["charge"], abs=CRUMB)
        assert (power >= 0.0).all()
        assert (power <= work.rate + CRUMB).all()
        left = work.amount - power * SLOT
        assert (left >= -CRUMB).all()
        assert (left <= work.rate * (work.deadline - SLOT) + CRUMB).all()
        yard.hub.step(step, SLOT, told, {})
        assert yard.hub.sessions()["power"] == pytest.approx(power, abs=CRUMB)
        paid += yard.hub.p * SLOT * prices[step]
    found = yard.hub.read()
    assert found["short_total"] <= CRUMB
    assert found["served_total"] == pytest.approx(cars.energy.sum(), abs=1e-6)
    if groups == 90:
        assert paid == pytest.approx(costs[0], rel=1e-5)
    assert paid >= _least(yard) - 1e-4


@pytest.mark.parametrize("groups", [200, 24, 8, 1])
def test_parts_never_promise_more_than_their_car_can_do(groups: int) -> None:
    """In any number of the first slots, parts of a car take no more than it, and in all as much."""
    cars = Cars.of(7, 60, 96)
    none = np.zeros(60)
    leaves: Floats = np.asarray(cars.stay * SLOT, dtype=np.float64)
    work = Work(none.astype(np.intp), cars.energy, cars.rate, none, leaves)
    parts = split_into_parts(work, SLOT, groups)
    free = ~parts.tight & (cars.energy > 0.0)
    stay, need = parts.stay[parts.group], parts.need[parts.group]
    for slots in range(97):
        most = parts.share * SLOT * np.minimum(np.minimum(slots, stay), need)
        can = np.minimum(cars.rate * SLOT * np.minimum(slots, cars.stay), cars.energy)
        assert (np.bincount(parts.car, most, 60)[free] <= can[free] + 1e-12).all()
    whole = np.bincount(parts.car, parts.share * SLOT * need, 60)
    assert whole[free] == pytest.approx(cars.energy[free])
    assert parts.row.max() < 3 + groups


def test_few_groups_round_needs_and_stays_by_hand() -> None:
    """5 of 9 slots and 4 of 8 in one group: 9 is told as 8, 5 as half 4 and half 6.

    The group goes to those of 6, with the least to spare; the others follow the curves.
    """
    parts = split_into_parts(_work((0.05, 0.01, 9.0), (0.04, 0.01, 8.0)), 1.0, 1)
    assert list(zip(parts.stay.tolist(), parts.need.tolist(), strict=True)) == [(8, 4), (8, 6)]
    assert parts.power.tolist() == pytest.approx([0.015, 0.005])
    assert parts.row.tolist() == [0, 3]


def test_one_group_is_not_enough_for_sixty_cars() -> None:
    """So the test that enough groups are exact could fail."""
    cars = Cars.of(7, 60)
    prices = np.round(np.random.default_rng(7).uniform(50.0, 900.0, STEPS), 1)
    yard = Yard(_fleet(groups=1), cars, prices)
    assert abs(yard.plan(0).solution.objective - _least(yard)) > 1.0


def test_a_warm_plan_costs_what_a_cold_one_does() -> None:
    cars = Cars.of(11, 40, 18)
    prices = np.round(np.random.default_rng(11).uniform(50.0, 900.0, STEPS), 1)
    warm = Yard(_fleet(groups=16), cars, prices)
    for step in range(6):
        plan = warm.plan(step)
        cold = Yard(_fleet(groups=16), cars, prices)
        cold.devices = warm.devices
        again = cold.plan(step)
        assert plan.solution.objective == pytest.approx(again.solution.objective, rel=1e-6)
        warm.hub.step(step, SLOT, warm.planner.setpoints(plan, step)["hub"], {})


def _work(*cars: tuple[float, float, float]) -> Work:
    """Cars of (amount [MWh], rate [MW], time left [h])."""
    amount, rate, deadline = np.array(cars, dtype=float).T
    none = np.zeros(len(cars))
    return Work(none.astype(np.intp), amount, rate, none, deadline)


def test_a_car_is_parts_of_cars_that_need_whole_slots_by_hand() -> None:
    """2.5 slots' worth of four: half a car that needs 2 and half a one that needs 3."""
    parts = split_into_parts(_work((0.025, 0.01, 4.0)), 1.0, 9)
    assert list(zip(parts.stay.tolist(), parts.need.tolist(), strict=True)) == [(4, 2), (4, 3)]
    assert parts.power.tolist() == pytest.approx([0.005, 0.005])
    assert parts.row.tolist() == [3, 4]
    assert parts.work.amount.sum() == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("amount", "left", "expected", "tight"),
    [
        (0.02, 4.0, [(4, 2)], False),
        (0.005, 4.0, [(4, 1)], False),
        (0.04, 4.0, [], True),
        (0.035, 4.0, [(4, 3), (4, 4)], False),
        # Half past three: it needs no more than three whole hours, or else all of the time.
        (0.02, 3.5, [(3, 2)], False),
        (0.031, 3.5, [], True),
        (0.005, 0.5, [], True),
    ],
)
def test_the_edges_of_a_stay(
    amount: float, left: float, expected: list[tuple[int, int]], *, tight: bool
) -> None:
    parts = split_into_parts(_work((amount, 0.01, left)), 1.0, 9)
    found = list(zip(parts.stay.tolist(), parts.need.tolist(), strict=True))
    assert found == expected
    assert parts.tight.tolist() == [tight]


def test_where_there_are_too_many_groups_the_most_urgent_ones_are_kept() -> None:
    """Slots to spare: 6, 2 and 4; two groups are those with 2 and 4."""
    parts = split_into_parts(_work((0.02, 0.01, 8.0), (0.02, 0.01, 4.0), (0.02, 0.01, 6.0)), 1.0, 2)
    rows = dict(zip(parts.stay.tolist(), parts.row.tolist(), strict=True))
    assert rows == {4: 3, 6: 4, 8: 0}


def test_a_total_alone_is_split_as_a_hub_splits_it() -> None:
    work = _work((0.02, 0.01, 8.0), (0.02, 0.01, 2.5), (0.01, 0.01, 1.0))
    fleet = _fleet()
    hub = fleet.split(0.015, work, 1.0)
    assert fleet.powers({"charge": 0.015}, work, 1.0).tolist() == hub.tolist()
    # Told for steps of another length, or another total than its rows': the total counts.
    others = {"charge": 0.015, "rest": 0.01, "must": 0.005, "slot": 0.25}
    assert fleet.powers(others, work, 1.0).tolist() == hub.tolist()
    assert fleet.powers({**others, "slot": 1.0, "rest": 0.0}, work, 1.0).tolist() == hub.tolist()


def test_who_comes_within_a_step_has_what_the_rest_has() -> None:
    """One is there and must charge; one comes at half time and takes 5 of its 10 kW as a mean."""
    work = _work((0.01, 0.01, 1.0), (0.02, 0.01, 4.0))
    work = Work(work.member, work.amount, work.rate, np.array([0.0, 0.5]), work.deadline)
    told = {"charge": 0.015, "must": 0.01, "rest": 0.005, "slot": 1.0}
    assert _fleet().powers(told, work, 1.0).tolist() == pytest.approx([0.01, 0.005])


def test_steps_that_grow_are_planned_as_a_hub_plans_them() -> None:
    cars = Cars.of(3, 20, 12)
    yard = Yard(_fleet(), cars, np.full(STEPS, 400.0))
    hours = np.append(np.full(STEPS - 1, SLOT), 1.0)
    grid = TimeGrid(yard.grid.start, hours, yard.grid.zone)
    found = yard.fleet.situation(yard.hub.read(), Horizon(grid, END_PRICE))
    assert (found.signals["limit"][1:] == 0.0).all()
    assert found.signals["earliest"][0, -1] == pytest.approx(cars.energy.sum(), abs=1e-7)


def test_a_stay_beyond_the_horizon_must_have_what_cannot_follow() -> None:
    """30 slots from now 28 are needed, 24 are seen: at least 22 of them."""
    cars = Cars(np.array([30]), np.array([28 * SLOT * RATE]), np.array([RATE]))
    yard = Yard(_fleet(), cars, np.full(STEPS, 900.0))
    plan = yard.plan(0)
    assert plan.amounts("ev_fleet", "charge").sum() == pytest.approx(22 * SLOT * RATE, abs=1e-6)


@pytest.mark.parametrize("groups", [0, 401])
def test_groups_are_one_to_four_hundred(groups: int) -> None:
    with pytest.raises(ValidationError):
        _fleet(groups=groups)
    assert [_fleet(groups=some).groups for some in (1, 400)] == [1, 400]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("push", [0.0, 0.3, 2.0])
def test_no_policy_beats_the_best_case(seed: int, push: float) -> None:
    assets: list[Kind] = parse(EvFleet.example)
    whole = day(96 * 2)
    outlook = with_arrivals(outlook_of(whole), assets, seed)
    truth = replace(outlook.window(96, 192), run=whole.window(96, 192))
    best = Solver(program_of(assets, truth.at_its_best())).solve()
    plant = Plant(assets, truth, {node.name: node.spill_cost is not None for node in NODES}, seed)
    random = np.random.default_rng(seed)
    for index in range(96):
        rows = dict.fromkeys(["rest", "must", "once", "group-0", "group-1"], 0.0)
        told = {name: push * random.uniform(0.0, 0.1) for name in rows}
        plant.write({"hub": {**told, "charge": sum(told.values()), "slot": SLOT}})
        plant.step(index)
    readings = plant.read()
    lived = sum(sum(device.costs.values()) for device in plant.devices.values())
    lived += sum(asset.end_cost(readings[asset.name], END_PRICE) for asset in assets)
    assert best.objective <= lived + 1e-6
