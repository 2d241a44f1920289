"""A market with two steps of price, and fleets to try at it: real sessions, made-up batteries."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zeropark.formulation.block import Block
from zeropark.formulation.fleet import Batteries, Cars
from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Balance, Inputs, Program

Floats = npt.NDArray[np.float64]
SESSIONS = Path(__file__).with_name("acn_sessions.csv")
POSTS = 6.656e-3  # [MW] 32 A at 208 V, the posts of those sessions


@dataclass(frozen=True)
class Market:
    """Power at a price up to `first` [MW], dearer by `more` [CNY/MWh] up to `second` more."""

    name: str
    first: float
    second: float
    more: float

    def members(self) -> Sequence[tuple[str, object]]:
        return [("", self)]

    def port_nodes(self) -> Mapping[str, str | None]:
        return {"node": "bus"}

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        cheap = m.flow("cheap", upper=m["first"] * m.hours)
        dear = m.flow("dear", upper=m["second"] * m.hours)
        asked = m.signal("load") * m.hours
        taken = m.flow("taken", lower=asked, upper=asked)
        m.into("node", cheap + dear - taken)
        m.cost("energy", cheap * m.signal("price") + dear * (m.signal("price") + m["more"]))
        return ()

    def program(self, price: Floats, load: Floats, hours: Floats) -> Program:
        found = Program([Balance("bus", "electricity")], {"market": [self]}, Layout(hours))
        found.update({"market": Inputs({"price": price[None, :], "load": load[None, :]}, {})})
        return found

    def cost(self, price: Floats, power: Floats, hours: Floats) -> float:
        """What it costs to bring `power` [MW]; by hand."""
        dear = np.maximum(0.0, power - self.first)
        assert dear.max() <= self.second + 1e-9, "the market has that much"
        return float(((price * power + self.more * dear) * hours).sum())

    def least(self, price: Floats, at: Floats, load: Floats, hours: Floats) -> float:
        """What it costs at least where a MWh sold at the bus earns `at` and the load pays it."""
        cheap = self.first * np.minimum(0.0, price - at)
        dear = self.second * np.minimum(0.0, price + self.more - at)
        return float(((cheap + dear + at * load) * hours).sum())


def sessions(hours: Floats, count: int = 100) -> Cars:
    """Real sessions as cars on steps from midnight on, each asking for what it was given."""
    lines = [line for line in SESSIONS.read_text("utf-8").splitlines() if line[0] != "#"]
    rows = list(csv.DictReader(lines))[:count]
    begin, end = (
        np.array([_hour(row[name]) for row in rows])[:, None] for name in ("arrival", "departure")
    )
    ends = np.cumsum(hours)
    there = np.clip(np.minimum(end, ends) - np.maximum(begin, ends - hours), 0.0, None)
    asked = np.array([float(row["delivered_kwh"]) for row in rows]) / 1e3
    cars = Cars(POSTS * there, asked, asked, np.zeros(len(rows)), np.full(len(rows), 0.92))
    return cars.servable()[0]


def _hour(clock: str) -> float:
    hour, minute = clock.split(":")
    return int(hour) + int(minute) / 60


def batteries(count: int, seed: int, worth: float = 400.0) -> Batteries:
    """Batteries of which no two are alike."""
    random = np.random.default_rng(seed)
    p_nom = random.choice([0.005, 0.01, 0.025], count)
    content = p_nom * random.uniform(1.0, 4.0, count)
    one = np.ones(count)
    return Batteries(
        p_nom,
        low=0.1 * content,
        high=0.95 * content,
        start=random.uniform(0.1, 0.95, count) * content,
        last=0.0 * one,
        efficiency_in=random.uniform(0.93, 0.97, count),
        efficiency_out=random.uniform(0.93, 0.97, count),
        keep=(1.0 - 1e-4) * one,
        wear=random.uniform(25.0, 45.0, count),
        worth=worth * one,
    )
