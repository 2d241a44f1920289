"""A run: the closed loop of one policy, beside it rules, foresight and foresight played."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.data.published import fact
from zeropark.forecast.weather import usual_errors
from zeropark.operate.build import RunRequest, balances, build_world
from zeropark.operate.controllers import (
    Advice,
    Controller,
    Planned,
    Played,
    Rules,
    Thresholds,
)
from zeropark.operate.forecaster import Forecaster
from zeropark.operate.foresight import Foresight, look_ahead
from zeropark.operate.horizon import Steps
from zeropark.operate.loop import Outcome, hand_on, live, new_figures
from zeropark.operate.planner import Planner
from zeropark.operate.plant import Plant
from zeropark.operate.record import SeriesFile, Written, series_columns
from zeropark.operate.result import Results, as_json, both
from zeropark.operate.world import World

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from zeropark.ledger.store import Store
    from zeropark.operate.posted import RunLedger

Progress = Callable[[str, int, int], None]
# What the missing part is made of is told for runs of up to so many days: it takes one more run.
_SPLIT_UP_TO = 7


class Run:
    """One request, its world, and the policies lived in it.

    world: where one was built before; the request's own where none is given. year: what its plans
    are told of a year; None where nobody planned one.
    """

    def __init__(
        self,
        request: RunRequest,
        deadline: float = np.inf,
        world: World | None = None,
        year: Advice | None = None,
    ) -> None:
        self.request = request
        self.deadline = deadline
        self.year = year
        self.nodes = balances(request.park)
        self.world = build_world(request) if world is None else world
        if year is not None:
            self.world = year.settle(self.world)

    def plant(self) -> Plant:
        """Return a fresh plant in the state all policies start from."""
        spills = {node.name: node.spill_cost is not None for node in self.nodes}
        plant = Plant(self.world.assets, self.world.truth, spills, self.request.seed)
        plant.start_peak(self.request.peak_so_far)
        return plant

    def planned(self, *, perfect: bool = False, called: bool = False) -> Planned:
        """Return the rolling planner of this run.

        perfect: whether weather and loads are foreseen without error, to see what errors cost.
        called: whether the park may be called, as one in operation.
        """
        grid = self.world.grid
        request = self.request
        steps = Steps.of(grid.step_hours, request.horizon_hours, request.coarse_hours)
        planner = Planner(self.world.assets, self.nodes, steps, self.deadline, called=called)
        at = dt.date.fromisoformat(request.start)
        every = max(1, round(fact("forecast_issue_interval", at).in_unit("h") / grid.step_hours))
        errors = None if perfect else usual_errors(at)
        forecaster = Forecaster(self.world, errors, every, steps.span)
        beyond = None if self.year is None else self.year.beyond()
        each_side = request.courses
        rules = self.rules()
        return Planned(self.world, planner, forecaster, rules, each_side=each_side, year=beyond)

    def rules(self) -> Rules:
        """Return the rules with their tuned thresholds."""
        return Rules(self.world, Thresholds())

    def live(
        self,
        policy: str,
        controller: Controller,
        file: Written | None,
        progress: Progress,
        ledger: RunLedger | None = None,
    ) -> Outcome:
        """Live through the run under a controller. ledger: where its commands are posted."""
        total, plant = len(self.world.grid), self.plant()
        if ledger is not None:
            begun = new_figures(self.world, plant.read())
            ledger.start_from(begun.start, begun.interval)
        return live(
            self.world, plant, controller, policy, file, lambda n: progress(policy, n, total),
            None if ledger is None else ledger.note,
        )  # fmt: skip

    def foresight(self) -> Foresight:
        """Return the plan with everything known."""
        return look_ahead(self.world, self.nodes, self.plant().read())


def _posting(store: Store, world: World, policy: str, file: SeriesFile) -> RunLedger:
    # The ledger's libraries take a while to import: only who posts into a store waits for them.
    from zeropark.operate.posted import RunLedger  # noqa: PLC0415

    return RunLedger(store, world, policy, file)


def _signed(store: Store, key: Ed25519PrivateKey) -> dict[str, str]:
    """Return the head of a store after a run, signed, for who keeps it outside the house."""
    from zeropark.ledger import signing  # noqa: PLC0415 - as above

    if not signing.statements(store.database, store.log):
        signing.state_first(store, key)
    return signing.sign_head(store, key).document()


def execute(
    request: RunRequest,
    out: Path,
    progress: Progress,
    store: Store | None = None,
    key: Ed25519PrivateKey | None = None,
    year: Advice | None = None,
) -> dict[str, Any]:
    """Run what is asked, write `series.parquet` and `run.json` into `out`, return the latter.

    store: a simulated one, where what the run did is posted; `run.json` then names it `ledger_run`.
    key: of the store, stated there where it has none; the head signed with it is `ledger_head`.
    year: what plans are told of a year; `run.json` says of it under `year`.
    """
    begun = time.perf_counter()
    run = Run(request, year=year)
    columns = series_columns(run.world.assets, [node.name for node in run.nodes])
    results = Results(request, run.world)
    with SeriesFile(out / "series.parquet", columns) as series:
        ledger = None if store is None else _posting(store, run.world, request.policy, series)
        file: Written = series if ledger is None else ledger
        main = run.planned() if request.policy == "plan" else run.rules()
        outcome = run.live(request.policy, main, file, progress, ledger)
        results.outcomes[request.policy] = outcome
        if isinstance(main, Planned):
            results.planner = main.planner
        if request.compare and not outcome.figures.interrupted:
            try:
                _compare(run, results, file, progress)
            except KeyboardInterrupt:
                # Stopped while comparing: the run itself is whole, half a comparison is none.
                results.outcomes = {request.policy: outcome}
                outcome.figures.interrupted = True
    results.seconds = time.perf_counter() - begun
    found = as_json(results)
    if year is not None:
        found["year"] = year.account()
        found["findings"].append(both(year.sentence()))
    if ledger is not None:
        ledger.finish(outcome.reasons, found)
        found["ledger_run"] = ledger.id
    if store is not None and key is not None:
        found["ledger_head"] = _signed(store, key)
    (out / "run.json").write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    return found


def _compare(run: Run, results: Results, file: Written, progress: Progress) -> None:
    """Live the same days by rules, plan them with foresight, and play that plan."""
    if "rules" not in results.outcomes:
        results.outcomes["rules"] = _to_the_end(run.live("rules", run.rules(), file, progress))
    progress("foresight", 0, 1)
    seen = run.foresight()
    progress("foresight", 1, 1)
    results.outcomes["foresight"] = _as_outcome(run, seen, file)
    starts = np.searchsorted(run.world.grid.starts, seen.grid.starts).tolist()
    played = Played(seen.setpoints, starts)
    results.outcomes["played"] = _to_the_end(run.live("played", played, file, progress))
    if run.request.policy == "plan" and run.request.days <= _SPLIT_UP_TO:
        perfect = run.planned(perfect=True)
        known = _to_the_end(run.live("perfect_forecast", perfect, None, progress))
        results.outcomes["perfect_forecast"] = known


def _to_the_end(outcome: Outcome) -> Outcome:
    """Return an outcome that was lived to its end; a half one is compared with nothing."""
    if outcome.figures.interrupted:
        raise KeyboardInterrupt
    return outcome


def _as_outcome(run: Run, seen: Foresight, file: Written) -> Outcome:
    """Return a plan's own series as if it had been lived."""
    world = run.world
    readings = run.plant().read()
    outcome = Outcome(new_figures(world, readings), dict(seen.costs), readings, lived=False)
    repeat = round(float(seen.grid.hours[0]) / world.grid.step_hours)
    columns = {name: np.repeat(values, repeat) for name, values in seen.columns.items()}
    count = len(world.grid)
    columns = {
        name: np.pad(v, (0, max(0, count - len(v))), mode="edge")[:count]
        for name, v in columns.items()
    }
    hand_on(world, (0, columns), "foresight", outcome.figures, file)
    return outcome
