"""A person's table as it lies on disk: CSV of any make, compressed or not, SWF, Parquet, workbook.

Nothing is understood here yet but the file's own form: encoding, delimiter, header, decimal sign.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import Finding
from zeropark.model.mistakes import Mistake, ParkError
from zeropark.units.text import Text

Floats = npt.NDArray[np.float64]
WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xls"})
_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 200
_NUMBER = re.compile(r"^[-+−]?(\d[\d., '\u00a0]*|[.,]\d+)([eE][-+]?\d+)?$")
_LOOKS_LIKE_DATA = re.compile(r"^\s*[-+−]?[.,]?\d")
_NOTHING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "--", "#n/a"})
_MISSING = Text("there is no such file; check the path", "没有这个文件；请检查路径")
_UNREADABLE = Text("the file cannot be read: {said}", "无法读取文件：{said}")
_NO_ROWS = Text("the file holds no rows of data", "文件里没有数据行")
_RAGGED = Text(
    "this row has {given} cells where the first has {needed}; mend the row",
    "这一行有 {given} 格，首行有 {needed} 格；请改这一行",
)
_GB = Text("the file is not UTF-8; it was read as GB 18030", "文件不是 UTF-8；按 GB 18030 读取")


@dataclass(frozen=True)
class Table:
    """Columns of text as written, all of one length.

    file: its name. columns: header (or `1`, `2`, … where there is none) -> cells.
    first_line: line of the first row of data [from 1]; 0 where the file has no lines (Parquet).
    delimiter, decimal: as found. findings: what a reader of the file should know.
    """

    file: str
    columns: dict[str, list[str]]
    first_line: int = 2
    delimiter: str = ","
    decimal: str = "."
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def line(self, row: int) -> int:
        """Return the line of a row [from 0]; where the file has no lines, the row [from 1]."""
        return row + (self.first_line or 1)

    def numbers(self, name: str) -> Floats:
        """Return a column as numbers; NaN where a cell is empty or no number."""
        return parse_numbers(self.columns[name], self.decimal)

    def is_numeric(self, name: str) -> bool:
        """Return whether most written cells at a column's beginning are numbers."""
        written = [c for c in self.columns[name][:_SAMPLE_ROWS] if not is_empty(c)]
        good = sum(bool(_NUMBER.match(cell.strip())) for cell in written)
        return bool(written) and good > 0.5 * len(written)


def is_empty(cell: str) -> bool:
    """Return whether a cell says that there is no value."""
    return cell.strip().lower() in _NOTHING


def wrong(file: str, code: str, text: Text, line: int = 0, where: str = "") -> ParkError:
    """Return the error of a single mistake in a person's file."""
    return ParkError([Mistake(file, line, where, text, code)])


def no_rows(file: str) -> ParkError:
    """Return the error of a file without data."""
    return wrong(file, "no_rows", _NO_ROWS)


def read_table(path: Path, decimal: str | None = None) -> Table:
    """Return what the file at `path` holds; raises `ParkError` where it cannot be read.

    decimal: the decimal sign where it is known.
    """
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
    except FileNotFoundError:
        raise wrong(str(path), "file_missing", _MISSING) from None
    except (OSError, EOFError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise wrong(str(path), "file_unreadable", _UNREADABLE.format(said=said)) from None
    if path.suffix in {".parquet", ".pq"}:
        return _read_parquet(raw, path.name)
    if path.suffix.lower() in WORKBOOKS:
        # Nearly nobody brings one; it builds on this file.
        from zeropark.data.workbook import read_workbook  # noqa: PLC0415

        return read_workbook(raw, path.name)
    return parse_table(raw, path.name, decimal)


def parse_table(raw: bytes, file: str, decimal: str | None = None) -> Table:
    """Return the table in the bytes of a text file."""
    findings: list[Finding] = []
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")
        findings.append(Finding("encoding", _GB))
    lines = text.splitlines()
    skipped = next(
        (i for i, line in enumerate(lines) if line.strip() and line[0] not in ";#"), None
    )
    if skipped is None:
        raise no_rows(file)
    body = lines[skipped:]
    delimiter = _delimiter(body[:_SAMPLE_ROWS])
    if delimiter == " ":
        rows = [line.split() for line in body]
    else:
        rows = list(csv.reader(io.StringIO("\n".join(body)), delimiter=delimiter))
    filled = [(skipped + 1 + i, row) for i, row in enumerate(rows) if any(c.strip() for c in row)]
    names, filled = parted(filled)
    if not filled:
        raise no_rows(file)
    _check_width(file, filled, len(names))
    cells = list(zip(*(row for _, row in filled), strict=True))
    columns = {name: list(column) for name, column in zip(names, cells, strict=True)}
    sign = decimal or _decimal(columns, delimiter)
    return Table(file, columns, filled[0][0], delimiter, sign, tuple(findings))


def _as_they_stand(cells: Sequence[str]) -> Floats | None:
    """Return plain numbers, None where a cell is no plain one.

    Nearly every file is plain; numpy reads those a hundred times faster than we could.
    """
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        return None


def parse_numbers(cells: Sequence[str], decimal: str = ".") -> Floats:
    """Return cells as numbers; NaN where one is empty or no number. Grouping signs are dropped."""
    plain_numbers = _as_they_stand(cells)
    if plain_numbers is not None:
        return plain_numbers
    group = "," if decimal == "." else "."
    found = np.empty(len(cells))
    for i, cell in enumerate(cells):
        plain = (
            cell.strip().replace("−", "-").replace("\u00a0", "").replace("'", "").replace(" ", "")
        )
        plain = plain.replace(group, "").replace(decimal, ".")
        try:
            found[i] = float(plain) if plain.lower() not in _NOTHING else np.nan
        except ValueError:
            found[i] = np.nan
    return found


def _read_parquet(raw: bytes, file: str) -> Table:
    # Only who brings Parquet waits for its library.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.read_table(io.BytesIO(raw))
    except pa.ArrowInvalid as error:
        text = _UNREADABLE.format(said=str(error).partition("\n")[0])
        raise wrong(file, "file_unreadable", text) from None
    columns = {
        name: ["" if value is None else str(value) for value in table.column(name).to_pylist()]
        for name in table.column_names
    }
    if not columns or not len(table):
        raise no_rows(file)
    return Table(file, columns, first_line=0, delimiter="")


def _delimiter(lines: Sequence[str]) -> str:
    """Return the sign that splits all lines into the same number of cells, the most of them."""
    best, most = " ", 0
    for sign in _DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=sign) if row)
        width, times = widths.most_common(1)[0]
        if width > max(1, most) and times >= 0.9 * sum(widths.values()):
            best, most = sign, width
    if best != " ":
        return best
    # Columns set apart by spaces are numbers only; a lone column of times has a space inside too.
    numeric = all(_NUMBER.match(cell) for line in lines[1:3] for cell in line.split())
    return " " if numeric and len(lines[-1].split()) > 1 else ","


def parted(
    rows: list[tuple[int, list[str]]],
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns and the rows of data, from lines with their cells."""
    first = rows[0][1]
    if any(_LOOKS_LIKE_DATA.match(cell) for cell in first):
        return [str(i + 1) for i in range(len(first))], rows
    names: list[str] = []
    for i, cell in enumerate(first):
        name = cell.strip() or str(i + 1)
        names.append(name if name not in names else f"{name} {i + 1}")
    return names, rows[1:]


def _check_width(file: str, rows: list[tuple[int, list[str]]], needed: int) -> None:
    found = [
        Mistake(file, line, "", _RAGGED.format(given=len(row), needed=needed), "row_ragged")
        for line, row in rows
        if len(row) != needed
    ]
    if found:
        raise ParkError(found)


def _decimal(columns: dict[str, list[str]], delimiter: str) -> str:
    """Return the decimal sign: a comma where numbers have one and a point never follows it."""
    if delimiter == ",":
        return "."
    numbers = [
        cell.strip()
        for cells in columns.values()
        for cell in cells[:_SAMPLE_ROWS]
        if _NUMBER.match(cell.strip())
    ]
    commas = sum(cell.rfind(",") > cell.rfind(".") for cell in numbers)
    points = sum(cell.rfind(".") > cell.rfind(",") for cell in numbers)
    return "," if commas > points else "."
