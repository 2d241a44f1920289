"""What assets say to a program: their signals and situations, put together by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from zeropark.assets.kind import Floats, Horizon, Kind, Readings
from zeropark.data.outlook import Outlook
from zeropark.formulation.program import Inputs

ByKind = Mapping[str, Sequence[Kind]]
Signals = Mapping[str, Mapping[str, Floats]]


def by_kind(assets: Iterable[Kind]) -> dict[str, list[Kind]]:
    """Return the assets by kind, in the order they come."""
    found: dict[str, list[Kind]] = {}
    for asset in assets:
        found.setdefault(asset.kind, []).append(asset)
    return found


def signals_of(kinds: ByKind, outlook: Outlook) -> dict[str, dict[str, Floats]]:
    """Return the signals of all assets by kind and name, each (members, N)."""
    found: dict[str, dict[str, Floats]] = {}
    for kind, assets in kinds.items():
        each = [asset.signals(outlook) for asset in assets]
        found[kind] = {name: np.vstack([own[name] for own in each]) for name in each[0]}
    return found


def inputs_of(
    kinds: ByKind, signals: Signals, readings: Mapping[str, Readings], horizon: Horizon
) -> dict[str, Inputs]:
    """Return what an update tells each kind: the signals, and the assets' own situations."""
    found: dict[str, Inputs] = {}
    horizon = replace(horizon, available=_available(kinds, signals, horizon.grid.hours))
    for kind, assets in kinds.items():
        own = [asset.situation(readings[asset.name], horizon) for asset in assets]
        merged = Inputs(dict(signals.get(kind, {})), {})
        for name in own[0].signals:
            merged.signals[name] = np.vstack([inputs.signals[name] for inputs in own])
        for name in own[0].figures:
            merged.figures[name] = np.concatenate([inputs.figures[name] for inputs in own])
        found[kind] = merged
    return found


def _available(kinds: ByKind, signals: Signals, hours: Floats) -> float:
    """Return what clean sources can give in steps of `hours` [h], as signals foresee it [MWh]."""
    return sum(
        float((signals[kind]["available"] @ hours).sum())
        for kind, assets in kinds.items()
        if assets[0].role == "source" and assets[0].clean and "available" in signals[kind]
    )
