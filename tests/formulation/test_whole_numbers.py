"""Whole numbers against every choice there is: each written by hand and solved on its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.assets.yard import by_kind, inputs_of
from tests.formulation.test_second_opinion import Sheet
from tests.formulation.toys import build
from zeropark.assets import kinds
from zeropark.assets.kind import Horizon, Kind
from zeropark.assets.stockroom import Order
from zeropark.data.outlook import Outlook
from zeropark.formulation import commitment
from zeropark.formulation.commitment import Commitments, whole_columns
from zeropark.formulation.program import Inputs, Program
from zeropark.formulation.solver import NoPlanError, Option, Solver, quiet_highs
from zeropark.model.tariff import Tariff
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)
STEPS, STEP = 6, 0.5
# From 8 h to 11 h in Xining.
GRID = TimeGrid.regular(np.datetime64("2026-04-10T00:00:00"), STEPS, 30, "Asia/Shanghai")
BANDS = [{"name": "all", "hours": ["0-24"], "price": 0.0}]
FREE = Tariff.model_validate(
    {"name": "simple", "energy": [{"from": "2020-01-01", "bands": BANDS}], "demand": {"price": 0.0}}
)
END_PRICE = 90.0
WINDOW = {"name": "day", "begin": 8.0, "until": 11.0}


def _asset(kind: str, **fields: object) -> Kind:
    return kinds()[kind].model_validate({"name": kind, "node": "bus", **fields})


def _program(
    asset: Kind, price: Floats, readings: Mapping[str, object] | None = None, *, best: bool = True
) -> Program:
    """The program of a tie and one asset, bought for at `price`."""
    tie = kinds()["grid_tie"].model_validate(
        {"name": "tie", "node": "bus", "import_max": 99.0, "tariff": "simple"}
    )
    series = {"tie/price_import": price}
    outlook = Outlook(GRID, None, {"simple": FREE}, GRID, series, best_case=best)
    horizon = Horizon(GRID, END_PRICE)
    inputs = {}
    for each in (tie, asset):
        shown = each.device(outlook, np.random.default_rng(1)).read()
        if each is asset:
            shown |= dict(readings or {})
        own = each.situation(shown, horizon)
        inputs[each.kind] = Inputs({**each.signals(outlook), **own.signals}, own.figures)
    return build([tie, asset], inputs, GRID.hours)


def _decided(program: Program) -> Commitments:
    return Commitments(Solver(program), close=1e-6)


def _one_order(amount: float) -> list[dict[str, object]]:
    """An order that is due when the six half-hours are over."""
    return [{"name": "one", "amount": amount, "due": 11.0}]


# -- a furnace ------------------------------------------------------------------------------------


def _furnace(random: np.random.Generator) -> tuple[Kind, Floats]:
    p_min, ramp = round(float(random.uniform(1, 3)), 2), round(float(random.uniform(1, 6)), 2)
    fields = {
        "p_nom": 4.0, "p_min": p_min, "ramp": ramp, "energy": 1.0, "part_load_loss": 0.0,
        "start_cost": round(float(random.uniform(0, 400)), 1), "stock_max": 50.0,
        "stock_start": 1.0, "runs": bool(random.random() < 0.5),
        # What rises from standstill to half its power can make.
        "orders": _one_order(1.0 + round(float(random.uniform(0, 2)), 2)),
    }  # fmt: skip
    return _asset("furnace", **fields), np.round(random.uniform(20, 400, STEPS), 1)


def _stock_on(sheet: Sheet, t: int, made: Mapping[str, float], asset: Kind) -> None:
    """A step of the stock: nothing leaves but the order that is due at the end."""
    worth = END_PRICE * getattr(asset, "energy")  # noqa: B009 - both kinds have one
    due = getattr(asset, "orders")[0].amount if t == STEPS - 1 else 0.0  # noqa: B009
    sheet.column(f"stock {t}", 0.0, 50.0, -worth if t == STEPS - 1 else 0.0)
    balance = {f"stock {t}": 1.0} | {name: -share for name, share in made.items()}
    start = getattr(asset, "stock_start") if t == 0 else 0.0  # noqa: B009
    sheet.row(balance | ({f"stock {t - 1}": -1.0} if t else {}), "=", start - due)


def _furnace_sheet(furnace: Kind, price: Floats, on: tuple[int, ...]) -> tuple[Sheet, float]:
    """The furnace with its hours of running given, and what its starts cost."""
    f, sheet, starts = furnace.model_dump(), Sheet(), 0
    was, at = int(f["runs"]), f["p_min"] if f["runs"] else 0.0
    for t, runs in enumerate(on):
        now = sheet.column(f"p {t}", f["p_min"] * runs, f["p_nom"] * runs, float(price[t]) * STEP)
        before = {f"p {t - 1}": -1.0} if t else {}
        bound = at if t == 0 else 0.0
        if runs and was:
            sheet.row({now: 1.0} | before, "<", bound + f["ramp"] * STEP)
            sheet.row({now: 1.0} | before, ">", bound - f["ramp"] * STEP)
        elif runs:
            starts += 1
            # A start leaps to the least power, or by the ramp; a bound may do both in one step.
            sheet.row({now: 1.0}, "<", f["p_min"] + f["ramp"] * STEP)
        was = runs
        _stock_on(sheet, t, {now: STEP}, furnace)
    return sheet, starts * f["start_cost"]


# -- a process line -------------------------------------------------------------------------------


def _line(random: np.random.Generator) -> tuple[Kind, Floats]:
    fields = {
        "rate": 4.0, "rate_min": round(float(random.uniform(1, 3)), 2), "energy": 0.7,
        "part_load_loss": 0.0, "start_cost": round(float(random.uniform(0, 200)), 1),
        "stock_max": 50.0, "stock_start": 1.0, "runs": bool(random.random() < 0.5),
        "orders": _one_order(1.0 + round(float(random.uniform(0, 6)), 2)),
    }  # fmt: skip
    return _asset("process_line", **fields), np.round(random.uniform(20, 400, STEPS), 1)


def _line_sheet(line: Kind, price: Floats, on: tuple[int, ...]) -> tuple[Sheet, float]:
    f, sheet, starts, was = line.model_dump(), Sheet(), 0, int(getattr(line, "runs"))  # noqa: B009
    for t, runs in enumerate(on):
        cost = float(price[t]) * f["energy"]
        low, high = f["rate_min"] * STEP * runs, f["rate"] * STEP * runs
        now = sheet.column(f"make {t}", low, high, cost)
        starts += runs and not was
        was = runs
        _stock_on(sheet, t, {now: 1.0}, line)
    return sheet, starts * f["start_cost"]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=seeds, kind=st.sampled_from(["furnace", "process_line"]))
def test_what_runs_is_the_best_of_all_there_is(seed: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    asset, price = _furnace(random) if kind == "furnace" else _line(random)
    sheet_of = _furnace_sheet if kind == "furnace" else _line_sheet
    costs = []
    for on in product((0, 1), repeat=STEPS):
        sheet, starts = sheet_of(asset, price, on)
        try:
            costs.append(sheet.least() + starts)
        except AssertionError:
            continue  # these hours of running cannot keep the order
    chosen = _decided(_program(asset, price)).solve()
    assert chosen.closed
    assert chosen.solution.objective == pytest.approx(min(costs), rel=2e-6, abs=1e-4)


# -- a chain --------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=seeds)
def test_a_chain_shifts_within_its_stocks_as_a_second_sheet_has_it(seed: int) -> None:
    random = np.random.default_rng(seed)
    share, first, last = np.round(random.uniform((1.0, 0.2, 0.2), (1.2, 1.2, 1.5)), 2).tolist()
    rods = _asset("process_line", output="rod", rate=2.0, energy=3.0, stock_max=2.0,
                  stock_start=1.0, part_load_loss=0.0, idle=0.1)  # fmt: skip
    wafers = rods.model_copy(update={
        "name": "wafers", "output": None, "input": "rod", "yield_in": share, "rate": 1.5,
        "energy": 0.5, "stock_max": 1.6, "stock_start": 0.5, "heat": "warm",
        "heat_per_product": 0.4, "embodied": 3.0, "orders": (
            Order(name="first", amount=first, due=9.5), Order(name="last", amount=last, due=11.0)),
    })  # fmt: skip
    boiler = _asset("boiler", heat="warm", p_nom=2.0, efficiency=0.8, efficiency_best=0.8)
    price = np.round(random.uniform(20, 400, STEPS), 1)
    tie = kinds()["grid_tie"].model_validate(
        {"name": "tie", "node": "bus", "import_max": 99.0, "tariff": "simple"}
    )
    assets = [tie, rods, wafers, boiler]
    series = {"tie/price_import": price}
    outlook = Outlook(GRID, None, {"simple": FREE}, GRID, series, best_case=True)
    program = build(assets, inputs_of(by_kind(assets), outlook, end_price=END_PRICE), GRID.hours)
    chosen = Commitments(Solver(program)).solve()
    assert not chosen.solution.elastic

    sheet, fixed = Sheet(), float(price.sum()) * 2 * 0.1 * STEP
    for t in range(STEPS):
        end = float(t == STEPS - 1)
        sheet.column(f"rods {t}", 0.0, 2.0 * STEP, 3.0 * float(price[t]))
        sheet.column(f"rod stock {t}", 0.0, 2.0, -3.0 * END_PRICE * end)
        # The boiler makes 0.8 MWh of heat of one of electricity; a tonne takes 0.4.
        sheet.column(f"wafers {t}", 0.0, 1.5 * STEP, (0.5 + 0.4 / 0.8) * float(price[t]))
        sheet.column(f"wafer stock {t}", 0.0, 1.6, -3.5 * END_PRICE * end)
        before = 1.0 if t == 0 else 0.0
        rod = {f"rod stock {t}": 1.0, f"rods {t}": -1.0, f"wafers {t}": share}
        sheet.row(rod | ({f"rod stock {t - 1}": -1.0} if t else {}), "=", before)
        due = {2: first, STEPS - 1: last}.get(t, 0.0)
        wafer = {f"wafer stock {t}": 1.0, f"wafers {t}": -1.0}
        before = (0.5 if t == 0 else 0.0) - due
        sheet.row(wafer | ({f"wafer stock {t - 1}": -1.0} if t else {}), "=", before)
    found = chosen.solution.objective
    assert found == pytest.approx(sheet.least() + fixed, rel=1e-6, abs=1e-6)


# -- batches --------------------------------------------------------------------------------------


def _ways(batches: int, slots: int) -> Iterator[tuple[int, ...]]:
    """Every number of batches begun in each slot."""
    for way in product(range(batches + 1), repeat=slots):
        if sum(way) <= batches:
            yield way


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=seeds)
def test_batches_begin_in_the_best_of_all_ways(seed: int) -> None:
    random = np.random.default_rng(seed)
    course = np.round(random.uniform(0.2, 2, 2), 2)
    machines, rest = int(random.integers(1, 3)), float(random.choice([0.0, 0.5]))
    batches = int(random.integers(1, 3))
    asset = _asset("batch_process", course=course.tolist(), duration=1.0, changeover=rest,
                   machines=machines, spread=0.0,
                   windows=[{**WINDOW, "batches": batches}])  # fmt: skip
    price = np.round(random.uniform(20, 400, STEPS), 1)
    least, span = np.inf, 2 + round(rest / STEP)
    for way in _ways(batches, STEPS):
        at_work = [sum(way[max(0, t - span + 1) : t + 1]) for t in range(STEPS)]
        # The last moment to begin is 10 h, the start of the fifth half-hour.
        if max(at_work) > machines or sum(way[:5]) < batches:
            continue
        power = np.convolve(way, course)[:STEPS]
        least = min(least, float(power @ price) * STEP)
    chosen = _decided(_program(asset, price)).solve()
    assert chosen.solution.objective == pytest.approx(least, rel=2e-6, abs=1e-4)
    begun = chosen.solution.columns[whole_columns(_program(asset, price))]
    assert begun.tolist() == pytest.approx(np.round(begun).tolist(), abs=1e-9)


# -- the deadline ---------------------------------------------------------------------------------


def _hard(**readings: object) -> Program:
    """A line whose broken numbers are far below any whole ones: starts cost more than power."""
    asset = _asset("process_line", rate=4.0, rate_min=2.0, energy=0.7, start_cost=500.0,
                   stock_max=50.0, stock_start=1.0, runs=False,
                   orders=[{"name": "one", "amount": 3.0, "due": 11.0}])  # fmt: skip
    return _program(asset, np.array([300.0, 50.0, 300.0, 40.0, 300.0, 60.0]), readings)


def test_a_stalled_search_leaves_the_numbers_rounded_up_and_says_so() -> None:
    best = Commitments(Solver(_hard())).solve()
    assert best.closed
    stalled = Commitments(Solver(_hard()))
    stalled.options = {"time_limit": 0.0}
    chosen = stalled.solve()
    assert not chosen.closed
    assert chosen.gap > 0.001
    assert chosen.solution.objective > best.solution.objective + 1.0
    relaxed = Commitments(Solver(_hard()))
    relaxed.relaxed = True
    bound = relaxed.solve().solution.objective
    assert bound < best.solution.objective - 1.0
    told = chosen.gap * max(1.0, abs(chosen.solution.objective))
    assert chosen.solution.objective - told <= best.solution.objective + 1e-6


def test_a_search_is_given_less_than_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    given_limits = []

    def noted(options: Mapping[str, Option] | None = None) -> object:
        given_limits.append(float((options or {})["time_limit"]))
        return quiet_highs(options)

    monkeypatch.setattr(commitment, "quiet_highs", noted)
    Commitments(Solver(_hard())).solve(deadline_seconds=2.0)
    assert len(given_limits) == 1
    assert 0.0 < given_limits[0] <= 1.4
    Commitments(Solver(_hard()), most_seconds=3.0).solve()
    assert given_limits[1:] == [3.0]


def test_no_time_at_all_is_no_plan() -> None:
    with pytest.raises(NoPlanError):
        Commitments(Solver(_hard())).solve(deadline_seconds=0.0)


def test_numbers_that_are_whole_of_themselves_are_not_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asset = _asset("batch_process", course=[2.0, 1.0], duration=1.0, spread=0.0,
                   windows=[WINDOW])  # fmt: skip
    program = _program(asset, np.array([300.0, 50.0, 300.0, 40.0, 300.0, 60.0]))
    monkeypatch.setattr(Commitments, "_search", None)
    assert Commitments(Solver(program)).solve().gap <= 1e-9


# -- prices, and what is held between -------------------------------------------------------------


def test_prices_are_those_of_the_program_with_whole_numbers_fixed() -> None:
    program = _hard()
    solver = Solver(program)
    chosen = Commitments(solver).solve()
    node = int(program.balances.numbers[0, program.layout.open()[1]])
    assert solver.fixed is not None
    price = chosen.solution.duals[node]
    # One MWh more at the node, with the same hours of running.
    bounds = program.row_lower, program.row_upper
    for bound in bounds:
        bound[node] += 0.01
    again = solver.solve()
    assert again.objective - chosen.solution.objective == pytest.approx(0.01 * price, rel=1e-6)
    assert price == pytest.approx(50.0)


def test_what_was_decided_is_held_until_the_next_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    program = _hard()
    commitments = Commitments(Solver(program), every=2)
    first = commitments.solve()
    decided = []
    decide = Commitments._decide

    def counted(self: Commitments, until: float) -> commitment.Chosen:
        decided.append(until)
        return decide(self, until)

    monkeypatch.setattr(Commitments, "_decide", counted)
    held = commitments.solve()
    assert not decided
    whole = whole_columns(program)
    assert held.solution.columns[whole].tolist() == first.solution.columns[whole].tolist()
    assert (held.gap, held.closed) == (first.gap, first.closed)
    commitments.solve(moved=2)
    assert len(decided) == 1


def test_commitments_under_which_a_limit_gives_way_are_decided_anew() -> None:
    program = _hard()
    commitments = Commitments(Solver(program), every=100)
    commitments.solve()
    held = commitments._held
    assert held is not None
    commitments._held = np.zeros_like(held)
    assert not commitments.solve().solution.elastic


def test_what_is_late_under_every_commitment_is_decided_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 20 t are overdue: at 4 t/h they are late for hours, whatever runs.
    commitments = Commitments(Solver(_hard(overdue=20.0)), every=100)
    first = commitments.solve()
    assert first.solution.elastic
    assert np.isfinite(first.gap)
    monkeypatch.setattr(Commitments, "_decide", None)
    again = commitments.solve()
    assert again.solution.objective == pytest.approx(first.solution.objective, rel=1e-6)
