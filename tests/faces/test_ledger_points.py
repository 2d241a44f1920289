"""`zeropark ledger point|residual|rollup|expire|move`, by commands alone."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.faces.test_ledger_commands import asked, refused
from zeropark.faces.cli.door import answer
from zeropark.ledger.reading import Offered
from zeropark.ledger.store import Store

APRIL = int(np.datetime64("2026-04-01", "ms").astype(int))
QUARTER = 900_000


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZEROPARK_LANG", "en")
    folder = tmp_path / "store"
    assert answer(["ledger", "new", str(folder), "--nature", "simulated"]) == 0
    monkeypatch.setenv("ZEROPARK_STORE", str(folder))
    return folder


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(asked(capsys, *words, "--json"))


def filled(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = ("--unit", "Wh", "--interval-s", "1800", "--tolerance-ppm", "15000")
    asked(capsys, "point", "works/main", *main)
    asked(capsys, "point", "works/hall", "--unit", "Wh", "--interval-s", "900",
          "--parent", "works/main")  # fmt: skip
    with Store(place, "test") as store:
        source = store.source("gateway")
        half = [APRIL, APRIL + 2 * QUARTER, APRIL + 4 * QUARTER]
        store.accept(Offered.of(0, half, 2 * QUARTER, [1_000, 1_000, 500], source=source))
        parts = [APRIL + k * QUARTER for k in range(5)]
        store.accept(Offered.of(1, parts, QUARTER, [500, 490, 400, 500, 250], source=source))


def test_a_point_is_registered_and_stated_anew(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(place, capsys)
    stated = told(capsys, "point", "works/main", "--accuracy", "0.5S", "--calibrated", "2026-01-31")
    assert (stated["rows"][0]["accuracy"], stated["rows"][0]["tolerance"]) == ("0.5S", 15_000)
    rows = told(capsys, "point")["rows"]
    assert [row["name"] for row in rows] == ["works/main", "works/hall"]
    assert "is new; say its unit" in refused(capsys, "point", "works/new")
    assert "Name the point" in refused(capsys, "point", "--unit", "Wh")
    assert "Did you mean 'works/main'" in refused(
        capsys, "point", "works/b", "--unit", "Wh", "--parent", "works/mian"
    )


def test_what_a_meter_shows_beyond_its_parts_is_a_line_of_its_own(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(place, capsys)
    rows = told(capsys, "residual", "works/main")["rows"]
    # 1000 - 990 is within 1.5 %; 1000 - 900 is not; of the last half-hour a quarter is missing.
    assert [(row["residual"], row["beyond_tolerance"]) for row in rows] == [
        (10, False),
        (100, True),
        (None, False),
    ]
    assert "has no parts" in refused(capsys, "residual", "works/hall")
    asked(capsys, "point", "works/t", "--unit", "mdegC", "--parent", "works/main")
    assert "a difference needs amounts of one unit" in refused(capsys, "residual", "works/main")


def test_rollups_are_shown_with_their_coverage(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(place, capsys)
    span = ("--from", "2026-04-01", "--until", "2026-04-02")
    (row,) = told(capsys, "rollup", *span, "--point", "works/hall")["rows"]
    assert (row["total"], row["readings"], row["covered_pu"]) == (2_140, 5, round(5 / 96, 4))
    (row,) = told(capsys, "rollup", *span, "--step", "month", "--point", "works/main")["rows"]
    assert (row["total"], row["low"], row["high"], row["expired"]) == (2_500, 500, 1_000, False)
    assert "Did you mean 'month'" in refused(capsys, "rollup", *span, "--step", "mont")


def test_readings_expire_by_a_stated_policy_only(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(place, capsys)
    assert "no policy lets rows expire" in refused(capsys, "expire")
    assert "--keep-days and --why go together" in refused(capsys, "expire", "--keep-days", "9")
    stated = told(capsys, "expire", "--keep-days", "3650", "--why", "metering code 7.3")
    assert stated["keep_days"] == 3_650
    assert told(capsys, "expire")["rows"] == 0


def test_a_store_moves_by_one_command(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(place, capsys)
    done = told(capsys, "move", str(tmp_path / "moved"))
    assert done["rows"] == 8
    assert "was moved to" in refused(capsys, "seal")
    assert "takes no more" in asked(capsys, "move", str(tmp_path / "moved"))
    assert told(capsys, "verify", "--store", str(tmp_path / "moved"))["holds"]


def test_an_export_has_its_proof_beside(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(place, capsys)
    file = tmp_path / "april.csv"
    assert "no signed head yet" in refused(capsys, "export", str(file), "--proof")
    assert not file.exists()
    key = str(tmp_path / "ledger.key")
    asked(capsys, "key", "new", key, "--store", str(place))
    asked(capsys, "key", "sign", "--key", key)
    done = told(capsys, "export", str(file), "--proof", "--point", "works/hall")
    assert done["readings"] == 5
    verifier = [sys.executable, str(tmp_path / "verify_proof.py"), done["proof"]]
    checked = subprocess.run(verifier, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "SIMULATED" in checked.stdout.splitlines()[0]


def test_whose_a_session_was_is_known_by_pseudonym_and_can_be_forgotten(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, people = tmp_path / "sessions.csv", tmp_path / "people.json"
    file.write_text(
        "arrival,departure,delivered_energy (kWh),station_id,user\n"
        "2026-04-01 08:00:00+08:00,2026-04-01 10:00:00+08:00,10.5,A,Li Lei\n"
        "2026-04-01 08:00:00+08:00,2026-04-01 11:00:00+08:00,20.0,B,Han Meimei\n"
        "2026-04-01 12:00:00+08:00,2026-04-01 13:00:00+08:00,5.0,A,Li Lei\n"
    )
    bring = ("import", str(file), "--person", "user", "--people", str(people))
    for _ in range(2):
        asked(capsys, *bring)
    entries = told(capsys, "query", "--kind", "session")["rows"]
    assert [entry["point"] for entry in entries] == ["meter/A", "meter/B", "meter/A"]
    first, other, again = (entry["person"] for entry in entries)
    assert first == again != other
    assert stat.S_IMODE(people.stat().st_mode) == 0o600
    held = b"".join(each.read_bytes() for each in place.rglob("*") if each.is_file())
    assert b"Li Lei" not in held
    assert first.encode() in held
    assert told(capsys, "forget", "Li Lei", "--people", str(people))["person"] == first
    assert json.loads(people.read_text()) == {"Han Meimei": other}
    assert told(capsys, "verify")["holds"]
    said = refused(capsys, "forget", "Han Meime", "--people", str(people))
    assert "Did you mean 'Han Meimei'" in said
    people.chmod(0o644)
    assert "others than its owner" in refused(capsys, "forget", "x", "--people", str(people))
    assert "go together" in refused(capsys, "import", str(file), "--person", "user")
