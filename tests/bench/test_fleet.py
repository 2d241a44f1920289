"""The benchmark's fleet is the one of its problems, and what it measures is held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.fleet import apart, once, wrong_by
from bench.shapes import TINY, Park
from zeropark.formulation.fleet_plan import FleetPlan

SIZE = replace(TINY, fleet=20)


def test_park_and_fleet_are_the_whole_problem() -> None:
    whole = Park(SIZE).problem()
    park, cars, batteries = apart(whole, SIZE)
    assert (len(cars), len(batteries)) == (10, 10)
    assert len(park.stores) == 2
    assert len(park.flexible) + len(cars) == len(whole.flexible)
    assert cars.asked.sum() + park.flexible.most.sum() == pytest.approx(whole.flexible.most.sum())


def test_the_optimum_lies_between_bound_and_cost() -> None:
    found = once(SIZE)
    assert found.least is not None
    near = 1e-6 * abs(found.cost)
    assert found.bound - near <= found.least <= found.cost + near
    assert found.wrong <= 1e-7
    assert found.gap <= 0.01


def test_a_device_that_breaks_a_limit_is_seen() -> None:
    _, cars, batteries = apart(Park(SIZE).problem(), SIZE)
    rest = np.zeros((10, 12))
    charge = rest.copy()
    charge[3, 0] = 2.0 * batteries.p_nom[3] + 0.01
    still = FleetPlan(cars.uncontrolled(), rest, rest, 0.0, 0.0, 0.0, np.zeros(12), 1)
    # Standing costs the batteries what they were to have at the end.
    lost = float((batteries.last - batteries.start * batteries.keep**24).max())
    assert wrong_by(still, cars, batteries, 2.0) == pytest.approx(lost)
    assert wrong_by(replace(still, charge=charge), cars, batteries, 2.0) >= 0.01 - 1e-9
