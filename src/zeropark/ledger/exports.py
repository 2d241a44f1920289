"""Readings as a file that a person opens and `import` reads back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from zeropark.ledger.registry import Registry
from zeropark.ledger.rowform import NO_VALUE, Quality, Rows


def export_rows(rows: Rows, registry: Registry, sources: Mapping[int, str], file: Path) -> None:
    """Write readings into `file`, CSV or Parquet by its name.

    Columns: point, start (UTC), length_ms, value (empty where there is none), unit, measures,
    quality, source, known_at (UTC), sequence. Raises `OSError` where the disk refuses.
    """
    number = rows["point"].astype(np.int64)
    points = list(registry)
    names = np.array([point.name for point in points], object)
    units = np.array([point.unit for point in points], object)
    measures = np.array([point.measures for point in points], object)
    quality = np.array(["", *(each.name.lower() for each in Quality)], object)
    known = {**sources}
    table = pa.table(
        {
            "point": pa.array(names[number] if len(rows) else [], pa.string()),
            "start": pa.array(_moments(rows["start"]), pa.string()),
            "length_ms": np.ascontiguousarray(rows["length"]),
            "value": pa.array(rows["value"], mask=rows["value"] == NO_VALUE),
            "unit": pa.array(units[number] if len(rows) else [], pa.string()),
            "measures": pa.array(measures[number] if len(rows) else [], pa.string()),
            "quality": pa.array(quality[rows["quality"]], pa.string()),
            "source": pa.array([known.get(int(s), "") for s in rows["source"]], pa.string()),
            "known_at": pa.array(_moments(rows["known_at"]), pa.string()),
            "sequence": np.ascontiguousarray(rows["sequence"]),
        }
    )
    if file.suffix == ".parquet":
        pq.write_table(table, file, compression="zstd")
    else:
        pa_csv.write_csv(table, file)


def _moments(column: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[str]:
    moments = np.datetime_as_string(column.astype("datetime64[ms]"), timezone="UTC")
    return [str(each) for each in moments]
