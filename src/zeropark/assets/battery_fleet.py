"""Many small batteries of a few makes: planned as pools that are alike, told one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from zeropark.assets.kind import Account, Floats, Horizon, Kind, PlannedStep, Readings, RuleView
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Inputs
from zeropark.model.asset import ElectricityNode, Name, Point, ShownLabel
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Energy, EnergyPrice, Power, Share

Indices = npt.NDArray[np.intp]
# By how much of the way from best to ordinary use the efficiency falls at full power [1].
_FALLS = 1.6
_NOTHING = 1e-12
_NO_BAND = Text(
    "{given} is not below ceiling {top}; allowed: floor < ceiling",
    "{given} 不低于 ceiling {top}；可用：floor < ceiling",
)
_ABOVE_BEST = Text(
    "make '{make}': efficiency {given} is above efficiency_best {best}; allowed: efficiency ≤ "
    "efficiency_best",
    "型号“{make}”：efficiency {given} 高于 efficiency_best {best}；可用：efficiency ≤ "
    "efficiency_best",
)
_TWICE = Text(
    "make '{make}' stands there twice; allowed: each name once. Add up the counts, or rename one",
    "型号“{make}”重复；每个名称只能出现一次。合并数量或改名",
)


class Make(BaseModel):
    """A make of battery and how many there are, all alike but for what is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    label: ShownLabel = None
    count: Annotated[int, Field(ge=1, le=100_000, title="数量", description="how many there are")]
    p_nom: Annotated[Power, Field(gt=0, title="额定功率", description="rated power of one")]
    e_nom: Annotated[Energy, Field(gt=0, title="额定容量", description="rated energy of one")]
    efficiency: Annotated[
        Share, Field(gt=0, title="单程效率", description="one-way efficiency in ordinary use")
    ] = 0.927
    efficiency_best: Annotated[
        Share, Field(title="最高单程效率", description="one-way efficiency at low power")
    ] = 0.935
    wear_cost: Annotated[
        EnergyPrice, Field(ge=0, title="损耗成本", description="wear per energy discharged")
    ] = 96.0
    start: Annotated[
        Share, Field(title="初始荷电状态", description="mean state of charge when a run begins")
    ] = 0.5
    spread: Annotated[
        Share,
        Field(
            title="初始荷电离散度",
            description="how far from it states lie, evenly up and down, within the band",
        ),
    ] = 0.0


@dataclass(frozen=True)
class _Half:
    """What the units of a make have alike; as empty ones, or as full ones."""

    p_nom: float
    e_floor: float
    e_ceiling: float
    efficiency: float
    efficiency_best: float
    wear_cost: float


class BatteryFleet(Kind):
    """Batteries of a few makes, two pools for each, set-points for each battery [MWh per step].

    A battery at state σ of its band can do what σ of a full one and 1 - σ of an empty one can
    together, so a make is Σσ full ones and Σ(1 - σ) empty ones, each pool one store: energy[t] =
    energy[t-1] · (1 - standing_loss)^(h/24) + efficiency · charge[t] - discharge[t] / efficiency,
    units · floor ≤ energy ≤ units · ceiling, charge and discharge ≤ units · p_nom · h. Every
    battery takes its share of both pools, which its own limits allow. Where all of a make are at
    one state that loses nothing but the order in which they are used; a bound plans each make as
    one store with all that is stored. In the plant: each battery by itself, efficiency by load.
    Proof: decision 0012. Round trip and wear: facts of the park base, section 7.
    """

    kind: ClassVar[str] = "battery_fleet"
    title: ClassVar[Text] = Text("Battery fleet", "分布式储能群")
    order: ClassVar[int] = 61
    role: ClassVar[str] = "store"
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("power, discharge +", "功率，放电为正"), writable=True),
        Point("energy", "MWh", Text("stored energy", "存储电量")),
        Point("soc", "1", Text("state of charge", "荷电状态")),
    )
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 5 MW, export_max: 5 MW, tariff: simple}
      - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
      - kind: battery_fleet
        name: cabinets
        node: bus
        makes:
          - {name: small, count: 40, p_nom: 5 kW, e_nom: 10 kWh, spread: 30 %}
          - {name: large, count: 10, p_nom: 50 kW, e_nom: 200 kWh, start: 30 %}
    """

    node: Annotated[
        ElectricityNode, Field(title="接入节点", description="node they store electricity of")
    ]
    makes: Annotated[
        tuple[Make, ...], Field(min_length=1, title="型号", description="makes of battery")
    ]
    standing_loss: Annotated[
        Share, Field(title="日自放电率", description="share of the stored energy lost in a day")
    ] = 0.001
    floor: Annotated[Share, Field(title="荷电下限", description="lowest state of charge")] = 0.1
    ceiling: Annotated[Share, Field(title="荷电上限", description="highest state of charge")] = 0.95

    @model_validator(mode="after")
    def _makes_sense(self) -> BatteryFleet:
        if self.floor >= self.ceiling:
            raise refusal(
                "floor_above_ceiling",
                _NO_BAND,
                field="floor",
                given=f"{self.floor:g}",
                top=f"{self.ceiling:g}",
            )
        names = [make.name for make in self.makes]
        for make in self.makes:
            if names.count(make.name) > 1:
                raise refusal("make_twice", _TWICE, field="makes", make=make.name)
            if make.efficiency > make.efficiency_best:
                raise refusal(
                    "efficiency_above_best",
                    _ABOVE_BEST,
                    field="makes",
                    make=make.name,
                    given=f"{make.efficiency:g}",
                    best=f"{make.efficiency_best:g}",
                )
        return self

    @property
    def e_nom(self) -> float:
        """Rated energy of all [MWh]."""
        return sum(make.count * make.e_nom for make in self.makes)

    @property
    def keep(self) -> float:
        """Share of the stored energy that remains after an hour [1]."""
        return float((1.0 - self.standing_loss) ** (1 / 24))

    @property
    def make_of(self) -> Indices:
        """Which make each battery is of, in the order of the makes, shape (batteries,)."""
        return np.repeat(np.arange(len(self.makes)), [make.count for make in self.makes])

    def each(self, field: str) -> Floats:
        """Return a make's number for each battery, shape (batteries,)."""
        numbers: Floats = np.array([float(getattr(make, field)) for make in self.makes])
        return numbers[self.make_of]

    def starts(self) -> Floats:
        """Return what each battery holds when a run begins [MWh], shape (batteries,)."""
        states = [
            make.start + make.spread * np.linspace(-1.0, 1.0, make.count)
            if make.count > 1
            else np.array([make.start])
            for make in self.makes
        ]
        within = np.clip(np.concatenate(states), self.floor, self.ceiling)
        return np.asarray(within * self.each("e_nom"))

    def members(self) -> Sequence[tuple[str, object]]:
        """Return two pools for each make, that of the empty ones first."""
        found = []
        for make in self.makes:
            half = _Half(
                make.p_nom,
                self.floor * make.e_nom,
                self.ceiling * make.e_nom,
                make.efficiency,
                make.efficiency_best,
                make.wear_cost,
            )
            found += [(f"{make.name}-empty", half), (f"{make.name}-full", half)]
        return found

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield the balance of each pool; in a bound a make is one pool."""
        what = "whole" if m.exact else "units"
        units, efficiency = m.figure(what), m.signal("efficiency")
        most = units * m["p_nom"] * m.hours
        charge = m.flow("charge", upper=most, means="rating")
        discharge = m.flow("discharge", upper=most, means="rating")
        energy = m.state(
            "all_energy" if m.exact else "energy",
            m.signal(f"lowest_{what}"),
            units * m["e_ceiling"],
            means="full",
            means_low="empty",
        )

        yield (
            "balance",
            energy
            == energy.before * m.signal("keep") ** m.hours
            + charge * efficiency
            - discharge / efficiency,
        )

        m.never_both(charge, discharge)
        m.into("node", discharge - charge)
        m.cost("wear", discharge * m["wear_cost"])
        m.cost("ends", energy * (-1.0 * m.signal("end_value")))

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return each pool's efficiency and what rests in an hour [1]."""
        best, count = outlook.best_case, len(outlook.grid)
        name = "efficiency_best" if best else "efficiency"
        one_way = [float(getattr(half, name)) for _, half in self.members()]
        # At its best nothing is lost by standing: a store that rests may fall below its floor.
        keep = 1.0 if best else self.keep
        return {
            "efficiency": np.repeat(np.array(one_way)[:, None], count, axis=1),
            "keep": np.full((len(one_way), count), keep),
        }

    # -- states -----------------------------------------------------------------------------------

    def fullness(self, energies: Floats) -> Floats:
        """Return where in its band each battery stands [1], within it, shape (batteries,)."""
        e_nom = self.each("e_nom")
        low, high = self.floor * e_nom, self.ceiling * e_nom
        return np.clip((energies - low) / (high - low), 0.0, 1.0)

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return how many units' worth each pool is, what it holds, and what that is worth."""
        energies = np.asarray(readings["energies"], dtype=float)
        makes, count = self.make_of, len(self.makes)
        full = np.bincount(makes, self.fullness(energies), count)
        number = np.bincount(makes, minlength=count).astype(float)
        held = np.bincount(makes, energies, count)
        in_full = full * self.ceiling * np.array([make.e_nom for make in self.makes])
        none = np.zeros(count)
        units = np.stack([number - full, full], axis=1).ravel()
        energy = np.stack([held - in_full, in_full], axis=1).ravel()
        whole = np.stack([none, number], axis=1).ravel()
        all_energy = np.stack([none, held], axis=1).ravel()
        resting = self.keep ** np.cumsum(horizon.grid.hours)
        worth = np.zeros((2 * count, len(horizon.grid)))
        worth[:, -1] = horizon.end_price * np.array([m.efficiency for m in self.makes]).repeat(2)
        e_floor = self.floor * np.array([make.e_nom for make in self.makes]).repeat(2)
        # At its floor and with nothing to charge from, a store still loses by standing.
        lowest = np.minimum((whole * e_floor)[:, None], all_energy[:, None] * resting)
        return Inputs(
            signals={
                "lowest_units": (units * e_floor)[:, None] - self._below(energies, resting),
                "lowest_whole": lowest,
                "end_value": worth,
            },
            figures={"units": units, "whole": whole, "energy": energy, "all_energy": all_energy},
        )

    def _below(self, energies: Floats, resting: Floats) -> Floats:
        """Return by how much each pool may fall below its floor [MWh], (pools, N).

        As much as those of its batteries do that are at their floors and rest, by their shares:
        others of the pool may not lean on them.
        """
        low, makes = self.floor * self.each("e_nom"), self.make_of
        near = np.flatnonzero(energies * resting[-1] < low)
        below = np.maximum(0.0, low[near, None] - energies[near, None] * resting)
        full = self.fullness(energies)[near]
        found = np.zeros((2 * len(self.makes), len(resting)))
        np.add.at(found, 2 * makes[near], (1.0 - full)[:, None] * below)
        np.add.at(found, 2 * makes[near] + 1, full[:, None] * below)
        return found

    # -- set-points -------------------------------------------------------------------------------

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the power of all, and of each pool [MW]; each battery takes its share of both."""
        power = (step.columns["discharge"] - step.columns["charge"]) / step.hours
        pools = {name: float(p) for (name, _), p in zip(self.members(), power, strict=True)}
        return {"p": float(power.sum()), **pools}

    def split(self, pools: Mapping[str, float], energies: Floats) -> Floats:
        """Return the power of each battery [MW] that makes up the pools' [MW], (batteries,)."""
        full, makes, count = self.fullness(energies), self.make_of, len(self.makes)
        power = np.array([pools.get(name, 0.0) for name, _ in self.members()]).reshape(-1, 2)
        found = np.zeros(len(full))
        for half, share in ((0, 1.0 - full), (1, full)):
            total = np.maximum(np.bincount(makes, share, count), _NOTHING)
            found += share * (power[:, half] / total)[makes]
        return found

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return power [MW], stored energy [MWh] and state of charge [1] as planned."""
        stored = amounts["all_energy"] if "all_energy" in amounts else amounts["energy"]
        energy = stored.sum(axis=0)
        flow = (amounts["discharge"] - amounts["charge"]).sum(axis=0)
        p = flow / np.where(hours > 0, hours, 1.0)
        return {"p": p, "energy": energy, "soc": energy / self.e_nom}

    def by_rule(self, readings: Readings, view: RuleView) -> dict[str, float]:
        """Return the band of import the local controller is to hold, as for one battery."""
        if view.band == "high":
            return {"low": 0.0, "high": 0.0}
        if view.band == "low" and float(readings["soc"]) < view.fill:
            return {"low": view.target, "high": view.target}
        return {"low": 0.0, "high": view.target}

    def end_cost(self, readings: Readings, end_price: float) -> float:
        """Return less for what is stored [CNY], as a plan's last step values it."""
        energies = np.asarray(readings["energies"], dtype=float)
        return -float(energies @ self.each("efficiency")) * end_price

    def device(self, truth: Outlook, random: np.random.Generator) -> FleetDevice:
        """Return the batteries as they behave."""
        del truth, random
        return FleetDevice(self)


class FleetDevice:
    """The simulated fleet: every battery keeps its own band and loses by its own load.

    Told the pools' powers each battery takes its share of them; told only `p` all share it by
    what they can. Without a set-point they rest.
    """

    def __init__(self, fleet: BatteryFleet) -> None:
        self._fleet = fleet
        self._p_nom, e_nom = fleet.each("p_nom"), fleet.each("e_nom")
        self._low, self._high = fleet.floor * e_nom, fleet.ceiling * e_nom
        self._best, self._wear = fleet.each("efficiency_best"), fleet.each("wear_cost")
        self._falls = _FALLS * (self._best - fleet.each("efficiency")) / self._p_nom
        self.energies = fleet.starts()
        self.powers = np.zeros(len(self.energies))
        self._before = self.energies
        self.costs = {"wear": 0.0}
        self._lost = self._lost_before = self._wear_before = 0.0

    @property
    def p(self) -> float:
        """Power of all [MW], discharge +."""
        return float(self.powers.sum())

    @property
    def energy(self) -> float:
        """Stored energy of all [MWh]."""
        return float(self.energies.sum())

    def read(self) -> dict[str, Any]:
        """Return power [MW], stored energy [MWh], state of charge [1]; and of each battery."""
        return {
            "p": self.p,
            "energy": self.energy,
            "soc": self.energy / self._fleet.e_nom,
            "energies": self.energies.copy(),
            "powers": self.powers.copy(),
        }

    def account(self) -> Account:
        """Return what the conversion and standing lost, and what is stored."""
        return Account(lost=self._lost, held=self.energy)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Follow the set-points as far as each battery can."""
        del index, ports
        self._before, self._lost_before = self.energies, self._lost
        self._wear_before = self.costs["wear"]
        self.powers = np.zeros(len(self.energies))
        pools = {name: setpoints[name] for name, _ in self._fleet.members() if name in setpoints}
        if pools:
            self._settle(self._fleet.split(pools, self._before), hours)
        else:
            self._settle(self._shared(setpoints.get("p", 0.0), hours), hours)
        return {"node": self.p}

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Discharge more (change > 0) or charge more (change < 0) within the same step."""
        del port
        before = self.p
        down, up = self.limits(hours)
        room = up - self.powers if change > 0 else self.powers + down
        total = float(room.sum())
        share = min(1.0, abs(change) / total) if total > _NOTHING else 0.0
        self._settle(self.powers + np.sign(change) * share * room, hours)
        return self.p - before

    def limits(self, hours: float) -> tuple[Floats, Floats]:
        """Return the most each can charge and discharge in the present step [MW], both ≥ 0."""
        keep = self._fleet.keep**hours
        room = (self._high - self._before) / (hours * self._best)
        held = np.maximum(0.0, (self._before * keep - self._low) / hours)
        held *= self._efficiency(np.minimum(self._p_nom, held))
        return np.clip(room, 0.0, self._p_nom), np.minimum(held, self._p_nom)

    def _shared(self, p: float, hours: float) -> Floats:
        """Return `p` [MW] shared by what each can."""
        down, up = self.limits(hours)
        most = up if p > 0 else -down
        total = float(most.sum())
        share = min(1.0, p / total) if abs(total) > _NOTHING else 0.0
        return np.asarray(most * share)

    def _settle(self, powers: Floats, hours: float) -> None:
        """Make `powers` the step's mean as far as each can, also a second time."""
        down, up = self.limits(hours)
        p = np.clip(powers, -down, up)
        efficiency = self._efficiency(np.abs(p))
        inside = np.where(p > 0, p / efficiency, p * efficiency)
        keep = self._fleet.keep**hours
        self.powers = p
        self.energies = self._before * keep - inside * hours
        stood = float(self._before.sum()) * (1.0 - keep)
        self._lost = self._lost_before + stood + float(np.abs(inside - p).sum()) * hours
        used = float(np.maximum(p, 0.0) @ self._wear)
        self.costs["wear"] = self._wear_before + used * hours

    def _efficiency(self, power: Floats) -> Floats:
        """Return the one-way efficiency of each [1]: best at low power, falling with load."""
        return np.asarray(self._best - self._falls * power)
