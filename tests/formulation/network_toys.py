"""Three-step parks of the network and heat kinds, their best plans worked out by hand."""

from __future__ import annotations

from math import exp

from tests.formulation.toys import Toy

TIE = "{kind: grid_tie, name: tie, node: bus, import_max: 9 MW, tariff: simple}"
FLAT = {"tie/price_import": (100.0, 100.0, 100.0)}
NEVER = (0.0, 0.0, 0.0)
GATE = """
          - {kind: load, name: works, node: bus, profile: {constant: 2 MW}}
          - {kind: pv, name: field, node: base, p_nom: 9 MW, arrays: [{tilt: 30 deg}]}
          - {kind: line, name: wire, node: far, near: bus, p_nom: 9 MW}"""
# Steam at 150 degC is cooled to 55 (the network's return of 50 and a pinch of 5) and not to its own
# return of 30: 95 of 120 K are of use.
SHARE = 95 / 120

NETWORK_TOYS = [
    # A tenth of what is sent is lost, 50 is paid for what arrives, the line sends 1 MW: of 1.8 MWh
    # 0.9 arrive. Sent 0.5, 0.8, 1. A MWh more at the far end takes 1 / 0.9 and pays 50.
    Toy(
        "line",
        f"""
        assets:
          - {TIE}
          - {{kind: load, name: works, node: far, profile: {{constant: 0 MW}}}}
          - {{kind: line, name: wire, node: far, near: bus, p_nom: 1 MW, ways: outwards, loss: 10 %,
             charge: 50 CNY/MWh}}
        """,
        objective=2.3 * 100.0 + 2.07 * 50.0 + 0.9 * 20_000.0,
        series={**FLAT, "works/demand": (0.45, 0.72, 1.8)},
        amounts={("line", "outward"): (0.5, 0.8, 1.0), ("line", "inward"): NEVER},
        worth={"far": (100 / 0.9 + 50, 100 / 0.9 + 50, 20_000.0)},
    ),
    # A tenth of the rated MW is lost at full load: at half load a quarter of that, 0.025, where a
    # tangent touches: 0.075 without loss, 0.25 at 0.3, 0.175 at 1 of a tenth. There one
    # MWh more loses 2 · 0.1 · 0.5 = 0.1 of itself.
    Toy(
        "line that loses by its load",
        f"""
        assets:
          - {TIE}
          - {{kind: load, name: works, node: far, profile: {{constant: 0.5 MW}}}}
          - {{kind: line, name: wire, node: far, near: bus, p_nom: 1 MW, ways: both,
             loss_load: 10 %}}
        """,
        objective=3 * 0.525 * 100.0,
        series=FLAT,
        amounts={
            ("line", "piece_1"): (0.25, 0.25, 0.25),
            ("line", "piece_2"): (0.175, 0.175, 0.175),
        },
        worth={"far": (110.0, 110.0, 110.0)},
    ),
    # Three limits in series: works within 2, works and shops within 3, all within the tie's 9. The
    # last hour asks for 3 + 2 of 3: 2 MWh are not served. Idle the outer takes 1 % of its 3 MW.
    Toy(
        "transformer",
        f"""
        assets:
          - {TIE}
          - {{kind: load, name: works, node: site, profile: {{constant: 0 MW}}}}
          - {{kind: load, name: shops, node: sub, profile: {{constant: 0 MW}}}}
          - {{kind: transformer, name: inner, node: site, up: sub, p_nom: 2 MW, loss_load: 0,
             loss_idle: 0}}
          - {{kind: transformer, name: outer, node: sub, up: bus, p_nom: 3 MW, loss_load: 0,
             loss_idle: 1 %}}
        """,
        objective=(2 + 2.5 + 3 + 3 * 0.03) * 100.0 + 2 * 20_000.0,
        series={**FLAT, "works/demand": (1.0, 2.0, 3.0), "shops/demand": (1.0, 0.5, 2.0)},
        worth={"site": (100, 100, 20_000), "sub": (100, 100, 20_000), "bus": (100, 100, 100)},
    ),
    # From nothing the base may rise by 1 MW an hour, and there is no sun in the last hour: 2 MW in
    # the second would then fall by 2, against a contract of 1 that ranks above money. So 1, 1, 0.
    Toy(
        "remote_base",
        f"""
        assets:
          - {TIE}{GATE}
          - {{kind: remote_base, name: gate, node: base, out: far, p_nom: 3 MW, ramp_up: 1 MW/h,
             ramp_down: 1 MW/h}}
        """,
        objective=(1 + 1 + 2) * 100.0,
        series=FLAT,
        signals={"pv": {"available": (3.0, 3.0, 0.0)}},
        amounts={("remote_base", "output"): (1.0, 1.0, 0.0)},
    ),
    # It delivered 2 MW before and may fall by 1: half a MW of sun is too little by 0.5: the
    # contract gives way by that. Then it rises by 1 and by 0.5, all there is.
    Toy(
        "remote_base whose sun sets faster than agreed",
        f"""
        assets:
          - {TIE}{GATE}
          - {{kind: remote_base, name: gate, node: base, out: far, p_nom: 2 MW, start: 1,
             ramp_up: 1 MW/h, ramp_down: 1 MW/h}}
        """,
        objective=(1.5 + 0.5 + 0) * 100.0,
        series=FLAT,
        signals={"pv": {"available": (0.5, 2.0, 2.0)}},
        amounts={
            ("remote_base", "output"): (0.5, 1.5, 2.0),
            ("remote_base", "ramp_down"): (0.5, 0.0, 0.0),
        },
    ),
    # The output may leave its own mean by 0.5 MW; an hour takes the mean k = 1 / e of the way it
    # has not gone: 0.5, then 0.5 + 0.5 (1 - k), then the mean after that and 0.5.
    Toy(
        "remote_base held smooth",
        f"""
        assets:
          - {TIE}{GATE}
          - {{kind: remote_base, name: gate, node: base, out: far, p_nom: 2 MW, band: 0.5 MW,
             band_time: 1 h}}
        """,
        objective=(6 - 0.5 * (3 + 3 * (1 - exp(-1)))) * 100.0,
        series=FLAT,
        signals={"pv": {"available": (3.0, 3.0, 3.0)}},
        amounts={
            ("remote_base", "output"): tuple(0.5 + 0.5 * n * (1 - exp(-1)) for n in range(3)),
        },
    ),
    # Of 1 MWh of steam 0.79 are of use, and a MWh of steam takes 1 / 0.8. The exchanger gives 1 MW.
    Toy(
        "heat_exchanger",
        f"""
        assets:
          - {TIE}
          - {{kind: heat_load, name: offices, node: warm, profile: {{constant: 0 MW}}}}
          - {{kind: boiler, name: kettle, node: bus, heat: steam, p_nom: 4 MW, efficiency: 0.8}}
          - {{kind: heat_exchanger, name: plates, node: steam, heat: warm, q_nom: 1 MW, fouling: 0}}
        """,
        objective=2.45 / SHARE / 0.8 * 100.0 + 2_000.0,
        series={**FLAT, "offices/demand": (0.5, 0.95, 2.0)},
        amounts={("heat_exchanger", "give"): (0.5, 0.95, 1.0)},
        worth={"warm": (125 / SHARE, 125 / SHARE, 2_000.0)},
    ),
    # A km of two pipes of 1 W/m-K, 65 and 40 K above the ground, loses 0.105 MW, whatever flows. In
    # the last hour the boiler's 2 MW of heat keep the pipes warm first: 1.895 of 3 MWh arrive.
    Toy(
        "heat_pipe",
        f"""
        assets:
          - {TIE}
          - {{kind: heat_load, name: town, node: mild, profile: {{constant: 0 MW}}}}
          - {{kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 2.5 MW, efficiency: 0.8}}
          - {{kind: heat_pipe, name: main, node: warm, heat: mild, q_nom: 2 MW, length: 1 km,
             leak: 1 W/m-K, ground: 10 degC, damp: 0, price_cold: 3000 CNY/MWh}}
        """,
        objective=(0.605 + 1.105 + 2.0) / 0.8 * 100.0 + 1.105 * 2_000.0,
        series={**FLAT, "town/demand": (0.5, 1.0, 3.0)},
        amounts={("heat_pipe", "give"): (0.5, 1.0, 1.895), ("heat_pipe", "cold"): NEVER},
        worth={"mild": (125.0, 125.0, 2_000.0)},
    ),
    # The works at the header and the network below it share the boiler's steam; the valve lets 1.05
    # MW down: of the last hour's 2 MWh 0.95 are missing.
    Toy(
        "steam_header",
        f"""
        assets:
          - {TIE}
          - {{kind: heat_load, name: offices, node: warm, profile: {{constant: 0 MW}}}}
          - {{kind: heat_load, name: still, node: steam, profile: {{constant: 0.5 MW}}}}
          - {{kind: boiler, name: kettle, node: bus, heat: steam, p_nom: 2 MW, efficiency: 0.8}}
          - {{kind: steam_header, name: header, node: steam, heat: warm, q_nom: 1.05 MW}}
        """,
        objective=(1 + 1.5 + 1.55) * 125.0 + 0.95 * 2_000.0,
        series={**FLAT, "offices/demand": (0.5, 1.0, 2.0)},
        amounts={("steam_header", "let"): (0.5, 1.0, 1.05), ("steam_header", "vent"): NEVER},
        worth={"warm": (125.0, 125.0, 2_000.0)},
    ),
    # 0.4 MWh of cooling takes 0.8 of heat at a COP of 0.5; in the second hour 0.4 of heat at 0.8
    # make 0.32. The pumps take a tenth of the cooling. One MWh more: 125 / 0.5 and 0.1 · 100.
    Toy(
        "absorption_chiller",
        f"""
        assets:
          - {TIE}
          - {{kind: cooling_load, name: labs, node: cold, profile: {{constant: 0.4 MW}}}}
          - {{kind: boiler, name: kettle, node: bus, heat: steam, p_nom: 4 MW, efficiency: 0.8}}
          - {{kind: absorption_chiller, name: ab, node: bus, heat: steam, cooling: cold,
             q_drive: 1 MW, t_supply: 12 degC, pump_power: 0.1}}
        """,
        objective=2.0 * 125.0 + 1.12 * 0.1 * 100.0 + 0.08 * 2_000.0,
        series=FLAT,
        signals={"absorption_chiller": {"cop": (0.5, 0.8, 0.5), "most": (1.0, 0.4, 1.0)}},
        amounts={("absorption_chiller", "drive"): (0.8, 0.4, 0.8)},
        worth={"cold": (260.0, 2_000.0, 260.0)},
    ),
    # A MWh of power takes 2.5 of fuel at 100 and 10 of upkeep: 260, more than 100 and less than 300
    # and 500. With it come 0.5 of heat; the boiler makes the rest of 0.8 at 1 / 0.8.
    Toy(
        "generator",
        f"""
        assets:
          - {TIE}
          - {{kind: load, name: works, node: bus, profile: {{constant: 2 MW}}}}
          - {{kind: heat_load, name: offices, node: warm, profile: {{constant: 0.8 MW}}}}
          - {{kind: boiler, name: kettle, node: bus, heat: warm, p_nom: 4 MW, efficiency: 0.8}}
          - {{kind: generator, name: engine, node: bus, heat: warm, p_nom: 1 MW, efficiency: 0.4,
             heat_ratio: 0.5, fuel_price: 100 CNY/MWh, wear_cost: 10 CNY/MWh}}
        """,
        objective=(200 + 100) + (260 + 300 + 0.375 * 300) + (260 + 500 + 0.375 * 500),
        series={"tie/price_import": (100.0, 300.0, 500.0)},
        amounts={
            ("generator", "p"): (0.0, 1.0, 1.0),
            ("generator", "fuel"): (0.0, 2.5, 2.5),
            ("generator", "heat"): (0.0, 0.5, 0.5),
        },
        worth={"bus": (100.0, 300.0, 500.0), "warm": (125.0, 375.0, 625.0)},
    ),
    # 0.6 MWh of hydrogen at 300 earn 180 for a MWh of electricity: at 100 and at 150, not at 200.
    Toy(
        "electrolyser",
        f"""
        assets:
          - {TIE}
          - {{kind: electrolyser, name: cells, node: bus, p_nom: 1 MW, efficiency: 0.6,
             efficiency_full: 0.5, price: 300 CNY/MWh}}
        """,
        objective=100.0 - 180.0 + 150.0 - 180.0,
        series={"tie/price_import": (100.0, 200.0, 150.0)},
        amounts={("electrolyser", "use"): (1.0, 0.0, 1.0)},
    ),
    # Three MWh are imported at 100; half of them are green at 10 more.
    Toy(
        "green_power_contract",
        f"""
        assets:
          - {TIE}
          - {{kind: load, name: works, node: bus, profile: {{constant: 1 MW}}}}
          - {{kind: green_power_contract, name: green, shape: {{constant: 0.5 MW}},
             price: 10 CNY/MWh}}
        """,
        objective=300.0 + 15.0,
        series=FLAT,
        amounts={("green_power_contract", "delivered"): (0.5, 0.5, 0.5)},
    ),
    # The year has room for 2 MWh of export: they go where 60 is paid and not 50; the sun beyond is
    # curtailed, so that one MWh more at the node costs nothing there.
    Toy(
        "direct_supply",
        """
        assets:
          - {kind: grid_tie, name: tie, node: bus, import_max: 9 MW, export_max: 9 MW,
             tariff: simple}
          - {kind: load, name: works, node: bus, profile: {constant: 1 MW}}
          - {kind: pv, name: roof, node: bus, p_nom: 4 MW, arrays: [{tilt: 30 deg}]}
          - {kind: direct_supply, name: direct}
        """,
        objective=100.0 - 2 * 60.0,
        series={**FLAT, "tie/price_export": (50.0, 60.0, 50.0)},
        signals={"pv": {"available": (3.0, 4.0, 0.0)}},
        figures={
            "direct_supply": {"need_own": 0.0, "need_share": 0.0, "share": 0.0, "most_sent": 2.0}
        },
        amounts={
            ("grid_tie", "export"): (0.0, 2.0, 0.0),
            ("grid_tie", "import"): (0.0, 0.0, 1.0),
            ("pv", "p"): (1.0, 3.0, 0.0),
        },
        worth={"bus": (0.0, 0.0, 100.0)},
    ),
]
