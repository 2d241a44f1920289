"""A remote base: sun, wind and storage on a node of their own, behind one limit of delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import Account, Floats, Horizon, Kind, Readings, Steered
from zeropark.assets.line import Line
from zeropark.assets.transformer import Transformer
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit, Rank
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Inputs
from zeropark.model.asset import Asset, ElectricityNode, ElectricityUse, Point, Wrong
from zeropark.model.warmth import Warmth
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Duration, MinuteRamp, Power, Ramp, Share

# So many rated powers in an hour are no limit in any step [1/h].
_FREE = 1e3
# How the flicker of a base hangs together from one minute to the next [1] (assumption: from the
# 15-min lag of 0.74 measured at a plant of the region, fact base section 1).
_MINUTE = 0.98
_ROUNDING = 1e-9
# Most tries for the offer whose cut minutes have a given mean.
_TRIES = 60
_SAME_NODE = Text(
    "the base feeds the node '{given}' it stands on; let out be the sending end of its line",
    "基地送出到自身所在节点“{given}”；out 应为其线路的送端",
)
_NO_LINE = Text(
    "no line begins at node '{given}'; add kind: line with node: {given}, or a transformer",
    "没有线路从节点“{given}”出发；加入 kind: line，写 node: {given}，或一台变压器",
)


class RemoteBase(Kind):
    """The gate of a base: what stands on `node` is delivered to `out`, the sending end of its line.

    0 ≤ output[t] ≤ p_nom (MW, mean of a step). Ramp: output[t] - output[t-1] ≤ ramp_up · h, never
    broken, as the base curtails; output[t-1] - output[t] ≤ ramp_down · h, of rank contract, as the
    sun sets whatever is agreed. Smoothness: the same two sides within `band` of the output's own
    mean[t-1], where mean[t] = mean[t-1] · k + output[t] · (1 - k), k = exp(-h / band_time): a
    first-order low pass, the filter that smoothing by storage is commonly stated with. The share of
    steps that keep the downward limits is the point `kept`. With foresight the downward limits
    bind nobody, so that it stays a bound. In the plant output flickers by the minute; the limit of
    one minute upwards is kept by curtailing within the step, downwards it is counted.
    """

    kind: ClassVar[str] = "remote_base"
    title: ClassVar[Text] = Text("Remote base", "外送基地")
    order: ClassVar[int] = 70
    role: ClassVar[str] = "carry"
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power delivered", "送出功率")),
        Point("mean", "MW", Text("its smoothed mean", "平滑均值")),
        Point("kept", "1", Text("share of steps that keep the downward limits", "下降限值达标率")),
        Point("kept_minutes", "1", Text("share of minutes that do", "分钟级下降限值达标率")),
        Point("limit", "MW", Text("power not to be passed", "限发功率"), writable=True),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        "delivery": Limit(Text("at its limit of delivery", "达到送出上限"), "MW"),
        "ramp_up": Limit(Text("held by its upward ramp", "受上升速率限制"), "MW"),
        "ramp_down": Limit(Text("held by its downward ramp", "受下降速率限制"), "MW"),
        "band_up": Limit(Text("held smooth upwards", "受平滑上限限制"), "MW"),
        "band_down": Limit(Text("held smooth downwards", "受平滑下限限制"), "MW"),
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, export_max: 2 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
      - {kind: pv, name: field, node: base, p_nom: 2 MW, arrays: [{tilt: 30 deg}]}
      - {kind: battery, name: cells, node: base, p_nom: 0.5 MW, e_nom: 1 MWh}
      - {kind: remote_base, name: gate, node: base, out: far, p_nom: 1.5 MW, ramp_up: 1.2 MW/h,
         ramp_down: 1.6 MW/h, band: 1 MW, minute_up: 0.1 MW/min, minute_down: 0.1 MW/min}
      - {kind: line, name: wire, node: far, near: bus, p_nom: 2 MW, loss: 2 %}
    """

    node: Annotated[
        ElectricityUse, Field(title="基地节点", description="node its plants and storage stand on")
    ]
    out: Annotated[ElectricityNode, Field(title="送端节点", description="sending end of its line")]
    p_nom: Annotated[Power, Field(gt=0, title="送出上限", description="limit of delivery")]
    ramp_up: Annotated[
        Annotated[Ramp, Field(gt=0)] | None,
        Field(title="上升速率限值", description="fastest rise from step to step, never broken"),
    ] = None
    ramp_down: Annotated[
        Annotated[Ramp, Field(gt=0)] | None,
        Field(title="下降速率限值", description="fastest fall from step to step, by contract"),
    ] = None
    band: Annotated[
        Annotated[Power, Field(gt=0)] | None,
        Field(title="平滑带宽", description="how far output may leave its smoothed mean"),
    ] = None
    band_time: Annotated[
        Duration, Field(gt=0, title="平滑时间常数", description="time constant of that mean")
    ] = 1.0
    minute_up: Annotated[
        Annotated[MinuteRamp, Field(gt=0)] | None,
        Field(title="分钟上升限值", description="fastest rise in a minute, kept at the plant"),
    ] = None
    minute_down: Annotated[
        Annotated[MinuteRamp, Field(gt=0)] | None,
        Field(title="分钟下降限值", description="fastest fall in a minute, counted"),
    ] = None
    flicker: Annotated[
        Share, Field(title="分钟波动", description="spread of output within a step, of its mean")
    ] = 0.03
    start: Annotated[
        Share, Field(title="初始送出", description="delivered before a run begins, of the limit")
    ] = 0.0

    @model_validator(mode="after")
    def _feeds_another_node(self) -> RemoteBase:
        if self.node == self.out:
            raise refusal("base_ends", _SAME_NODE, field="out", given=self.out)
        return self

    @property
    def up_most(self) -> float:
        """Fastest rise [MW/h]; no limit where none is said."""
        return _FREE * self.p_nom if self.ramp_up is None else self.ramp_up

    @property
    def down_most(self) -> float:
        """Fastest fall [MW/h]; no limit where none is said."""
        return _FREE * self.p_nom if self.ramp_down is None else self.ramp_down

    @property
    def band_most(self) -> float:
        """How far output may leave its mean [MW]; as far as it can where no band is said."""
        return self.p_nom if self.band is None else self.band

    @property
    def keep(self) -> float:
        """Share of the smoothed mean that an hour leaves [1]."""
        return exp(-1.0 / self.band_time)

    @classmethod
    def beside(cls, assets: Sequence[Asset], warmths: Mapping[str, Warmth]) -> Iterable[Wrong]:
        """Yield each base from whose sending end nothing leads on."""
        del warmths
        leave = {a.node for a in assets if isinstance(a, Line) and a.p_in > 0.0}
        leave |= {a.node for a in assets if isinstance(a, Transformer)}
        for base in assets:
            if isinstance(base, RemoteBase) and base.out not in leave:
                yield Wrong(base.name, "out", "base_line", _NO_LINE.format(given=base.out))

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield ramp and smoothness, upwards hard, downwards by contract."""
        output = m.state("output", upper=m["p_nom"], means="delivery")
        mean = m.state("mean", upper=m["p_nom"])
        steep = m.slack("ramp_down", Rank.CONTRACT)
        rough = m.slack("band_down", Rank.CONTRACT)
        loose, keep = m.signal("loose"), m["keep"] ** m.hours
        yield "ramp_up", output - output.before <= m["up_most"] * m.hours
        yield "ramp_down", output.before - output - steep <= m["down_most"] * m.hours + loose
        yield "mean", mean == mean.before * keep + output * (1.0 - keep)
        yield "band_up", output - mean.before <= m["band_most"]
        yield "band_down", mean.before - output - rough <= m["band_most"] + loose
        m.into("node", output * (-1.0 * m.hours))
        m.into("out", output * m.hours)

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return by how much the downward limits are loosened [MW]: wholly at the base's best."""
        loose = _FREE * self.p_nom if outlook.best_case else 0.0
        return {"loose": np.full((1, len(outlook.grid)), loose)}

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return the output before now and its smoothed mean."""
        del horizon
        figures = {"output": readings["p"], "mean": readings["mean"]}
        return Inputs(figures={name: np.array([float(n)]) for name, n in figures.items()})

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return what is delivered and its mean [MW] as planned."""
        del hours
        return {"p": amounts["output"][0], "mean": amounts["mean"][0]}

    def tally(self, readings: Readings) -> dict[str, float]:
        """Return how many steps there were, and how many kept the downward limits."""
        return {"ramp_steps": readings["steps"], "ramp_steps_kept": readings["steps_kept"]}

    def steered(self) -> Sequence[Steered]:
        """Return its limit of delivery, and how fast what it delivers may rise."""
        most = self.p_nom
        return (
            Steered(
                "limit", "p", 1, 0.0, most, rest=most, caps=True, ramp=self.ramp_up, port="out"
            ),
        )

    def device(self, truth: Outlook, random: np.random.Generator) -> RemoteBaseDevice:
        """Return the gate, with its flicker drawn for each minute of the run."""
        minutes = np.maximum(1, np.rint(truth.grid.hours * 60.0)).astype(int)
        return RemoteBaseDevice(self, _flicker(minutes, self.flicker, random))


class RemoteBaseDevice:
    """The simulated gate: passes on what its node has, within its limits by step and by minute."""

    def __init__(self, base: RemoteBase, flicker: list[Floats]) -> None:
        self._b = base
        self._flicker = flicker
        self.p = base.start * base.p_nom
        self.mean = self.p
        self.costs: dict[str, float] = {}
        self.flows: dict[str, float] = {"node": 0.0, "out": 0.0}
        self._before, self._mean_before = self.p, self.mean
        self._minute = self._minute_before = self.p
        self._most = self._least = self._offered = 0.0
        self._index = -1
        self._hours = 0.0
        self._steps = self._kept = 0
        self._minutes = self._minutes_kept = 0
        self._now = (0, 0)

    def read(self) -> dict[str, Any]:
        """Return power and mean [MW], and the shares of steps and minutes that kept downwards."""
        steps, kept, minutes, good = self._counts()
        return {
            "p": self.p,
            "mean": self.mean,
            "kept": kept / steps if steps else 1.0,
            "kept_minutes": good / minutes if minutes else 1.0,
            "steps": float(steps),
            "steps_kept": float(kept),
        }

    def account(self) -> Account:
        """Return nothing: a gate passes on what comes."""
        return Account()

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Deliver what the base has over; draw on its storage where it would fall too fast."""
        b = self._b
        self._steps, self._kept, self._minutes, self._minutes_kept = self._counts()
        self._index, self._hours = index, hours
        self._before, self._mean_before, self._minute_before = self.p, self.mean, self._minute
        up = min(self._before + b.up_most * hours, self._mean_before + b.band_most)
        self._least = max(self._before - b.down_most * hours, self._mean_before - b.band_most)
        self._most = max(0.0, min(b.p_nom, up, setpoints.get("limit", b.p_nom)))
        self._offered = min(self._most, max(0.0, ports.get("node", 0.0), self._least))
        self._settle(self._offered)
        return dict(self.flows)

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Deliver less or, where the base has it, more; at the sending end only less."""
        del hours
        before = self.flows[port]
        if port == "node":
            self._reach(self.p - change)
        elif port == "out" and change < 0.0:
            self._most = max(0.0, self.p + change)
            self._reach(self._most)
        return self.flows[port] - before

    def _reach(self, wanted: float) -> None:
        """Deliver `wanted` [MW] on average, of no more than the base has offered in this step."""
        target = min(self._most, max(0.0, wanted))
        self._offered = max(self._offered, target)
        offered = target
        for _ in range(_TRIES):
            self._settle(offered)
            # Cut minutes make the mean fall short; a mean never rises by more than the offer.
            missing = target - self.p
            if missing <= _ROUNDING * _ROUNDING or offered >= self._offered:
                return
            offered = min(self._offered, offered + missing)

    def _settle(self, offered: float) -> None:
        b = self._b
        minutes = np.minimum(offered * self._flicker[self._index], b.p_nom)
        if b.minute_up is not None:
            minutes = _risen(minutes, self._minute_before, b.minute_up)
        self.p = min(self._most, float(minutes.mean()))
        self._minute = float(minutes[-1])
        falls = -np.diff(minutes, prepend=self._minute_before)
        most = np.inf if b.minute_down is None else b.minute_down
        self._now = (len(minutes), int((falls <= most + _ROUNDING).sum()))
        k = b.keep**self._hours
        self.mean = self._mean_before * k + self.p * (1.0 - k)
        self.flows = {"node": -self.p, "out": self.p}

    def _counts(self) -> tuple[int, int, int, int]:
        """Return steps, steps kept, minutes and minutes kept, the present ones included."""
        if self._index < 0:
            return 0, 0, 0, 0
        kept = self.p >= self._least - _ROUNDING
        minutes, good = self._now
        return (
            self._steps + 1,
            self._kept + int(kept),
            self._minutes + minutes,
            self._minutes_kept + good,
        )


def _risen(offered: Floats, before: float, most: float) -> Floats:
    """Return offered power [MW] by the minute with no rise above `most` [MW/min], from `before`."""
    count = np.arange(1, len(offered) + 1)
    lowest = np.minimum.accumulate(offered - most * count)
    return np.asarray(np.minimum(lowest, before) + most * count, dtype=np.float64)


def _flicker(
    minutes: np.ndarray[tuple[int], np.dtype[np.int64]], spread: float, random: np.random.Generator
) -> list[Floats]:
    """Return for each step its minutes' power over the step's mean [1], 1 on average."""
    shocks = random.standard_normal(int(minutes.sum())).tolist()
    wander, level, fresh = [], 0.0, (1.0 - _MINUTE**2) ** 0.5
    for shock in shocks:
        level = level * _MINUTE + fresh * shock
        wander.append(level)
    parts = np.split(np.array(wander), np.cumsum(minutes)[:-1])
    found = []
    for part in parts:
        shape = np.maximum(0.0, 1.0 + spread * (part - part.mean()))
        found.append(shape / shape.mean())
    return found
