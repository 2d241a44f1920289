"""The park's energy as bands: for each carrier what fed its node and where it went [MWh]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from zeropark.faces.report.words import say
from zeropark.units.text import Text

# Carriers that are not energy have no place in a picture whose width is MWh.
NO_ENERGY = frozenset({"compute", "material", "water"})
# A band under this share of its picture has no visible width, and a meter's error is larger.
_LEAST = 5e-4
_NOTABLE_GAP = 5e-3


@dataclass(frozen=True)
class Band:
    """One end of a carrier's picture.

    manner: clean, grid, export, loss, stock, use or gap; it decides colour and order.
    carrier: whose colour its end bar has. mwh: energy, ≥ 0.
    """

    key: str
    label: Text
    manner: str
    carrier: str
    mwh: float


@dataclass(frozen=True)
class Flow:
    """What fed one carrier's node, and where it went, largest first within each manner."""

    carrier: str
    sources: tuple[Band, ...]
    uses: tuple[Band, ...]

    @property
    def used(self) -> float:
        """Energy that stayed in the park: all but export [MWh]."""
        return sum(band.mwh for band in self.uses if band.manner != "export")


_ORDER = {"export": 0, "clean": 1, "use": 1, "stock": 2, "loss": 3, "grid": 4, "gap": 5}


def energy_flows(
    energy: Mapping[str, Any],
    assets: Iterable[Mapping[str, Any]],
    computing: AbstractSet[str] = frozenset(),
) -> list[Flow]:
    """Return one picture per energy carrier, electricity first, the rest by size.

    energy: sources, uses and losses as in `run.json`. assets: its list of assets, for their roles.
    computing: those that turn electricity into computing.
    """
    roles = {asset["name"]: asset["role"] for asset in assets}
    entries = [*energy["sources"], *energy["uses"]]
    carriers = dict.fromkeys(e["carrier"] for e in entries if e["carrier"] not in NO_ENERGY)
    found = [_flow(carrier, energy, roles, computing) for carrier in carriers]
    shown = [flow for flow in found if flow.sources or flow.uses]
    return sorted(shown, key=lambda flow: (flow.carrier != "electricity", -flow.used))


def _flow(
    carrier: str,
    energy: Mapping[str, Any],
    roles: Mapping[str, str],
    computing: AbstractSet[str],
) -> Flow:
    sources, uses = [], []
    for entry in _of(carrier, energy["sources"], roles, stores=False):
        grid = roles.get(entry["asset"]) == "grid" or not entry.get("clean", True)
        manner = "grid" if grid else "clean"
        sources.append(_band(entry, manner, carrier))
    for entry in _of(carrier, energy["uses"], roles, stores=False):
        manner = "export" if roles.get(entry["asset"]) == "grid" else "use"
        ends = "compute" if entry["asset"] in computing else carrier
        uses.append(_band(entry, manner, ends))
    for band in _stores(carrier, energy, roles):
        (sources if band.key.endswith("-given") else uses).append(band)
    gap = sum(band.mwh for band in sources) - sum(band.mwh for band in uses)
    total = max(1e-12, *(sum(band.mwh for band in side) for side in (sources, uses)))
    if abs(gap) > _NOTABLE_GAP * total:
        side = uses if gap > 0 else sources
        side.append(Band(f"{carrier}-gap", say("unmetered"), "gap", carrier, abs(gap)))
    return Flow(carrier, _sorted(sources, total), _sorted(uses, total))


def _of(
    carrier: str, entries: Iterable[Mapping[str, Any]], roles: Mapping[str, str], *, stores: bool
) -> list[Mapping[str, Any]]:
    """Return the entries of a carrier with a reading, of stores or of all others."""
    return [
        entry
        for entry in entries
        if entry["carrier"] == carrier
        and entry["mwh"] is not None
        and (roles.get(entry["asset"]) == "store") == stores
    ]


def _band(entry: Mapping[str, Any], manner: str, carrier: str) -> Band:
    label = Text(entry["label"]["en"], entry["label"]["zh"])
    if manner == "export":
        label = say("exported")
    return Band(f"{entry['asset']}-{manner}", label, manner, carrier, float(entry["mwh"]))


def _stores(carrier: str, energy: Mapping[str, Any], roles: Mapping[str, str]) -> Iterable[Band]:
    """Yield what each store lost and kept: taken - given = lost + kept."""
    gave = {e["asset"]: e["mwh"] for e in _of(carrier, energy["sources"], roles, stores=True)}
    lost = {e["asset"]: e["mwh"] for e in _of(carrier, energy["losses"], roles, stores=True)}
    for entry in _of(carrier, energy["uses"], roles, stores=True):
        name, label = entry["asset"], Text(entry["label"]["en"], entry["label"]["zh"])
        kept = entry["mwh"] - gave.get(name, 0.0) - lost.get(name, 0.0)
        yield Band(
            f"{name}-loss", say("store_losses", name=label), "loss", carrier, lost.get(name, 0.0)
        )
        if kept >= 0:
            yield Band(f"{name}-kept", say("store_kept", name=label), "stock", carrier, kept)
        else:
            yield Band(f"{name}-given", say("store_given", name=label), "stock", carrier, -kept)


def _sorted(bands: list[Band], total: float) -> tuple[Band, ...]:
    shown = [band for band in bands if band.mwh > _LEAST * total or band.manner == "clean"]
    return tuple(sorted(shown, key=lambda band: (_ORDER[band.manner], -band.mwh)))
