"""A run by a small formula, to test the report without running a park. No true numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
Columns = dict[str, Floats]

NAMES = {
    "tie": ("grid_tie", "grid", "Grid", "电网", "electricity"),
    "roof": ("pv", "source", "Rooftop PV", "屋顶光伏", "electricity"),
    "wind": ("wind", "source", "Park wind", "园区风电", "electricity"),
    "battery": ("battery", "store", "Battery", "储能电池", "electricity"),
    "works": ("load", "use", "Workshops", "车间", "electricity"),
    "hub": ("ev_hub", "use", "Charging hub", "充电站", "electricity"),
    "hall": ("data_hall", "convert", "Data halls", "机房", "electricity"),
    "jobs": ("job_pool", "use", "Job pool", "任务池", "compute"),
    "hp": ("heat_pump", "convert", "Heat pump", "热泵", "electricity"),
    "tes": ("thermal_store", "store", "Thermal store", "储热罐", "heat"),
    "homes": ("heat_load", "use", "Dwellings", "住宅供热", "heat"),
}
MODES = (
    ("direct_air", "Direct air", "直接新风"),
    ("indirect_dry", "Indirect dry", "间接干式"),
    ("indirect_wet", "Indirect evaporative", "间接蒸发"),
    ("compressor", "Compressor", "压缩机"),
)
FACTOR = 0.1796


@dataclass
class Made:
    """What a run leaves behind: `run` as parsed, `series` as the file's columns by policy."""

    run: dict[str, Any]
    starts: npt.NDArray[np.datetime64]
    series: dict[str, Columns] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write `series.parquet` into `folder` and return its path."""
        names = list(dict.fromkeys(name for each in self.series.values() for name in each))
        tables = []
        for policy, columns in self.series.items():
            count = len(self.starts)
            arrays = [
                pa.array([policy] * count),
                pa.array(self.starts.astype("datetime64[s]")).cast(pa.timestamp("s", tz="UTC")),
            ]
            for name in names:
                values = columns.get(name)
                missing = pa.nulls(count, pa.float64())
                arrays.append(missing if values is None else pa.array(values, from_pandas=True))
            tables.append(pa.Table.from_arrays(arrays, names=["policy", "at", *names]))
        path = folder / "series.parquet"
        pq.write_table(pa.concat_tables(tables), path)
        return path


def make(
    start: str = "2026-04-15",
    days: int = 1,
    minutes: float = 15,
    zone: str = "Asia/Shanghai",
    *,
    heat: bool = False,
    compare: bool = True,
    policy: str = "plan",
) -> Made:
    """Return a run of a made-up park; `heat` adds a heat pump, a thermal store and dwellings."""
    grid = TimeGrid.local_days(start, days, minutes, zone)
    names = [name for name in NAMES if heat or name not in {"hp", "tes", "homes"}]
    series = {policy: _lived(grid, policy, heat=heat)}
    if compare:
        for other in ("rules", "foresight", "played"):
            if other != policy:
                series[other] = _lived(grid, other, heat=heat)
    run = _run(grid, start, days, minutes, policy, names, series)
    if compare:
        run["compare"] = _compare(run, grid, series)
    return Made(run, grid.starts, series)


# How much work and charge each policy puts into the sunny hours, 0 to 1.
_SKILL = {"rules": 0.25, "plan": 0.85, "played": 0.95, "foresight": 1.0}


def _lived(grid: TimeGrid, policy: str, *, heat: bool) -> Columns:
    hour, hours, skill = grid.local_hour, grid.hours, _SKILL[policy]
    day = (grid.local_day - grid.local_day[0]).astype(float)
    sun = np.clip(np.sin((hour - 6.5) / 12.5 * np.pi), 0, None) * (0.85 + 0.15 * np.cos(day * 1.7))
    air = 4.0 + 9.0 * np.sin((hour - 9.5) / 24 * 2 * np.pi) + 2.0 * np.sin(day / 3)
    night = (hour < 7) | (hour >= 19)
    jobs = np.where(sun > 0.35, 0.10 + 0.75 * skill, 0.12 + 0.28 * (1 - skill))
    hall_it = 0.45 + jobs
    works = 1.5 + 0.9 * np.exp(-(((hour - 13) / 5.5) ** 2))
    hub = 0.06 + np.where(sun > 0.3, 0.35 * skill, 0.0) + np.where(night, 0.16 * (1 - skill), 0.02)
    mode = np.select([air < 2, air < 9, air < 12], [0.0, 1.0, 2.0], 3.0)
    hall = hall_it * (1.07 + 0.02 * mode) + 0.02
    store = np.where(
        sun > 0.55, -1.1 * skill - 0.2, np.where((hour >= 18) & (hour < 22), 1.6 * skill + 0.2, 0.0)
    )
    columns: Columns = {
        "roof/available_mw": 5.4 * sun,
        "wind/p_mw": 0.02 + 0.01 * np.sin(hour / 3),
        "works/p_mw": works,
        "hub/p_mw": hub,
        "hall/it_mw": hall_it,
        "hall/p_mw": hall,
        "hall/cooling_mode": mode,
        "jobs/render_mw": jobs * 0.6,
        "jobs/training_mw": jobs * 0.4,
        "weather/t_air_c": air,
        "weather/t_wet_c": air - 3.5 - 1.5 * sun,
        "battery/p_mw": store,
    }
    use = works + hub + hall
    if heat:
        columns |= _heat(hour, sun, skill)
        use = use + columns["hp/p_mw"]
    energy = np.cumsum(-store * hours * np.where(store < 0, 0.93, 1.08))
    columns["battery/soc_pu"] = np.clip(0.5 + energy / 12, 0.1, 0.95)
    columns["roof/p_mw"] = np.minimum(5.4 * sun, use - np.minimum(store, 0) + 2.0)
    net = use - store - columns["roof/p_mw"] - columns["wind/p_mw"]
    columns["tie/import_mw"], columns["tie/export_mw"] = np.maximum(net, 0), np.maximum(-net, 0)
    price = np.select(
        [(hour >= 17) & (hour < 23), (hour >= 9) & (hour < 17)], [618.3, 206.9], 412.6
    )
    columns["tie/price_import_cny_per_mwh"] = price
    columns["bus/price_cny_per_mwh"] = np.where(net > 0, price, 100.0)
    taken = use + np.maximum(-store, 0)
    columns["park/clean_share_pu"] = 1 - np.minimum(1, columns["tie/import_mw"] / taken)
    return columns


def _heat(hour: Floats, sun: Floats, skill: float) -> Columns:
    homes = 0.8 + 0.3 * np.cos((hour - 5) / 24 * 2 * np.pi)
    pump = homes + np.where(sun > 0.5, 0.5 * skill, -0.25 * skill)
    return {
        "homes/p_mw": homes,
        "hp/q_mw": pump,
        "hp/p_mw": pump / 3.2,
        "tes/q_mw": homes - pump,
        "tes/soc_pu": np.clip(0.5 + np.cumsum(pump - homes) / 60, 0, 1),
    }


def _energy(name: str, columns: Columns, hours: Floats) -> tuple[float, float]:
    """Return (given, taken) of an asset at the nodes of its carrier [MWh]."""
    role = NAMES[name][1]
    if name == "tie":
        return float(columns["tie/import_mw"] @ hours), float(columns["tie/export_mw"] @ hours)
    power = columns[f"{name}/q_mw" if name == "tes" else f"{name}/p_mw"]
    if role == "store":
        return float(np.maximum(power, 0) @ hours), float(np.maximum(-power, 0) @ hours)
    total = float(power @ hours)
    return (total, 0.0) if role == "source" else (0.0, total)


def _both(en: str, zh: str) -> dict[str, str]:
    return {"en": en, "zh": zh}


def _entry(name: str, mwh: float, carrier: str | None = None) -> dict[str, Any]:
    kind, _, en, zh, own = NAMES[name]
    return {
        "asset": name,
        "label": _both(en, zh),
        "kind": kind,
        "carrier": carrier or own,
        "mwh": mwh,
    }


def _balance(names: list[str], columns: Columns, hours: Floats) -> dict[str, Any]:
    found: dict[str, Any] = {"sources": [], "uses": [], "losses": []}
    for name in names:
        if name == "jobs":
            continue
        gave, took = _energy(name, columns, hours)
        role = NAMES[name][1]
        if role == "store":
            found["losses"].append(_entry(name, 0.07 * took))
        if gave or role in {"source", "store", "grid"}:
            found["sources"].append(_entry(name, gave))
        if took or role in {"use", "store"}:
            found["uses"].append(_entry(name, took))
    found["sources"].append(_entry("hall", float(columns["hall/it_mw"] @ hours), "compute"))
    if "hp" in names:
        found["sources"].append(_entry("hp", float(columns["hp/q_mw"] @ hours), "heat"))
    return found


def _figures(columns: Columns, grid: TimeGrid, policy: str) -> dict[str, Any]:
    hours = grid.hours
    use = (
        columns["works/p_mw"]
        + columns["hub/p_mw"]
        + columns["hall/p_mw"]
        + columns.get("hp/p_mw", 0.0)
    )
    brought, sent = columns["tie/import_mw"], columns["tie/export_mw"]
    charged = np.maximum(-columns["battery/p_mw"], 0)
    loss = float(0.07 * charged @ hours)
    served, grid_import = float(use @ hours), float(brought @ hours)
    energy = float((brought * columns["tie/price_import_cny_per_mwh"] - sent * 100) @ hours)
    peak, days = float(brought.max()), float(hours.sum()) / 24
    costs = {
        "energy": energy,
        "demand": peak * 35_200 * days / 30,
        "wear": float(np.maximum(columns["battery/p_mw"], 0) @ hours) * 96,
        "unserved": 0.0,
        "ends": (0.5 - float(columns["battery/soc_pu"][-1])) * 12 * 300,
    }
    jobs = columns["jobs/render_mw"] + columns["jobs/training_mw"]
    clean = columns["park/clean_share_pu"]
    share = 1 - grid_import / (served + loss)
    modes = columns["hall/cooling_mode"]
    return {
        "clean_share": share,
        "clean_share_contract": share,
        "clean_share_grid_mix": share + (1 - share) * 0.85,
        "served_mwh": served,
        "losses_mwh": loss,
        "grid_import_mwh": grid_import,
        "grid_export_mwh": float(sent @ hours),
        "grid_peak_mw": peak,
        "curtailed_mwh": float((columns["roof/available_mw"] - columns["roof/p_mw"]) @ hours),
        "self_use_share": 0.93,
        "cost_cny": {"total": sum(costs.values()), **costs},
        "co2_t": grid_import * FACTOR,
        "pue": float((columns["hall/p_mw"] @ hours) / (columns["hall/it_mw"] @ hours)),
        "cooling_hours": {
            name: float(hours[modes == code].sum())
            for code, (name, *_) in enumerate(MODES)
            if (modes == code).any()
        },
        "heat_recovered_mwh": 0.0,
        "balance_residual_max_mw": 3.1e-7,
        "unserved_mwh": 0.0,
        "jobs": {
            "done": round(412 * days),
            "late": 0 if policy != "rules" else 2,
            "green_share": float((jobs * clean) @ hours / (jobs @ hours)),
        },
        "ev": {"served_mwh": float(columns["hub/p_mw"] @ hours), "short_mwh": 0.0},
    }


def _run(
    grid: TimeGrid,
    start: str,
    days: int,
    minutes: float,
    policy: str,
    names: list[str],
    series: Mapping[str, Columns],
) -> dict[str, Any]:
    columns = series[policy]
    return {
        "schema": 1,
        "park": "fixture",
        "park_label": _both("Fixture microgrid, no true park", "测试微电网，并非真实园区"),
        "place": {"latitude": 36.6, "longitude": 101.8, "altitude_m": 2260.0, "zone": grid.zone},
        "start": start,
        "end": f"{grid.end}Z",
        "days": days,
        "step_minutes": minutes,
        "horizon_hours": 48,
        "policy": policy,
        "seed": 1,
        "partial": False,
        "days_run": float(grid.hours.sum()) / 24,
        "made_at": "2026-04-16T00:05:00+00:00",
        "version": "0.0-fixture",
        "simulated": True,
        **_figures(columns, grid, policy),
        "plans": {
            "count": len(grid),
            "optimal": len(grid) - 1,
            "deadline": 0,
            "last_good": 1,
            "rules": 0,
            "build_s": 0.31,
            "update_s": 0.09,
            "solve_s": 0.52,
            "around_solve_s": 0.11,
            "read_s": 0.04,
            "step_ms_p50": 6.4,
            "step_ms_p95": 11.2,
        },
        "reasons": _reasons(grid),
        "energy": _balance(names, columns, grid.hours),
        "assets": [
            {
                "name": n,
                "kind": NAMES[n][0],
                "role": NAMES[n][1],
                "label": _both(*NAMES[n][2:4]),
                "carrier": NAMES[n][4],
            }
            for n in names
        ],
        "cooling_modes": [
            {"code": code, "name": name, "label": _both(en, zh)}
            for code, (name, en, zh) in enumerate(MODES)
        ],
        **_footer(grid.start + np.timedelta64(19, "h")),
    }


def _footer(at: np.datetime64) -> dict[str, Any]:
    return {
        "gave_way": [
            {
                "asset": "tie",
                "limit": "contract",
                "from": f"{at}Z",
                "to": f"{at + np.timedelta64(15, 'm')}Z",
                "sentence": _both(
                    "Gave way: Grid, contract, 04-15 19:00–19:15, short by 0.12 MWh",
                    "让步：电网，合同需量，04-15 19:00–19:15，短缺 0.12 MWh",
                ),
            }
        ],
        "factors": [
            {
                "name": "grid_factor_qinghai",
                "label": _both(
                    "grid emission factor, Qinghai, location-based",
                    "青海省电网平均排放因子（基于位置）",
                ),
                "value": FACTOR,
                "unit": "t/MWh",
                "from": "2023-01-01",
                "source": "notice 47 of 2025",
                "status": "secondary",
            }
        ],
        "assumptions": [
            {
                "where": "assets.battery.e_nom",
                "label": _both("rated energy of the battery", "电池额定容量"),
                "value": 12.0,
                "unit": "MWh",
                "source": "two hours of the roof's power",
                "status": "assumption",
            }
        ],
        "findings": [_both("Wind was estimated for one interval.", "有一个时段的风电为估计值。")],
    }


def _reasons(grid: TimeGrid) -> list[dict[str, Any]]:
    words = {
        "price": _both("follows the price", "随电价"),
        "wait": _both("waits for a better price", "等待更低的价格"),
        "rating": _both(
            "at its rated power; one MWh more would save CNY 206",
            "达到额定功率；每多 1 MWh 可省 206 元",
        ),
        "idle": _both("nothing to gain now", "此刻无可获益"),
    }
    found = []
    for day in range(min(7, round(float(grid.hours.sum()) / 24))):
        base = grid.start + np.timedelta64(day * 24, "h")
        for asset, label, spells in (
            (
                "battery",
                _both("Battery", "储能电池"),
                [(0, 9, "idle"), (9, 15, "rating"), (18, 22, "price")],
            ),
            (
                "jobs/render",
                _both("Job pool, render", "任务池 render"),
                [(0, 8, "wait"), (8, 17, "price")],
            ),
        ):
            found += [
                {
                    "asset": asset,
                    "label": label,
                    "from": f"{base + np.timedelta64(first, 'h')}Z",
                    "to": f"{base + np.timedelta64(last, 'h')}Z",
                    "code": code,
                    "sentence": words[code],
                }
                for first, last, code in spells
            ]
    return found


def _compare(run: dict[str, Any], grid: TimeGrid, series: Mapping[str, Columns]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: _figures(series[name], grid, name)
        for name in ("rules", "foresight", "played")
        if name in series
    }
    plan, rules, best = (
        each["cost_cny"]["total"] for each in (run, found["rules"], found["foresight"])
    )
    found["regret_cny_per_mwh"] = (plan - best) / run["served_mwh"]
    found["captured"] = (rules - plan) / (rules - best)
    found["win"] = True
    found["missing_cny"] = {"plant": 220.0, "horizon": 35.0, "forecast": (plan - best) - 255.0}
    return found
