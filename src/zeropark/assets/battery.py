"""A battery: stores electricity, loses some each way, wears by use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from zeropark.assets.kind import (
    Account,
    Floats,
    Horizon,
    Kind,
    PlannedStep,
    Readings,
    RuleView,
    Steered,
    per_step,
)
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit
from zeropark.formulation.linear import Linear, Rule
from zeropark.formulation.program import Inputs
from zeropark.formulation.value import Value
from zeropark.model.asset import ElectricityNode, Point
from zeropark.units.quantity import Unit
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Energy, EnergyPrice, Power, Share, Temperature

# Charge and discharge limits of a lithium iron phosphate cell by its temperature [1 of rated], from
# makers' sheets as gathered in the park's fact base (section 7, assumption).
_COLD = np.array([-20.0, -10.0, 0.0, 10.0, 15.0, 35.0, 45.0, 50.0])
_CHARGE = np.array([0.0, 0.1, 0.2, 0.5, 0.8, 1.0, 0.5, 0.0])
_WARM = np.array([-20.0, -10.0, 0.0, 10.0, 45.0, 55.0])
_DISCHARGE = np.array([0.3, 0.5, 0.8, 1.0, 1.0, 0.5])
_NO_BAND = Text(
    "{given} is not below ceiling {top}; allowed: floor < ceiling",
    "{given} 不低于 ceiling {top}；可用：floor < ceiling",
)
_ABOVE_BEST = Text(
    "{given} is above efficiency_best {best}; allowed: efficiency ≤ efficiency_best",
    "{given} 高于 efficiency_best {best}；可用：efficiency ≤ efficiency_best",
)
ReservePrice = Annotated[float, Unit("CNY/MWh-h")]


# How long a shortfall of the sun lasts before the next plan has dealt with it [h].
_DOUBTFUL = 1.0
# By how much of the way from best to ordinary use the efficiency falls at full power [1].
_FALLS = 1.6
# Powers at which the curve of losses is exact [1 of rated]; a bound is worth more of them.
_TOUCH = (0.0, 0.25, 0.8)
_FINE_TOUCH = (0.0, 0.12, 0.25, 0.4, 0.6, 0.85)
# Most of the rated energy that is kept for it [1]: more would cost the peaks it is to spare.
_MOST_KEPT = 0.07
# What it is taken to cost that this is not kept [CNY/MWh-h]; see decision 0006.
_PRICE_OF_DOUBT = 70.0


def _by_power(m: Block, way: str, moved: Linear, share: Value, sign: float) -> tuple[Linear, Rule]:
    """Return what `moved` comes to in the cells [MWh per slot], and the rule that makes it so.

    Of the first piece of the power comes `share` [1], of each further one so much less (in) or more
    (out) as its tangent is worse.
    """
    cells, whole = Linear([]), Linear([])
    bend: Value | float = 0.0
    pieces = len(_FINE_TOUCH if m.exact else _TOUCH)
    for k in range(pieces):
        last = k == pieces - 1
        before, bend = bend, 1.0 if last else m.signal(f"bend_{way}_{k}")
        # That a piece is full is no limit of anything: it is the next one's turn.
        width = (bend - before) * m["p_nom"] * m.hours
        piece = m.flow(f"{way}_{k}", upper=width, means="price")
        cells, whole = cells + piece * share, whole + piece
        if not last:
            share = share + m.signal(f"worse_{way}_{k}") * sign
    return cells, moved == whole


class Battery(Kind):
    """A battery behind an inverter.

    energy[t] = energy[t-1] · (1 - standing_loss)^(h/24) + efficiency · charge[t] - discharge[t]
    / efficiency, floor ≤ energy ≤ ceiling, charge and discharge ≤ p_nom · h (all MWh per step).
    The efficiency falls with power, from the best; a plan knows it as three tangents.
    Round trip and wear: facts of the park base, section 7. In the plant: power falls with cold
    and near the ends of the band, efficiency falls with load, capacity fades with throughput.
    """

    kind: ClassVar[str] = "battery"
    title: ClassVar[Text] = Text("Battery", "储能电池")
    order: ClassVar[int] = 60
    role: ClassVar[str] = "store"
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power, discharge +", "功率，放电为正"), writable=True),
        Point("energy", "MWh", Text("stored energy", "存储电量")),
        Point("soc", "1", Text("state of charge", "荷电状态")),
        Point("capacity", "MWh", Text("usable capacity today", "当前可用容量")),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        "reserve": Limit(Text("holds its reserve for an outage", "为停电保持备用"))
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, export_max: 5 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
      - {kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 2 MWh, reserve: 10 %}
    """

    node: Annotated[
        ElectricityNode, Field(title="接入节点", description="node it stores electricity of")
    ]
    p_nom: Annotated[
        Power, Field(gt=0, title="逆变器额定功率", description="rated power of the inverter")
    ]
    e_nom: Annotated[Energy, Field(gt=0, title="额定容量", description="rated energy")]
    efficiency: Annotated[
        Share, Field(gt=0, title="单程效率", description="one-way efficiency in ordinary use")
    ] = 0.927
    efficiency_best: Annotated[
        Share, Field(title="最高单程效率", description="one-way efficiency at low power")
    ] = 0.935
    standing_loss: Annotated[
        Share, Field(title="日自放电率", description="share of the stored energy lost in a day")
    ] = 0.001
    floor: Annotated[Share, Field(title="荷电下限", description="lowest state of charge")] = 0.1
    ceiling: Annotated[Share, Field(title="荷电上限", description="highest state of charge")] = 0.95
    reserve: Annotated[
        Share, Field(title="备用荷电", description="kept above the floor for an outage")
    ] = 0.0
    price_reserve: Annotated[
        ReservePrice,
        Field(
            ge=0,
            title="备用缺额价格",
            description="what a reserve that is not held is taken to cost",
        ),
    ] = 2_000.0
    start: Annotated[
        Share, Field(title="初始荷电状态", description="state of charge when a run begins")
    ] = 0.5
    wear_cost: Annotated[
        EnergyPrice, Field(ge=0, title="损耗成本", description="wear per energy discharged")
    ] = 96.0
    room_temperature: Annotated[
        Temperature, Field(title="舱内温度", description="what the enclosure is held at")
    ] = 18.0
    room_leak: Annotated[
        Share, Field(title="舱温随外温比例", description="how far the cells follow the outside air")
    ] = 0.2
    fade: Annotated[
        Share, Field(title="每循环容量衰减", description="capacity lost over one full cycle")
    ] = 3.3e-5

    @model_validator(mode="after")
    def _band_is_open(self) -> Battery:
        if self.floor >= self.ceiling:
            raise refusal(
                "floor_above_ceiling",
                _NO_BAND,
                field="floor",
                given=f"{self.floor:g}",
                top=f"{self.ceiling:g}",
            )
        if self.efficiency > self.efficiency_best:
            raise refusal(
                "efficiency_above_best",
                _ABOVE_BEST,
                field="efficiency",
                given=f"{self.efficiency:g}",
                best=f"{self.efficiency_best:g}",
            )
        return self

    @property
    def e_floor(self) -> float:
        """Lowest stored energy [MWh]."""
        return self.floor * self.e_nom

    @property
    def e_ceiling(self) -> float:
        """Highest stored energy [MWh]."""
        return self.ceiling * self.e_nom

    @property
    def e_reserve(self) -> float:
        """Stored energy kept for an outage, the floor included [MWh]."""
        return min(self.ceiling, self.floor + self.reserve) * self.e_nom

    @property
    def keep(self) -> float:
        """Share of the stored energy that remains after an hour [1]."""
        return float((1.0 - self.standing_loss) ** (1 / 24))

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield the balance of the store and its reserve."""
        efficiency = m.signal("efficiency")
        most_in = m["p_nom"] * m.hours * m.signal("charge_limit")
        most_out = m["p_nom"] * m.hours * m.signal("discharge_limit")
        charge = m.flow("charge", upper=most_in, means="rating")
        discharge = m.flow("discharge", upper=most_out, means="rating")
        stored, pieces_in = _by_power(m, "in", charge, efficiency, -1.0)
        taken, pieces_out = _by_power(m, "out", discharge, 1.0 / efficiency, 1.0)
        yield "pieces_in", pieces_in
        yield "pieces_out", pieces_out
        energy = m.state(
            "energy", m.signal("lowest"), m["e_ceiling"], means="full", means_low="empty"
        )
        short = m.flow("short")

        yield (
            "balance",
            energy == energy.before * m.signal("keep") ** m.hours + stored - taken,
        )
        yield "reserve", energy + short >= m.signal("wanted")

        m.never_both(charge, discharge)
        m.into("node", discharge - charge)
        m.cost("wear", discharge * m["wear_cost"])
        m.cost("reserve", short * (m.signal("short_price") * m.hours))
        m.cost("ends", energy * (-1.0 * m.signal("end_value")))

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return what the cells allow in the expected cold."""
        count, best = len(outlook.grid), outlook.best_case
        charge, discharge = np.ones(count), np.ones(count)
        # Of an hour's mean temperature nothing follows for its quarters, so that a bound by the
        # hour leaves the cold out.
        same = outlook.grid.step_hours <= outlook.run.step_hours
        sky = outlook.sky(self.node)
        if sky is not None and (same or not best):
            cells = self._cells(sky.t_air)
            charge = np.maximum(0.0 if best else 0.05, np.interp(cells, _COLD, _CHARGE))
            discharge = np.interp(cells, _WARM, _DISCHARGE)
        found = {
            "charge_limit": charge[None, :],
            "discharge_limit": discharge[None, :],
            "efficiency": np.full((1, count), self.efficiency_best),
            # Of a store that stood part of an hour a bound by the hour lets nothing be lost.
            "keep": np.full((1, count), self.keep if same or not best else 1.0),
        }
        bends = self._bends(_FINE_TOUCH if best else _TOUCH)
        return found | {name: np.full((1, count), n) for name, n in bends.items()}

    def _bends(self, touches: Sequence[float]) -> dict[str, float]:
        """Return where tangents of the loss curves meet [1 of p_nom], and how much worse each is.

        The latter is what the next tangent loses more of each MWh [1]. Losses grow with the square
        of the power, so that tangents never overstate them, and a bound may use them.
        """
        touch = np.array(touches)
        falls = _FALLS * (self.efficiency_best - self.efficiency)
        at = self.efficiency_best - falls * touch
        curves = {
            "in": (touch * at, at - falls * touch),
            "out": (touch / at, self.efficiency_best / at**2),
        }
        found: dict[str, float] = {}
        for way, (value, slope) in curves.items():
            meet = np.diff(value - slope * touch)
            change = np.diff(slope)
            for k in range(len(touch) - 1):
                bends = abs(float(change[k])) > 0.0
                found[f"bend_{way}_{k}"] = float(-meet[k] / change[k]) if bends else 1.0
                found[f"worse_{way}_{k}"] = abs(float(change[k]))
        return found

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return the stored energy, how far it may fall, and what it is worth at the end."""
        worth = np.zeros((1, len(horizon.grid)))
        worth[0, -1] = horizon.worth_of(self.name, horizon.end_price * self.efficiency)
        energy = float(readings["energy"])
        # At its floor, with nothing to charge from, a store still loses by standing. A bound lets
        # it have been there from the first step on.
        stands = self.keep ** np.cumsum(horizon.grid.hours)
        resting = (min(energy, self.e_floor) if horizon.exact else energy) * stands
        lowest = np.minimum(self.e_floor, resting)[None, :]
        doubtful = np.full(len(horizon.grid), self.e_floor)
        if horizon.doubt is not None:
            doubtful = doubtful + np.minimum(
                horizon.doubt * _DOUBTFUL / self.efficiency, _MOST_KEPT * self.e_nom
            )
        exposed = horizon.exposed
        held = np.ones(len(horizon.grid)) if exposed is None else exposed.astype(float)
        reserve = np.maximum(self.e_reserve * held, self._kept(horizon))
        wanted = np.maximum(reserve, doubtful)[None, :]
        short_price = np.where(reserve >= doubtful, self.price_reserve, _PRICE_OF_DOUBT)[None, :]
        signals = {"end_value": worth, "lowest": lowest}
        signals |= {"wanted": wanted, "short_price": short_price}
        return Inputs(signals, {"energy": np.array([energy])})

    def _kept(self, horizon: Horizon) -> Floats:
        """Return the energy that a reserve called by the grid needs to last [MWh], (N,)."""
        power = horizon.kept.get(self.name, np.zeros(len(horizon.grid)))
        energy = self.e_floor + power * horizon.lasts / self.efficiency
        return np.where(power > 0.0, np.minimum(energy, self.e_ceiling), 0.0)

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the power, what a stored MWh is worth to a local controller, what cells allow.

        charge_most, discharge_most: [MW], as their temperature lets them.
        """
        columns = step.columns
        p = float(columns["discharge"][0] - columns["charge"][0]) / step.hours
        worth = -float(step.worth["balance"][0])
        return {
            "p": p,
            "worth": worth,
            "efficiency": self.efficiency,
            "wear": self.wear_cost,
            "charge_most": float(step.upper["charge"][0]) / step.hours,
            "discharge_most": float(step.upper["discharge"][0]) / step.hours,
        }

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return power [MW], stored energy [MWh] and state of charge [1] as planned."""
        energy = amounts["energy"][0]
        p = (amounts["discharge"][0] - amounts["charge"][0]) / hours
        return {"p": p, "energy": energy, "soc": energy / self.e_nom}

    def by_rule(self, readings: Readings, view: RuleView) -> dict[str, float]:
        """Return the band of import the local controller is to hold.

        Surplus is stored; a low price fills the store up to a mark, a high price empties
        it, and the target holds always.
        """
        if view.band == "high":
            return {"low": 0.0, "high": 0.0}
        if view.band == "low" and float(readings["soc"]) < view.fill:
            return {"low": view.target, "high": view.target}
        return {"low": 0.0, "high": view.target}

    def end_cost(self, readings: Readings, end_price: float) -> float:
        """Return less for what is stored [CNY], as a plan's last step values it."""
        return -float(readings["energy"]) * self.efficiency * end_price

    def steered(self) -> Sequence[Steered]:
        """Return its power: asked before anyone else."""
        return (Steered("p", "p", 1, -self.p_nom, self.p_nom, turn=-1.0, stores=True),)

    def device(self, truth: Outlook, random: np.random.Generator) -> BatteryDevice:
        """Return the battery as it behaves."""
        del random
        sky = truth.sky(self.node)
        t_air = None if sky is None else sky.t_air
        return BatteryDevice(self, None if t_air is None else self._cells(t_air))

    def _cells(self, t_air: Floats) -> Floats:
        return self.room_temperature + self.room_leak * (t_air - self.room_temperature)


class BatteryDevice:
    """The simulated battery: limits by temperature and state of charge, losses by load, ageing."""

    def __init__(self, battery: Battery, cells: Floats | None) -> None:
        self._b = battery
        self._charge = None if cells is None else per_step(np.interp(cells, _COLD, _CHARGE))
        self._discharge = None if cells is None else per_step(np.interp(cells, _WARM, _DISCHARGE))
        self.capacity = battery.e_nom
        self.energy = battery.start * battery.e_nom
        self.p = 0.0
        self.costs = {"wear": 0.0}
        self._index = 0
        self._before = self.energy
        self._capacity_before = self.capacity
        self._lost_before = 0.0
        self._lost = 0.0

    def read(self) -> dict[str, Any]:
        """Return power [MW], stored energy [MWh], state of charge [1] and capacity [MWh]."""
        soc = self.energy / self.capacity
        return {"p": self.p, "energy": self.energy, "soc": soc, "capacity": self.capacity}

    def account(self) -> Account:
        """Return what the conversion and standing lost, and what is stored."""
        return Account(lost=self._lost, held=self.energy)

    def limits(self, hours: float) -> tuple[float, float]:
        """Return the most it can charge and discharge in the present step [MW], both ≥ 0."""
        b, energy, capacity = self._b, self._before, self._capacity_before
        soc = energy / capacity
        # The battery's own controller tapers over the last tenth of the band at either end.
        up = min(1.0, max(0.0, (b.ceiling - soc) / 0.1 + 0.15)) if soc < b.ceiling else 0.0
        down = min(1.0, max(0.0, (soc - b.floor) / 0.1 + 0.15)) if soc > b.floor else 0.0
        if self._charge is not None and self._discharge is not None:
            up, down = up * self._charge[self._index], down * self._discharge[self._index]
        room = (b.ceiling * capacity - energy) / (hours * b.efficiency_best)
        held = (energy * b.keep**hours - b.e_floor) / hours
        held *= self._efficiency(min(b.p_nom, max(0.0, held)))
        return max(0.0, min(up * b.p_nom, room)), max(0.0, min(down * b.p_nom, held))

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Follow the set-point `p` as far as the cells allow; without one, rest."""
        del ports
        self._index, self._before = index, self.energy
        self._capacity_before, self._lost_before = self.capacity, self._lost
        self.p = 0.0
        self._settle(setpoints.get("p", 0.0), hours)
        return {"node": self.p}

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Discharge more (change > 0) or charge more (change < 0) within the same step."""
        del port
        before = self.p
        self._settle(before + change, hours)
        return self.p - before

    def _settle(self, p: float, hours: float) -> None:
        """Make `p` the step's mean power as far as the cells allow, also a second time."""
        b = self._b
        charge, discharge = self.limits(hours)
        if self.p > 0:
            self.costs["wear"] -= self.p * hours * b.wear_cost
        self.p = min(discharge, max(-charge, p))
        efficiency = self._efficiency(abs(self.p))
        inside = self.p / efficiency if self.p > 0 else self.p * efficiency
        self.energy = self._before * b.keep**hours - inside * hours
        # A cycle's throughput is twice its depth; a step's fade is far below what a plan sees.
        self.capacity = self._capacity_before * (1.0 - b.fade * abs(inside) * hours / (2 * b.e_nom))
        stood = self._before * (1.0 - b.keep**hours)
        self._lost = self._lost_before + stood + abs(inside - self.p) * hours
        if self.p > 0:
            self.costs["wear"] += self.p * hours * b.wear_cost

    def _efficiency(self, power: float) -> float:
        """Return the one-way efficiency [1]: best at low power, falling straight with load."""
        b = self._b
        return b.efficiency_best - _FALLS * (b.efficiency_best - b.efficiency) * power / b.p_nom
