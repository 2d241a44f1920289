"""Perfect foresight is a bound: no simulated device does better than the plan's best case.

A random park is lived through with random set-points, and it costs what it costs. The program of
the best case, asked for the least cost of the same world, never costs more than that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.assets.yard import (
    END_PRICE,
    NODES,
    WHOLE,
    day,
    outlook_of,
    parse,
    program_of,
    simple_tariff,
    with_arrivals,
)
from zeropark.assets import kinds
from zeropark.assets.battery import Battery
from zeropark.assets.kind import Kind
from zeropark.data.outlook import Outlook
from zeropark.formulation.solver import Solver
from zeropark.operate.plant import Plant

KINDS = sorted(kinds())
STEPS = 48


def _lived_cost(assets: Sequence[Kind], truth: Outlook, seed: int) -> float:
    """What a random policy pays [CNY]: the devices' own costs, spilled heat, and the ends."""
    random = np.random.default_rng(seed)
    spills = {node.name: node.spill_cost is not None for node in NODES}
    plant = Plant(assets, truth, spills, seed)
    spilled = 0.0
    for index, hours in enumerate(truth.grid.hours.tolist()):
        plant.write({a.name: _random_setpoints(a, random) for a in assets})
        plant.step(index)
        spilled += sum(plant.spilled.values()) * hours
        assert plant.residual <= 1e-6, "a park that does not balance proves nothing"
    readings = plant.read()
    costs = sum(sum(device.costs.values()) for device in plant.devices.values())
    return costs + spilled + sum(a.end_cost(readings[a.name], END_PRICE) for a in assets)


def _random_setpoints(asset: Kind, random: np.random.Generator) -> dict[str, float]:
    points = [point.name for point in type(asset).points if point.writable]
    return {p: float(random.uniform(-1.2, 1.2)) for p in points if random.random() < 0.6}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_no_policy_beats_the_best_case(kind: str, seed: int) -> None:
    assets = parse(kinds()[kind].example)
    truth = with_arrivals(outlook_of(day(STEPS, 30)), assets, seed)
    best = Solver(program_of(assets, truth.at_its_best())).solve()
    assert not best.elastic
    assert best.objective <= _lived_cost(assets, truth, seed) + 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_no_policy_beats_the_best_case_of_a_whole_yard(seed: int) -> None:
    assets = parse(WHOLE)
    truth = outlook_of(day(STEPS, 30))
    best = Solver(program_of(assets, truth.at_its_best())).solve()
    assert best.objective <= _lived_cost(assets, truth, seed) + 1e-6


@pytest.mark.parametrize("kind", ["pv", "wind"])
@pytest.mark.parametrize("seed", range(5))
def test_a_source_never_gives_more_than_its_best(kind: str, seed: int) -> None:
    asset = next(a for a in parse(kinds()[kind].example) if a.kind == kind)
    truth = outlook_of(day())
    most = asset.signals(truth.at_its_best())["available"][0]
    device = asset.device(truth, np.random.default_rng(seed))
    for index, best in enumerate(most.tolist()):
        assert device.step(index, 0.25, {}, {})["node"] <= best + 1e-12


@pytest.mark.parametrize(
    ("kind", "product", "rate"),
    [("heat_pump", "heat", "cop"), ("chiller", "cooling", "eer"), ("boiler", "heat", "efficiency")],
)
def test_a_converter_never_makes_more_than_its_best(kind: str, product: str, rate: str) -> None:
    asset = next(a for a in parse(kinds()[kind].example) if a.kind == kind)
    truth = outlook_of(day())
    best = asset.signals(truth.at_its_best())[rate][0]
    device = asset.device(truth, np.random.default_rng(1))
    for index, most in enumerate(best.tolist()):
        for p in (0.0, 0.05, 0.3, 10.0):
            flows = device.step(index, 0.25, {"p": p}, {})
            assert flows[product] <= -flows["node"] * most + 1e-12


@pytest.mark.parametrize("p", np.linspace(-1.0, 1.0, 41).tolist())
def test_a_bound_on_a_battery_lies_close_and_never_below_what_it_stores(p: float) -> None:
    """A twentieth of a percent of the power is all that a tangent gives away."""
    found = next(a for a in parse(kinds()["battery"].example) if isinstance(a, Battery))
    battery = found.model_copy(update={"room_temperature": 35.0, "room_leak": 0.0})
    truth = outlook_of(day())
    program = program_of([battery], truth.at_its_best())
    says = {
        name: float(given.array[0, -1]) for name, given in program.blocks["battery"].signals.items()
    }
    bends = sum(name.startswith("bend_in_") for name in says)
    hard = {
        way: sum(
            says[f"worse_{way}_{k}"] * max(0.0, abs(p) - says[f"bend_{way}_{k}"])
            for k in range(bends)
        )
        for way in ("in", "out")
    }
    best = -p * says["efficiency"] - hard["in"] if p < 0 else -p / says["efficiency"] - hard["out"]
    device = battery.device(truth, np.random.default_rng(1))
    before = device.read()["energy"]
    device.step(0, 0.1, {"p": p}, {})
    grown = (device.read()["energy"] - before * battery.keep**0.1) / 0.1
    assert grown <= best + 1e-12
    assert best - grown <= 0.0005


def test_the_tariff_of_these_tests_sells_no_dearer_than_it_buys() -> None:
    """With arbitrage without end there would be no best case to speak of."""
    grid = day()
    tariff = simple_tariff()
    assert np.all(tariff.export_prices(grid) <= tariff.import_prices(grid))
