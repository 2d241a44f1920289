"""A kind is added by one file in a folder; nothing else is edited."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.assets.yard import day, outlook_of, parse, program_of
from zeropark.assets import kinds
from zeropark.formulation.plan import Plan
from zeropark.formulation.solver import Solver
from zeropark.model.park import Park
from zeropark.model.parkfile import read_park
from zeropark.operate.plant import Plant

FLARE = '''
"""A resistor that burns up to its rating, and is paid for it."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from zeropark.assets.kind import Account, Kind, PlannedStep
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import ElectricityUse, Point
from zeropark.units.text import Text
from zeropark.units.types import EnergyPrice, Power


class Resistor(Kind):
    """burn[t] <= p_nom * h, never less than it burned a step before; earnings = fee * burn."""

    kind: ClassVar[str] = "resistor"
    title: ClassVar[Text] = Text("Resistor", "电阻")
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power", "功率"), writable=True),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: simple}
      - {kind: resistor, name: coil, node: bus, p_nom: 2 MW, fee: 300 CNY/MWh}
    """

    node: Annotated[ElectricityUse, Field(description="node", title="节点")]
    p_nom: Annotated[Power, Field(gt=0, description="rated power", title="额定功率")]
    fee: Annotated[EnergyPrice, Field(description="paid for burning", title="报酬")]

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        burn = m.flow("burn", upper=m["p_nom"] * m.hours, means="rating")
        yield "only_more", burn >= burn.before
        m.into("node", -burn)
        m.cost("energy", burn * (-1.0 * m["fee"]))

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        return {"p": float(step.columns["burn"][0]) / step.hours}

    def device(self, truth: Outlook, random: np.random.Generator) -> "Coil":
        return Coil(self)


class Coil:
    def __init__(self, resistor: Resistor) -> None:
        self._resistor = resistor
        self.p = 0.0
        self.burned = 0.0
        self.costs = {"energy": 0.0}

    def read(self) -> dict[str, Any]:
        return {"p": self.p}

    def account(self) -> Account:
        return Account(lost=self.burned)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        self.p = max(self.p, setpoints.get("p", 0.0))
        self.burned += self.p * hours
        self.costs["energy"] -= self.p * hours * self._resistor.fee
        return {"node": -self.p}
'''
PARK = """
name: one
place: {latitude: 36.6 deg, longitude: 101.8 deg, altitude: 2260 m, zone: Asia/Shanghai}
nodes: [{name: bus, carrier: electricity}]
tariffs:
  - name: simple
    energy: [{from: 2020-01-01, bands: [{name: all, hours: [0-24], price: 400 CNY/MWh}]}]
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, tariff: simple}
  - {kind: resistor, name: coil, node: bus, p_nom: 2 MW, fee: 500 CNY/MWh}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "resistor.py").write_text(FLARE, encoding="utf-8")
    return tmp_path


def test_a_kind_from_a_folder_is_found_beside_the_own_ones(folder: Path) -> None:
    assert set(kinds(folder)) == {*kinds(), "resistor"}


def test_a_kind_from_a_folder_is_planned_and_lives_in_the_plant(folder: Path) -> None:
    assets = parse(kinds(folder)["resistor"].example, kinds(folder))
    outlook = outlook_of(day(4, 60, "2026-04-17T00:00:00"))  # 8 to 12 local: 600, then 200 CNY/MWh
    program = program_of(assets, outlook)
    plan = Plan.read(program, Solver(program).solve(), 0)
    # Burning earns 100 CNY/MWh from the second step on; in the first it would lose 300.
    assert plan.amounts("resistor", "burn")[0].tolist() == pytest.approx([0.0, 2.0, 2.0, 2.0])
    plant = Plant(assets, outlook, {"bus": False}, seed=1)
    for index in range(4):
        plant.write({"coil": {"p": float(plan.amounts("resistor", "burn")[0, index])}})
        plant.step(index)
        assert plant.residual == 0.0
    assert plant.devices["coil"].costs["energy"] == pytest.approx(-3 * 2.0 * 300.0)
    assert plant.devices["tie"].account().drawn == pytest.approx(6.0)


def test_a_park_file_may_name_a_kind_from_a_folder(folder: Path) -> None:
    path = folder / "park.yaml"
    path.write_text(PARK, encoding="utf-8")
    park: Park = read_park(path, kinds(folder))
    assert [asset.kind for asset in park.assets] == ["grid_tie", "resistor"]


def test_a_folders_kind_comes_before_the_products_own(folder: Path) -> None:
    own = FLARE.replace('"resistor"', '"load"')
    (folder / "resistor.py").write_text(own, encoding="utf-8")
    assert kinds(folder)["load"].title.en == "Resistor"
    assert np.isfinite(kinds(folder)["load"].order)
