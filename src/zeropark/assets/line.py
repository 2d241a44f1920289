"""A line: carries electricity between two nodes, one way or both, at a loss and a charge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import Floats, Kind
from zeropark.assets.link import Carries, LinkDevice, ohmic_pieces
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import Asset, ElectricityNode, Point, Wrong
from zeropark.model.warmth import Warmth
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import EnergyPrice, Power, Share

_SAME_END = Text(
    "both ends are node '{given}'; a line goes from one node to another",
    "两端都是节点“{given}”；线路连接两个不同的节点",
)
_GAIN = Text(
    "power sent round {loop} would earn CNY {gain} a MWh without end; the charges of a loop must "
    "not sum to less than 0",
    "电力沿 {loop} 循环，每 MWh 可无限获利 {gain} 元；回路的过网费之和不得小于 0",
)


class Line(Kind):
    """A line between a far node and a node nearer to the public grid.

    Of what is sent inwards (far to near) or outwards, `loss` is lost at any load, as a wheeling
    tariff settles it: delivered[t] = sent[t] · (1 - loss); `loss_load` · sent² / p_nom is lost
    besides by Joule's law and is taken at the near end (a plan has tangents of it, in
    `zeropark.assets.link`). sent ≤ p_nom · h; cost = charge · delivered (MWh per step). The form
    is PyPSA's Link with an efficiency. In the plant the line carries what its far node has over or
    lacks, and loses by the parabola.
    """

    kind: ClassVar[str] = "line"
    title: ClassVar[Text] = Text("Line", "线路")
    order: ClassVar[int] = 75
    role: ClassVar[str] = "carry"
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power sent, inwards +", "送电功率，向内为正")),
        Point("loss", "MW", Text("lost on the way", "线损功率")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, export_max: 1 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 0.5 MW}}
      - {kind: load, name: station, node: far, profile: {constant: 0.1 MW}}
      - {kind: pv, name: field, node: far, p_nom: 2 MW, arrays: [{tilt: 30 deg}]}
      - {kind: line, name: wire, node: far, near: bus, p_nom: 1.5 MW, loss: 2 %, loss_load: 3 %,
         charge: 60 CNY/MWh, ways: both}
    """

    node: Annotated[
        ElectricityNode, Field(title="远端节点", description="far end, whose balance it carries")
    ]
    near: Annotated[
        ElectricityNode, Field(title="近端节点", description="end nearer to the public grid")
    ]
    p_nom: Annotated[Power, Field(gt=0, title="额定功率", description="most it can send")]
    ways: Annotated[
        Literal["inwards", "outwards", "both"],
        Field(title="方向", description="from far to near, from near to far, or both"),
    ] = "inwards"
    loss: Annotated[
        Share, Field(lt=1, title="线损率", description="share of what is sent lost at any load")
    ] = 0.0
    loss_load: Annotated[
        Share,
        Field(
            le=0.2,
            title="负载损耗率",
            description="further share lost at rated power, falling with load",
        ),
    ] = 0.0
    charge: Annotated[
        EnergyPrice, Field(title="过网费", description="wheeling charge on what is delivered")
    ] = 0.0

    @model_validator(mode="after")
    def _has_two_ends(self) -> Line:
        if self.node == self.near:
            raise refusal("line_ends", _SAME_END, field="near", given=self.near)
        return self

    @property
    def p_in(self) -> float:
        """Most it sends from far to near [MW]."""
        return 0.0 if self.ways == "outwards" else self.p_nom

    @property
    def p_out(self) -> float:
        """Most it sends from near to far [MW]."""
        return 0.0 if self.ways == "inwards" else self.p_nom

    @classmethod
    def beside(cls, assets: Sequence[Asset], warmths: Mapping[str, Warmth]) -> Iterable[Wrong]:
        """Yield each loop of lines round which power could be sent for gain."""
        del warmths
        lines = [asset for asset in assets if isinstance(asset, Line)]
        for loop in _loops_with_gain(lines):
            gain = -sum(line.charge for line, _ in loop)
            nodes = [start for _, start in loop]
            told = " → ".join([*nodes, nodes[0]])
            text = _GAIN.format(loop=told, gain=f"{gain:g}")
            yield Wrong(loop[0][0].name, "charge", "loop_gain", text)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield what the load carried loses."""
        inward = m.flow("inward", upper=m["p_in"] * m.hours, means="rating")
        outward = m.flow("outward", upper=m["p_out"] * m.hours, means="rating")
        ohmic, pieces = ohmic_pieces(m, inward + outward)
        yield from pieces
        kept = 1.0 - m["loss"]
        m.never_both(inward, outward)
        m.into("node", outward * kept - inward)
        m.into("near", inward * kept - outward - ohmic)
        m.cost("energy", (inward + outward) * (kept * m["charge"]))

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return what is sent and lost [MW] as planned."""
        inward, outward = amounts["inward"][0], amounts["outward"][0]
        lost = (inward + outward) * self.loss + amounts["ohmic"][0]
        return {"p": (inward - outward) / hours, "loss": lost / hours}

    def device(self, truth: Outlook, random: np.random.Generator) -> LinkDevice:
        """Return the line."""
        del truth, random
        return LinkDevice(
            Carries(
                "near",
                self.p_nom,
                self.p_in,
                self.p_out,
                self.loss,
                self.loss_load,
                charge=self.charge,
            )
        )


Arc = tuple[Line, str]


def _loops_with_gain(lines: Sequence[Line]) -> Iterator[list[Arc]]:
    """Yield loops whose charges sum to less than nothing, each as (line, node it leaves).

    Bellman and Ford's search for negative loops; each line is in at most one loop told.
    """
    left = list(lines)
    while left:
        loop = _loop_with_gain(left)
        if not loop:
            return
        yield loop
        inside = {line.name for line, _ in loop}
        left = [line for line in left if line.name not in inside]


def _loop_with_gain(lines: Sequence[Line]) -> list[Arc]:
    arcs = [(line, line.node, line.near) for line in lines if line.p_in > 0]
    arcs += [(line, line.near, line.node) for line in lines if line.p_out > 0]
    cost = dict.fromkeys([node for _, *ends in arcs for node in ends], 0.0)
    came: dict[str, Arc] = {}
    moved = ""
    for _ in range(len(cost) + 1):
        moved = ""
        for line, start, end in arcs:
            if cost[start] + line.charge < cost[end] - 1e-9:
                cost[end], came[end], moved = cost[start] + line.charge, (line, start), end
    if not moved:
        return []
    for _ in cost:  # so far back that the node is in the loop, not behind it
        moved = came[moved][1]
    loop, here = [came[moved]], came[moved][1]
    while here != moved:
        loop.append(came[here])
        here = came[here][1]
    return loop[::-1]
