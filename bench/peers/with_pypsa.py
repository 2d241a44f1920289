"""The day's plan in PyPSA: a network of buses, generators, links and storage units."""

from __future__ import annotations

import importlib
import logging
from typing import Any

import numpy as np

from bench.planned import Planned
from bench.shapes import ELECTRICITY, Problem

# By name, because these packages are in the peers' environment only.
pandas = importlib.import_module("pandas")
pypsa = importlib.import_module("pypsa")

logging.disable(logging.WARNING)


def plan(p: Problem) -> Planned:
    """Plan with PyPSA's direct hand-over to HiGHS, which is faster than its default file."""
    return _plan(p, io_api="direct")


def plan_through_file(p: Problem) -> Planned:
    """Plan with PyPSA as it comes: through an LP file."""
    return _plan(p)


def _plan(p: Problem, **given: str) -> Planned:
    n = pypsa.Network()
    n.set_snapshots(pandas.RangeIndex(p.steps))
    n.snapshot_weightings = n.snapshot_weightings.astype(float)
    n.snapshot_weightings.loc[:, :] = p.hours
    n.add("Bus", ["electricity", "heat", "low_heat"])
    _add_grid(n, p)
    _add_heat(n, p)
    _add_stores(n, p)
    _add_flexible(n, p)
    options = {"threads": 1, "output_flag": False}
    status = n.optimize(
        solver_name="highs", solver_options=options, include_objective_constant=False, **given
    )
    assert status == ("ok", "optimal"), f"PyPSA says {status}"
    return Planned(float(n.objective), n.generators_t.p["import"].to_numpy())


def _add_grid(n: Any, p: Problem) -> None:
    n.add(
        "Generator",
        "import",
        bus="electricity",
        p_nom_extendable=True,
        p_nom_min=p.peak_so_far,
        p_nom_max=p.import_cap,
        capital_cost=p.demand_charge,
        marginal_cost=p.price_import,
    )
    n.add(
        "Generator",
        "export",
        bus="electricity",
        sign=-1.0,
        p_nom=p.export_cap,
        marginal_cost=-p.price_export,
    )
    for name, power in (("pv", p.pv), ("wind", p.wind)):
        n.add("Generator", name, bus="electricity", p_nom=power.max(), p_max_pu=power / power.max())
    n.add("Load", "load", bus="electricity", p_set=p.load)


def _add_heat(n: Any, p: Problem) -> None:
    n.add("Load", "heat_load", bus="heat", p_set=p.heat_load)
    n.add("Generator", "boiler", bus="heat", p_nom=p.boiler_nom, marginal_cost=p.boiler_cost)
    waste = p.waste_heat
    n.add("Generator", "waste", bus="low_heat", p_nom=waste.max(), p_max_pu=waste / waste.max())
    n.add(
        "Link",
        "heat_pump",
        bus0="electricity",
        bus1="heat",
        bus2="low_heat",
        p_nom=p.heat_pump_nom,
        efficiency=p.cop,
        efficiency2=1.0 - p.cop,
    )


def _add_stores(n: Any, p: Problem) -> None:
    s = p.stores
    names = [f"store {i}" for i in range(len(s))]
    end = np.full((p.steps, len(s)), np.nan)
    end[-1] = s.e_end
    keep = (1.0 - s.standing_loss) ** p.hours
    n.add(
        "StorageUnit",
        names,
        bus=["electricity" if node == ELECTRICITY else "heat" for node in s.node],
        p_nom=s.p_nom,
        max_hours=s.e_nom / s.p_nom,
        efficiency_store=s.efficiency_store,
        efficiency_dispatch=s.efficiency_dispatch,
        standing_loss=s.standing_loss,
        marginal_cost=s.wear,
        # PyPSA takes no standing loss from the content before the first step.
        state_of_charge_initial=s.e_start * keep,
        state_of_charge_set=pandas.DataFrame(end, index=n.snapshots, columns=names),
    )


def _add_flexible(n: Any, p: Problem) -> None:
    rows = p.flexible
    names = [f"flexible {i}" for i in range(len(rows))]
    most = rows.power.max(axis=1)
    per_unit = pandas.DataFrame((rows.power / most[:, None]).T, index=n.snapshots, columns=names)
    n.add(
        "Generator",
        names,
        bus="electricity",
        sign=-1.0,
        p_nom=most,
        p_max_pu=per_unit,
        e_sum_min=rows.least,
        e_sum_max=rows.most,
    )
