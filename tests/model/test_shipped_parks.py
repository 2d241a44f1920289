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


def test_the_microgrid_is_the_one_of_the_feature_report(microgrid: Park) -> None:
    sizes = {asset.name: asset.model_dump() for asset in microgrid.assets}
    assert sizes["turbines"]["count"] == 3
    assert sizes["roofs"]["p_nom"] + 0.03 == pytest.approx(6.0)
    assert sum(array["share"] for array in sizes["roofs"]["arrays"]) == pytest.approx(1.0)
    assert (sizes["battery"]["p_nom"], sizes["battery"]["e_nom"]) == (3.0, 6.0)
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
