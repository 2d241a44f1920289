"""The flexibility envelope: how much more or less the park can take, for how long, at what cost.

It is read from the live plan: what stores may give or take beyond it without leaving their bands or
the ties' limits in any step of the time asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.assets.kind import Kind
from zeropark.operate.bands import Guard, Lever
from zeropark.operate.desk import Programme
from zeropark.operate.image import Image

Floats = npt.NDArray[np.float64]
_HOUR = 3600.0
TAPER = 0.1
"""Over so much of its rated energy at either end of its band a store's own controller tapers its
power, so that none can be promised there [1]; see `BatteryDevice.limits`."""


@dataclass(frozen=True)
class Ability:
    """What can be asked for a time. up: less import or more export [MW]; down: the contrary.

    asset: whose, or `park` for all of them within the ties' limits. first: begin [POSIX s]. hours:
    how long it is kept up. cost_up, cost_down: of a MWh of it beyond the plan, before anything is
    paid for it [CNY/MWh]; NaN where nothing is able.
    """

    asset: str
    first: float
    hours: float
    up: float
    down: float
    cost_up: float
    cost_down: float


@dataclass(frozen=True)
class Confidence:
    """How far what was asked came true so far. asked: how often. delivered: of these, in full."""

    asked: int = 0
    delivered: int = 0

    @property
    def share(self) -> float:
        """The chance that the next one is delivered, by the rule of succession [1].

        Without any experience it is one half. Source: Laplace, Essai philosophique (1814).
        """
        return (self.delivered + 1) / (self.asked + 2)


@dataclass(frozen=True)
class _Store:
    """A store and what the plan does with it, by step: its power [MW] and energy [MWh].

    above, below: its energy as it counts for giving and for taking, tapers left out. least, most:
    powers its cells allow.
    """

    lever: Lever
    efficiency: float
    power: Floats
    above: Floats
    below: Floats
    least: Floats
    most: Floats
    worth: Floats
    wear: float


def envelope(
    programme: Programme,
    image: Image,
    assets: Sequence[Kind],
    levers: Sequence[Lever],
    guards: Sequence[Guard],
    durations: Sequence[int],
    without: frozenset[str] = frozenset(),
    begin: float | None = None,
) -> list[Ability]:
    """Return what each store and the park is able to do in each step, for each duration [steps].

    begin: only from this step on [POSIX s]. without: assets that must not be counted on. A store
    whose energy nobody can see is able to do nothing, and neither is a park whose tie nobody can
    see.
    """
    now = int((image.at - programme.first) // programme.step)
    steps = range(now, len(programme.outlook))
    hours = programme.step / _HOUR
    by_name = {asset.name: asset for asset in assets}
    stores = [
        found
        for lever in levers
        if lever.steered.stores and lever.asset not in without
        if (found := _planned(lever, by_name[lever.asset], programme, image, now)) is not None
    ]
    room_up, room_down = _rooms(programme, image, by_name, guards, now)
    abilities: list[Ability] = []
    starts = range(len(steps))
    if begin is not None:
        starts = range(max(0, round((begin - programme.first) / programme.step) - now), len(steps))[
            :1
        ]
    for start in starts:
        for count in durations:
            if start + count > len(steps):
                continue
            window = slice(start, start + count)
            first = programme.first + (now + start) * programme.step
            own = [_able(store, window, hours, first, programme) for store in stores]
            abilities += own
            abilities.append(
                _together(own, first, count * hours, room_up[window], room_down[window])
            )
    return abilities


def _planned(
    lever: Lever, asset: Kind, programme: Programme, image: Image, now: int
) -> _Store | None:
    """Return what a plan does with a store from the present step on; None where that is unknown."""
    energy = image.good(lever.asset, "energy")
    said = [step.get(lever.asset, {}) for step in programme.outlook[now:]]
    if energy is None or not said or not all("worth" in each for each in said):
        return None
    power = np.array([each[lever.steered.point] for each in said])
    efficiency = float(said[0]["efficiency"])
    hours = programme.step / _HOUR
    inside = np.where(power > 0.0, power / efficiency, power * efficiency)
    held = np.clip(energy - np.cumsum(inside) * hours, lever.e_floor, lever.e_ceiling)
    taper = TAPER * float(getattr(asset, "e_nom", 0.0))
    worth = np.array([float(each["worth"]) for each in said])
    wear, steered = float(said[0]["wear"]), lever.steered
    least = np.array([-each.get("charge_most", -steered.low) for each in said])
    most = np.array([each.get("discharge_most", steered.high) for each in said])
    return _Store(lever, efficiency, power, held - taper, held + taper, least, most, worth, wear)


def _able(
    store: _Store, window: slice, hours: float, first: float, programme: Programme
) -> Ability:
    """Return what one store is able to do in a window of steps."""
    lever, power = store.lever, store.power[window]
    above, below = store.above[window], store.below[window]
    after = np.arange(1, len(power) + 1) * hours
    up = min(
        float((store.most[window] - power).min()),
        float(((above - lever.e_floor) * store.efficiency / after).min()),
    )
    down = min(
        float((power - store.least[window]).min()),
        float(((lever.e_ceiling - below) / store.efficiency / after).min()),
    )
    price, worth = programme.prices[0], float(store.worth[window].mean())
    # A MWh given was worth that in the store and spares an import; one taken, the contrary.
    cost_up = worth / store.efficiency + store.wear - price
    cost_down = price - worth * store.efficiency
    up, down = max(0.0, up), max(0.0, down)
    return Ability(
        lever.asset,
        first,
        len(power) * hours,
        up,
        down,
        cost_up if up > 0.0 else np.nan,
        cost_down if down > 0.0 else np.nan,
    )


def _rooms(
    programme: Programme,
    image: Image,
    by_name: Mapping[str, Kind],
    guards: Sequence[Guard],
    now: int,
) -> tuple[Floats, Floats]:
    """Return by how much the ties' flows may fall (up) and rise (down) in each step [MW]."""
    outlook = programme.outlook[now:]
    count = len(outlook)
    up, down = np.zeros(count), np.zeros(count)
    for guard in guards:
        if by_name[guard.asset].role != "grid":
            continue
        if image.good(guard.asset, guard.guarded.point) is None:
            return np.zeros(count), np.zeros(count)
        planned = np.array([step.get(guard.asset, {}).get("import", 0.0) for step in outlook])
        up += np.maximum(0.0, planned - guard.guarded.low)
        down += np.maximum(0.0, guard.guarded.high - planned)
    return up, down


def _together(
    own: Sequence[Ability], first: float, hours: float, room_up: Floats, room_down: Floats
) -> Ability:
    """Return what all of them are able to do within the ties' limits, at their mean cost."""
    up = min(sum(each.up for each in own), float(room_up.min()))
    down = min(sum(each.down for each in own), float(room_down.min()))
    return Ability(
        "park", first, hours, up, down,
        _mean([(each.up, each.cost_up) for each in own]),
        _mean([(each.down, each.cost_down) for each in own]),
    )  # fmt: skip


def _mean(parts: Sequence[tuple[float, float]]) -> float:
    """Return the mean cost, each weighed by its power; NaN where nothing is able."""
    able = [(power, cost) for power, cost in parts if power > 0.0]
    total = sum(power for power, _ in able)
    return sum(power * cost for power, cost in able) / total if total > 0.0 else float("nan")
