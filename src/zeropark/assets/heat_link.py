"""What heat exchangers and heat pipes have alike: heat passed on to a node that is no warmer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zeropark.assets.kind import Account, Floats
from zeropark.model.asset import Asset, Wrong
from zeropark.model.warmth import Warmth
from zeropark.units.text import Text

_NO_TEMPERATURE = Text(
    "node '{given}' has no temperature; write temperature: {{supply: 95 degC, return: 60 degC}} "
    "there",
    "节点“{given}”没有温度；在该节点写 temperature: {{supply: 95 degC, return: 60 degC}}",
)
_UPWARDS = Text(
    "heat does not flow up: '{start}' is never {gap} K warmer than '{end}'; let it flow to a "
    "cooler node, or lift it by a heat_pump",
    "热量不会自低温流向高温：“{start}”从不比“{end}”高 {gap} K；改接更低温的节点，"
    "或用 heat_pump 升温",
)
# Temperatures that differ by less are equal [K].
_ROUNDING = 1e-9


def flows_down(
    asset: Asset, ends: tuple[str, str], pinch: float, warmths: Mapping[str, Warmth]
) -> Iterator[Wrong]:
    """Yield what is wrong where heat is to pass from one node to another.

    ends: the fields that name the warmer and the cooler node. pinch: least difference [K].
    """
    nodes = [str(asset.port_nodes()[field]) for field in ends]
    missing = [(f, node) for f, node in zip(ends, nodes, strict=True) if node not in warmths]
    for field, node in missing:
        yield Wrong(asset.name, field, "no_temperature", _NO_TEMPERATURE.format(given=node))
    start, end = nodes
    if not missing and warmths[start].most_above(warmths[end]) < pinch - _ROUNDING:
        text = _UPWARDS.format(start=start, end=end, gap=f"{pinch:g}")
        yield Wrong(asset.name, ends[1], "heat_upwards", text)


def log_mean(one: Floats, other: Floats) -> Floats:
    """Return the logarithmic mean of two temperature differences [K], both > 0.

    (one - other) / ln(one / other), and their common value where they are equal (VDI Heat Atlas).
    """
    equal = np.abs(one - other) < 1e-6 * np.maximum(one, other)
    apart = np.where(equal, 2.0 * one, other)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (one - apart) / np.log(one / apart)
    return np.asarray(np.where(equal, one, found), dtype=np.float64)


class HeatLinkDevice:
    """The simulated link between two heat nodes; without a set-point it brings what is lacking.

    most: heat it can give at each step [MW]. share: of the heat taken that is of use [1]. standing:
    what it loses while it is warm [MW]. price_cold: of standing loss that cannot be fed [CNY/MWh].
    """

    def __init__(
        self,
        most: Sequence[float],
        share: Sequence[float],
        standing: Sequence[float],
        price_cold: float = 0.0,
    ) -> None:
        self._most_at, self._share_at, self._standing_at = most, share, standing
        self._price = price_cold
        # Heat that is there to be passed on comes before heat made anew.
        self.turns = {"heat": -0.5, "node": 0.5}
        self._most = self._share = self._standing = 0.0
        self._hours = 0.0
        self._lost = self._paid = 0.0
        self.q = self.taken = self.cold = 0.0
        self.flows: dict[str, float] = {"node": 0.0, "heat": 0.0}

    @property
    def costs(self) -> Mapping[str, float]:
        """What it cost to go cold since the run began [CNY]."""
        return {"unserved": self._paid + self.cold * self._hours * self._price}

    def read(self) -> dict[str, Any]:
        """Return heat given, taken, lost of it, and lacking to stay warm [MW]; the loss so far."""
        lost = self.taken - self.q
        return {
            "q": self.q,
            "taken": self.taken,
            "lost": lost,
            "cold": self.cold,
            "lost_sum": self._lost + lost * self._hours,
        }

    def account(self) -> Account:
        """Return what was taken and not given."""
        return Account(lost=self._lost + (self.taken - self.q) * self._hours)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Give the set-point `q`, or what the cooler node lacks."""
        self._lost += (self.taken - self.q) * self._hours
        self._paid += self.cold * self._hours * self._price
        self._hours, self.cold = hours, 0.0
        self._most, self._share = self._most_at[index], self._share_at[index]
        self._standing = self._standing_at[index]
        self._settle(setpoints.get("q", -ports.get("heat", 0.0)))
        return dict(self.flows)

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Give more or less; where the warmer node lacks heat, take less and never more again."""
        del hours
        before = self.flows.get(port, 0.0)
        if port == "heat":
            self._settle(self.q + change)
        elif port == "node" and change > 0.0:
            less = min(self.q, change * self._share)
            self._most = self.q - less
            self.cold += min(self._standing - self.cold, max(0.0, change - less / self._share))
            self._settle(self._most)
        return self.flows.get(port, 0.0) - before

    def _settle(self, q: float) -> None:
        self.q = min(self._most, max(0.0, q))
        self.taken = self.q / self._share + self._standing - self.cold
        self.flows = {"node": -self.taken, "heat": self.q}
