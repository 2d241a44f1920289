"""What it brought: each day and product from the ledger, beside rules and foresight.

Rules and foresight live the day anew on the weather and loads of a simulated site, which are known;
of a field store nobody knows what other decisions would have met, so that only what was is told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from zeropark.ledger.reader import Reader
from zeropark.operate.build import RunRequest
from zeropark.operate.calls import Stage
from zeropark.operate.lived import Lived, Meters
from zeropark.operate.products import products
from zeropark.operate.record import Times, column_name
from zeropark.operate.run import Run
from zeropark.operate.start import assets_of
from zeropark.operate.told_alarms import lived as span_of
from zeropark.operate.told_calls import Told, calls_in
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
_STEP_MINUTES = 15
_LIVED = "plan"
"""How what was truly done is called: the plan did it."""


@dataclass(frozen=True)
class Did:
    """What a policy came to over the metered steps of a day.

    energy_cny: import less export at prices. peak_mw: highest import of a quarter. stored_mwh:
    by how much electric stores held more at the end than at the begin; NaN where that is unknown.
    """

    energy_cny: float
    peak_mw: float
    stored_mwh: float


@dataclass(frozen=True)
class Day:
    """A day of the park. hours: metered of it [h].

    did: by policy: plan is what was lived, rules and foresight where they are known. earned: by
    product, what it came to, by name with the unit last.
    """

    day: dt.date
    hours: float
    did: Mapping[str, Did]
    earned: Mapping[str, Mapping[str, float]]


def brought(
    request: RunRequest, reader: Reader, *, compare: bool = True, day: dt.date | None = None
) -> list[Day]:
    """Return what each lived day brought; only `day` where it is named.

    request: of the park whose ledger it is. compare: whether rules and foresight are lived too,
    where the store is simulated.
    """
    span = span_of(reader.database)
    if span is None:
        return []
    zone = ZoneInfo(request.park.place.zone)
    first, last = (dt.datetime.fromtimestamp(at, zone).date() for at in span)
    days = [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]
    meters = Meters(reader.registry(), reader.history)
    calls = calls_in(reader.database, reader.log)
    both = compare and reader.about.nature == "simulated"
    return [
        _one(request, each, meters, calls, compare=both) for each in days if day in {None, each}
    ]


def _one(
    request: RunRequest, day: dt.date, meters: Meters, calls: Sequence[Told], *, compare: bool
) -> Day:
    zone = request.park.place.zone
    grid = TimeGrid.local_days(day.isoformat(), 1, _STEP_MINUTES, zone)
    lived = lived_of(request, grid, meters)
    tie = lived.of_role("grid")[0]
    shown = lived.means(tie.name)
    known = np.isfinite(shown)
    held = [lived.means(store.name, "energy") for store in lived.electric_stores()]
    did = {_LIVED: _did(shown, known, sum(held, np.zeros(len(grid))), lived)}
    if compare and known.any():
        did |= _others(request, day, known, lived)
    place = ZoneInfo(zone)
    own = [c for c in calls if dt.datetime.fromtimestamp(c.call.begin, place).date() == day]
    earned = {
        key: product.earns(lived)
        for key, product in products().items()
        if product.earns is not None
    }
    for key, product in products().items():
        mine = [told for told in own if told.call.terms.product == key]
        if product.called and mine:
            earned[key] = _called(mine)
    return Day(day, float(known @ grid.hours), did, earned)


def lived_of(request: RunRequest, grid: TimeGrid, meters: Meters) -> Lived:
    """Return a park's time as its meters tell it."""
    assets = assets_of(request)
    tie = next(asset for asset in assets if asset.role == "grid")
    tariff = request.park.tariffs_by_name[getattr(tie, "tariff")]  # noqa: B009 - of a tie's kind
    demand = 0.0 if tariff.demand is None else tariff.demand.price
    prices = (tariff.import_prices(grid), tariff.export_prices(grid))
    return Lived(assets, grid, meters, prices, demand)


def _did(shown: Floats, known: npt.NDArray[np.bool_], held: Floats, lived: Lived) -> Did:
    """Return what a tie's import [MW] and stored energy [MWh] by step come to where it is known."""
    power = np.where(known, shown, 0.0)
    price = np.where(power < 0.0, lived.prices[1], lived.prices[0])
    seen = held[known & np.isfinite(held)]
    change = float(seen[-1] - seen[0]) if len(seen) else float("nan")
    peak = float(power.max(initial=0.0)) if known.any() else float("nan")
    return Did(float((power * price) @ lived.grid.hours), peak, change)


class _Kept:
    """Keeps the columns of a run in memory."""

    def __init__(self) -> None:
        self.parts: list[Mapping[str, Floats]] = []

    def write(self, policy: str, starts: Times, columns: Mapping[str, Floats]) -> None:
        """Take a stretch."""
        del policy, starts
        self.parts.append(columns)

    def column(self, name: str) -> Floats:
        return np.concatenate([part[name] for part in self.parts])


def _others(
    request: RunRequest, day: dt.date, known: npt.NDArray[np.bool_], lived: Lived
) -> dict[str, Did]:
    """Return what rules and foresight would have come to over the same steps."""
    asked = replace(
        request, start=day.isoformat(), days=1, step_minutes=_STEP_MINUTES, compare=False
    )
    run, kept = Run(asked), _Kept()
    run.live("rules", run.rules(), kept, _silent)
    seen = run.foresight()
    repeat = len(lived.grid) // len(seen.grid)
    tie = column_name(lived.of_role("grid")[0].name, "p", "MW")
    stores = [column_name(s.name, "energy", "MWh") for s in lived.electric_stores()]
    zeros = np.zeros(len(lived.grid))
    by_rules = sum((kept.column(name) for name in stores), zeros)
    best = {name: np.repeat(seen.columns[name], repeat) for name in (tie, *stores)}
    return {
        "rules": _did(kept.column(tie), known, by_rules, lived),
        "foresight": _did(best[tie], known, sum((best[name] for name in stores), zeros), lived),
    }


def _silent(*given: object) -> None:
    del given


def _called(told: Sequence[Told]) -> dict[str, float]:
    """Return what calls of one product came to."""
    settled = [each.call.said[Stage.SETTLED.value] for each in told
               if Stage.SETTLED.value in each.call.said]  # fmt: skip
    return {
        "calls": float(len(told)),
        "refused": float(sum(each.call.stage is Stage.REFUSED for each in told)),
        "asked_mwh": sum((float(each["asked_mwh"]) for each in settled), 0.0),
        "delivered_mwh": sum((float(each["delivered_mwh"]) for each in settled), 0.0),
        "brought_cny": sum(
            (float(each["paid_cny"]) - float(each["penalty_cny"]) for each in settled), 0.0
        ),
    }
