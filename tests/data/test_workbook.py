"""A person's workbook is read as the table that is seen in it, and a bad one is a sentence."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from zeropark.data import workbook
from zeropark.data.table import Table, read_table
from zeropark.model.mistakes import ParkError

HEADER = ["time", "load (kW)"]
NOON = dt.datetime(2026, 4, 17, 12)  # noqa: DTZ001 - a workbook's times name no zone


def written(sheets: Mapping[str, Sequence[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    room = io.BytesIO()
    book.save(room)
    return room.getvalue()


def read(place: Path, raw: bytes, name: str = "a.xlsx") -> Table:
    (place / name).write_bytes(raw)
    return read_table(place / name)


def test_cells_are_what_is_seen_in_them(tmp_path: Path) -> None:
    almost = NOON + dt.timedelta(minutes=15) - dt.timedelta(microseconds=3)
    rows = [HEADER, [NOON, 1.5], [almost, None], ["2026-04-17 12:30", 2]]
    table = read(tmp_path, written({"Sheet": rows}))
    assert table.columns == {
        "time": ["2026-04-17 12:00:00", "2026-04-17 12:15:00", "2026-04-17 12:30"],
        "load (kW)": ["1.5", "", "2"],
    }
    assert (table.file, table.line(0), table.findings) == ("a.xlsx", 2, ())


def test_a_title_above_the_header_and_empty_rows_and_columns_are_none(tmp_path: Path) -> None:
    rows = [["一号主变 15 分钟负荷"], [], [*HEADER, None], [NOON, 1, None], [], [None, None]]
    table = read(tmp_path, written({"Sheet": rows}))
    assert table.columns == {"time": ["2026-04-17 12:00:00"], "load (kW)": ["1"]}
    assert table.line(0) == 4


def test_of_several_sheets_the_first_is_read_and_that_is_said(tmp_path: Path) -> None:
    table = read(tmp_path, written({"April": [HEADER, [NOON, 1]], "May": [HEADER, [NOON, 2]]}))
    assert table.columns["load (kW)"] == ["1"]
    (finding,) = table.findings
    assert finding.text.en.startswith("of 2 sheets only the first, 'April', was read")
    assert "“April”" in finding.text.zh


GOOD = written({"Sheet": [HEADER, *([NOON, k] for k in range(200))]})
SHEET = GOOD.index(b"xl/worksheets/sheet1.xml") + 200


@pytest.mark.parametrize(
    ("raw", "name", "words"),
    [
        (GOOD[: len(GOOD) // 2], "cut.xlsx", "this is no whole workbook"),
        (GOOD[:SHEET] + b"?" * 20 + GOOD[SHEET + 20 :], "torn.xlsx", "this is no whole workbook"),
        (b"time,load\n", "text.xlsx", "this is no whole workbook"),
        (b"", "empty.xlsx", "this is no whole workbook"),
        (b"\xd0\xcf\x11\xe0 and more", "old.xls", "an old .xls workbook or one with a password"),
        (b"\xd0\xcf\x11\xe0 and more", "locked.XLSX", "an old .xls workbook or one with a pass"),
        (written({"Sheet": [HEADER]}), "bare.xlsx", "the file holds no rows of data"),
        (written({"Sheet": []}), "nothing.xlsx", "the file holds no rows of data"),
    ],
)
def test_a_workbook_that_cannot_be_read_is_a_sentence(
    tmp_path: Path, raw: bytes, name: str, words: str
) -> None:
    with pytest.raises(ParkError, match=f"^{re.escape(name)}.*{re.escape(words)}"):
        read(tmp_path, raw, name)


@pytest.mark.parametrize("room", [0, -1])
def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    raw = written({"Sheet": [HEADER, [NOON, 1]]})
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        size = sum(each.file_size for each in packed.infolist())
    monkeypatch.setattr(workbook, "_LARGEST_BYTES", size + room)
    if room == 0:
        assert len(read(tmp_path, raw)) == 1
        return
    with pytest.raises(ParkError, match=f"holds {size:,} bytes unpacked; allowed: {size - 1:,}"):
        read(tmp_path, raw)
