"""The day's plan in linopy: labelled variables and constraints written by hand."""

from __future__ import annotations

import importlib
import logging
import warnings
from typing import Any

import numpy as np

from bench.planned import Planned
from bench.shapes import ELECTRICITY, HEAT, Problem

# By name, because these packages are in the peers' environment only.
linopy = importlib.import_module("linopy")
pandas = importlib.import_module("pandas")
xarray = importlib.import_module("xarray")

logging.disable(logging.WARNING)
warnings.simplefilter(
    "ignore"
)  # it warns of words that will mean something else in a later version


def plan(p: Problem) -> Planned:
    """Plan with linopy's direct hand-over to HiGHS, which is faster than its default file."""
    return _plan(p, io_api="direct")


def plan_through_file(p: Problem) -> Planned:
    """Plan with linopy as it comes: through an LP file."""
    return _plan(p)


def _plan(p: Problem, **given: str) -> Planned:
    m, hours = linopy.Model(), p.hours
    time = pandas.RangeIndex(p.steps, name="time")

    def series(values: Any) -> Any:
        return xarray.DataArray(values, coords=[time])

    def flow(name: str, most: Any) -> Any:
        return m.add_variables(lower=0.0, upper=series(most), coords=[time], name=name)

    steady = np.ones(p.steps)
    bought = flow("import", p.import_cap * steady)
    sold = flow("export", p.export_cap * steady)
    pv, wind = flow("pv", p.pv), flow("wind", p.wind)
    pump, low = flow("heat_pump", p.heat_pump_nom * steady), flow("low_heat", p.waste_heat)
    boiler = flow("boiler", p.boiler_nom * steady)
    peak = m.add_variables(lower=p.peak_so_far, upper=p.import_cap, name="peak")
    into, wear = _add_stores(m, p, time)
    taken = _add_flexible(m, p, time)
    cop = series(p.cop)
    m.add_constraints(
        bought - sold + pv + wind - pump - taken + into[ELECTRICITY] == series(p.load), name="power"
    )
    m.add_constraints(cop * pump + boiler + into[HEAT] == series(p.heat_load), name="heat")
    m.add_constraints(low - (cop - 1.0) * pump == 0.0, name="low heat")
    m.add_constraints(bought - peak <= 0.0, name="peak")
    m.add_objective(
        (series(p.price_import) * hours * bought).sum()
        - (series(p.price_export) * hours * sold).sum()
        + (p.boiler_cost * hours * boiler).sum()
        + wear
        + p.demand_charge * peak
    )
    status = m.solve("highs", threads=1, output_flag=False, progress=False, **given)
    assert status == ("ok", "optimal"), f"linopy says {status}"
    return Planned(float(m.objective.value), bought.solution.to_numpy())


def _add_stores(m: Any, p: Problem, time: Any) -> tuple[list[Any], Any]:
    """Return what flows into each node, and the cost of wear."""
    s, hours = p.stores, p.hours
    which = pandas.RangeIndex(len(s), name="store")

    def each(values: Any) -> Any:
        return xarray.DataArray(values, coords=[which])

    least = np.zeros((len(s), p.steps))
    most = np.repeat(s.e_nom[:, None], p.steps, axis=1)
    least[:, -1] = most[:, -1] = s.e_end
    grid = [which, time]
    charge = m.add_variables(lower=0.0, upper=each(s.p_nom), coords=grid, name="charge")
    dispatch = m.add_variables(lower=0.0, upper=each(s.p_nom), coords=grid, name="dispatch")
    content = m.add_variables(
        lower=xarray.DataArray(least, coords=grid),
        upper=xarray.DataArray(most, coords=grid),
        name="content",
    )
    keep = (1.0 - s.standing_loss) ** hours
    start = np.zeros((len(s), p.steps))
    start[:, 0] = keep * s.e_start
    m.add_constraints(
        content
        - each(keep) * content.shift(time=1)
        - each(s.efficiency_store * hours) * charge
        + each(hours / s.efficiency_dispatch) * dispatch
        == xarray.DataArray(start, coords=grid),
        name="content",
    )
    into = []
    for node in (ELECTRICITY, HEAT):
        these = np.flatnonzero(s.node == node)
        into.append((dispatch.isel(store=these) - charge.isel(store=these)).sum("store"))
    return into, (each(s.wear * hours) * dispatch).sum()


def _add_flexible(m: Any, p: Problem, time: Any) -> Any:
    """Return what jobs and cars take together."""
    rows = p.flexible
    which = pandas.RangeIndex(len(rows), name="row")
    power = xarray.DataArray(rows.power, coords=[which, time])
    taken = m.add_variables(lower=0.0, upper=power, mask=power > 0.0, name="taken")
    energy = (p.hours * taken).sum("time")
    m.add_constraints(energy >= xarray.DataArray(rows.least, coords=[which]), name="least")
    m.add_constraints(energy <= xarray.DataArray(rows.most, coords=[which]), name="most")
    return taken.sum("row")
