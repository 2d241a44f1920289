"""Single cars: the plan costs what a plan of a row for each car does, and each car can do it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import linprog
from scipy.sparse import coo_array

from tests.assets.yard import END_PRICE, XINING, outlook_of, parse
from zeropark.assets.ev_fleet import EvFleet, split_into_parts
from zeropark.assets.ev_hub import HubDevice
from zeropark.assets.kind import Device, Horizon, Kind
from zeropark.data.jobs import hours_since_1970
from zeropark.data.sessions import ExpectedSessions, SessionTable
from zeropark.formulation.program import Balance
from zeropark.formulation.queue import Work
from zeropark.operate.horizon import Steps
from zeropark.operate.planner import Planner
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
SLOT, STEPS, RATE, SHORT = 0.25, 24, 0.01, 3_000.0
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
        leaves = now + self.stay * SLOT
        # A moment ago, so that nothing is charged before the first step.
        arrival = np.full(count, now - 1e-7)
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
    station = coo_array(
        (np.ones(size), (column % STEPS, column)), shape=(STEPS, size + count)
    )
    found = linprog(
        cost, station, np.full(STEPS, fleet.p_nom * SLOT), must, cars.energy, bounds
    )
    assert found.status == 0, found.message
    return float(found.fun) + cars.energy.sum() * END_PRICE / fleet.efficiency


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 0.3, 0.06]), st.sampled_from([0.0, 0.02]))
def test_groups_cost_what_a_row_for_each_car_costs(seed: int, p_nom: float, leave: float) -> None:
    cars = Cars.of(seed, 40)
    prices = np.round(np.random.default_rng(seed).uniform(50.0, 900.0, STEPS), 1)
    # What is short counts when a car leaves; where hurry is worth something none is.
    yard = Yard(_fleet(groups=90, p_nom=1.0 if leave else p_nom), cars, prices, leave)
    plan = yard.plan(0)
    assert plan.solution.objective == pytest.approx(_least(yard), rel=1e-6, abs=1e-6)
