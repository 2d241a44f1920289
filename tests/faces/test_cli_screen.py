"""The screen a run ends with: everything on it, nothing beside it, one look."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.faces import made_up
from zeropark.faces.cli.help import cells
from zeropark.faces.cli.screen import WIDTH, at, headline, show

REPORT = Path("runs/latest/report.html")
MOST_LINES = 45
CHEAPER = "The plan cost CNY 6,720, 1,300 below rules. "
LITTLE = "There was too little to gain by foresight for a share of it."


def screen(result: dict[str, Any], width: int = WIDTH) -> list[str]:
    """Return the screen's lines as a file gets them."""
    file = io.StringIO()
    show(result, REPORT, Console(file=file, width=width, highlight=False))
    return file.getvalue().splitlines()


def row(lines: list[str], words: str) -> list[str]:
    """Return the cells of the row of the comparison that begins with `words`."""
    line = next(line for line in lines if line.strip().startswith(words))
    return line.strip().removeprefix(words).split()


@pytest.fixture(params=["en", "zh"])
def lang(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Speak one of the languages."""
    monkeypatch.setenv("ZEROPARK_LANG", request.param)
    return str(request.param)


@pytest.fixture
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")


@pytest.mark.usefixtures("lang")
@pytest.mark.parametrize("result", [made_up.run(), made_up.hostile()], ids=["usual", "hostile"])
def test_it_fits_one_screen_in_both_languages(result: dict[str, Any]) -> None:
    lines = screen(result)
    assert len(lines) <= MOST_LINES
    assert max(cells(line) for line in lines) <= WIDTH


@pytest.mark.usefixtures("lang")
def test_numbers_stay_whole_on_a_narrow_terminal() -> None:
    wide, narrow = (screen(made_up.run(), width) for width in (100, 80))
    assert max(cells(line) for line in narrow) <= 80
    for line, other in zip(wide[10:32], narrow[-len(wide) + 10 :], strict=False):
        assert line.split()[-2:] == other.split()[-2:]


def test_a_file_gets_no_colour() -> None:
    assert "\x1b" not in "\n".join(screen(made_up.hostile()))


@pytest.mark.usefixtures("_english")
def test_each_figure_stands_in_its_policys_column() -> None:
    lines = screen(made_up.run())
    assert row(lines, "Cost, CNY") == ["8,020", "6,720", "6,400", "6,600", "−1,300"]
    assert row(lines, "Clean share, physical, %") == ["74.0", "80.0", "82.0", "81.0", "+6.0"]
    assert row(lines, "with the grid's own mix")[:2] == ["96.1", "97.0"]
    assert row(lines, "Grid peak, kW")[1] == "842"
    assert row(lines, "PUE")[1] == "1.123"
    assert row(lines, "Jobs done") == ["412", "412", "not", "played", "412", "0"]


@pytest.mark.usefixtures("_english")
def test_plans_found_at_the_deadline_say_how_near_they_are() -> None:
    result = made_up.run()
    result["plans"] |= {"optimal": 90, "deadline": 5, "gap_max": 0.0123}
    text = "\n".join(screen(result))
    assert "best found at the deadline 5" in text
    assert "gap to the least cost up to 1.2 %" in " ".join(text.split())


@pytest.mark.usefixtures("_english")
def test_it_says_cooling_grades_times_factor_and_where_the_report_is() -> None:
    text = "\n".join(screen(made_up.run()))
    assert "Cooling: direct air 14.2 h · indirect evaporative 9.8 h" in text
    assert "Short of foresight by, CNY: plant 200 · horizon 50 · forecast 70" in text
    assert "Gave way: nothing" in text
    assert "Plans: optimal 95 · last good 1" in text
    assert "Time: solver 1.20 s · ours: build 0.03, update 0.41, read 0.10 s" in text
    assert "CO₂ factor: 0.1796 t/MWh, grid emission factor, Qinghai, 2023" in text
    assert text.endswith(f"Report: {REPORT}")


@pytest.mark.usefixtures("_english")
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {},
            CHEAPER + "It captured 80.2 % of the way to perfect foresight; regret 8.4 CNY/MWh.",
        ),
        (
            {"captured": None},
            CHEAPER + LITTLE,
        ),
        (
            {"rules": made_up.figures(6000.0, 0.8), "captured": None},
            "The plan cost CNY 6,720, 720 above rules. " + LITTLE,
        ),
    ],
)
def test_the_headline_states_the_finding(change: dict[str, Any], sentence: str) -> None:
    result = made_up.run()
    result["compare"] |= change
    assert headline(result) == sentence


@pytest.mark.usefixtures("_english")
def test_a_run_by_rules_shows_its_own_column_once() -> None:
    result = made_up.run()
    result["policy"], result["plans"] = "rules", {"count": 0}
    lines = screen(result)
    assert row(lines, "Cost, CNY") == ["6,720", "6,400", "6,600"]
    assert headline(result) == "The days cost CNY 6,720."


@pytest.mark.usefixtures("_english")
def test_a_run_without_comparison_has_one_column() -> None:
    result = made_up.run()
    del result["compare"]
    assert row(screen(result), "Cost, CNY") == ["6,720"]


@pytest.mark.usefixtures("_english")
def test_what_a_park_does_not_have_has_no_row() -> None:
    result = made_up.run()
    for figures in (result, *(result["compare"][n] for n in ("rules", "foresight", "played"))):
        figures["jobs"] = {"done": None, "late": None, "green_share": None}
        figures["pue"] = None
    text = "\n".join(screen(result))
    assert "Jobs done" not in text
    assert "PUE" not in text
    assert "Heat recovered" not in text


@pytest.mark.usefixtures("_english")
def test_what_gave_way_is_told_and_the_rest_counted() -> None:
    lines = screen(made_up.hostile())
    assert sum(line.startswith("Gave way: load, demand") for line in lines) == 1
    assert "  and 11 more in the report" in lines


@pytest.mark.usefixtures("_english")
def test_a_partial_run_says_so_at_the_top() -> None:
    result = made_up.run() | {"partial": True, "days_run": 0.53125}
    assert screen(result)[0].endswith(
        "days: 0.5312 · 15 min steps · seed 1 · stopped early, partial"
    )


def test_a_number_on_an_absent_path_is_absent() -> None:
    assert at({"jobs": {"done": 3}}, "jobs.done") == 3.0
    assert at({"jobs": {"done": 3}}, "jobs.late") is None
    assert at({"jobs": None}, "jobs.late") is None
