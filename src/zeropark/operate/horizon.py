"""How far a plan looks, and in what steps: equal ones, or fine ones first, coarse ones behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """The steps of a horizon.

    step: length of a fine step [h]. fine: how many of them. coarse: how many coarse steps follow.
    ratio: fine steps in a coarse one. Coarse steps lie on the run's calendar: as now moves through
    a coarse step, the fine ones that are over have no length, until the next coarse step is due
    and becomes fine.
    """

    step: float
    fine: int
    coarse: int = 0
    ratio: int = 1

    @classmethod
    def of(
        cls, step: float, fine_hours: float, coarse_hours: float = 0.0, coarse_step: float = 1.0
    ) -> Steps:
        """Return `fine_hours` of steps of `step`, then `coarse_hours` of `coarse_step`, all [h]."""
        fine = max(1, round(fine_hours / step))
        if coarse_hours <= 0.0:
            return cls(step, fine)
        ratio = max(1, round(coarse_step / step))
        whole = -(-fine // ratio) * ratio
        return cls(step, whole, max(1, round(coarse_hours / coarse_step)), ratio)

    def __len__(self) -> int:
        return self.fine + self.coarse

    @property
    def span(self) -> int:
        """How many fine steps the whole horizon covers."""
        return self.fine + self.coarse * self.ratio

    @property
    def lengths(self) -> Floats:
        """Nominal length of each step [h], shape (fine + coarse,)."""
        return np.concatenate(
            [np.full(self.fine, self.step), np.full(self.coarse, self.step * self.ratio)]
        )

    def open_fine(self, index: int) -> int:
        """Return how many fine steps are ahead at step `index` of the run."""
        return self.fine - (index % self.ratio if self.coarse else 0)

    def refilled(self, index: int) -> bool:
        """Whether at step `index` a coarse step has become fine."""
        return self.coarse > 0 and index % self.ratio == 0

    def grid(self, run: TimeGrid, index: int) -> TimeGrid:
        """Return the steps ahead at step `index`; those over or past the end have no length."""
        if not self.coarse and index + self.fine <= len(run):
            return run.window(index, index + self.fine)
        ahead = self.open_fine(index)
        hours = self.lengths
        hours[ahead : self.fine] = 0.0
        left = len(run) - index
        fine_left = min(left, ahead)
        hours[fine_left:ahead] = 0.0
        if self.coarse:
            covered = left - ahead - np.arange(self.coarse) * self.ratio
            hours[self.fine :] = np.clip(covered, 0, self.ratio) * self.step
        return TimeGrid(run.starts[index], hours, run.zone)

    def gather(self, fine: Floats, index: int) -> Floats:
        """Return numbers per fine step from `index` on as one per step of the horizon.

        fine: (members, span or fewer). A coarse step has the mean; past the last number it stands
        still.
        """
        missing = self.span - fine.shape[1]
        if missing > 0:
            fine = np.concatenate([fine, np.repeat(fine[:, -1:], missing, axis=1)], axis=1)
        if not self.coarse:
            return fine[:, : self.fine]
        ahead = self.open_fine(index)
        found = np.empty((fine.shape[0], len(self)))
        found[:, :ahead] = fine[:, :ahead]
        found[:, ahead : self.fine] = fine[:, ahead - 1 : ahead]
        later = fine[:, ahead : ahead + self.coarse * self.ratio]
        found[:, self.fine :] = later.reshape(len(fine), self.coarse, self.ratio).mean(axis=2)
        return found
