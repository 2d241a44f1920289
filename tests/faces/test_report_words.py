"""Numbers, sums of money and days are written by the rules of the page."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest

from zeropark.faces.report.flows import energy_flows
from zeropark.faces.report.sankey import NARROW, WIDE, Frame, draw
from zeropark.faces.report.shown import ABSENT, amount, change, money, percent, period, places
from zeropark.faces.report.story import headline
from zeropark.units.text import Text

UTC = dt.UTC


@pytest.mark.parametrize(
    ("largest", "decimals"),
    [(0.0, 0), (0.004, 2), (9.99, 2), (10.0, 1), (99.9, 1), (100.0, 0), (-250.0, 0), (12_345.0, 0)],
)
def test_a_column_keeps_the_precision_of_its_largest_value(largest: float, decimals: int) -> None:
    assert places([largest, None, 0.001]) == decimals or largest == 0.0
    assert places([largest]) == decimals


def test_numbers_have_thousands_and_a_true_minus() -> None:
    assert amount("MWh", 12_345.6).full(12_345.6) == Text("12,346\u00a0MWh", "12,346\u00a0MWh")
    assert amount("MW", 3.0).number(-2.5) == Text("−2.50", "−2.50")


def test_what_is_absent_is_said_and_what_is_tiny_is_not_nothing() -> None:
    assert amount("MWh", 50.0).number(None) == ABSENT
    assert amount("MWh", 50.0).full(None) == ABSENT
    assert amount("MWh", 50.0).number(0.003).en == "<0.1"
    assert amount("MWh", 50.0).number(0.0).en == "0.0"


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (99_999.0, "CNY 99,999", "99,999\u00a0元"),
        (100_000.0, "CNY 100.0\u00a0k", "10.00\u00a0万元"),
        (3_660_000.0, "CNY 3,660\u00a0k", "366.0\u00a0万元"),
        (12.345, "CNY 12.35", "12.35\u00a0元"),
    ],
)
def test_money_is_written_as_each_language_counts(value: float, en: str, zh: str) -> None:
    assert money(value).full(value) == Text(en, zh)


def test_a_difference_is_that_of_the_numbers_shown() -> None:
    # 10.04 and 9.96 are shown as 10.0 and 10.0: no difference, and no sign.
    measure = amount("MWh", 10.04)
    assert measure.difference(10.04, 9.96).en == "0.0"
    assert measure.difference(12.36, 10.04).en == "+2.4"
    assert percent().difference(0.723, 0.697).en == "+2.6"
    assert money(6_455_000.0, 6_712_000.0).difference(6_455_000.0, 6_712_000.0) == Text(
        "−257", "−25.7"
    )


def test_a_change_from_nothing_has_no_percentage() -> None:
    assert change(1.0, 0.0) is None
    assert change(90.0, 100.0) == Text("−10.0\u00a0%", "−10.0\u00a0%")


def test_the_time_of_a_run_is_in_the_parks_zone() -> None:
    start = dt.datetime(2026, 4, 14, 16, tzinfo=UTC)
    day = period(start, start + dt.timedelta(days=1), "Asia/Shanghai")
    assert day.en == "Wed 15 April 2026, 00:00–24:00 (UTC+8)"
    assert day.zh == "2026 年 4 月 15 日 周三 00:00–24:00 (UTC+8)"
    week = period(start, start + dt.timedelta(days=7), "Asia/Shanghai")
    assert week.en == "Wed 15 April 2026 – Tue 21 April 2026 (UTC+8)"
    part = period(start, start + dt.timedelta(hours=30), "Asia/Kolkata")
    assert part.en == "Tue 14 April 2026 21:30 – Thu 16 April 2026 03:30 (UTC+5:30)"


ASSETS = [
    {"name": "tie", "role": "grid"},
    {"name": "roof", "role": "source"},
    {"name": "bat", "role": "store"},
    {"name": "works", "role": "use"},
]


def entry(asset: str, mwh: float | None) -> dict[str, object]:
    label = {"en": asset, "zh": asset}
    return {"asset": asset, "label": label, "kind": "", "carrier": "electricity", "mwh": mwh}


def test_a_store_shows_what_it_lost_and_kept_not_what_went_round() -> None:
    # Taken 5, given 3, lost 0.5: 1.5 stay. 10 from the grid = 8 used + 0.5 lost + 1.5 kept.
    energy = {
        "sources": [entry("tie", 10.0), entry("bat", 3.0)],
        "uses": [entry("works", 8.0), entry("bat", 5.0)],
        "losses": [entry("bat", 0.5)],
    }
    (flow,) = energy_flows(energy, ASSETS)
    assert [(band.key, band.mwh) for band in flow.sources] == [("tie-grid", 10.0)]
    assert [(band.key, band.mwh) for band in flow.uses] == [
        ("works-use", 8.0),
        ("bat-kept", 1.5),
        ("bat-loss", 0.5),
    ]


def test_a_store_that_gave_more_than_it_took_is_a_source() -> None:
    energy = {
        "sources": [entry("roof", 1.0), entry("bat", 3.0)],
        "uses": [entry("works", 4.0), entry("bat", 0.0)],
        "losses": [entry("bat", 0.4)],
    }
    (flow,) = energy_flows(energy, ASSETS)
    assert {band.key: band.mwh for band in flow.sources} == {
        "roof-clean": 1.0,
        "bat-given": pytest.approx(3.4),
    }
    assert sum(band.mwh for band in flow.uses) == pytest.approx(4.4)


def test_energy_that_no_meter_saw_is_shown_as_such() -> None:
    energy = {"sources": [entry("tie", 10.0)], "uses": [entry("works", 9.0)], "losses": []}
    (flow,) = energy_flows(energy, ASSETS)
    assert [(band.manner, band.mwh) for band in flow.uses] == [("use", 9.0), ("gap", 1.0)]


def test_an_asset_without_reading_has_no_band() -> None:
    energy = {
        "sources": [entry("tie", 9.0), entry("roof", None)],
        "uses": [entry("works", 9.0)],
        "losses": [],
    }
    (flow,) = energy_flows(energy, ASSETS)
    assert [band.key for band in flow.sources] == ["tie-grid"]


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
def test_names_in_the_flow_never_lie_on_each_other(frame: Frame) -> None:
    names = [f"use {n}" for n in range(14)]
    energy = {
        "sources": [entry("tie", 100.0)],
        "uses": [entry(name, 86.0 if n == 0 else 1.0 + n / 14) for n, name in enumerate(names)],
        "losses": [],
    }
    assets = [*ASSETS, *({"name": name, "role": "use"} for name in names)]
    (flow,) = energy_flows(energy, assets)
    drawing = draw(flow, frame)
    beside = [
        label for label in drawing.labels if label.style == "name" and label.anchor == "start"
    ]
    heights = sorted(label.y for label in beside)
    assert len(heights) == len(names)
    assert min(b - a for a, b in pairwise(heights)) >= 14
    assert all(0 <= label.y <= drawing.height for label in drawing.labels)
    assert all(bar.y + bar.height <= drawing.height for bar in drawing.bars)


def run(
    plan: float, rules: float, captured: float | None, *, win: bool = True
) -> dict[str, object]:
    def figures(cost: float, carbon: float) -> dict[str, object]:
        return {"cost_cny": {"total": cost}, "co2_t": carbon}

    compare = {"rules": figures(rules, 9.0), "foresight": figures(80.0, 7.0), "captured": captured}
    return {"policy": "plan", **figures(plan, 8.5), "compare": {**compare, "win": win}}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            run(90.0, 100.0, 0.5),
            "Against simple rules the plan saved CNY 10 and 0.50 tCO₂. That is 50",
        ),
        (run(100.0, 100.5, None), "foresight could have saved less than 1\u00a0% of the cost."),
        (run(110.0, 100.0, -0.5), "The plan cost CNY 10 more than simple rules."),
        (run(90.0, 100.0, 0.5, win=False), "It does not count as a win"),
    ],
)
def test_the_headline_admits_what_was_not_gained(given: dict[str, object], sentence: str) -> None:
    assert sentence in headline(given).en
