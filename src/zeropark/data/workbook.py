"""A person's workbook (.xlsx) as a table: the cells of its first sheet as they would be written."""

from __future__ import annotations

import datetime as dt
import io
import warnings
import zipfile
from typing import Any

from zeropark.data.errors import Finding
from zeropark.data.table import Table, no_rows, parted, wrong
from zeropark.units.text import Text

_OLD = b"\xd0\xcf\x11\xe0"
"""How a workbook of the old form begins, and one that is locked with a password."""
_LARGEST_BYTES = 1 << 30
_BROKEN = Text(
    "this is no whole workbook ({said}); save it again as .xlsx, or as .csv",
    "这不是完整的工作簿（{said}）；请另存为 .xlsx 或 .csv",
)
_LOCKED = Text(
    "this is an old .xls workbook or one with a password; save it as .xlsx without one",
    "这是旧 .xls 工作簿或带密码的工作簿；请不带密码另存为 .xlsx",
)
_LARGE = Text(
    "the workbook holds {given} bytes unpacked; allowed: {most}. Save the sheet as .csv",
    "工作簿解压后为 {given} 字节；上限 {most}。请将工作表另存为 .csv",
)
_SHEETS = Text(
    "of {count} sheets only the first, '{name}', was read; put the one you mean first",
    "共 {count} 个工作表，只读了第一个“{name}”；请把所需的放在最前",
)


def read_workbook(raw: bytes, file: str) -> Table:
    """Return the first sheet in the bytes of a workbook; raises `ParkError` where it is none.

    A cell with a formula counts as the value that was last computed and stored with it.
    """
    if raw.startswith(_OLD):
        raise wrong(file, "workbook_old", _LOCKED)
    _check_size(raw, file)
    try:
        rows, findings = _sheet(raw)
    # Whatever a broken workbook makes its reader raise is the workbook's fault.
    except Exception as error:  # noqa: BLE001
        said = (str(error).strip("'\" ") or type(error).__name__).partition("\n")[0]
        raise wrong(file, "workbook_broken", _BROKEN.format(said=said)) from None
    filled = [(line, row) for line, row in rows if any(row)]
    # A title stands alone above the header.
    while len(filled) > 1 and _written(filled[0][1]) == 1 < _written(filled[1][1]):
        del filled[0]
    if not filled:
        raise no_rows(file)
    names, body = parted(filled)
    if not body:
        raise no_rows(file)
    columns = zip(*(row for _, row in body), strict=True)
    cells = {name: list(column) for name, column in zip(names, columns, strict=True)}
    return Table(file, cells, body[0][0], delimiter="", findings=findings)


def _check_size(raw: bytes, file: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            given = sum(each.file_size for each in packed.infolist())
    except zipfile.BadZipFile as error:
        raise wrong(file, "workbook_broken", _BROKEN.format(said=error)) from None
    if given > _LARGEST_BYTES:
        text = _LARGE.format(given=f"{given:,}", most=f"{_LARGEST_BYTES:,}")
        raise wrong(file, "workbook_large", text)


def _sheet(raw: bytes) -> tuple[list[tuple[int, list[str]]], tuple[Finding, ...]]:
    """Return lines of the first sheet with their cells, all of one width."""
    # Only who brings a workbook waits for its library.
    import openpyxl  # noqa: PLC0415

    with warnings.catch_warnings():
        # What it warns of (styles, validations it does not know) is nothing that is read here.
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        try:
            sheets = book.worksheets
            # Writers are often wrong about how far their cells reach.
            sheets[0].reset_dimensions()
            lines = sheets[0].iter_rows(values_only=True)
            rows = [(i, [_cell(value) for value in line]) for i, line in enumerate(lines, 1)]
            name = sheets[0].title
        finally:
            book.close()
    width = max((_reach(row) for _, row in rows), default=0)
    even = [(i, (row + [""] * width)[:width]) for i, row in rows]
    if len(sheets) == 1:
        return even, ()
    text = _SHEETS.format(count=len(sheets), name=name)
    return even, (Finding("workbook_sheets", text),)


def _cell(value: Any) -> str:
    """Return a value as a person would have written it in a text file."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        # A workbook keeps days as binary fractions, some microseconds off the second meant.
        whole = value + dt.timedelta(seconds=0.5)
        return whole.replace(microsecond=0).isoformat(sep=" ")
    return str(value)


def _reach(row: list[str]) -> int:
    """Return how many cells there are up to the last written one."""
    return max((i for i, cell in enumerate(row, 1) if cell.strip()), default=0)


def _written(row: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)
