"""Parks of chance: sizes, prices and profiles drawn, so that laws and not examples are tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.assets.yard import NODES, by_kind
from zeropark.assets import kinds
from zeropark.assets.kind import Horizon, Kind
from zeropark.data.outlook import Outlook
from zeropark.formulation.layout import Layout
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.model.tariff import Tariff
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
START = np.datetime64("2026-04-29T20:00:00")  # 4:00 in the park, two days before a month ends
ZONE = "Asia/Shanghai"
Readings = Mapping[str, Mapping[str, float]]


def random_assets(random: np.random.Generator) -> list[Kind]:
    """A tie, a load, and some of the other kinds."""

    def size(low: float, high: float) -> float:
        return round(float(random.uniform(low, high)), 3)

    best = size(0.93, 0.99)
    # One efficiency at all powers, as others can say it.
    cells = size(0.85, best)
    possible: list[tuple[str, dict[str, Any]]] = [
        ("curtailable_load", {"node": "bus", "profile": {"constant": 1.0}, "share": size(0.1, 0.9),
                              "price_curtailed": size(100, 900), "response": size(0.5, 1.0)}),
        ("pv", {"node": "bus", "p_nom": 3.0, "arrays": [{"tilt": 30.0}]}),
        ("wind", {"node": "bus", "count": 2, "hub_height": 80.0, "curve_speeds": [3, 12],
                  "curve_powers": [0.0, 0.6]}),
        ("battery", {"node": "bus", "p_nom": size(0.2, 2.0), "e_nom": size(0.2, 4.0),
                     "efficiency": cells, "efficiency_best": cells,
                     "wear_cost": size(1, 100), "reserve": size(0.0, 0.3), "start": size(0, 1)}),
        ("heat", {}),
        ("cooling", {}),
    ]  # fmt: skip
    chosen = [entry for entry in possible if random.random() < 0.6]
    entries: list[tuple[str, dict[str, Any]]] = [
        ("grid_tie", {"node": "bus", "import_max": size(2.0, 8.0), "export_max": size(0.0, 3.0),
                      "contract": size(1.0, 4.0), "tariff": "simple"}),
        ("load", {"node": "bus", "profile": {"constant": 1.0}}),
    ]  # fmt: skip
    for kind, fields in chosen:
        if kind == "heat":
            entries += [
                ("heat_load", {"node": "warm", "profile": {"constant": 1.0}}),
                ("boiler", {"node": "bus", "heat": "warm", "p_nom": size(0.5, 2.0),
                            "efficiency": size(0.8, 0.99)}),
                ("heat_pump", {"node": "bus", "heat": "warm", "p_nom": size(0.1, 0.5),
                               "t_sink": size(45, 70), "t_source": size(0, 40)}),
                ("thermal_store", {"node": "warm", "q_nom": size(0.2, 1.0), "e_nom": size(0.5, 4.0),
                                   "standing_loss": size(0.0, 0.3), "start": size(0, 1)}),
            ]  # fmt: skip
        elif kind == "cooling":
            entries += [
                ("cooling_load", {"node": "cold", "profile": {"constant": 1.0}}),
                ("chiller", {"node": "bus", "cooling": "cold", "p_nom": size(0.05, 0.4),
                             "t_supply": 12.0}),
            ]  # fmt: skip
        else:
            entries.append((kind, fields))
    found = kinds()
    return [found[kind].model_validate({"name": f"a-{kind}", **fields}) for kind, fields in entries]


def tariff_of(random: np.random.Generator) -> Tariff:
    """A tariff whose demand has a price; energy prices come as series."""
    free = {"from": "2020-01-01", "bands": [{"name": "all", "hours": ["0-24"], "price": 0.0}]}
    demand = {"price": float(random.choice([0.0, 20_000.0, 40_000.0]))}
    return Tariff.model_validate({"name": "simple", "energy": [free], "demand": demand})


def random_signals(
    grouped: Mapping[str, Sequence[Kind]], outlook: Outlook, random: np.random.Generator
) -> dict[str, dict[str, Floats]]:
    """What an update would tell each kind, drawn by chance in its usual range."""
    found: dict[str, dict[str, Floats]] = {}
    for kind, assets in grouped.items():
        each = [_signals_of(asset, outlook, random) for asset in assets]
        found[kind] = {name: np.vstack([own[name] for own in each]) for name in each[0]}
    return found


def _signals_of(asset: Kind, outlook: Outlook, random: np.random.Generator) -> Mapping[str, Floats]:
    count = len(outlook.grid)
    if asset.kind in {"load", "heat_load", "cooling_load"}:
        return {"demand": np.round(random.uniform(0, 2, count), 3)}
    if asset.kind == "curtailable_load":
        demand = np.round(random.uniform(0, 2, count), 3)
        return {"demand": demand, "curtailable": demand * asset.share * 0.8}  # type: ignore[attr-defined]
    if asset.kind in {"pv", "wind"}:
        most = 3.0 if asset.kind == "pv" else 1.2
        return {"available": np.round(random.uniform(0, most, count), 3)}
    if asset.kind == "chiller":
        return {"eer": np.round(random.uniform(2, 8, count), 3)}
    own = {name: array[0] for name, array in asset.signals(outlook).items()}
    if asset.kind == "grid_tie":
        export = np.round(random.uniform(0, 200, count), 1)
        own["price_export"] = export
        own["price_import"] = np.round(export + random.uniform(1, 800, count), 1)
        own["available"] = (random.random(count) > 0.05).astype(float)
    return own


def first_readings(
    assets: Sequence[Kind], random: np.random.Generator
) -> dict[str, dict[str, float]]:
    """How things stand at the start: stores somewhere, a peak so far, an interval half drawn."""
    readings: dict[str, dict[str, float]] = {}
    for asset in assets:
        readings[asset.name] = {}
        if asset.kind in {"battery", "thermal_store"}:
            readings[asset.name]["energy"] = float(random.uniform(0, 1)) * asset.e_nom  # type: ignore[attr-defined]
        if asset.kind == "grid_tie":
            peak = float(random.uniform(0, 3))
            readings[asset.name] = {
                "peak_even": peak, "peak_odd": peak, "drawn": 0.0, "interval": 0.25,
                "demand_price_even": float(random.choice([0.0, 800.0])),
                "demand_price_odd": float(random.choice([0.0, 800.0])),
                "left_even": 24.0, "left_odd": 24.0,
            }  # fmt: skip
    return readings


def inputs_at(
    grouped: Mapping[str, Sequence[Kind]],
    signals: Mapping[str, Mapping[str, Floats]],
    readings: Readings,
    grid: TimeGrid,
    end_price: float,
) -> dict[str, Inputs]:
    """Signals with what the readings say."""
    found: dict[str, Inputs] = {}
    for kind, assets in grouped.items():
        own = [a.situation(readings[a.name], Horizon(grid, end_price)) for a in assets]
        said = {name: np.vstack([one.signals[name] for one in own]) for name in own[0].signals}
        figures = {n: np.concatenate([one.figures[n] for one in own]) for n in own[0].figures}
        found[kind] = Inputs({**signals[kind], **said}, figures)
    return found


def program_for(
    assets: Sequence[Kind], hours: Floats, balances: Sequence[Balance] = NODES
) -> Program:
    """The compiled program of the assets, without numbers yet."""
    lag = max(asset.lookback(float(hours.min())) for asset in assets)
    used = {node for asset in assets for node in asset.port_nodes().values()}
    nodes = [node for node in balances if node.name in used]
    return Program(nodes, by_kind(assets), Layout(hours, lag))
