"""A charging hub: vehicles come, say when they leave and what they need, and charge in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

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
from zeropark.data.arrivals import session_table
from zeropark.data.events import Cars
from zeropark.data.jobs import hours_since_1970
from zeropark.data.outlook import Outlook
from zeropark.data.sessions import (
    ExpectedSessions,
    SessionTable,
    arrived_sessions,
    draw_sessions,
    energy_left,
    expect_sessions,
)
from zeropark.formulation.block import Block, Limit, Rank
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Inputs
from zeropark.formulation.queue import Work, envelopes, most_at_once, split_by_laxity
from zeropark.model.asset import ElectricityUse, Name, Point, ShownLabel
from zeropark.model.series import Day
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid
from zeropark.units.types import Duration, Energy, EnergyPrice, Power, Ratio, Share

_NOTHING = 1e-9  # [MWh]
_SOON = 1e-6  # [h]
_EXACT = 1e-12  # [MW]
_AT_LEAST = 0.25  # [h] what a car that stays past its stated departure is given
_NO_CONNECTOR = Text(
    "visit '{visit}' charges at connector '{given}', which the hub does not have; it has: {known}",
    "访问类型“{visit}”使用的充电接口“{given}”不存在；现有：{known}",
)


class Connector(BaseModel):
    """A type of connector and how many there are."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    count: Annotated[int, Field(ge=1, le=10_000, title="数量", description="how many there are")]
    p_nom: Annotated[Power, Field(gt=0, title="额定功率", description="most one gives, at the car")]


class Visit(BaseModel):
    """A sort of visit: how often, when, how long and for how much energy vehicles come."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    label: ShownLabel = None
    connector: Annotated[Name, Field(title="充电接口", description="type of connector it uses")]
    weekday: Annotated[Ratio, Field(ge=0, title="工作日次数", description="visits on a workday")]
    restday: Annotated[
        Ratio, Field(ge=0, title="休息日次数", description="visits on a rest day")
    ] = 0.0
    arrivals: Annotated[
        Day, Field(title="到达分布", description="arrivals by hour of the local day, relative")
    ]
    stay: Annotated[Duration, Field(gt=0, le=24, title="停留时间", description="median stay")]
    stay_spread: Annotated[
        Share, Field(title="停留离散度", description="standard deviation of the stay's logarithm")
    ] = 0.4
    energy: Annotated[Energy, Field(gt=0, title="电量需求", description="median energy asked for")]
    energy_spread: Annotated[
        Share, Field(title="电量离散度", description="standard deviation of the energy's logarithm")
    ] = 0.5
    p_max: Annotated[Power, Field(gt=0, title="车辆最大功率", description="most the vehicle takes")]
    early: Annotated[
        Share, Field(title="提前离开比例", description="share that leaves before the stated time")
    ] = 0.1

    @property
    def hourly(self) -> Floats:
        """Weights of the hours of the local day, sum 1, shape (24,)."""
        weights = np.array(self.arrivals)
        return np.asarray(weights / max(1e-12, float(weights.sum())))


class EvHub(Kind):
    """Connectors behind one limit, planned as one queue, handed back per session [MWh per step].

    settled[t] = settled[t-1] + charge[t] + short[t], latest ≤ settled ≤ earliest (the curves of all
    plugged and expected cars, see `formulation.queue`); charge ≤ p_nom · h; electricity = charge /
    efficiency. cost = price_unserved · short. A plan has each car ready by a share of its stay
    that every car of the past stayed, where it can be: some leave before the stated time. A
    split by least laxity keeps a plan open for every car. In the plant: sessions by chance or from
    a file, cars that leave before or after the stated time, efficiency by load, and a taper as a
    battery fills.
    """

    kind: ClassVar[str] = "ev_hub"
    title: ClassVar[Text] = Text("Charging hub", "充电站")
    order: ClassVar[int] = 15
    takes: ClassVar[Mapping[str, str]] = {"cars": "arrivals"}
    points: ClassVar[tuple[Point, ...]] = (
        Point("p", "MW", Text("electric power, use +", "用电功率")),
        Point("charge", "MW", Text("power into the cars", "充入车辆功率"), writable=True),
        Point("cars", "1", Text("cars plugged in", "在充车辆数")),
        Point("asked", "MWh", Text("energy still asked for", "剩余充电需求")),
        Point("served_total", "MWh", Text("energy served since the start", "累计充电量")),
        Point("short_total", "MWh", Text("energy cars left without", "累计未满足电量")),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        "arrived": Limit(Text("all cars charge as fast as they can", "在站车辆全速充电")),
        "deadline": Limit(
            Text("must charge now to be ready at departure", "须现在充电才能按时充满")
        ),
        "short": Limit(Text("cars that leave with less than asked", "离站时未充满")),
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - kind: ev_hub
        name: hub
        node: bus
        p_nom: 0.5 MW
        connectors:
          - {name: ac, count: 20, p_nom: 7 kW}
          - {name: dc, count: 4, p_nom: 120 kW}
        visits:
          - {name: staff, connector: ac, weekday: 25, restday: 6, stay: 6.2 h, energy: 15 kWh,
             p_max: 7 kW,
             arrivals: [0, 0, 0, 0, 0, 0, 1, 5, 8, 4, 2, 1, 1, 1, 1, 1, 1, 1, 2, 3, 1, 0, 0, 0]}
          - {name: trucks, connector: dc, weekday: 8, restday: 4, stay: 1.5 h, energy: 90 kWh,
             p_max: 120 kW,
             arrivals: [1, 1, 1, 1, 1, 2, 4, 4, 3, 2, 3, 4, 4, 3, 2, 2, 2, 3, 4, 4, 3, 2, 1, 1]}
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    p_nom: Annotated[
        Power, Field(gt=0, title="总功率上限", description="most all connectors take together")
    ]
    connectors: Annotated[
        tuple[Connector, ...],
        Field(min_length=1, title="充电接口", description="types of connector"),
    ]
    visits: Annotated[tuple[Visit, ...], Field(title="访问类型", description="sorts of visit")] = ()
    efficiency: Annotated[
        Share, Field(gt=0, title="充电效率", description="meter to car, in ordinary use")
    ] = 0.94
    efficiency_best: Annotated[
        Share, Field(gt=0, title="最高充电效率", description="meter to car, at full load")
    ] = 0.955
    taper: Annotated[
        Share,
        Field(
            lt=1, title="涓流段", description="last share of a session in which the car takes less"
        ),
    ] = 0.1
    price_unserved: Annotated[
        EnergyPrice,
        Field(ge=0, title="失供价格", description="cost of energy a car leaves without"),
    ] = 3_000.0

    @model_validator(mode="after")
    def _visits_find_connectors(self) -> EvHub:
        known = [connector.name for connector in self.connectors]
        for visit in self.visits:
            if visit.connector not in known:
                raise refusal(
                    "connector_unknown",
                    _NO_CONNECTOR,
                    field="visits",
                    visit=visit.name,
                    given=visit.connector,
                    known=", ".join(known),
                )
        return self

    @property
    def sure_rate(self) -> float:
        """Share of a car's rate that holds to the end of a session, its taper included [1]."""
        # A last share that tapers from full rate to 0.3 of it takes ln(1/0.3)/0.7 = 1.72 times as
        # long as at full rate.
        return 1.0 / (1.0 + 0.72 * self.taper)

    def efficiency_at(self, load: Any) -> Any:
        """Return meter to car [1] at a load [1 of p_nom]: best at full load, falling straight."""
        return self.efficiency_best - 2.0 * (self.efficiency_best - self.efficiency) * (1.0 - load)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield how charging and what cars leave without add up to what is settled."""
        charge = m.flow("charge", upper=m.signal("limit"), means="rating")
        short = m.slack("short", Rank.COMFORT)
        # What is short settles too, so that the curves hold from the first step on.
        settled = m.state(
            "settled",
            lower=m.signal("latest"),
            upper=m.signal("earliest"),
            means="arrived",
            means_low="deadline",
            opens=False,
        )
        owed = m.once("owed", lower=m.figure("owed"), upper=m.figure("owed"))
        lost = m.once("lost", lower=m.figure("lost"), upper=m.figure("lost"))

        yield "settled", settled == settled.before + charge + short

        # No rule needs it: it goes to the set-points as it is.
        m.signal("sure_stay")
        m.into("node", charge * (-1.0 / m.signal("efficiency")))
        m.cost("unserved", short * m["price_unserved"])
        m.cost("unserved", lost * m["price_unserved"])
        # What is short is no more owed: only what is still to be charged costs energy later.
        m.cost("ends", (charge + short) * (-1.0 * m.signal("end_value")))
        m.cost("ends", owed * m.figure("owed_price"))

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return the efficiency to be expected [1]."""
        efficiency = self.efficiency_best if outlook.best_case else self.efficiency
        return {"efficiency": np.full((1, len(outlook.grid)), efficiency)}

    # -- what is known ----------------------------------------------------------------------------

    def draw(self, outlook: Outlook, random: np.random.Generator) -> SessionTable:
        """Return sessions that come over the outlook's grid by chance."""
        names = [connector.name for connector in self.connectors]
        visits = [(visit, names.index(visit.connector)) for visit in self.visits]
        connectors = [(connector.count, connector.p_nom) for connector in self.connectors]
        return draw_sessions(visits, connectors, outlook.grid, random)

    def from_rows(self, file: str, rows: Cars, drawn: SessionTable, run: TimeGrid) -> SessionTable:
        """Return a person's sessions; a car is at the connector it names, or the slowest enough."""
        kinds = [(connector.name, connector.p_nom) for connector in self.connectors]
        return session_table(file, rows, kinds, drawn, run)

    def expect(self, table: SessionTable, ahead: TimeGrid) -> ExpectedSessions:
        """Return what the arrivals before `ahead` let expect on it."""
        return expect_sessions(table, ahead)

    def arrived(self, table: SessionTable, grid: TimeGrid) -> ExpectedSessions:
        """Return the sessions that truly charge on `grid`."""
        return arrived_sessions(table, grid)

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return the two curves of all cars, and what unserved energy costs at the end."""
        now = float(hours_since_1970(horizon.grid.start))
        hours = horizon.grid.hours
        ends = np.cumsum(hours)
        expected: ExpectedSessions | None = horizon.expected.get(self.name)
        known = expected is not None and expected.true
        work: Work = readings["sessions"]
        if expected is not None:
            coming = ahead_of(expected, now)
            work = coming if known else work.join(coming)
        there = float(work.amount.sum())
        if known:
            # Who leaves after the run is owed what he lacks then; the run need not prepare for it.
            after = np.where(work.deadline > ends[-1] + _SOON, np.inf, work.deadline)
            work = replace(work, deadline=after)
        sure = 1.0 if known or expected is None else expected.sure_stay
        work = ready_in_time(work, sure).servable()
        latest, earliest = envelopes(work, 1, ends)
        price = horizon.end_price / self.efficiency
        servable = float(work.amount.sum())
        limit = np.minimum(self.p_nom * hours, most_at_once(work, work.deadline, 1, ends))
        # No step can be more efficient than one in which all cars charge as fast as they can.
        load = limit / (self.p_nom * np.where(hours > 0, hours, 1.0))
        best = {"efficiency": self.efficiency_at(load)} if known and horizon.exact else {}
        return Inputs(
            signals={
                **best,
                "latest": latest,
                "earliest": earliest,
                "limit": limit,
                "end_value": np.full((1, len(ends)), price),
                "sure_stay": np.full((1, len(ends)), sure),
            },
            figures={
                "settled": np.zeros(1),
                "owed": np.array([servable]),
                "owed_price": np.array([price]),
                "lost": np.array([there - servable]),
            },
        )

    # -- set-points -------------------------------------------------------------------------------

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the power into all cars together [MW], and by when each is to be ready [1]."""
        charge = float(step.columns["charge"][0]) / step.hours
        return {"charge": charge, "sure_stay": float(step.signal("sure_stay")[0])}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return the power into the cars [MW], what is served and short [MWh], as planned."""
        charge, short = amounts["charge"][0], amounts["short"][0]
        return {
            "charge": charge / np.where(hours > 0, hours, 1.0),
            "served_total": np.cumsum(charge),
            "short_total": np.cumsum(short) + amounts["lost"][0],
        }

    def by_rule(self, readings: Readings, view: RuleView) -> dict[str, float]:
        """Return full power in a good hour, else none; the hub itself charges what cannot wait."""
        del readings
        return {"charge": self.p_nom if view.good_hour else 0.0}

    def split(self, charge: float, sessions: Work, hours: float) -> Floats:
        """Return the power of each session [MW] that makes up `charge` [MW] over `hours` [h].

        What must be charged now to be met comes first, then the least laxity. One that arrives
        within the step has what is left of it.
        """
        left = np.maximum(0.0, hours - sessions.begin)
        must = float(self.must(sessions, hours).sum())
        total = min(max(charge * hours, must), self.p_nom * hours)
        shares = split_by_laxity(total, sessions.amount, sessions.rate, sessions.laxity, left)
        return np.asarray(shares / hours)

    def must(self, sessions: Work, hours: float) -> Floats:
        """Return what each session must take within `hours` [h] to be met by its time [MWh]."""
        left = np.maximum(0.0, hours - sessions.begin)
        late = np.clip(left - sessions.laxity, 0.0, np.minimum(left, sessions.length))
        return np.asarray(sessions.rate * late)

    def powers(self, setpoints: Mapping[str, float], sessions: Work, hours: float) -> Floats:
        """Return the power of each session [MW] that a step's set-points ask for."""
        sessions = ready_in_time(sessions, setpoints.get("sure_stay", 1.0))
        return self.split(setpoints.get("charge", self.p_nom), sessions, hours)

    def tally(self, readings: Readings) -> dict[str, float]:
        """Return the energy served and the energy cars left without [MWh]."""
        served, short = float(readings["served_total"]), float(readings["short_total"])
        return {"ev_served_mwh": served, "ev_short_mwh": short}

    def end_cost(self, readings: Readings, end_price: float) -> float:
        """Return what it costs to serve the cars that are still there after the run [CNY]."""
        return float(readings["owed"]) * end_price / self.efficiency

    def steered(self) -> Sequence[Steered]:
        """Return its charging power: cars wait before anything is curtailed."""
        return (
            Steered("charge", "charge", -1, 0.0, self.p_nom, rest=self.p_nom, caps=True, turn=-0.5),
        )

    def device(self, truth: Outlook, random: np.random.Generator) -> HubDevice:
        """Return the hub with the sessions that truly come, or with some made by chance."""
        table = truth.tables.get(self.name)
        if table is None:
            table = self.draw(truth, random)
        return HubDevice(self, table, truth.grid)


def ahead_of(expected: ExpectedSessions, now: float) -> Work:
    """Return the expected pieces that come after `now`, or all true ones, as work from now on."""
    some = expected.arrival > (-np.inf if expected.true else now)
    return Work(
        np.zeros(int(some.sum()), dtype=np.intp),
        expected.amount[some],
        expected.rate[some],
        expected.arrival[some] - now,
        expected.deadline[some] - now,
    )


def ready_in_time(work: Work, share: float) -> Work:
    """Return cars that are to be ready by a `share` of their stay [1], where they can be.

    One that cannot has until it could be ready, and none has longer than it stays.
    """
    careful = work.arrival + share * (work.deadline - work.arrival)
    careful = np.maximum(careful, work.begin + work.length)
    return replace(work, deadline=np.minimum(work.deadline, careful))


class HubDevice:
    """The simulated hub: splits its set-point among the cars that are there.

    Without a set-point all charge as fast as they can. A car that would miss its stated departure
    is charged whatever the set-point says, within the hub's limit.
    """

    def __init__(self, hub: EvHub, table: SessionTable, grid: TimeGrid) -> None:
        self._hub = hub
        self._starts = per_step(hours_since_1970(grid.starts))
        end = float(hours_since_1970(grid.end))
        self._clock = self._starts[0]
        left = energy_left(table, self._clock)
        mine = (table.departure > self._clock) & (left > _NOTHING) & (table.arrival < end)
        table, left = table.some(mine), left[mine]
        self._arrival, self._departure, self._stated = table.arrival, table.departure, table.stated
        self._rate, self._left, self._asked = table.rate, left, left.copy()
        self._power = np.zeros(len(left))
        self._come = 0
        self._there = np.zeros(0, dtype=np.intp)
        self._hours = 0.0
        self.p = self.charge = 0.0
        self.served = self.short = self._lost = 0.0
        self._costs = {"unserved": 0.0}

    @property
    def costs(self) -> Mapping[str, float]:
        """What cars left without has cost [CNY]."""
        self._close()
        return self._costs

    def account(self) -> Account:
        """Return what went into cars and into heat."""
        self._close()
        return Account(lost=self._lost)

    def sessions(self) -> dict[str, Floats]:
        """Return of each car: arrival, stated departure [h since 1970], left [MWh], power [MW]."""
        there = self._there
        return {
            "arrival": self._arrival[there],
            "stated": self._stated[there],
            "left": self._left[there],
            "power": self._power[there],
        }

    def read(self) -> dict[str, Any]:
        """Return power [MW], cars, energies [MWh], and the sessions as work until they leave."""
        self._close()
        work = self._work()
        return {
            "p": self.p,
            "charge": self.charge,
            "cars": len(self._there),
            "asked": float(work.amount.sum()),
            "served_total": self.served,
            "short_total": self.short,
            "sessions": work,
            "owed": self._owed(),
        }

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Charge the cars that are there."""
        del ports
        self._close()
        self._clock, self._hours = self._starts[index], hours
        work = self._work(within=hours)
        powers = self._hub.powers(setpoints, work, hours)
        self._settle(np.minimum(powers, self._most()))
        return {"node": -self.p}

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Charge less by up to `change` [MW at the meter] within the step, all cars alike."""
        del port, hours
        if self.p <= 0.0 or change <= 0.0:
            return 0.0
        before, charge = self.p, self.charge
        for _ in range(30):
            missing = before - change - self.p
            if abs(missing) < _EXACT or self.charge <= 0.0:
                break
            target = max(0.0, self.charge + missing * self._hub.efficiency)
            self._settle(self._power[self._there] * (target / self.charge))
        if self.charge > charge:
            self._settle(self._power[self._there] * (charge / self.charge))
        return before - self.p

    # -- within a step ----------------------------------------------------------------------------

    def _work(self, within: float = 0.0) -> Work:
        """Return what the cars still ask for that are there now, or come `within` [h]."""
        clock = self._clock
        come = int(np.searchsorted(self._arrival, clock + within + (-_SOON if within else _SOON)))
        if come > self._come:
            self._there = np.concatenate([self._there, np.arange(self._come, come)])
            self._come = come
        there = self._there
        arrival = self._arrival[there] - clock
        return Work(
            np.zeros(len(there), dtype=np.intp),
            self._left[there],
            self._rate[there] * self._hub.sure_rate,
            arrival,
            np.maximum(self._stated[there] - clock, np.maximum(arrival, 0.0) + _AT_LEAST),
        )

    def _most(self) -> Floats:
        """Return the most each car takes as mean of the step [MW]: less as it fills or leaves."""
        there, hours = self._there, self._hours
        left, rate = self._left[there], self._rate[there]
        if self._hub.taper > 0.0:
            filled = left / (self._hub.taper * self._asked[there])
            rate = rate * np.minimum(1.0, 0.3 + 0.7 * filled)
        come = np.maximum(self._arrival[there] - self._clock, 0.0)
        stays = np.clip(self._departure[there] - self._clock, 0.0, hours) - come
        return np.asarray(np.minimum(rate * np.maximum(stays, 0.0), left) / hours)

    def _settle(self, powers: Floats) -> None:
        self._power[self._there] = powers
        self.charge = float(powers.sum())
        self.p = self.charge / self._hub.efficiency_at(self.charge / self._hub.p_nom)

    def _close(self) -> None:
        """Make the step final, and count what those that left are short of."""
        hours = self._hours
        if hours == 0.0:
            return
        there = self._there
        self._left[there] -= self._power[there] * hours
        self.served += self.charge * hours
        self._lost += self.p * hours
        self._clock += hours
        self._hours = 0.0
        leave = self._departure[there] <= self._clock + _SOON
        if leave.any():
            missing = float(np.maximum(0.0, self._left[there[leave]]).sum())
            self.short += missing
            self._costs["unserved"] += missing * self._hub.price_unserved
            self._there = there[~leave]

    def _owed(self) -> float:
        """Return what the cars that came and are still there could yet be given [MWh]."""
        return float(self._left[self._there].sum())
