"""What a run leaves behind: a row per step and policy, written as it goes; memory stays flat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]
_WRITTEN = {"1": "pu", "degC": "c"}


def column_name(asset: str, point: str, unit: str) -> str:
    """Return a series' name at the edge: `asset/point_unit`; a code carries no unit."""
    if unit == "code":
        return f"{asset}/{point}"
    suffix = _WRITTEN.get(unit, unit.lower().replace("/", "_per_").replace("-", ""))
    return f"{asset}/{point}_{suffix}"


def series_columns(assets: Sequence[Kind], nodes: Iterable[str]) -> list[str]:
    """Return the names of all columns a run writes for these assets and nodes."""
    points = [column_name(a.name, p.name, p.unit) for a in assets for p in a.shown_points()]
    prices = [f"{node}/price_cny_per_mwh" for node in nodes]
    park = ["park/clean_share_pu", "weather/t_air_c", "weather/t_wet_c"]
    return [*points, *prices, *park]


class Written(Protocol):
    """Takes the stretches of a run."""

    def write(self, policy: str, starts: Times, columns: Mapping[str, Floats]) -> None:
        """Take a stretch: `starts` (N,) UTC, each column (N,); an absent one or NaN is unknown."""
        ...


class SeriesFile:
    """`series.parquet`: long by policy, one row group per stretch of a run."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        # A plan alone writes no table, and does not wait for the library of tables.
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet as pq  # noqa: PLC0415

        self._columns = list(columns)
        fields = [("policy", pa.string()), ("at", pa.timestamp("s", tz="UTC"))]
        self._schema = pa.schema([*fields, *((name, pa.float64()) for name in columns)])
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def write(self, policy: str, starts: Times, columns: Mapping[str, Floats]) -> None:
        """Append a stretch: `starts` (N,) UTC, each column (N,); an absent one or NaN is null."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        count = len(starts)
        arrays: list[pa.Array] = [
            pa.array([policy] * count, pa.string()),
            pa.array(starts.astype("datetime64[s]")).cast(pa.timestamp("s", tz="UTC")),
        ]
        for name in self._columns:
            column = columns.get(name)
            missing = pa.nulls(count, pa.float64())
            arrays.append(missing if column is None else pa.array(column, from_pandas=True))
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))


class Recorder:
    """Gathers steps of one policy and hands them on a stretch at a time."""

    def __init__(self, stretch: int) -> None:
        self.stretch = stretch
        self._rows: list[dict[str, float]] = []
        self.first = 0

    def add(self, row: dict[str, float]) -> None:
        """Take one step's numbers by column name."""
        self._rows.append(row)

    @property
    def full(self) -> bool:
        """Whether a stretch is complete."""
        return len(self._rows) >= self.stretch

    def take(self) -> tuple[int, dict[str, Floats]]:
        """Return (index of the first step, columns) of what was gathered, and forget it."""
        rows, first = self._rows, self.first
        self._rows, self.first = [], first + len(rows)
        names = dict.fromkeys(name for row in rows for name in row)
        return first, {
            n: np.array([row.get(n, np.nan) for row in rows], dtype=float) for n in names
        }
