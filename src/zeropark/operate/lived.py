"""What meters showed over a time, taken from the ledger: means by step, unknown where nobody read.

Nothing here remembers anything: who asks after a restart is told the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.ledger.history import History
from zeropark.ledger.registry import Registry
from zeropark.operate.diary import WHOLE
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
# A step of which less than this share was metered, against the usual one, is unknown [1].
_METERED = 0.5


@dataclass(frozen=True)
class Meters:
    """The meters of a park in a ledger. registry, history: of its store."""

    registry: Registry
    history: History

    def means(self, asset: str, point: str, begin: float, count: int, step: float) -> Floats:
        """Return a point's means [MW, MWh or 1] over steps of `step` [s] from `begin` on, (count,).

        begin: POSIX s, a multiple of the step. NaN where less than half of a step was metered.
        """
        name = f"{asset}/{point}"
        found = np.full(count, np.nan)
        if count <= 0 or not self.registry.knows(name):
            return found
        number = self.registry.number(name)
        factor = next(each for unit, each in WHOLE.values() if unit == self.registry[number].unit)
        first, length = round(begin * 1e3), round(step * 1e3)
        sums = self.history.sums([number], first, first + count * length, length)
        if not len(sums.start):
            return found
        enough = sums.times >= _METERED * np.median(sums.times)
        at = ((sums.start - first) // length)[enough]
        found[at] = (sums.total[enough] / sums.times[enough]).astype(float) / factor
        return found


@dataclass(frozen=True)
class Lived:
    """A time a park lived through.

    grid: its steps. prices: (import, export) of the first tie [CNY/MWh], each (N,). demand_price:
    of one MW of a month's peak [CNY/MW].
    """

    assets: Sequence[Kind]
    grid: TimeGrid
    meters: Meters
    prices: tuple[Floats, Floats]
    demand_price: float = 0.0

    def means(self, asset: str, point: str = "p") -> Floats:
        """Return a point's means by step, (N,); NaN where nobody metered."""
        begin = float(self.grid.start.astype("datetime64[s]").astype(np.int64))
        step = round(self.grid.step_hours * 3600.0)
        return self.meters.means(asset, point, begin, len(self.grid), step)

    def of_role(self, *roles: str) -> list[Kind]:
        """Return the assets of some roles."""
        return [asset for asset in self.assets if asset.role in roles]

    def electric_stores(self) -> list[Kind]:
        """Return the stores of electricity."""
        return [
            asset
            for asset in self.of_role("store")
            if "electricity" in {port.carrier for port in asset.ports().values()}
        ]


def headroom(
    meters: Meters, stores: Sequence[Kind], begin: float, count: int, step: float, lasts: float
) -> Floats:
    """Return the power that stores could give beyond what they gave [MW], by step.

    lasts: how long it must last [h]. A store nobody metered has none; NaN where none was metered.
    """
    each = []
    for store in stores:
        power = meters.means(store.name, "p", begin, count, step)
        energy = meters.means(store.name, "energy", begin, count, step)
        floor = float(getattr(store, "e_floor", 0.0))
        able = (energy - floor) * float(getattr(store, "efficiency", 1.0)) / lasts
        most = float(getattr(store, "p_nom", 0.0))
        each.append(np.maximum(0.0, np.minimum(most - power, able)))
    if not each:
        return np.full(count, np.nan)
    told = np.array(each)
    total: Floats = np.where(np.isnan(told).all(axis=0), np.nan, np.nansum(told, axis=0))
    return total
