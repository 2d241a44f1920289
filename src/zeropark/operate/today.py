"""What a living park is doing now and has come to since its midnight; what is wrong with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.data.published import Fact
from zeropark.formulation.solver import USED, Grade
from zeropark.operate.figures import Columns, Figures, flow_name
from zeropark.operate.living import COST, Frame, Living
from zeropark.operate.record import Times
from zeropark.operate.result import regional
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid, to_local

# Import this much above a contract is an alarm [MW]: a meter's own noise is below it.
_ABOVE = 1e-3


@dataclass(frozen=True)
class Sum:
    """What some lived steps came to, by the names of `run.json`; None where it is not known.

    first: UTC start. hours: how long [h].
    """

    first: np.datetime64
    hours: float
    figures: Mapping[str, Any]
    cost_cny: float
    co2_t: float | None
    intensity_kg_per_mwh: float | None


@dataclass(frozen=True)
class Stored:
    """What the electric stores hold together: energy, capacity [MWh], power [MW], discharge +."""

    energy: float
    capacity: float
    power: float

    @property
    def share(self) -> float | None:
        """State of charge of all together [1]."""
        return self.energy / self.capacity if self.capacity > 0 else None


@dataclass(frozen=True)
class Alarm:
    """Something a person should know: 1 act at once, 2 act soon, 3 look. since: UTC."""

    priority: int
    since: np.datetime64
    what: Text
    text: Text


@dataclass(frozen=True)
class Today:
    """A park at one frame.

    now: of the newest step. day: since the park's midnight, or since it began to live. peak_at:
    when the day's highest import began, UTC. factor: location-based, with year and source; None
    where none is known. exported, imported: [MW]. contract: contracted import of all ties [MW].
    price: import price now [CNY/MWh]; None where there is no tie.
    """

    frame: Frame
    now: Sum
    day: Sum
    peak_at: np.datetime64 | None
    stored: Stored
    imported: float
    exported: float
    contract: float | None
    price: float | None
    factor: Fact | None
    alarms: Sequence[Alarm] = field(default_factory=list)


def today(living: Living, frame: Frame) -> Today:
    """Return what the park is doing at a frame, from its own meters."""
    world, park = living.run.world, living.run.request.park
    starts, columns = living.history()
    count = frame.index + 1
    starts, columns = starts[:count], {name: values[:count] for name, values in columns.items()}
    local = to_local(starts, world.grid.zone).astype("datetime64[D]")
    first = int(np.argmax(local == local[-1]))
    at = dt.date.fromisoformat(living.run.request.start)
    factor = regional(park, "grid_factor", at)
    ties = [asset for asset in world.assets if asset.role == "grid"]
    imports = _total(ties, columns, "import_mw", count)
    peak = first + int(np.argmax(imports[first:])) if ties else None
    prices = [float(frame.readings[tie.name]["price_import"]) for tie in ties]
    contracts = [float(getattr(tie, "contract_limit", np.inf)) for tie in ties]
    contract = float(np.sum(contracts)) if contracts and np.isfinite(contracts).all() else None
    found = Today(
        frame=frame,
        now=sum_of(living, columns, count - 1, count, factor),
        day=sum_of(living, columns, first, count, factor),
        peak_at=None if peak is None else starts[peak],
        stored=_stored(world.assets, frame),
        imported=float(imports[-1]),
        exported=float(_total(ties, columns, "export_mw", count)[-1]),
        contract=contract,
        price=float(np.mean(prices)) if prices else None,
        factor=factor,
    )
    return replace(found, alarms=sorted(_alarms(living, found, starts), key=lambda a: a.priority))


def sum_of(living: Living, columns: Columns, first: int, last: int, factor: Fact | None) -> Sum:
    """Return what the lived steps `first` to `last` (exclusive) came to.

    columns: of all lived steps. factor: location-based emission factor; None leaves carbon out.
    """
    world = living.run.world
    grid = world.grid.window(first, last)
    part = {name: values[first:last] for name, values in columns.items()}
    figures = _figures(world.assets, columns, first)
    figures.add(part, grid.hours)
    before = float(columns[COST][first - 1]) if first else 0.0
    rate = None if factor is None else factor.in_unit("t/MWh")
    taken = figures.used + figures.lost
    return Sum(
        first=grid.start,
        hours=figures.hours,
        figures=figures.as_json({}, 1),
        cost_cny=float(columns[COST][last - 1]) - before,
        co2_t=None if rate is None else figures.imported * rate,
        intensity_kg_per_mwh=(
            None if rate is None or taken <= 0 else 1e3 * rate * figures.imported / taken
        ),
    )


def _figures(assets: Sequence[Kind], columns: Columns, first: int) -> Figures:
    """Return empty sums that start from what stores held before step `first` [MWh]."""
    held = {}
    for asset in assets:
        energy = columns.get(f"{asset.name}/energy_mwh")
        if asset.role == "store" and energy is not None:
            # Of the first step of all nobody knows what was before it but its own end.
            held[asset.name] = float(energy[max(0, first - 1)])
    electric = {a.name for a in assets if "electricity" in {p.carrier for p in a.ports().values()}}
    stored = sum(value for name, value in held.items() if name in electric)
    return Figures(assets, 0.25, stored, held)


def _total(assets: Sequence[Kind], columns: Columns, ending: str, count: int) -> Any:
    each = (columns[f"{asset.name}/{ending}"] for asset in assets)
    return sum(each, np.zeros(count))


def _stored(assets: Sequence[Kind], frame: Frame) -> Stored:
    energy = capacity = power = 0.0
    for asset in assets:
        carriers = {port.carrier for port in asset.ports().values()}
        if asset.role != "store" or "electricity" not in carriers:
            continue
        readings = frame.readings[asset.name]
        energy += float(readings["energy"])
        capacity += float(readings.get("capacity", getattr(asset, "e_nom", 0.0)))
        power += sum(frame.flows[asset.name].values())
    return Stored(energy, capacity, power)


def _alarms(living: Living, now: Today, starts: Times) -> Iterator[Alarm]:
    """Yield what is wrong, in no order; an alarm is since the step in which it first held."""
    frame = now.frame
    for asset in living.run.world.assets:
        missing = float(frame.readings[asset.name].get("unserved", 0.0))
        if missing > USED:
            kw = f"{missing * 1e3:,.0f} kW"
            yield Alarm(1, starts[-1], asset.shown, Text(f"{kw} not served", f"{kw} 未供电"))
    if now.contract is not None and now.imported > now.contract + _ABOVE:
        over = f"{(now.imported - now.contract) * 1e3:,.0f} kW"
        text = Text(f"import is {over} above the contract", f"购电超过合同 {over}")
        yield Alarm(2, starts[-1], Text("Grid import", "购电"), text)
    ahead = frame.ahead
    if ahead is None:
        if not frame.catching_up:
            yield Alarm(
                2,
                starts[-1],
                Text("Planner", "计划器"),
                Text("no plan; the rules decide", "无计划；按规则运行"),
            )
        return
    if ahead.grade != Grade.OPTIMAL.value:
        text = Text(f"plan's grade: {ahead.grade}", f"计划评级：{ahead.grade}")
        yield Alarm(3, starts[-1], Text("Planner", "计划器"), text)
    for gave in ahead.gave_way:
        since = np.datetime64(str(gave["from"]).removesuffix("Z"), "s")
        words = gave["sentence"]
        yield Alarm(3, since, Text("Limit gives way", "限值让步"), Text(words["en"], words["zh"]))


@dataclass(frozen=True)
class Doing:
    """What the automation does with an asset: since when its reason stands, until when (UTC).

    power: flow into the node now [MW]; None where the asset has several carriers or is no flow.
    """

    asset: Kind
    power: float | None
    until: np.datetime64
    why: Text
    code: str


def doing(living: Living, frame: Frame) -> list[Doing]:
    """Return what the automation does with each asset it gives set-points to, the largest first.

    Empty where no plan stands.
    """
    if frame.ahead is None:
        return []
    assets = {asset.name: asset for asset in living.run.world.assets}
    steered = {name for name, points in frame.written.items() if points}
    found: list[Doing] = []
    # A plan may have been made since the newest step has ended.
    lived = living.run.world.grid.starts[frame.index]
    at = f"{max(lived, frame.ahead.grid.start)}Z"
    for spell in frame.ahead.reasons:
        name = str(spell["asset"]).partition("/")[0]
        if spell["asset"] not in steered or not spell["from"] <= at < spell["to"]:
            continue
        words = spell["sentence"]
        until = np.datetime64(str(spell["to"]).removesuffix("Z"), "s")
        why = Text(words["en"], words["zh"])
        power = electric_flow(assets[name], frame)
        found.append(Doing(assets[name], power, until, why, str(spell["code"])))
    return sorted(found, key=lambda each: -abs(each.power or 0.0))


def electric_flow(asset: Kind, frame: Frame) -> float | None:
    """Return the electricity an asset gives its node now [MW], + into it; None without any."""
    ports = [name for name, port in asset.ports().items() if port.carrier == "electricity"]
    flows = frame.flows.get(asset.name, {})
    there = [flows[port] for port in ports if port in flows]
    return sum(there) if there else None


def flows_by_carrier(living: Living, frame: Frame) -> dict[str, list[tuple[Kind, float]]]:
    """Return of each carrier which asset puts how much into its nodes now [MW], - takes out."""
    found: dict[str, list[tuple[Kind, float]]] = {}
    for asset in living.run.world.assets:
        by_carrier: dict[str, float] = {}
        for port, meaning in asset.ports().items():
            flow = frame.flows.get(asset.name, {}).get(port)
            if flow is not None:
                by_carrier[meaning.carrier] = by_carrier.get(meaning.carrier, 0.0) + flow
        for carrier, flow in by_carrier.items():
            found.setdefault(carrier, []).append((asset, flow))
    return found


def flow_of(columns: Columns, asset: Kind, carrier: str) -> Any | None:
    """Return an asset's flow into the nodes of a carrier [MW], (N,); None where it has none."""
    ports = [name for name, port in asset.ports().items() if port.carrier == carrier]
    there = [columns[name] for p in ports if (name := flow_name(asset.name, p)) in columns]
    return sum(there[1:], there[0]) if there else None


def by_clock(grid: TimeGrid, starts: Times) -> Times:
    """Return the park's clock at instants (UTC)."""
    return to_local(starts, grid.zone)
