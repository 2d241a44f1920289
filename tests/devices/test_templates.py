from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from tests.devices.served import LOOPBACK, pair, run
from zeropark.devices.catalogue import (
    DeviceError,
    beside_list,
    protocol,
    read_template,
    register_list,
    template_files,
)
from zeropark.devices.discover import FoundDevice, discover
from zeropark.devices.standard import standard_template
from zeropark.devices.template import Template
from zeropark.model.asset import Point
from zeropark.model.mistakes import ParkError
from zeropark.units.text import Text

NAMES = sorted(template_files())
GOOD = """
brand: Works
model: M1
title: {en: Meter, zh: 电表}
protocol: modbus
source: by hand
watchdog: none
tested_by: {en: Look., zh: 看。}
points:
  - {name: p, means: {en: power, zh: 功率}, address: holding 10, type: int16, unit: kW}
  - {name: soc, means: {en: charge, zh: 荷电}, address: holding 11, type: uint16, unit: "%"}
"""
LIST = """point,address,type,raw,power,value,unit,words,page
p,holding 10,int16,-5,,-5,kW,Active power,12
soc,holding 11,uint16,40,,40,%,State of charge,12
"""


def own(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, listed: str = "") -> Template:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    if listed:
        (folder / "mine.csv").write_text(listed, encoding="utf-8")
    monkeypatch.setenv("ZEROPARK_DEVICES", str(folder))
    return read_template("mine")


@pytest.mark.parametrize("name", NAMES)
def test_every_template_is_as_its_register_list_says(name: str) -> None:
    template = read_template(name)
    assert template.confirmed == bool(register_list(template_files()[name]))
    assert not list(protocol(template.protocol).wrong_points(template))


@pytest.mark.parametrize("name", NAMES)
def test_swapping_any_two_addresses_of_a_template_is_found(name: str) -> None:
    template = read_template(name)
    rows = register_list(template_files()[name])
    swapped = 0
    for i, j in combinations(range(len(template.points)), 2):
        points = list(template.points)
        first, second = points[i], points[j]
        points[i] = first.model_copy(update={"address": second.address})
        points[j] = second.model_copy(update={"address": first.address})
        wrong = template.model_copy(update={"points": tuple(points)})
        found = {place for place, _ in beside_list(wrong, rows, "list")}
        assert {f"points.{i}.address", f"points.{j}.address"} <= found
        swapped += 1
    assert swapped


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_a_register_list_is_read_off_the_wire_as_it_says(name: str) -> None:
    template = read_template(name)
    rows = {row.point: row for row in register_list(template_files()[name])}

    async def live() -> None:
        async with pair(template) as (driver, device, _, host):
            for point in template.points:
                row = rows[point.name]
                device.put_raw(point.name, row.raw, row.power)
            await host.say()
            readout = await driver.read()
            for point in template.points:
                whole = rows[point.of].value if point.of else 1.0
                inside = template.by_name[point.of].factor if point.of else 1.0
                wanted = rows[point.name].value * point.factor * whole * inside
                reading = readout.reading(point.name)
                assert reading.value == pytest.approx(wanted, rel=1e-12), point.name

    run(live())


def test_a_template_without_a_list_is_unconfirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not own(tmp_path, monkeypatch, GOOD).confirmed


def test_a_template_with_a_list_is_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own(tmp_path, monkeypatch, GOOD, LIST).confirmed


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            ("holding 10", "holding 11"),
            (
                "mine.yaml:10: points[0] 'p' address: p lies at holding 11 (int16), the register "
                "list mine.csv says holding 10 (int16) (12)"
            ),
        ),
        (
            ("unit: kW", "scale: 0.1, unit: kW"),
            (
                "mine.yaml:10: points[0] 'p' address: p: raw -5 becomes -0.5 kW by this template, "
                "the register list mine.csv says -5 kW (12); check scale, sign and unit"
            ),
        ),
        (
            ("unit: kW", "sign: -1, unit: kW"),
            (
                "mine.yaml:10: points[0] 'p' address: p: raw -5 becomes 5 kW by this template, "
                "the register list mine.csv says -5 kW (12); check scale, sign and unit"
            ),
        ),
        (
            ("holding 10", "holding 65536"),
            (
                "mine.yaml:10: points[0] 'p' address: 'holding 65536' is no address; allowed: "
                "holding or input and a register from 0 to 65535, such as holding 40083"
            ),
        ),
        (
            ("int16, unit: kW", "int61, unit: kW"),
            "mine.yaml:10: points[0] 'p' type: type 'int61' is not known. Did you mean 'int64'?",
        ),
        (
            ("unit: kW", "unit: kQ"),
            "mine.yaml:10: points[0] 'p' unit: unit 'kQ' is not known",
        ),
        (
            ("name: soc", "name: p"),
            "mine.yaml:11: points[1] 'p' name: point 'p' is there twice; leave one",
        ),
        (
            ("unit: kW", "unit: kW, write: true"),
            (
                "mine.yaml:10: points[0] 'p' safe: a point that is written needs a safe value or a "
                "standing_range; say one"
            ),
        ),
        (
            ("unit: kW", "unit: kW, write: true, limits: [-9, 9], safe: 9.1"),
            "mine.yaml:10: points[0] 'p' safe: 9.1 lies outside limits -9.0 to 9.0",
        ),
        (
            ("protocol: modbus", "protocol: modbuss"),
            "mine.yaml:5: protocol: unknown protocol 'modbuss'. Did you mean 'modbus'? Known: ",
        ),
        (
            ("watchdog: none", "watchdog: {point: beat, seconds: 60}"),
            "mine.yaml:7: watchdog point: 'beat' is no point of this template; allowed: p, soc",
        ),
    ],
)
def test_a_wrong_template_is_a_sentence_with_its_place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: tuple[str, str],
    sentence: str,
) -> None:
    with pytest.raises(ParkError) as caught:
        own(tmp_path, monkeypatch, GOOD.replace(*change), LIST)
    said = [mistake.sentence() for mistake in caught.value.mistakes]
    assert any(each.startswith(sentence) for each in said), said
    assert all(mistake.text.zh for mistake in caught.value.mistakes)


def test_an_unknown_template_is_named_with_its_nearest() -> None:
    with pytest.raises(DeviceError, match="Did you mean 'sunspec-battery'"):
        read_template("sunspec-batery")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("103/W", "103/Wx"), "model 103 has no point 'Wx'"),
        (("103/W,", "99/W,"), "SunSpec has no model 99"),
        (("103/W,", "W,"), "'W' is no SunSpec point; write model and point, such as 103/W"),
        (("unit: W}", "unit: Wh}"), "SunSpec says 103/W is in W, the template says Wh"),
        (
            ("123/WMaxLimPct\n", "120/WRtg\n"),
            "SunSpec lets nobody write 120/WRtg",
        ),
    ],
)
def test_a_sunspec_template_is_held_to_the_published_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], sentence: str
) -> None:
    text = template_files()["sunspec-inverter"].read_text(encoding="utf-8")
    assert change[0] in text
    with pytest.raises(ParkError, match=sentence):
        own(tmp_path, monkeypatch, text.replace(*change))


def test_the_standard_layout_numbers_points_in_their_order() -> None:
    points = [
        Point("p", "MW", Text("power", "功率"), writable=True),
        Point("soc", "1", Text("charge", "荷电")),
    ]
    template = standard_template("battery", points)
    assert [(p.name, p.address, p.set_address) for p in template.points] == [
        ("alive", "holding 0", None),
        ("heartbeat", "holding 1", None),
        ("p", "holding 2", "holding 1000"),
        ("soc", "holding 4", None),
    ]
    assert not list(protocol("modbus").wrong_points(template))
    assert template.heartbeat(32769) == {"heartbeat": 1.0}


def test_a_sunspec_device_says_what_it_is_and_which_templates_fit() -> None:
    async def live() -> FoundDevice:
        async with pair(read_template("sunspec-battery")) as (_, _, _, host):
            return await discover("sunspec", LOOPBACK, host.port, 1, 2.0)

    found = run(live())
    assert (found.maker, found.models) == ("zeropark", (1, 701, 702, 704, 802))
    assert found.templates == ("sunspec-battery",)
