"""A park file with mistakes is answered with all of them, each a sentence with place and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from zeropark.assets import kinds
from zeropark.model.mistakes import ParkError
from zeropark.model.park import Park, Source
from zeropark.model.parkfile import parse_park, read_park

TOP = """\
name: tiny
place: {latitude: 36.6 deg, longitude: 101.8 deg, altitude: 2260 m, zone: Asia/Shanghai}
nodes:
  - {name: bus, carrier: electricity}
tariffs:
  - name: simple
    energy:
      - {from: 2026-01-01, bands: [{name: all, hours: [0-24], price: 0.4 CNY/kWh}]}
"""
TIE = "  - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: simple}\n"
LOAD = "  - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}\n"
GOOD = TOP + "assets:\n" + TIE + LOAD


def park_of(assets: str, top: str = TOP) -> Park:
    return parse_park(top + "assets:\n" + assets, kinds())


def sentences(text: str) -> list[str]:
    """Return the mistakes of a park file as a person reads them."""
    with pytest.raises(ParkError) as caught:
        parse_park(text, kinds())
    return [mistake.sentence() for mistake in caught.value.mistakes]


def test_a_park_without_mistakes_is_read() -> None:
    park = parse_park(GOOD, kinds())
    assert [asset.name for asset in park.assets] == ["tie", "works"]
    assert park.place.zone == "Asia/Shanghai"
    assert park.shown.zh == "tiny"


def test_kilowatts_and_megawatts_are_the_same_power() -> None:
    one = park_of(TIE + LOAD)
    other = park_of(TIE.replace("5 MW", "5000 kW") + LOAD.replace("1 MW", "1000 kW"))
    assert one.assets == other.assets


def test_words_of_one_language_stand_for_both() -> None:
    park = park_of(TIE + LOAD.replace("node:", "label: Werk, node:"))
    assert park.assets[1].shown == ("Werk", "Werk")


# What is written well, what instead, and what the file's author reads.
TIE_AT_10 = {
    "unknown kind": (
        "kind: grid_tie",
        "kind: grid_tye",
        "park.yaml:10: assets[0] 'tie' kind: unknown kind 'grid_tye'. Did you mean 'grid_tie'? "
        "Allowed: " + ", ".join(kinds()),
    ),
    "unknown node": (
        "node: bus",
        "node: buss",
        "park.yaml:10: assets[0] 'tie' node: unknown node 'buss'. Did you mean 'bus'? Known: bus",
    ),
    "unknown tariff": (
        "tariff: simple",
        "tariff: simpel",
        (
            "park.yaml:10: assets[0] 'tie' tariff: unknown tariff 'simpel'. Did you mean 'simple'? "
            "Known: simple"
        ),
    ),
    "unknown party": (
        "name: tie",
        "name: tie, party: firm",
        "park.yaml:10: assets[0] 'tie' party: the park has no party 'firm'; add it",
    ),
    "negative size": (
        "import_max: 5 MW",
        "import_max: -5 MW",
        "park.yaml:10: assets[0] 'tie' import_max: -5 MW is too small; allowed: 0 MW or more",
    ),
    "wrong dimension": (
        "import_max: 5 MW",
        "import_max: 5 MWh",
        (
            "park.yaml:10: assets[0] 'tie' import_max: the unit of '5 MWh' does not fit; "
            "allowed: W, kW, MW, GW, kWp, MWp"
        ),
    ),
    "no unit": (
        "import_max: 5 MW",
        "import_max: 5",
        "park.yaml:10: assets[0] 'tie' import_max: 5 has no unit; write it with one, such as 5 MW",
    ),
    "no number": (
        "import_max: 5 MW",
        "import_max: much",
        (
            "park.yaml:10: assets[0] 'tie' import_max: 'much' is not a number with a unit, "
            "such as 1 MW"
        ),
    ),
    "nothing written": (
        "import_max: 5 MW",
        "import_max:",
        (
            "park.yaml:10: assets[0] 'tie' import_max: nothing is written here; "
            "write a value or take the line out"
        ),
    ),
    "unknown field": (
        "import_max: 5 MW",
        "import_max: 5 MW, contrakt: 1 MW",
        "park.yaml:10: assets[0] 'tie': unknown field 'contrakt'. Did you mean 'contract'?",
    ),
    "missing field": (
        "import_max: 5 MW, ",
        "",
        "park.yaml:10: assets[0] 'tie': import_max is missing; add it",
    ),
    "no name": (
        "name: tie",
        "name: 7",
        "park.yaml:10: assets[0] name: 7 is not text; put it in quotes if it is meant as text",
    ),
    "a name with signs": (
        "name: tie",
        "name: the tie",
        (
            "park.yaml:10: assets[0] 'the tie' name: 'the tie' is not a name; allowed: letters, "
            "digits, - and _, beginning with a letter"
        ),
    ),
    "a field twice": (
        "node: bus",
        "node: bus, node: bus",
        "park.yaml:10: assets[0] 'tie' node: 'node' is written twice, first on line 10; leave one",
    ),
}


@pytest.mark.parametrize("case", TIE_AT_10)
def test_a_mistake_of_an_asset_is_a_sentence(case: str) -> None:
    good, bad, sentence = TIE_AT_10[case]
    assert good in GOOD
    assert sentences(GOOD.replace(good, bad, 1)) == [sentence]


IN_THE_FILE = {
    "a name twice": (
        GOOD + LOAD,
        (
            "park.yaml:12: assets[2] 'works' name: 'works' is the name of assets[1] too, "
            "on line 11; "
            "give each a name of its own"
        ),
    ),
    "a zone that does not exist": (
        GOOD.replace("Asia/Shanghai", "Asia/Shangai"),
        (
            "park.yaml:2: place zone: time zone 'Asia/Shangai' does not exist. Did you mean "
            "'Asia/Shanghai'? Allowed: an IANA name such as Asia/Shanghai"
        ),
    ),
    "a latitude beyond the pole": (
        GOOD.replace("36.6 deg", "96.6 deg"),
        "park.yaml:2: place latitude: 96.6 deg is too large; allowed: 90 deg or less",
    ),
    "a node nobody feeds": (
        GOOD.replace("assets:\n" + TIE, "assets:\n"),
        (
            "park.yaml:4: nodes[0] 'bus': works take electricity here and nothing feeds it; add an "
            "asset that can, such as grid_tie, pv"
        ),
    ),
    "a node nobody stands at": (
        GOOD.replace("tariffs:", "  - {name: warm, carrier: heat}\ntariffs:"),
        (
            "park.yaml:5: nodes[1] 'warm': nothing stands at this node; connect an asset "
            "or take the "
            "node out"
        ),
    ),
    "an unknown carrier": (
        GOOD.replace("tariffs:", "  - {name: warm, carrier: heet}\ntariffs:"),
        (
            "park.yaml:5: nodes[1] 'warm' carrier: unknown carrier 'heet'. Did you mean 'heat'? "
            "Allowed: compute, cooling, electricity, heat"
        ),
    ),
    "a tariff with a hole": (
        GOOD.replace("0-24", "0-20, 21-24"),
        (
            "park.yaml:8: tariffs[0] 'simple' energy[0] bands: the bands leave a hole at "
            "20:00-21:00; "
            "give these hours to a band"
        ),
    ),
    "a tariff with an overlap": (
        GOOD.replace("bands: [", "bands: [{name: peak, hours: [7-9], price: 1 CNY/kWh}, "),
        (
            "park.yaml:8: tariffs[0] 'simple' energy[0] bands: two bands overlap at 07:00-09:00; "
            "leave these hours to one band"
        ),
    ),
    "hours beyond the day": (
        GOOD.replace("0-24", "0-25"),
        (
            "park.yaml:8: tariffs[0] 'simple' energy[0] bands[0] 'all' hours[0]: '0-25' is "
            "not a span "
            "of hours, such as 17-23 or 6:30-8:15; allowed: 0 to 24, on quarter-hours"
        ),
    ),
    "seasons in disorder": (
        GOOD.replace(
            "assets:",
            "      - {from: 2025-01-01, bands: [{name: all, hours: [0-24], price: 0.4 CNY/kWh}]}\n"
            "assets:",
        ),
        (
            "park.yaml:7: tariffs[0] 'simple' energy: the season from 2025-01-01 stands "
            "after the one "
            "from 2026-01-01; write them in order"
        ),
    ),
    "export dearer than import": (
        GOOD.replace(
            "assets:",
            "    export:\n"
            "      - {from: 2026-01-01, bands: [{name: all, hours: [0-24], price: 0.5 CNY/kWh}]}\n"
            "assets:",
        ),
        (
            "park.yaml:9: tariffs[0] 'simple' export: export at 500 CNY/MWh is above import at "
            "400 CNY/MWh at 00:00-24:00 from 2026-01-01; who buys and sells at once would earn "
            "without end: export must not be above import"
        ),
    ),
    "a battery whose floor is above its ceiling": (
        GOOD + "  - {kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 2 MWh,\n"
        "     floor: 95 %, ceiling: 90 %}\n",
        (
            "park.yaml:13: assets[2] 'bat' floor: 0.95 is not below ceiling 0.9; allowed: "
            "floor < ceiling"
        ),
    ),
    "a profile that says nothing": (
        GOOD.replace("{constant: 1 MW}", "{}"),
        (
            "park.yaml:11: assets[1] 'works' profile: a profile says exactly one of: constant, "
            "weekday (with mean), series"
        ),
    ),
    "an unknown series": (
        GOOD.replace("{constant: 1 MW}", "{series: meter}"),
        "park.yaml:11: assets[1] 'works' profile series: the park has no series 'meter'; add it",
    ),
    "a source of no known status": (
        GOOD + 'sources: {place: "somewhere"}\n',
        (
            "park.yaml:12: sources place: 'somewhere' does not say how the number is known; write "
            "'status: where from', with a status of read, secondary, recalled, computed, assumption"
        ),
    ),
    "a source of nothing": (
        GOOD + 'sources: {plase: "read: a map"}\n',
        "park.yaml:12: sources plase: 'plase' names no field written here. Did you mean 'place'?",
    ),
    "no assets": (
        TOP + "assets: []\n",
        "park.yaml:9: assets: 0 given, at least 1 needed",
    ),
    "an unknown part": (
        GOOD + "asets: []\n",
        "park.yaml:12: unknown field 'asets'. Did you mean 'assets'?",
    ),
    "wrong YAML": (
        "name: tiny\nnodes: [\n",
        "park.yaml:3: this is not YAML: expected the node content, but found '<stream end>'",
    ),
    "an empty file": (
        "# nothing yet\n",
        "park.yaml:1: the file holds no fields; begin with name:, place:, nodes:, assets:",
    ),
    "a list for a file": (
        "- 1\n",
        "park.yaml:1: the file holds no fields; begin with name:, place:, nodes:, assets:",
    ),
    "text for an asset": (
        GOOD + "  - battery\n",
        "park.yaml:12: assets[2]: fields are needed here, such as {kind: load, name: office}",
    ),
    "a part that refers to itself": (
        GOOD + "parties: &all [*all]\n",
        "park.yaml:12: parties[0]: this refers to itself; write it out",
    ),
}


@pytest.mark.parametrize("case", IN_THE_FILE)
def test_a_mistake_of_the_file_is_a_sentence(case: str) -> None:
    text, sentence = IN_THE_FILE[case]
    assert sentences(text) == [sentence]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = GOOD.replace("36.6 deg", "36.6").replace("5 MW", "5 kg").replace("constant", "konstant")
    with pytest.raises(ParkError) as caught:
        parse_park(text, kinds())
    assert [(mistake.line, mistake.code) for mistake in caught.value.mistakes] == [
        (2, "unit_missing"),
        (10, "wrong_unit"),
        (11, "extra_forbidden"),
    ]


@pytest.mark.parametrize("case", [*TIE_AT_10, *IN_THE_FILE])
def test_each_mistake_is_told_in_chinese_too(case: str) -> None:
    if case in TIE_AT_10:
        good, bad, _ = TIE_AT_10[case]
        text = GOOD.replace(good, bad, 1)
    else:
        text = IN_THE_FILE[case][0]
    with pytest.raises(ParkError) as caught:
        parse_park(text, kinds())
    for mistake in caught.value.mistakes:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in mistake.text.zh)
        assert mistake.text.zh != mistake.text.en


def test_a_wrong_carrier_at_a_port_names_the_nodes_that_would_do() -> None:
    top = TOP.replace("tariffs:", "  - {name: warm, carrier: heat}\ntariffs:")
    boiler = "  - {kind: boiler, name: heater, node: warm, heat: warm, p_nom: 1 MW}\n"
    text = top + "assets:\n" + TIE + LOAD + boiler
    assert (
        "park.yaml:13: assets[2] 'heater' node: 'warm' carries heat, electricity is needed here; "
        "allowed: bus" in sentences(text)
    )


def test_a_file_that_is_not_there_names_the_park_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("name: x")
    with pytest.raises(ParkError) as caught:
        read_park(tmp_path / "park.yaml", kinds())
    assert str(caught.value) == (
        f"{tmp_path}/park.yaml: there is no such file; {tmp_path}: other.yaml"
    )


def test_a_file_that_is_not_utf8_says_so(tmp_path: Path) -> None:
    (tmp_path / "park.yaml").write_bytes("name: 园区".encode("gb18030"))
    with pytest.raises(ParkError) as caught:
        read_park(tmp_path / "park.yaml", kinds())
    assert [m.code for m in caught.value.mistakes] == ["file_encoding"]


def test_a_series_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text("")
    (tmp_path / "park.yaml").write_text(
        GOOD + "series:\n  - {name: meter, of: load, file: laod.csv}\n"
    )
    with pytest.raises(ParkError) as caught:
        read_park(tmp_path / "park.yaml", kinds())
    assert str(caught.value) == (
        "park.yaml:13: series[0] 'meter' file: there is no file 'laod.csv' beside the park file. "
        "Did you mean 'load.csv'?"
    )


def test_yaml_has_no_surprises() -> None:
    """`no` stays text, 7-9 and 6:30-8:15 stay hours, 1e3 is a number, and 017 is no octal."""
    park = park_of(
        TIE + LOAD.replace("node:", "label: no, node:").replace("1 MW}", "1e3 kW}"),
        TOP.replace("[0-24]", "[6:30-8:15, 8:15-6:30]"),
    )
    assert park.assets[1].shown.en == "no"
    assert park.assets[1].profile.constant == 1.0  # type: ignore[attr-defined] # a load has one


def test_parts_can_be_shared_by_anchors() -> None:
    first = "  - {kind: load, name: yard, node: bus, profile: &usual {constant: 2 kW}}\n"
    second = "  - {kind: load, name: gate, node: bus, profile: *usual}\n"
    yard, gate = park_of(TIE + first + second).assets_of("load")
    assert yard.profile == gate.profile  # type: ignore[attr-defined] # loads have one


def test_the_nearest_source_that_names_a_number_wins() -> None:
    text = GOOD.replace(
        "import_max: 5 MW", 'import_max: 5 MW, sources: {import_max: "read: plate"}'
    )
    park = parse_park(text + 'sources: {"*": "assumption: made up", place: "read: map"}\n', kinds())
    by_place = {number.where: number for number in park.numbers}
    assert by_place["place latitude"].source == Source("read", "map")
    assert by_place["assets[0] 'tie' import_max"].source == Source("read", "plate")
    assert by_place["assets[1] 'works' profile constant"].source == Source("assumption", "made up")
    default = by_place["assets[1] 'works' price_unserved"]
    assert default.source == Source("assumption", "default of kind load")
    assert default.unit == "CNY/MWh"
    assert by_place["assets[0] 'tie' import_max"] not in park.assumptions()
    assert default in park.assumptions()


def test_a_number_without_a_source_is_listed_as_one() -> None:
    park = parse_park(GOOD, kinds())
    silent = [number.where for number in park.numbers if number.source is None]
    assert "assets[0] 'tie' import_max" in silent
    assert "tariffs[0] 'simple' energy[0] bands[0] 'all' price" in silent
