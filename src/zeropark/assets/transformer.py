"""A transformer: a limit between a lower node and the one above it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import Floats, Guarded, Kind
from zeropark.assets.link import Carries, LinkDevice, ohmic_pieces
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.model.asset import Asset, ElectricityNode, Point, Wrong
from zeropark.model.warmth import Warmth
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Power, Share

_SAME_SIDE = Text(
    "both sides are node '{given}'; a transformer stands between two nodes",
    "两侧都是节点“{given}”；变压器连接两个不同的节点",
)
_LARGER_INSIDE = Text(
    "{given} MW stands behind {outer} of {most} MW, so that its limit is never reached; allowed: "
    "up to {most} MW, or a larger {outer}",
    "{given} MW 位于 {most} MW 的 {outer} 之下，其限值永不起作用；可用：不大于 {most} MW，"
    "或加大 {outer}",
)
_ROUND = Text(
    "the transformers {loop} stand one above another in a ring; let the outermost one's up be the "
    "node of the tie",
    "变压器 {loop} 首尾相接成环；最外一级的 up 应为并网点所在节点",
)


class Transformer(Kind):
    """A transformer between a lower node and the node above it.

    Nested limits are nodes in series: a works on a node of its own, its transformer's `up` is the
    substation's node, that one's transformer's `up` the node of the tie; each level limits all
    below it. |carried[t]| ≤ p_nom · h (MWh per step). Lost: loss_idle · p_nom while it is under
    voltage, and loss_load · carried² / p_nom (IEC 60076-1: no-load and load loss), both taken from
    the node above; a plan has tangents of the latter (`zeropark.assets.link`), the plant the
    parabola.
    """

    kind: ClassVar[str] = "transformer"
    title: ClassVar[Text] = Text("Transformer", "变压器")
    order: ClassVar[int] = 80
    role: ClassVar[str] = "carry"
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power carried, upwards +", "传输功率，向上为正")),
        Point("loss", "MW", Text("lost in it", "变损功率")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 6 MW, export_max: 2 MW, tariff: simple}
      - {kind: load, name: works, node: site, profile: {constant: 1.5 MW}}
      - {kind: load, name: shops, node: sub, profile: {constant: 1 MW}}
      - {kind: transformer, name: inner, node: site, up: sub, p_nom: 2 MW}
      - {kind: transformer, name: outer, node: sub, up: bus, p_nom: 4 MW}
    """

    node: Annotated[ElectricityNode, Field(title="下级节点", description="node it serves")]
    up: Annotated[ElectricityNode, Field(title="上级节点", description="node it hangs from")]
    p_nom: Annotated[Power, Field(gt=0, title="额定功率", description="most it carries either way")]
    loss_load: Annotated[
        Share, Field(le=0.2, title="负载损耗率", description="share lost at rated power by load")
    ] = 0.006
    loss_idle: Annotated[
        Share, Field(le=0.1, title="空载损耗率", description="lost at no load, of rated power")
    ] = 0.0008

    @model_validator(mode="after")
    def _has_two_sides(self) -> Transformer:
        if self.node == self.up:
            raise refusal("transformer_sides", _SAME_SIDE, field="up", given=self.up)
        return self

    @property
    def p_idle(self) -> float:
        """What it takes while it is under voltage [MW]."""
        return self.loss_idle * self.p_nom

    @classmethod
    def beside(cls, assets: Sequence[Asset], warmths: Mapping[str, Warmth]) -> Iterable[Wrong]:
        """Yield limits nested the wrong way: an inner one above the outer, or a ring of them."""
        del warmths
        own = [asset for asset in assets if isinstance(asset, Transformer)]
        told: set[str] = set()
        for inner in own:
            ring = _ring(inner, own)
            if ring and not told & set(ring):
                told |= set(ring)
                text = _ROUND.format(loop=", ".join(ring))
                yield Wrong(inner.name, "up", "transformer_ring", text)
            outer = [other for other in own if other.node == inner.up]
            most = sum(other.p_nom for other in outer)
            if outer and inner.p_nom > most:
                text = _LARGER_INSIDE.format(
                    given=f"{inner.p_nom:g}",
                    outer=" + ".join(other.name for other in outer),
                    most=f"{most:g}",
                )
                yield Wrong(inner.name, "p_nom", "limits_nested", text)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield what the load carried loses."""
        down = m.flow("down", upper=m["p_nom"] * m.hours, means="rating")
        upward = m.flow("upward", upper=m["p_nom"] * m.hours, means="rating")
        ohmic, pieces = ohmic_pieces(m, down + upward)
        yield from pieces
        m.never_both(down, upward)
        m.into("node", down - upward)
        m.into("up", upward - down - ohmic - m["p_idle"] * m.hours)

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return what is carried and lost [MW] as planned."""
        p = (amounts["upward"][0] - amounts["down"][0]) / hours
        return {"p": p, "loss": amounts["ohmic"][0] / hours + self.p_idle}

    def guarded(self) -> Sequence[Guarded]:
        """Return what it can carry, either way."""
        return (Guarded("p", "node", -self.p_nom, self.p_nom, sign=-1),)

    def device(self, truth: Outlook, random: np.random.Generator) -> LinkDevice:
        """Return the transformer."""
        del truth, random
        most = self.p_nom
        return LinkDevice(
            Carries("up", most, most, most, loss_load=self.loss_load, idle=self.p_idle)
        )


def _ring(first: Transformer, own: Sequence[Transformer]) -> list[str]:
    """Return the transformers passed on the way up from `first` back to it, nothing without one."""
    ways = [[first]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for outer in own:
            if outer.node == way[-1].up:
                if outer is first:
                    return [each.name for each in way]
                if outer.name not in seen:
                    seen.add(outer.name)
                    ways.append([*way, outer])
    return []
