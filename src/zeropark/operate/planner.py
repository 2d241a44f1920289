"""The rolling planner: a warm program, a deadline, and always a plan."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Horizon, Kind, PlannedStep, Readings
from zeropark.assets.told import Signals, by_kind, inputs_of
from zeropark.formulation.commitment import Commitments
from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import Indices
from zeropark.formulation.plan import Plan
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.formulation.solver import Grade, NoPlanError, Option, Solution, Solver
from zeropark.operate.courses import Courses
from zeropark.operate.horizon import Steps

Floats = npt.NDArray[np.float64]
Setpoints = dict[str, dict[str, float]]
# How often it is decided what runs and what begins [h].
_DECIDED_EVERY = 1.0


# From so many columns on steepest edge takes fewer pivots than devex, a third of the time of a day.
_LARGE = 20_000
# Less sun than this share of the most that is foreseen is night [1].
_HARDLY = 0.01


def _options(program: Program) -> dict[str, Option]:
    """Return options of HiGHS for a program's size."""
    large = program.column_count >= _LARGE
    return {"simplex_dual_edge_weight_strategy": 2} if large else {}


@dataclass
class Timing:
    """Where the planner's time went [s], summed over plans."""

    build: float = 0.0
    update: float = 0.0
    solve: float = 0.0
    highs: float = 0.0
    read: float = 0.0
    steps: array[float] = field(default_factory=lambda: array("d"))
    gaps: array[float] = field(default_factory=lambda: array("d"))
    """By how much each plan's cost may be above the least [1], where whole numbers are planned."""


class Planner:
    """Plans a fixed set of assets over a horizon, again and again.

    steps: of the horizon. deadline: wall time of one plan [s]. exact: whether curves have more
    pieces than a plan needs, as in a bound. called: whether the park may be called.
    """

    def __init__(
        self,
        assets: Sequence[Kind],
        nodes: Sequence[Balance],
        steps: Steps,
        deadline: float = np.inf,
        *,
        exact: bool = False,
        called: bool = False,
    ) -> None:
        begun = time.perf_counter()
        self.kinds = by_kind(assets)
        self.steps = steps
        lag = max(asset.lookback(steps.step) for asset in assets)
        layout = Layout(steps.lengths, lag)
        self.program = Program(nodes, self.kinds, layout, exact=exact, called=called)
        self.solver = Solver(self.program, {} if exact else _options(self.program))
        self.commitments = Commitments(self.solver, max(1, round(_DECIDED_EVERY / steps.step)))
        self.deadline = deadline
        self.last_good: Plan | None = None
        self._made_at: int | None = None
        self.places = self._place_assets()
        self.timing = Timing(build=time.perf_counter() - begun)
        self.grades: dict[Grade, int] = dict.fromkeys(Grade, 0)

    def plan(
        self, index: int, signals: Signals, readings: Mapping[str, Readings], horizon: Horizon
    ) -> Plan | None:
        """Return a plan from step `index` on, or None where only rules can help.

        signals: per kind and name, in time order from `index`, shape (members, steps).
        """
        begun = time.perf_counter()
        moved = self._move_to(index)
        inputs = inputs_of(self.kinds, signals, readings, horizon)
        self.program.update(inputs, horizon.grid.hours)
        updated = time.perf_counter()
        plan = self._solve(index, moved)
        self.timing.update += updated - begun
        self.timing.solve += time.perf_counter() - updated
        self.timing.highs = self.solver.seconds_in_highs
        self.timing.steps.append(time.perf_counter() - begun)
        self.grades[Grade.RULES if plan is None else plan.grade] += 1
        return plan

    def _move_to(self, index: int) -> int:
        """Turn the ring to step `index` and return by how many steps.

        A horizon that grows stays and moves its basis.
        """
        made_at, self._made_at = self._made_at, index
        if made_at is None:
            return 0
        if not self.steps.coarse:
            self.program.layout.advance(index - made_at)
            return index - made_at
        first = self.program.layout.first
        fine = (first, first + self.steps.fine)
        coarse = (fine[1], first + len(self.steps))
        self.solver.shift(*((fine, coarse) if self.steps.refilled(index) else (fine,)))
        return index - made_at

    def _solve(self, index: int, moved: int) -> Plan | None:
        try:
            chosen = self.commitments.solve(self.deadline, moved)
        except NoPlanError:
            return self._fall_back(index)
        plan = Plan.read(self.program, chosen.solution, index)
        if not chosen.closed:
            plan.grade = Grade.DEADLINE
        plan.gap = chosen.gap
        self.timing.gaps.append(chosen.gap)
        self.last_good = plan
        return plan

    def _fall_back(self, index: int) -> Plan | None:
        """Return the last good plan's word for now, within today's limits, if it reaches so far."""
        last = self.last_good
        if last is None or index - last.made_at >= self.steps.open_fine(last.made_at):
            return None
        program, then = self.program, last.solution
        was, now = int(last.open[index - last.made_at]), program.layout.first
        lower, upper, _, _ = program.shut()
        columns, reduced, duals = then.columns.copy(), then.reduced.copy(), then.duals.copy()
        at, rows = program.slot_columns, program.slot_rows
        columns[at[:, now]] = then.columns[at[:, was]]
        reduced[at[:, now]] = then.reduced[at[:, was]]
        duals[rows[:, now]] = then.duals[rows[:, was]]
        solution = Solution(np.clip(columns, lower, upper), duals, np.nan, lambda: reduced)
        return Plan(program, solution, Grade.LAST_GOOD, index, program.layout.open())

    def courses(
        self, plan: Plan, signals: Signals, hours: Floats, shares: Sequence[float]
    ) -> Courses | None:
        """Return the set-points of a plan's first step, also for other amounts of sun and wind.

        plan: the newest. signals, hours: it was made from. shares: of what is foreseen [1]; the
        program, its prices and the plan stay as they are. None where nothing is offered, where a
        limit gave way, or past the deadline.
        """
        first = {
            kind: np.asarray(signals[kind]["available"])
            for kind, assets in self.kinds.items()
            if assets[0].role == "source" and "available" in assets[0].measured
        }
        foreseen = float(sum(offered[:, 0].sum() for offered in first.values()))
        most = max((float(offered.max()) for offered in first.values()), default=0.0)
        if foreseen <= _HARDLY * most or plan.solution.elastic or plan.grade is not Grade.OPTIMAL:
            return None
        begun = time.perf_counter()
        found = {1.0: self.setpoints(plan, plan.made_at)}
        try:
            for share in shares:
                self.program.update(_sunny(first, share), hours)
                other = self.solver.solve(self.deadline - (time.perf_counter() - begun))
                if not other.elastic:
                    each = Plan.read(self.program, other, plan.made_at)
                    found[share] = self.setpoints(each, plan.made_at)
        except NoPlanError:
            return None
        finally:
            self.program.update(_sunny(first, 1.0), hours)
            self.timing.solve += time.perf_counter() - begun
            self.timing.highs = self.solver.seconds_in_highs
            self.timing.steps[-1] += time.perf_counter() - begun
        rising = sorted(found)
        sources = [asset.name for kind in first for asset in self.kinds[kind]]
        return Courses(sources, [s * foreseen for s in rising], [found[s] for s in rising])

    # -- set-points ----------------------------------------------------------------------------

    def _place_assets(self) -> list[tuple[Kind, list[int], dict[str, Indices], dict[str, Indices]]]:
        """Return each asset's members, its columns and rows by name, each (members, slots)."""
        found = []
        for kind, assets in self.kinds.items():
            block = self.program.blocks[kind]
            for asset in assets:
                own = [i for i, (owner, _, _) in enumerate(block.members) if owner is asset]
                columns = {c.name: c.columns[own] for c in block.columns}
                rows = {
                    r.name.removeprefix(f"{kind}-"): r.numbers[own]
                    for r in self.program.rows
                    if r.name.startswith(f"{kind}-") and r.numbers.shape[1] > 1
                }
                found.append((asset, own, columns, rows))
        return found

    def setpoints(
        self, plan: Plan, index: int, only: frozenset[str] | set[str] | None = None
    ) -> Setpoints:
        """Return the set-points of all assets, or of `only` some, for step `index` of the run."""
        begun = time.perf_counter()
        slot = int(plan.open[index - plan.made_at])
        solution, upper = plan.solution, self.program.upper
        hours = float(self.program.layout.hours[index - plan.made_at])
        found: Setpoints = {}
        for asset, own, columns, rows in self.places:
            if only is not None and asset.name not in only:
                continue
            block = self.program.blocks[asset.kind]
            shown = {
                name: each.amounts(solution.columns, slot)[own]
                for name, each in block.shown.items()
            }
            signals = block.signals
            step = PlannedStep(
                hours,
                _InSlot(solution.columns, columns, slot, shown),
                _InSlot(upper, columns, slot),
                _InSlot(solution.duals, rows, slot),
                lambda name, own=own, signals=signals: signals[name].array[own, slot],  # type: ignore[misc]
            )
            found[asset.name] = asset.setpoints(step)
        self.timing.read += time.perf_counter() - begun
        return found


def _sunny(available: Mapping[str, Floats], share: float) -> dict[str, Inputs]:
    """Return what each kind is told where the first step has a share of the foreseen [1]."""
    found = {}
    for kind, offered in available.items():
        other = offered.copy()
        other[:, 0] *= share
        found[kind] = Inputs({"available": other})
    return found


class _InSlot(Mapping[str, Floats]):
    """Numbers of an asset's columns or rows in one slot by name, each read when it is asked for.

    shown: others by name.
    """

    def __init__(
        self,
        numbers: Floats,
        at: Mapping[str, Indices],
        slot: int,
        shown: Mapping[str, Floats] | None = None,
    ) -> None:
        self._numbers, self._at, self._slot = numbers, at, slot
        self._shown = shown or {}

    def __getitem__(self, name: str) -> Floats:
        if name in self._shown:
            return self._shown[name]
        at = self._at[name]
        return self._numbers[at[:, self._slot if at.shape[1] > 1 else 0]]

    def __iter__(self) -> Iterator[str]:
        yield from self._at
        yield from (name for name in self._shown if name not in self._at)

    def __len__(self) -> int:
        return len(list(iter(self)))
