"""PyPSA, told that the same components are extendable, builds the same and pays the same."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import pytest

from tests.plan.years import year_of
from zeropark.plan.free import Wanted, at
from zeropark.plan.sizing import size
from zeropark.plan.year import Year

STEPS = 24
PARK = """
assets:
  - {{kind: grid_tie, name: tie, node: bus, import_max: 9 MW, export_max: 1 MW, tariff: simple}}
  - {{kind: load, name: works, node: bus, profile: {{constant: 1 MW}}}}
  - {{kind: pv, name: roof, node: bus, p_nom: 1 MW, arrays: [{{tilt: {tilt} deg}}]}}
  - {{kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 2 MWh, floor: 0, ceiling: 1,
     start: 0, efficiency: {efficiency}, efficiency_best: {efficiency}, wear_cost: 7 CNY/MWh}}
  - {{kind: heat_load, name: town, node: warm, profile: {{constant: 1 MW}}}}
  - {{kind: boiler, name: boiler, node: bus, heat: warm, p_nom: 1 MW}}
  - {{kind: heat_pump, name: pump, node: bus, heat: warm, p_nom: 1 MW, t_sink: 60 degC,
     t_source: 10 degC}}
"""


def _year(random: np.random.Generator) -> Year:
    text = PARK.format(tilt=random.integers(10, 60), efficiency=random.uniform(0.85, 0.95))
    export = np.round(random.uniform(0, 100, STEPS), 1)
    series = {
        "tie/price_import": np.round(export + random.uniform(50, 900, STEPS), 1).tolist(),
        "tie/price_export": export.tolist(),
        "works/demand": np.round(random.uniform(0.2, 2.0, STEPS), 3).tolist(),
        "town/demand": np.round(random.uniform(0.1, 1.0, STEPS), 3).tolist(),
    }
    return year_of(text, series)


def _network(year: Year, wanted: dict[str, Wanted]) -> Any:
    """The same park as PyPSA's components; what is wanted is extendable."""
    import pypsa  # noqa: PLC0415 - takes seconds to import

    network = pypsa.Network()
    network.set_snapshots(range(STEPS))
    for bus in ("bus", "warm", "cells"):
        network.add("Bus", bus)
    asset: dict[str, Any] = {a.name: a for a in year.assets}
    given = {a.name: {n: s[0] for n, s in a.signals(year.truth).items()} for a in year.assets}

    def free(name: str) -> dict[str, Any]:
        one = wanted[name]
        what = one.parameter
        return {
            f"{what}_extendable": True, f"{what}_min": one.least, f"{what}_max": one.most,
            "capital_cost": one.price,
        }  # fmt: skip

    add = network.add
    add("Load", "works", bus="bus", p_set=given["works"]["demand"])
    add("Load", "town", bus="warm", p_set=given["town"]["demand"])
    add("Generator", "import", bus="bus", p_nom=9.0, marginal_cost=given["tie"]["price_import"])
    add("Generator", "export", bus="bus", p_nom=1.0, p_min_pu=-1.0, p_max_pu=0.0,
        marginal_cost=given["tie"]["price_export"])  # fmt: skip
    # Heat is thrown away at a price at the yard's warm node.
    (warm,) = [node for node in year.nodes if node.name == "warm"]
    assert warm.spill_cost is not None
    add("Generator", "spill", bus="warm", p_nom=1e3, p_min_pu=-1.0, p_max_pu=0.0,
        marginal_cost=-warm.spill_cost)  # fmt: skip
    add("Generator", "roof", bus="bus", p_max_pu=given["roof"]["available"], **free("roof"))
    bat = asset["bat"]
    add("Store", "bat", bus="cells", standing_loss=1.0 - bat.keep, e_initial=0.0, **free("bat"))
    add("Link", "charge", bus0="bus", bus1="cells", p_nom=bat.p_nom, efficiency=bat.efficiency,
        p_max_pu=given["bat"]["charge_limit"])  # fmt: skip
    add("Link", "discharge", bus0="cells", bus1="bus", p_nom=bat.p_nom / bat.efficiency,
        efficiency=bat.efficiency, marginal_cost=bat.wear_cost * bat.efficiency,
        p_max_pu=given["bat"]["discharge_limit"])  # fmt: skip
    add("Link", "boiler", bus0="bus", bus1="warm", efficiency=given["boiler"]["efficiency"],
        **free("boiler"))  # fmt: skip
    add("Link", "pump", bus0="bus", bus1="warm", efficiency=given["pump"]["cop"], **free("pump"))
    return network


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(6))
def test_pypsa_builds_the_same(seed: int) -> None:
    random = np.random.default_rng(seed)
    year = _year(random)
    wanted = {
        "roof": Wanted("roof", "p_nom", 0.0, 6.0, float(random.uniform(300, 3000))),
        "bat": Wanted("bat", "e_nom", 0.1, 8.0, float(random.uniform(20, 400))),
        "boiler": Wanted("boiler", "p_nom", 0.0, 3.0, float(random.uniform(10, 100))),
        "pump": Wanted("pump", "p_nom", 0.0, 3.0, float(random.uniform(100, 3000))),
    }
    ours = size(year, list(wanted.values()), points=2).answer
    one = year.with_assets(at(year, {wanted["roof"]: 1.0}))
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = _network(one, wanted)
        status, _ = network.optimize(
            solver_name="highs", log_to_console=False, include_objective_constant=False
        )
    logging.disable(logging.NOTSET)
    assert status == "ok"
    assert ours.gave_way == 0.0
    assert ours.cost == pytest.approx(float(network.objective), rel=1e-6)
    built = {
        "roof.p_nom": network.generators.p_nom_opt["roof"],
        "bat.e_nom": network.stores.e_nom_opt["bat"],
        "boiler.p_nom": network.links.p_nom_opt["boiler"],
        "pump.p_nom": network.links.p_nom_opt["pump"],
    }
    assert ours.capacities == pytest.approx(built, abs=1e-4)
