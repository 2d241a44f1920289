"""The same twelve days lived again and again, each time by a park of other sizes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from zeropark.operate.build import RunRequest, build_world
from zeropark.operate.run import Run
from zeropark.operate.world import World

# One day of each month, by its number.
_DAY_OF_MONTH = 17
_MONTHS = 12
Sizes = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Lived:
    """What twelve days in closed loop came to.

    days: first local days. costs: operation by part [CNY], over all days; `ends` is what the stores
    hold less at the end than when a day began. clean_share: physical, of
    use and losses [1]; None where nothing was used. unserved: [MWh].
    """

    days: tuple[str, ...]
    costs: dict[str, float]
    clean_share: float | None
    unserved: float


class Replay:
    """The 17th of each of the twelve months from the request's start on, as it truly happens."""

    def __init__(self, request: RunRequest) -> None:
        self._requests = [
            replace(request, start=day, days=1, compare=False) for day in twelve_days(request.start)
        ]
        self._worlds: list[World] = [build_world(each) for each in self._requests]

    def live(self, sizes: Sizes, progress: Callable[[int], None]) -> Lived:
        """Live the days with other numbers of assets: asset -> parameter -> value.

        progress: told how many days are over.
        """
        costs: dict[str, float] = {}
        taken = imported = unserved = 0.0
        for number, (request, world) in enumerate(zip(self._requests, self._worlds, strict=True)):
            progress(number)
            sized = [asset.model_copy(update=sizes.get(asset.name, {})) for asset in world.assets]
            run = Run(request, world=replace(world, assets=sized))
            # What stands in store when a day begins is bought as what is left is sold.
            begins = run.plant().read()
            filled = sum(a.end_cost(begins[a.name], world.end_price) for a in sized)
            costs["ends"] = costs.get("ends", 0.0) - filled
            outcome = run.live("plan", run.planned(), None, lambda *_: None)
            for part, amount in outcome.costs.items():
                costs[part] = costs.get(part, 0.0) + amount
            figures = outcome.figures
            taken += figures.used + figures.lost
            imported += figures.imported
            unserved += sum(figures.unserved.values())
            if figures.interrupted:
                raise KeyboardInterrupt
        days = tuple(request.start for request in self._requests)
        share = 1.0 - imported / taken if taken > 0.0 else None
        return Lived(days, costs, share, unserved)


def twelve_days(start: str) -> tuple[str, ...]:
    """Return the 17th of twelve months: that of `start` first, or the next where it is over."""
    first = dt.date.fromisoformat(start)
    month = np.datetime64(first.replace(day=1), "M")
    if first.day > _DAY_OF_MONTH:
        month = month + 1
    return tuple(f"{month + i}-{_DAY_OF_MONTH}" for i in range(_MONTHS))
