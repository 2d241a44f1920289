"""The day's plan in flixopt: a flow system of buses, flows with sizes, converters and storages."""

from __future__ import annotations

import importlib
import logging
import warnings
from typing import Any

import numpy as np

from bench.planned import Planned
from bench.shapes import ELECTRICITY, Problem

# By name, because these packages are in the peers' environment only.
pandas = importlib.import_module("pandas")
fx = importlib.import_module("flixopt")

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")  # its own libraries' deprecations


def plan(p: Problem) -> Planned:
    """Plan with HiGHS, whose only setting here is one thread."""
    steps = pandas.date_range("2026-01-01", periods=p.steps, freq=f"{round(p.hours * 60)}min")
    fs = fx.FlowSystem(steps)
    fs.add_elements(
        fx.Bus("electricity"),
        fx.Bus("heat"),
        fx.Bus("low_heat"),
        fx.Effect("cost", "CNY", "cost", is_standard=True, is_objective=True),
    )
    _add_grid(fs, p)
    _add_heat(fs, p)
    _add_stores(fs, p)
    _add_flexible(fs, p)
    # flixopt's highest gap and its log settings do not touch a linear program.
    fs.optimize(fx.solvers.HighsSolver(mip_gap=0.0, threads=1, log_to_console=False))
    bought = fs.solution["import(out)|flow_rate"].to_numpy()[: p.steps]
    return Planned(float(fs.solution["objective"]), bought)


def _flow(label: str, bus: str, available: Any, cost: Any = 0.0) -> Any:
    most = float(np.max(available))
    return fx.Flow(
        label, bus, size=most, relative_maximum=available / most, effects_per_flow_hour=cost
    )


def _add_grid(fs: Any, p: Problem) -> None:
    peak = fx.InvestParameters(
        minimum_size=p.peak_so_far,
        maximum_size=p.import_cap,
        mandatory=True,
        effects_of_investment_per_size=p.demand_charge,
    )
    bought = fx.Flow("out", "electricity", size=peak, effects_per_flow_hour=p.price_import)
    sold = fx.Flow("in", "electricity", size=p.export_cap, effects_per_flow_hour=-p.price_export)
    load = fx.Flow("in", "electricity", size=1.0, fixed_relative_profile=p.load)
    fs.add_elements(
        fx.Source("import", outputs=[bought]),
        fx.Sink("export", inputs=[sold]),
        fx.Source("pv", outputs=[_flow("out", "electricity", p.pv)]),
        fx.Source("wind", outputs=[_flow("out", "electricity", p.wind)]),
        fx.Sink("load", inputs=[load]),
    )


def _add_heat(fs: Any, p: Problem) -> None:
    load = fx.Flow("in", "heat", size=1.0, fixed_relative_profile=p.heat_load)
    boiler = fx.Flow("out", "heat", size=p.boiler_nom, effects_per_flow_hour=p.boiler_cost)
    fs.add_elements(
        fx.Sink("heat_load", inputs=[load]),
        fx.Source("boiler", outputs=[boiler]),
        fx.Source("waste", outputs=[_flow("out", "low_heat", p.waste_heat)]),
        fx.LinearConverter(
            "heat_pump",
            inputs=[
                fx.Flow("power", "electricity", size=p.heat_pump_nom),
                fx.Flow("low", "low_heat", size=float(p.waste_heat.max())),
            ],
            outputs=[fx.Flow("heat", "heat", size=p.heat_pump_nom * float(p.cop.max()))],
            # Each line: the inputs times their factors are the outputs times theirs.
            conversion_factors=[
                {"power": p.cop, "heat": 1.0},
                {"low": p.cop / (p.cop - 1.0), "heat": 1.0},
            ],
        ),
    )


def _add_stores(fs: Any, p: Problem) -> None:
    s = p.stores
    for i in range(len(s)):
        bus = "electricity" if s.node[i] == ELECTRICITY else "heat"
        power = float(s.p_nom[i])
        fs.add_elements(
            fx.Storage(
                f"store_{i}",
                charging=fx.Flow("charge", bus, size=power),
                discharging=fx.Flow(
                    "dispatch", bus, size=power, effects_per_flow_hour=float(s.wear[i])
                ),
                capacity_in_flow_hours=float(s.e_nom[i]),
                initial_charge_state=float(s.e_start[i]),
                minimal_final_charge_state=float(s.e_end[i]),
                maximal_final_charge_state=float(s.e_end[i]),
                eta_charge=float(s.efficiency_store[i]),
                eta_discharge=float(s.efficiency_dispatch[i]),
                relative_loss_per_hour=float(s.standing_loss[i]),
                # Its default adds whole numbers, which no other tool solves here.
                prevent_simultaneous_charge_and_discharge=False,
            )
        )


def _add_flexible(fs: Any, p: Problem) -> None:
    rows = p.flexible
    for i in range(len(rows)):
        most = float(rows.power[i].max())
        flow = fx.Flow(
            "in",
            "electricity",
            size=most,
            relative_maximum=rows.power[i] / most,
            flow_hours_min=float(rows.least[i]),
            flow_hours_max=float(rows.most[i]),
        )
        fs.add_elements(fx.Sink(f"flexible_{i}", inputs=[flow]))
