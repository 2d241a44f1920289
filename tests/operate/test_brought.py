"""What a park brought, by hand on a toy and from the ledger of one that lived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.operate.called_park import CalledPark
from tests.operate.conftest import park_of, request_of, small_assets
from zeropark.assets.kind import Floats, Kind
from zeropark.assets.pv import Pv
from zeropark.ledger.reader import Reader
from zeropark.operate.brought import brought
from zeropark.operate.lived import Lived
from zeropark.operate.products import products
from zeropark.units.timegrid import TimeGrid

NAN = float("nan")


@dataclass(frozen=True)
class Shown:
    """Meters that show what a test says, by asset and point."""

    says: Mapping[tuple[str, str], list[float]]

    def means(self, asset: str, point: str, begin: float, count: int, step: float) -> Floats:
        del begin, step
        return np.array(self.says.get((asset, point), [NAN] * count))


def lived(says: Mapping[tuple[str, str], list[float]], *more: Kind) -> Lived:
    grid = TimeGrid.local_days("2026-04-17", 1, 60, "Asia/Shanghai").window(0, 4)
    prices = (np.array([200.0, 200.0, 600.0, 600.0]), np.full(4, 100.0))
    shown: Any = Shown(says)
    return Lived([*small_assets(), *more], grid, shown, prices, demand_price=30_000.0)


def earned(key: str, of: Lived) -> Mapping[str, float]:
    earns = products()[key].earns
    assert earns is not None
    return earns(of)


# The battery takes 1 MW for two cheap hours and gives 0.8 MW for two dear ones.
TRADE = {("bat", "p"): [-1.0, -1.0, 0.8, 0.8], ("tie", "p"): [2.0, 2.0, 0.5, -0.5]}


def test_arbitrage_by_hand() -> None:
    found = earned("price_arbitrage", lived(TRADE))
    # -400 for charging, 0.8 · 600 at import and 0.8 · 100 at export; wear 96 a MWh given.
    assert found["discharged_mwh"] == pytest.approx(1.6)
    assert found["brought_cny"] == pytest.approx(-400.0 + 480.0 + 80.0 - 1.6 * 96.0)
    # What nobody metered is not counted.
    blind = {**TRADE, ("tie", "p"): [2.0, 2.0, NAN, -0.5]}
    less = earned("price_arbitrage", lived(blind))
    assert less["brought_cny"] == pytest.approx(found["brought_cny"] - 480.0 + 0.8 * 96.0)


def test_maximum_demand_by_hand() -> None:
    # Without the battery import were 1, 1, 1.3 and 0.3 MW: it made the peak here.
    found = earned("maximum_demand", lived(TRADE))
    assert (found["peak_mw"], found["peak_without_mw"]) == pytest.approx((2.0, 1.3))
    assert found["brought_cny"] == pytest.approx(-0.7 * 30_000.0)
    assert np.isnan(earned("maximum_demand", lived({}))["brought_cny"])


def test_direct_supply_by_hand() -> None:
    roof = Pv.model_validate(
        {"name": "roof", "node": "bus", "p_nom": 2.0, "arrays": [{"tilt": 30.0}]}
    )
    says = {
        ("tie", "p"): [1.0, -0.5, 0.0, NAN],
        ("roof", "p"): [1.0, 2.0, 1.0, 1.0],
        ("roof", "available"): [1.0, 2.5, 1.0, 1.0],
    }
    found = earned("direct_green_supply", lived(says, roof))
    # Own use 1, 1.5 and 1 MWh of 4.5 that were there; 1 bought, 0.5 sent.
    assert found["self_use_share"] == pytest.approx(3.5 / 4.5)
    assert found["load_share"] == pytest.approx(3.5 / 4.5)
    assert found["export_share"] == pytest.approx(0.5 / 4.5)
    assert found["brought_cny"] == pytest.approx(1.0 * 100.0 + 1.5 * 100.0 + 1.0 * 500.0)


def test_a_park_without_a_base_smooths_nothing() -> None:
    assert earned("renewable_smoothing", lived(TRADE)) == {}


def test_a_day_from_the_ledger_beside_rules_and_foresight(tmp_path: Path) -> None:
    park = CalledPark(tmp_path / "store", hour=10.0)
    park.start()
    park.live(3)
    park.call(product="peak_cutting", power=0.3, after=0.5, hours=0.5, price=1_000.0)
    park.live(120)
    (call,) = park.calls()
    true = park.truth(park.clock.now() - 7_200.0, park.clock.now())
    park.store.close()
    request = request_of(park_of(small_assets()))
    with Reader(tmp_path / "store") as reader:
        (day,) = brought(request, reader)
        (alone,) = brought(request, reader, compare=False)
    assert day.day.isoformat() == "2026-04-17"
    assert day.hours == pytest.approx(2.0, abs=0.26)
    assert day.earned["peak_cutting"]["brought_cny"] == pytest.approx(call["earned_cny"])
    assert day.earned["peak_cutting"]["delivered_mwh"] == pytest.approx(call["delivered_mwh"])
    # From 10 to 12 a MWh costs 241.2 CNY here; import as the site's own log has it.
    assert day.did["plan"].energy_cny == pytest.approx(241.2 * sum(true) / 60.0, rel=0.1)
    assert set(day.did) == {"plan", "rules", "foresight"}
    assert set(alone.did) == {"plan"}
    assert alone.did["plan"] == day.did["plan"]
