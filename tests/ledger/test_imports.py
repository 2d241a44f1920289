"""A person's file: shown before it is taken, taken whole or not at all, read back the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.conftest import NOON
from tests.ledger.made_up import PV, QUARTER, offer
from zeropark.data.errors import DataError
from zeropark.ledger.exports import export_rows
from zeropark.ledger.imports import Asked, judge_import, read_import, take_import
from zeropark.ledger.reading import Outcome
from zeropark.ledger.store import Store
from zeropark.model.mistakes import ParkError

EXCERPTS = Path(__file__).parent / "excerpts"
XINING = "Asia/Shanghai"


# What the columns add up to was summed by awk over the same lines: Wh, and kW or MW in W.
@pytest.mark.parametrize(
    ("file", "asked", "point", "readings", "total"),
    [
        ("steel_works.csv", Asked("works", XINING), "works/usage-kwh", 99, 362_190),
        ("wind_farm.csv", Asked("wind", "Europe/Paris"), "wind/net-energy-kwh", 59, 15143925),
        (
            "battery.csv",
            Asked("bat", "America/Los_Angeles", {"RealPower": "kW"}, {"RealPower": "bat/p"}),
            "bat/p",
            48,
            -408_750,
        ),
        ("solar_plant.xlsx", Asked("pv", XINING), "pv/power-mw", 96, 742_942_043),
    ],
)
def test_real_shapes_come_in_whole(
    store: Store, file: str, asked: Asked, point: str, readings: int, total: int
) -> None:
    read = read_import(EXCERPTS / file, asked)
    size = store.log.size
    before = judge_import(store, read, "files")
    assert before.whole
    assert store.log.size == size
    became = take_import(store, read, "files")
    assert became.counts == before.counts
    rows = store.history.rows([store.registry.number(point)])
    assert len(rows) == readings
    assert int(rows["value"].sum()) == total
    again = take_import(store, read, "files")
    assert set(again.counts) == {Outcome.EXISTS}


def test_charging_sessions_come_in_by_station_and_without_their_drivers(store: Store) -> None:
    read = read_import(EXCERPTS / "sessions.csv", Asked("garage", "America/Los_Angeles"))
    assert take_import(store, read, "files").whole
    rows = store.history.rows()
    assert len(rows) == 39
    assert int(rows["value"].sum()) == 444_482
    first = store.history.rows([store.registry.number("garage/CA-305")])[0]
    # 2019-05-01 01:18:45-07:00 to 15:52:36-07:00, 44.069 kWh.
    assert (first["start"], first["length"], first["value"]) == (1556698725000, 52431000, 44069)
    leaves = b"".join(body for _, body in store.log.leaves())
    assert b"2_39_131_30" not in leaves


def test_what_a_store_holds_comes_back_the_same(store: Store, tmp_path: Path) -> None:
    offer(store, PV, [NOON - QUARTER * k for k in (4, 3, 2)], [1, 2, 3])
    for name in ("a.csv", "a.parquet"):
        export_rows(store.history.rows(), store.registry, {0: "gateway"}, tmp_path / name)
        read = read_import(tmp_path / name, Asked("x", XINING))
        became = take_import(store, read, "gateway")
        assert became.counts == {Outcome.EXISTS: 3}, became.refused


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("pv/node,2026-04-17T06:00:00Z,900000,1.5,Wh", "line 2: '1.5' is no whole number"),
        ("pv/node,2026-04-17T06:00:00Z,900000,nan,Wh", ""),
        ("pv/node,2026-04-17 06:00:00,900000,1,Wh", "is no time with its zone"),
        ("pv/node,2026-04-17T06:00:00Z,900000,1,kWh", "unit 'kWh' is not known"),
        ("pv/node,2026-04-17T06:00:00Z,900000,9223372036854775808,Wh", "is no whole number"),
        ("pvnode,2026-04-17T06:00:00Z,900000,1,Wh", "is no name of a point"),
        ("pv/node,2026-04-17T06:00:00Z,900000,1", "has 4 cells where the first has 5"),
    ],
)
def test_the_ledgers_own_form_takes_whole_numbers_and_zoned_times(
    tmp_path: Path, rows: str, words: str
) -> None:
    file = tmp_path / "own.csv"
    good = "pv/node,2026-04-17T07:00:00Z,900000,1,Wh"
    file.write_text(f"point,start,length_ms,value,unit\n{rows}\n{good}\n", encoding="utf-8")
    if not words:
        assert len(read_import(file, Asked("x", XINING)).value) == 2
        return
    with pytest.raises(ParkError) as refused:
        read_import(file, Asked("x", XINING))
    assert words.removeprefix("line 2: ") in str(refused.value)
    assert "own.csv:2" in str(refused.value)


def test_a_file_with_one_bad_row_takes_nothing_and_says_which(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    lines = [f"pv/node,2026-04-17T0{h}:00:00Z,900000,{v},Wh" for h, v in ((6, 5), (7, 10_001))]
    file.write_text("point,start,length_ms,value,unit\n" + "\n".join(lines), encoding="utf-8")
    size = store.log.size
    became = take_import(store, read_import(file, Asked("x", XINING)), "files")
    assert became.counts == {Outcome.ACCEPTED: 1, Outcome.OUT_OF_RANGE: 1}
    sentence = became.refused[0].sentence()
    assert sentence == "own.csv:3: pv/node: outside what the point can physically be"
    assert store.log.size == size


def test_a_point_kept_in_another_unit_is_refused(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    row = "pv/node,2026-04-17T06:00:00Z,900000,1,mWh"
    file.write_text(f"point,start,length_ms,value,unit\n{row}\n", encoding="utf-8")
    read = read_import(file, Asked("x", XINING))
    with pytest.raises(DataError, match="'pv/node' is kept in Wh"):
        judge_import(store, read, "files")


def test_a_unit_for_no_column_is_refused_with_what_was_meant() -> None:
    with pytest.raises(ParkError, match=r"no column 'Usage_kwh'. Did you mean 'Usage_kWh'"):
        read_import(EXCERPTS / "steel_works.csv", Asked("x", XINING, {"Usage_kwh": "kWh"}))
