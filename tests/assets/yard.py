"""A small yard to try kinds in: four nodes, one tariff, one made-up sky, no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from zeropark.assets import kinds
from zeropark.assets.kind import Device, Horizon, Kind
from zeropark.data.outlook import Outlook
from zeropark.data.weather import Weather
from zeropark.data.weather.sunpath import sun_path
from zeropark.formulation.layout import Layout
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.model.tariff import Tariff
from zeropark.model.warmth import Warmth
from zeropark.units.place import Place
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
XINING = Place(36.6, 101.8, 2260.0, "Asia/Shanghai")
NODES = [
    Balance("bus", "electricity"),
    Balance("warm", "heat", spill_cost=1.0),
    Balance("mild", "heat", spill_cost=1.0),
    Balance("cold", "cooling", spill_cost=1.0),
    Balance("it", "compute"),
    Balance("rod", "material"),
    Balance("far", "electricity"),
    Balance("base", "electricity"),
    Balance("site", "electricity"),
    Balance("sub", "electricity"),
    Balance("steam", "heat", spill_cost=1.0),
    Balance("h2", "hydrogen", spill_cost=1.0),
]
WARMTHS = {
    "steam": Warmth.model_validate({"supply": [150.0], "return": 30.0}),
    "warm": Warmth.model_validate({"supply": [75.0], "return": 50.0}),
    "mild": Warmth.model_validate({"supply": [35.0], "return": 25.0}),
}
END_PRICE = 400.0

WHOLE = """
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 6 MW, export_max: 2 MW, contract: 4 MW,
     tariff: simple}
  - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
  - {kind: curtailable_load, name: mill, node: bus, profile: {constant: 0.6 MW}, share: 30 %,
     price_curtailed: 500 CNY/MWh}
  - {kind: heat_load, name: offices, node: warm, profile: {constant: 0.8 MW}}
  - {kind: cooling_load, name: labs, node: cold, profile: {constant: 0.7 MW}}
  - {kind: pv, name: roof, node: bus, p_nom: 3 MW, p_inverter: 2.2 MW,
     arrays: [{share: 60 %, tilt: 30 deg}, {share: 40 %, tilt: 10 deg, azimuth: 90 deg}]}
  - {kind: wind, name: turbines, node: bus, count: 3, hub_height: 24 m,
     curve_speeds: 3 6 9 12 15 20 m/s, curve_powers: 0.1 1.5 5.3 10.5 12.6 12.6 kW}
  - {kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 2 MWh}
  - {kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 1.2 MW}
  - {kind: heat_pump, name: hp, node: bus, heat: warm, p_nom: 0.2 MW, t_sink: 55 degC}
  - {kind: thermal_store, name: tank, node: warm, q_nom: 0.5 MW, e_nom: 3 MWh}
  - {kind: chiller, name: ch, node: bus, cooling: cold, p_nom: 0.3 MW, t_supply: 12 degC,
     rejection: dry}
"""


def simple_tariff() -> Tariff:
    """Cheap noon, dear evening, a price for what is exported, and for demand."""
    bands = [
        {"name": "peak", "hours": ["7-9", "17-23"], "price": "600 CNY/MWh"},
        {"name": "valley", "hours": ["9-17"], "price": "200 CNY/MWh"},
        {"name": "flat", "hours": ["23-7"], "price": "400 CNY/MWh"},
    ]
    export = [{"name": "all", "hours": ["0-24"], "price": "100 CNY/MWh"}]
    return Tariff.model_validate(
        {
            "name": "simple",
            "energy": [{"from": "2020-01-01", "bands": bands}],
            "export": [{"from": "2020-01-01", "bands": export}],
            "demand": {"price": "30 CNY/kW-month"},
        },
        context={"file": True},
    )


def sky(grid: TimeGrid) -> Weather:
    """A bright day and a cold night: sun by height, 2 to 18 degC, a wind that comes and goes."""
    path = sun_path(grid, XINING)
    height = path.cos_zenith
    dni, dhi = 800.0 * (height > 0), 150.0 * height
    turn = 2 * np.pi * (grid.local_hour - 15.0) / 24.0
    t_air = 10.0 + 8.0 * np.cos(turn)
    columns = {
        "ghi": dni * height + dhi,
        "dni": dni,
        "dhi": dhi,
        "t_air": t_air,
        "t_dew": t_air - 8.0,
        "pressure": np.full(len(grid), 77.2),
        "wind_speed": 5.0 + 3.0 * np.cos(3 * turn),
    }
    return Weather.of(grid, XINING, columns)


def outlook_of(grid: TimeGrid) -> Outlook:
    """The yard's world on `grid`: nothing arrives and no series is given."""
    return Outlook(grid, sky(grid), {"simple": simple_tariff()}, grid, warmths=WARMTHS)


def day(steps: int = 96, minutes: float = 15, start: str = "2026-04-16T16:00:00") -> TimeGrid:
    """Steps from midnight in Xining."""
    return TimeGrid.regular(np.datetime64(start), steps, minutes, XINING.zone)


def parse(text: str, known: Mapping[str, type[Kind]] | None = None) -> list[Kind]:
    """The assets of an example, read as a park file would be."""
    found = known or kinds()
    assets = []
    for entry in yaml.safe_load(text)["assets"]:
        words = dict(entry)
        kind = found[words.pop("kind")]
        assets.append(kind.model_validate(words, context={"file": True}))
    return assets


def with_arrivals(outlook: Outlook, assets: Sequence[Kind], seed: int = 1) -> Outlook:
    """The same world with what arrives at the assets drawn by chance."""
    tables: dict[str, Any] = {}
    for asset in assets:
        table = asset.draw(outlook, np.random.default_rng([seed, len(tables)]))
        if table is not None:
            tables[asset.name] = table
    return replace(outlook, tables=tables)


def by_kind(assets: Sequence[Kind]) -> dict[str, list[Kind]]:
    """Assets grouped as a program wants them."""
    found: dict[str, list[Kind]] = {}
    for asset in assets:
        found.setdefault(asset.kind, []).append(asset)
    return found


def devices_of(assets: Sequence[Kind], truth: Outlook, seed: int = 1) -> dict[str, Device]:
    """The simulated devices of the assets."""
    return {a.name: a.device(truth, np.random.default_rng(seed)) for a in assets}


def program_of(
    assets: Sequence[Kind],
    outlook: Outlook,
    *,
    nodes: Sequence[Balance] = NODES,
    end_price: float = END_PRICE,
    called: bool = False,
) -> Program:
    """The program of the assets over the outlook's grid, from how their devices begin."""
    grouped, hours = by_kind(assets), outlook.grid.hours
    lag = max(asset.lookback(float(hours.min())) for asset in assets)
    used = {node for asset in assets for node in asset.port_nodes().values()}
    here = [node for node in nodes if node.name in used]
    layout = Layout(hours, lag)
    program = Program(here, grouped, layout, exact=outlook.best_case, called=called)
    program.update(inputs_of(grouped, outlook, end_price=end_price))
    return program


def inputs_of(
    grouped: Mapping[str, Sequence[Kind]], outlook: Outlook, *, end_price: float = END_PRICE
) -> dict[str, Inputs]:
    """What an update tells each block: signals, and the situation of devices that just began."""
    found: dict[str, Inputs] = {}
    for kind, assets in grouped.items():
        parts = []
        for asset in assets:
            device = asset.device(outlook, np.random.default_rng(1))
            expected = {
                asset.name: asset.arrived(outlook.tables[asset.name], outlook.grid)
                for asset in assets
                if asset.name in outlook.tables
            }
            horizon = Horizon(outlook.grid, end_price, expected, exact=outlook.best_case)
            own = asset.situation(device.read(), horizon)
            parts.append(Inputs({**asset.signals(outlook), **own.signals}, own.figures))
        merged = Inputs()
        for name in parts[0].signals:
            merged.signals[name] = np.vstack([part.signals[name] for part in parts])
        for name in parts[0].figures:
            merged.figures[name] = np.concatenate([part.figures[name] for part in parts])
        found[kind] = merged
    return found
