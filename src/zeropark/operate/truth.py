"""The truth log of a simulated site: what really happened, written by nobody who could be wrong.

One JSON value a line, appended and never edited: first what the columns are and their limits, then
a list of numbers for each step (its start in POSIX seconds first), and an object for each event. A
test of operation is judged by it and never by readings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind

Floats = npt.NDArray[np.float64]
Limits = Mapping[str, tuple[float, float]]


def limits_of(assets: Sequence[Kind]) -> dict[str, tuple[float, float]]:
    """Return the limits of points that nobody may break, by `asset/point` [units used inside].

    Of a tie what it may import and export [MW], of a store its band of charge [1], of what carries
    its rating [MW].
    """
    found: dict[str, tuple[float, float]] = {}
    for asset in assets:
        nameplate = vars(asset)
        points = {point.name for point in asset.points}
        if "import_max" in nameplate:
            found[f"{asset.name}/p"] = (-nameplate["export_max"], nameplate["import_max"])
        elif asset.role == "carry" and "p_nom" in nameplate and "p" in points:
            found[f"{asset.name}/p"] = (-nameplate["p_nom"], nameplate["p_nom"])
        if {"floor", "ceiling"} <= nameplate.keys() and "soc" in points:
            found[f"{asset.name}/soc"] = (nameplate["floor"], nameplate["ceiling"])
    return found


class TruthLog:
    """Appends to a truth log."""

    def __init__(self, path: Path, head: Mapping[str, Any], columns: Sequence[str]) -> None:
        # Whoever had the file before keeps his lines: a new run is a new head.
        self._file = path.open("a", encoding="utf-8")
        self._line({**head, "columns": list(columns)})

    def step(self, at: float, values: Sequence[float]) -> None:
        """Note a step that begins at `at` [POSIX s]; a value that is not there is null."""
        self._line([at, *(None if v != v else round(v, 9) for v in values)])  # noqa: PLR0124 - NaN

    def event(self, at: float, what: str, **said: object) -> None:
        """Note something that happened at `at` [POSIX s]."""
        self._line({"at": at, "event": what, **said})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _line(self, value: object) -> None:
        self._file.write(json.dumps(value, separators=(",", ":")) + "\n")
        self._file.flush()


@dataclass(frozen=True)
class Truth:
    """What a truth log says of its last run.

    head: what was said at its start. at: start of each step [POSIX s], (N,). values: (N, columns),
    NaN where there was none. events: in their order.
    """

    head: Mapping[str, Any]
    columns: tuple[str, ...]
    at: Floats
    values: Floats
    events: tuple[Mapping[str, Any], ...]

    def column(self, name: str) -> Floats:
        """Return a column, (N,); raises `ValueError` where there is none of that name."""
        return self.values[:, self.columns.index(name)]

    @property
    def limits(self) -> Limits:
        """The limits by column."""
        return {name: (low, high) for name, (low, high) in self.head["limits"].items()}


def read_truth(path: Path) -> Truth:
    """Return the last run of a truth log; a line that was not finished is passed over."""
    head: dict[str, Any] = {}
    rows: list[list[float]] = []
    events: list[Mapping[str, Any]] = []
    for line in _whole_lines(path):
        said = json.loads(line)
        if isinstance(said, list):
            rows.append([np.nan if v is None else v for v in said])
        elif "columns" in said:
            head, rows, events = said, [], []
        else:
            events.append(said)
    table = np.array(rows, dtype=np.float64).reshape(len(rows), -1)
    values = table[:, 1:] if rows else np.zeros((0, len(head.get("columns", ()))))
    at = table[:, 0] if rows else np.zeros(0)
    return Truth(head, tuple(head.get("columns", ())), at, values, tuple(events))


def _whole_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield line


class Breach(NamedTuple):
    """A limit that was broken. since: POSIX s. seconds: for how long. worst: by how much most."""

    column: str
    since: float
    seconds: float
    worst: float


# What arithmetic alone may be beyond a limit, as a share of the limit's size.
_NOISE = 1e-6


def breaches(truth: Truth, reaction: float = 0.0) -> list[Breach]:
    """Return what was broken for longer than `reaction` [s], in the order of columns and time."""
    found: list[Breach] = []
    step = float(truth.head["step"])
    for column, (low, high) in truth.limits.items():
        values = truth.column(column)
        slack = _NOISE * max(abs(low), abs(high), 1.0)
        beyond = np.nan_to_num(np.maximum(values - high, low - values), nan=-np.inf)
        broken = np.concatenate([[False], beyond > slack, [False]])
        edges = np.flatnonzero(np.diff(broken.astype(np.int8)))
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            seconds = float(truth.at[last - 1] - truth.at[first]) + step
            if seconds > reaction:
                worst = float(beyond[first:last].max())
                found.append(Breach(column, float(truth.at[first]), seconds, worst))
    return found
