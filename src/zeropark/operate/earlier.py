"""What was lived, step by step: of a park that lives now, or of a run that lies in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.ledger.reader import Reader
from zeropark.ledger.rowform import Quality
from zeropark.operate.figures import Columns, Figures, flow_name
from zeropark.operate.living import COST, Frame, Living
from zeropark.operate.posted import runs
from zeropark.operate.record import Floats, Times, column_name
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.ledger.place import Place

_MWH = 1e9
_HOUR_MS = 3_600_000
_DAY_H = 24.0
_ABSENT = Text(
    "'{given}' is no earlier run of this park in the ledger{meant}",
    "账本中没有该园区的历史运行“{given}”{meant}",
)


@dataclass(frozen=True)
class Past:
    """Lived steps.

    starts: UTC, (N,). lengths: [h], (N,). columns: flows [MW] by name, NaN where nothing was read.
    clean: share of each step [1], NaN where nothing was used. cost: of each step [CNY]; None where
    no record holds it. zone: of the park.
    """

    starts: Times
    lengths: Floats
    columns: Columns
    clean: Floats
    cost: Floats | None
    zone: str


@dataclass(frozen=True)
class Earlier:
    """A run of the park that lies in the ledger. first: UTC. days: how long it lived."""

    id: str
    first: np.datetime64
    days: float
    policy: str


def of_living(living: Living, frame: Frame) -> Past:
    """Return what the park has lived up to a frame."""
    count = frame.index + 1
    starts, columns = living.history()
    columns = {name: values[:count] for name, values in columns.items()}
    return Past(
        starts[:count],
        living.run.world.grid.hours[:count],
        columns,
        columns["park/clean_share_pu"],
        np.diff(columns[COST], prepend=0.0),
        living.run.world.grid.zone,
    )


def earlier(place: Place, park: str, assets: Sequence[Kind]) -> list[Earlier]:
    """Return the runs of a park in the ledger that lived a day or more, the newest first.

    A run of other assets than the park has now is left out: nothing here knows their kinds.
    """
    entries = {}
    with Reader(place) as reader:
        registry = reader.registry()
        for entry in runs(reader.log, reader.database):
            if entry["park"] == park and _names(entry) == {asset.name for asset in assets}:
                point = next(iter(_wanted(assets, str(entry["run"])).values()), "")
                if registry.knows(point):
                    entries[registry.number(point)] = entry
        if not entries:
            return []
        sums = reader.history.sums(list(entries), -_ALWAYS, _ALWAYS, _ALWAYS)
    days = dict.fromkeys(entries, 0.0)
    for point, covered in zip(sums.point.tolist(), sums.covered.tolist(), strict=True):
        days[point] += covered / _HOUR_MS / _DAY_H
    return [
        Earlier(
            str(entry["run"]),
            np.datetime64(int(entry["start"]), "ms").astype("datetime64[s]"),
            days[point],
            str(entry["policy"]),
        )
        for point, entry in reversed(entries.items())
        if days[point] >= 1.0
    ]


_ALWAYS = 1 << 61


def of_ledger(place: Place, run: str, park: str, assets: Sequence[Kind], zone: str) -> Past:
    """Return what a run in the ledger lived. Raises `DataError` where there is no such run."""
    with Reader(place) as reader:
        entries = {
            str(entry["run"]): entry
            for entry in runs(reader.log, reader.database)
            if entry["park"] == park and _names(entry) == {asset.name for asset in assets}
        }
        if run not in entries:
            text = with_meant(_ABSENT, meant(run, entries), given=run[:40])
            raise DataError("run_absent", text)
        entry, registry = entries[run], reader.registry()
        numbers = {
            column: registry.number(point)
            for column, point in _wanted(assets, run).items()
            if registry.knows(point)
        }
        rows = reader.history.rows(list(numbers.values()))
    rows = rows[rows["quality"] == Quality.MEASURED]
    step = int(entry["step"])
    index = (rows["start"] - int(entry["start"])) // step
    count = int(index.max(initial=-1)) + 1
    hours = step / _HOUR_MS
    columns = {}
    for column, number in numbers.items():
        its = rows["point"] == number
        values = np.full(count, np.nan)
        values[index[its]] = rows["value"][its] / _MWH / hours
        columns[column] = values
    first = np.datetime64(int(entry["start"]), "ms").astype("datetime64[s]")
    starts = first + np.arange(count) * np.timedelta64(step // 1000, "s")
    lengths = np.full(count, hours)
    clean = Figures(assets, 0.25, 0.0, {}).clean(columns, lengths)
    return Past(starts, lengths, columns, clean, None, zone)


def _names(entry: Any) -> set[str]:
    return {str(asset["name"]) for asset in entry["assets"]}


def _wanted(assets: Sequence[Kind], run: str) -> dict[str, str]:
    """Return the points of a run that reports are made of, by column."""
    found = {}
    for asset in assets:
        for port, kind in asset.ports().items():
            if kind.carrier == "electricity":
                found[flow_name(asset.name, port)] = f"{asset.name}/{port}@{run}"
        if asset.role == "grid":
            for name in ("import", "export"):
                found[column_name(asset.name, name, "MW")] = f"{asset.name}/{name}@{run}"
    return found
