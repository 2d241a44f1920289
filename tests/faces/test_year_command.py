"""`zeropark plan --study` of windows: they cost less when a year is told to them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from zeropark.faces.cli.help import cells
from zeropark.faces.cli.plan_screen import WIDTH

from .tiny import told, written

# Windows of three hours see no other price: what a stored MWh is worth they have to be told.
PARK = """
name: yard
label: {en: Yard, zh: 堆场}
place: {latitude: 36.6 deg, longitude: 101.8 deg, altitude: 2260 m, zone: Asia/Shanghai}
nodes: [{name: bus, carrier: electricity}]
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: two}
  - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
  - {kind: battery, name: cells, node: bus, p_nom: 1 MW, e_nom: 6 MWh, start: 10 %}
tariffs:
  - name: two
    energy:
      - from: 2000-01-01
        bands:
          - {name: low, hours: [0-6], price: 0.30 CNY/kWh}
          - {name: middle, hours: [6-12], price: 0.45 CNY/kWh}
          - {name: high, hours: [12-24], price: 0.75 CNY/kWh}
studies:
  - name: year
    start: 2026-03-31
    days: 2
    step: 1 h
    horizon: 3 h
    coarse: 2 h
"""


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("yard"), PARK)


@pytest.fixture(scope="module")
def done(park: Path) -> tuple[dict[str, Any], list[str]]:
    file = park.with_name("year.json")
    told_ = told(str(park), "--study", "year", "--out", str(file))
    assert (told_.returncode, told_.stderr) == (0, "")
    return json.loads(file.read_text(encoding="utf-8")), told_.stdout.splitlines()


def test_windows_told_of_the_year_cost_less_and_none_less_than_foresight(
    done: tuple[dict[str, Any], list[str]],
) -> None:
    found, _ = done
    costs = {name: each["cost_cny"]["total"] for name, each in found["policies"].items()}
    least = found["foresight"]["cost_cny"]["total"]
    assert found["foresight"]["relaxed"]
    assert least <= costs["with"] < costs["without"]
    way = (costs["rules"] - costs["with"]) / (costs["rules"] - least)
    assert found["captured"]["with"] == pytest.approx(way)


def test_the_year_was_planned_for_each_month_and_says_what_a_store_is_worth(
    done: tuple[dict[str, Any], list[str]],
) -> None:
    found, _ = done
    # The day ends at 24:00 of the park, eight hours before that of UTC.
    assert [each["from"] for each in found["learned"]] == [
        "2026-03-30T16:00:00Z",
        "2026-03-31T16:00:00Z",
    ]
    assert list(found["learned"][0]["peaks_mw"]) == ["2026-03", "2026-04"]
    # Mean import price of the day after, one way out of the cells.
    mean = (6 * 300.0 + 6 * 450.0 + 12 * 750.0) / 24
    assert found["usual_worth"]["cells"] == pytest.approx(mean * 0.93, rel=0.05)
    assert set(found["learned"][0]["worth"]) == {"cells"}


def test_the_screen_shows_the_policies_and_the_way_they_go(
    done: tuple[dict[str, Any], list[str]],
) -> None:
    found, shown = done
    assert shown[0] == "Yard · study year · Tue 31 March 2026 · days: 2 · 60 min steps"
    text = "\n".join(shown)
    for words in ("rules", "windows alone", "windows told of the year", "foresight, relaxed"):
        assert words in text
    assert f"{100 * found['captured']['with']:.1f} % told of the year." in text
    assert max(cells(line) for line in shown) <= WIDTH


def test_steps_of_a_year_below_an_hour_are_refused(park: Path) -> None:
    path = park.with_name("fine.yaml")
    path.write_text(PARK.replace("coarse: 2 h", "coarse: 30 min"), encoding="utf-8")
    answer = told(str(path), "--study", "year")
    assert answer.returncode != 0
    assert "coarse" in answer.stderr + answer.stdout


# -- a year between commands ----------------------------------------------------------------------


def lived(*words: str) -> subprocess.CompletedProcess[str]:
    return told(*words, "--no-compare", "--json", command="run")


@pytest.fixture(scope="module")
def learned(park: Path) -> tuple[Path, list[str]]:
    file = park.with_name("learned.json")
    answer = told(str(park), "--study", "year", "--learn", str(file))
    assert (answer.returncode, answer.stderr) == (0, "")
    return file, answer.stdout.splitlines()


def test_a_learned_year_shows_what_stocks_are_worth_and_how_to_use_it(
    learned: tuple[Path, list[str]],
) -> None:
    file, shown = learned
    text = "\n".join(shown)
    assert shown[0].startswith("Yard · study year")
    assert "cells" in text
    assert "2026-03" in text
    assert f"zeropark run yard --year {file}" in text


def test_a_run_told_of_the_year_costs_less_and_says_so(
    park: Path, learned: tuple[Path, list[str]], tmp_path: Path
) -> None:
    """Windows of three hours see one price: what a MWh is worth at noon the year has told them."""
    file, _ = learned
    words = (str(park), "--start", "2026-03-31", "--days", "2", "--horizon", "3h")
    alone = lived(*words, "--out", str(tmp_path / "alone"))
    answer = lived(*words, "--year", str(file), "--out", str(tmp_path / "told"))
    assert (answer.returncode, answer.stderr) == (0, "")
    found = json.loads(answer.stdout)
    assert found["cost_cny"]["total"] < json.loads(alone.stdout)["cost_cny"]["total"]
    # April began in the run: the rest of the year was learned anew.
    assert found["year"]["learned_anew"] == ["2026-03-31T16:00:00Z"]
    assert found["year"]["step_minutes"] == 120
    words_ = found["findings"][-1]["en"]
    assert "in steps of 2 h, 1 times anew" in words_
    assert words_ in (tmp_path / "told" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--learn", "x.json"), "--learn plans the year of a study; name it with --study."),
        (("--study", "none", "--learn", "x.json"), "--learn: study 'none' plans no year."),
    ],
)
def test_a_year_that_nobody_can_learn_is_refused(
    park: Path, words: tuple[str, ...], said: str
) -> None:
    path = park.with_name("two.yaml")
    other = "  - {name: none, start: 2026-03-31, days: 1, step: 1 h}\n"
    path.write_text(PARK + other, encoding="utf-8")
    answer = told(str(path), *words)
    assert answer.returncode != 0
    assert said in answer.stderr


def test_a_year_of_another_time_is_refused(
    park: Path, learned: tuple[Path, list[str]], tmp_path: Path
) -> None:
    file, _ = learned
    words = (str(park), "--start", "2026-05-01", "--days", "1", "--out", str(tmp_path / "out"))
    answer = lived(*words, "--year", str(file))
    assert answer.returncode != 0
    assert "a year from 2026-03-31 to 2026-04-01; the run begins on 2026-05-01" in answer.stderr
    assert not (tmp_path / "out").exists()
