"""`zeropark run` as a person starts it: a process, its files, its words and its exit code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from zeropark.faces.cli.door import answer
from zeropark.faces.cli.progress import Progress

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "data"
PROGRAM = Path(sys.executable).with_name("zeropark")
FILES = ["report.html", "run.json", "series.parquet"]
NUMBER = (int, float)
MAYBE = (int, float, type(None))
COSTS = dict.fromkeys(("total", "energy", "demand", "wear", "unserved", "ends"), NUMBER)
FIGURES: dict[str, Any] = {
    "clean_share": NUMBER,
    "clean_share_contract": NUMBER,
    "clean_share_grid_mix": NUMBER,
    "served_mwh": NUMBER,
    "grid_import_mwh": NUMBER,
    "grid_peak_mw": NUMBER,
    "curtailed_mwh": NUMBER,
    "cost_cny": COSTS,
    "co2_t": NUMBER,
    "pue": MAYBE,
    "cooling_hours": dict,
    "heat_recovered_mwh": NUMBER,
    "jobs": {"done": MAYBE, "late": MAYBE, "green_share": MAYBE},
    "balance_residual_max_mw": NUMBER,
}
GRADES = ("count", "optimal", "deadline", "last_good", "rules")
NO_PARK = (
    "'microgird' is neither a file nor a shipped park. Did you mean 'microgrid'? "
    "Shipped parks: microgrid, nanchuan."
)
TIMES = ("build_s", "update_s", "solve_s", "read_s", "step_ms_p50", "step_ms_p95")
SCHEMA: dict[str, Any] = {
    "park": str,
    "start": str,
    "days": int,
    "step_minutes": int,
    "policy": str,
    "seed": int,
    "partial": bool,
    **FIGURES,
    "gave_way": list,
    "plans": {**dict.fromkeys(GRADES, int), **dict.fromkeys(TIMES, NUMBER)},
    "compare": {
        "rules": FIGURES,
        "foresight": FIGURES,
        "played": FIGURES,
        "regret_cny_per_mwh": NUMBER,
        "captured": MAYBE,
    },
}


def start(*words: str, lang: str = "en", **options: Any) -> subprocess.Popen[str]:
    """Start `zeropark run` and return the process."""
    return subprocess.Popen(
        [str(PROGRAM), "run", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ZEROPARK_LANG": lang},
        **options,
    )


def run(*words: str, lang: str = "en", **options: Any) -> tuple[int, str, str]:
    """Run `zeropark run` to its end; return exit code, standard output, standard error."""
    process = start(*words, lang=lang, **options)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err.rstrip("\n")


def misfits(found: object, schema: object, path: str = "") -> list[str]:
    """Return the paths at which `found` is not what the schema says."""
    if isinstance(schema, dict):
        if not isinstance(found, Mapping):
            return [path]
        absent = [f"{path}.{key}" for key in schema if key not in found]
        inner = (misfits(found[k], s, f"{path}.{k}") for k, s in schema.items() if k in found)
        return absent + [each for paths in inner for each in paths]
    assert isinstance(schema, type | tuple)
    return [] if isinstance(found, schema) else [path]


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the small park into a folder of its own."""
    folder = tmp_path_factory.mktemp("park")
    shutil.copy(HERE / "yard.yaml", folder / "park.yaml")
    return folder


@pytest.fixture(scope="module")
def day(yard: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the small park for its day; return the result's folder and the screen."""
    place = tmp_path_factory.mktemp("result") / "out"
    code, out, err = run(str(yard), "--out", str(place))
    assert (code, err) == (0, "")
    return place, out


def test_a_run_leaves_three_files_and_nothing_beside_them(day: tuple[Path, str]) -> None:
    place, _screen = day
    assert sorted(entry.name for entry in place.iterdir()) == FILES
    assert [entry.name for entry in place.parent.iterdir()] == ["out"]


def test_run_json_holds_every_figure(day: tuple[Path, str]) -> None:
    found = json.loads((day[0] / "run.json").read_text(encoding="utf-8"))
    assert misfits(found, SCHEMA) == []
    assert not found["partial"]
    assert found["plans"]["count"] == 96
    assert found["cost_cny"]["total"] == pytest.approx(
        sum(value for name, value in found["cost_cny"].items() if name != "total")
    )


def test_the_series_hold_each_step_of_each_policy(day: tuple[Path, str]) -> None:
    policies = pq.read_table(day[0] / "series.parquet").column("policy").to_pylist()
    assert {name: policies.count(name) for name in set(policies)} == dict.fromkeys(
        ("plan", "rules", "foresight", "played"), 96
    )


def test_the_screen_shows_the_file_and_where_the_report_is(day: tuple[Path, str]) -> None:
    place, screen = day
    found = json.loads((place / "run.json").read_text(encoding="utf-8"))
    assert f"{found['cost_cny']['total']:,.0f}" in screen
    assert screen.rstrip().endswith(f"Report: {place}/report.html")
    assert len(screen.splitlines()) <= 45
    assert "\x1b" not in screen


def test_json_alone_goes_to_standard_output(yard: Path, tmp_path: Path) -> None:
    place = tmp_path / "out"
    code, out, err = run(str(yard), "--json", "--no-compare", "--out", str(place))
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads((place / "run.json").read_text(encoding="utf-8"))
    assert "compare" not in json.loads(out)


def test_a_run_speaks_chinese(yard: Path, tmp_path: Path) -> None:
    code, out, _err = run(
        str(yard), "--policy", "rules", "--no-compare", "--out", str(tmp_path / "out"), lang="zh"
    )
    assert code == 0
    assert out.startswith("小院 · 2026 年 4 月 15 日 周三 · 1 天 · 步长 15 min · 种子 1\n")


def test_the_shipped_microgrid_runs_by_name(tmp_path: Path) -> None:
    place = tmp_path / "out"
    code, _out, err = run("microgrid", "--horizon", "12h", "--no-compare", "--out", str(place))
    assert (code, err) == (0, "")
    found = json.loads((place / "run.json").read_text(encoding="utf-8"))
    assert misfits(found, {k: v for k, v in SCHEMA.items() if k != "compare"}) == []
    assert found["pue"] > 1
    assert found["jobs"]["done"] > 0
    assert sum(found["cooling_hours"].values()) == pytest.approx(24.0)


# A person's own files, and a first day of each that its readers know.
OWN = {
    "weather": ("weather/CHN_Qinghai.Xining.528660_CSWD.epw", "2026-04-17"),
    "load": ("load/uci_steel_industry_15min.csv", "2018-03-01"),
    "price": ("price/price_DE-LU_2023.csv", "2023-07-02"),
    "jobs": ("jobs/gaia_pai_1k.csv", "2026-04-17"),
    "cars": ("ev/acn_caltech_2019-05-01_2019-08-31.csv.gz", "2019-06-05"),
}
# EUR/MWh are no unit of a park: 7.8 CNY each; the market's clock has no summer time here.
MARKET = """
series:
  - {name: market, of: price, file: elsewhere.csv, unit: CNY/MWh, scale: 7.8, zone: Etc/GMT-1}
"""


def own_file(of: str, folder: Path) -> tuple[Path, str]:
    """Copy a real file into `folder`, or skip; return it and a day it holds."""
    name, first = OWN[of]
    source = SHARED / name
    if not source.exists():
        pytest.skip(f"{source.name} is not at hand")
    return Path(shutil.copy(source, folder)), first


def microgrid_in(folder: Path, more: str = "") -> Path:
    text = (HERE.parents[1] / "parks" / "microgrid" / "park.yaml").read_text(encoding="utf-8")
    (folder / "park.yaml").write_text(text + more, encoding="utf-8")
    return folder / "park.yaml"


@pytest.mark.parametrize("of", list(OWN))
def test_the_microgrid_lives_a_day_of_each_of_a_persons_files(of: str, tmp_path: Path) -> None:
    file, first = own_file(of, tmp_path)
    more = MARKET.replace("elsewhere.csv", file.name) if of == "price" else ""
    park = microgrid_in(tmp_path, more)
    place = tmp_path / "out"
    options = ("--start", first, "--horizon", "12h", "--no-compare", "--out", str(place))
    code, _out, err = run(str(park), f"--{of}", str(file), *options)
    assert (code, err) == (0, "")
    found = json.loads((place / "run.json").read_text(encoding="utf-8"))
    assert found["days_run"] == 1
    assert found["plans"]["optimal"] == 96
    assert found["balance_residual_max_mw"] <= 1e-6
    assert all({"en", "zh"} == set(finding) for finding in found["findings"])


def test_five_files_of_the_same_days_are_lived_together(tmp_path: Path) -> None:
    hours = [f"2026-04-{day:02d}T{hour:02d}:00" for day in (16, 17, 18) for hour in range(24)]

    def table(name: str, head: str, row: str) -> str:
        lines = [row.format(at=at, day=at[:10], hour=int(at[11:13])) for at in hours]
        (tmp_path / name).write_text("\n".join([head, *lines]) + "\n")
        return str(tmp_path / name)

    files = {
        "weather": table("sky.csv", "time,ghi_w_per_m2,t_air_degC,rh,wind_speed", "{at},0,5,50,3"),
        "load": table("meter.csv", "time,load_kw", "{at},2{hour:02d}"),
        "price": table("price.csv", "time,price_cny_per_mwh", "{at},4{hour:02d}"),
        "jobs": table("jobs.csv", "arrival,cores,hours,class", "{at},2000,1,render"),
        "cars": table("cars.csv", "arrival,departure,energy_kwh", "{at},{day} 23:59,5"),
    }
    park = microgrid_in(tmp_path)
    words = [word for of, file in files.items() for word in (f"--{of}", file)]
    place = tmp_path / "out"
    code, out, err = run(
        str(park), *words, "--start", "2026-04-17", "--json", "--no-compare", "--out", str(place)
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    uses = {use["asset"]: use["mwh"] for use in found["energy"]["uses"]}
    made = {source["asset"]: source["mwh"] for source in found["energy"]["sources"]}
    # 200 kW at midnight, one more each hour; nothing from a sky that is dark all day.
    assert uses["office"] == pytest.approx(24 * 0.2115, rel=0.02)
    assert made["roofs"] == 0
    said = {finding["en"].partition(" ")[0].rstrip(":") for finding in found["findings"]}
    assert said >= {"sky.csv", "meter.csv", "price.csv", "jobs.csv", "cars.csv"}


def test_a_file_of_another_year_is_a_sentence_and_nothing_is_written(tmp_path: Path) -> None:
    rows = [f"2019-01-01T{hour:02d}:00,1" for hour in range(24)]
    (tmp_path / "meter.csv").write_text("time,load_kw\n" + "\n".join(rows) + "\n")
    words = ("--load", "meter.csv", "--start", "2026-04-17", "--out", "out")
    sentence = (
        "meter.csv holds 2019-01-01 00:00 to 2019-01-02 00:00; the run needs 2026-04-17 00:00 to "
        "2026-04-18 00:00. Choose another --start or add data"
    )
    assert run("microgrid", *words, cwd=tmp_path) == (2, "", sentence)
    assert [entry.name for entry in tmp_path.iterdir()] == ["meter.csv"]


def _beside(place: Path) -> list[Path]:
    return [entry for entry in place.parent.iterdir() if entry.name.startswith(f".{place.name}.")]


def _wait_until_rows_are_written(place: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the run has begun to write its series."""
    for _try in range(1200):
        if any((folder / "series.parquet").exists() for folder in _beside(place)):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("the run did not begin within a minute")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_a_readable_part(
    yard: Path, tmp_path: Path, number: signal.Signals
) -> None:
    place = tmp_path / "out"
    process = start(str(yard), "--days", "365", "--out", str(place))
    _wait_until_rows_are_written(place, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    found = json.loads((place / "run.json").read_text(encoding="utf-8"))
    done = found["days_run"]
    assert process.returncode == 2
    assert err == f"Stopped after {done:.2f} of 365 days; {place} holds what there was.\n"
    assert "stopped early, partial" in out
    assert found["partial"]
    assert "compare" not in found
    assert sorted(entry.name for entry in place.iterdir()) == FILES
    assert pq.read_metadata(place / "series.parquet").num_rows == round(done * 96)
    assert not _beside(place)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["microgird"],
            NO_PARK,
        ),
        (["no/such.yaml"], "no/such.yaml: does not exist. Check the path."),
        (["."], ".: no park.yaml in this folder. Name the park file."),
        (["--load", "no.csv"], "no.csv: does not exist. Check the path."),
        (["--load", "."], ".: is a folder, not a file. Name the file in it."),
        (
            ["--step", "7min"],
            "--step 7 min: not a step a run can take. Allowed: 5min, 15min, 30min, 60min.",
        ),
    ],
)
def test_a_wrong_word_is_a_sentence_and_nothing_is_written(
    words: list[str], sentence: str, tmp_path: Path
) -> None:
    assert run(*words, "--out", str(tmp_path / "out"), cwd=tmp_path) == (2, "", sentence)
    assert not list(tmp_path.iterdir())


def test_all_mistakes_of_a_park_file_are_told_at_once(yard: Path, tmp_path: Path) -> None:
    park = (yard / "park.yaml").read_text(encoding="utf-8")
    wrong = park.replace("p_nom: 2 MW", "p_nom: -2 MW").replace("tariff: simple", "tariff: simpel")
    (tmp_path / "park.yaml").write_text(wrong, encoding="utf-8")
    code, out, err = run(str(tmp_path), "--out", str(tmp_path / "out"))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 2
    assert "did you mean 'simple'" in err.lower()
    assert "p_nom" in err
    assert not (tmp_path / "out").exists()


def test_a_place_that_nobody_may_write_is_a_sentence(yard: Path) -> None:
    code, out, err = run(str(yard), "--out", "/proc/zeropark")
    assert (code, out) == (2, "")
    assert err == "/proc/zeropark: no folder can be made here. Choose another place."


def test_a_file_in_the_way_is_a_sentence(yard: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert run(str(yard), "--out", str(tmp_path / "out")) == (
        2,
        "",
        f"{tmp_path}/out: a file stands where a folder is needed. Choose another path.",
    )


def test_a_full_disk_is_a_sentence_and_the_old_result_stays(yard: Path, tmp_path: Path) -> None:
    place = tmp_path / "out"
    place.mkdir()
    (place / "run.json").write_text("old")
    limited = f"ulimit -f 4; exec '{PROGRAM}' run '{yard}' --no-compare --out '{place}'"
    done = subprocess.run(
        ["bash", "-c", limited],  # noqa: S607 - bash of the path
        capture_output=True,
        text=True,
        env={**os.environ, "ZEROPARK_LANG": "en", "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"{place}: the disk is full. Nothing was written; make room or write elsewhere.\n"
    )
    assert (place / "run.json").read_text() == "old"
    assert not _beside(place)


def test_a_mistake_of_ours_in_the_report_does_not_cost_the_run(
    yard: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_given: object) -> None:
        raise KeyError("charts")

    monkeypatch.setattr("zeropark.faces.report.write_report", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("ZEROPARK_LANG", "en")
    place = tmp_path / "out"
    assert answer(["run", str(yard), "--no-compare", "--out", str(place)]) == 3
    assert sorted(entry.name for entry in place.iterdir()) == FILES[1:]
    assert capsys.readouterr().err.startswith("A mistake of ours (KeyError: 'charts').")


def test_a_stop_while_comparing_leaves_the_run_without_a_comparison(
    yard: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_progress = Progress.__call__

    def stop_in_foresight(bar: Progress, stage: str, done: int, total: int) -> None:
        if stage == "foresight":
            os.kill(os.getpid(), signal.SIGINT)
        show_progress(bar, stage, done, total)

    monkeypatch.setattr(Progress, "__call__", stop_in_foresight)
    monkeypatch.setenv("ZEROPARK_LANG", "en")
    place = tmp_path / "out"
    assert answer(["run", str(yard), "--out", str(place)]) == 2
    assert capsys.readouterr().err == (
        f"Stopped while comparing; {place} holds the run without the comparison.\n"
    )
    found = json.loads((place / "run.json").read_text(encoding="utf-8"))
    assert found["days_run"] == 1
    assert "compare" not in found
