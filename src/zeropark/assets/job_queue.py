"""The simulated job pool: whole jobs on real cores, earliest deadline first."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zeropark.assets.kind import Account, per_step
from zeropark.data.jobs import Floats, JobTable, hours_since_1970, left_at, mean_on
from zeropark.formulation.queue import Work
from zeropark.units.timegrid import TimeGrid

# Less than this is nothing left of a job [kcore-h].
_NOTHING = 1e-9
# A job that runs on past its user's estimate is shown with this much left [h at full width].
_OVERRUN = 0.1


class _Job:
    """One job: what is truly left and what its user's estimate leaves [kcore-h]."""

    __slots__ = ("deadline", "forced", "kcores", "left", "member", "said", "take")

    def __init__(
        self, member: int, kcores: float, left: float, said: float, deadline: float
    ) -> None:
        self.member = member
        self.kcores = kcores
        self.left = left
        self.said = max(said, _OVERRUN * kcores)
        self.deadline = deadline
        self.take = 0.0
        self.forced = False

    def most(self, hours: float) -> float:
        """Return what it can do in `hours` [kcore-h]."""
        return min(self.left, self.kcores * hours)


def _deadline(job: _Job) -> float:
    return job.deadline


class JobQueue:
    """A pool's device: earliest deadline first; a set-point is the cores of a class.

    Jobs that may pause are served up to the set-point to the core; others start whole when the
    set-point leaves room for half of one, and then run on. A job that would miss its deadline by
    its user's estimate is served whatever the set-point says, and counted as forced. Without
    set-points all runs at once.
    """

    def __init__(
        self,
        table: JobTable,
        grid: TimeGrid,
        *,
        kcores: float,
        pausing: Sequence[bool],
        names: Sequence[str],
        price_late: float,
        price_unserved: float,
    ) -> None:
        self._kcores = kcores
        self._pausing = list(pausing)
        self._names = list(names)
        self._points = [f"{name}_cores" for name in names]
        self._worth = [-np.inf] * len(names)
        self._price_late, self._price_unserved = price_late, price_unserved
        self._starts = per_step(hours_since_1970(grid.starts))
        self._clock = self._starts[0]
        self._online = [per_step(mean_on(table.grid, demand, grid)) for demand in table.online]
        self._seen = [float(x) for x in _last_seen(table, self._clock)]
        self._waiting: list[list[_Job]] = [[] for _ in names]
        self._running: list[list[_Job]] = [[] for _ in names]
        self._costs = {"unserved": 0.0}
        self.done = self.late = self.forced = 0
        self.lost = 0.0
        self._hours = 0.0
        self._taking: list[_Job] = []
        self._spare = 0.0
        self._served = [0.0] * len(names)
        self._cores = [0.0] * len(names)
        self._take_over(table)

    def _take_over(self, table: JobTable) -> None:
        """Begin with what a pool that served all at once would have left; queue what will come."""
        left = left_at(table, self._clock)
        come = table.arrival < self._clock
        for i in np.flatnonzero(come & (left > 0)).tolist():
            member = int(table.member[i])
            said = float(table.estimate[i] - table.work[i] + left[i])
            job = _Job(
                member, float(table.kcores[i]), float(left[i]), said, float(table.deadline[i])
            )
            if self._pausing[member]:
                insort(self._waiting[member], job, key=_deadline)
            else:
                self._running[member].append(job)
        first = int(come.sum())
        columns = (
            table.arrival,
            table.member,
            table.kcores,
            table.work,
            table.estimate,
            table.deadline,
        )
        # Columns, not rows: a year's jobs as tuples would fill the memory.
        self._coming = [column[first:] for column in columns]
        self._next = 0

    # -- the driver's contract --------------------------------------------------------------------

    @property
    def costs(self) -> Mapping[str, float]:
        """What lateness and lost online work have cost [CNY]."""
        self._close()
        return self._costs

    def account(self) -> Account:
        """Return nothing: a pool holds work, and no energy."""
        return Account()

    def read(self) -> dict[str, Any]:
        """Return cores by class [core], counts, and the work there is, as users estimate it."""
        self._close()
        self._admit()
        queue = self._as_work(self._waiting)
        found: dict[str, Any] = {
            "cores": 1e3 * sum(self._cores),
            "waiting": 1e3 * float(queue.amount.sum()),
            "queue": queue,
            "started": self._as_work(self._running),
            "online": np.array(self._seen),
            "owed": sum(job.left for jobs in (*self._waiting, *self._running) for job in jobs),
            "done": self.done,
            "late": self.late,
            "forced": self.forced,
        }
        for point, cores in zip(self._points, self._cores, strict=True):
            found[point] = 1e3 * cores
        return found

    def step(
        self, index: int, hours: float, setpoints: Mapping[str, float], ports: Mapping[str, float]
    ) -> dict[str, float]:
        """Serve online requests, what must run, and as much of the rest as the set-points say."""
        del ports
        self._close()
        self._clock, self._hours = self._starts[index], hours
        self._admit()
        self._taking, self._spare = [], 0.0
        free = self._serve_online(index, self._kcores * hours)
        self._worth = [setpoints.get(f"{name}_worth", -np.inf) for name in self._names]
        wants = [setpoints.get(point, np.inf) * hours / 1e3 for point in self._points]
        for member, want in enumerate(wants):
            free = self._serve_musts(member, want, free)
        for member, want in enumerate(wants):
            free = self._serve_more(member, want - self._served[member], free)
        return {"node": -sum(self._served) / hours}

    @property
    def spare(self) -> float:
        """Cores on work that may pause and need not run in this step [kcore]."""
        return self._spare / self._hours if self._hours > 0.0 else 0.0

    def adjust(self, port: str, change: float, hours: float) -> float:
        """Use fewer cores within the step, by up to `change` [kcore]: what may pause first."""
        del port
        wanted = left = max(0.0, change) * hours
        for job in sorted(
            self._taking, key=lambda job: (not self._pausing[job.member], -job.deadline)
        ):
            if left <= 0.0:
                break
            back = min(job.take, left)
            job.take -= back
            self._served[job.member] -= back
            self._spare = max(0.0, self._spare - back)
            left -= back
        for member, demand in enumerate(self._online):
            if any(demand) and left > 0.0:
                back = min(self._served[member], left)
                self._served[member] -= back
                self.lost += back
                self._costs["unserved"] += back * self._price_unserved
                left -= back
        return (wanted - left) / hours

    def take_on(self, kcores: float, price: float, hours: float) -> float:
        """Serve more work that may pause, on up to `kcores` more, where that is worth its price.

        price: of power for it [CNY/kcore-h]. Returns the cores it takes [kcore].
        """
        free = self._kcores * hours - sum(self._served)
        before = sum(self._served)
        for member in np.argsort(self._worth)[::-1].tolist():
            if self._pausing[member] and self._worth[member] > price:
                room = kcores * hours - (sum(self._served) - before)
                free = self._serve_more(member, room, free)
        return (sum(self._served) - before) / hours

    # -- within a step ----------------------------------------------------------------------------

    def _admit(self) -> None:
        """Let in what has come by now."""
        arrival = self._coming[0]
        while self._next < len(arrival) and arrival[self._next] <= self._clock + 1e-9:
            member, *sizes = (column[self._next].item() for column in self._coming[1:])
            kcores, work, estimate, deadline = sizes
            insort(
                self._waiting[member], _Job(member, kcores, work, estimate, deadline), key=_deadline
            )
            self._next += 1

    def _serve_online(self, index: int, free: float) -> float:
        for member, demand in enumerate(self._online):
            asked = demand[index] * self._hours
            served = min(asked, free)
            self._seen[member] = demand[index]
            self._served[member] = served
            self._costs["unserved"] += (asked - served) * self._price_unserved
            self.lost += asked - served
            free -= served
        return free

    def _give(self, job: _Job, amount: float) -> None:
        if job.take == 0.0:
            self._taking.append(job)
        job.take += amount
        self._served[job.member] += amount

    def _serve_musts(self, member: int, want: float, free: float) -> float:
        """Run on what has started, and serve what would miss its deadline otherwise."""
        hours, after = self._hours, self._clock + self._hours
        for job in self._running[member]:
            take = min(job.most(hours), free)
            self._give(job, take)
            free -= take
        for job in list(self._waiting[member]):
            last = job.said - job.kcores * max(0.0, job.deadline - after)
            if self._pausing[member]:
                take = min(max(0.0, last), job.most(hours), free)
            elif last > _NOTHING and free >= job.most(hours):
                take = job.most(hours)
                self._start(job)
            else:
                continue
            if take > 0.0:
                self._give(job, take)
                free -= take
                if self._served[member] > want + _NOTHING and not job.forced:
                    job.forced = True
                    self.forced += 1
        return free

    def _serve_more(self, member: int, room: float, free: float) -> float:
        """Serve waiting jobs as far as the set-point leaves room."""
        hours = self._hours
        for job in list(self._waiting[member]):
            if room <= _NOTHING or free <= _NOTHING:
                break
            most = job.most(hours) - job.take
            if self._pausing[member]:
                take = min(most, room, free)
                self._spare += max(0.0, take)
            elif most <= 2.0 * room and most <= free:
                take = most
                self._start(job)
            else:
                break
            if take > 0.0:
                self._give(job, take)
                room -= take
                free -= take
        return free

    def _start(self, job: _Job) -> None:
        self._waiting[job.member].remove(job)
        self._running[job.member].append(job)

    # -- after a step -----------------------------------------------------------------------------

    def _close(self) -> None:
        """Make the step's shares final: they can no more be adjusted."""
        hours = self._hours
        if hours == 0.0:
            return
        finished = False
        for job in self._taking:
            job.left -= job.take
            job.said = max(job.said - job.take, _OVERRUN * job.kcores)
            if job.left <= _NOTHING:
                finished = True
                self.done += 1
                self.late += self._clock + job.take / job.kcores > job.deadline + 1e-6
            job.take = 0.0
        self._taking = []
        self._cores = [served / hours for served in self._served]
        self._served = [0.0] * len(self._served)
        self._clock += hours
        self._hours = 0.0
        if finished:
            for lists in (self._waiting, self._running):
                lists[:] = [[job for job in jobs if job.left > _NOTHING] for jobs in lists]
        overdue = sum(
            job.left
            for jobs in (*self._waiting, *self._running)
            for job in jobs
            if job.deadline <= self._clock + 1e-9
        )
        self._costs["unserved"] += overdue * hours * self._price_late

    def _as_work(self, lists: Sequence[Sequence[_Job]]) -> Work:
        jobs = [job for jobs in lists for job in jobs]
        columns = np.array([(job.said, job.kcores, job.deadline - self._clock) for job in jobs])
        said, kcores, left = columns.reshape(-1, 3).T
        member = np.array([job.member for job in jobs], dtype=np.intp)
        return Work(member, said, kcores, np.zeros(len(jobs)), left)


def _last_seen(table: JobTable, now: float) -> Floats:
    """Return the online demand just before `now` [kcore], or that of the table's first step."""
    at = int(np.searchsorted(hours_since_1970(table.grid.starts), now - 1e-9)) - 1
    return np.asarray(table.online[:, max(0, at)])
