"""A made-up run for pages and screens: the shape of `run.json`, round numbers, no engine."""

from __future__ import annotations

import copy
from typing import Any

MODES = [
    {"code": 0, "name": "direct_air", "label": {"en": "direct air", "zh": "直接新风"}},
    {
        "code": 2,
        "name": "indirect_evaporative",
        "label": {"en": "indirect evaporative", "zh": "间接蒸发"},
    },
]
FACTORS = [
    {
        "name": "grid_factor_qinghai",
        "label": {"en": "grid emission factor, Qinghai", "zh": "青海省电网排放因子"},
        "value": 0.1796,
        "unit": "t/MWh",
        "from": "2023-01-01",
        "source": "MEE and NBS notice 47 of 2025",
        "status": "secondary",
    }
]


def figures(cost: float, clean: float) -> dict[str, Any]:
    """Return one policy's figures with the given cost [CNY] and clean share [1]."""
    parts = {"energy": cost - 2200.0, "demand": 1500.0, "wear": 300.0, "unserved": 0.0}
    return {
        "clean_share": clean,
        "clean_share_contract": clean,
        "clean_share_grid_mix": clean + (1 - clean) * 0.85,
        "self_use_share": 0.913,
        "served_mwh": 38.24,
        "losses_mwh": 1.06,
        "grid_import_mwh": 39.3 * (1 - clean),
        "grid_export_mwh": 2.2,
        "grid_peak_mw": 0.842,
        "curtailed_mwh": 0.4,
        "cost_cny": {"total": cost, **parts, "ends": 400.0},
        "co2_t": 39.3 * (1 - clean) * 0.1796,
        "pue": 1.1234,
        "cooling_hours": {"direct_air": 14.25, "indirect_evaporative": 9.75},
        "heat_recovered_mwh": 0.0,
        "jobs": {"done": 412, "late": 0, "green_share": 0.884},
        "ev": {"served_mwh": 5.42, "short_mwh": 0.0},
        "unserved_mwh": 0.0,
        "balance_residual_max_mw": 1e-12,
    }


def _entry(asset: str, words: tuple[str, str], carrier: str, mwh: float) -> dict[str, Any]:
    label = {"en": words[0], "zh": words[1]}
    return {"asset": asset, "label": label, "kind": asset, "carrier": carrier, "mwh": mwh}


def _energy() -> dict[str, Any]:
    """Return a day's energy by source and use [MWh]."""
    return {
        "sources": [
            _entry("tie", ("Grid tie", "并网点"), "electricity", 7.86),
            _entry("roof", ("Roof PV", "屋顶光伏"), "electricity", 33.4),
            _entry("battery", ("Battery", "储能"), "electricity", 4.2),
        ],
        "uses": [
            _entry("hall", ("Data hall", "机房"), "electricity", 22.1),
            _entry("hub", ("Charging hub", "充电站"), "electricity", 5.42),
            _entry("battery", ("Battery", "储能"), "electricity", 4.9),
            _entry("jobs", ("Jobs", "作业"), "compute", 19.6),
        ],
        "losses": [_entry("battery", ("Battery", "储能"), "electricity", 0.7)],
    }


def run() -> dict[str, Any]:
    """Return a day's run by the plan, beside rules, foresight and the played foresight."""
    foresight = figures(6400.0, 0.82)
    foresight["jobs"] = {"done": None, "late": None, "green_share": 0.93}
    foresight["ev"] = {"served_mwh": None, "short_mwh": None}
    return {
        "schema": 1,
        "park": "microgrid",
        "park_label": {"en": "Microgrid", "zh": "微电网"},
        "start": "2026-04-15",
        "days": 1,
        "days_run": 1.0,
        "step_minutes": 15,
        "policy": "plan",
        "seed": 1,
        "partial": False,
        **figures(6720.0, 0.80),
        "gave_way": [],
        "plans": {
            "count": 96,
            "optimal": 95,
            "deadline": 0,
            "last_good": 1,
            "rules": 0,
            "build_s": 0.034,
            "update_s": 0.412,
            "solve_s": 1.203,
            "read_s": 0.098,
            "step_ms_p50": 12.4,
            "step_ms_p95": 31.0,
        },
        "energy": _energy(),
        "cooling_modes": MODES,
        "factors": FACTORS,
        "assumptions": [
            {"label": {"en": "wear", "zh": "损耗"}, "value": "0.1", "unit": "CNY/kWh", "source": ""}
        ],
        "compare": {
            "rules": figures(8020.0, 0.74),
            "foresight": foresight,
            "played": figures(6600.0, 0.81),
            "regret_cny_per_mwh": 8.37,
            "captured": 0.802,
            "missing_cny": {"plant": 200.0, "horizon": 50.0, "forecast": 70.0},
        },
    }


def hostile() -> dict[str, Any]:
    """Return a run of a large park: many assets with long names, much that gave way."""
    result = copy.deepcopy(run())
    words = ("A hall with a very long name " * 4, "名字很长的厂房" * 12)
    entries = [_entry(f"load{n}", words, "electricity", 1e5 / (n + 1)) for n in range(40)]
    result["energy"] = {"sources": entries, "uses": entries, "losses": []}
    for each in (result, *(result["compare"][name] for name in ("rules", "foresight", "played"))):
        each |= {"unserved_mwh": 1.5, "heat_recovered_mwh": 2.5}
    sentence = {"en": "Gave way: load, demand, " + "long " * 40, "zh": "让步：" + "很长" * 60}
    result["gave_way"] = [{"asset": "load0", "sentence": sentence}] * 12
    return result
