"""The page of nanchuan's figures is what the park gives, and its figures are the report's."""

from __future__ import annotations

import pytest

from bench import nanchuan
from zeropark.assets import kinds
from zeropark.model.parkfile import read_park


@pytest.fixture(scope="module")
def year() -> nanchuan.Year:
    return nanchuan.live_year(read_park(nanchuan.PARK, kinds()))


def test_the_page_is_what_the_park_gives(year: nanchuan.Year) -> None:
    assert nanchuan.PAGE.read_text(encoding="utf-8") == nanchuan.page(year), (
        "python -m bench.nanchuan brings it up to date"
    )


def test_energy_closes_over_the_year(year: nanchuan.Year) -> None:
    assert year.delivered + year.roofs + year.imported == pytest.approx(year.load)
    sent = (year.delivered + year.exported) / 0.98
    assert year.base == pytest.approx(sent + year.curtailed)


def test_the_year_is_that_of_the_fact_base(year: nanchuan.Year) -> None:
    """8,367 GWh in all, of which 107 of drying are steam here; 40-42 % clean, 50 % by trade."""
    assert year.load == pytest.approx(8_367 - 107, rel=0.015)
    assert 0.40 <= year.physical <= 0.42
    assert year.without_storage < year.physical
    assert year.with_trade > 0.50
    assert year.works["jinko_rods"] + year.works["trina_rods"] + year.works[
        "gaojing_rods"
    ] == pytest.approx(2_299, rel=0.02)
    poly = sum(year.works[name] for name in ("reduction1", "reduction2", "distillation"))
    assert poly == pytest.approx(4_125, rel=0.005)


def test_the_ratios_of_direct_supply_are_kept(year: nanchuan.Year) -> None:
    assert year.self_use >= 0.60
    assert year.load_share >= 0.30
    assert year.export_share <= 0.20


def test_the_steam_saved_is_the_reports(year: nanchuan.Year) -> None:
    assert year.steam_used == pytest.approx(28_700 * 29.3076 / 3.6 / 1e3, rel=0.005)
    assert year.steam_used < year.steam_spare
    assert year.sinks["compute park in winter"] == pytest.approx(26.0, abs=1.0)


def test_the_roof_gives_the_slicing_lines_share(year: nanchuan.Year) -> None:
    assert year.slicing_share == pytest.approx(0.15, abs=0.002)


def test_natural_cooling_is_counted_by_the_stated_criterion(year: nanchuan.Year) -> None:
    assert abs(year.cool_days - 314) <= 5
