"""The simulated side of what turns electricity into heat or cooling: one power, one product."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import sqrt
from typing import Any

from zeropark.assets.kind import Account


class ConverterDevice(ABC):
    """Follows its set-point `p`; without one it makes what its product's node lacks.

    Within a step it makes more or less of its product when the node asks, but never takes more
    power again once the electric node has taken some from it.
    """

    product: str
    """The port its product leaves by."""

    def __init__(self, p_nom: float) -> None:
        self._p_nom = p_nom
        self._most = p_nom
        self.p = 0.0
        self.q = 0.0
        self.costs: dict[str, float] = {}
        self.flows: dict[str, float] = {}
        self._index = 0
        self._hours = 0.0
        self._used = 0.0
        self._made = 0.0

    @abstractmethod
    def _product(self, power: float) -> float:
        """Return the product [MW] of `power` [MW] in the present step; more makes no less."""

    @abstractmethod
    def _power(self, product: float) -> float:
        """Return the power [MW] that makes `product` [MW] in the present step."""

    def _cap(self, ports: Mapping[str, float]) -> float:
        """Return the highest power of the present step [MW]."""
        del ports
        return self._p_nom

    def read(self) -> dict[str, Any]:
        """Return power used and product made [MW]."""
        return {"p": self.p, "q": self.q}

    def totals(self) -> tuple[float, float]:
        """Return the energy used and the product made since the run began [MWh]."""
        return self._used + self.p * self._hours, self._made + self.q * self._hours

    @abstractmethod
    def account(self) -> Account:
        """Return the energy it drew, lost and holds."""

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Run at the set-point `p`, or as its product's node needs."""
        self._used, self._made = self.totals()
        self._index, self._hours = index, hours
        self._most = self._cap(ports)
        wanted = setpoints.get("p")
        if wanted is None:
            wanted = self._power(max(0.0, -ports.get(self.product, 0.0)))
        self._settle(wanted)
        return dict(self.flows)

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Make more or less of the product, or use less power."""
        del hours
        if port == self.product:
            before = self.q
            self._settle(self._power(max(0.0, before + change)))
            return self.q - before
        if port != "node" or change <= 0.0:
            return 0.0
        before = self.p
        self._most = max(0.0, before - change)
        self._settle(self._most)
        return before - self.p

    def _settle(self, power: float) -> None:
        self.p = min(self._most, max(0.0, power))
        self.q = self._product(self.p)
        self.flows = self._flows()

    def _flows(self) -> dict[str, float]:
        return {"node": -self.p, self.product: self.q}


class PartLoad:
    """How a machine's product falls behind its power below full load.

    product = rate · p · (1 - loss · (1 - p / p_nom)): the degradation form of EN 14825 with
    `loss` as its Cd.
    """

    def __init__(self, p_nom: float, loss: float) -> None:
        self._p_nom = p_nom
        self._loss = loss

    def product(self, power: float, rate: float) -> float:
        """Return the product [MW] of `power` [MW] at `rate` [MW of product per MW at full load]."""
        return rate * power * (1.0 - self._loss * (1.0 - power / self._p_nom))

    def power(self, product: float, rate: float, kept: float = 0.0) -> float:
        """Return the power [MW] at which product - kept · power is `product` [MW]."""
        square = rate * self._loss / self._p_nom
        straight = rate * (1.0 - self._loss) - kept
        # The stable form of the root: no small difference of two large numbers.
        return 2.0 * product / (straight + sqrt(straight * straight + 4.0 * square * product))


def root(y: float, straight: float, square: float) -> float:
    """Return x ≥ 0 with straight · x + square · x² = y; the smaller one where there are two."""
    # The stable form of the root: no small difference of two large numbers.
    return 2.0 * y / (straight + sqrt(max(0.0, straight * straight + 4.0 * square * y)))
