"""The day's plan in oemof.solph: an energy system of buses, sources, sinks and storages."""

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
solph = importlib.import_module("oemof.solph")

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")  # solph warns of each feature that is still young


def plan(p: Problem) -> Planned:
    """Plan with HiGHS in memory, the fastest of solph's ways to a solver."""
    index = pandas.date_range("2026-01-01", periods=p.steps + 1, freq=f"{round(p.hours * 60)}min")
    es = solph.EnergySystem(timeindex=index, infer_last_interval=False)
    power, heat, low = (solph.Bus(label=name) for name in ("electricity", "heat", "low_heat"))
    es.add(power, heat, low)
    _add_grid(es, p, power)
    _add_heat(es, p, (power, heat, low))
    _add_stores(es, p, (power, heat))
    _add_flexible(es, p, power)
    model = solph.Model(es)
    results = model.solve(solver="highs", cmdline_options={"threads": 1})
    bought = results["flow"][("import", "electricity")]
    return Planned(float(results["objective"]), bought.to_numpy()[: p.steps])


def _add_grid(es: Any, p: Problem, power: Any) -> None:
    peak = solph.Investment(ep_costs=p.demand_charge, minimum=p.peak_so_far, maximum=p.import_cap)
    es.add(
        solph.components.Source(
            label="import",
            outputs={power: solph.Flow(nominal_capacity=peak, variable_costs=p.price_import)},
        ),
        solph.components.Sink(
            label="export",
            inputs={
                power: solph.Flow(nominal_capacity=p.export_cap, variable_costs=-p.price_export)
            },
        ),
        solph.components.Sink(
            label="load", inputs={power: solph.Flow(nominal_capacity=1.0, fix=p.load)}
        ),
    )
    for name, available in (("pv", p.pv), ("wind", p.wind)):
        es.add(_source(name, power, available))


def _source(label: str, bus: Any, available: Any, cost: float = 0.0) -> Any:
    return solph.components.Source(
        label=label,
        outputs={bus: solph.Flow(nominal_capacity=1.0, maximum=available, variable_costs=cost)},
    )


def _add_heat(es: Any, p: Problem, buses: tuple[Any, Any, Any]) -> None:
    power, heat, low = buses
    es.add(
        solph.components.Sink(
            label="heat_load", inputs={heat: solph.Flow(nominal_capacity=1.0, fix=p.heat_load)}
        ),
        _source("boiler", heat, np.full(p.steps, p.boiler_nom), p.boiler_cost),
        _source("waste", low, p.waste_heat),
        solph.components.Converter(
            label="heat_pump",
            inputs={power: solph.Flow(nominal_capacity=p.heat_pump_nom), low: solph.Flow()},
            outputs={heat: solph.Flow()},
            conversion_factors={power: 1.0 / p.cop, low: (p.cop - 1.0) / p.cop},
        ),
    )


def _add_stores(es: Any, p: Problem, buses: tuple[Any, Any]) -> None:
    s = p.stores
    for i in range(len(s)):
        bus = buses[0] if s.node[i] == ELECTRICITY else buses[1]
        assert s.e_start[i] == s.e_end[i], "solph's `balanced` ends where it began"
        es.add(
            solph.components.GenericStorage(
                label=f"store {i}",
                inputs={bus: solph.Flow(nominal_capacity=s.p_nom[i])},
                outputs={bus: solph.Flow(nominal_capacity=s.p_nom[i], variable_costs=s.wear[i])},
                nominal_capacity=s.e_nom[i],
                initial_storage_level=s.e_start[i] / s.e_nom[i],
                balanced=True,
                loss_rate=s.standing_loss[i],
                inflow_conversion_factor=s.efficiency_store[i],
                outflow_conversion_factor=s.efficiency_dispatch[i],
            )
        )


def _add_flexible(es: Any, p: Problem, power: Any) -> None:
    rows = p.flexible
    for i in range(len(rows)):
        flow = solph.Flow(
            nominal_capacity=1.0,
            maximum=rows.power[i],
            full_load_time_min=rows.least[i],
            full_load_time_max=rows.most[i],
        )
        es.add(solph.components.Sink(label=f"flexible {i}", inputs={power: flow}))
