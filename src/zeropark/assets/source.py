"""What plants that take what sun or wind offers have alike in the simulated park."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zeropark.assets.kind import Account


class SourceDevice:
    """A simulated plant that gives what nature and its own state allow, down to its limit.

    offered, able: what nature offers the plant and what the plant can make of it at each step [MW].
    """

    def __init__(self, offered: Sequence[float], able: Sequence[float]) -> None:
        self._offered = offered
        self._able = able
        self.available = 0.0
        self.p = 0.0
        self.costs: dict[str, float] = {}
        self._index = 0
        self._hours = 0.0
        self._drawn = 0.0
        self._lost = 0.0

    def read(self) -> dict[str, Any]:
        """Return power and available power [MW]."""
        return {"p": self.p, "available": self.available}

    def offers(self, index: int) -> float:
        """Return the most it can give in step `index` [MW]."""
        return self._able[index]

    def account(self) -> Account:
        """Return the energy nature offered, and what was lost or not taken of it."""
        drawn, lost = self._in_step()
        return Account(drawn=self._drawn + drawn, lost=self._lost + lost)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Give all that is allowed up to the set-point `limit`."""
        del ports
        drawn, lost = self._in_step()
        self._drawn, self._lost = self._drawn + drawn, self._lost + lost
        self._index, self._hours = index, hours
        self.available = self._able[index]
        self.p = min(self.available, max(0.0, setpoints.get("limit", self.available)))
        return {"node": self.p}

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Give less (change < 0), or more of what was curtailed."""
        del port, hours
        before = self.p
        self.p = min(self.available, max(0.0, before + change))
        return self.p - before

    def _in_step(self) -> tuple[float, float]:
        """Return the energy drawn and lost in the present step [MWh]."""
        offered = self._offered[self._index]
        return offered * self._hours, (offered - self.p) * self._hours
