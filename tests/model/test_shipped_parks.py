"""The parks we ship have no mistake, and no number of them is without a source."""

from __future__ import annotations

from pathlib import Path

import pytest

from zeropark.assets import kinds
from zeropark.model.park import Park
from zeropark.model.parkfile import read_park

PARKS = sorted((Path(__file__).parents[2] / "parks").glob("*/park.yaml"))


@pytest.fixture(params=PARKS, ids=lambda path: path.parent.name)
def park(request: pytest.FixtureRequest) -> Park:
    return read_park(request.param, kinds())


@pytest.fixture
def microgrid() -> Park:
    return read_park(Path(__file__).parents[2] / "parks/microgrid/park.yaml", kinds())


def test_no_number_is_without_a_source(park: Park) -> None:
    assert [number.where for number in park.numbers if number.source is None] == []


def test_a_source_leads_somewhere(park: Park) -> None:
    for number in park.numbers:
        assert number.source is not None
        assert len(number.source.words) > 5, number.where


def test_everything_has_a_label_in_both_languages(park: Park) -> None:
    labels = {"park": park.label}
    for section in (park.nodes, park.assets, park.tariffs, park.parties, park.studies):
        labels |= {thing.name: thing.label for thing in section}
    for name, label in labels.items():
        assert label is not None, name
        assert any("\u4e00" <= letter <= "\u9fff" for letter in label.zh), name


def test_a_park_folder_names_itself(park: Park) -> None:
    assert park.name in {path.parent.name for path in PARKS}


def test_the_microgrid_has_the_sizes_of_the_feature_report_and_of_decision_0028(
    microgrid: Park,
) -> None:
    sizes = {asset.name: asset.model_dump() for asset in microgrid.assets}
    assert sizes["turbines"]["count"] == 3
    assert sizes["roofs"]["p_nom"] + 0.03 == pytest.approx(6.0)
    assert sum(array["share"] for array in sizes["roofs"]["arrays"]) == pytest.approx(1.0)
    assert (sizes["battery"]["p_nom"], sizes["battery"]["e_nom"]) == (3.0, 12.0)
    # Export is capped at 80 % of the PV, rounded up to 100 kW.
    assert sizes["tie"]["export_max"] == pytest.approx(0.8 * 5.97, abs=0.05)
    halls = [sizes[name] for name in ("hall1", "hall2")]
    busy = sum(each["mean"] for each in sizes["jobs"]["classes"])
    installed, cores = sum(hall["p_nom"] for hall in halls), sum(hall["cores"] for hall in halls)
    idle = sum(hall["p_idle"] for hall in halls)
    assert installed == pytest.approx(1.2)
    # The machines' mean power: idle, and what busy cores add.
    assert idle + (installed - idle) * busy / cores == pytest.approx(0.76, abs=0.01)
    waiting = [each for each in sizes["jobs"]["classes"] if each["slack"] > 0]
    assert len(sizes["jobs"]["classes"]) == 3
    assert len(waiting) == 2


def test_the_microgrids_trucks_come_when_the_trade_does(microgrid: Park) -> None:
    hub = next(asset for asset in microgrid.assets if asset.name == "hub").model_dump()
    trucks = next(visit for visit in hub["visits"] if visit["name"] == "trucks")["arrivals"]
    shares = [sum(trucks[a:b]) / sum(trucks) for a, b in ((6, 9), (11, 14), (17, 21))]
    assert shares == pytest.approx([0.25, 0.30, 0.25], abs=0.005)


def test_the_microgrids_prices_follow_from_their_parts(microgrid: Park) -> None:
    """Energy 0.27 times 1.63, 1, 0.35; line loss; transmission, operation, fund [CNY/kWh]."""
    season = microgrid.tariffs[0].energy[0]
    prices = {band.name: band.price / 1000 for band in season.bands}
    energy, loss, rest = 0.27, 0.0081, 0.0871 + 0.030 + 0.021525
    assert prices["flat"] == pytest.approx(energy + loss + rest, abs=5e-5)
    assert prices["peak"] == pytest.approx(1.63 * energy + loss + rest, abs=5e-5)
    assert prices["valley"] == pytest.approx(0.35 * energy + loss + rest, abs=5e-5)
    demand = microgrid.tariffs[0].demand
    assert demand is not None
    assert demand.price == pytest.approx(35_200)
    assert demand.interval == 0.25


@pytest.fixture
def nanchuan() -> Park:
    return read_park(Path(__file__).parents[2] / "parks/nanchuan/park.yaml", kinds())


def test_nanchuan_is_the_park_of_the_feature_report(nanchuan: Park) -> None:
    sizes = {asset.name: asset.model_dump() for asset in nanchuan.assets}
    assert len(nanchuan.assets) >= 40
    assert len({asset.party for asset in nanchuan.assets}) >= 8
    wind = sizes["base_wind"]["count"] * max(sizes["base_wind"]["curve_powers"])
    assert sizes["base_pv"]["p_nom"] + wind == pytest.approx(2200.0)
    assert sizes["base_battery"]["e_nom"] == 700.0
    assert sizes["trina_wind"]["count"] == 3
    assert max(sizes["trina_wind"]["curve_powers"]) == pytest.approx(0.0126)
    scrap = sizes["recycler"]["orders"][0]["amount"] * 365
    assert scrap == pytest.approx(100_000, rel=0.001)
    classes = {each["name"]: each for each in sizes["jobs"]["classes"]}
    assert len(classes) == 6
    assert classes["online"]["online"]
    assert classes["online"]["latency"] * 3600 == pytest.approx(0.020)
    assert min(classes["render"]["slack"], classes["training"]["slack"]) >= 12.0
    roofs = sum(s["p_nom"] for n, s in sizes.items() if n.endswith("_roof"))
    assert roofs == pytest.approx(126.0, abs=0.2)


def test_nanchuans_limits_are_nested_in_three_levels(nanchuan: Park) -> None:
    up = {a.node: a.up for a in nanchuan.assets_of("transformer")}  # type: ignore[attr-defined] # it has both
    tie = nanchuan.assets_of("grid_tie")[0].node  # type: ignore[attr-defined] # it has one
    assert up[up["poly35"]] == tie
    assert up[up["comp10"]] == tie


@pytest.mark.parametrize(
    "field",
    ["'gate' p_nom", "'base_battery' p_nom", "'town_heat' q_nom", "'reduction1' energy"],
)
def test_a_range_stands_beside_what_is_little_known(nanchuan: Park, field: str) -> None:
    told = [n.source for n in nanchuan.numbers if n.where.endswith(field)]
    assert len(told) == 1
    assert told[0] is not None
    assert "range" in told[0].words
