"""A second formulation, row by row, of a base with ramps and of heat passed between networks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formulation.random_parks import program_for
from tests.formulation.test_second_opinion import COUNT, STEP, Sheet, _no_demand, _no_peaks
from zeropark.assets import kinds
from zeropark.assets.kind import Kind
from zeropark.formulation.program import Inputs, Program
from zeropark.formulation.solver import Solver

Floats = npt.NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


def _asset(kind: str, name: str = "", **fields: object) -> Kind:
    return kinds()[kind].model_validate({"name": name or f"a-{kind}", **fields})


def _tie(price: Floats) -> Inputs:
    return Inputs({"price_import": price[None, :], **_no_demand()}, _no_peaks())


def _agree(program: Program, sheet: Sheet) -> None:
    solution = Solver(program).solve()
    assert not solution.elastic
    assert solution.objective == pytest.approx(sheet.least(), rel=1e-6, abs=1e-6)


def _drawn(random: np.random.Generator, low: float, high: float) -> float:
    return round(float(random.uniform(low, high)), 3)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=seeds)
def test_a_base_is_planned_as_a_second_sheet_plans_it(seed: int) -> None:
    """It begins at nothing, so that the downward limits can always be kept by curtailing."""
    random = np.random.default_rng(seed)
    price = np.round(random.uniform(50, 800, COUNT), 1)
    sun = np.round(random.uniform(0, 3, COUNT) * (random.random(COUNT) > 0.2), 3)
    up, down, band = (_drawn(random, 0.5, 3) for _ in range(3))
    most, lost = _drawn(random, 1, 3), _drawn(random, 0.02, 0.2)
    tie = _asset("grid_tie", node="bus", import_max=50.0, tariff="simple")
    works = _asset("load", node="bus", profile={"constant": 2.0})
    field = _asset("pv", node="base", p_nom=3.0, arrays=[{"tilt": 30.0}])
    wire = _asset("line", node="far", near="bus", p_nom=3.0, loss_load=lost)
    gate = _asset(
        "remote_base", node="base", out="far", p_nom=most, ramp_up=up, ramp_down=down, band=band,
        band_time=2.0,
    )  # fmt: skip
    program = program_for([tie, works, field, gate, wire], np.full(COUNT, STEP))
    program.update(
        {
            "grid_tie": _tie(price),
            "load": Inputs({"demand": np.full((1, COUNT), 2.0)}),
            "pv": Inputs({"available": sun[None, :]}),
            "remote_base": Inputs(
                {"loose": np.zeros((1, COUNT))}, {"output": np.zeros(1), "mean": np.zeros(1)}
            ),
        }
    )
    sheet, keep = Sheet(), float(np.exp(-STEP / 2.0))
    for t in range(COUNT):
        sheet.column(f"out {t}", 0.0, min(most, float(sun[t])))
        sheet.column(f"mean {t}", 0.0, most)
        sheet.column(f"heat {t}", 0.0, lost * 3.0 * STEP)
        sheet.column(f"buy {t}", 0.0, np.inf, float(price[t]))
        sheet.column(f"short {t}", 0.0, 2.0 * STEP, 20_000.0)
        before = {f"out {t - 1}": -1.0} if t else {}
        mean = {f"mean {t - 1}": -1.0} if t else {}
        sheet.row({f"out {t}": 1.0, **before}, "<", up * STEP)
        sheet.row({f"out {t}": 1.0, **before}, ">", -down * STEP)
        sheet.row({f"out {t}": 1.0, **mean}, "<", band)
        sheet.row({f"out {t}": 1.0, **mean}, ">", -band)
        old = dict.fromkeys(mean, -keep)
        sheet.row({f"mean {t}": 1.0, f"out {t}": keep - 1.0, **old}, "=", 0.0)
        for x in (0.15, 0.5, 0.9):
            # The tangent of lost · p² / 3 at p = 3 x.
            tangent = {f"heat {t}": 1.0, f"out {t}": -2.0 * lost * x * STEP}
            sheet.row(tangent, ">", -lost * 3.0 * x * x * STEP)
        served = {f"buy {t}": 1.0, f"short {t}": 1.0, f"out {t}": STEP, f"heat {t}": -1.0}
        sheet.row(served, "=", 2.0 * STEP)
    _agree(program, sheet)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=seeds)
def test_heat_is_passed_on_as_a_second_sheet_passes_it(seed: int) -> None:
    """A boiler's steam goes by exchanger and by valve to a network, by pipe on, to a chiller."""
    random = np.random.default_rng(seed)

    def drawn(low: float, high: float) -> Floats:
        return np.round(random.uniform(low, high, COUNT), 3)

    price, share, most, loss = drawn(50, 800), drawn(0.5, 1), drawn(0, 1), drawn(0.02, 0.2)
    cop, drive, warm, town, labs = (drawn(0.4, 0.8), drawn(0, 1), drawn(0, 1), drawn(0, 1),
                                    drawn(0, 0.6))  # fmt: skip
    valve, rating = _drawn(random, 0.1, 1.0), _drawn(random, 0.5, 4.0)
    assets = [
        _asset("grid_tie", node="bus", import_max=50.0, tariff="simple"),
        _asset("boiler", node="bus", heat="steam", p_nom=rating),
        _asset("heat_load", "offices", node="warm", profile={"constant": 1.0}),
        _asset("heat_load", "town", node="mild", profile={"constant": 1.0}),
        _asset("cooling_load", node="cold", profile={"constant": 1.0}),
        _asset("heat_exchanger", node="steam", heat="warm", q_nom=1.0),
        _asset("steam_header", node="steam", heat="warm", q_nom=valve),
        _asset("heat_pipe", node="warm", heat="mild", q_nom=0.8, length=1e3),
        _asset("absorption_chiller", node="bus", heat="steam", cooling="cold", q_drive=1.0,
               t_supply=12.0, pump_power=0.05),
    ]  # fmt: skip
    program = program_for(assets, np.full(COUNT, STEP))
    one = np.ones((1, COUNT))
    program.update(
        {
            "grid_tie": _tie(price),
            "boiler": Inputs({"efficiency": one * 0.9}),
            "heat_load": Inputs({"demand": np.vstack([warm, town])}),
            "cooling_load": Inputs({"demand": labs[None, :]}),
            "heat_exchanger": Inputs({"most": most[None, :], "share": share[None, :]}),
            "steam_header": Inputs({"most": one * valve}),
            "heat_pipe": Inputs({"most": one * 0.8, "loss": loss[None, :]}),
            "absorption_chiller": Inputs({"most": drive[None, :], "cop": cop[None, :]}),
        }
    )
    sheet = Sheet()
    for t in range(COUNT):
        sheet.column(f"boil {t}", 0.0, rating * STEP, float(price[t]))
        give = sheet.column(f"give {t}", 0.0, float(most[t]) * STEP)
        let = sheet.column(f"let {t}", 0.0, valve * STEP)
        sheet.column(f"vent {t}", 0.0, np.inf, min(1.0, 12.0 / 0.669))
        pipe = sheet.column(f"pipe {t}", 0.0, 0.8 * STEP)
        cold = sheet.column(f"cold {t}", 0.0, float(loss[t]) * STEP, 2_000.0)
        # The pumps' power is bought with the cooling it makes.
        cooled = sheet.column(f"cooled {t}", 0.0, drive[t] * cop[t] * STEP, 0.05 * price[t])
        short = [
            sheet.column(f"{name} {t}", 0.0, float(asked[t]) * STEP, 2_000.0)
            for name, asked in (("warm", warm), ("town", town), ("labs", labs))
        ]
        dumped = sheet.column(f"dumped {t}", 0.0, np.inf, 1.0)
        taken = {give: -1.0 / share[t], let: -1.0, cooled: -1.0 / cop[t], f"vent {t}": -1.0}
        sheet.row({f"boil {t}": 0.9, **taken}, "=", 0.0)
        network = {give: 1.0, let: 1.0, pipe: -1.0, cold: 1.0, short[0]: 1.0, dumped: -1.0}
        sheet.row(network, "=", float(warm[t] + loss[t]) * STEP)
        sheet.row({pipe: 1.0, short[1]: 1.0}, "=", float(town[t]) * STEP)
        sheet.row({cooled: 1.0, short[2]: 1.0}, "=", float(labs[t]) * STEP)
    _agree(program, sheet)
