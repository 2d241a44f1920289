"""`python -m bench.nanchuan`: the figures that the park's report gives, and which come out.

Writes `docs/reference/nanchuan-figures.md` from a year by the hour: works at the mean that their
orders ask for, sun and wind of the park file's own weather, the base's storage run greedily for
self-use, furnace steam handed on to its sinks in turn. No plan: what a year's balance allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zeropark.assets import kinds
from zeropark.assets.data_hall import DataHall
from zeropark.data.outlook import Outlook
from zeropark.model.park import Park
from zeropark.model.parkfile import read_park
from zeropark.operate.build import RunRequest, build_world

Floats = npt.NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[1]
PARK = ROOT / "parks" / "nanchuan" / "park.yaml"
TEMPLATE = ROOT / "bench" / "nanchuan.txt"
PAGE = ROOT / "docs" / "reference" / "nanchuan-figures.md"
HOURS = 8760
# Energy of a tonne of coal equivalent [MWh] (GB/T 2589-2020: 29.3076 GJ).
TCE = 29.3076 / 3.6
# Highest air at which direct outside air cools for the whole day [degC]: the criterion under which
# 314 days come out of the station's typical year (fact base on compute, C2).
COOL = 24.1
# Power usage effectiveness that the operator gives for the year, and the national mean of 2021 [1].
PUE_READ, PUE_NATIONAL = 1.17, 1.49

MAKERS = (
    *("reduction1", "reduction2", "distillation", "gaojing_rods", "trina_rods", "jinko_rods"),
    *("slicing", "pv_cells", "pv_modules", "cathode_kilns", "li_cells", "formation", "packs"),
)


@dataclass(frozen=True)
class Year:
    """A year of the park in GWh, unless a name says otherwise."""

    load: float
    works: dict[str, float]
    base: float
    pv_hours: float
    wind_hours: float
    delivered: float
    exported: float
    curtailed: float
    roofs: float
    imported: float
    import_most_mw: float
    without_storage: float
    ramps: dict[str, tuple[float, float]]
    traded: float
    steam_spare: float
    sinks: dict[str, float]
    slicing_roof: float
    slicing: float
    cool_days: int
    pue: float

    @property
    def physical(self) -> float:
        """Share of the load that no import brought [1]."""
        return 1.0 - self.imported / self.load

    @property
    def mean_mw(self) -> float:
        """Mean load [MW]."""
        return self.load / HOURS * 1e3

    @property
    def self_use(self) -> float:
        """Share of the base's available generation that loads of the park use [1]."""
        return self.delivered / self.base

    @property
    def load_share(self) -> float:
        """Share of the load that the base serves [1]."""
        return self.delivered / self.load

    @property
    def roof_share(self) -> float:
        """Share of the load that roofs serve [1]."""
        return self.roofs / self.load

    @property
    def import_share(self) -> float:
        """Share of the load that is imported [1]."""
        return self.imported / self.load

    @property
    def export_share(self) -> float:
        """Share of the base's available generation that is exported [1]."""
        return self.exported / self.base

    @property
    def own(self) -> float:
        """Own power the park uses [GWh]."""
        return self.delivered + self.roofs

    @property
    def makers(self) -> float:
        """Load of the PV and lithium makers [GWh]."""
        return sum(energy for name, energy in self.works.items() if name in MAKERS)

    @property
    def to_buy(self) -> float:
        """What is missing to 70 % green power at PV and lithium makers [GWh]."""
        return 0.7 * self.makers - self.own

    @property
    def slicing_share(self) -> float:
        """Share of the slicing line's power that its roof gives [1]."""
        return self.slicing_roof / self.slicing

    @property
    def steam_tce(self) -> float:
        """Coal equivalent of the steam used [t]."""
        return self.steam_used * 1e3 / TCE

    @property
    def less(self) -> float:
        """How much less energy in all than the national mean centre [1]."""
        return 1.0 - self.pue / PUE_NATIONAL

    @property
    def less_overhead(self) -> float:
        """How much less beside computing than the national mean centre [1]."""
        return 1.0 - (self.pue - 1.0) / (PUE_NATIONAL - 1.0)

    @property
    def steam_used(self) -> float:
        """Furnace steam that its sinks take [GWh]."""
        return sum(self.sinks.values())

    @property
    def with_trade(self) -> float:
        """The same with green trade matched by the hour [1]."""
        return 1.0 - (self.imported - self.traded) / self.load


def outlook_of(park: Park) -> Outlook:
    """Return a year's world of the park by the hour, with the seed of its first study."""
    request = RunRequest(park, PARK.parent, "2026-01-01", days=365, step_minutes=60)
    return build_world(request).truth


def mean_powers(park: Park) -> tuple[dict[str, float], dict[str, float]]:
    """Return the mean electric power [MW] of each works, and the product it makes [t/h]."""
    made: dict[str, float] = {}
    makers: list[Any] = [a for a in park.assets if a.kind in {"process_line", "furnace"}]
    taken: dict[str, float] = {}
    # From the end of each chain to its beginning: who makes is after all who take from it.
    left = list(makers)
    while left:
        waiting = {getattr(a, "input", None) for a in left} - {None}
        ready = [a for a in left if a.output not in waiting]
        for asset in ready:
            own = sum(order.amount * 24.0 / order.every for order in asset.orders) / 24.0
            rivals = [a for a in makers if a.output == asset.output and asset.output is not None]
            total = sum(a.most_made for a in rivals)
            share = asset.most_made / total if rivals else 0.0
            made[asset.name] = own + share * taken.get(asset.output or "", 0.0)
            if getattr(asset, "input", None) is not None:
                drawn = asset.yield_in * made[asset.name]
                taken[asset.input] = taken.get(asset.input, 0.0) + drawn
        left = [a for a in left if a not in ready]
    powers = {a.name: getattr(a, "idle", 0.0) + a.energy * made[a.name] for a in makers}
    for asset in park.assets_of("batch_process"):
        each = asset.model_dump()
        day = sum(window["batches"] for window in each["windows"])
        powers[asset.name] = float(np.mean(each["course"])) * each["duration"] * day / 24.0
    return powers, made


def load_of(park: Park, outlook: Outlook) -> tuple[Floats, dict[str, float], dict[str, float]]:
    """Return the load of each hour [MW], the mean of each works [MW], and what it makes [t/h]."""
    powers, made = mean_powers(park)
    total = np.full(len(outlook.grid), sum(powers.values()))
    for asset in park.assets_of("load"):
        demand = asset.profile.on_grid(outlook.grid)  # type: ignore[attr-defined] # a load has one
        powers[asset.name] = float(demand.mean())
        total = total + demand
    for hub in park.assets_of("ev_hub"):
        told = hub.model_dump()
        day = sum(v["energy"] * (5 * v["weekday"] + 2 * v["restday"]) / 7 for v in told["visits"])
        powers[hub.name] = day / told["efficiency"] / 24.0
        total = total + powers[hub.name]
    halls, _ = halls_of(park)
    powers["halls"] = halls * PUE_READ
    total = total + powers["halls"]
    return total + losses_of(park, powers), powers, made


def halls_of(park: Park) -> tuple[float, float]:
    """Return mean and rated power of the machines in all halls [MW]."""
    halls = [a for a in park.assets if isinstance(a, DataHall)]
    pool = park.assets_of("job_pool")[0].model_dump()
    busy = sum(each["mean"] for each in pool["classes"]) / sum(hall.cores for hall in halls)
    return (
        sum(hall.p_idle + (hall.p_nom - hall.p_idle) * busy for hall in halls),
        sum(hall.p_nom for hall in halls),
    )


def losses_of(park: Park, powers: dict[str, float]) -> float:
    """Return what transformers lose at mean load [MW], and note it in `powers`."""
    at: dict[str, float] = {}
    for asset in park.assets:
        if asset.name in powers:
            node = str(getattr(asset, "node", ""))
            at[node] = at.get(node, 0.0) + powers[asset.name]
    at["comp10"] = at.get("comp10", 0.0) + powers["halls"]
    lost = 0.0
    transformers: list[Any] = list(park.assets_of("transformer"))
    tied = {a.node for a in transformers}
    for inner in (True, False):
        for asset in transformers:
            if (asset.up in tied) is inner:
                carried = at.get(asset.node, 0.0)
                own = asset.loss_idle * asset.p_nom + asset.loss_load * carried**2 / asset.p_nom
                at[asset.up] = at.get(asset.up, 0.0) + carried + own
                lost += own
    powers["transformers"] = lost
    return lost


def greedy(park: Park, raw: Floats, need: Floats, *, stored: bool) -> dict[str, Floats]:
    """Return by hour what the base sends, exports and loses [MW]: storage serves the park first."""
    by_name: Mapping[str, Any] = {asset.name: asset for asset in park.assets}
    gate, line, cells = by_name["gate"], by_name["hainan_line"], by_name["base_battery"]
    tie = by_name["tie"]
    keep = 1.0 - line.loss
    low, high = cells.floor * cells.e_nom, cells.ceiling * cells.e_nom
    power = cells.p_nom if stored else 0.0
    energy = cells.start * cells.e_nom
    sent, exported = np.zeros(len(raw)), np.zeros(len(raw))
    for hour, (there, lacking) in enumerate(zip(raw.tolist(), need.tolist(), strict=True)):
        wanted = min(gate.p_nom, lacking / keep)
        use = min(there, wanted)
        charge = min(power, there - use, (high - energy) / cells.efficiency)
        out = min(power, wanted - use, (energy - low) * cells.efficiency)
        energy += charge * cells.efficiency - out / cells.efficiency
        over = min(gate.p_nom - use, there - use - charge, tie.export_max / keep)
        sent[hour], exported[hour] = use + out, max(0.0, over if out == 0.0 else 0.0) * keep
    return {"used": sent * keep, "exported": exported, "out": sent + exported / keep}


def heat_of(
    park: Park, outlook: Outlook, made: Mapping[str, float], powers: Mapping[str, float]
) -> tuple[float, dict[str, float]]:
    """Return the steam that distillation leaves [GWh], and what each sink takes of it [GWh]."""
    by_name: Mapping[str, Any] = {asset.name: asset for asset in park.assets}
    steam = sum(by_name[n].steam_share * powers[n] for n in ("reduction1", "reduction2"))
    spare = steam - by_name["distillation"].heat_per_product * made["distillation"]
    wanted = {
        "drying of battery cells": np.full(
            len(outlook.grid), by_name["li_cells"].heat_per_product * made["li_cells"]
        ),
        "compute park in winter": by_name["compute_heat"].demand(outlook),
        "washing": by_name["washing"].profile.on_grid(outlook.grid),
        "town": by_name["town_heat"].demand(outlook),
    }
    left, sinks = np.full(len(outlook.grid), spare), {}
    for name, demand in wanted.items():
        taken = np.minimum(left, demand)
        left = left - taken
        sinks[name] = float(taken.sum()) / 1e3
    return spare * len(outlook.grid) / 1e3, sinks


def cool_days(outlook: Outlook) -> int:
    """Return the days on which no hour's air is above `COOL`."""
    assert outlook.weather is not None, "a year has weather"
    days = outlook.weather.t_air.reshape(-1, 24)
    return int((days.max(axis=1) <= COOL).sum())


def live_year(park: Park) -> Year:
    """Return the year of the park."""
    outlook = outlook_of(park)
    available: dict[str, Floats] = {
        a.name: a.signals(outlook)["available"][0]  # type: ignore[attr-defined] # sources have it
        for a in park.assets
        if a.kind in {"pv", "wind"}
    }
    raw = available["base_pv"] + available["base_wind"]
    roofs = sum((v for n, v in available.items() if not n.startswith("base_")), np.zeros(len(raw)))
    load, powers, made = load_of(park, outlook)
    need = np.maximum(0.0, load - roofs)
    flows, bare = greedy(park, raw, need, stored=True), greedy(park, raw, need, stored=False)
    imported = need - flows["used"]
    green = park.assets_of("green_power_contract")[0]
    traded = np.minimum(imported, green.shape.on_grid(outlook.grid))  # type: ignore[attr-defined] # its curve
    spare, sinks = heat_of(park, outlook, made, powers)
    sizes: Mapping[str, Any] = {asset.name: asset for asset in park.assets}
    size = sizes["base_pv"].p_nom + sizes["base_wind"].p_nom
    without = np.minimum(raw, sizes["gate"].p_nom)
    ramps = {
        f"p{p}": (
            float(np.percentile(np.abs(np.diff(without)), p)) / size,
            float(np.percentile(np.abs(np.diff(flows["out"])), p)) / size,
        )
        for p in (50, 95, 99)
    }
    gwh = {name: power * HOURS / 1e3 for name, power in powers.items()}
    return Year(
        load=float(load.sum()) / 1e3,
        works=gwh,
        base=float(raw.sum()) / 1e3,
        pv_hours=float(available["base_pv"].sum()) / sizes["base_pv"].p_nom,
        wind_hours=float(available["base_wind"].sum()) / sizes["base_wind"].p_nom,
        delivered=float(flows["used"].sum()) / 1e3,
        exported=float(flows["exported"].sum()) / 1e3,
        curtailed=float(raw.sum() - flows["out"].sum()) / 1e3,
        roofs=float(roofs.sum()) / 1e3,
        imported=float(imported.sum()) / 1e3,
        import_most_mw=float(imported.max()),
        without_storage=1.0 - float((need - bare["used"]).sum() / load.sum()),
        ramps=ramps,
        traded=float(traded.sum()) / 1e3,
        steam_spare=spare,
        sinks=sinks,
        slicing_roof=float(available["slicing_roof"].sum()) / 1e3,
        slicing=gwh["slicing"],
        cool_days=cool_days(outlook),
        pue=PUE_READ,
    )


def page(year: Year) -> str:
    """Return the page that says of each figure whether it was given and whether it is reached."""
    works = sorted(year.works.items(), key=lambda item: -item[1])
    return TEMPLATE.read_text(encoding="utf-8").format(
        y=year,
        works="\n".join(f"| {n} | {e:,.0f} | {e / HOURS * 1e3:.1f} |" for n, e in works),
        ramps="\n".join(
            f"| {n} | {bare:.1%} | {kept:.1%} |" for n, (bare, kept) in year.ramps.items()
        ),
        sinks=", ".join(f"{name} {energy:.0f}" for name, energy in year.sinks.items()),
        cool=COOL,
        national=PUE_NATIONAL,
        needed=0.6 * PUE_NATIONAL,
    )


def main() -> None:
    """Live the year and write the page."""
    PAGE.write_text(page(live_year(read_park(PARK, kinds()))), encoding="utf-8")


if __name__ == "__main__":
    main()
