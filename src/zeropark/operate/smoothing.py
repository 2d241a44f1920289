"""What a remote base gave: how smooth it was with its storage and without, and the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.battery import Battery
from zeropark.assets.kind import Kind
from zeropark.operate.record import column_name

if TYPE_CHECKING:
    from zeropark.assets.remote_base import RemoteBase

Floats = npt.NDArray[np.float64]
_PERCENTILES = (50, 95, 99, 100)
_ROUNDING = 1e-6


class Smoothing:
    """The outputs of a base, step by step, gathered as a run goes on.

    Without storage it would deliver what sun and wind gave, up to its limit of delivery.
    """

    def __init__(self, base: RemoteBase, assets: Sequence[Kind]) -> None:
        here = [asset for asset in assets if getattr(asset, "node", None) == base.node]
        self.base = base
        self._sources = [asset.name for asset in here if asset.role == "source"]
        self._stores = [asset for asset in here if isinstance(asset, Battery)]
        self._with: list[Floats] = []
        self._without: list[Floats] = []
        self._hours: list[Floats] = []
        self._out = self._lost = self._wear = 0.0
        self._held = sum(store.start * store.e_nom for store in self._stores)

    def add(self, columns: Mapping[str, Floats], hours: Floats) -> None:
        """Take a stretch of steps."""
        given = [columns[column_name(name, "available", "MW")] for name in self._sources]
        raw = np.minimum(sum(given, np.zeros(len(hours))), self.base.p_nom)
        self._with.append(columns[column_name(self.base.name, "p", "MW")])
        self._without.append(raw)
        self._hours.append(hours)
        held = 0.0
        for store in self._stores:
            power = columns[column_name(store.name, "p", "MW")]
            out = float(np.maximum(power, 0.0) @ hours)
            self._out += out
            self._wear += out * store.wear_cost
            self._lost -= float(power @ hours)
            held += float(columns[column_name(store.name, "energy", "MWh")][-1])
        self._lost -= held - self._held
        self._held = held

    def as_json(self, price: float) -> dict[str, Any] | None:
        """Return ramps with and without storage [MW per step], and what a MWh of it cost [CNY].

        price: of the energy that storage lost [CNY/MWh]. None where fewer than two steps were run.
        """
        delivered = np.concatenate([*self._with, np.zeros(0)])
        raw = np.concatenate([*self._without, np.zeros(0)])
        if len(delivered) <= 1:
            return None
        hours = np.concatenate(self._hours)[1:]
        cost = self._wear + self._lost * price
        return {
            "with_storage": self._ramps(delivered, hours),
            "without_storage": self._ramps(raw, hours),
            "discharged_mwh": self._out,
            "storage_cost_cny": cost,
            "cost_cny_per_mwh": cost / self._out if self._out > 0.0 else None,
        }

    def _ramps(self, output: Floats, hours: Floats) -> dict[str, float]:
        """Return percentiles of the change from step to step [MW] and the share of falls kept."""
        change = np.diff(output)
        found = {
            f"ramp_p{percent}_mw": float(np.percentile(np.abs(change), percent))
            for percent in _PERCENTILES
        }
        kept = -change <= self.base.down_most * hours + _ROUNDING
        return {**found, "down_kept_share": float(kept.mean())}
