"""What a study leaves free, and the sentences that refuse it, in both languages."""

from __future__ import annotations

import pytest

from zeropark.assets import kinds
from zeropark.model.free import FreeParameter, freedom_of
from zeropark.model.mistakes import ParkError
from zeropark.model.parkfile import parse_park

PARK = """
name: yard
place: {latitude: 36.6 deg, longitude: 101.8 deg, altitude: 2260 m, zone: Asia/Shanghai}
nodes: [{name: bus, carrier: electricity}]
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: flat}
  - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
  - {kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 2 MWh}
tariffs:
  - name: flat
    energy: [{from: 2000-01-01, bands: [{name: all, hours: [0-24], price: 0.5 CNY/kWh}]}]
studies:
  - name: sizing
    start: 2026-01-01
    interest: 5 %
    free: [@]
"""
FREE = (
    "{asset: bat, parameter: e_nom, at_least: 500 kWh, at_most: 8 MWh, cost: 700 CNY/kWh, "
    "lifetime: 15 year}"
)


def _mistakes(text: str) -> list[tuple[str, str]]:
    with pytest.raises(ParkError) as refused:
        parse_park(text, kinds())
    return [(m.sentence("en"), m.sentence("zh")) for m in refused.value.mistakes]


def test_bounds_and_cost_are_read_in_the_unit_of_the_parameter() -> None:
    park = parse_park(PARK.replace("@", FREE), kinds())
    (free,) = park.studies[0].free
    freedom = freedom_of(free, kinds()["battery"])
    assert (freedom.unit, freedom.least, freedom.most) == ("MWh", 0.5, 8.0)
    assert freedom.cost == pytest.approx(700_000.0)


@pytest.mark.parametrize(
    ("interest", "upkeep", "share"),
    # 0.08 / (1 - 1.08 ** -20) as annuity tables print it, and paid back evenly without interest.
    [(0.08, 0.0, 0.1018522), (0.08, 0.02, 0.1218522), (0.0, 0.0, 0.05)],
)
def test_a_year_bears_its_annuity(interest: float, upkeep: float, share: float) -> None:
    free = FreeParameter(
        asset="bat", parameter="e_nom", at_most="8 MWh", cost="700 CNY/kWh",
        lifetime=20 * 8760.0, upkeep=upkeep,
    )  # fmt: skip
    assert free.annuity(interest) == pytest.approx(share, abs=1e-7)


@pytest.mark.parametrize(
    ("old", "new", "en", "zh"),
    [
        ("parameter: e_nom", "parameter: e_nomm",
         "'e_nomm' is no number of kind battery. Did you mean 'e_nom'? Allowed: p_nom, e_nom,",
         "“e_nomm”不是种类 battery 的数值参数。是不是“e_nom”？可用：p_nom, e_nom"),
        ("asset: bat", "asset: batt", "unknown asset 'batt'. Did you mean 'bat'?",
         "未知资产“batt”"),
        ("at_least: 500 kWh", "at_least: 9 MWh",
         "at_least 9 MWh is not below at_most 8 MWh; allowed: at_least < at_most",
         "at_least 9 MWh 不低于 at_most 8 MWh"),
        ("at_least: 500 kWh", "at_least: 8 MWh",
         "at_least 8 MWh is not below at_most 8 MWh", "at_least 8 MWh 不低于 at_most 8 MWh"),
        ("at_most: 8 MWh", "at_most: 8 MW", "the unit of '8 MW' does not fit", "“8 MW”的单位不符"),
        ("at_most: 8 MWh", "at_most: 8", "8 has no unit", "8 没有单位"),
        ("at_least: 500 kWh", "at_least: -1 MWh", "-1 MWh is too small", "-1 MWh 太小"),
        ("cost: 700 CNY/kWh", "cost: 700 CNY/kW", "the unit of '700 CNY/kW' does not fit",
         "“700 CNY/kW”的单位不符"),
        ("cost: 700 CNY/kWh", "cost: -1 CNY/kWh",
         "-1 CNY/kWh is too small; allowed: 0 CNY/MWh or more", "-1 CNY/kWh 太小"),
        ("interest: 5 %", "seed: 1", "interest is missing; a study with free parameters needs one",
         "缺少 interest"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence(old: str, new: str, en: str, zh: str) -> None:
    ((english, chinese),) = _mistakes(PARK.replace("@", FREE).replace(old, new))
    assert en in english
    assert zh in chinese
    assert english.startswith("park.yaml:")


def test_one_parameter_is_left_free_once() -> None:
    ((english, chinese),) = _mistakes(PARK.replace("@", f"{FREE}, {FREE}"))
    assert "e_nom of 'bat' is left free twice; leave one" in english
    assert "两次列为自由参数" in chinese


def test_a_least_of_nothing_means_not_built() -> None:
    park = parse_park(PARK.replace("@", FREE.replace("at_least: 500 kWh", "at_least: 0")), kinds())
    assert freedom_of(park.studies[0].free[0], kinds()["battery"]).least == 0.0
