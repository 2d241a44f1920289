"""Parks of two hundred assets, written row by row a second time: one optimum.

Of the kinds PyPSA cannot say: networks of steam and heat, bases behind a gate, furnaces and lines
with their stocks, halls and jobs, chargers, a demand that is paid. Whole numbers are left relaxed
in both; `test_whole_numbers` tries those on parks small enough to count all ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.assets.yard import by_kind
from tests.formulation.random_parks import program_for
from tests.formulation.test_second_opinion import CLASSES, COUNT, RUNS, STEP, Sheet, curves
from zeropark.assets import kinds
from zeropark.assets.kind import Kind
from zeropark.formulation.program import Balance, Inputs
from zeropark.formulation.solver import Solver

Floats = npt.NDArray[np.float64]
ASSETS = 200
LOST = 20_000.0  # what a load is paid for going without [CNY/MWh]
COLD = 2_000.0  # what a heated building is


@dataclass
class Park:
    """A park that is told to both: assets with their signals, and columns with their rows.

    at_bus: what each step's balance at the common node takes of which column.
    """

    random: np.random.Generator
    assets: list[Kind] = field(default_factory=list)
    said: list[Inputs] = field(default_factory=list)
    nodes: list[Balance] = field(default_factory=lambda: [Balance("bus", "electricity")])
    sheet: Sheet = field(default_factory=Sheet)
    at_bus: list[dict[str, float]] = field(default_factory=lambda: [{} for _ in range(COUNT)])
    asked: Floats = field(default_factory=lambda: np.zeros(COUNT))
    known: float = 0.0

    def put(
        self, kind: str, name: str, signals: Mapping[str, Any], figures: Mapping[str, float],
        **fields: object,
    ) -> None:  # fmt: skip
        """Add an asset; a signal is one number, one for each step, or rows of them."""
        self.assets.append(kinds()[kind].model_validate({"name": f"{name}-{kind}", **fields}))
        rows = {n: np.atleast_2d(np.asarray(v, dtype=float)) for n, v in signals.items()}
        full = {n: np.broadcast_to(v, (v.shape[0], COUNT)).copy() for n, v in rows.items()}
        self.said.append(Inputs(full, {n: np.atleast_1d(float(v)) for n, v in figures.items()}))

    def steps(self, low: float, high: float) -> Floats:
        """Numbers by chance, one for each step."""
        return np.round(self.random.uniform(low, high, COUNT), 3)

    def size(self, low: float, high: float) -> float:
        return round(float(self.random.uniform(low, high)), 3)

    def node(self, name: str, carrier: str, spill: float | None = None) -> str:
        self.nodes.append(Balance(name, carrier, spill_cost=spill))
        return name

    def optima(self) -> tuple[float, float]:
        """What ours and the sheet's least cost are."""
        for t in range(COUNT):
            self.sheet.row(self.at_bus[t], "=", float(self.asked[t]) * STEP)
        program = program_for(self.assets, np.full(COUNT, STEP), self.nodes)
        found: dict[str, list[Inputs]] = {}
        for asset, said in zip(self.assets, self.said, strict=True):
            found.setdefault(asset.kind, []).append(said)
        assert list(found) == list(by_kind(self.assets))
        program.update({kind: _joined(parts) for kind, parts in found.items()})
        solution = Solver(program).solve()
        assert not solution.elastic
        return solution.objective, self.sheet.least() + self.known


def _joined(parts: list[Inputs]) -> Inputs:
    signals = {n: np.vstack([part.signals[n] for part in parts]) for n in parts[0].signals}
    figures = {n: np.concatenate([part.figures[n] for part in parts]) for n in parts[0].figures}
    return Inputs(signals, figures)


def _tie(park: Park) -> None:
    """Import under a cap that binds, with a demand that is paid by the step."""
    price, due, most = park.steps(50, 800), park.size(0, 3_000), 14.0
    figures = dict.fromkeys(("peak_even", "demand_price_even"), 0.0)
    signals = {
        "price_import": price, "price_export": 0.0, "available": 1.0, "in_even": 0.0,
        "in_odd": 1.0, "demand_free": 0.0, "demand_drawn": 0.0, "demand_0": 1.0 / STEP,
    }  # fmt: skip
    park.put(
        "grid_tie", "a", signals, {**figures, "peak_odd": 5.0, "demand_price_odd": due},
        node="bus", import_max=most, tariff="simple",
    )  # fmt: skip
    park.sheet.column("peak", 5.0, np.inf, due)
    for t in range(COUNT):
        buy = park.sheet.column(f"buy {t}", 0.0, most * STEP, float(price[t]))
        park.sheet.row({buy: 1.0 / STEP, "peak": -1.0}, "<", 0.0)
        park.at_bus[t][buy] = 1.0


def _heat(park: Park, name: str) -> None:
    """Steam goes by exchanger and by valve to a network, by pipe on, and to a chiller."""
    sheet = park.sheet
    share, most, loss = park.steps(0.5, 1), park.steps(0, 1), park.steps(0.02, 0.2)
    cop, drive = park.steps(0.4, 0.8), park.steps(0, 1)
    warm, town, labs = park.steps(0, 1), park.steps(0, 1), park.steps(0, 0.6)
    valve, rating = park.size(0.1, 1.0), park.size(0.5, 4.0)
    steam, near, far = (park.node(f"{name}-{n}", "heat", 1.0) for n in ("steam", "near", "far"))
    cold = park.node(f"{name}-cold", "cooling", 1.0)
    flat = {"constant": 1.0}
    park.put("boiler", name, {"efficiency": 0.9}, {}, node="bus", heat=steam, p_nom=rating)
    park.put("heat_load", f"{name}-b", {"demand": warm}, {}, node=near, profile=flat)
    park.put("heat_load", f"{name}-c", {"demand": town}, {}, node=far, profile=flat)
    park.put("cooling_load", name, {"demand": labs}, {}, node=cold, profile=flat)
    park.put(
        "heat_exchanger", name, {"most": most, "share": share}, {}, node=steam, heat=near, q_nom=1.0
    )
    park.put("steam_header", name, {"most": valve}, {}, node=steam, heat=near, q_nom=valve)
    park.put(
        "heat_pipe", name, {"most": 0.8, "loss": loss}, {}, node=near, heat=far, q_nom=0.8,
        length=1e3,
    )  # fmt: skip
    park.put(
        "absorption_chiller", name, {"most": drive, "cop": cop}, {}, node="bus", heat=steam,
        cooling=cold, q_drive=1.0, t_supply=12.0, pump_power=0.05,
    )  # fmt: skip
    for t in range(COUNT):
        boil = sheet.column(f"{name} boil {t}", 0.0, rating * STEP)
        give = sheet.column(f"{name} give {t}", 0.0, float(most[t]) * STEP)
        let = sheet.column(f"{name} let {t}", 0.0, valve * STEP)
        vent = sheet.column(f"{name} vent {t}", 0.0, np.inf, min(1.0, 12.0 / 0.669))
        pipe = sheet.column(f"{name} pipe {t}", 0.0, 0.8 * STEP)
        chill = sheet.column(f"{name} chill {t}", 0.0, float(loss[t]) * STEP, COLD)
        cooled = sheet.column(f"{name} cooled {t}", 0.0, drive[t] * cop[t] * STEP)
        short = [
            sheet.column(f"{name} short {n} {t}", 0.0, float(asked[t]) * STEP, COLD)
            for n, asked in enumerate((warm, town, labs))
        ]
        dumped = [sheet.column(f"{name} dumped {n} {t}", 0.0, np.inf, 1.0) for n in range(4)]
        taken = {give: -1.0 / share[t], let: -1.0, cooled: -1.0 / cop[t], vent: -1.0}
        sheet.row({boil: 0.9, **taken, dumped[0]: -1.0}, "=", 0.0)
        network = {give: 1.0, let: 1.0, pipe: -1.0, chill: 1.0, short[0]: 1.0, dumped[1]: -1.0}
        sheet.row(network, "=", float(warm[t] + loss[t]) * STEP)
        sheet.row({pipe: 1.0, short[1]: 1.0, dumped[2]: -1.0}, "=", float(town[t]) * STEP)
        sheet.row({cooled: 1.0, short[2]: 1.0, dumped[3]: -1.0}, "=", float(labs[t]) * STEP)
        park.at_bus[t] |= {boil: -1.0, cooled: -0.05}


def _base(park: Park, name: str) -> None:
    """Sun behind a gate with ramps and a band, a line that loses by the square, and a works."""
    sheet = park.sheet
    sun = park.steps(0, 3)
    up, down, band = (park.size(0.5, 3) for _ in range(3))
    most, lost = park.size(1, 3), park.size(0.02, 0.2)
    field_, far = (park.node(f"{name}-{n}", "electricity") for n in ("field", "far"))
    asked = park.steps(0, 2)
    park.put("load", name, {"demand": asked}, {}, node="bus", profile={"constant": 2.0})
    park.put("pv", name, {"available": sun}, {}, node=field_, p_nom=3.0, arrays=[{"tilt": 30.0}])
    park.put(
        "remote_base", name, {"loose": 0.0}, {"output": 0.0, "mean": 0.0}, node=field_, out=far,
        p_nom=most, ramp_up=up, ramp_down=down, band=band, band_time=2.0,
    )  # fmt: skip
    park.put("line", name, {}, {}, node=far, near="bus", p_nom=3.0, loss_load=lost)
    keep = float(np.exp(-STEP / 2.0))
    park.asked += asked
    for t in range(COUNT):
        out = sheet.column(f"{name} out {t}", 0.0, min(most, float(sun[t])))
        mean = sheet.column(f"{name} mean {t}", 0.0, most)
        heat = sheet.column(f"{name} heat {t}", 0.0, lost * 3.0 * STEP)
        short = sheet.column(f"{name} short {t}", 0.0, float(asked[t]) * STEP, LOST)
        before = {f"{name} out {t - 1}": -1.0} if t else {}
        old = {f"{name} mean {t - 1}": -1.0} if t else {}
        sheet.row({out: 1.0, **before}, "<", up * STEP)
        sheet.row({out: 1.0, **before}, ">", -down * STEP)
        sheet.row({out: 1.0, **old}, "<", band)
        sheet.row({out: 1.0, **old}, ">", -band)
        sheet.row({mean: 1.0, out: keep - 1.0, **dict.fromkeys(old, -keep)}, "=", 0.0)
        for x in (0.15, 0.5, 0.9):
            # The tangent of lost · p² / 3 at p = 3 x.
            sheet.row({heat: 1.0, out: -2.0 * lost * x * STEP}, ">", -lost * 3.0 * x * x * STEP)
        park.at_bus[t] |= {short: 1.0, out: STEP, heat: -1.0}


@dataclass
class Book:
    """A stock with its orders: due [t, cumulated], worth at the end [CNY/t]."""

    due: Floats
    most: float
    start: float
    worth: float

    @classmethod
    def of(cls, park: Park, made: float) -> Book:
        """Orders in the second half of what `made` [t a step] brings at half load at the least."""
        parts = np.zeros(COUNT)
        parts[COUNT // 2 :] = np.round(park.random.uniform(0, 0.5 * made, COUNT - COUNT // 2), 3)
        return cls(np.cumsum(parts), round(6 * made, 3), round(3 * made, 3), park.size(0, 900))

    def said(self) -> tuple[dict[str, Any], dict[str, float]]:
        ends = np.zeros(COUNT)
        ends[-1] = self.worth
        signals = {"due": self.due, "late_price": 1e3 * STEP, "end_value": ends}
        owed = float(self.due[-1])
        return signals, {"stock": self.start, "delivered": 0.0, "owed": owed, "worth": self.worth}

    def write(self, sheet: Sheet, name: str, t: int, made: Mapping[str, float], give: str) -> None:
        """What is due leaves in its step: no sooner by rule, no later by contract."""
        last = t == COUNT - 1
        stock = sheet.column(f"{name} stock {t}", 0.0, self.most, -self.worth if last else 0.0)
        before = float(self.due[t - 1]) if t else 0.0
        old = {f"{name} stock {t - 1}": 1.0} if t else {}
        kept = {stock: -1.0, **made, **old} | ({give: -1.0} if give else {})
        sheet.row(kept, "=", float(self.due[t]) - before - (0.0 if t else self.start))


def _works(park: Park, name: str) -> None:
    """A furnace with steam for houses; a line draws on its stock and has orders of its own."""
    sheet = park.sheet
    rod = park.node(f"{name}-rod", "material")
    houses = park.node(f"{name}-houses", "heat", 1.0)
    p_nom, p_min, ramp = park.size(2, 4), park.size(0.2, 1.5), park.size(0.5, 4)
    product, steam = park.steps(0.02, 0.05), park.size(0, 0.6)
    start_cost, power, asked = park.size(0, 900), park.size(0, 0.2), park.steps(0, 1)
    yield_in, energy, rate = park.size(0.5, 1.5), park.steps(5, 30), park.size(0.05, 0.1)
    first, second = Book.of(park, 0.02 * p_nom * STEP), Book.of(park, rate * STEP)
    leap = max(p_min, ramp * STEP)
    signals, figures = first.said()
    park.put(
        "furnace", name, {**signals, "product": product, "leap": leap},
        {**figures, "on": 1.0, "power": p_min}, node="bus", heat=houses, output=rod, p_nom=p_nom,
        p_min=p_min, ramp=ramp, energy=30.0, steam_share=steam, start_cost=start_cost,
        stock_max=first.most, stock_start=first.start,
    )  # fmt: skip
    signals, figures = second.said()
    park.put(
        "process_line", name, {**signals, "energy": energy}, {**figures, "on": 1.0}, node="bus",
        input=rod, yield_in=yield_in, rate=rate, rate_min=0.5 * rate, energy=20.0, idle=power,
        start_cost=start_cost, stock_max=second.most, stock_start=second.start,
        orders=[{"name": "daily", "amount": second.most / 2, "due": 20.0}],
    )  # fmt: skip
    park.put("space_heating", name, {"demand": asked}, {}, node=houses, q_nom=1.0, t_design=-10.0)
    park.asked += power
    # What is owed at the end costs its making; what was delivered of it is worth as much.
    for t in range(COUNT):
        p = sheet.column(f"{name} p {t}", 0.0, p_nom)
        on, start = _switch(sheet, f"{name} furnace", t, start_cost)
        sheet.row({p: 1.0, on: -p_min}, ">", 0.0)
        sheet.row({p: 1.0, on: -p_nom}, "<", 0.0)
        change = ramp * STEP
        if t:
            old, was = f"{name} p {t - 1}", f"{name} furnace on {t - 1}"
            sheet.row({p: 1.0, old: -1.0, was: -change, start: -leap}, "<", 0.0)
            down = {old: 1.0, p: -1.0, on: p_nom - change, was: -p_nom, start: -p_nom}
            sheet.row(down, "<", 0.0)
        else:
            sheet.row({p: 1.0, start: -leap}, "<", p_min + change)
            sheet.row({p: -1.0, on: p_nom - change, start: -p_nom}, "<", p_nom - p_min)
        give = sheet.column(f"{name} give {t}", 0.0, np.inf)
        first.write(sheet, f"{name} rod", t, {p: float(product[t]) * STEP}, give)
        make = sheet.column(f"{name} make {t}", 0.0, rate * STEP)
        runs, _ = _switch(sheet, f"{name} line", t, start_cost)
        sheet.row({make: 1.0, runs: -0.5 * rate * STEP}, ">", 0.0)
        sheet.row({make: 1.0, runs: -rate * STEP}, "<", 0.0)
        second.write(sheet, f"{name} goods", t, {make: 1.0}, "")
        sheet.row({give: 1.0, make: -yield_in}, "=", 0.0)
        vent = sheet.column(f"{name} vent {t}", 0.0, np.inf)
        sheet.row({vent: 1.0, p: -steam * STEP}, "<", 0.0)
        short = sheet.column(f"{name} cold {t}", 0.0, float(asked[t]) * STEP, COLD)
        dumped = sheet.column(f"{name} spilled {t}", 0.0, np.inf, 1.0)
        warm = {p: steam * STEP, vent: -1.0, short: 1.0, dumped: -1.0}
        sheet.row(warm, "=", float(asked[t]) * STEP)
        park.at_bus[t] |= {p: -STEP, make: -float(energy[t])}


def _switch(sheet: Sheet, name: str, t: int, cost: float) -> tuple[str, str]:
    """On or off, not whole; it is on before the first step."""
    on = sheet.column(f"{name} on {t}", 0.0, 1.0)
    start = sheet.column(f"{name} start {t}", 0.0, np.inf, cost)
    was = {f"{name} on {t - 1}": 1.0} if t else {}
    here = 0.0 if t else 1.0
    sheet.row({start: 1.0, on: -1.0, **was}, ">", -here)
    sheet.row({start: 1.0, **was}, "<", 1.0 - here)
    return on, start


def _halls(park: Park, name: str) -> None:
    """Two job classes that wait, in a hall of fan segments."""
    sheet, it = park.sheet, park.node(f"{name}-it", "compute")
    latest, earliest = curves(park.random, 2, 3.0)
    pieces = 5  # as a plan cuts the curve
    slopes = np.sort(np.round(park.random.uniform(1.0, 1.6, pieces), 4))
    free, per_heat, standing = park.steps(0, 2), park.steps(0.1, 0.4), park.steps(0.1, 0.5)
    running, worth = np.round(park.random.uniform(0, 5, (2, COUNT)), 3), park.steps(0, 6)[:2]
    width, each = round(1.8 / pieces, 6), np.ones((2, COUNT))
    cut = {f"slope_{k}": slopes[k] for k in range(pieces)}
    cut |= {f"width_{k}": width for k in range(pieces)}
    park.put(
        "data_hall", name, {"standing": standing, "per_heat": per_heat, "free": free, **cut}, {},
        node="bus", compute=it, p_nom=2.0, p_idle=0.2, cores=180e3,
    )  # fmt: skip
    signals = {
        "start_limit": each * 1e3, "run_limit": each * 90.0, "running": running, "latest": latest,
        "earliest": earliest, "length": each, "late_price": each * 0.0,
        "end_value": each * worth[:, None],
    }  # fmt: skip
    park.put("job_pool", name, signals, {}, node=it, cores=180e3, classes=CLASSES)
    none = {n: np.zeros(2) for n in ("settled", "fluid", "owed", "owed_price")}
    park.said[-1] = Inputs(park.said[-1].signals, {**none, "work_per_start": np.ones(2)})
    park.asked += standing
    # What runs for sure is settled whatever the plan; its worth at the end is part of ours only.
    park.known += float(worth @ running.sum(axis=1))
    for t in range(COUNT):
        work = [
            _jobs(sheet, name, j, t, (latest[j], earliest[j]), float(running[j, t]), worth[j])
            for j in range(2)
        ]
        heat = sheet.column(f"{name} compressor {t}", 0.0, 2.0 * STEP)
        parts = [sheet.column(f"{name} it {k} {t}", 0.0, width * STEP) for k in range(pieces)]
        # 1.8 MW carry 180 kcores: a kcore takes 10 kW.
        sheet.row(dict.fromkeys(parts, 1.0) | dict.fromkeys(work, -0.01), "=", 0.0)
        sheet.row(dict.fromkeys(parts, -1.0) | {heat: 1.0}, ">", (0.2 - float(free[t])) * STEP)
        drawn = {part: -float(slopes[k]) for k, part in enumerate(parts)}
        park.at_bus[t] |= {**drawn, heat: -float(per_heat[t])}


def _jobs(
    sheet: Sheet, name: str, j: int, t: int, curve: tuple[Floats, Floats], running: float,
    worth: float,
) -> str:  # fmt: skip
    """A class's starts; what was begun less than the run time ago runs."""
    begun = sheet.column(f"{name} begun {j} {t}", float(curve[0][t]), float(curve[1][t]))
    run = sheet.column(f"{name} run {j} {t}", 0.0, 90.0, -float(worth))
    before = f"{name} begun {j} {t - 1}"
    sheet.row({begun: 1.0} | ({before: -1.0} if t else {}), ">", 0.0)
    now = {run: 1.0, begun: -1.0}
    if t >= RUNS[j]:
        now[f"{name} begun {j} {t - RUNS[j]}"] = 1.0
    sheet.row(now, "=", running)
    return run


def _cars(park: Park, name: str) -> None:
    """A hub with its two curves."""
    latest, earliest = curves(park.random, 1, 0.4)
    value = park.size(0, 400)
    signals = {
        "latest": latest, "earliest": earliest, "limit": 0.6, "efficiency": 0.9,
        "end_value": value, "sure_stay": 1.0,
    }  # fmt: skip
    figures = dict.fromkeys(("settled", "owed", "owed_price", "lost"), 0.0)
    sockets = [{"name": "dc", "count": 9, "p_nom": 0.1}]
    park.put("ev_hub", name, signals, figures, node="bus", p_nom=1.2, connectors=sockets)
    for t in range(COUNT):
        charge = park.sheet.column(f"{name} charge {t}", 0.0, 0.6, -value)
        low, high = float(latest[0, t]), float(earliest[0, t])
        done = park.sheet.column(f"{name} done {t}", low, high)
        before = {f"{name} done {t - 1}": -1.0} if t else {}
        park.sheet.row({done: 1.0, charge: -1.0, **before}, "=", 0.0)
        park.at_bus[t][charge] = -1.0 / 0.9


def _mill(park: Park, name: str) -> None:
    """A load that can be paid to go without, and green power that is paid whatever is used."""
    asked, share, green = park.steps(0, 1), park.size(0.1, 0.9), park.steps(0, 1)
    park.put(
        "curtailable_load", name, {"demand": asked, "curtailable": share * asked}, {}, node="bus",
        profile={"constant": 1.0}, share=share, price_curtailed=500.0,
    )  # fmt: skip
    park.put(
        "green_power_contract", name, {"delivered": green}, {}, shape={"constant": 1.0}, price=5.0
    )
    park.known += float(green.sum()) * STEP * 5.0
    park.asked += asked
    for t in range(COUNT):
        most = share * float(asked[t]) * STEP
        curtailed = park.sheet.column(f"{name} curtailed {t}", 0.0, most, 500.0)
        lost = park.sheet.column(f"{name} lost {t}", 0.0, float(asked[t]) * STEP, LOST)
        park.at_bus[t] |= {curtailed: 1.0, lost: 1.0}


YARDS: tuple[Callable[[Park, str], None], ...] = (_heat, _base, _works, _halls, _cars, _mill)


@pytest.mark.parametrize("seed", range(10))
def test_a_park_of_two_hundred_assets_has_the_optimum_of_its_second_sheet(seed: int) -> None:
    park = Park(np.random.default_rng([201, seed]))
    _tie(park)
    number = 0
    while len(park.assets) < ASSETS:
        YARDS[number % len(YARDS)](park, f"y{number}")
        number += 1
    ours, theirs = park.optima()
    assert ours == pytest.approx(theirs, rel=1e-6)
