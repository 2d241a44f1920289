"""A year as a study sees it: the park's program with everything known, at the study's steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Horizon, Kind, Readings
from zeropark.assets.told import by_kind, inputs_of, signals_of
from zeropark.data.outlook import Outlook
from zeropark.formulation.carried import NOTHING, Carried
from zeropark.formulation.layout import Layout
from zeropark.formulation.program import Balance, Program

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Year:
    """What happens in the time studied, and how things stand when it begins.

    truth: on the study's steps. readings: of each asset when it begins. end_price: worth of a MWh
    of electricity after it [CNY/MWh]. carried: what is known of the time before it.
    """

    assets: Sequence[Kind]
    nodes: Sequence[Balance]
    truth: Outlook
    readings: Mapping[str, Readings]
    end_price: float
    carried: Carried = NOTHING

    def with_assets(self, changed: Mapping[str, Kind]) -> Year:
        """Return the year with other assets of the same names, in the state they begin with."""
        readings = dict(self.readings)
        for name, asset in changed.items():
            readings[name] = asset.device(self.truth, np.random.default_rng(0)).read()
        assets = [changed.get(asset.name, asset) for asset in self.assets]
        return replace(self, assets=assets, readings=readings)

    def until(self, steps: int) -> Year:
        """Return the first so many steps of the year."""
        if steps == len(self.truth.grid):
            return self
        return replace(self, truth=self.truth.window(0, steps))

    def of_kind(self, kind: str) -> Year:
        """Return the year of the assets of one kind, at the same nodes."""
        return replace(self, assets=[asset for asset in self.assets if asset.kind == kind])

    def program(self, lag: int) -> Program:
        """Return the program with its numbers: all is known, every limit holds as in a plan.

        lag: slots before the first step.
        """
        kinds, grid = by_kind(self.assets), self.truth.grid
        program = Program(self.nodes, kinds, Layout(grid.hours, lag))
        arrivals = {
            asset.name: asset.arrived(self.truth.tables[asset.name], grid)
            for asset in self.assets
            if asset.name in self.truth.tables
        }
        horizon = Horizon(grid, self.end_price, arrivals, carried=self.carried)
        signals = signals_of(kinds, self.truth)
        program.update(inputs_of(kinds, signals, self.readings, horizon), grid.hours)
        return program

    @property
    def lag(self) -> int:
        """How many slots before the first step the rules look back to."""
        return max(asset.lookback(self.truth.grid.step_hours) for asset in self.assets)
