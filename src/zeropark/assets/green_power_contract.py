"""A green power contract: so many green MWh at a price, matched with use in each interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import Account, Floats, Kind, per_step
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import Point
from zeropark.model.series import Profile
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Duration, EnergyPrice, Ratio

# How what the seller delivers hangs together over an hour [1] (assumption: as wind does).
_CORRELATION = 0.8
_CONTRADICTION = Text(
    "the ratios contradict: least {least}, expected 1, most {most}; allowed: least ≤ 1 ≤ most",
    "比例矛盾：least {least}、预期 1、most {most}；可用：least ≤ 1 ≤ most",
)
_NO_SERIES = Text(
    "the shape of a contract is constant or weekday; write one of them",
    "合同曲线只能写 constant 或 weekday；写其一",
)


class GreenPowerContract(Kind):
    """A contract for green electricity through the public grid, beside the tie's own tariff.

    cost = price · delivered, delivered[t] = shape[t] · h, taken and paid whatever is used. Its
    power comes through the tie, which counts it, its demand and its energy price; `price` is what
    the green attribute costs on top. Of what is delivered in each `matching` interval as much as
    was imported in the same interval counts as clean (`clean_share_contract` of a run); the rest is
    paid for nothing. The interval is counted from the run's start. In the plant the seller delivers
    between `least` and `most` of the shape, and a plan expects the shape. Form: the contract with a
    curve of China's green power trade (《电力中长期交易基本规则—绿色电力交易专章》, 2024,
    recalled).
    """

    kind: ClassVar[str] = "green_power_contract"
    title: ClassVar[Text] = Text("Green power contract", "绿电合同")
    role: ClassVar[str] = "trade"
    points: ClassVar[tuple[Point, ...]] = (
        Point("delivered", "MW", Text("green power delivered", "交付绿电功率")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
      - {kind: green_power_contract, name: green, shape: {constant: 0.5 MW}, price: 5 CNY/MWh}
    """

    shape: Annotated[Profile, Field(title="合同曲线", description="how much is delivered, by time")]
    price: Annotated[
        EnergyPrice, Field(ge=0, title="绿电溢价", description="price of the green attribute")
    ]
    matching: Annotated[
        Duration,
        Field(
            gt=0, le=8784, title="匹配周期", description="over which delivery and use are matched"
        ),
    ] = 1.0
    least: Annotated[
        Ratio, Field(ge=0, title="交付下限", description="least that is delivered, of the shape")
    ] = 0.9
    most: Annotated[
        Ratio, Field(ge=0, title="交付上限", description="most that is delivered, of the shape")
    ] = 1.1

    @model_validator(mode="after")
    def _can_be_kept(self) -> GreenPowerContract:
        if not self.least <= 1.0 <= self.most:
            raise refusal(
                "contract_ratios",
                _CONTRADICTION,
                field="least",
                least=f"{self.least:g}",
                most=f"{self.most:g}",
            )
        if self.shape.series is not None:
            raise refusal("contract_series", _NO_SERIES, field="shape.series")
        return self

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Pay for what is delivered; that it is given is a bound, not a row."""
        due = m.signal("delivered") * m.hours
        delivered = m.flow("delivered", lower=due, upper=due)
        m.cost("energy", delivered * m["price"])
        return ()

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return what is delivered [MW]: as it was where that is known, else the shape."""
        told = outlook.series.get(f"{self.name}/delivered")
        if told is None:
            usual = self.least if outlook.best_case else 1.0
            told = self.shape.on_grid(outlook.grid) * usual
        return {"delivered": told[None, :]}

    def chance(self, outlook: Outlook, random: np.random.Generator) -> dict[str, Floats]:
        """Return what the seller truly delivers [MW], within the contract's ratios."""
        keep = _CORRELATION**outlook.grid.hours
        shocks = random.standard_normal(len(outlook.grid)) * np.sqrt(1.0 - keep**2)
        level, wander = 0.0, np.empty(len(shocks))
        for i, (stay, shock) in enumerate(zip(keep.tolist(), shocks.tolist(), strict=True)):
            level = level * stay + shock
            wander[i] = level
        # One standard deviation goes half way to either ratio.
        side = np.where(wander < 0.0, 1.0 - self.least, self.most - 1.0)
        given = np.clip(1.0 + 0.5 * wander * side, self.least, self.most)
        return {"delivered": self.shape.on_grid(outlook.grid) * given}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return what is delivered [MW] as planned."""
        return {"delivered": amounts["delivered"][0] / hours}

    def device(self, truth: Outlook, random: np.random.Generator) -> ContractDevice:
        """Return the seller as it truly delivers."""
        told = truth.series.get(f"{self.name}/delivered")
        if told is None:
            told = self.chance(truth, random)["delivered"]
        return ContractDevice(per_step(told), self.price)


class ContractDevice:
    """The simulated seller; it moves no power."""

    def __init__(self, given: Sequence[float], price: float) -> None:
        self._given = given
        self._price = price
        self.delivered = 0.0
        self.costs = {"energy": 0.0}

    def read(self) -> dict[str, Any]:
        """Return what is delivered [MW]."""
        return {"delivered": self.delivered}

    def account(self) -> Account:
        """Return nothing: no power flows here."""
        return Account()

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Deliver the step's green power, which is paid."""
        del setpoints, ports
        self.delivered = self._given[index]
        self.costs["energy"] += self.delivered * hours * self._price
        return {}
