"""What each device may do in this cycle: bands that only get narrower, each with who narrowed it.

A controller is asked in its turn and may take from a band, never give. Where two ask for what
cannot be had together, the earlier one keeps its word: local safety comes first, the plan last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Guarded, Kind, Steered
from zeropark.operate.image import Image

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lever:
    """A set-point of an asset that moves power, and the node it moves it at."""

    asset: str
    steered: Steered
    node: str
    e_floor: float = 0.0
    e_ceiling: float = np.inf
    floor: float = 0.0
    ceiling: float = 1.0

    @property
    def key(self) -> tuple[str, str]:
        """Asset and point."""
        return self.asset, self.steered.point


@dataclass(frozen=True)
class Guard:
    """A flow to be kept within limits, and the levers that move it, by number."""

    asset: str
    guarded: Guarded
    levers: tuple[int, ...]


class Bands:
    """The band of every lever's set-point [MW], and what it would be if nobody narrowed it.

    wish: what plan or hand ask for, NaN where nobody asks. shown: what the lever does now, NaN
    where that is not known.
    """

    def __init__(self, levers: Sequence[Lever], image: Image, wish: Floats) -> None:
        self.levers = levers
        self.shown = np.array(
            [_number(image.good(each.asset, each.steered.shown_by)) for each in levers]
        )
        self.low = np.array([each.steered.low for each in levers])
        self.high = np.array([_highest(each, image) for each in levers])
        rest = np.array([each.steered.rest for each in levers])
        asked = np.where(np.isfinite(wish), wish, rest)
        self.wish = np.clip(asked, self.low, self.high)
        self.why: list[list[str]] = [[] for _ in levers]

    def narrow(self, lever: int, low: float, high: float, why: str) -> None:
        """Keep of a band what lies in low to high; where nothing does, its end nearest to that."""
        before = (self.low[lever], self.high[lever])
        new_low = min(max(low, before[0]), before[1])
        new_high = max(min(high, before[1]), before[0])
        self.low[lever], self.high[lever] = new_low, max(new_low, new_high)
        if (self.low[lever], self.high[lever]) != before:
            self.why[lever].append(why)

    @property
    def meant(self) -> Floats:
        """What would be written if nobody else narrowed: the wish within the bands [MW]."""
        meant: Floats = np.clip(self.wish, self.low, self.high)
        return meant

    def reason(self, lever: int) -> str:
        """Return who moved a set-point away from the wish last; empty where nobody did."""
        moved = self.meant[lever] != self.wish[lever]
        return self.why[lever][-1] if moved and self.why[lever] else ""


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _highest(lever: Lever, image: Image) -> float:
    """Return the most a lever takes now; what nobody can see is not there to be taken."""
    if not lever.steered.most:
        return lever.steered.high
    return min(lever.steered.high, max(0.0, image.good(lever.asset, lever.steered.most) or 0.0))


class Narrowing(Protocol):
    """One controller of the cycle."""

    name: str

    def narrow(self, image: Image, bands: Bands) -> None:
        """Narrow what must be narrowed; look at nothing but the image and the bands."""


def levers_of(assets: Sequence[Kind]) -> list[Lever]:
    """Return all levers of a park, in the order of its assets."""
    return [
        Lever(
            asset.name,
            steered,
            str(asset.port_nodes()[steered.port]),
            float(getattr(asset, "e_floor", 0.0)),
            float(getattr(asset, "e_ceiling", np.inf)),
            float(getattr(asset, "floor", 0.0)),
            float(getattr(asset, "ceiling", 1.0)),
        )
        for asset in assets
        for steered in asset.steered()
    ]


def guards_of(assets: Sequence[Kind], levers: Sequence[Lever]) -> list[Guard]:
    """Return all guarded flows of a park, each with the levers that lie behind it.

    A lever lies behind a flow where its node is reached from the flow's port without going through
    the guarded asset itself. Inner limits come first: what they take, outer ones need not.
    """
    found = []
    for asset in assets:
        for guarded in asset.guarded():
            nodes = _reached(str(asset.port_nodes()[guarded.port]), asset.name, assets)
            behind = tuple(i for i, lever in enumerate(levers) if lever.node in nodes)
            found.append(Guard(asset.name, guarded, behind))
    return sorted(found, key=lambda guard: len(guard.levers))


def _reached(start: str, without: str, assets: Sequence[Kind]) -> set[str]:
    ways: dict[str, set[str]] = {}
    for asset in assets:
        if asset.role == "carry" and asset.name != without:
            ends = {str(node) for node in asset.port_nodes().values() if node is not None}
            for end in ends:
                ways.setdefault(end, set()).update(ends)
    found, open_ends = {start}, [start]
    while open_ends:
        for other in ways.get(open_ends.pop(), set()) - found:
            found.add(other)
            open_ends.append(other)
    return found


@dataclass(frozen=True)
class Promised:
    """What calls hold at this moment.

    flows: by guarded asset, (least, most) flow into the node [MW], for which nobody goes without.
    firm: such limits of the grid operator, for which loads go without too. kept: power that stores
    keep free to give, by asset [MW].
    """

    flows: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    firm: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    kept: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Orders:
    """What people have said that holds until they say otherwise.

    hand: set-points by asset and point [MW]. locked: assets out of service for maintenance.
    stopped: whether the whole park is stopped. limits: by guarded asset, (least, most) flow into
    the node [MW] that the grid operator allows. calls: what calls hold now.
    """

    hand: dict[tuple[str, str], float] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)
    stopped: bool = False
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    calls: Promised = field(default_factory=Promised)

    def limit(self, asset: str, low: float, high: float) -> tuple[float, float]:
        """Return a guarded flow's limits [MW] with what grid operator and calls take from them."""
        for said in (self.limits.get(asset), self.calls.firm.get(asset)):
            if said is not None:
                low, high = min(max(low, said[0]), high), max(min(high, said[1]), low)
        return low, max(low, high)


def as_setpoints(bands: Bands) -> dict[str, dict[str, float]]:
    """Return what is to be written, by asset and point [MW]."""
    found: dict[str, dict[str, float]] = {}
    for lever, value in zip(bands.levers, bands.meant.tolist(), strict=True):
        found.setdefault(lever.asset, {})[lever.steered.point] = value
    return found


def wishes(
    levers: Sequence[Lever],
    plan: Mapping[str, Mapping[str, float]],
    hand: Mapping[tuple[str, str], float],
) -> Floats:
    """Return what plan and hand ask of each lever [MW], hand first; NaN where nobody asks."""
    return np.array(
        [
            hand.get(each.key, plan.get(each.asset, {}).get(each.steered.point, np.nan))
            for each in levers
        ]
    )
