"""The closed loop: read, decide, write, live through a step, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.formulation.plan import Plan
from zeropark.formulation.reasons import Reason, explain
from zeropark.formulation.solver import USED
from zeropark.operate.controllers import Controller, Planned
from zeropark.operate.figures import Figures, flow_name
from zeropark.operate.plant import Plant
from zeropark.operate.record import Recorder, Written, column_name
from zeropark.operate.world import World

Floats = npt.NDArray[np.float64]
Shown = Mapping[str, Mapping[str, Any]]
"""Numbers by asset and point."""
Note = Callable[[int, Shown, Shown, Shown], None]
STRETCH = 96 * 7
# Reasons of longer runs are read from the series' prices; a list of a year's would fill the memory.
REASONS_UP_TO = 96 * 7 + 1


@dataclass
class Gave:
    """A limit that gave way in steps first to last of a run, by `amount` in the carrier's unit."""

    asset: str
    limit: str
    first: int
    last: int
    amount: float


@dataclass
class Outcome:
    """What a policy came to.

    figures: sums. costs: [CNY] by part. readings: of the last step. lived: False for a plan that
    never was.
    reserve_cost: what keeping energy for an outage cost [CNY], at the plans' own prices.
    """

    figures: Figures
    costs: dict[str, float]
    readings: dict[str, dict[str, Any]]
    lived: bool = True
    gave_way: list[Gave] = field(default_factory=list)
    reasons: list[tuple[int, Reason]] = field(default_factory=list)
    reserve_cost: float = 0.0


def live(
    world: World,
    plant: Plant,
    controller: Controller,
    policy: str,
    file: Written | None,
    progress: Callable[[int], None],
    note: Note | None = None,
    stretch: int = STRETCH,
) -> Outcome:
    """Live through the run's steps under `controller`; an interrupt ends it with what there is.

    note: told each step's number, what was known, what was written, and what was read back.
    stretch: how many steps are handed to `file` at a time; 1 for who looks on as it happens.
    """
    recorder = Recorder(stretch)
    readings = begun = plant.read()
    outcome = Outcome(new_figures(world, readings), {}, readings)
    points = [
        (a, [(p.name, column_name(a.name, p.name, p.unit)) for p in a.shown_points()])
        for a in world.assets
    ]
    try:
        for index in range(len(world.grid)):
            known, setpoints = readings, controller.decide(index, readings)
            plant.write(setpoints, controller.courses if isinstance(controller, Planned) else None)
            plant.step(index)
            readings = plant.read()
            if note is not None:
                note(index, known, plant.held, readings)
            outcome.readings = readings
            row = row_of(points, readings, plant.flows)
            _note_plan(controller, index, row, outcome)
            _note_unserved(world, readings, index, outcome)
            outcome.figures.dump(plant.spilled, float(world.grid.hours[index]))
            recorder.add(row)
            outcome.figures.residual = max(outcome.figures.residual, plant.residual)
            if recorder.full:
                hand_on(world, recorder.take(), policy, outcome.figures, file)
            progress(index + 1)
    except KeyboardInterrupt:
        outcome.figures.interrupted = True
    hand_on(world, recorder.take(), policy, outcome.figures, file)
    outcome.costs = costs_of(world, plant, readings, begun)
    return outcome


def new_figures(world: World, readings: Mapping[str, Mapping[str, Any]]) -> Figures:
    """Return empty sums that start from the stored energy in `readings`."""
    start = {a.name: float(readings[a.name]["energy"]) for a in world.assets if a.role == "store"}
    electric = [a for a in world.assets if "electricity" in {p.carrier for p in a.ports().values()}]
    stored = sum(start.get(asset.name, 0.0) for asset in electric)
    intervals = [
        tariff.demand.interval
        for tariff in world.truth.tariffs.values()
        if tariff.demand is not None
    ]
    return Figures(world.assets, min(intervals, default=0.25), stored, start)


def row_of(
    points: Sequence[tuple[Kind, list[tuple[str, str]]]],
    readings: Mapping[str, Mapping[str, Any]],
    flows: Mapping[str, Mapping[str, float]],
) -> dict[str, float]:
    """Return a step's numbers by column. points: of each asset, (name, column)."""
    row: dict[str, float] = {}
    for asset, names in points:
        shown = readings[asset.name]
        for point, column in names:
            if point in shown:
                row[column] = shown[point]
        for port, flow in flows[asset.name].items():
            row[flow_name(asset.name, port)] = flow
    return row


def _note_plan(controller: Controller, index: int, row: dict[str, float], outcome: Outcome) -> None:
    """Keep the plan's prices, its reasons, and what gave way in its first step."""
    if not isinstance(controller, Planned):
        return
    plan = controller.planner.last_good
    if plan is None:
        return
    slot = int(plan.open[min(index - plan.made_at, len(plan.open) - 1)])
    duals = plan.solution.duals
    for node, row_number in zip(
        plan.program.nodes, plan.program.balances.numbers[:, slot], strict=True
    ):
        row[f"{node.name}/price_cny_per_mwh"] = float(duals[row_number])
    if index < REASONS_UP_TO:
        outcome.reasons.extend((index, reason) for reason in explain(plan, index - plan.made_at))
    _note_what_gave_way(plan, index, outcome)
    if index == plan.made_at:
        outcome.reserve_cost += _price_of_reserve(plan)


def _price_of_reserve(plan: Plan) -> float:
    """Return what this step's reserves cost [CNY]: their prices in the plan times what they hold.

    While a reserve is being rebuilt its price is what we take a shortage to cost, which nobody
    pays.
    """
    slot, total = int(plan.open[0]), 0.0
    for rows in plan.program.rows:
        kind, _, rule = rows.name.partition("-")
        if rule == "reserve":
            block = plan.program.blocks[kind]
            held = (block["e_reserve"] - block["e_floor"]).array[:, 0]
            short = plan.solution.columns[plan.program.column_of(kind, "short").columns[:, slot]]
            prices = plan.solution.duals[rows.numbers[:, slot]]
            total += float(np.where(short <= USED, prices, 0.0) @ held)
    return total


def _note_what_gave_way(plan: Plan, index: int, outcome: Outcome) -> None:
    for gave in plan.gave_way:
        if gave.first <= index - plan.made_at <= gave.last:
            share = gave.amount / (gave.last - gave.first + 1)
            _go_on(outcome, gave.asset, gave.limit, index, share)


def _note_unserved(
    world: World, readings: Mapping[str, Mapping[str, Any]], index: int, outcome: Outcome
) -> None:
    """Keep what loads truly lost: a load that is not served is told, whoever decided."""
    for asset in world.assets:
        lost = float(readings[asset.name].get("unserved", 0.0))
        if lost > USED:
            amount = lost * float(world.grid.hours[index])
            _go_on(outcome, asset.name, "unserved", index, amount)


def _go_on(outcome: Outcome, asset: str, limit: str, index: int, amount: float) -> None:
    """Let a spell of what gave way go on in step `index`, or begin one."""
    same = (g for g in reversed(outcome.gave_way) if (g.asset, g.limit) == (asset, limit))
    last = next(same, None)
    if last is not None and last.last == index - 1:
        last.last, last.amount = index, last.amount + amount
    else:
        outcome.gave_way.append(Gave(asset, limit, index, index, amount))


def hand_on(
    world: World,
    taken: tuple[int, dict[str, Floats]],
    policy: str,
    figures: Figures,
    file: Written | None,
) -> None:
    """Sum a stretch of steps and write it out."""
    first, columns = taken
    count = len(next(iter(columns.values()))) if columns else 0
    if not count:
        return
    hours = world.grid.hours[first : first + count]
    green = 0.0 if world.green is None else world.green[first : first + count]
    columns["park/clean_share_pu"] = figures.add(columns, hours, green)
    if world.truth.weather is not None:
        columns["weather/t_air_c"] = world.truth.weather.t_air[first : first + count]
        columns["weather/t_wet_c"] = world.truth.weather.t_wet[first : first + count]
    if file is not None:
        file.write(policy, world.grid.starts[first : first + count], columns)


def costs_of(
    world: World,
    plant: Plant,
    readings: Mapping[str, Mapping[str, Any]],
    begun: Mapping[str, Mapping[str, Any]],
) -> dict[str, float]:
    """Return what the run has cost [CNY] by part.

    What is stored or owed at its end counts against what was so when it had begun, at the one end
    price.
    """
    parts = dict.fromkeys(("energy", "demand", "wear", "unserved", "ends"), 0.0)
    for asset in world.assets:
        for part, amount in plant.devices[asset.name].costs.items():
            parts[part] = parts.get(part, 0.0) + amount
    parts["ends"] += ends_cost(world, readings) - ends_cost(world, begun)
    return parts


def ends_cost(world: World, readings: Mapping[str, Mapping[str, Any]]) -> float:
    """Return what all that is stored (-) or owed (+) in `readings` is worth at the end [CNY]."""
    return sum(asset.end_cost(readings[asset.name], world.end_price) for asset in world.assets)
