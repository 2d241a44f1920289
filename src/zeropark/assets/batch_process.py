"""A batch process: a load that follows a fixed course once it has begun."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    per_step,
)
from zeropark.assets.stockroom import local_hours
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit, Rank
from zeropark.formulation.linear import Linear, Rule
from zeropark.formulation.program import Inputs
from zeropark.formulation.queue import lag_each, ramps
from zeropark.formulation.value import Given
from zeropark.model.asset import ElectricityUse, Name, Point, ShownLabel
from zeropark.units.quantity import Unit
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid
from zeropark.units.types import Duration, Money, Powers, Ratio, Share

_DAY = 24.0
# A clock's rounding [h].
_CLOCK = 1e-6
# A part of a batch this small is the solver's, no beginning [1].
_PART = 1e-3
BatchPrice = Annotated[float, Unit("CNY/h")]
_TOO_LONG = Text(
    "a batch of {given} h is longer than window {window} of {length} h; allowed: duration ≤ until "
    "- begin; write a later until, which may pass 24 h",
    "一批 {given} h，长于时窗 {window} 的 {length} h；可用：duration ≤ until - begin；"
    "把 until 写晚些，可超过 24 h",
)
_TOO_MANY = Text(
    "window {window} asks for {given} batches, {machines} at a time; at most {most} fit into it "
    "with their changeover",
    "时窗 {window} 要求 {given} 批，同时最多 {machines} 批；连同换批时间最多 {most} 批",
)
_NOT_WHOLE = Text(
    "{given} is no whole number of {what}; write 1, 2, 3 …",
    "{given} 不是整数{what}；写 1、2、3 …",
)
_BATCHES, _MACHINES = Text("batches", "批数"), Text("machines", "台数")


def _whole(number: float, field: str, what: Text) -> None:
    if number != round(number):
        text = Text(
            _NOT_WHOLE.en.format(given=f"{number:g}", what=what.en),
            _NOT_WHOLE.zh.format(given=f"{number:g}", what=what.zh),
        )
        raise refusal("not_whole", text, field=field)


class BatchWindow(BaseModel):
    """So many batches a day between two times; each begins and ends inside."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    label: ShownLabel = None
    begin: Annotated[
        Duration,
        Field(ge=0, lt=24, title="窗口开始", description="time after local midnight it opens"),
    ]
    until: Annotated[
        Duration,
        Field(gt=0, le=72, title="窗口结束", description="time after the same midnight it closes"),
    ]
    batches: Annotated[
        Ratio, Field(ge=1, title="批数", description="batches that are to run in it, each day")
    ] = 1.0


class BatchProcess(Kind):
    """Batches of one fixed course of power, at most `machines` at a time, in windows of the day.

    begun[t] = begun[t-1] + begin[t], latest ≤ begun + late, begun ≤ earliest; power[t] = Σ_j p_j ·
    (begun[t - a_j] - begun[t - a_j+1]) + running[t] for pieces j from slot a_j on (a pulse response
    folded with starts, telescoped); begun[t] - begun[t - L - C] + busy[t] ≤ machines, L and C the
    slots of a batch and of its changeover. `begun` counts since the run began and is whole where
    the steps are equal and the pieces are whole steps; else it is the work done in batches, between
    its two curves at full power (`formulation.queue`). A batch that begins late costs price_late an
    hour. In the plant: a batch takes up to `spread` more than its course, and one that would miss
    its window begins whatever the set-point says, as soon as a machine is free; one whose power is
    cut is lost at price_lost and waits anew.
    """

    kind: ClassVar[str] = "batch_process"
    title: ClassVar[Text] = Text("Batch process", "批次工艺")
    order: ClassVar[int] = 26
    points: ClassVar[tuple[Point, ...]] = (
        Point(
            "target",
            "1",
            Text("batches that are to have begun since the start", "累计应开始批数"),
            writable=True,
        ),
        Point("p", "MW", Text("electric power used", "用电功率")),
        Point("at_work", "1", Text("batches at work", "在制批数")),
        Point("waiting", "1", Text("batches whose window is open", "待开始批数")),
        Point("begun", "1", Text("batches begun since the start", "累计开始批数")),
        Point("late", "1", Text("batches that begin too late for their window", "误窗批数")),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        "machines": Limit(Text("all machines at work", "设备全部占用"), "machine"),
        "opened": Limit(
            Text("all batches whose window is open have begun", "开窗批次均已开始"), "batch"
        ),
        "window": Limit(
            Text("must begin now to end in its window", "须现在开始才能按窗完成"), "batch"
        ),
        "late": Limit(Text("batches that miss their window", "批次误窗"), "batch"),
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 9 MW, tariff: simple}
      - kind: batch_process
        name: formation
        node: bus
        course: 0.6 0.3 MW
        duration: 2 h
        changeover: 30 min
        machines: 2
        windows: [{name: day, begin: 6 h, until: 20 h, batches: 3}]
    """

    node: Annotated[
        ElectricityUse, Field(title="用电节点", description="node it takes electricity from")
    ]
    course: Annotated[
        Powers,
        Field(min_length=1, title="功率过程", description="power through a batch, in equal pieces"),
    ]
    duration: Annotated[
        Duration, Field(gt=0, title="批次时长", description="how long a batch takes")
    ]
    changeover: Annotated[
        Duration, Field(ge=0, title="换批时间", description="pause of a machine after a batch")
    ] = 0.0
    machines: Annotated[
        Ratio, Field(ge=1, title="设备数", description="most batches at work at a time")
    ] = 1.0
    windows: Annotated[
        tuple[BatchWindow, ...], Field(min_length=1, title="时窗", description="batches of a day")
    ]
    price_late: Annotated[
        BatchPrice, Field(ge=0, title="误窗价格", description="cost of a batch an hour late")
    ] = 2_000.0
    price_lost: Annotated[
        Money, Field(ge=0, title="损批成本", description="cost of a batch that loses its power")
    ] = 20_000.0
    spread: Annotated[
        Share, Field(title="离散度", description="most a batch takes above its course")
    ] = 0.05

    @model_validator(mode="after")
    def _batches_fit(self) -> BatchProcess:
        _whole(self.machines, "machines", _MACHINES)
        for i, window in enumerate(self.windows):
            _whole(window.batches, f"windows.{i}.batches", _BATCHES)
            length = window.until - window.begin
            if self.duration > length + _CLOCK:
                raise refusal(
                    "batch_too_long",
                    _TOO_LONG,
                    field=f"windows.{i}.until",
                    given=f"{self.duration:g}",
                    window=window.name,
                    length=f"{length:g}",
                )
            each = 1 + math.floor(
                (length - self.duration) / (self.duration + self.changeover) + 1e-9
            )
            if window.batches > each * self.machines:
                raise refusal(
                    "window_too_full",
                    _TOO_MANY,
                    field=f"windows.{i}.batches",
                    window=window.name,
                    given=f"{window.batches:g}",
                    machines=f"{self.machines:g}",
                    most=f"{each * self.machines:g}",
                )
        return self

    # -- what a batch is ---------------------------------------------------------------------------

    @property
    def energy(self) -> float:
        """Electricity of a batch [MWh]."""
        return math.fsum(self.course) * self.duration / len(self.course)

    @property
    def full_hours(self) -> float:
        """How long a batch would take at its highest power [h]."""
        return self.energy / max(self.course) if self.energy > 0.0 else 0.0

    def slots(self, hours: float) -> int:
        """Return how many steps of `hours` [h] a batch takes."""
        return max(1, math.ceil(self.duration / hours - _CLOCK))

    def pauses(self, hours: float) -> int:
        """Return how many steps of `hours` [h] a changeover takes."""
        return math.ceil(self.changeover / hours - _CLOCK)

    def fits(self, hours: float) -> bool:
        """Return whether each piece of the course is whole steps of `hours` [h]."""
        pieces = self.duration / len(self.course) / hours
        return abs(pieces - round(pieces)) < _CLOCK and round(pieces) >= 1

    def energy_between(self, begin: float, end: float) -> float:
        """Return the energy of a batch between two times after its beginning [h], [MWh]."""
        return float(self._done(np.array(end)) - self._done(np.array(begin)))

    def powers(self, hours: float) -> Floats:
        """Return the mean power of each step of `hours` [h] of a batch [MW], shape (L,)."""
        moments = np.arange(self.slots(hours) + 1, dtype=np.float64) * hours
        return np.asarray(np.diff(self._done(moments)) / hours, dtype=np.float64)

    def asked(self, begin: float, end: float) -> list[tuple[float, float, int]]:
        """Return (opens, last moment to begin, batches) of windows open between two times.

        All in local h since 1970, sorted by the last moment.
        """
        found = []
        for window in self.windows:
            days = np.arange(math.floor((begin - window.until) / _DAY), math.ceil(end / _DAY) + 1)
            for day in days.tolist():
                opens, closes = day * _DAY + window.begin, day * _DAY + window.until
                if opens >= begin - _CLOCK and opens < end - _CLOCK:
                    found.append((opens, closes - self.duration, round(window.batches)))
        return sorted(found, key=lambda each: each[1])

    def lookback(self, hours: float) -> int:
        """Return the slots of a batch and its changeover."""
        return self.slots(hours) + self.pauses(hours)

    # -- planned -----------------------------------------------------------------------------------

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield how batches begin, what power follows, and how many machines that takes."""
        step = float(m.layout.hours.min())
        processes = [part for _, _, part in m.members if isinstance(part, BatchProcess)]
        exact = m.layout.equal and all(each.fits(step) for each in processes)
        way = "" if exact else "flow_"
        begin = m.flow("begin", upper=m.signal(f"{way}limit"))
        begun = m.state(
            "begun", lower=m.figure("begun"), upper=m.signal(f"{way}earliest"), means="opened"
        )
        late = m.slack("late", Rank.CONTRACT)
        owed = m.once("owed", lower=m.figure("owed"), upper=m.figure("owed"))
        fixed = m.signal("running")
        running = m.flow("running", lower=fixed, upper=fixed)
        yield "begun", begun == begun.before + begin
        yield "window", begun + late >= m.signal(f"{way}latest")
        if exact:
            m.whole(begun)
            use = _folded(begun, [each.powers(step) for each in processes]) * m.hours
            there = begun - lag_each(begun, [each.lookback(step) for each in processes])
            yield "machines", there <= m["machines"] - m.signal("busy")
        else:
            use = begin * m["energy"]
        m.into("node", -(use * m.signal("more")) - running)
        m.cost("unserved", late * m.signal("late_price"))
        m.cost("ends", begin * (-1.0 * m.signal(f"{way}credit")))
        m.cost("ends", owed)

    def signals(self, outlook: Outlook) -> dict[str, Floats]:
        """Return how much a batch is expected to take, as a share of its course [1]."""
        return {"more": np.full((1, len(outlook.grid)), self._more(best=outlook.best_case))}

    def _more(self, *, best: bool) -> float:
        return 1.0 if best else 1.0 + self.spread / 2.0

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return the curves of beginning, in batches and in work, and what runs already."""
        grid, price = horizon.grid, horizon.end_price
        hours = grid.hours
        now = float(local_hours(grid)[0])
        ends = np.cumsum(hours)
        windows = self.asked(now, now + float(ends[-1]))
        windows += [(now, now + last, 1) for last in readings["open"]]
        elapsed = np.asarray(readings["elapsed"], dtype=np.float64)
        begun = float(readings["begun"])
        there = (hours > 0).astype(float)
        inside = self._done(float(ends[-1]) - (ends - hours)) * price
        # What is at work goes on as its course says; its own surplus shows in its meter only.
        courses = self._done(elapsed[:, None] + np.concatenate([[0.0], ends]))
        left = float((self.energy - courses[:, -1]).sum()) + self.energy * sum(
            count for _, _, count in windows
        )
        signals = {
            "limit": self.machines * there,
            "flow_limit": self.machines * hours / max(self.full_hours, _CLOCK),
            **_counted(windows, now, ends, hours, begun),
            **self._flowing(windows, now, ends, begun),
            "running": np.diff(courses, axis=1).sum(axis=0),
            "busy": self._busy(elapsed, ends - hours, float(hours[0])),
            "late_price": self.price_late * hours,
            "credit": inside * there,
            "flow_credit": self.energy * price * there,
        }
        figures = {"begun": np.array([begun]), "owed": np.array([left * price])}
        return Inputs({name: values[None, :] for name, values in signals.items()}, figures)

    def _done(self, elapsed: Floats) -> Floats:
        """Return the energy of a batch up to `elapsed` [h] after its beginning [MWh]."""
        edges = np.linspace(0.0, self.duration, len(self.course) + 1)
        piece = self.duration / len(self.course)
        done = np.concatenate([[0.0], np.cumsum(self.course) * piece])
        return np.asarray(np.interp(elapsed, edges, done), dtype=np.float64)

    def _busy(self, elapsed: Floats, begins: Floats, step: float) -> Floats:
        """Return how many machines what runs already keeps in each step, shape (N,)."""
        step = step if step > 0.0 else 1.0
        free = self.lookback(step) * step - elapsed
        return np.asarray((free[:, None] > begins + _CLOCK).sum(axis=0), dtype=np.float64)

    def _flowing(
        self, windows: list[tuple[float, float, int]], now: float, ends: Floats, begun: float
    ) -> dict[str, Floats]:
        """Return the curves of work in batches, each at full power, early and late."""
        member = np.zeros(len(windows), dtype=np.intp)
        columns = np.array(windows, dtype=np.float64).reshape(-1, 3).T
        opens, last, count = np.maximum(0.0, columns[0] - now), columns[1] - now, columns[2]
        length = np.full(len(windows), self.full_hours)
        begins = np.maximum(opens, last + self.duration - self.full_hours)
        early = ramps(member, opens, length, count, 1, ends)[0]
        late = ramps(member, begins, length, count, 1, ends)[0]
        return {"flow_earliest": begun + early, "flow_latest": begun + np.minimum(late, early)}

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return how many batches are to have begun; one whose work is planned in part begins."""
        return {"target": float(np.ceil(step.columns["begun"][0] - _PART))}

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return the batches begun as planned."""
        del hours
        return {"begun": amounts["begun"][0]}

    def by_rule(self, readings: Readings, view: RuleView) -> dict[str, float]:
        """Return all that wait in a good hour, or where machines would not do for them later."""
        waiting, begun = float(readings["waiting"]), float(readings["begun"])
        if view.good_hour:
            return {"target": begun + waiting}
        rounds = math.ceil(waiting / self.machines) - 1
        later = rounds * (self.duration + self.changeover) + 1.0
        soon = [last for last in readings["open"] if last < later]
        return {"target": begun + (waiting if soon and rounds > 0 else 0.0)}

    def tally(self, readings: Readings) -> dict[str, float]:
        """Return the batches that began, and those that began too late."""
        return {
            "batches_begun": float(readings["begun"]),
            "batches_late": float(readings["late"]),
        }

    def end_cost(self, readings: Readings, end_price: float) -> float:
        """Return the electricity of what is at work or waits when a run ends [CNY]."""
        elapsed = np.asarray(readings["elapsed"], dtype=np.float64)
        left = float((self.energy - self._done(elapsed)).sum())
        return (left + len(readings["open"]) * self.energy) * end_price

    def device(self, truth: Outlook, random: np.random.Generator) -> BatchDevice:
        """Return the machines with batches whose true course chance decides."""
        return BatchDevice(self, truth.grid, random)


def _folded(begun: Linear, powers: list[Floats]) -> Linear:
    """Return the power [MW] that follows from batches begun, per member of its own course."""
    longest = max(len(each) for each in powers)
    padded = np.array([np.pad(each, (1, longest + 1 - len(each))) for each in powers])
    steps = np.diff(padded, axis=1)
    terms = [
        begun.lag(k) * Given(steps[:, k : k + 1]) for k in range(longest + 1) if steps[:, k].any()
    ]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _counted(
    windows: list[tuple[float, float, int]], now: float, ends: Floats, hours: Floats, begun: float
) -> dict[str, Floats]:
    """Return how many batches can and must have begun by each step, from its start on."""
    columns = np.array(windows, dtype=np.float64).reshape(-1, 3).T
    opens, last, count = columns[0] - now, columns[1] - now, columns[2]
    begins = (ends - hours)[:, None]
    early = begun + (opens <= begins + _CLOCK) @ count
    # What cannot wait for the start of the next step has to begin in this one.
    must = begun + (last < ends[:, None] - _CLOCK) @ count
    return {"earliest": early, "latest": np.minimum(must, early)}


@dataclass
class _Batch:
    """A batch at work or its machine at rest.

    elapsed: time since it began [h]. scale: what it takes, as a share of its course. last: the last
    moment it could begin [local h since 1970]. forced: whether it began because it had to.
    """

    elapsed: float
    scale: float
    last: float
    forced: bool = False


class BatchDevice:
    """The simulated machines: whole batches, each with a size of its own."""

    def __init__(self, process: BatchProcess, grid: TimeGrid, random: np.random.Generator) -> None:
        self._process = process
        self._random = random
        self._starts = per_step(local_hours(grid))
        end = self._starts[-1] + float(grid.hours[-1]) if self._starts else 0.0
        first = self._starts[0] if self._starts else 0.0
        self._coming = sorted(process.asked(first, end))
        self._now = first
        self._waiting: list[float] = []
        self._working: list[_Batch] = []
        self._new: list[_Batch] = []
        self._lost = 0
        self._asked = False
        self.begun = self.late = 0
        self.p = 0.0
        self._hours = 0.0
        self._used = self._due = 0.0
        self.flows: dict[str, float] = {}

    @property
    def costs(self) -> dict[str, float]:
        """What late and lost batches cost [CNY]."""
        lost = self._lost * self._process.price_lost
        return {"unserved": self._due + self._late_cost() + lost}

    def read(self) -> dict[str, Any]:
        """Return power [MW], batches by state, their times [h]."""
        now, p = self._now + self._hours, self._process
        elapsed = [b.elapsed + self._hours for b in (*self._working, *self._new)]
        occupied = p.lookback(self._hours) * self._hours if self._hours > 0.0 else 0.0
        return {
            "p": self.p,
            "at_work": float(sum(e < p.duration - _CLOCK for e in elapsed)),
            "waiting": float(len(self._waiting)),
            "begun": float(self.begun + len(self._new)),
            "late": float(self.late),
            "elapsed": tuple(e for e in elapsed if e < occupied - _CLOCK),
            "open": tuple(last - now for last in self._waiting),
        }

    def account(self) -> Account:
        """Return the electricity it used up."""
        return Account(lost=self._used + self.p * self._hours)

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Begin batches up to the set-point `target`, or all; and those that must."""
        del ports
        self._close()
        self._now, self._hours = self._starts[index], hours
        while self._coming and self._coming[0][0] <= self._now + _CLOCK:
            _, last, count = self._coming.pop(0)
            self._waiting += [last] * count
        self._waiting.sort()
        free = round(self._process.machines) - len(self._working)
        target = setpoints.get("target")
        wanted = free if target is None else round(target) - self.begun
        self._asked = False
        while self._waiting and len(self._new) < free:
            must = self._waiting[0] < self._now + hours - _CLOCK
            if not must and len(self._new) >= wanted:
                break
            last = self._waiting.pop(0)
            scale = 1.0 + self._process.spread * float(self._random.random())
            self._new.append(_Batch(0.0, scale, last, forced=must))
        self._settle()
        return dict(self.flows)

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Put off batches that were to begin in this step and need not.

        Asked for power twice in a step, it lets batches at work be lost.
        """
        del hours
        before = self.p
        if port == "node" and change > 0.0 and self._asked:
            self._lose(change)
        self._asked = True
        while port == "node" and before - self.p < change - 1e-9 and self._new:
            if self._new[-1].forced:
                break
            self._waiting.insert(0, self._new.pop().last)
            self._settle()
        return before - self.p

    def _lose(self, change: float) -> None:
        """Cut the power of batches, the newest first, until `change` [MW] is free."""
        before = self.p
        for batches in (self._new, self._working):
            while batches and before - self.p < change - 1e-9:
                batch = batches.pop()
                self._lost += 1
                self._waiting.append(batch.last)
                # What a batch took before is used up; it counts as begun when it begins anew.
                self.begun -= batches is self._working
                self._settle()
        self._waiting.sort()

    def _close(self) -> None:
        """Make the step that is over final."""
        self._used += self.p * self._hours
        self._due += self._late_cost()
        self.begun += len(self._new)
        self.late += sum(batch.last < self._now - _CLOCK for batch in self._new)
        for batch in (*self._working, *self._new):
            batch.elapsed += self._hours
        occupied = self._process.lookback(self._hours) * self._hours if self._hours else 0.0
        both = [*self._working, *self._new]
        self._working = [batch for batch in both if batch.elapsed < occupied - _CLOCK]
        self._new, self.p = [], 0.0

    def _late_cost(self) -> float:
        late = sum(last < self._now + self._hours - _CLOCK for last in self._waiting)
        return late * self._hours * self._process.price_late

    def _settle(self) -> None:
        used = 0.0
        for batch in (*self._working, *self._new):
            done = self._process.energy_between(batch.elapsed, batch.elapsed + self._hours)
            used += batch.scale * done
        self.p = used / self._hours
        self.flows = {"node": -self.p}
