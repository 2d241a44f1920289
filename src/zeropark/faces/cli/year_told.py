"""A planned year between commands: `plan --learn` writes it, `run --year` and `operate` read it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.faces.cli.progress import Progress
from zeropark.faces.cli.refused import Refused, disk_sentence
from zeropark.model.park import Park, Study
from zeropark.operate.build import RunRequest
from zeropark.operate.run import Run
from zeropark.operate.world import World
from zeropark.plan import told as told_of
from zeropark.plan.carried import YearPlan, learn, usual_worth
from zeropark.plan.told import Told
from zeropark.plan.year import Year
from zeropark.units.text import Text


@dataclass
class Given:
    """A year as a run is given it, after `operate.controllers.Advice`.

    request: of the run. renew: whether the rest of the year is learned anew when a month begins.
    """

    told: Told
    request: RunRequest
    renew: bool = True
    _plans: list[YearPlan] = field(default_factory=list)

    def beyond(self) -> YearPlan:
        """Return what tells one policy's windows."""
        plan = YearPlan(self._year if self.renew else None, self.told.learned)
        self._plans.append(plan)
        return plan

    def settle(self, world: World) -> World:
        """Return the world with what is left in stock settled as the year values it."""
        assets = told_of.settled_by(world.assets, self.told, world.grid.end, world.end_price)
        return replace(world, assets=tuple(assets))

    def account(self) -> dict[str, Any]:
        """Return what was told, as `run.json` says it."""
        return told_of.account(self.told, self._plans[0].learned if self._plans else [])

    def sentence(self) -> Text:
        """Return what a report says of it."""
        return told_of.sentence(self.told, len(self.account()["learned_anew"]))

    def _year(self) -> Year:
        grid = self.told.learned.grid
        first = np.datetime64(grid.local()[0], "D")
        days = int((self.told.ends_on - first) / np.timedelta64(1, "D"))
        asked = replace(self.request, start=str(first), days=days, files={})
        return coarse_year(asked, self.told.step_minutes, self.told.seed)


def coarse_year(request: RunRequest, minutes: int, seed: int) -> Year:
    """Return a request's time in long steps, with the weather and chance of a seed of its own."""
    run = Run(replace(request, step_minutes=minutes, seed=seed))
    world = run.world
    return Year(world.assets, run.nodes, world.truth, run.plant().read(), world.end_price)


def learned(
    park: Park, study: Study, request: RunRequest, place: Path, progress: Progress
) -> dict[str, Any]:
    """Plan the year of a study, write what it says at `place`, return it in short."""
    assert study.coarse is not None, "a study of windows says the steps of its year"
    progress("world", 0, 1)
    minutes, seed = round(study.coarse * 60), request.seed + 1
    year = coarse_year(request, minutes, seed)
    progress("world", 1, 1)
    progress("foresight", 0, 1)
    found = learn(year)
    progress("foresight", 1, 1)
    told = Told(park.name, study.name, dt.datetime.now(dt.UTC).date(), seed, found)
    try:
        told_of.write(told, place)
    except OSError as error:
        raise Refused(disk_sentence(error, str(place))) from error
    return {
        "park": park.name,
        "park_label": park.shown._asdict(),
        "study": study.name,
        "start": request.start,
        "days": request.days,
        "step_minutes": minutes,
        "seed": seed,
        "file": str(place),
        "worth_cny": {name: _span(prices) for name, prices in found.worth.items()},
        "usual_worth_cny": {
            asset.name: usual_worth(asset, year.readings[asset.name], year.end_price)
            for asset in year.assets
            if asset.name in found.worth
        },
        "peaks_mw": {str(np.datetime64(month, "M")): peak for month, peak in found.peaks.items()},
    }


def _span(prices: Any) -> dict[str, float]:
    return {
        "mean": float(prices.mean()), "least": float(prices.min()), "most": float(prices.max()),
    }  # fmt: skip


def given(place: Path | None, request: RunRequest) -> Given | None:
    """Return the year at `place` for a run; None where nobody names one. Refuses what is none."""
    if place is None:
        return None
    try:
        told = told_of.read(place, request.park.name, _kinds_of(request), request.start)
    except OSError as error:
        raise Refused(disk_sentence(error, str(place))) from error
    return Given(told, request)


def by_day(place: Path, request: RunRequest) -> Callable[[dt.date], Given | None]:
    """Return who reads the year at `place` for each day of an operation.

    It is read now, so that a wrong one is refused; later one that cannot be read leaves the last
    one in force, and a day it does not reach goes without.
    """
    last = given(place, request)

    def read(day: dt.date) -> Given | None:
        nonlocal last
        asked = replace(request, start=day.isoformat())
        try:
            told = told_of.read(place, request.park.name, _kinds_of(request), asked.start)
        except DataError as error:
            return None if error.key == "year_time" else last
        except OSError:
            return last
        last = Given(told, asked, renew=False)
        return last

    return read


def _kinds_of(request: RunRequest) -> list[Kind]:
    return [asset for asset in request.park.assets if isinstance(asset, Kind)]
