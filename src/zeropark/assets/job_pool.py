"""A pool of computing jobs: work that comes, waits as long as it may, and runs on cores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from zeropark.assets.job_queue import JobQueue
from zeropark.assets.kind import Floats, Horizon, Kind, PlannedStep, Readings, RuleView
from zeropark.data.arrivals import job_table
from zeropark.data.events import Jobs
from zeropark.data.jobs import (
    ExpectedJobs,
    JobTable,
    arrived_jobs,
    draw_jobs,
    expect_jobs,
    hours_since_1970,
)
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Limit, Rank
from zeropark.formulation.linear import Rule
from zeropark.formulation.program import Inputs
from zeropark.formulation.queue import Work, envelopes, lag_each, most_at_once, ramps, two_ramps
from zeropark.formulation.value import Given
from zeropark.model.asset import ComputeUse, Name, Point, ShownLabel
from zeropark.model.series import Day
from zeropark.units.quantity import Unit
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid
from zeropark.units.types import CorePrice, Cores, Duration, PowerPerCore, Ratio, Share

LatePrice = Annotated[float, Unit("CNY/core-h-h")]
# How fast the online demand forgets that it was above or below what was expected [h].
_MEMORY = 1.5
# A surprise of which less than this is left [1] is forgotten: a warm plan has less to move.
_HARDLY = 0.03
# A start is late only after its latest moment; a step that begins just then is still in time [h].
_JUST_AFTER = 1e-5
_NO_RUN_TIME = Text(
    "jobs that wait need a size; write `parallel` and `run_time`, or `online: true`",
    "可等待的作业要写明规模：parallel 与 run_time；在线服务写 online: true",
)


class JobClass(BaseModel):
    """Jobs of one sort: how much comes, how long it may wait, and whether it can be interrupted."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    label: ShownLabel = None
    mean: Annotated[Cores, Field(ge=0, title="平均占用核数", description="cores busy on average")]
    online: Annotated[
        bool, Field(title="在线服务", description="requests served as they come: no queue")
    ] = False
    parallel: Annotated[
        Cores, Field(ge=0, title="作业并行核数", description="most cores of a typical job")
    ] = 0.0
    run_time: Annotated[
        Duration, Field(ge=0, title="作业运行时间", description="run time of a typical job")
    ] = 0.0
    slack: Annotated[
        Duration,
        Field(
            ge=0, title="可等待时间", description="deadline = arrival + estimated run time + slack"
        ),
    ] = 0.0
    preemptible: Annotated[
        bool, Field(title="可中断", description="whether a job may pause and go on later")
    ] = False
    spread: Annotated[
        Share,
        Field(
            title="离散度",
            description="spread of run times about the typical one, or of online demand",
        ),
    ] = 0.5
    estimate: Annotated[
        Ratio,
        Field(
            ge=1,
            le=5,
            title="用户估计比",
            description="user's estimate over true run time, on average",
        ),
    ] = 1.2
    latency: Annotated[
        Duration | None, Field(title="时延要求", description="round trip the class allows")
    ] = None
    shape: Annotated[
        Day | None,
        Field(title="日内到达分布", description="arrivals by hour of the local day, relative"),
    ] = None

    @model_validator(mode="after")
    def _jobs_have_a_size(self) -> JobClass:
        if not self.online and (self.parallel <= 0 or self.run_time <= 0):
            raise refusal("job_size", _NO_RUN_TIME, field="run_time")
        return self

    @property
    def kcores(self) -> float:
        """Cores busy on average [kcore]."""
        return self.mean / 1e3

    @property
    def kcores_job(self) -> float:
        """Cores of a typical job [kcore]."""
        return self.parallel / 1e3

    @property
    def hourly(self) -> Floats:
        """Weights of the hours of the local day, mean 1, shape (24,)."""
        weights = np.ones(24) if self.shape is None else np.array(self.shape)
        return np.asarray(weights / weights.mean())

    def slots(self, hours: float) -> int:
        """Return how many slots of `hours` [h] a started job runs on: 1 where it may pause."""
        if self.preemptible or self.online:
            return 1
        return max(1, round(self.run_time / hours))


class JobPool(Kind):
    """A pool of job classes in front of the cores of one compute node [kcore-h per step].

    begun[t] = begun[t-1] + start[t], begun = settled - late, latest ≤ settled ≤ earliest (the
    class's two curves, see `formulation.queue`); run[t] = begun[t] - begun[t - L] + running[t],
    L = 1 where jobs may pause, else the typical run in slots: starts folded with a rectangle,
    telescoped. Online requests are a given part of `running` and have no columns. cost =
    price_late · late · h (a core-hour one hour late), and unfinished work at the end at the price
    of serving it later. In the plant: whole jobs, earliest deadline first, true run times, and a
    job that would miss its deadline starts whatever the set-point says.
    """

    kind: ClassVar[str] = "job_pool"
    title: ClassVar[Text] = Text("Job pool", "作业池")
    order: ClassVar[int] = 20
    takes: ClassVar[Mapping[str, str]] = {"jobs": "arrivals"}
    points: ClassVar[tuple[Point, ...]] = (
        Point("cores", "core", Text("cores in use", "占用核数")),
        Point("waiting", "core-h", Text("work waiting, as estimated", "等待中的计算量（估计）")),
        Point("done", "1", Text("jobs done since the start", "累计完成作业数")),
        Point("late", "1", Text("of them late", "其中逾期")),
        Point("forced", "1", Text("jobs started by latest start", "按最迟开始启动的作业数")),
    )
    limits: ClassVar[Mapping[str, Limit]] = {
        "parallel": Limit(Text("all its cores in use", "核数用满"), "kcore-h"),
        "arrived": Limit(Text("runs all that has come", "已到作业全部运行"), "kcore-h"),
        "deadline": Limit(
            Text("must run now to meet its deadline", "须现在运行才能按期完成"), "kcore-h"
        ),
        "late": Limit(Text("jobs that miss their deadline", "作业逾期"), "kcore-h"),
    }
    example: ClassVar[str] = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
      - kind: data_hall
        name: hall
        node: bus
        compute: it
        p_nom: 1.2 MW
        p_idle: 0.4 MW
        cores: 100000 core
      - kind: job_pool
        name: jobs
        node: it
        cores: 100000 core
        p_core: 10 W/core
        classes:
          - {name: online, mean: 20000 core, online: true}
          - {name: render, mean: 10000 core, parallel: 2000 core, run_time: 2 h, slack: 12 h}
          - {name: training, mean: 20000 core, parallel: 4000 core, run_time: 6 h, slack: 24 h,
             preemptible: true}
    """

    node: Annotated[ComputeUse, Field(title="算力节点", description="node whose cores it uses")]
    cores: Annotated[Cores, Field(gt=0, title="可用核数", description="most cores in use at once")]
    classes: Annotated[
        tuple[JobClass, ...], Field(min_length=1, title="作业类别", description="classes of jobs")
    ]
    p_core: Annotated[
        PowerPerCore,
        Field(
            ge=0,
            title="单核用电",
            description="electricity of a busy core, to price unfinished work",
        ),
    ] = 9e-6
    price_late: Annotated[
        LatePrice,
        Field(ge=0, title="逾期价格", description="cost of a core-hour being an hour late"),
    ] = 0.01
    price_unserved: Annotated[
        CorePrice,
        Field(ge=0, title="失供价格", description="cost of an online core-hour not served"),
    ] = 1.0

    @property
    def kcores(self) -> float:
        """Most cores in use at once [kcore]."""
        return self.cores / 1e3

    def members(self) -> Sequence[tuple[str, object]]:
        """Return the classes: each has rows of its own."""
        return [(each.name, each) for each in self.classes]

    def shown_points(self) -> Sequence[Point]:
        """Return the pool's points and the cores of each class."""
        return (
            *self.points,
            *(
                Point(f"{each.name}_cores", "core", self._cores_of(each.name), writable=True)
                for each in self.classes
            ),
        )

    def _cores_of(self, name: str) -> Text:
        label = self.shown_member(name)
        return Text(f"cores of {label.en}", f"{label.zh}占用核数")

    def lookback(self, hours: float) -> int:
        """Return the slots of the longest run that may not be interrupted."""
        return max(each.slots(hours) for each in self.classes)

    @staticmethod
    def rules(m: Block) -> Iterable[tuple[str, Rule]]:
        """Yield how starts add up, what runs by them, and the deadlines."""
        step = float(m.layout.hours.min())
        classes = [part for _, _, part in m.members if isinstance(part, JobClass)]
        lags = [each.slots(step) for each in classes]
        waits = np.array([not each.online for each in classes])
        whole = np.array([lag > 1 for lag in lags])
        fluid, given = m.figure("fluid"), m.signal("running")
        room = m.signal("run_limit") - given
        # What may not pause runs longer than the slot it starts in: a row holds it to its cores.
        most = m.signal("start_limit").least(room + Given(np.where(whole, np.inf, 0.0)[:, None]))
        start = m.flow("start", upper=most, means="parallel", where=waits)
        settled = m.state(
            "settled",
            m.signal("latest"),
            m.signal("earliest"),
            means="arrived",
            means_low="deadline",
            opens=False,
            where=waits,
        )
        late = m.slack("late", Rank.CONTRACT, where=waits)
        owed = m.once("owed", lower=m.figure("owed"), upper=m.figure("owed"))

        begun = settled - late
        yield "begun", (begun == begun.before + start).only(waits)
        runs_on = (begun - lag_each(begun, lags)) * (1.0 - fluid) * m.signal("length")
        run = start.only(~whole) + (runs_on + start * fluid).only(whole)
        yield "parallel", (run <= room).only(whole)

        m.into("node", -m.show("run", run + given))
        m.cost("unserved", late * (m.signal("late_price") * m.figure("work_per_start")))
        m.cost("ends", run * (-1.0 * m.signal("end_value") * m.open))
        m.cost("ends", owed * m.figure("owed_price"))

    # -- what is known ----------------------------------------------------------------------------

    def draw(self, outlook: Outlook, random: np.random.Generator) -> JobTable:
        """Return jobs that arrive over the outlook's grid by chance."""
        return draw_jobs(self.classes, outlook.grid, random)

    def from_rows(self, file: str, rows: Jobs, drawn: JobTable, run: TimeGrid) -> JobTable:
        """Return a person's jobs; those without a deadline have their class's slack."""
        return job_table(file, rows, self.classes, drawn, run)

    def expect(self, table: JobTable, ahead: TimeGrid) -> ExpectedJobs:
        """Return what the arrivals before `ahead` let expect on it."""
        return expect_jobs(self.classes, table, ahead)

    def arrived(self, table: JobTable, grid: TimeGrid) -> ExpectedJobs:
        """Return the jobs that truly come on `grid`."""
        return arrived_jobs(table, grid)

    def situation(self, readings: Readings, horizon: Horizon) -> Inputs:
        """Return the two curves of each class, what runs already, and what is left at the end."""
        now = float(hours_since_1970(horizon.grid.start))
        hours = horizon.grid.hours
        ends = np.cumsum(hours)
        expected: ExpectedJobs | None = horizon.expected.get(self.name)
        known = expected is not None and expected.true
        running: Work = readings["started"]
        waiting: Work = readings["queue"]
        fluid = known or not _even(hours)
        if expected is not None:
            coming = _ahead_of(expected, now, everything=known)
            if known and horizon.exact:
                # A pool looks for new jobs as a step begins: no policy runs them before.
                coming = replace(coming, arrival=_when_seen(coming.arrival, ends - hours, ends[-1]))
            running, waiting = self._split_by_start(running, waiting, coming, expected)
        step = float(hours[hours > 0].min()) if bool((hours > 0).any()) else 1.0
        latest, earliest = self._curves(waiting, ends, step, fluid=fluid, stated=known)
        online = self._online(readings, expected, now, ends, hours)
        given = self._run_on(running, ends) + online
        count = len(self.classes)
        signals = {
            "latest": latest,
            "earliest": earliest,
            "running": given,
            "length": np.tile((hours > 0).astype(float), (count, 1)),
            "start_limit": self._start_limit(waiting, ends, hours, fluid=fluid),
            "run_limit": np.maximum(self.kcores * hours, given),
            "late_price": np.tile(self.price_late * 1e3 * hours, (count, 1)),
            "end_value": np.full((count, len(ends)), self._end_value(horizon.end_price)),
        }
        there = waiting.join(running)
        # What is given is served for sure; of the rest the plan may leave some for later.
        owed = np.bincount(there.member, there.amount, count) + (online - given).sum(axis=1)
        slots = [1 if fluid else each.slots(step) for each in self.classes]
        figures = {
            "settled": np.zeros(count),
            "fluid": np.full(count, float(fluid)),
            "owed": owed,
            "owed_price": np.full(count, self._end_value(horizon.end_price)),
            "work_per_start": np.array(slots, dtype=float),
        }
        return Inputs(signals=signals, figures=figures)

    def _split_by_start(
        self, running: Work, waiting: Work, coming: Work, expected: ExpectedJobs
    ) -> tuple[Work, Work]:
        """Return (running, waiting) with what comes, and with run times as history has them.

        Of what truly comes, a job that runs when the run begins and may not pause runs on.
        """
        if not expected.true:
            ratio = expected.ratio
            return _as_they_take(running, ratio), _as_they_take(waiting, ratio).join(coming)
        stuck = np.array([not each.preemptible for each in self.classes])[coming.member]
        stuck &= coming.arrival < 0.0
        return coming.some(stuck), coming.some(~stuck)

    def _end_value(self, end_price: float) -> float:
        """Return what a thousand core-hours cost after the end [CNY/kcore-h]."""
        return end_price * self.p_core * 1e3

    def _curves(
        self, work: Work, ends: Floats, step: float, *, fluid: bool, stated: bool
    ) -> tuple[Floats, Floats]:
        """Return (latest, earliest) of each class: of work where it can pause, else of starts.

        stated: whether deadlines bind at their own time only, the loosest form, as foresight wants
        it.
        """
        count = len(self.classes)
        if stated:
            _, earliest = envelopes(work, count, ends)
            due = ramps(
                work.member, work.deadline, np.zeros(len(work.member)), work.amount, count, ends
            )
            return np.minimum(due, earliest), earliest
        whole = np.array([not (fluid or each.preemptible or each.online) for each in self.classes])
        slots = np.array([each.slots(step) for each in self.classes])
        starts = whole[work.member]
        begin, length, wait, amount = work.begin, work.length, work.laxity, work.amount
        if starts.any():
            # A job known at a step's start can begin in it; one that comes later, in the next.
            begin = np.where(starts & (work.arrival > 0), begin + step, begin)
            wait = np.where(
                starts, np.maximum(0.0, work.deadline - length - begin + _JUST_AFTER), wait
            )
            amount = np.where(starts, amount / slots[work.member], amount)
            length = np.where(starts, 0.0, length)
        return two_ramps(work, begin, wait, length, amount, count, ends)

    def _start_limit(self, work: Work, ends: Floats, hours: Floats, *, fluid: bool) -> Floats:
        """Return the most that can begin in each step [kcore-h]: what may pause, at full width."""
        count = len(self.classes)
        limit = np.tile(self.kcores * hours, (count, 1))
        stays = np.full(len(work.member), np.inf)
        width = most_at_once(work, stays, count, ends)
        pausing = [fluid or each.preemptible for each in self.classes]
        limit[pausing] = np.minimum(limit, width)[pausing]
        return limit

    def _run_on(self, running: Work, ends: Floats) -> Floats:
        """Return the work of started jobs in each step, by their users' estimate [kcore-h]."""
        none = np.zeros(len(running.member))
        done = ramps(running.member, none, running.length, running.amount, len(self.classes), ends)
        return np.diff(done, axis=1, prepend=0.0)

    def _online(
        self,
        readings: Readings,
        expected: ExpectedJobs | None,
        now: float,
        ends: Floats,
        hours: Floats,
    ) -> Floats:
        """Return the online work of each step [kcore-h]: as expected, led by what was last seen."""
        seen = np.asarray(readings["online"], dtype=float)
        if expected is None:
            return seen[:, None] * hours
        amount = expected.online_on(now, ends)
        if expected.true:
            return amount
        first = hours[0] if hours[0] > 0 else 1.0
        surprise = np.where(np.isnan(seen), 0.0, seen - amount[:, 0] / first)
        fading = np.exp(-(ends - hours / 2) / _MEMORY) * hours
        fading[fading < _HARDLY * hours] = 0.0
        return np.maximum(0.0, amount + surprise[:, None] * fading)

    # -- set-points -------------------------------------------------------------------------------

    def setpoints(self, step: PlannedStep) -> dict[str, float]:
        """Return the cores each class is to use [core], and what is gained by work done now.

        The latter of classes that may pause, against later in the plan [CNY/kcore-h].
        """
        run = step.columns["run"] * (1e3 / step.hours)
        gained = step.signal("end_value") - step.worth["begun"]
        found = {}
        for each, cores, worth in zip(self.classes, run, gained, strict=True):
            if not each.online:
                found[f"{each.name}_cores"] = float(cores)
            if each.preemptible:
                found[f"{each.name}_worth"] = float(worth)
        return found

    def planned_points(self, amounts: Mapping[str, Floats], hours: Floats) -> dict[str, Floats]:
        """Return cores in use, in all and by class [core], as planned."""
        run = amounts["run"] * 1e3 / np.where(hours > 0, hours, 1.0)
        found = {f"{each.name}_cores": run[i] for i, each in enumerate(self.classes)}
        return {"cores": run.sum(axis=0), **found}

    def by_rule(self, readings: Readings, view: RuleView) -> dict[str, float]:
        """Return in a good hour the cores the target leaves room for, else none.

        The pool itself starts what cannot wait.
        """
        waiting = [f"{each.name}_cores" for each in self.classes if not each.online]
        if not view.good_hour:
            return dict.fromkeys(waiting, 0.0)
        used = sum(float(readings[name]) for name in waiting)
        room = view.room / self.p_core if self.p_core > 0.0 else self.cores
        return dict.fromkeys(waiting, min(self.cores, max(0.0, used + room)))

    def tally(self, readings: Readings) -> dict[str, float]:
        """Return how many jobs are done, and how many of them late."""
        return {"jobs_done": float(readings["done"]), "jobs_late": float(readings["late"])}

    def end_cost(self, readings: Readings, end_price: float) -> float:
        """Return what the unfinished work costs when it is served after the run [CNY]."""
        return float(readings["owed"]) * self._end_value(end_price)

    def device(self, truth: Outlook, random: np.random.Generator) -> JobQueue:
        """Return the pool with the jobs that truly come, or with some made by chance."""
        table = truth.tables.get(self.name)
        if table is None:
            table = self.draw(truth, random)
        return JobQueue(
            table,
            truth.grid,
            kcores=self.kcores,
            pausing=[each.preemptible for each in self.classes],
            names=[each.name for each in self.classes],
            price_late=self.price_late * 1e3,
            price_unserved=self.price_unserved * 1e3,
        )


def _as_they_take(work: Work, ratio: Floats) -> Work:
    """Return jobs with the run times that such estimates come to; deadlines stay as careful."""
    less = work.amount * (1.0 - ratio[work.member])
    return replace(work, amount=work.amount - less, deadline=work.deadline - less / work.rate)


def _even(hours: Floats) -> bool:
    """Return whether all steps are equal but those without length at the end."""
    some = int(np.count_nonzero(hours))
    return bool(
        np.all(hours[:some] > 0)
        and math.isclose(hours[:some].min(initial=1), hours[:some].max(initial=1))
    )


def _when_seen(arrival: Floats, starts: Floats, end: float) -> Floats:
    """Return the step's start at which each job that comes later is first seen [h from now]."""
    marks = np.append(starts, end)
    at = np.minimum(np.searchsorted(marks, arrival - _JUST_AFTER), len(starts))
    return np.where(arrival > 0.0, marks[at], arrival)


def _ahead_of(expected: ExpectedJobs, now: float, *, everything: bool) -> Work:
    """Return the expected pieces that come after `now`, or all of them, as work from now on."""
    some = expected.arrival > (-np.inf if everything else now)
    return Work(
        expected.member[some],
        expected.amount[some],
        expected.rate[some],
        expected.arrival[some] - now,
        expected.deadline[some] - now,
    )
