"""What is wrong between the things of a network is told in sentences, all at once."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from tests.model.test_park_file import sentences
from zeropark.assets import kinds
from zeropark.model.mistakes import ParkError
from zeropark.model.parkfile import parse_park
from zeropark.model.warmth import Warmth

TOP = """\
name: net
place: {latitude: 36.6 deg, longitude: 101.8 deg, altitude: 2260 m, zone: Asia/Shanghai}
tariffs:
  - name: simple
    energy:
      - {from: 2026-01-01, bands: [{name: all, hours: [0-24], price: 0.4 CNY/kWh}]}
nodes:
  - {name: bus, carrier: electricity}
  - {name: sub, carrier: electricity}
  - {name: site, carrier: electricity}
  - {name: base, carrier: electricity}
  - {name: far, carrier: electricity}
  - {name: steam, carrier: heat, temperature: {supply: 150 degC, return: 100 degC}}
  - {name: net, carrier: heat, temperature: {supply: 95 65 degC, air: -15 15 degC, return: 50 degC}}
  - {name: bare, carrier: heat}
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: simple}
  - {kind: load, name: works, node: site, profile: {constant: 1 MW}}
  - {kind: boiler, name: kettle, node: bus, heat: steam, p_nom: 1 MW}
  - {kind: heat_load, name: town, node: net, profile: {constant: 1 MW}}
  - {kind: boiler, name: spare, node: bus, heat: bare, p_nom: 1 MW}
  - {kind: boiler, name: local, node: bus, heat: net, p_nom: 1 MW}
  - {kind: pv, name: field, node: base, p_nom: 2 MW, arrays: [{tilt: 30 deg}]}
"""
GOOD = (
    TOP
    + """\
  - {kind: transformer, name: inner, node: site, up: sub, p_nom: 2 MW}
  - {kind: transformer, name: outer, node: sub, up: bus, p_nom: 3 MW}
  - {kind: remote_base, name: gate, node: base, out: far, p_nom: 2 MW}
  - {kind: line, name: wire, node: far, near: bus, p_nom: 2 MW}
  - {kind: heat_exchanger, name: plates, node: steam, heat: net, q_nom: 1 MW}
"""
)
FIRST = 1 + TOP.count("\n")


def test_a_network_without_mistakes_is_read() -> None:
    park = parse_park(GOOD, kinds())
    assert set(park.warmths) == {"steam", "net"}
    assert park.warmths["net"].back == 50.0


def test_all_mistakes_of_a_network_are_told_at_once() -> None:
    text = (
        TOP
        + """\
  - {kind: transformer, name: inner, node: site, up: sub, p_nom: 4 MW}
  - {kind: transformer, name: outer, node: sub, up: bus, p_nom: 3 MW}
  - {kind: remote_base, name: gate, node: base, out: far, p_nom: 2 MW}
  - {kind: line, name: loop, node: sub, near: site, p_nom: 2 MW, ways: both, charge: -3 CNY/MWh}
  - {kind: heat_exchanger, name: plates, node: net, heat: steam, q_nom: 1 MW}
  - {kind: heat_pipe, name: main, node: steam, heat: bare, q_nom: 1 MW, length: 1 km}
"""
    )
    assert sentences(text) == [
        (
            f"park.yaml:{FIRST}: assets[7] 'inner' p_nom: 4 MW stands behind outer of 3 MW, "
            "so that "
            "its limit is never reached; allowed: up to 3 MW, or a larger outer"
        ),
        (
            f"park.yaml:{FIRST + 2}: assets[9] 'gate' out: no line begins at node 'far'; add kind: "
            "line with node: far, or a transformer"
        ),
        (
            f"park.yaml:{FIRST + 3}: assets[10] 'loop' charge: power sent round sub → site "
            "→ sub would "
            "earn CNY 6 a MWh without end; the charges of a loop must not sum to less than 0"
        ),
        (
            f"park.yaml:{FIRST + 4}: assets[11] 'plates' heat: heat does not flow up: 'net' "
            "is never "
            "5 K warmer than 'steam'; let it flow to a cooler node, or lift it by a heat_pump"
        ),
        (
            f"park.yaml:{FIRST + 5}: assets[12] 'main' heat: node 'bare' has no temperature; write "
            "temperature: {supply: 95 degC, return: 60 degC} there"
        ),
    ]


def test_the_same_in_chinese() -> None:
    text = GOOD.replace("node: steam, heat: net", "node: net, heat: steam")
    with pytest.raises(ParkError) as caught:
        parse_park(text, kinds())
    assert [mistake.sentence("zh") for mistake in caught.value.mistakes] == [
        (
            f"park.yaml:{FIRST + 4}: assets[11] 'plates' heat: 热量不会自低温流向高温：“net”从不比"
            "“steam”高 5 K；改接更低温的节点，或用 heat_pump 升温"
        )
    ]


def test_transformers_in_a_ring_are_told_once() -> None:
    text = GOOD.replace("node: sub, up: bus, p_nom: 3 MW", "node: sub, up: site, p_nom: 2 MW")
    assert sentences(text) == [
        (
            f"park.yaml:{FIRST}: assets[7] 'inner' up: the transformers inner, outer stand "
            "one above "
            "another in a ring; let the outermost one's up be the node of the tie"
        )
    ]


def test_two_transformers_side_by_side_are_one_limit() -> None:
    beside = "  - {kind: transformer, name: other, node: sub, up: bus, p_nom: 1 MW}\n"
    text = GOOD.replace("up: sub, p_nom: 2 MW}\n", "up: sub, p_nom: 4 MW}\n" + beside)
    park = parse_park(text, kinds())
    assert len(park.assets_of("transformer")) == 3


@pytest.mark.parametrize(
    ("charges", "gain"),
    [((5, -3, -3), "1"), ((5, -3, -2), None), ((-1, -1, -1), "3")],
)
def test_a_loop_is_refused_where_its_charges_sum_below_nothing(
    charges: tuple[int, int, int], gain: str | None
) -> None:
    ends = [("bus", "sub"), ("sub", "site"), ("site", "bus")]
    lines = [
        f"  - {{kind: line, name: l{i}, node: {start}, near: {end}, p_nom: 1 MW, charge: {c} "
        "CNY/MWh}\n"
        for i, ((start, end), c) in enumerate(zip(ends, charges, strict=True))
    ]
    text = GOOD + "".join(lines)
    if gain is None:
        parse_park(text, kinds())
    else:
        (told,) = sentences(text)
        assert f"would earn CNY {gain} a MWh without end" in told


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"supply": [90.0, 80.0], "return": 50.0},
            (
                "2 supply temperatures are written; allowed: one, 24 (one for each local "
                "hour), or as "
                "many as air"
            ),
        ),
        (
            {"supply": [90.0], "air": [-15.0, 15.0], "return": 50.0},
            "1 supply temperatures stand against 2 of the air; write one for each",
        ),
        (
            {"supply": [90.0, 60.0], "air": [15.0, -15.0], "return": 50.0},
            "air -15 degC stands after 15 degC; write rising temperatures",
        ),
        (
            {"supply": [90.0, 60.0], "air": [-15.0, 15.0], "return": 60.0},
            "60 degC is not below the coolest supply of 60 degC; allowed: return < supply",
        ),
    ],
)
def test_a_temperature_that_cannot_be_is_refused(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Warmth.model_validate(fields)
    assert [error["msg"] for error in refused.value.errors()] == [sentence]


def test_only_heat_has_a_temperature() -> None:
    text = GOOD.replace(
        "{name: bus, carrier: electricity}",
        "{name: bus, carrier: electricity, temperature: {supply: 9 degC, return: 1 degC}}",
    )
    assert sentences(text) == [
        (
            "park.yaml:8: nodes[0] 'bus' temperature: a node that carries electricity has no "
            "temperature; take it out"
        )
    ]


def test_a_supply_goes_by_the_hour_or_by_the_air() -> None:
    day = Warmth.model_validate({"supply": list(range(60, 84)), "return": 50.0})
    assert day.at(np.array([0.0, 7.75, 23.5]), None).tolist() == [60.0, 67.0, 83.0]
    curve = Warmth.model_validate({"supply": [95.0, 65.0], "air": [-15.0, 15.0], "return": 50.0})
    air = np.array([-30.0, 0.0, 40.0])
    assert curve.at(np.zeros(3), air).tolist() == [95.0, 80.0, 65.0]
    assert day.most_above(curve) == pytest.approx(18.0)
    assert curve.most_above(day) == pytest.approx(35.0)
