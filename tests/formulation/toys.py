"""Parks of three steps, written by hand, kept in a file and taken out of it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.assets.yard import NODES, WARMTHS, by_kind, inputs_of, parse, sky
from zeropark.assets import kinds
from zeropark.assets.kind import Kind
from zeropark.data.outlook import Outlook
from zeropark.formulation.layout import Layout
from zeropark.formulation.program import Inputs, Program
from zeropark.formulation.solver import Solution
from zeropark.model.tariff import Tariff
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
GRID = TimeGrid.regular(np.datetime64("2026-04-10T00:00:00"), 3, 60, "Asia/Shanghai")
FREE = {"from": "2020-01-01", "bands": [{"name": "all", "hours": ["0-24"], "price": "0 CNY/MWh"}]}


@dataclass(frozen=True)
class Toy:
    """A park of three hours and what its plan must be.

    series: by name, as an outlook has them. signals, figures: by kind and name, in the place of
    what a sky, arrivals and readings would say. objective: least cost [CNY]. amounts: by (kind,
    column) the amounts of the kind's first member. worth: by node, what one MWh more there costs at
    each step [CNY/MWh].
    """

    name: str
    text: str
    objective: float
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)
    signals: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    demand_price: str = "0 CNY/MW-month"
    end_price: float = 0.0
    amounts: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    worth: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def assets(self) -> list[Kind]:
        return parse(self.text)

    def inputs(self) -> dict[str, Inputs]:
        tariff = Tariff.model_validate(
            {"name": "simple", "energy": [FREE], "demand": {"price": self.demand_price}},
            context={"file": True},
        )
        series = {name: np.array(numbers, dtype=float) for name, numbers in self.series.items()}
        # A sky only where signals take its place: without one stores lose what they say.
        weather = sky(GRID) if self.signals else None
        outlook = Outlook(GRID, weather, {"simple": tariff}, GRID, series, warmths=WARMTHS)
        found = inputs_of(by_kind(self.assets()), outlook, end_price=self.end_price)
        for kind, signals in self.signals.items():
            for name, numbers in signals.items():
                found[kind].signals[name] = np.array([numbers], dtype=float)
        for kind, figures in self.figures.items():
            for name, number in figures.items():
                found[kind].figures[name] = np.array([number])
        return found

    def program(self) -> Program:
        return build(self.assets(), self.inputs(), GRID.hours)


def build(assets: Sequence[Kind], inputs: Mapping[str, Inputs], hours: Floats) -> Program:
    """The program of assets under given numbers."""
    lag = max(asset.lookback(float(hours.min())) for asset in assets)
    used = {node for asset in assets for node in asset.port_nodes().values()}
    program = Program([n for n in NODES if n.name in used], by_kind(assets), Layout(hours, lag))
    program.update(inputs)
    return program


# -- files ----------------------------------------------------------------------------------------


def save(path: Path, assets: Sequence[Kind], inputs: Mapping[str, Inputs], hours: Floats) -> None:
    """Write assets and numbers as JSON; its floats come back as they were."""
    text = {
        "hours": hours.tolist(),
        "assets": [{"kind": asset.kind, **asset.model_dump(mode="json")} for asset in assets],
        "inputs": {
            kind: {
                "signals": {name: array.tolist() for name, array in found.signals.items()},
                "figures": {name: array.tolist() for name, array in found.figures.items()},
            }
            for kind, found in inputs.items()
        },
    }
    path.write_text(json.dumps(text), encoding="utf-8")


def load(path: Path) -> Program:
    """Return the program of a saved park."""
    text: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    found = kinds()
    assets = [found[entry.pop("kind")].model_validate(entry) for entry in text["assets"]]
    inputs = {
        kind: Inputs(
            {name: np.array(array) for name, array in given["signals"].items()},
            {name: np.array(array) for name, array in given["figures"].items()},
        )
        for kind, given in text["inputs"].items()
    }
    return build(assets, inputs, np.array(text["hours"]))


def save_solution(path: Path, solution: Solution) -> None:
    """Write a solution without loss."""
    np.savez(
        path,
        columns=solution.columns,
        reduced=solution.reduced,
        duals=solution.duals,
        objective=solution.objective,
        elastic=solution.elastic,
    )


def load_solution(path: Path) -> Solution:
    """Return a saved solution."""
    with np.load(path, allow_pickle=False) as file:
        return Solution(
            columns=file["columns"],
            reckon=partial(np.array, file["reduced"]),
            duals=file["duals"],
            objective=float(file["objective"]),
            elastic=bool(file["elastic"]),
        )
