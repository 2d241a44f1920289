"""A run in the ledger: what it did as readings, commands and decisions, and its figures from there.

Figures are computed again from the ledger's whole numbers alone, so that nobody has to believe
`run.json`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.formulation.reasons import Reason
from zeropark.ledger import canonical, rowform
from zeropark.ledger.history import History
from zeropark.ledger.log import Log
from zeropark.ledger.reading import Offered
from zeropark.ledger.registry import Point, Registry
from zeropark.ledger.rowform import Quality
from zeropark.ledger.store import Store
from zeropark.operate.figures import flow_name
from zeropark.operate.loop import Shown
from zeropark.operate.record import Written, column_name
from zeropark.operate.world import World
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]
_MWH = 10**9
"""mWh in a MWh."""
_SOURCE = "simulated plant"
_ABSENT = Text(
    "no run '{given}' is in this store; zeropark ledger query --kind run lists them",
    "账本中没有运行“{given}”；用 zeropark ledger query --kind run 查看",
)


class RunLedger:
    """Posts one run into a simulated store, and hands its stretches on to its file.

    policy: whose life is posted; the others are only compared with. Readings are energies of each
    step at each port [mWh], into the node +, and what stores hold at the step's end.
    """

    def __init__(self, store: Store, world: World, policy: str, file: Written) -> None:
        store.must_be("simulated")
        self.id = uuid.uuid4().hex[:12]
        self._store, self._world, self._policy, self._file = store, world, policy, file
        self._source = store.source(_SOURCE)
        self._points = dict(self._named(world.assets))
        store.register(list(self._points.values()))
        self._numbers = {
            column: store.registry.number(point.name) for column, point in self._points.items()
        }
        self._entries: list[tuple[str, Mapping[str, Any], str]] = []

    def _named(self, assets: Sequence[Kind]) -> Iterable[tuple[str, Point]]:
        """Yield (column of the run, point) of all that is posted."""
        step = round(self._world.grid.step_hours * 3_600_000)
        for asset in assets:
            for port in asset.ports():
                name = f"{asset.name}/{port}@{self.id}"
                yield flow_name(asset.name, port), Point(name, "mWh", interval=step)
            for each in asset.shown_points():
                column = column_name(asset.name, each.name, each.unit)
                name = f"{asset.name}/{each.name}@{self.id}"
                if each.unit == "MWh":
                    yield column, Point(name, "mWh", "state", interval=step)
                elif each.unit == "MW" and each.name in {
                    "import",
                    "export",
                    "available",
                    "p",
                    "unserved",
                }:
                    yield column, Point(f"{name}", "mWh", interval=step)

    def write(self, policy: str, starts: Times, columns: Mapping[str, Floats]) -> None:
        """Take a stretch of a policy; post it where it is the run's own."""
        self._file.write(policy, starts, columns)
        if policy != self._policy:
            return
        first = int(np.searchsorted(self._world.grid.starts, starts[0]))
        hours = self._world.grid.hours[first : first + len(starts)]
        at = starts.astype("datetime64[ms]").astype(np.int64)
        known = {column: columns[column] for column in self._points if column in columns}
        parts = [self._offered(column, values, at, hours) for column, values in known.items()]
        taken = self._store.accept(
            Offered(*(np.concatenate(each) for each in zip(*parts, strict=True)))
        )
        assert taken.whole, f"a new run's readings are taken: {taken.counts()}"
        self._flush()

    def _offered(
        self, column: str, values: Floats, at: npt.NDArray[np.int64], hours: Floats
    ) -> tuple[npt.NDArray[np.int64], ...]:
        """Return one column as the columns of an offer."""
        count = len(values)
        per_step = 1.0 if self._points[column].measures == "state" else hours
        there = np.isfinite(values)
        amounts = np.rint(np.where(there, values, 0.0) * per_step * _MWH).astype(np.int64)
        value = np.where(there, amounts, rowform.NO_VALUE)
        quality = np.where(there, Quality.MEASURED, Quality.MISSING)
        lengths = np.rint(hours * 3_600_000).astype(np.int64)
        point, source = self._numbers[column], self._source
        lone = (np.full(count, source), np.zeros(count, np.int64))
        return np.full(count, point), at, lengths, value, quality.astype(np.int64), *lone

    def note(self, index: int, known: Shown, setpoints: Shown, read_back: Shown) -> None:
        """Keep a step's commands: who decided, from which image, what was written and read back."""
        image = canonical.dumps({name: _texts(points) for name, points in known.items()})
        body = {
            "run": self.id,
            "step": _ms(self._world.grid.starts[index]),
            "by": self._policy,
            "image": hashlib.sha256(image).hexdigest(),
            "written": {name: _texts(points) for name, points in setpoints.items() if points},
            "read_back": {
                name: _texts({point: read_back[name].get(point) for point in points})
                for name, points in setpoints.items()
                if points
            },
        }
        self._entries.append(("command", body, self.id))

    def finish(self, reasons: Iterable[tuple[int, Reason]], found: Mapping[str, Any]) -> None:
        """Post why each step was decided so, and what the run is."""
        for index, said in _by_step(reasons):
            at = _ms(self._world.grid.starts[index])
            self._entries.append(("decision", {"run": self.id, "step": at, "why": said}, self.id))
        self._flush()
        grid = self._world.grid
        body = {
            "run": self.id,
            "park": str(found["park"]),
            "policy": self._policy,
            "version": str(found["version"]),
            "seed": int(found["seed"]),
            "start": _ms(grid.start),
            "step": round(grid.step_hours * 3_600_000),
            "demand_step": round(self._interval() * 3_600_000),
            "partial": bool(found["partial"]),
            "assets": [
                {
                    "name": asset.name,
                    "role": asset.role,
                    "ports": {port: kind.carrier for port, kind in asset.ports().items()},
                    "stored": round(self._stored(asset) * _MWH),
                }
                for asset in self._world.assets
            ],
        }
        self._store.note("run", body, self.id)

    def start_from(self, stored: Mapping[str, float], interval: float) -> None:
        """Keep what stores held when the run began [MWh], and the demand interval [h]."""
        self._begun, self._demand = dict(stored), interval

    def _stored(self, asset: Kind) -> float:
        return self._begun.get(asset.name, 0.0)

    def _interval(self) -> float:
        return self._demand

    def _flush(self) -> None:
        if self._entries:
            with self._store.lock, self._store.writing():
                self._store.enter(self._entries)
            self._entries = []


def _ms(moment: np.datetime64) -> int:
    return int(moment.astype("datetime64[ms]").astype(np.int64))


def _texts(points: Mapping[str, Any]) -> dict[str, str | None]:
    """Return numbers as text with six digits: W and mdegC of what is MW and degC."""
    return {
        name: None if value is None else f"{float(value):.6f}"
        for name, value in points.items()
        if value is None or isinstance(value, int | float | np.number)
    }


def _by_step(reasons: Iterable[tuple[int, Reason]]) -> Iterable[tuple[int, list[Any]]]:
    found: dict[int, list[Any]] = {}
    for index, reason in reasons:
        said = {"en": reason.sentence.en, "zh": reason.sentence.zh}
        entry = {"asset": reason.asset, "code": str(reason.code), "sentence": said}
        found.setdefault(index, []).append(entry)
    return found.items()


# -- figures from the ledger ---------------------------------------------------------------------


class _Posted:
    """A run as the ledger holds it."""

    def __init__(self, history: History, registry: Registry, entry: Mapping[str, Any]) -> None:
        self._history, self._registry = history, registry
        self.id = str(entry["run"])
        self.assets: list[dict[str, Any]] = list(entry["assets"])

    def values(self, point: str) -> Floats | None:
        """Return a point's readings in order of time [MWh]; None where it has none."""
        name = f"{point}@{self.id}"
        if not self._registry.knows(name):
            return None
        rows = self._history.rows([self._registry.number(name)])
        rows = rows[rows["quality"] == Quality.MEASURED]
        return rows["value"] / _MWH if len(rows) else None

    def electric(self, *, of: bool, role: str) -> list[tuple[str, Floats]]:
        """Return (asset, energy into the node) at electricity ports of assets (not) of a role."""
        found = []
        for asset in self.assets:
            if (asset["role"] == role) is not of:
                continue
            for port, carrier in asset["ports"].items():
                values = self.values(f"{asset['name']}/{port}")
                if carrier == "electricity" and values is not None:
                    found.append((asset["name"], values))
        return found

    def total(self, role: str, point: str) -> float:
        """Return the sum of one point over all assets of a role."""
        names = [asset["name"] for asset in self.assets if asset["role"] == role]
        every = (self.values(f"{name}/{point}") for name in names)
        return float(sum(values.sum() for values in every if values is not None))


def runs(log: Log, history_of: Any) -> list[dict[str, Any]]:
    """Return the entries of all runs in a store, in order. history_of: its database."""
    sizes = history_of.rows("SELECT size FROM entry WHERE kind = 'run' ORDER BY size")
    return log.entries(size for (size,) in sizes)


def figures_posted(
    history: History, registry: Registry, entries: Sequence[Mapping[str, Any]], run: str
) -> dict[str, float | None]:
    """Return a run's figures from the ledger alone, by the names of `run.json`, units last.

    entries: of all runs. Raises `DataError` where there is no such run.
    """
    entry = next((each for each in entries if each["run"] == run), None)
    if entry is None:
        raise DataError("run_absent", _ABSENT.format(given=run))
    posted = _Posted(history, registry, entry)
    imported, exported = posted.total("grid", "import"), posted.total("grid", "export")
    flows = posted.electric(of=False, role="grid")
    stores = {asset["name"] for asset in posted.assets if asset["role"] == "store"}
    used = -sum(float(np.minimum(v, 0.0).sum()) for name, v in flows if name not in stores)
    charged = -sum(float(values.sum()) for name, values in flows if name in stores)
    lost = charged - _grown(posted)
    taken = used + lost
    return {
        "grid_import_mwh": imported,
        "grid_export_mwh": exported,
        "grid_peak_mw": _peak(posted, int(entry["step"]), int(entry["demand_step"])),
        "served_mwh": used,
        "losses_mwh": lost,
        "curtailed_mwh": _curtailed(posted),
        "unserved_mwh": sum(
            float(values.sum())
            for asset in posted.assets
            if (values := posted.values(f"{asset['name']}/unserved")) is not None
        ),
        "clean_share": 1.0 - imported / taken if taken > 0 else None,
    }


def _grown(posted: _Posted) -> float:
    """Return by how much the electric stores' content grew [MWh]."""
    grown = 0.0
    for asset in posted.assets:
        energy = posted.values(f"{asset['name']}/energy")
        electric = "electricity" in asset["ports"].values()
        if asset["role"] == "store" and electric and energy is not None:
            grown += float(energy[-1]) - int(asset["stored"]) / _MWH
    return grown


def _curtailed(posted: _Posted) -> float:
    total = 0.0
    for asset in posted.assets:
        available = posted.values(f"{asset['name']}/available")
        made = posted.values(f"{asset['name']}/p")
        if asset["role"] == "source" and available is not None and made is not None:
            total += float(np.maximum(available - made, 0.0).sum())
    return total


def _peak(posted: _Posted, step: int, demand: int) -> float:
    """Return the highest mean import over a demand interval [MW]."""
    ties = [asset["name"] for asset in posted.assets if asset["role"] == "grid"]
    each = [values for name in ties if (values := posted.values(f"{name}/import")) is not None]
    if not each:
        return 0.0
    energy = np.sum(each, axis=0)
    group = max(1, round(demand / step))
    whole = energy[: len(energy) // group * group].reshape(-1, group).sum(axis=1)
    return float(whole.max() / (group * step / 3_600_000)) if len(whole) else 0.0
