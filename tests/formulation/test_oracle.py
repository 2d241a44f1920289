"""PyPSA finds the same optimum for what both can say.

Its network is written here from the same assets, component by component. Left out is what it cannot
say: a price of demand, a worth of what is stored at the end, limits that give way.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.assets.yard import NODES, by_kind
from tests.formulation.random_parks import (
    START,
    ZONE,
    inputs_at,
    program_for,
    random_assets,
    random_signals,
)
from zeropark.assets import kinds
from zeropark.assets.kind import Kind
from zeropark.data.outlook import Outlook
from zeropark.formulation.program import Balance
from zeropark.formulation.solver import Solver
from zeropark.model.tariff import Tariff
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
STEPS = 10
FREE = {"from": "2020-01-01", "bands": [{"name": "all", "hours": ["0-24"], "price": 0.0}]}


@dataclass
class Parts:
    """Components noted one by one and added many at once, which takes PyPSA a tenth of the time."""

    hours: float
    alike: dict[tuple[str, ...], dict[str, dict[str, Any]]] = field(default_factory=dict)

    def add(self, component: str, name: str, **said: Any) -> None:
        self.alike.setdefault((component, *said), {})[name] = said

    def assembled(self, network: Any) -> Any:
        steps = range(STEPS)
        network.set_snapshots(steps, default_snapshot_weightings=self.hours)
        for (component, *words), parts in self.alike.items():
            columns: dict[str, Any] = {}
            for word in words:
                each = {name: said[word] for name, said in parts.items()}
                timed = any(isinstance(value, np.ndarray) for value in each.values())
                columns[word] = pd.DataFrame(each, index=steps) if timed else list(each.values())
            network.add(component, list(parts), **columns)
        return network


def _network(
    assets: Sequence[Kind],
    signals: Mapping[str, Mapping[str, Floats]],
    hours: float,
    nodes: Sequence[Balance],
) -> Any:
    """The park as PyPSA's components; powers in MW, what is stored in MWh."""
    import pypsa  # noqa: PLC0415 - takes seconds to import

    network = Parts(hours)
    used = {node for asset in assets for node in asset.port_nodes().values()}
    for node in nodes:
        if node.name in used:
            network.add("Bus", node.name)
            if node.spill_cost is not None:
                network.add(
                    "Generator", f"{node.name} spill", bus=node.name, p_nom=1e3, p_min_pu=-1.0,
                    p_max_pu=0.0, marginal_cost=-node.spill_cost,
                )  # fmt: skip
    for kind, members in by_kind(assets).items():
        for row, asset in enumerate(members):
            given = {name: array[row] for name, array in signals[kind].items()}
            COMPONENTS[kind](network, asset, given)
    return network.assembled(pypsa.Network())


def _tie(network: Parts, tie: Any, given: Mapping[str, Floats]) -> None:
    there = given["available"]
    network.add(
        "Generator", f"{tie.name} import", bus=tie.node, p_nom=tie.import_max, p_max_pu=there,
        marginal_cost=given["price_import"],
    )  # fmt: skip
    network.add(
        "Generator", f"{tie.name} export", bus=tie.node, p_nom=tie.export_max, p_min_pu=-there,
        p_max_pu=0.0, marginal_cost=given["price_export"],
    )  # fmt: skip


def _load(network: Parts, load: Any, given: Mapping[str, Floats]) -> None:
    network.add("Load", load.name, bus=load.node, p_set=given["demand"])
    network.add(
        "Generator", f"{load.name} unserved", bus=load.node, p_nom=1.0, p_max_pu=given["demand"],
        marginal_cost=load.price_unserved,
    )  # fmt: skip


def _curtailable(network: Parts, load: Any, given: Mapping[str, Floats]) -> None:
    _load(network, load, given)
    network.add(
        "Generator", f"{load.name} curtailed", bus=load.node, p_nom=1.0,
        p_max_pu=given["curtailable"], marginal_cost=load.price_curtailed,
    )  # fmt: skip


def _source(network: Parts, source: Any, given: Mapping[str, Floats]) -> None:
    network.add("Generator", source.name, bus=source.node, p_nom=1.0, p_max_pu=given["available"])


def _battery(network: Parts, battery: Any, given: Mapping[str, Floats]) -> None:
    name, efficiency = battery.name, battery.efficiency
    network.add("Bus", f"{name} cells")
    network.add(
        "Store", name, bus=f"{name} cells", e_nom=battery.e_nom, e_min_pu=battery.floor,
        e_max_pu=battery.ceiling, standing_loss=1.0 - battery.keep,
        e_initial=_after_a_step(network, battery, battery.keep),
    )  # fmt: skip
    network.add(
        "Link", f"{name} charge", bus0=battery.node, bus1=f"{name} cells", p_nom=battery.p_nom,
        p_max_pu=given["charge_limit"], efficiency=efficiency,
    )  # fmt: skip
    # A link's power is counted where it enters: what leaves is that times its efficiency.
    network.add(
        "Link", f"{name} discharge", bus0=f"{name} cells", bus1=battery.node,
        p_nom=battery.p_nom / efficiency, efficiency=efficiency,
        marginal_cost=battery.wear_cost * efficiency,
    )  # fmt: skip


def _begins(store: Any) -> float:
    """Stored energy at the start, inside the band."""
    if store.kind == "battery":
        return float(store.e_floor + store.start * (store.e_ceiling - store.e_floor))
    return float(store.start * store.e_nom)


def _after_a_step(network: Parts, store: Any, keep: float) -> float:
    """What a store begins with, less the first step's standing loss, which PyPSA leaves out."""
    return _begins(store) * float(keep**network.hours)


def _tank(network: Parts, tank: Any, given: Mapping[str, Floats]) -> None:
    del given
    keep = (1.0 - tank.standing_loss) ** (1 / 24)
    network.add(
        "StorageUnit", tank.name, bus=tank.node, p_nom=tank.q_nom,
        max_hours=tank.e_nom / tank.q_nom, standing_loss=1.0 - keep,
        state_of_charge_initial=_after_a_step(network, tank, keep),
    )  # fmt: skip


def _converter(port: str, rate: str) -> Any:
    def add(network: Parts, asset: Any, given: Mapping[str, Floats]) -> None:
        network.add(
            "Link", asset.name, bus0=asset.node, bus1=getattr(asset, port), p_nom=asset.p_nom,
            efficiency=given[rate],
        )  # fmt: skip

    return add


def _line(network: Parts, line: Any, given: Mapping[str, Floats]) -> None:
    del given
    kept = 1.0 - line.loss
    for way, start, end, most in (
        ("inward", line.node, line.near, line.p_in),
        ("outward", line.near, line.node, line.p_out),
    ):
        # PyPSA charges what is sent, we what is delivered.
        network.add(
            "Link", f"{line.name} {way}", bus0=start, bus1=end, p_nom=most, efficiency=kept,
            marginal_cost=line.charge * kept,
        )  # fmt: skip


def _transformer(network: Parts, transformer: Any, given: Mapping[str, Floats]) -> None:
    del given
    network.add(
        "Link", transformer.name, bus0=transformer.node, bus1=transformer.up,
        p_nom=transformer.p_nom, p_min_pu=-1.0,
    )  # fmt: skip
    network.add("Load", f"{transformer.name} idle", bus=transformer.up, p_set=transformer.p_idle)


def _generator(network: Parts, generator: Any, given: Mapping[str, Floats]) -> None:
    cost = generator.fuel_price / given["efficiency"] + generator.wear_cost
    network.add(
        "Generator", generator.name, bus=generator.node, p_nom=generator.p_nom, marginal_cost=cost
    )


def _electrolyser(network: Parts, cells: Any, given: Mapping[str, Floats]) -> None:
    sold = f"{cells.name} sold"
    network.add("Bus", sold)
    network.add("Generator", sold, bus=sold, p_nom=1e3, p_min_pu=-1.0, p_max_pu=0.0)
    network.add(
        "Link", cells.name, bus0=cells.node, bus1=sold, p_nom=cells.p_nom,
        efficiency=given["efficiency"], marginal_cost=-cells.price * given["efficiency"],
    )  # fmt: skip


COMPONENTS: Mapping[str, Any] = {
    "line": _line,
    "transformer": _transformer,
    "generator": _generator,
    "grid_tie": _tie,
    "load": _load,
    "heat_load": _load,
    "cooling_load": _load,
    "curtailable_load": _curtailable,
    "pv": _source,
    "wind": _source,
    "battery": _battery,
    "thermal_store": _tank,
    "boiler": _converter("heat", "efficiency"),
    "heat_pump": _converter("heat", "cop"),
    "chiller": _converter("cooling", "eer"),
    "electrolyser": _electrolyser,
}


def _readings(assets: Sequence[Kind]) -> dict[str, dict[str, float]]:
    zero = dict.fromkeys(("peak_even", "peak_odd", "demand_price_even", "demand_price_odd"), 0.0)
    tie = {**zero, "drawn": 0.0, "interval": 0.25, "left_even": 24.0, "left_odd": 24.0}
    return {
        asset.name: tie if asset.kind == "grid_tie"
        else {"energy": _begins(asset)} if asset.kind in {"battery", "thermal_store"}
        else {}
        for asset in assets
    }  # fmt: skip


def _compare(
    assets: Sequence[Kind],
    signals: Mapping[str, Mapping[str, Floats]],
    grid: TimeGrid,
    nodes: Sequence[Balance] = NODES,
) -> None:
    """Solve the park both ways and hold the optima to each other."""
    program = program_for(assets, grid.hours, nodes)
    program.update(inputs_at(by_kind(assets), signals, _readings(assets), grid, end_price=0.0))
    ours = Solver(program).solve()
    assert not ours.elastic, "a limit gave way, of which PyPSA has none"
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = _network(assets, signals, float(grid.hours[0]), nodes)
        status, _ = network.optimize(
            solver_name="highs", log_to_console=False, include_objective_constant=False
        )
    logging.disable(logging.NOTSET)
    assert status == "ok"
    assert ours.objective == pytest.approx(float(network.objective), rel=1e-6, abs=1e-6)


@pytest.mark.oracle
@settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(seed=st.integers(0, 2**32 - 1), minutes=st.sampled_from([15, 30, 60]))
def test_pypsa_finds_the_same_optimum(seed: int, minutes: int) -> None:
    random = np.random.default_rng(seed)
    grid = TimeGrid.regular(START, STEPS, minutes, ZONE)
    unsaid: dict[str, dict[str, Any]] = {
        "grid_tie": {"contract": None},
        "battery": {"reserve": 0.0},
    }
    assets = [a.model_copy(update=unsaid.get(a.kind, {})) for a in random_assets(random)]
    tariff = Tariff.model_validate({"name": "simple", "energy": [FREE]})
    outlook = Outlook(grid, None, {"simple": tariff}, grid)
    _compare(assets, random_signals(by_kind(assets), outlook, random), grid)


def _network_park(random: np.random.Generator) -> list[Kind]:
    """A base behind a line, works behind a transformer, a generator, hydrogen sold."""

    def size(low: float, high: float) -> float:
        return round(float(random.uniform(low, high)), 3)

    efficiency, cells = size(0.35, 0.45), size(0.85, 0.95)
    entries: list[tuple[str, dict[str, Any]]] = [
        ("grid_tie", {"node": "bus", "import_max": size(1.0, 4.0), "export_max": size(0.0, 2.0),
                      "tariff": "simple"}),
        ("load", {"node": "site", "profile": {"constant": 1.0}}),
        ("curtailable_load", {"node": "far", "profile": {"constant": 1.0}, "share": size(0.1, 0.9),
                              "price_curtailed": size(100, 900), "response": size(0.5, 1.0)}),
        ("pv", {"node": "far", "p_nom": 3.0, "arrays": [{"tilt": 30.0}]}),
        ("battery", {"node": "far", "p_nom": size(0.2, 2.0), "e_nom": size(0.2, 4.0),
                     "efficiency": cells, "efficiency_best": cells}),
        ("line", {"node": "far", "near": "bus", "p_nom": size(0.3, 3.0), "loss": size(0.0, 0.1),
                  "charge": size(0, 100), "ways": str(random.choice(["inwards", "both"]))}),
        ("transformer", {"node": "site", "up": "bus", "p_nom": size(0.5, 2.0), "loss_load": 0.0,
                         "loss_idle": size(0.0, 0.02)}),
        ("generator", {"node": "bus", "p_nom": size(0.2, 1.0), "fuel_price": size(50, 300),
                       "efficiency": efficiency, "efficiency_best": efficiency}),
        ("electrolyser", {"node": "bus", "price": size(200, 1200), "p_nom": size(0.2, 1.0)}),
    ]  # fmt: skip
    found = kinds()
    return [found[kind].model_validate({"name": f"a-{kind}", **fields}) for kind, fields in entries]


@pytest.mark.oracle
@settings(max_examples=4, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), minutes=st.sampled_from([15, 60]))
def test_pypsa_finds_the_same_optimum_of_a_network(seed: int, minutes: int) -> None:
    random = np.random.default_rng(seed)
    grid = TimeGrid.regular(START, STEPS, minutes, ZONE)
    tariff = Tariff.model_validate({"name": "simple", "energy": [FREE]})
    assets = _network_park(random)
    signals = random_signals(by_kind(assets), Outlook(grid, None, {"simple": tariff}, grid), random)
    # Without outages: what a transformer takes idle must come from somewhere.
    signals["grid_tie"]["available"][:] = 1.0
    _compare(assets, signals, grid)


# -- whole parks ----------------------------------------------------------------------------------

ASSETS = 200


def _district(name: str, above: str, random: np.random.Generator) -> Iterator[Kind]:
    """Its way up, then works and houses, sun and wind, stores, heat and cold, in this order."""

    def size(low: float, high: float) -> float:
        return round(float(random.uniform(low, high)), 3)

    warm, cold, efficiency = f"{name}-warm", f"{name}-cold", size(0.35, 0.45)
    cells = size(0.85, 0.95)  # one efficiency at all powers, as PyPSA can say it
    way: tuple[str, dict[str, Any]] = (
        ("line", {"node": name, "near": above, "p_nom": size(0.5, 3.0), "loss": size(0.0, 0.1),
                  "charge": size(0, 60), "ways": "both"})
        if random.random() < 0.5
        else ("transformer", {"node": name, "up": above, "p_nom": size(0.5, 3.0),
                              "loss_load": 0.0, "loss_idle": size(0.0, 0.01)})
    )  # fmt: skip
    entries: list[tuple[str, dict[str, Any]]] = [
        way,
        ("load", {"node": name, "profile": {"constant": 1.0}}),
        ("pv", {"node": name, "p_nom": 3.0, "arrays": [{"tilt": 30.0}]}),
        ("battery", {"node": name, "p_nom": size(0.2, 2.0), "e_nom": size(0.2, 4.0),
                     "efficiency": cells, "efficiency_best": cells,
                     "wear_cost": size(1, 100), "start": size(0, 1)}),
        ("heat_load", {"node": warm, "profile": {"constant": 1.0}}),
        ("boiler", {"node": name, "heat": warm, "p_nom": size(0.5, 2.0)}),
        ("curtailable_load", {"node": name, "profile": {"constant": 1.0}, "share": size(0.1, 0.9),
                              "price_curtailed": size(100, 900), "response": size(0.5, 1.0)}),
        ("thermal_store", {"node": warm, "q_nom": size(0.2, 1.0), "e_nom": size(0.5, 4.0),
                           "standing_loss": size(0.0, 0.3), "start": size(0, 1)}),
        ("heat_pump", {"node": name, "heat": warm, "p_nom": size(0.1, 0.5),
                       "t_sink": size(45, 70), "t_source": size(0, 40)}),
        ("cooling_load", {"node": cold, "profile": {"constant": 1.0}}),
        ("chiller", {"node": name, "cooling": cold, "p_nom": size(0.05, 0.4), "t_supply": 12.0}),
        ("wind", {"node": name, "count": 2, "hub_height": 80.0, "curve_speeds": [3, 12],
                  "curve_powers": [0.0, 0.6]}),
        ("generator", {"node": name, "p_nom": size(0.2, 1.0), "fuel_price": size(50, 300),
                       "efficiency": efficiency, "efficiency_best": efficiency}),
        ("electrolyser", {"node": name, "price": size(200, 1200), "p_nom": size(0.2, 1.0)}),
    ]  # fmt: skip
    found = kinds()
    for kind, fields in entries:
        yield found[kind].model_validate({"name": f"{name}-{kind}", **fields})


def _whole_park(random: np.random.Generator) -> tuple[list[Kind], list[Balance]]:
    """Two hundred assets: a tie, and districts that hang on it or on one another."""
    tie = {"name": "tie", "node": "bus", "import_max": 12.0, "export_max": 4.0, "tariff": "simple"}
    assets: list[Kind] = [kinds()["grid_tie"].model_validate(tie)]
    above, nodes = ["bus"], [Balance("bus", "electricity")]
    while len(assets) < ASSETS:
        name = f"d{len(above)}"
        assets += _district(name, str(random.choice(above)), random)
        above.append(name)
        nodes += [
            Balance(name, "electricity"),
            Balance(f"{name}-warm", "heat", spill_cost=1.0),
            Balance(f"{name}-cold", "cooling", spill_cost=1.0),
        ]
    return assets[:ASSETS], nodes


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(20))
def test_pypsa_finds_the_same_optimum_of_two_hundred_assets(seed: int) -> None:
    random = np.random.default_rng([200, seed])
    grid = TimeGrid.regular(START, STEPS, (15, 30, 60)[seed % 3], ZONE)
    tariff = Tariff.model_validate({"name": "simple", "energy": [FREE]})
    assets, nodes = _whole_park(random)
    signals = random_signals(by_kind(assets), Outlook(grid, None, {"simple": tariff}, grid), random)
    signals["grid_tie"]["available"][:] = 1.0
    _compare(assets, signals, grid, nodes)
