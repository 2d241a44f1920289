"""Every kind is booted: its example solves, its rules are pinned, its physics loses nothing."""

from __future__ import annotations

import os
import re
import typing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tests.assets.yard import day, devices_of, outlook_of, parse, program_of, with_arrivals
from zeropark.assets import kinds
from zeropark.assets.kind import Account, Device, Kind
from zeropark.data.outlook import Outlook
from zeropark.formulation.lp_text import lp_text
from zeropark.formulation.plan import Plan
from zeropark.formulation.solver import Solver
from zeropark.model.asset import Asset
from zeropark.units.quantity import Unit, parse_unit

GOLDEN = Path(__file__).parents[1] / "golden"
KINDS = sorted(kinds())
CARRIERS = {
    "electricity": 1.0,
    "heat": 1.0,
    "cooling": -1.0,
    "compute": 0.0,
    "material": 0.0,
    "hydrogen": 1.0,
}
HAN = re.compile(r"[\u4e00-\u9fff]")
NOON = "2026-04-17T04:00:00"


def _example(kind: str, *, best: bool = False) -> tuple[list[Kind], Outlook]:
    assets = parse(kinds()[kind].example)
    outlook = with_arrivals(outlook_of(day()), assets)
    return assets, outlook.at_its_best() if best else outlook


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_shows_the_kind(kind: str) -> None:
    assert kind in {asset.kind for asset in parse(kinds()[kind].example)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_is_planned_and_nothing_gives_way(kind: str) -> None:
    assets, outlook = _example(kind)
    program = program_of(assets, outlook)
    solution = Solver(program).solve()
    assert Plan.read(program, solution, 0).gave_way == []


# -- golden files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_rules_are_those_of_the_golden_file(kind: str) -> None:
    """Written anew with ZEROPARK_GOLDEN=write; read what changed before it is committed."""
    assets = parse(kinds()[kind].example)
    outlook = with_arrivals(outlook_of(day(3, 60, NOON)), assets)
    text = lp_text(program_of(assets, outlook))
    path = GOLDEN / f"{kind}.lp"
    if os.environ.get("ZEROPARK_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{kind} has no golden file; write it with ZEROPARK_GOLDEN=write"
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_each_rule_of_the_kind_stands_in_its_golden_file(kind: str) -> None:
    assets, outlook = _example(kind)
    program = program_of(assets, outlook)
    names = {name for a in assets if a.kind == kind for name in program.blocks[kind].names}
    text = (GOLDEN / f"{kind}.lp").read_text(encoding="utf-8")
    for rows in program.rows:
        if rows.name.startswith(f"{kind}-"):
            rule = rows.name.removeprefix(f"{kind}-")
            assert any(f"\n  {name}-{rule}" in text for name in names), f"{rule} has no golden row"


def test_no_golden_file_is_without_its_kind() -> None:
    assert {path.stem for path in GOLDEN.glob("*.lp")} == set(KINDS)


# -- units and words ------------------------------------------------------------------------------


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields of a model and of the models in them, but not those every asset has."""
    for name, field in model.model_fields.items():
        if issubclass(model, Asset) and name in Asset.model_fields:
            continue
        yield f"{model.__name__}.{name}", field
        for part in _parts(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _fields(part)


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in typing.get_args(annotation):
        yield from _parts(part)


def _is_number(field: FieldInfo) -> bool:
    return float in set(_parts(field.annotation))


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_the_nameplate_has_a_unit(kind: str) -> None:
    for name, field in _fields(kinds()[kind]):
        if _is_number(field):
            marks = [*field.metadata, *_parts(field.annotation)]
            units = [mark for mark in marks if isinstance(mark, Unit)]
            assert units, f"{name} is a number without a unit"
            parse_unit(units[0].symbol)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_named_in_both_languages(kind: str) -> None:
    for name, field in _fields(kinds()[kind]):
        if name.startswith("Profile.") or name.endswith((".name", ".label")):
            continue  # what a profile, a name and a label are is said once, by the park file
        assert field.description, f"{name} has no description"
        assert field.title, f"{name} has no title"
        assert HAN.search(field.title), f"{name}: {field.title} is not Chinese"


@pytest.mark.parametrize("kind", KINDS)
def test_points_have_units_and_words_in_both_languages(kind: str) -> None:
    points = kinds()[kind].points
    assert len({point.name for point in points}) == len(points)
    for point in points:
        if point.unit == "code":
            assert point.codes, f"{point.name} is a code without words"
        else:
            parse_unit(point.unit)
        assert point.means.en
        assert HAN.search(point.means.zh), f"{point.name}: {point.means.zh} is not Chinese"


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_is_titled_explained_and_named_like_its_file(kind: str) -> None:
    found = kinds()[kind]
    assert found.__module__.endswith(f".{kind}")
    assert found.title.en
    assert HAN.search(found.title.zh)
    assert found.__doc__ is not None
    assert len(found.__doc__.splitlines()) > 1, "the equations and their source are missing"


@pytest.mark.parametrize("kind", KINDS)
def test_readings_are_points_and_written_points_are_writable(kind: str) -> None:
    assets, outlook = _example(kind)
    for asset in assets:
        if asset.kind == kind:
            shown = {point.name for point in asset.shown_points()}
            device = asset.device(outlook, np.random.default_rng(1))
            assert {p.name for p in kinds()[kind].points if not p.writable} <= {
                *device.read(),
                *shown,
            }


# -- physics --------------------------------------------------------------------------------------


def _live(
    assets: list[Kind], outlook: Outlook, kind: str, seed: int
) -> Iterator[tuple[Kind, Device, dict[str, float], float, Account]]:
    """Yield each step of each device of `kind` under random set-points, with its account before."""
    random = np.random.default_rng(seed)
    for name, device in devices_of(assets, outlook, seed).items():
        asset = next(a for a in assets if a.name == name)
        if asset.kind != kind:
            continue
        writable = [point.name for point in kinds()[kind].points if point.writable]
        for index, hours in enumerate(outlook.grid.hours.tolist()):
            setpoints = {
                point: float(random.uniform(-1.5, 1.5))
                for point in writable
                if random.random() < 0.7
            }
            ports = {port: float(random.uniform(-1.5, 1.5)) for port in asset.ports()}
            before = device.account()
            flows = dict(device.step(index, hours, setpoints, ports))
            for port in flows:
                adjust = getattr(device, "adjust", None)
                if adjust is not None and random.random() < 0.5:
                    done = adjust(port, float(random.uniform(-1.0, 1.0)), hours)
                    flows[port] += done
                    flows = dict(getattr(device, "flows", flows))
            yield asset, device, flows, hours, before


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_physics_makes_and_loses_no_energy(kind: str, seed: int) -> None:
    """In each step: flows into nodes = drawn - lost - what is held more than before."""
    assets, outlook = _example(kind)
    for asset, device, flows, hours, before in _live(assets, outlook, kind, seed):
        after = device.account()
        ports = asset.ports()
        into = sum(CARRIERS[ports[port].carrier] * flow * hours for port, flow in flows.items())
        rest = (after.drawn - before.drawn) - (after.lost - before.lost)
        assert into == pytest.approx(rest - (after.held - before.held), abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_lost_stays_lost(kind: str) -> None:
    assets, outlook = _example(kind)
    for _, device, _, _, before in _live(assets, outlook, kind, 7):
        assert device.account().lost >= before.lost - 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_costs_are_known_parts(kind: str) -> None:
    assets, outlook = _example(kind)
    parts = {"energy", "demand", "wear", "unserved"}
    program = program_of(assets, outlook)
    assert {part for part, _ in program.cost_parts} <= {*parts, "reserve", "ends", "spill", "clean"}
    for device in devices_of(assets, outlook).values():
        assert set(device.costs) <= parts
