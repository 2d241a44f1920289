"""Direct green supply: shares of a year that own generation, its use and its export must keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from zeropark.assets.kind import Account, Floats, Horizon, Kind, Readings
from zeropark.data.outlook import Outlook
from zeropark.data.published import fact
from zeropark.formulation.block import Block, Limit, Rank
from zeropark.formulation.carried import Supply
from zeropark.formulation.linear import Linear, Rule
from zeropark.formulation.program import Inputs
from zeropark.formulation.value import Value
from zeropark.model.asset import Asset, Wrong
from zeropark.model.warmth import Warmth
from zeropark.units.text import Text
from zeropark.units.types import Energy

# A need as low as this asks nothing [MWh].
_NOTHING_ASKED = -1e9
HOURS_OF_A_YEAR = 8760.0
_SECOND = Text(
    "'{other}' is a contract of direct supply too; a park has one: take one of them out",
    "“{other}”也是绿电直连合同；一个园区只能有一份：删去其一",
)


class DirectSupply(Kind):
    """The yearly ratios of direct green supply, as limits of rank contract in every plan.

    own + short ≥ self_use · available, own + short ≥ load_share · (own + bought), sent - over ≤
    export · available, each over the whole year: the steps ahead by their columns, the time before
    as lived, and the rest as a planned year has it, or as the park file tells of a typical one. own
    is what loads use of own clean generation: what lines, transformers and stores lose is not in
    it, nor what is still stored. Ratios: facts `direct_self_use_min`, `direct_load_share_min` and
    `direct_export_max` (NDRC and NEA notice 2025 no. 650). With no word of the year the limits bind
    nobody, as a day alone says nothing of it; nor do they with foresight, so that it stays a bound.
    """

    kind: ClassVar[str] = "direct_supply"
    title: ClassVar[Text] = Text("Direct green supply", "绿电直连")
    role: ClassVar[str] = "contract"
    limits: ClassVar[Mapping[str, Limit]] = {
        "self_use": Limit(Text("self-use of the year's own generation", "全年自用占发电比例")),
        "load_share": Limit(Text("own share of the year's load", "全年自用占用电比例")),
        "export": Limit(Text("export of the year's own generation", "全年上网电量比例")),
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, export_max: 2 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
      - {kind: pv, name: roof, node: bus, p_nom: 2 MW, arrays: [{tilt: 30 deg}]}
      - {kind: direct_supply, name: direct, available: 4000 MWh, own: 3000 MWh, bought: 5700 MWh,
         sent: 400 MWh}
    """

    available: Annotated[
        Annotated[Energy, Field(gt=0)] | None,
        Field(title="全年可用发电", description="a typical year's available own generation"),
    ] = None
    own: Annotated[
        Energy, Field(ge=0, title="全年自用", description="what loads use of it in such a year")
    ] = 0.0
    bought: Annotated[
        Energy, Field(ge=0, title="全年购电", description="import in such a year")
    ] = 0.0
    sent: Annotated[Energy, Field(ge=0, title="全年上网", description="export in such a year")] = (
        0.0
    )

    @classmethod
    def beside(cls, assets: Sequence[Asset], warmths: Mapping[str, Warmth]) -> Iterable[Wrong]:
        """Yield each contract of direct supply after the first."""
        del warmths
        first, *others = [asset for asset in assets if isinstance(asset, DirectSupply)]
        for asset in others:
            yield Wrong(asset.name, "name", "direct_twice", _SECOND.format(other=first.name))

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Ask for the sums of the steps ahead, and say the ratios of them and the year's rest."""
        if m.exact:
            return
        own = m.once("own", lower=-np.inf)
        bought, sent = m.once("bought"), m.once("sent")
        short = m.slack("self_use", Rank.CONTRACT).total()
        less = m.slack("load_share", Rank.CONTRACT).total()
        over = m.slack("export", Rank.CONTRACT).total()
        share = m.figure("share")
        yield "self_use", own + short >= m.figure("need_own")
        yield "load_share", own * (1.0 - share) - bought * share + less >= m.figure("need_share")
        yield "export", sent - over <= m.figure("most_sent")

    @staticmethod
    def over(m: Block, blocks: Mapping[str, Block]) -> Iterable[tuple[str, Rule]]:
        """Yield what the sums are."""
        if m.exact:
            return
        parts = supply_of(blocks)
        for name in ("own", "bought", "sent"):
            total = Linear([])
            for part in parts[name]:
                total = total + part
            yield name, m.column(name) == total

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return what the steps ahead have to come to, so that the year keeps its ratios."""
        del readings
        rest, ahead = self._rest(horizon), horizon.available
        if rest is None:
            asked = (_NOTHING_ASKED, _NOTHING_ASKED, np.inf)
            share = 0.0
        else:
            ratios = ratios_at(horizon.grid.local()[0])
            share = ratios["load_share"]
            whole = rest.available + ahead
            asked = (
                ratios["self_use"] * whole - rest.own,
                share * rest.bought - (1.0 - share) * rest.own,
                ratios["export"] * whole - rest.sent,
            )
        names = ("need_own", "need_share", "most_sent")
        figures = dict(zip(names, asked, strict=True)) | {"share": share}
        return Inputs(figures={name: np.array([number]) for name, number in figures.items()})

    def _rest(self, horizon: Horizon) -> Supply | None:
        """Return the year's supply outside the steps ahead; None where nobody told of a year."""
        if horizon.carried.rest is not None:
            return horizon.carried.rest
        if self.available is None:
            return None
        lived, hours = (
            horizon.carried.lived,
            horizon.carried.hours + float(horizon.grid.hours.sum()),
        )
        typical = Supply(self.own, self.bought, self.sent, self.available)
        return lived + typical.times(max(0.0, 1.0 - hours / HOURS_OF_A_YEAR))

    def device(self, truth: Outlook, random: np.random.Generator) -> DirectDevice:
        """Return the contract; it moves no power."""
        del truth, random
        return DirectDevice()


class DirectDevice:
    """The contract in the plant: it moves no power and costs nothing."""

    def __init__(self) -> None:
        self.costs: dict[str, float] = {}

    def read(self) -> dict[str, Any]:
        """Return nothing: what it asks is of a year."""
        return {}

    def account(self) -> Account:
        """Return nothing: no power flows here."""
        return Account()

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Do nothing."""
        del index, hours, setpoints, ports
        return {}


def ratios_at(day: np.datetime64) -> dict[str, float]:
    """Return the ratios that the rule asks of a year at a local time [1], by limit."""
    at = dt.date.fromisoformat(str(day.astype("datetime64[D]")))
    names = {
        "self_use": "direct_self_use_min",
        "load_share": "direct_load_share_min",
        "export": "direct_export_max",
    }
    return {name: fact(each, at).in_unit("1") for name, each in names.items()}


def supply_of(blocks: Mapping[str, Block]) -> dict[str, list[Linear]]:
    """Return what own use, import and export come to [MWh], by `Supply`'s names, to be added up.

    Own use is what clean sources and stores give, less what the way and the grid take.
    """
    found: dict[str, list[Linear]] = {"own": [], "bought": [], "sent": []}
    for block in blocks.values():
        first = block.assets[0]
        assert isinstance(first, Kind), "blocks are of kinds"
        if first.role == "grid":
            found["bought"].append(block.column("import").of_all())
            found["sent"].append(block.column("export").of_all())
            found["own"].append(-block.column("export").of_all())
        elif _gives_own(first):
            electric = _electric_ports(first)
            states = [column.columns for column in block.columns if column.state]
            for into in block.intos:
                terms = into.expression.terms
                # A base hands on all that it takes: the two sides of it are one state.
                passed = any(term.columns is state for term in terms for state in states)
                if into.port in electric and not passed:
                    found["own"].append(_for_good(into.expression, block, into.port))
    return found


def _for_good(expression: Linear, block: Block, port: str) -> Linear:
    """Return what flows into nodes at a port, with what is fixed of it as one sum [MWh]."""
    there = block.connected(port)
    moved = Linear(expression.only(there).terms).of_all()
    fixed = expression.constant
    if not isinstance(fixed, Value):
        return moved
    slots = (len(block), block.layout.slots)

    def total(array: Floats, ahead: Floats) -> Floats:
        return np.array([[float((np.broadcast_to(array, slots)[there] * ahead).sum())]])

    return Linear(moved.terms, Value(total, fixed, block.open))


def lived(assets: Sequence[Kind], readings: Mapping[str, Readings], hours: float) -> Supply:
    """Return the supply of a step of `hours` [h] from what the meters show at its end."""
    own = bought = sent = available = 0.0
    for asset in assets:
        shown = readings[asset.name]
        if asset.role == "grid":
            bought += float(shown["import"])
            sent += float(shown["export"])
        elif _gives_own(asset):
            own += float(shown.get("p", 0.0)) if asset.role != "carry" else 0.0
            own -= float(shown.get("loss", 0.0)) if asset.role == "carry" else 0.0
            if asset.role == "source":
                available += max(float(shown.get("available", 0.0)), float(shown["p"]))
    return Supply(own - sent, bought, sent, available).times(hours)


def _gives_own(asset: Kind) -> bool:
    there = asset.role in {"source", "store", "carry"} and bool(_electric_ports(asset))
    return there and asset.clean


def _electric_ports(asset: Kind) -> set[str]:
    return {name for name, port in asset.ports().items() if port.carrier == "electricity"}
