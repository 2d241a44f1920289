"""The report of a run says what the run's two files hold, in both languages, alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.faces.report_fixture import Made, make
from tests.faces.report_page import Page, read
from zeropark.faces.report import payload, write_report
from zeropark.faces.report.curves import Curves, read_curves
from zeropark.faces.report.words import WORDS

HOSTILE = "</script><script>alert('x')</script>&\"'"
CHINESE = re.compile("[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"{\w+}")


def page_of(made: Made, folder: Path) -> Page:
    """Write a made-up run's report into `folder` and read it."""
    return read(write_report(made.run, made.write(folder), folder))


@pytest.fixture(scope="module")
def made() -> Made:
    return make(heat=True)


@pytest.fixture(scope="module")
def page(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return page_of(made, tmp_path_factory.mktemp("report"))


# -- one file that asks nobody


def test_the_report_is_one_file_beside_the_runs_other_two(made: Made, tmp_path: Path) -> None:
    path = write_report(made.run, made.write(tmp_path), tmp_path)
    assert path == tmp_path / "report.html"
    assert {each.name for each in tmp_path.iterdir()} == {"report.html", "series.parquet"}


def test_no_element_names_an_address_outside_the_file(page: Page) -> None:
    addresses = [
        value
        for element in page.root.every()
        for name, value in element.given.items()
        if name in {"src", "href", "srcset", "action", "poster", "data"}
    ]
    assert addresses == []
    styles = "".join(element.text() for element in page.root.all("style"))
    assert re.findall(r"url\((?!data:)", styles) == []
    assert "@import" not in styles
    modules = next(s for s in page.root.all("script") if s.given.get("type") == "importmap").text()
    assert set(re.findall(r'":"(.{5})', modules)) == {"data:"}


def test_the_page_forbids_itself_every_request(page: Page) -> None:
    policy = next(m.given for m in page.root.all("meta") if "http-equiv" in m.given)["content"]
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"https?:|\*|'self'|connect-src", policy)


# -- both languages


def test_every_word_is_there_in_both_languages_with_the_same_placeholders() -> None:
    for key, text in WORDS.items():
        assert text.en.strip(), key
        assert text.zh.strip(), key
        assert sorted(PLACEHOLDER.findall(text.en)) == sorted(PLACEHOLDER.findall(text.zh)), key
        assert not CHINESE.search(text.en), key


def test_the_words_are_plain() -> None:
    for key, text in WORDS.items():
        assert not re.search(r"please|successfully|oops|!|—", text.en, re.IGNORECASE), key
        assert not re.search("您|请|成功|～|！", text.zh), key


def test_the_page_reads_whole_in_either_language(page: Page) -> None:
    whole = page.of_class("page")[0]
    assert CHINESE.findall(whole.text("en")) == ["中"], "only the switch to Chinese is Chinese"
    assert "与简单规则相比" in whole.text("zh")
    assert "Against simple rules" not in whole.text("zh")
    for element in page.root.every():
        if element.given.get("lang") in {"en", "zh"} and element.tag != "html":
            assert element.text(element.given["lang"]).strip()


def test_each_english_text_has_a_chinese_one_beside_it(page: Page) -> None:
    languages = [e.given["lang"] for e in page.body.every() if e.given.get("lang")]
    assert languages.count("en") == languages.count("zh") > 100


# -- numbers


def number(cell: str) -> float:
    return float(
        cell.replace(",", "").replace("−", "-").replace("%", "").replace("+", "").split()[0]
    )


def close(cell: str, value: float) -> bool:
    """Tell whether a cell shows `value` to its own precision."""
    decimals = len(cell.split(maxsplit=1)[0].partition(".")[2].rstrip("%"))
    return bool(abs(number(cell) - value) <= 0.5 * 10**-decimals + 1e-9)


@pytest.mark.parametrize(
    ("label", "path", "factor"),
    [
        ("CostCNY", ("cost_cny", "total"), 1),
        ("Grid energyMWh", ("grid_import_mwh",), 1),
        ("Highest grid importMW", ("grid_peak_mw",), 1),
        ("Clean share% of use", ("clean_share",), 100),
        ("Carbon, location-basedtCO₂", ("co2_t",), 1),
        ("Jobs on green power%", ("jobs", "green_share"), 100),
    ],
)
def test_the_comparison_shows_the_runs_own_numbers(
    page: Page, made: Made, label: str, path: tuple[str, ...], factor: float
) -> None:
    cells = page.rows("comparison")[label]
    for cell, figures in zip(
        cells[:3],
        (made.run["compare"]["rules"], made.run, made.run["compare"]["foresight"]),
        strict=True,
    ):
        value: Any = figures
        for key in path:
            value = value[key]
        assert close(cell, value * factor)
    assert number(cells[3]) == pytest.approx(number(cells[1]) - number(cells[0]), abs=1e-9)


def test_cost_and_service_show_every_column(page: Page, made: Made) -> None:
    rows = page.rows("ledger")
    columns = [made.run["compare"]["rules"], made.run]
    columns += [made.run["compare"][name] for name in ("foresight", "played")]
    for part, label in (
        ("energy", "energyCNY"),
        ("wear", "wear of storageCNY"),
        ("total", "Cost in totalCNY"),
    ):
        for cell, figures in zip(rows[label], columns, strict=True):
            assert close(cell, figures["cost_cny"][part])
    assert rows["Jobs late"] == ["2", "0", "0", "0"]


def test_the_headline_states_the_finding(page: Page, made: Made) -> None:
    rules = made.run["compare"]["rules"]
    saved = round(rules["cost_cny"]["total"]) - round(made.run["cost_cny"]["total"])
    carbon = rules["co2_t"] - made.run["co2_t"]
    said = page.root.all("h1")[0].text("en").replace("\u00a0", " ")
    assert abs(number(re.findall(r"CNY ([\d,]+)", said)[0]) - saved) <= 1
    assert f"{carbon:.2f} tCO₂" in said
    assert f"{made.run['compare']['captured'] * 100:.0f} %" in said


def test_the_flow_shows_each_source_and_use(page: Page, made: Made) -> None:
    drawing = page.of_class("wide")[0]
    texts = [e.holds[0] for e in drawing.all("text") if e.given["lang"] == "en"]
    electric = [e for e in made.run["energy"]["uses"] if e["carrier"] == "electricity"]
    for entry in electric:
        if entry["asset"] not in {"tie", "battery"}:
            at = texts.index(entry["label"]["en"])
            assert close(str(texts[at + 1]), entry["mwh"])


def test_the_curves_are_the_files(page: Page, made: Made) -> None:
    supply = page.charts["supply"][0]
    series = made.series["plan"]
    drawn = {each["asset"]: each["values"] for each in supply["above"]}
    np.testing.assert_allclose(drawn["roof"], series["roof/p_mw"], rtol=1e-4, atol=1e-12)
    np.testing.assert_allclose(drawn["tie"], series["tie/import_mw"], rtol=1e-4, atol=1e-12)
    used = sum(series[f"{name}/p_mw"] for name in ("works", "hub", "hall", "hp"))
    np.testing.assert_allclose(supply["used"], used, rtol=1e-4)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (12.0, "MWh", "12\u00a0MWh"),
        ("12 kWh", "MWh", "12 kWh"),
        ("-1e-3", "MW", "-1e-3\u00a0MW"),
        ("0.8", "1", "0.8"),
        ("2000-01-01", "", "2000-01-01"),
    ],
)
def test_an_assumption_stands_as_it_was_written(
    tmp_path: Path, value: object, unit: str, shown: str
) -> None:
    made = make()
    made.run["assumptions"][0] |= {"value": value, "unit": unit}
    table = page_of(made, tmp_path).of_class("assumptions")[0]
    assert table.all("td")[1].text() == shown


def test_a_limit_that_gave_way_marks_its_prices_as_scarce(page: Page) -> None:
    assert page.charts["lanes"]["price"]["scarce"] == [[19.0, 19.25]]


# -- what a park may lack


def test_a_name_is_never_read_as_markup(tmp_path: Path) -> None:
    made = make()
    made.run["park_label"] = {"en": HOSTILE, "zh": HOSTILE}
    made.run["park"] = HOSTILE
    for asset in (*made.run["assets"], *made.run["reasons"]):
        asset["label"] = {"en": HOSTILE, "zh": HOSTILE}
    for entry in (*made.run["energy"]["sources"], *made.run["energy"]["uses"]):
        entry["label"] = {"en": HOSTILE, "zh": HOSTILE}
    made.run["gave_way"][0]["sentence"] = {"en": HOSTILE, "zh": HOSTILE}
    made.run["assumptions"][0]["source"] = HOSTILE
    page = page_of(made, tmp_path)
    assert [e.given.get("type", "") for e in page.root.all("script")] == [
        "application/json",
        "",
        "importmap",
        "module",
    ]
    assert page.charts["supply"][0]["above"][0]["label"]["en"] == HOSTILE
    assert page.of_class("park")[0].text("en") == HOSTILE


@pytest.mark.parametrize(
    ("gone", "chart"),
    [
        (("jobs",), "jobs"),
        (("hall", "jobs"), "cooling"),
        (("battery",), "battery"),
        (("roof", "wind"), "roof"),
    ],
)
def test_the_page_adapts_to_what_the_park_has(
    tmp_path: Path, gone: tuple[str, ...], chart: str
) -> None:
    made = make()
    run = made.run
    run["assets"] = [a for a in run["assets"] if a["name"] not in gone]
    run["reasons"] = [r for r in run["reasons"] if r["asset"].partition("/")[0] not in gone]
    for side in ("sources", "uses", "losses"):
        run["energy"][side] = [e for e in run["energy"][side] if e["asset"] not in gone]
    for columns in made.series.values():
        for name in [n for n in columns if n.partition("/")[0] in gone]:
            del columns[name]
    page = page_of(made, tmp_path)
    assert chart not in [e.given.get("data-chart") for e in page.body.every()]
    drawn = [e["asset"] for s in page.charts["supply"] for e in (*s["above"], *s["below"])]
    assert chart not in drawn


def test_a_figure_without_reading_is_said_to_be_so_and_never_zero(tmp_path: Path) -> None:
    made = make()
    made.run["co2_t"] = None
    made.run["grid_peak_mw"] = None
    made.run["clean_share"] = None
    page = page_of(made, tmp_path)
    for row in ("Carbon, location-basedtCO₂", "Highest grid importMW", "Clean share% of use"):
        assert page.rows("comparison")[row][1] == "no reading"
    assert page.rows("comparison", "zh")["最高购电功率MW"][1] == "无读数"
    assert "tCO₂" not in page.root.all("h1")[0].text("en")


def test_an_absent_reading_stays_absent_in_its_curve_and_is_counted(tmp_path: Path) -> None:
    made = make()
    made.series["plan"]["roof/p_mw"][40:44] = np.nan
    page = page_of(made, tmp_path)
    roof = next(e for e in page.charts["supply"][0]["above"] if e["asset"] == "roof")
    assert roof["values"][40:44] == [None] * 4
    assert page.charts["supply"][0]["used"][40:44] == [None] * 4
    assert "4 readings are absent and are drawn hatched." in page.of_class("foot")[0].text("en")


def test_a_power_never_read_is_drawn_as_absent_not_left_out(tmp_path: Path) -> None:
    made = make()
    made.series["plan"]["wind/p_mw"][:] = np.nan
    page = page_of(made, tmp_path)
    wind = next(e for e in page.charts["supply"][0]["above"] if e["asset"] == "wind")
    assert wind["values"] == [None] * 96


def test_a_step_without_a_row_is_absent(tmp_path: Path) -> None:
    made = make()
    kept = np.delete(np.arange(96), [10, 11])
    made.starts = made.starts[kept]
    made.series = {p: {n: v[kept] for n, v in s.items()} for p, s in made.series.items()}
    page = page_of(made, tmp_path)
    assert page.charts["supply"][0]["used"][9:13].count(None) == 2
    assert "94 of 96 intervals recorded." in page.of_class("foot")[0].text("en")


def test_without_comparison_the_page_tells_of_the_run_alone(tmp_path: Path) -> None:
    made = make(compare=False, policy="rules")
    page = page_of(made, tmp_path)
    assert page.root.all("h1")[0].text("en").startswith("Simple rules ran the park for CNY")
    assert [len(cells) for cells in page.rows("comparison").values()][1:] == [1] * 6
    assert "rules" not in page.charts["supply"][0]


def test_a_stopped_run_says_how_far_it_came(tmp_path: Path) -> None:
    made = make(compare=False)
    made.starts = made.starts[:40]
    made.series = {p: {n: v[:40] for n, v in s.items()} for p, s in made.series.items()}
    made.run |= {"partial": True, "days_run": 40 / 96}
    page = page_of(made, tmp_path)
    assert "Stopped after 0.42 of 1 days." in page.of_class("notice")[0].text("en")
    assert "40 of 96 intervals recorded." in page.of_class("foot")[0].text("en")
    assert "00:00–10:00" in page.of_class("when")[0].text("en")


def test_a_run_stopped_before_its_first_step_still_has_its_page(tmp_path: Path) -> None:
    made = make(compare=False)
    made.starts = made.starts[:0]
    made.series = {p: {n: v[:0] for n, v in s.items()} for p, s in made.series.items()}
    made.run |= {"partial": True, "days_run": 0.0, "reasons": []}
    page = page_of(made, tmp_path)
    assert page.charts == {}
    assert page.of_class("chart") == []


# -- days


@pytest.mark.parametrize(
    ("date", "hours", "last"), [("2026-03-29", 23, "24:00"), ("2026-10-25", 25, "24:00")]
)
def test_a_day_on_which_the_clock_changes_keeps_its_length(
    tmp_path: Path, date: str, hours: int, last: str
) -> None:
    page = page_of(make(start=date, zone="Europe/Berlin"), tmp_path)
    assert page.charts["hours"][-1] == hours
    ticks = {tick["en"]: tick["at"] for tick in page.charts["ticks"]}
    assert ticks["06:00"] == 6 + hours - 24
    assert ticks[last] == hours
    assert "UTC+1/+2" in page.of_class("when")[0].text("en").replace("+2/+1", "+1/+2")


def test_a_week_is_drawn_step_by_step_with_its_days_named(tmp_path: Path) -> None:
    page = page_of(make(days=7), tmp_path)
    assert len(page.charts["hours"]) == 7 * 96 + 1
    assert [tick["zh"] for tick in page.charts["ticks"]][:2] == ["4/15", "4/16"]
    assert {tick["bold"] for tick in page.charts["ticks"]} == {True}


def test_beyond_a_fortnight_curves_are_hourly_means(tmp_path: Path) -> None:
    made = make(days=15)
    made.series["plan"]["works/p_mw"][:] = 1.0
    made.series["plan"]["roof/p_mw"][:8] = [1, 2, 3, 4, 1, 2, np.nan, 4]
    page = page_of(made, tmp_path)
    roof = next(e for e in page.charts["supply"][0]["above"] if e["asset"] == "roof")
    assert roof["values"][:2] == [2.5, None]
    assert len(page.charts["hours"]) == 15 * 24 + 1
    assert "hourly means" in page.of_class("caption")[1].text("en")
    assert "reasons" not in page.charts["lanes"]
    captions = [(each.text("en"), each.text("zh")) for each in page.of_class("caption")]
    assert ("One time axis, hourly means", "同一时间轴，小时均值") in captions
    assert not any("reason" in words for words, _ in captions)


def test_a_year_is_a_small_file_of_daily_means_with_a_map_of_its_hours(tmp_path: Path) -> None:
    made = make(start="2026-01-01", days=365, zone="Europe/Berlin")
    page = page_of(made, tmp_path)
    assert (tmp_path / "report.html").stat().st_size < 6e6
    assert len(page.charts["hours"]) == 366
    assert page.charts["hours"][-1] == 8760
    cells = page.charts["map"]["cells"]
    assert len(cells) == 8760
    days = [day for day, _, _ in cells]
    assert [days.count(day) for day in (86, 87, 297)] == [24, 23, 25]
    mean = made.series["plan"]["roof/p_mw"][:96].mean()
    roof = next(e for e in page.charts["supply"][0]["above"] if e["asset"] == "roof")
    assert roof["values"][0] == pytest.approx(mean, rel=1e-4)


@pytest.mark.parametrize(("days", "kept"), [(3, 3 * 96), (40, 40 * 24)])
def test_a_reports_curves_are_read_one_column_at_a_time_and_thinned_before_the_next(
    days: int, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the run, no more of it is in memory in full than one column."""
    made = make(days=days)
    path = made.write(tmp_path)
    asked: list[list[str]] = []
    read = pq.ParquetFile.read

    def noted(self: pq.ParquetFile, *, columns: list[str]) -> object:
        asked.append(columns)
        return read(self, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read", noted)
    curves = read_curves(path, made.run)
    assert asked[0] == ["policy", "at"]
    assert all(len(columns) == 1 for columns in asked[1:])
    assert {len(v) for each in curves.columns.values() for v in each.values()} == {kept}
    bought = made.series["rules"]["tie/import_mw"].reshape(kept, -1).mean(axis=1)
    assert curves.columns["rules"]["tie/import_mw"] == pytest.approx(bought)


def test_of_prices_that_lie_close_one_is_drawn_and_no_more_than_three() -> None:
    """Two nodes 5 CNY/MWh apart are one curve; of four that differ three can be read."""
    levels = {"hv": 400.0, "lv": 405.0, "base": 200.0, "far": 150.0, "steam": 90.0}
    columns = {f"{n}/price_cny_per_mwh": np.full(4, price) for n, price in levels.items()}
    nodes = [{"name": name, "carrier": "electricity"} for name in levels]
    starts = np.arange(5).astype("datetime64[h]").astype("datetime64[s]")
    curves = Curves(starts[:4], starts[4], "UTC", 4, 4, {"plan": columns})
    drawn = payload._marginal({"policy": "plan", "nodes": nodes}, curves)
    assert [each["node"] for each in drawn] == ["hv", "base", "far"]
