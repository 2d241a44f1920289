"""Three-step parks whose best plan a person can work out; the working stands beside each.

Each is run three ways: solved; saved, loaded and solved; solved, saved and loaded.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.formulation.network_toys import NETWORK_TOYS
from tests.formulation.toys import GRID, Toy, load, load_solution, save, save_solution
from zeropark.assets import kinds
from zeropark.formulation.plan import Plan
from zeropark.formulation.program import Program
from zeropark.formulation.solver import Solution, Solver

TIE = "{kind: grid_tie, name: tie, node: bus, import_max: 9 MW, tariff: simple}"
FLAT = {"tie/price_import": (100.0, 100.0, 100.0)}
HALL = """{kind: data_hall, name: hall, node: bus, compute: it, p_nom: 1 MW, p_idle: 0 MW,
             cores: 100000 core}"""
# A hall in which a kcore takes 10 kW, and each MWh of heat beyond what the air carries takes 0.25
# MWh.
PLAIN_HALL = {
    "standing": (0.0, 0.0, 0.0),
    "per_heat": (0.25, 0.25, 0.25),
    **{f"slope_{k}": (1.0, 1.0, 1.0) for k in range(6)},
    **{f"width_{k}": (0.2, 0.2, 0.2) for k in range(6)},
}
# Jobs of which nothing is owed, late or running; what counts are their two curves.
PLAIN_JOBS = {"late_price": (0.0, 0.0, 0.0), "end_value": (0.0, 0.0, 0.0)}
NO_WORK = {"running": (0.0, 0.0, 0.0), **PLAIN_JOBS}
NOTHING_OWED = {"owed": 0.0, "owed_price": 0.0, "work_per_start": 1.0, "settled": 0.0, "fluid": 0.0}

TOYS = [
    # A load within the cap buys what it asks: (1 + 2 + 2) MWh at 100. The cap of 2 MW leaves 1 MWh
    # of the third hour unserved, at 20,000. There one MWh more would cost 20,000, else 100.
    Toy(
        "load",
        """
        assets:
          - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, tariff: simple}
          - {kind: load, name: works, node: bus, profile: {constant: 0 MW}}
        """,
        objective=500.0 + 20_000.0,
        series={**FLAT, "works/demand": (1.0, 2.0, 3.0)},
        amounts={("load", "use"): (1.0, 2.0, 2.0), ("load", "unserved"): (0.0, 0.0, 1.0)},
    ),
    # The run covers 3 of April's 720 hours, so that a MW of demand costs 240,000 / 240 = 1,000. The
    # load of 3 MW for an hour costs 1,000 CNY/MW of demand: import (1 + 3 + 1) · 100 and 3 · 1,000;
    # the battery is full (1 MWh, no losses), so it shaves the middle hour by 1 MWh: (1 + 2 + 1) ·
    # 100 + 2 · 1,000 = 2,400. Then 100 CNY of energy are saved by the MWh as well.
    Toy(
        "grid_tie",
        f"""
        assets:
          - {TIE}
          - {{kind: load, name: works, node: bus, profile: {{constant: 0 MW}}}}
          - {{kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 1 MWh, efficiency: 1,
             efficiency_best: 1, standing_loss: 0, floor: 0, ceiling: 1, start: 1,
             wear_cost: 0 CNY/MWh}}
        """,
        objective=400.0 + 2_000.0,
        series={**FLAT, "works/demand": (1.0, 3.0, 1.0)},
        demand_price="240000 CNY/MW-month",
        amounts={("grid_tie", "import"): (1.0, 2.0, 1.0)},
    ),
    # What is bought at 100 and at 300 can be used at 500. To save the last hour's whole MWh the
    # store must hold 1 / 0.9; for that it takes 1 / 0.81 = 1.2346 MWh: 1 in the first hour (its
    # rating) and 0.2346 in the second: 0.81 · 500 = 405 > 300. Cost: 2 · 100 + 1.2346 · 300 + 0.
    Toy(
        "battery",
        f"""
        assets:
          - {TIE}
          - {{kind: load, name: works, node: bus, profile: {{constant: 1 MW}}}}
          - {{kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 2 MWh, efficiency: 0.9,
             efficiency_best: 0.9, standing_loss: 0, floor: 0, ceiling: 1, start: 0,
             wear_cost: 0 CNY/MWh}}
        """,
        objective=200.0 + (1 / 0.81) * 300.0,
        series={"tie/price_import": (100.0, 300.0, 500.0)},
        amounts={
            ("battery", "charge"): (1.0, 1 / 0.81 - 1, 0.0),
            ("battery", "discharge"): (0.0, 0.0, 1.0),
            ("battery", "energy"): (0.9, 1 / 0.9, 0.0),
        },
        worth={"bus": (100.0, 300.0, 300.0 / 0.81)},
    ),
    # The same day with two batteries of half the size, both empty: the pool of empty ones is both.
    Toy(
        "battery_fleet",
        f"""
        assets:
          - {TIE}
          - {{kind: load, name: works, node: bus, profile: {{constant: 1 MW}}}}
          - kind: battery_fleet
            name: bats
            node: bus
            standing_loss: 0
            floor: 0
            ceiling: 1
            makes:
              - {{name: half, count: 2, p_nom: 0.5 MW, e_nom: 1 MWh, efficiency: 0.9, start: 0,
                 wear_cost: 0 CNY/MWh}}
        """,
        objective=200.0 + (1 / 0.81) * 300.0,
        series={"tie/price_import": (100.0, 300.0, 500.0)},
        amounts={
            ("battery_fleet", "charge"): (1.0, 1 / 0.81 - 1, 0.0),
            ("battery_fleet", "discharge"): (0.0, 0.0, 1.0),
            ("battery_fleet", "energy"): (0.9, 1 / 0.9, 0.0),
        },
        worth={"bus": (100.0, 300.0, 300.0 / 0.81)},
    ),
    # Giving up costs 500: not worth it at 100, worth it at 600 and 900. Of 2 MW half may be asked
    # for, of which 0.8 is given up: 0.8 MW. Cost: 2 · 100 + (1.2 · 600 + 0.8 · 500) + (1.2 · 900 +
    # 0.8 · 500).
    Toy(
        "curtailable_load",
        f"""
        assets:
          - {TIE}
          - {{kind: curtailable_load, name: mill, node: bus, profile: {{constant: 2 MW}},
             share: 0.5, response: 0.8, price_curtailed: 500 CNY/MWh}}
        """,
        objective=200.0 + 1_120.0 + 1_480.0,
        series={"tie/price_import": (100.0, 600.0, 900.0)},
        amounts={("curtailable_load", "curtailed"): (0.0, 0.8, 0.8)},
        worth={"bus": (100.0, 600.0, 900.0)},
    ),
    # First hour all bought (100); then 0.5 MWh is sold at 50; then 3 MW of sun meet 1 MW of load
    # and a tie that carries 1 MW outwards: 1 MWh is curtailed, 1 sold. Cost: 100 - 25 - 50. Where
    # sun is curtailed one more MWh costs nothing.
    Toy(
        "pv",
        """
        assets:
          - {kind: grid_tie, name: tie, node: bus, import_max: 9 MW, export_max: 1 MW,
             tariff: simple}
          - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
          - {kind: pv, name: roof, node: bus, p_nom: 4 MW, arrays: [{tilt: 30 deg}]}
        """,
        objective=100.0 - 25.0 - 50.0,
        series={**FLAT, "tie/price_export": (50.0, 50.0, 50.0)},
        signals={"pv": {"available": (0.0, 1.5, 3.0)}},
        amounts={("pv", "p"): (0.0, 1.5, 2.0), ("grid_tie", "export"): (0.0, 0.5, 1.0)},
        worth={"bus": (100.0, 50.0, 0.0)},
    ),
    # 0.5 MWh of wind and 0.5 bought; 2 MW of wind for 1 MW of load and no way out; no wind: 50 + 0
    # + 100.
    Toy(
        "wind",
        f"""
        assets:
          - {TIE}
          - {{kind: load, name: works, node: bus, profile: {{constant: 1 MW}}}}
          - {{kind: wind, name: mills, node: bus, count: 1, hub_height: 80 m,
             curve_speeds: 3 12 m/s, curve_powers: 0 2 MW}}
        """,
        objective=150.0,
        series=FLAT,
        signals={"wind": {"available": (0.5, 2.0, 0.0)}},
        amounts={("wind", "p"): (0.5, 1.0, 0.0)},
        worth={"bus": (100.0, 0.0, 100.0)},
    ),
    # 1 MWh of heat takes 1 / 0.8 = 1.25 MWh. In the second hour 2 MWh would take 2.5 of the 2 MW
    # there are: 1.6 MWh are made, 0.4 are not served at 2,000. Cost: (1.25 + 2 + 1.25) · 100 + 800.
    Toy(
        "boiler",
        f"""
        assets:
          - {TIE}
          - {{kind: heat_load, name: offices, node: warm, profile: {{constant: 0 MW}}}}
          - {{kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 2 MW, efficiency: 0.8}}
        """,
        objective=450.0 + 800.0,
        series={**FLAT, "offices/demand": (1.0, 2.0, 1.0)},
        amounts={("boiler", "use"): (1.25, 2.0, 1.25), ("heat_load", "unserved"): (0.0, 0.4, 0.0)},
        worth={"warm": (125.0, 2_000.0, 125.0)},
    ),
    # 35 to 65 degC at half the Carnot limit: COP = 0.5 · 338.15 / 30 = 5.6358. A MWh of heat takes
    # 1 / 5.6358 = 0.17744 MWh; the third hour's 2 MWh would take 0.355 of the 0.2 MW there are: 2 -
    # 1.1272 MWh are not served. Cost: (2 · 0.17744 + 0.2) · 100 + 0.87283 · 2,000.
    Toy(
        "heat_pump",
        f"""
        assets:
          - {TIE}
          - {{kind: heat_load, name: offices, node: warm, profile: {{constant: 0 MW}}}}
          - {{kind: heat_pump, name: hp, node: bus, heat: warm, p_nom: 0.2 MW, t_sink: 65 degC,
             t_source: 35 degC, quality: 0.5, part_load_loss: 0}}
        """,
        objective=(2 * 60 / 338.15 + 0.2) * 100.0 + (2 - 0.2 * 338.15 / 60) * 2_000.0,
        series={**FLAT, "offices/demand": (1.0, 1.0, 2.0)},
        amounts={("heat_pump", "use"): (60 / 338.15, 60 / 338.15, 0.2)},
        worth={"warm": (100 * 60 / 338.15, 100 * 60 / 338.15, 2_000.0)},
    ),
    # The same pump, whose source is a node that a boiler warms: of 1 MWh of heat u = 60 / 338.15 is
    # electricity, the rest is lifted and takes (1 - u) / 0.8 in the boiler.
    Toy(
        "heat_pump on a source node",
        f"""
        assets:
          - {TIE}
          - {{kind: heat_load, name: offices, node: warm, profile: {{constant: 1 MW}}}}
          - {{kind: boiler, name: kettle, node: bus, heat: mild, p_nom: 2 MW, efficiency: 0.8}}
          - {{kind: heat_pump, name: hp, node: bus, heat: warm, source: mild, p_nom: 0.2 MW,
             t_sink: 65 degC, t_source: 35 degC, quality: 0.5, part_load_loss: 0}}
        """,
        objective=3 * 100.0 * (60 / 338.15 + (1 - 60 / 338.15) / 0.8),
        series=FLAT,
        amounts={("boiler", "heat"): (1 - 60 / 338.15,) * 3},
        worth={"mild": (125.0, 125.0, 125.0)},
    ),
    # Buildings ask for 1, 2 and 1 MWh; the boiler makes at most 1.6 of them at 80 %, so that 0.4 of
    # the cold hour's are not served. Cost: (1.25 + 2 + 1.25) · 100 + 0.4 · 2,000.
    Toy(
        "space_heating",
        f"""
        assets:
          - {TIE}
          - {{kind: space_heating, name: flats, node: warm, q_nom: 2 MW, t_design: -10 degC}}
          - {{kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 2 MW, efficiency: 0.8}}
        """,
        objective=450.0 + 800.0,
        series=FLAT,
        signals={"space_heating": {"demand": (1.0, 2.0, 1.0)}},
        amounts={("boiler", "use"): (1.25, 2, 1.25), ("space_heating", "unserved"): (0, 0.4, 0)},
        worth={"warm": (125.0, 2_000.0, 125.0)},
    ),
    # With an EER of 4, then 5, then 2 a MWh of cooling takes 0.25, 0.2 and 0.5 MWh; of the last
    # hour's MWh the chiller's 0.4 MW make 0.8, and 0.2 are not served. Cost: (0.25 + 0.2 + 0.4) ·
    # 100 + 0.2 · 2,000.
    Toy(
        "chiller",
        f"""
        assets:
          - {TIE}
          - {{kind: cooling_load, name: labs, node: cold, profile: {{constant: 1 MW}}}}
          - {{kind: chiller, name: ch, node: bus, cooling: cold, p_nom: 0.4 MW, t_supply: 12 degC}}
        """,
        objective=85.0 + 400.0,
        series=FLAT,
        signals={"chiller": {"eer": (4.0, 5.0, 2.0)}},
        amounts={("chiller", "use"): (0.25, 0.2, 0.4), ("cooling_load", "unserved"): (0, 0, 0.2)},
        worth={"cold": (25.0, 20.0, 2_000.0)},
    ),
    # Heat is cheap in the first hour. The store takes 1 MWh (its rating), of which 0.9 is left an
    # hour later (a tenth is lost in an hour) and is used at once, before more is lost. Heat from
    # the boiler: 2, 0.1 and 1 MWh, each at 1 / 0.8: 2.5 · 100 + 0.125 · 300 + 1.25 · 300.
    Toy(
        "thermal_store",
        f"""
        assets:
          - {TIE}
          - {{kind: heat_load, name: offices, node: warm, profile: {{constant: 1 MW}}}}
          - {{kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 4 MW, efficiency: 0.8}}
          - {{kind: thermal_store, name: tank, node: warm, q_nom: 1 MW, e_nom: 1.5 MWh, start: 0,
             standing_loss: {1 - 0.9**24!r}}}
        """,
        objective=250.0 + 37.5 + 375.0,
        series={"tie/price_import": (100.0, 300.0, 300.0)},
        amounts={
            ("thermal_store", "give"): (-1.0, 0.9, 0.0),
            ("thermal_store", "energy"): (1, 0, 0),
        },
        worth={"warm": (125.0, 375.0, 375.0)},
    ),
    # What is left at the end counts: a MWh of heat is worth a third of a MWh of electricity at 900,
    # that is 300, and costs 125 in the boiler: the empty store takes its rating in each hour, up to
    # its 2 MWh. Cost: (1 + 1) / 0.8 · 100 + (1 + 1) / 0.8 · 100 + 1 / 0.8 · 100 - 2 · 300.
    Toy(
        "thermal_store at its end",
        f"""
        assets:
          - {TIE}
          - {{kind: heat_load, name: offices, node: warm, profile: {{constant: 1 MW}}}}
          - {{kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 4 MW, efficiency: 0.8}}
          - {{kind: thermal_store, name: tank, node: warm, q_nom: 1 MW, e_nom: 2 MWh, start: 0,
             standing_loss: 0}}
        """,
        objective=625.0 - 600.0,
        series=FLAT,
        end_price=900.0,
    ),
    # Of 40 kcore-h at most 10, 30, 40 can and at least 0, 10, 40 must be done by each hour's end;
    # 25 kcore are the most. 10 kcore-h take 0.1 MWh; the outside air cools 0.12. First hour: all
    # that has come, 10. The third is cheaper than the second even with the compressor (200 · 1.25 <
    # 400): 25 there, 5 between. Cost: 0.1 · 100 + 0.05 · 400 + (0.25 + 0.25 · 0.13) · 200.
    Toy(
        "data_hall and job_pool that may pause",
        f"""
        assets:
          - {TIE}
          - {HALL}
          - {{kind: job_pool, name: jobs, node: it, cores: 25000 core, classes: [{{name: batch,
             mean: 0 core, parallel: 1000 core, run_time: 1 h, slack: 9 h, preemptible: true}}]}}
        """,
        objective=10.0 + 20.0 + 56.5,
        series={"tie/price_import": (100.0, 400.0, 200.0)},
        signals={
            "data_hall": {**PLAIN_HALL, "free": (0.12, 0.12, 0.12)},
            "job_pool": {
                **NO_WORK,
                "earliest": (10.0, 30.0, 40.0),
                "latest": (0.0, 10.0, 40.0),
                "start_limit": (40.0, 40.0, 40.0),
                "run_limit": (25.0, 25.0, 25.0),
                "length": (1.0, 1.0, 1.0),
            },
        },
        figures={"job_pool": NOTHING_OWED},
        amounts={
            ("job_pool", "run"): (10.0, 5.0, 25.0),
            ("data_hall", "compressor"): (0.0, 0.0, 0.13),
        },
        worth={"it": (1.0, 4.0, 2.5)},
    ),
    # One job of 10 kcore for two hours, to be begun by the end of the second: now it takes 0.1 MWh
    # at 100 and at 400; an hour later at 400 and at 200. It begins at once: 10 + 40 = 50 < 60.
    Toy(
        "job_pool that may not pause",
        f"""
        assets:
          - {TIE}
          - {HALL}
          - {{kind: job_pool, name: jobs, node: it, cores: 25000 core, classes: [{{name: render,
             mean: 0 core, parallel: 10000 core, run_time: 2 h, slack: 9 h, estimate: 1}}]}}
        """,
        objective=50.0,
        series={"tie/price_import": (100.0, 400.0, 200.0)},
        signals={
            "data_hall": {**PLAIN_HALL, "free": (1.0, 1.0, 1.0)},
            "job_pool": {
                **NO_WORK,
                "earliest": (1.0, 1.0, 1.0),
                "latest": (0.0, 1.0, 1.0),
                "start_limit": (1.0, 1.0, 1.0),
                "run_limit": (25.0, 25.0, 25.0),
                "length": (10.0, 10.0, 10.0),
            },
        },
        figures={"job_pool": {**NOTHING_OWED, "work_per_start": 20.0}},
        amounts={("job_pool", "start"): (1.0, 0.0, 0.0), ("job_pool", "run"): (10.0, 10.0, 0.0)},
    ),
    # Cars can take 1, 1.5, 2.6 MWh by each hour's end and must have 0, 0.2, 2.6; 1 MWh goes into
    # them in an hour. By the second hour's end 1.5: 1 in it, as it is the cheapest, 0.5 in the
    # first; then 1 more, and 0.1 is short at 3,000. Cost: (0.5 · 300 + 1 · 100 + 1 · 200) / 0.8 +
    # 300.
    Toy(
        "ev_hub",
        f"""
        assets:
          - {TIE}
          - {{kind: ev_hub, name: hub, node: bus, p_nom: 1 MW, efficiency: 0.8,
             connectors: [{{name: dc, count: 9, p_nom: 120 kW}}]}}
        """,
        objective=450.0 / 0.8 + 300.0,
        series={"tie/price_import": (300.0, 100.0, 200.0)},
        signals={
            "ev_hub": {
                "earliest": (1.0, 1.5, 2.6),
                "latest": (0.0, 0.2, 2.6),
                "limit": (1.0, 1.0, 1.0),
                "end_value": (0.0, 0.0, 0.0),
                "risk": (0.0, 0.0, 0.0),
            }
        },
        figures={"ev_hub": {"settled": 0.0, "owed": 0.0, "owed_price": 0.0, "lost": 0.0}},
        amounts={("ev_hub", "charge"): (0.5, 1.0, 1.0)},
    ),
    # One group needs 2 MWh; it can take 1, 1 and 0.3, and the hub 0.8 in an hour. So 0.8 + 0.8 +
    # 0.3 are charged and 0.1 is short at 3,000. Cost: (0.8 · 300 + 0.8 · 100 + 0.3 · 200) / 0.8 +
    # 300. The hub's first row, that of the curves, has nothing but the group's shortfall.
    Toy(
        "ev_fleet",
        f"""
        assets:
          - {TIE}
          - {{kind: ev_fleet, name: hub, node: bus, p_nom: 0.8 MW, efficiency: 0.8, groups: 1,
             connectors: [{{name: dc, count: 9, p_nom: 120 kW}}]}}
        """,
        objective=380.0 / 0.8 + 300.0,
        series={"tie/price_import": (300.0, 100.0, 200.0)},
        signals={
            "ev_fleet": {
                "earliest": (0.0, 0.0, 0.0),
                "latest": (0.0, 0.0, 0.0),
                "limit": (1.0, 1.0, 0.3),
                "leaves": (0.0, 0.0, 2.0),
                "end_value": (0.0, 0.0, 0.0),
                "haste": (0.0, 0.0, 0.0),
            }
        },
        figures={
            "ev_fleet": {
                "most": 2.0,
                "least": 2.0,
                "settled": 0.0,
                "owed": 0.0,
                "owed_price": 0.0,
                "lost": 0.0,
            }
        },
        amounts={
            ("ev_fleet", "charge"): (0.0, 0.0, 0.0),
            ("ev_fleet", "left"): (0.0, 0.0, 0.1),
        },
        worth={"bus": (300.0, 100.0, 200.0)},
    ),
    # From 8 to 11 h. 4 t are due at 10 h and 1 lies in stock: 3 t at 1 MWh each in two hours of at
    # most 2 t, 2 of them in the cheaper second one. Cost: 1 · 300 + 2 · 100.
    Toy(
        "process_line",
        f"""
        assets:
          - {TIE}
          - {{kind: process_line, name: mill, node: bus, rate: 2 t/h, energy: 1 MWh/t,
             part_load_loss: 0, stock_max: 5 t, stock_start: 1 t,
             orders: [{{name: one, amount: 4 t, due: 10 h}}]}}
        """,
        objective=500.0,
        series={"tie/price_import": (300.0, 100.0, 50.0)},
        amounts={
            ("process_line", "make"): (1.0, 2.0, 0.0),
            ("process_line", "stock"): (2.0, 0.0, 0.0),
            ("process_line", "deliver"): (0.0, 4.0, 0.0),
        },
    ),
    # The furnace runs at 2 MW and rises by 1 MW an hour to 4. 9 t at 1 MWh each by 11 h are just
    # 2 + 3 + 4. Half of that is steam, of which the offices take 1 MWh an hour. Cost: 2 · 300 +
    # 3 · 200 + 4 · 100. To be on by less than 1 at first would cost the last hour its 4 MW.
    Toy(
        "furnace",
        f"""
        assets:
          - {TIE}
          - {{kind: heat_load, name: offices, node: warm, profile: {{constant: 1 MW}}}}
          - {{kind: furnace, name: arc, node: bus, heat: warm, p_nom: 4 MW, p_min: 2 MW,
             ramp: 1 MW/h, energy: 1 MWh/t, steam_share: 0.5, part_load_loss: 0,
             start_cost: 10000 CNY, stock_max: 20 t,
             orders: [{{name: one, amount: 9 t, due: 11 h}}]}}
        """,
        objective=1_600.0,
        series={"tie/price_import": (300.0, 200.0, 100.0)},
        amounts={
            ("furnace", "power"): (2.0, 3.0, 4.0),
            ("furnace", "vent"): (0.0, 0.5, 1.0),
            ("furnace", "on"): (1.0, 1.0, 1.0),
            ("furnace", "stock"): (2.0, 5.0, 0.0),
        },
    ),
    # A batch takes 2 MWh in its first hour and 1 in its second; begun at 8 h it costs 2 · 300 +
    # 100, begun at 9 h, the latest that ends by 11 h, 2 · 100 + 200.
    Toy(
        "batch_process",
        f"""
        assets:
          - {TIE}
          - {{kind: batch_process, name: kiln, node: bus, course: 2 1 MW, duration: 2 h, spread: 0,
             windows: [{{name: day, begin: 8 h, until: 11 h}}]}}
        """,
        objective=400.0,
        series={"tie/price_import": (300.0, 100.0, 200.0)},
        amounts={
            ("batch_process", "begin"): (0.0, 1.0, 0.0),
            ("batch_process", "begun"): (0.0, 1.0, 1.0),
            ("grid_tie", "import"): (0.0, 2.0, 1.0),
        },
    ),
    *NETWORK_TOYS,
]
IDS = [toy.name for toy in TOYS]


def _holds(toy: Toy, program: Program, solution: Solution) -> None:
    plan = Plan.read(program, solution, 0)
    # Passes that settle what gives way leave the solver's tolerance open.
    near = 1e-4 if solution.elastic else 1e-8
    assert solution.objective == pytest.approx(toy.objective, rel=0, abs=near)
    for (kind, column), amounts in toy.amounts.items():
        assert plan.amounts(kind, column)[0].tolist() == pytest.approx(amounts, abs=near), column
    for node, worth in toy.worth.items():
        row = program.balances.names.index(node)
        assert plan.prices()[row].tolist() == pytest.approx(worth), node


@pytest.mark.parametrize("toy", TOYS, ids=IDS)
def test_the_plan_is_the_one_worked_out_by_hand(toy: Toy) -> None:
    program = toy.program()
    _holds(toy, program, Solver(program).solve())


@pytest.mark.parametrize("toy", TOYS, ids=IDS)
def test_a_saved_park_has_the_same_plan(toy: Toy, tmp_path: Path) -> None:
    save(tmp_path / "park.json", toy.assets(), toy.inputs(), GRID.hours)
    program = load(tmp_path / "park.json")
    _holds(toy, program, Solver(program).solve())


@pytest.mark.parametrize("toy", TOYS, ids=IDS)
def test_a_saved_plan_says_the_same(toy: Toy, tmp_path: Path) -> None:
    program = toy.program()
    save_solution(tmp_path / "plan.npz", Solver(program).solve())
    _holds(toy, program, load_solution(tmp_path / "plan.npz"))


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_has_a_toy(kind: str) -> None:
    assert any(asset.kind == kind for toy in TOYS for asset in toy.assets())
