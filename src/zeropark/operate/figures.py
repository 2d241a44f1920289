"""The figures of a run, summed as it goes: energy, clean share, demand, carbon, cooling, jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.operate.record import column_name
from zeropark.operate.smoothing import Smoothing

if TYPE_CHECKING:
    from zeropark.assets.remote_base import RemoteBase

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Floats]
# Share of an interval by which a step may begin early and still be of the next one [1].
_ROUNDING = 1e-9


def flow_name(asset: str, port: str) -> str:
    """Return the name a port's flow into its node [MW] is gathered under, never written out."""
    return f"~{asset}/{port}"


def is_flow_name(name: str) -> bool:
    """Return whether a series is a port's flow."""
    return name.startswith("~")


@dataclass
class Figures:
    """Sums over the steps given so far.

    assets: of the park. interval: demand interval [h]. stored: energy in all electric stores at the
    start [MWh]; start: of each store by name.
    """

    assets: Sequence[Kind]
    interval: float
    stored: float
    start: Mapping[str, float] = field(default_factory=dict)
    hours: float = 0.0
    imported: float = 0.0
    fired: float = 0.0
    matched: float = 0.0
    exported: float = 0.0
    used: float = 0.0
    lost: float = 0.0
    curtailed: float = 0.0
    available: float = 0.0
    peak: float = 0.0
    made: dict[tuple[str, str], float] = field(default_factory=dict)
    taken: dict[tuple[str, str], float] = field(default_factory=dict)
    unserved: dict[str, float] = field(default_factory=dict)
    cooling_hours: dict[int, float] = field(default_factory=dict)
    it: float = 0.0
    hall: float = 0.0
    jobs: float = 0.0
    green_jobs: float = 0.0
    residual: float = 0.0
    interrupted: bool = False
    _grown: dict[str, float] = field(default_factory=dict)
    dumped: dict[str, float] = field(default_factory=dict)
    _bought: list[tuple[Floats, Floats]] = field(default_factory=list)
    _traded: dict[str, list[Floats]] = field(default_factory=dict)
    smoothing: dict[str, Smoothing] = field(init=False)
    _left: tuple[Floats, Floats] = field(default_factory=lambda: (np.zeros(0), np.zeros(0)))

    def __post_init__(self) -> None:
        """Begin to gather what each remote base gives."""
        # By its name: who has no base need not load the code of its kind.
        bases = [cast("RemoteBase", each) for each in self.assets if each.kind == "remote_base"]
        self.smoothing = {base.name: Smoothing(base, self.assets) for base in bases}

    def add(self, columns: Columns, hours: Floats, green: Floats | float = 0.0) -> Floats:
        """Take a stretch of steps; return each step's clean share [1], NaN where none was used.

        green: green trade delivered in each step [MW]; it counts up to the import of that step.
        """
        self.hours += float(hours.sum())
        used, charge = self._flows(columns, hours)
        bring, send = self._tie(columns, len(hours))
        fired = self._fired(columns, len(hours))
        self.fired += float(fired @ hours)
        self.imported += float(bring @ hours)
        self.matched += float(np.minimum(bring, green) @ hours)
        self.exported += float(send @ hours)
        self.used += float(used @ hours)
        stored = self._stored(columns)
        self.lost += float(charge @ hours) - (stored - self.stored)
        self.stored = stored
        self._trade(columns, np.maximum(0.0, bring - green), hours)
        self._demand(bring, hours)
        self._curtailed(columns, hours)
        for base in self.smoothing.values():
            base.add(columns, hours)
        self._unserved(columns, hours)
        clean = _clean(used, charge, bring + fired)
        self._halls(columns, hours)
        self._jobs(columns, hours, clean)
        return clean

    def clean(self, columns: Columns, hours: Floats) -> Floats:
        """Return each step's clean share [1] as `add` does, where only flows are known."""
        used, charge = self._flows(columns, hours)
        bring, _ = self._tie(columns, len(hours))
        return _clean(used, charge, bring + self._fired(columns, len(hours)))

    def _flows(self, columns: Columns, hours: Floats) -> tuple[Floats, Floats]:
        """Return use, and storage charging net of discharging, at electricity nodes [MW]."""
        used, charge = np.zeros(len(hours)), np.zeros(len(hours))
        for asset in self.assets:
            for port, kind in asset.ports().items():
                flow = columns.get(flow_name(asset.name, port))
                if flow is None:
                    continue
                key = (asset.name, kind.carrier)
                self.made[key] = self.made.get(key, 0.0) + float(np.maximum(flow, 0.0) @ hours)
                self.taken[key] = self.taken.get(key, 0.0) - float(np.minimum(flow, 0.0) @ hours)
                if kind.carrier != "electricity" or asset.role == "grid":
                    continue
                if asset.role in {"store", "carry"}:
                    # What is carried on is no use; what is left of it on the way is lost.
                    charge = charge - flow
                else:
                    used = used - np.minimum(flow, 0.0)
        return used, charge

    def _tie(self, columns: Columns, count: int) -> tuple[Floats, Floats]:
        bring, send = np.zeros(count), np.zeros(count)
        for asset in self.assets:
            if asset.role == "grid":
                bring = bring + columns[column_name(asset.name, "import", "MW")]
                send = send + columns[column_name(asset.name, "export", "MW")]
        return bring, send

    def _trade(self, columns: Columns, bring: Floats, hours: Floats) -> None:
        """Keep what contracts delivered and what was imported beside it: they are matched later."""
        trades = [asset for asset in self.assets if asset.role == "trade"]
        for asset in trades:
            given = columns[column_name(asset.name, "delivered", "MW")]
            self._traded.setdefault(asset.name, []).append(np.nan_to_num(given) * hours)
        if trades:
            self._bought.append((bring * hours, hours))

    def traded(self) -> dict[str, tuple[float, float]]:
        """Return of each green contract what it delivered and what of it was matched [MWh].

        Delivery and import are matched over the contract's own interval, counted from the run's
        start, the shortest first; no MWh of import is matched twice.
        """
        if not self._bought:
            return {}
        bring = np.concatenate([energy for energy, _ in self._bought])
        hours = np.concatenate([lengths for _, lengths in self._bought])
        begun = np.cumsum(hours) - hours
        found = {}
        lengths = {a.name: float(getattr(a, "matching", 0.0)) for a in self.assets}
        for name in sorted(self._traded, key=lambda name: lengths[name]):
            given = np.concatenate(self._traded[name])
            group = np.floor(begun / lengths[name] + _ROUNDING).astype(int)
            need, have = np.bincount(group, bring), np.bincount(group, given)
            matched = np.minimum(need, have)
            left = np.divide(need - matched, need, out=np.zeros_like(need), where=need > 0)
            bring = bring * left[group]
            found[name] = (float(given.sum()), float(matched.sum()))
        return found

    def dump(self, spilled: Mapping[str, float], hours: float) -> None:
        """Count what nodes threw away in a step; spilled: by node [MW]."""
        for node, amount in spilled.items():
            self.dumped[node] = self.dumped.get(node, 0.0) + amount * hours

    def _fired(self, columns: Columns, count: int) -> Floats:
        """Return the electricity made of fuel [MW], which is no clean power."""
        fired = np.zeros(count)
        for asset in self.assets:
            if not asset.clean:
                for port, kind in asset.ports().items():
                    if kind.carrier == "electricity":
                        flow = columns.get(flow_name(asset.name, port), np.zeros(count))
                        fired = fired + np.maximum(flow, 0.0)
        return fired

    def _stored(self, columns: Columns) -> float:
        """Return what electric stores hold at the stretch's end [MWh]; note each one's growth."""
        total = 0.0
        for asset in self.assets:
            if asset.role == "store":
                energy = columns[column_name(asset.name, "energy", "MWh")]
                self._grown[asset.name] = float(energy[-1]) - self.start.get(asset.name, 0.0)
                if "electricity" in {port.carrier for port in asset.ports().values()}:
                    total += float(energy[-1])
        return total

    def _demand(self, bring: Floats, hours: Floats) -> None:
        """Keep the highest mean import over a demand interval; a longer step stands for itself."""
        group = max(1, round(self.interval / float(hours[0])))
        powers = np.concatenate([self._left[0], bring])
        lengths = np.concatenate([self._left[1], hours])
        whole = len(powers) // group * group
        if whole:
            energy = (powers[:whole] * lengths[:whole]).reshape(-1, group).sum(axis=1)
            time = lengths[:whole].reshape(-1, group).sum(axis=1)
            self.peak = max(self.peak, float((energy / time).max()))
        self._left = (powers[whole:], lengths[whole:])

    def _curtailed(self, columns: Columns, hours: Floats) -> None:
        for asset in self.assets:
            available = columns.get(column_name(asset.name, "available", "MW"))
            if asset.role == "source" and available is not None:
                made = columns[column_name(asset.name, "p", "MW")]
                self.available += float(np.maximum(available, made) @ hours)
                self.curtailed += float(np.maximum(available - made, 0.0) @ hours)

    def _unserved(self, columns: Columns, hours: Floats) -> None:
        for asset in self.assets:
            missed = columns.get(column_name(asset.name, "unserved", "MW"))
            if missed is not None:
                known = float(np.nansum(missed * hours))
                self.unserved[asset.name] = self.unserved.get(asset.name, 0.0) + known

    def _halls(self, columns: Columns, hours: Floats) -> None:
        for asset in self.assets:
            it = columns.get(column_name(asset.name, "it", "MW"))
            if it is None:
                continue
            self.it += float(it @ hours)
            self.hall -= float(np.minimum(columns[flow_name(asset.name, "node")], 0.0) @ hours)
            modes = columns.get(column_name(asset.name, "cooling_mode", "code"))
            if modes is not None:
                for mode in np.unique(modes[~np.isnan(modes)]).astype(int).tolist():
                    time = float(hours[modes == mode].sum())
                    self.cooling_hours[mode] = self.cooling_hours.get(mode, 0.0) + time

    def _jobs(self, columns: Columns, hours: Floats, clean: Floats) -> None:
        work = sum(
            (-np.minimum(columns[flow_name(asset.name, port)], 0.0))
            for asset in self.assets
            for port, kind in asset.ports().items()
            if kind.carrier == "compute"
            and asset.role == "use"
            and flow_name(asset.name, port) in columns
        )
        if isinstance(work, np.ndarray):
            known = ~np.isnan(clean)
            self.jobs += float(work[known] @ hours[known])
            self.green_jobs += float((work * clean)[known] @ hours[known])

    # -- what they come to ---------------------------------------------------------------------

    def clean_share(self) -> float | None:
        """Return 1 - grid import and fuel-fired power over use and losses [1], physical.

        None where nothing was used.
        """
        taken = self.used + self.lost
        return 1.0 - (self.imported + self.fired) / taken if taken > 0 else None

    def self_use(self) -> float | None:
        """Return the share of own generation not exported [1]; None where nothing was made."""
        made = sum(
            amount
            for (name, carrier), amount in self.made.items()
            if carrier == "electricity" and self._role(name) == "source"
        )
        return 1.0 - self.exported / made if made > 0 else None

    def direct_supply(self) -> dict[str, float | None]:
        """Return the ratios of direct supply [1]: of available generation, of load, exported.

        Self-use is what loads used and no import, no fuel and no stock of before gave: what is
        lost, dumped or still stored is not in it.
        """
        drawn = max(0.0, -sum(self._grown.get(name, 0.0) for name in self._electric_stores()))
        own = max(0.0, self.used - self.imported - self.fired - drawn)
        made = self.available
        return {
            "self_use_share": own / made if made > 0 else None,
            "load_share": own / self.used if self.used > 0 else None,
            "export_share": self.exported / made if made > 0 else None,
        }

    def _electric_stores(self) -> list[str]:
        return [
            asset.name
            for asset in self.assets
            if asset.role == "store"
            and "electricity" in {port.carrier for port in asset.ports().values()}
        ]

    def lost_in(self, store: str, net: float) -> float:
        """Return what a store lost [MWh] when it took `net` more than it gave."""
        return net - self._grown.get(store, 0.0)

    def _role(self, name: str) -> str:
        return next(asset.role for asset in self.assets if asset.name == name)

    def clean_share_contract(self) -> float | None:
        """Return the clean share with green trade that was matched in the same step [1]."""
        taken = self.used + self.lost
        matched = self.matched + sum(amount for _, amount in self.traded().values())
        return 1.0 - (self.imported + self.fired - matched) / taken if taken > 0 else None

    def as_json(self, mode_names: Mapping[int, str], halls: int) -> dict[str, Any]:
        """Return the figures by the names of `run.json`, units last."""
        return {
            "clean_share": self.clean_share(),
            "served_mwh": self.used,
            "losses_mwh": self.lost,
            "grid_import_mwh": self.imported,
            "grid_export_mwh": self.exported,
            "fired_mwh": self.fired,
            "grid_peak_mw": self.peak,
            "curtailed_mwh": self.curtailed,
            "unserved_mwh": sum(self.unserved.values()),
            "pue": self.hall / self.it if self.it > 0 else None,
            "cooling_hours": {
                mode_names.get(mode, str(mode)): time / max(1, halls)
                for mode, time in sorted(self.cooling_hours.items())
            },
            "heat_recovered_mwh": self._recovered(),
            "dumped_mwh": dict(sorted(self.dumped.items())),
            "balance_residual_max_mw": self.residual,
        }

    def _recovered(self) -> float:
        """Return heat that conversion and halls put to use at heat nodes [MWh]."""
        return sum(
            amount
            for (name, carrier), amount in self.made.items()
            if carrier == "heat" and self._is_hall(name)
        )

    def _is_hall(self, name: str) -> bool:
        return any(asset.name == name and "compute" in asset.ports() for asset in self.assets)


def _clean(used: Floats, charge: Floats, dirty: Floats) -> Floats:
    """Return the share of what was taken that neither grid nor fuel gave [1]; NaN without any."""
    taken = used + np.maximum(charge, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Floats = np.where(taken > 0, 1.0 - np.minimum(1.0, dirty / taken), np.nan)
    return share
