"""`zeropark plan --study` as a person starts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zeropark.faces.cli.help import cells
from zeropark.faces.cli.plan_screen import WIDTH

from .tiny import told, written

PARK = """
name: yard
label: {en: Yard, zh: 堆场}
place: {latitude: 36.6 deg, longitude: 101.8 deg, altitude: 2260 m, zone: Asia/Shanghai}
nodes: [{name: bus, carrier: electricity}]
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: flat}
  - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
  - {kind: pv, name: roof, node: bus, p_nom: 2 MW, arrays: [{tilt: 30 deg}]}
tariffs:
  - name: flat
    energy: [{from: 2000-01-01, bands: [{name: all, hours: [0-24], price: 0.5 CNY/kWh}]}]
studies:
  - {name: day, start: 2026-04-17}
  - name: sizing
    start: 2026-04-01
    days: 3
    step: 1 h
    interest: 5 %
    clean_share: 99 %
    points: 3
    free:
      - {asset: roof, parameter: p_nom, at_most: 4 MW, cost: 3500 CNY/kW, lifetime: 25 year}
"""


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("yard"), PARK)


@pytest.fixture(scope="module")
def done(park: Path) -> tuple[dict[str, Any], list[str]]:
    """A study as `--out` writes it and as the screen shows it."""
    file = park.with_name("sizing.json")
    told_ = told(str(park), "--study", "sizing", "--out", str(file))
    assert (told_.returncode, told_.stderr) == (0, "")
    return json.loads(file.read_text(encoding="utf-8")), told_.stdout.splitlines()


def test_a_target_out_of_reach_is_told_with_how_far_the_plan_gets(
    done: tuple[dict[str, Any], list[str]],
) -> None:
    found, shown = done
    assert not found["reached"]
    share = found["answer"]["clean_share"]
    assert shown[0] == "Yard · study sizing · Wed 1 April 2026 · days: 3 · 60 min steps"
    assert shown[1] == (
        f"A clean share of 99.0 % is out of reach: the nearest plan gets to {share:.1%}.".replace(
            "%.", " %."
        )
    )
    assert "  roof.p_nom  4.00 MW" in shown
    assert any(line.startswith("  building and upkeep  CNY ") for line in shown)
    assert all(cells(line) <= WIDTH for line in shown)


def test_every_point_is_lived_for_twelve_days(done: tuple[dict[str, Any], list[str]]) -> None:
    found, shown = done
    assert len(found["frontier"]) == 3
    for point in [*found["frontier"], found["answer"]]:
        lived = point["lived"]
        assert lived["days"][0] == "2026-04-17"
        assert lived["days"][-1] == "2027-03-17"
        assert len(lived["days"]) == 12
        assert lived["unserved_mwh"] == pytest.approx(0.0, abs=1e-6)
        parts = {name: cost for name, cost in lived["cost_cny"].items() if name != "total"}
        assert sum(parts.values()) == pytest.approx(lived["cost_cny"]["total"])
    shares = [point["lived"]["clean_share"] for point in found["frontier"]]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]
    assert sum("MW " in line for line in shown[shown.index("") :]) == 3


def test_the_screen_speaks_chinese(park: Path) -> None:
    answer = told(str(park), "--study", "day", lang="zh")
    assert answer.returncode == 2
    assert answer.stderr == (
        "--study “day”：没有放开任何参数。要确定规模，写 free: 给出 asset、parameter、"
        "at_most、cost、lifetime，并写 interest:。\n"
    )


def test_an_unknown_study_is_refused_with_what_was_meant(park: Path) -> None:
    answer = told(str(park), "--study", "sizin")
    assert answer.returncode == 2
    assert answer.stderr == (
        "--study 'sizin': the park has no such study. Did you mean 'sizing'? "
        "Allowed: day, sizing.\n"
    )


def test_other_days_may_be_asked_of_a_study(park: Path) -> None:
    answer = told(str(park), "--study", "sizing", "--days", "4000")
    assert answer.returncode == 2
    assert answer.stderr == "--days '4000': allowed is a whole number from 1 to 3,660.\n"
