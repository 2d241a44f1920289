"""Seeded planning problems of a park as plain NumPy arrays, the same for every tool.

The numbers are our own and stand for no real park: they only fix a shape. All power is in MW,
energy in MWh, money in CNY. Nothing here needs more than NumPy, so that every peer can read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ELECTRICITY, HEAT = 0, 1


@dataclass(frozen=True)
class Size:
    """How large a problem is.

    days: length of the horizon [d]. minutes: step [min]. jobs, cars: flexible classes that open
    every day. fleet: single batteries and cars beside them, half of each.
    """

    name: str
    days: int = 1
    minutes: int = 15
    jobs: int = 20
    cars: int = 10
    fleet: int = 0
    seed: int = 1

    @property
    def day_steps(self) -> int:
        """Steps in a day."""
        return 24 * 60 // self.minutes

    @property
    def steps(self) -> int:
        """Steps in the horizon."""
        return self.days * self.day_steps


P1 = Size("P1")
P1_SIZES = (
    Size("P1 hourly", minutes=60, jobs=5, cars=2),
    P1,
    Size("P1 many classes", jobs=100, cars=50),
    Size("P1 two days", days=2),
    Size("P1 week", days=7),
)
P4 = Size("P4", days=2)
P5_SIZES = (Size("P5 100", fleet=100), Size("P5 1000", fleet=1000), Size("P5 5000", fleet=5000))
TINY = Size("tiny", minutes=120, jobs=2, cars=1)


@dataclass(frozen=True)
class Stores:
    """Batteries and heat stores, one per row, shape (stores,).

    node: ELECTRICITY or HEAT. p_nom: power both ways [MW]. e_nom: content [MWh]. standing_loss:
    part lost in an hour. wear: cost of dispatch [CNY/MWh]. e_start: content before [MWh]. e_end:
    least content after [MWh]; more only costs, so tools that can but say "equal" agree.
    """

    node: Ints
    p_nom: Floats
    e_nom: Floats
    efficiency_store: Floats
    efficiency_dispatch: Floats
    standing_loss: Floats
    wear: Floats
    e_start: Floats
    e_end: Floats

    def __len__(self) -> int:
        return len(self.node)


@dataclass(frozen=True)
class Flexible:
    """Jobs and cars: an amount of energy to take within a window, one per row.

    group: class the row belongs to. opened: day on which it opened. power: most it can take [MW],
    shape (rows, steps), zero outside its window. least, most: energy to take in the horizon [MWh].
    """

    group: Ints
    opened: Ints
    power: Floats
    least: Floats
    most: Floats

    def __len__(self) -> int:
        return len(self.group)

    @cached_property
    def span(self) -> tuple[Ints, Ints]:
        """First step and the step after the last one in which each row may take energy."""
        can = self.power > 0.0
        return can.argmax(axis=1), can.shape[1] - can[:, ::-1].argmax(axis=1)


@dataclass(frozen=True)
class Problem:
    """One plan to make: prices, what is available and what is asked for, shape (steps,).

    hours: step length [h]. demand_charge: CNY per MW of highest import, at least peak_so_far [MW].
    pv, wind, waste_heat: available [MW]. The heat pump lifts waste heat: from 1 MWh of electricity
    and cop - 1 of waste heat it makes cop of heat. first: number of the first step.
    """

    hours: float
    first: int
    price_import: Floats
    price_export: Floats
    demand_charge: float
    peak_so_far: float
    import_cap: float
    export_cap: float
    load: Floats
    pv: Floats
    wind: Floats
    heat_load: Floats
    waste_heat: Floats
    cop: Floats
    heat_pump_nom: float
    boiler_nom: float
    boiler_cost: float
    stores: Stores
    flexible: Flexible

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.load)


@dataclass(frozen=True)
class Classes:
    """Classes of jobs and cars that open every day, one per row.

    begin, end: window in steps after the day's start; end may lie in the next day, at most a day
    after begin. power: most it can take [MW], shape (classes, day_steps), counted from begin.
    energy: what it takes each time [MWh].
    """

    begin: Ints
    end: Ints
    power: Floats
    energy: Floats

    def __len__(self) -> int:
        return len(self.begin)


@dataclass(frozen=True)
class State:
    """Where a park stands before a plan: contents [MWh], peak so far [MW], energy taken [MWh].

    taken: shape (days, classes), by the day on which the class opened.
    """

    content: Floats
    peak: float
    taken: Floats


class Park:
    """What truly happens over some days, and the plans that can be asked on the way."""

    def __init__(self, size: Size, days: int | None = None) -> None:
        self.size = size
        self.days = size.days if days is None else days
        self.hours = size.minutes / 60
        self.truth = _series(size, self.days)
        self.classes = _classes(size)
        self.stores = _stores(size)

    def start(self) -> State:
        """Return the state before the first step."""
        taken = np.zeros((self.days, len(self.classes)))
        return State(self.stores.e_start, 0.0, taken)

    def problem(
        self, now: int = 0, state: State | None = None, *, revised: bool = False
    ) -> Problem:
        """Return the plan to make at step `now`; `revised`: on a forecast issued then."""
        state = state or self.start()
        steps = self.size.steps
        ahead = slice(now, now + steps)
        series = {name: values[ahead] for name, values in self.truth.items()}
        if revised:
            series |= _forecast(series, np.random.default_rng([self.size.seed, now]))
        return Problem(
            hours=self.hours,
            first=now,
            demand_charge=1500.0,
            peak_so_far=state.peak,
            import_cap=80.0,
            export_cap=30.0,
            heat_pump_nom=2.5,
            boiler_nom=15.0,
            boiler_cost=310.0,
            stores=replace(self.stores, e_start=state.content),
            flexible=self._open(now, steps, state),
            **series,
        )

    def step(self, problem: Problem, state: State, done: Step) -> State:
        """Return the state after the first step of `problem` was carried out as `done`."""
        taken = state.taken.copy()
        rows = problem.flexible
        taken[rows.opened, rows.group] += done.taken
        content = np.clip(done.content, 0.0, self.stores.e_nom)
        return State(content, max(state.peak, done.grid_import / self.hours), taken)

    def _open(self, now: int, steps: int, state: State) -> Flexible:
        """Return what may take energy within the horizon."""
        day, classes = self.size.day_steps, self.classes
        rows: list[tuple[int, int]] = []
        power: list[Floats] = []
        after: list[float] = []
        for opened in range(max(0, now // day - 1), min(self.days, -(-(now + steps) // day))):
            begin, end = opened * day + classes.begin - now, opened * day + classes.end - now
            for group in np.flatnonzero((end > 0) & (begin < steps)):
                first, last = max(0, begin[group]), min(steps, end[group])
                whole = classes.power[group, : end[group] - begin[group]]
                row = np.zeros(steps)
                row[first:last] = whole[first - begin[group] : last - begin[group]]
                rows.append((int(group), opened))
                power.append(row)
                after.append(float(whole[last - begin[group] :].sum() * self.hours))
        pairs: Ints = np.array(rows, dtype=np.int64).reshape(-1, 2)
        groups, opened_on = pairs[:, 0], pairs[:, 1]
        most = np.maximum(classes.energy[groups] - state.taken[opened_on, groups], 0.0)
        least = np.maximum(most - np.array(after), 0.0)
        return Flexible(groups, opened_on, np.array(power).reshape(-1, steps), least, most)


@dataclass(frozen=True)
class Step:
    """What a plan's first step did: import, contents after it and energy taken [MWh]."""

    grid_import: float
    content: Floats
    taken: Floats


def scenarios(problem: Problem, count: int, seed: int = 7) -> list[Problem]:
    """Return `count` other courses of the same plan: sun, wind and loads differ, nothing else."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        other: dict[str, Any] = dict(_forecast(vars(problem), rng))
        found.append(replace(problem, **other))
    return found


def _series(size: Size, days: int) -> dict[str, Floats]:
    rng = np.random.default_rng([size.seed, 0])
    steps = days * size.day_steps
    hour = np.arange(steps) * size.minutes / 60 % 24
    cloud = np.repeat(rng.uniform(0.5, 1.0, days), size.day_steps)
    sun = np.maximum(0.0, np.sin((hour - 6.0) / 12 * np.pi)) ** 1.3
    gust = np.convolve(rng.normal(0.0, 1.0, steps + 15), np.ones(16) / 4, mode="valid")
    valley, top = (
        (hour < 7) | (hour >= 23),
        ((hour >= 9) & (hour < 12)) | ((hour >= 18) & (hour < 22)),
    )
    # A little noise on the price makes the optimum all but unique, so that tools can be compared.
    price = np.where(valley, 290.0, np.where(top, 910.0, 580.0)) + rng.uniform(-8.0, 8.0, steps)
    heat = 6.0 + 2.0 * np.cos((hour - 4.0) / 24 * 2 * np.pi)
    return {
        "price_import": price,
        "price_export": np.minimum(price - 60.0, 260.0 + rng.uniform(-5.0, 5.0, steps)),
        "load": 24.0 + 8.0 * np.sin((hour - 8.0) / 24 * 2 * np.pi) + rng.normal(0.0, 0.8, steps),
        "pv": 45.0 * sun * cloud * rng.uniform(0.85, 1.0, steps),
        "wind": 15.0 * np.clip(0.3 + 0.22 * gust, 0.0, 1.0),
        "heat_load": np.maximum(heat + rng.normal(0.0, 0.3, steps), 1.0),
        "waste_heat": 4.5 + 1.0 * np.sin(hour / 24 * 2 * np.pi) + rng.uniform(0.0, 0.4, steps),
        "cop": 4.2 + 0.6 * np.sin((hour - 9.0) / 24 * 2 * np.pi) + rng.uniform(0.0, 0.05, steps),
    }


def _forecast(truth: dict[str, Floats], rng: np.random.Generator) -> dict[str, Floats]:
    """Return what a forecast says: right about the step that begins, wrong by more the farther."""
    revised = {}
    for name, spread in (("load", 0.05), ("pv", 0.25), ("wind", 0.35), ("heat_load", 0.08)):
        walk = np.cumsum(rng.normal(0.0, 1.0, len(truth[name])))
        error = spread * (walk - walk[0]) / np.sqrt(len(walk))
        revised[name] = truth[name] * (1.0 + np.clip(error, -0.6, 0.6))
    return revised


def _classes(size: Size) -> Classes:
    rng = np.random.default_rng([size.seed, 1])
    day, cars = size.day_steps, size.cars + size.fleet // 2
    jobs, count = size.jobs, size.jobs + size.cars + size.fleet // 2
    begin = np.floor(rng.uniform(0.0, 0.8, count) * day).astype(np.int64)
    length = np.maximum(np.round(rng.uniform(0.15, 0.65, count) * day).astype(np.int64), 2)
    begin[jobs:] = np.floor(rng.uniform(0.3, 0.8, cars) * day).astype(np.int64)
    p_nom = rng.uniform(0.2, 1.0, count) * 20.0 / max(size.jobs, 20)
    p_nom[jobs + size.cars :] = rng.choice([0.007, 0.022], size.fleet // 2)
    power = np.repeat(p_nom[:, None], day, axis=1)
    # Of a group of cars, not all stand at their posts all the time.
    power[jobs : jobs + size.cars] *= rng.uniform(0.5, 1.0, (size.cars, day))
    inside = np.arange(day)[None, :] < length[:, None]
    energy = rng.uniform(0.25, 0.6, count) * (power * inside).sum(axis=1) * size.minutes / 60
    return Classes(begin, begin + length, power, energy)


def _stores(size: Size) -> Stores:
    rng = np.random.default_rng([size.seed, 2])
    single = size.fleet // 2
    p_nom = np.concatenate([[10.0, 4.0], rng.choice([0.05, 0.1, 0.25], single)])
    e_nom = np.concatenate([[40.0, 25.0], 2.0 * p_nom[2:]])
    small = np.ones(single)
    return Stores(
        node=np.concatenate([[ELECTRICITY, HEAT], np.zeros(single)]).astype(np.int64),
        p_nom=p_nom,
        e_nom=e_nom,
        efficiency_store=np.concatenate([[0.96, 0.98], rng.uniform(0.93, 0.97, single)]),
        efficiency_dispatch=np.concatenate([[0.95, 0.98], rng.uniform(0.93, 0.97, single)]),
        standing_loss=np.concatenate([[0.0002, 0.006], 0.0002 * small]),
        wear=np.concatenate([[35.0, 0.5], rng.uniform(25.0, 45.0, single)]),
        e_start=0.5 * e_nom,
        e_end=0.5 * e_nom,
    )
