"""`zeropark plan` as a person starts it: a process, its screen, its JSON and its exit code."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zeropark.faces.cli.help import cells
from zeropark.faces.cli.plan_screen import WIDTH, lines

PROGRAM = Path(sys.executable).with_name("zeropark")
HOURLY = ("microgrid", "--start", "2026-04-15", "--step", "60min")
HEAVY = ("pandas", "scipy", "pvlib", "pyarrow", "rich", "matplotlib", "lightgbm")


def told(*words: str, lang: str = "en") -> subprocess.CompletedProcess[str]:
    """Run `zeropark plan` to its end."""
    return subprocess.run(
        [str(PROGRAM), "plan", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "ZEROPARK_LANG": lang},
        check=False,
    )


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """A day of hours as `--json` prints it."""
    done = told(*HOURLY, "--json")
    assert done.returncode == 0, done.stderr
    plan: dict[str, Any] = json.loads(done.stdout)
    return plan


def test_the_screen_has_a_row_for_each_hour_and_what_to_do_now(found: dict[str, Any]) -> None:
    done = told(*HOURLY)
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout.splitlines()
    assert shown[0] == "Microgrid · Wed 15 April 2026 · days: 1 · 60 min steps · seed 1"
    assert [line[:5] for line in shown[4:28]] == [f"{hour:02d}:00" for hour in range(24)]
    # All but the last line, which says how long it took.
    assert shown[:-1] == lines(found)[:-1]
    assert any(line.startswith("  Underground battery") for line in shown)
    assert all(cells(line) <= WIDTH for line in shown)


def test_the_screen_speaks_chinese() -> None:
    done = told(*HOURLY, lang="zh")
    assert done.returncode == 0
    assert "微电网 · 2026 年 4 月 15 日 周三" in done.stdout
    assert "地下储能" in done.stdout
    assert "Now" not in done.stdout


def test_what_is_given_is_what_is_used_at_every_step(found: dict[str, Any]) -> None:
    flows = {name: np.array(values) for name, values in found["electricity_mw"].items()}
    into = flows["source"] + flows["store"] + flows["grid"]
    assert into == pytest.approx(flows["use"], abs=1e-5)
    assert flows["use"].min() > 0


def test_every_series_and_set_point_has_a_value_for_every_step(found: dict[str, Any]) -> None:
    assert len(found["starts"]) == len(found["price_cny_per_mwh"]) == 24
    assert {len(values) for values in found["series"].values()} == {24}
    assert {len(each["values"]) for each in found["set_points"]} == {24}
    battery = next(each for each in found["set_points"] if each["asset"] == "battery")
    assert (battery["point"], battery["unit"]) == ("p", "MW")
    assert np.ptp(np.array(battery["values"])) > 0.1
    assert found["grade"] == "optimal"


def test_reasons_cover_the_day_for_every_asset(found: dict[str, Any]) -> None:
    spans: dict[str, list[tuple[str, str]]] = {}
    for spell in found["reasons"]:
        assert spell["sentence"]["en"]
        assert spell["sentence"]["zh"]
        spans.setdefault(spell["asset"], []).append((spell["from"], spell["to"]))
    assert {"tie", "battery", "hub", "hall1", "jobs/training"} <= set(spans)
    for spells in spans.values():
        assert spells[0][0] == found["starts"][0]
        assert all(one[1] == other[0] for one, other in itertools.pairwise(spells))
    training = next(each for each in found["reasons"] if each["asset"] == "jobs/training")
    assert training["label"] == {"en": "Computing jobs, Training", "zh": "计算作业：模型训练"}


def test_the_same_seed_is_the_same_plan_and_out_holds_it(
    found: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "new" / "plan.json"
    assert told(*HOURLY, "--out", str(file)).returncode == 0
    again = json.loads(file.read_text(encoding="utf-8"))
    assert {**again, "times": None} == {**found, "times": None}
    assert [path.name for path in file.parent.iterdir()] == ["plan.json"]
    other = json.loads(told(*HOURLY, "--seed", "2", "--json").stdout)
    assert other["objective_cny"] != found["objective_cny"]


def test_several_days_are_grouped_to_one_screen() -> None:
    done = told(*HOURLY, "--days", "3")
    shown = done.stdout.splitlines()
    assert [line[:11] for line in shown[4:7]] == ["04-15 00:00", "04-15 03:00", "04-15 06:00"]
    assert shown[27].startswith("04-17 21:00")
    assert shown[28] == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--days", "0"), "--days '0': allowed is a whole number from 1 to 14."),
        (("--days", "15"), "--days '15': allowed is a whole number from 1 to 14."),
        (
            ("--start", "yesterday"),
            "--start 'yesterday': not a date. Write it as year-month-day, such as 2026-04-15.",
        ),
        (("--price", "nothing.csv"), "nothing.csv: does not exist. Check the path."),
        (
            ("--step", "7min"),
            "--step 7 min: not a step a run can take. Allowed: 5min, 15min, 30min, 60min.",
        ),
    ],
)
def test_a_wrong_option_is_a_sentence(words: tuple[str, str], sentence: str) -> None:
    done = told("microgrid", *words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence + "\n")


def test_a_folder_is_no_file_to_write_to(tmp_path: Path) -> None:
    done = told(*HOURLY, "--out", str(tmp_path))
    sentence = f"{tmp_path}: is a folder, not a file. Name the file in it.\n"
    assert (done.returncode, done.stderr) == (2, sentence)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_from_the_cache_imports_no_heavy_library(found: dict[str, Any]) -> None:
    assert found["days"] == 1  # so that the weather is in the cache
    code = (
        "import sys; from zeropark.faces.cli.door import answer; "
        f"code = answer({['plan', *HOURLY]!r}); "
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
