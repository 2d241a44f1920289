"""A data hall: turns electricity into computing and heat, cooled by what the weather allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import Account, Floats, Kind, PlannedStep, per_step
from zeropark.data.outlook import Outlook
from zeropark.data.weather import Weather, air, cooling
from zeropark.formulation.block import Block, Limit
from zeropark.formulation.linear import Rule
from zeropark.model.asset import ComputeNode, ElectricityUse, HeatNode, Point
from zeropark.units.quantity import Unit
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Cores, Power, Ratio, Share, Temperature

Way = Literal["direct_air", "indirect_dry", "indirect_evaporative", "waterside"]
Difference = Annotated[float, Unit("K")]
WAYS: tuple[Way, ...] = ("direct_air", "indirect_dry", "indirect_evaporative", "waterside")
COOLING_MODES: Mapping[int, tuple[str, Text]] = {
    0: ("direct_air", Text("direct air", "直接新风")),
    1: ("indirect_dry", Text("indirect dry", "间接干式")),
    2: ("indirect_evaporative", Text("indirect evaporative", "间接蒸发")),
    3: ("waterside", Text("water-side economiser", "水侧自然冷却")),
    4: ("mixed", Text("free cooling with compressor", "自然冷却加压缩机")),
    5: ("compressor", Text("compressor only", "压缩机制冷")),
}
"""Name and words of each code of the point `cooling_mode`."""
_MIXED, _COMPRESSOR = 4, 5
# Pieces of the convex overhead: with five the slope is within 2 % of the curve's
# (docs/explanation/data-hall.md).
_PIECES = 5
# A bound has more, so that it lies close below what a plant can do.
_FINE_PIECES = 32
_KELVIN = 273.15
_SEA_DENSITY = 1.204  # [kg/m3] dry air at 20 degC, 101.325 kPa (ISO 2533 gas constant)
_LEAST_LIFT = 12.0  # [K] what a machine keeps between its two sides however cold it is outside
_IDLE_ABOVE = Text(
    "p_idle is {idle} MW and p_nom {full} MW; machines at rest take less than at work",
    "p_idle 为 {idle} MW，p_nom 为 {full} MW；空闲功率应低于满载功率",
)


class DataHall(Kind):
    """A hall of machines with its power supply and cooling [MWh, kcore-h per step].

    it = p_idle + (p_nom - p_idle) · cores used / cores. electricity = it + supply(it) + misc +
    pumps(weather) + fans(it, weather) + compressor / cop(weather), compressor ≥ it - free(weather)
    - recovered. supply = p_nom · (a0 + a1 q + a2 q²), fans = p_nom · fan_share · (ρ0/ρ)² · max(q,
    flow_min)³, q = it / p_nom: convex, so the plan takes them in straight pieces. free =
    share(weather) · p_nom, by the first way of `ways` that carries all, else the one that carries
    most: their order is fixed by the weather before the plan. Source: physics of the fact base on
    compute, B 1a-1g (effectiveness form, EnergyPlus water-side economiser, fan laws). In the plant:
    the curves themselves, exchangers that foul, a compressor that is worse at part load. PUE is a
    result.
    """

    kind: ClassVar[str] = "data_hall"
    title: ClassVar[Text] = Text("Data hall", "机房")
    order: ClassVar[int] = 30
    role: ClassVar[str] = "convert"
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("electric power, use +", "用电功率")),
        Point("it", "MW", Text("power of the machines", "IT 功率")),
        Point("cores", "core", Text("cores in use", "占用核数"), writable=True),
        Point("q", "MW", Text("heat the compressor carries", "压缩机制冷量")),
        Point("heat", "MW", Text("heat handed on", "回收供热功率"), writable=True),
        Point("pue", "1", Text("electricity over that of the machines", "电能利用效率")),
        Point(
            "cooling_mode",
            "code",
            Text("way of cooling", "制冷方式"),
            codes=tuple(words for _, words in COOLING_MODES.values()),
        ),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        "cooling": Limit(Text("cooled as its machines need", "按机器发热供冷")),
        "recovery": Limit(Text("hands on all the heat it can", "余热全部外供")),
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - kind: job_pool
        name: jobs
        node: it
        cores: 100000 core
        classes:
          - {name: online, mean: 20000 core, online: true}
      - kind: data_hall
        name: hall
        node: bus
        compute: it
        heat: warm
        p_nom: 1.2 MW
        p_idle: 0.4 MW
        cores: 100000 core
        ways: [indirect_dry, indirect_evaporative]
      - {kind: heat_load, name: offices, node: warm, profile: {constant: 0.1 MW}}
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    compute: Annotated[ComputeNode, Field(title="算力节点", description="node it gives cores to")]
    heat: Annotated[
        HeatNode | None, Field(title="余热节点", description="node it can hand heat on to, if any")
    ] = None
    p_nom: Annotated[
        Power,
        Field(gt=0, title="IT 额定功率", description="power of the machines with all cores in use"),
    ]
    p_idle: Annotated[
        Power,
        Field(ge=0, title="IT 空闲功率", description="power of the machines with no core in use"),
    ]
    cores: Annotated[Cores, Field(gt=0, title="核数", description="cores of the machines")]
    ways: Annotated[
        tuple[Way, ...],
        Field(
            title="自然冷却方式",
            description="ways to cool without a compressor, the preferred first",
        ),
    ] = ("indirect_dry", "indirect_evaporative")
    t_supply: Annotated[Temperature, Field(title="送风温度", description="air to the machines")] = (
        24.0
    )
    t_return: Annotated[
        Temperature, Field(title="回风温度", description="air from the machines")
    ] = 36.0
    effectiveness: Annotated[
        Share, Field(gt=0, title="换热效率", description="of the air-to-air exchanger")
    ] = 0.7
    fan_rise: Annotated[
        Difference, Field(ge=0, title="风机温升", description="what the fan adds to outside air")
    ] = 1.0
    t_dew_max: Annotated[
        Temperature, Field(title="露点上限", description="moisture limit of direct air")
    ] = 15.0
    t_water_supply: Annotated[
        Temperature,
        Field(title="冷冻水供水温度", description="water-side economiser: water to the hall"),
    ] = 18.0
    t_water_return: Annotated[
        Temperature, Field(title="冷冻水回水温度", description="water-side economiser: water back")
    ] = 24.0
    approach: Annotated[
        Difference, Field(ge=0, title="逼近温差", description="of tower and exchanger together")
    ] = 6.0
    fan_share: Annotated[
        Share, Field(title="风机占比", description="fans at full flow at sea level, of p_nom")
    ] = 0.05
    flow_min: Annotated[
        Share, Field(title="最小风量", description="least air flow, of the full one")
    ] = 0.6
    pump_share: Annotated[
        Share,
        Field(title="水泵占比", description="spray or tower pumps while a wet way runs, of p_nom"),
    ] = 0.01
    misc_share: Annotated[
        Share, Field(title="其他占比", description="light, control and small users, of p_nom")
    ] = 0.02
    supply_loss: Annotated[
        tuple[Ratio, Ratio, Ratio],
        Field(
            title="供电损耗系数", description="a0, a1, a2 of the supply's loss over load, of p_nom"
        ),
    ] = (0.02, 0.02, 0.02)
    quality: Annotated[
        Ratio, Field(gt=0, lt=1, title="压缩机热力完善度", description="share of the Carnot limit")
    ] = 0.5
    evaporator_approach: Annotated[
        Difference, Field(title="蒸发温差", description="evaporation below the supplied air")
    ] = 10.0
    condenser_approach: Annotated[
        Difference, Field(title="冷凝温差", description="condensation above the outside air")
    ] = 15.0
    part_load_loss: Annotated[
        Share,
        Field(
            lt=1, title="压缩机部分负荷损失", description="share of the COP lost towards no load"
        ),
    ] = 0.06
    fouling: Annotated[
        Share, Field(lt=1, title="换热器污损", description="most the exchangers lose by dirt")
    ] = 0.04
    recoverable: Annotated[
        Share,
        Field(title="可回收比例", description="share of the machines' heat that can be handed on"),
    ] = 0.7

    @model_validator(mode="after")
    def _rests_below_work(self) -> DataHall:
        if self.p_idle >= self.p_nom:
            raise refusal(
                "idle_above",
                _IDLE_ABOVE,
                field="p_idle",
                idle=f"{self.p_idle:g}",
                full=f"{self.p_nom:g}",
            )
        return self

    @property
    def p_kcore(self) -> float:
        """Power a busy thousand cores add [MW/kcore]."""
        return (self.p_nom - self.p_idle) / (self.cores / 1e3)

    @property
    def recovery(self) -> float:
        """Share of the machines' heat that can be handed on [1]; 0 without a heat node."""
        return 0.0 if self.heat is None else self.recoverable

    # -- curves -----------------------------------------------------------------------------------

    def supply(self, it: Any) -> Any:
        """Return the loss of the power supply at `it` [MW], [MW]."""
        q = it / self.p_nom
        a0, a1, a2 = self.supply_loss
        return self.p_nom * (a0 + q * (a1 + a2 * q))

    def air_work(self, it: Floats) -> Floats:
        """Return the fans' power at sea level at `it` [MW], [MW]."""
        q = np.maximum(it / self.p_nom, self.flow_min)
        return np.asarray(self.p_nom * self.fan_share * q**3)

    def pieces(self, number: int = _PIECES) -> Floats:
        """Return the ends of the straight pieces of machine power [MW], shape (number + 1,).

        One ends where the fans leave their least flow, of many pieces an eighth before it; the
        others share the rise of the slope evenly.
        """
        fine = np.linspace(self.p_idle, self.p_nom, 2001)
        start = max(self.p_idle, min(self.p_nom, self.flow_min * self.p_nom))
        below = 1 + number // 8
        first = np.linspace(self.p_idle, start, below + 1 if start > self.p_idle else 1)
        rest = fine[fine >= start]
        count = number + 1 - len(first)
        if len(rest) < count + 1:
            return np.linspace(self.p_idle, self.p_nom, number + 1)
        q = rest / self.p_nom
        slope = self.supply_loss[1] + 2 * self.supply_loss[2] * q + 6.0 * self.fan_share * q**2
        marks = np.linspace(slope[0], slope[-1], count + 1)
        return np.concatenate([first[:-1], np.interp(marks, slope, rest)])

    def climate(self, weather: Weather) -> HallClimate:
        """Return what the weather makes of the hall at each step."""
        shares = np.array([self._share(way, weather) for way in self.ways]).reshape(
            -1, len(weather.grid)
        )
        count = shares.shape[1]
        code, share, wet = np.full(count, _COMPRESSOR), np.zeros(count), np.zeros(count)
        if len(self.ways):
            # argmax takes the first of equals: the preferred way that carries all, else the one
            # that carries most.
            best = np.argmax(np.minimum(shares, 1.0), axis=0)
            share = np.take_along_axis(shares, best[None, :], axis=0)[0]
            codes = np.array([WAYS.index(way) for way in self.ways])
            code = np.where(share > 0, codes[best], _COMPRESSOR)
            wet = np.where(
                share > 0, np.array([w in WAYS[2:] for w in self.ways], dtype=float)[best], 0.0
            )
        thin = (_SEA_DENSITY / air.density(np.full(count, self.t_supply), weather.pressure)) ** 2
        cold = self.t_supply - self.evaporator_approach + _KELVIN
        lift = np.maximum(weather.t_air + self.condenser_approach + _KELVIN - cold, _LEAST_LIFT)
        return HallClimate(code, share, wet, thin, self.quality * cold / lift)

    def _share(self, way: Way, weather: Weather) -> Floats:
        match way:
            case "direct_air":
                limit = self.t_supply - self.fan_rise
                return cooling.direct_air(
                    weather.t_air, weather.t_dew, t_air_max=limit, t_dew_max=self.t_dew_max
                )
            case "waterside":
                return cooling.waterside(
                    weather.t_wet,
                    approach=self.approach,
                    t_supply=self.t_water_supply,
                    t_return=self.t_water_return,
                )
            case _:
                outside = weather.t_air if way == "indirect_dry" else weather.t_wet
                return cooling.indirect(
                    outside,
                    effectiveness=self.effectiveness,
                    t_return=self.t_return,
                    t_supply=self.t_supply,
                )

    # -- plan -------------------------------------------------------------------------------------

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield what the compressor must carry, and how much heat can be handed on."""
        warms = m.connected("heat")
        pieces = [
            m.flow(f"piece_{k}", upper=m.signal(f"width_{k}") * m.hours)
            for k in range(_FINE_PIECES if m.exact else _PIECES)
        ]
        compressor = m.flow("compressor", upper=m["p_nom"] * m.hours)
        most = m["p_nom"] * m["recovery"] * m.hours
        recovered = m.flow("recovered", upper=most, where=warms)
        above = pieces[0]
        for piece in pieces[1:]:
            above = above + piece
        idle = m["p_idle"] * m.hours

        yield "cooling", compressor + recovered - above >= idle - m.signal("free") * m.hours
        yield "recovery", (recovered - above * m["recovery"] <= idle * m["recovery"]).only(warms)

        used = compressor * (-1.0 * m.signal("per_heat")) - m.signal("standing") * m.hours
        for k, piece in enumerate(pieces):
            used = used - piece * m.signal(f"slope_{k}")
        m.into("node", used)
        m.into("compute", above / m["p_kcore"])
        m.into("heat", recovered)

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return standing power, slopes, free cooling and what compressor heat takes, per step."""
        assert outlook.weather is not None, "a hall is cooled by weather"
        climate = self.climate(outlook.weather)
        ends = self.pieces(_FINE_PIECES if outlook.best_case else _PIECES)
        width = np.diff(ends)
        supply = np.diff(self.supply(ends)) / np.where(width > 0, width, 1.0)
        fans = np.diff(self.air_work(ends)) / np.where(width > 0, width, 1.0)
        pump = self.pump_share * climate.wet
        per_heat = 1.0 / (climate.cop * (1.0 - 0.6 * self.part_load_loss))
        standing = self.p_idle + self.supply(self.p_idle) + self.p_nom * (self.misc_share + pump)
        standing = standing + climate.thin * self.air_work(np.array([self.p_idle]))
        free = climate.share * self.p_nom * (1.0 - self.fouling / 2)
        if outlook.best_case:
            # Chords lie above the curves; lowered by the widest gap they lie below them.
            standing = standing - _gap(ends, self.supply) - climate.thin * _gap(ends, self.air_work)
            per_heat = 1.0 / climate.cop
            free = climate.share * self.p_nom
        found = {"standing": standing, "free": free, "per_heat": per_heat}
        for k in range(len(width)):
            found[f"width_{k}"] = np.full(len(free), width[k])
            found[f"slope_{k}"] = 1.0 + supply[k] + climate.thin * fans[k]
        return {name: array[None, :] for name, array in found.items()}

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the heat to hand on [MW], and the cores to give before another hall does [core].

        Halls at one node share the work where it costs least; what the pools use beyond the plan
        any hall with free cores takes.
        """
        above = float(_above(step.columns)[0]) / step.hours
        found = {"cores": 1e3 * above / self.p_kcore}
        if self.heat is not None:
            found["heat"] = float(step.columns["recovered"][0]) / step.hours
        return found

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return machine power, cores in use, compressor heat and heat handed on as planned."""
        length = np.where(hours > 0, hours, 1.0)
        above = _above(amounts)[0] / length
        return {
            "it": self.p_idle + above,
            "cores": 1e3 * above / self.p_kcore,
            "q": amounts["compressor"][0] / length,
            "heat": amounts["recovered"][0] / length,
        }

    def device(self, truth: Outlook, random: np.random.Generator) -> HallDevice:
        """Return the hall in its true weather, with exchangers as dirty as chance has it."""
        assert truth.weather is not None, "a hall is cooled by weather"
        clean = 1.0 - self.fouling * float(random.uniform(0.0, 1.0))
        return HallDevice(self, self.climate(truth.weather), clean)


@dataclass(frozen=True)
class HallClimate:
    """What the weather makes of a hall, each of shape (N,).

    code: way of cooling. share: of p_nom it carries [1]. wet: whether its pumps run. thin: the
    fans' work over that at sea level [1]. cop: of the compressor at full load [1].
    """

    code: np.ndarray[Any, np.dtype[np.int64]]
    share: Floats
    wet: Floats
    thin: Floats
    cop: Floats


def _above(amounts: Mapping[str, Floats]) -> Floats:
    """Return the machines' energy above idle: the sum of its pieces, in their shape."""
    pieces = [amount for name, amount in amounts.items() if name.startswith("piece_")]
    return np.asarray(np.sum(pieces, axis=0))


def _gap(ends: Floats, curve: Any) -> float:
    """Return how far the chords over `ends` rise above a convex curve at most [MW]."""
    fine = np.linspace(ends[0], ends[-1], 4001)
    return float(np.max(np.interp(fine, ends, curve(ends)) - curve(fine), initial=0.0)) * 1.01


class HallDevice:
    """The simulated hall: serves the cores that are asked for, and cools what comes of it."""

    def __init__(self, hall: DataHall, climate: HallClimate, clean: float) -> None:
        self._hall = hall
        self._code: Sequence[int] = per_step(climate.code)
        self._free = per_step(climate.share * hall.p_nom * clean)
        self._side = per_step(hall.p_nom * (hall.misc_share + hall.pump_share * climate.wet))
        self._fans = per_step(hall.p_nom * hall.fan_share * climate.thin)
        self._cop = per_step(climate.cop)
        self._index = 0
        self._hours = 0.0
        self._before = 0.0
        self.kcores = self.p = self.q = self.given = 0.0
        self.it = hall.p_idle
        self.mode = self._code[0]
        self.costs: dict[str, float] = {}
        self._lost = 0.0

    @property
    def flows(self) -> dict[str, float]:
        """The mean flow into each port [MW, kcore]."""
        found = {"node": -self.p, "compute": self.kcores}
        return found if self._hall.heat is None else {**found, "heat": self.given}

    def account(self) -> Account:
        """Return what became heat and was not handed on."""
        return Account(lost=self._lost)

    def read(self) -> dict[str, Any]:
        """Return power [MW], machine power [MW], cores [core], PUE [1] and the way of cooling."""
        return {
            "p": self.p,
            "it": self.it,
            "cores": 1e3 * self.kcores,
            "q": self.q,
            "heat": self.given,
            "pue": self.p / self.it if self.it > 0 else float("nan"),
            "cooling_mode": self.mode,
        }

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Give the cores the node still lacks, as far as there are any, and heat as asked."""
        self._index, self._hours = index, hours
        self._before = self._lost
        self.given = max(0.0, setpoints.get("heat", 0.0))
        most = min(self._hall.cores, setpoints.get("cores", np.inf)) / 1e3
        self._settle(min(most, max(0.0, -ports.get("compute", 0.0))))
        return self.flows

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Change the flow into `port` by up to `change`: cores, heat, or power by fewer cores."""
        del hours
        hall, before = self._hall, self.flows
        if port == "heat":
            self.given = min(hall.recovery * self.it, max(0.0, self.given + change))
            self._lost = self._before + (self.p - self.given) * self._hours
        elif port == "compute":
            self._settle(min(hall.cores / 1e3, max(0.0, self.kcores + change)))
        elif change > 0.0:
            self._shed(change)
        return self.flows.get(port, 0.0) - before.get(port, 0.0)

    def _shed(self, change: float) -> None:
        """Drop cores until the power has fallen by `change` [MW], or none is left."""
        low, high, wanted = 0.0, self.kcores, self.p - change
        if self.power(self._index, self._hall.p_idle)[0] >= wanted:
            self._settle(0.0)
            return
        for _ in range(40):
            middle = (low + high) / 2
            power, _ = self.power(self._index, self._hall.p_idle + self._hall.p_kcore * middle)
            low, high = (low, middle) if power > wanted else (middle, high)
        self._settle(low)

    def _settle(self, kcores: float) -> None:
        hall = self._hall
        self.kcores = kcores
        self.it = hall.p_idle + hall.p_kcore * kcores
        self.given = min(self.given, hall.recovery * self.it)
        self.p, self.q = self.power(self._index, self.it, self.given)
        free = self._free[self._index]
        if self.q > 0.0:
            self.mode = _MIXED if free > 0.0 else _COMPRESSOR
        else:
            self.mode = self._code[self._index]
        self._lost = self._before + (self.p - self.given) * self._hours

    def power(self, index: int, it: float, given: float = 0.0) -> tuple[float, float]:
        """Return electricity and the compressor's heat [MW] at machine power `it` [MW]."""
        hall = self._hall
        flow = max(it / hall.p_nom, hall.flow_min)
        carried = max(0.0, it - given - self._free[index])
        part = 1.0 - hall.part_load_loss * (1.0 - carried / hall.p_nom)
        cool = carried / (self._cop[index] * part)
        supply: float = hall.supply(it)
        return it + supply + self._side[index] + self._fans[index] * flow**3 + cool, carried
