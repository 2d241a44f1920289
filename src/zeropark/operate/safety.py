"""Local safety: controllers that need neither plan nor network nor clock, and the hand above them.

In their order: what is out of service, a stop, the band of stores, limits of flows, the ramp of a
base, set-points that would stay standing, and last a bound on how fast a set-point may move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from zeropark.operate.bands import Bands, Guard, Narrowing, Orders
from zeropark.operate.image import Image

# A store keeps so far from the ends of its band that a cycle's delay cannot carry it over [h].
_DELAY_HOURS = 10.0 / 3600.0
_NOISE = 1e-9
# Levers with a turn up to this lose nothing by helping: stores, and cars that wait.
_AT_NO_LOSS = -0.25


@dataclass
class OutOfService:
    """A device that is locked, or that does not follow, is led to its safe value and left there."""

    orders: Orders
    excluded: set[str] = field(default_factory=set)
    name: str = "out_of_service"

    def narrow(self, image: Image, bands: Bands) -> None:
        """Leave those devices to themselves."""
        del image
        for i, lever in enumerate(bands.levers):
            if lever.asset in self.orders.locked or lever.asset in self.excluded:
                bands.narrow(i, lever.steered.rest, lever.steered.rest, self.name)


@dataclass
class Stop:
    """A park-wide stop: stores rest, nothing that waits takes power; sources are left to limits."""

    orders: Orders
    name: str = "stop"

    def narrow(self, image: Image, bands: Bands) -> None:
        """Bring every store and every use that can wait to nothing."""
        del image
        if not self.orders.stopped:
            return
        for i, lever in enumerate(bands.levers):
            if lever.steered.stores or lever.steered.sign < 0:
                bands.narrow(i, 0.0, 0.0, self.name)


@dataclass
class ChargeBand:
    """A store at its floor gives nothing more, at its ceiling it takes nothing more.

    Of a store whose state nobody knows nothing is asked.
    """

    name: str = "charge_band"

    def narrow(self, image: Image, bands: Bands) -> None:
        """Keep every store in its band, a delay's worth of energy away from either end."""
        for i, lever in enumerate(bands.levers):
            if not lever.steered.stores:
                continue
            energy = image.good(lever.asset, "energy")
            soc = image.good(lever.asset, "soc")
            if energy is None or soc is None:
                bands.narrow(i, 0.0, 0.0, "charge_unknown")
                continue
            # Nameplate energy above, what the cells still hold below: a faded cell fills earlier.
            give = max(0.0, energy - lever.e_floor) / _DELAY_HOURS if soc > lever.floor else 0.0
            take = max(0.0, lever.e_ceiling - energy) / _DELAY_HOURS if soc < lever.ceiling else 0.0
            bands.narrow(i, -take, give, self.name)


@dataclass
class FlowLimit:
    """Keeps one guarded flow within its limits: of the tie, a transformer, or the grid operator.

    Predicts the flow from what is measured and what is about to be written, at its worst: a use
    below its cap may rise to it, sun below its limit may not. First caps nobody uses are lowered,
    then levers help in their turn. A flow that nobody can see lets nobody move away from rest.

    margin: share of the guarded range [1] that whoever loses nothing by it keeps free, for what
    changes within a cycle.
    """

    guard: Guard
    orders: Orders
    margin: float = 0.0
    name: str = "flow_limit"

    def narrow(self, image: Image, bands: Bands) -> None:
        """Move the levers behind the flow as far as needed."""
        guarded = self.guard.guarded
        shown = image.good(self.guard.asset, guarded.point)
        if shown is None:
            self._hold(bands)
            return
        low, high = self.orders.limit(self.guard.asset, guarded.low, guarded.high)
        flow = guarded.sign * shown
        name = f"{self.name}:{self.guard.asset}"
        free = min(self.margin * max(abs(guarded.low), abs(guarded.high)), (high - low) / 2.0)
        promised = self.orders.calls.flows.get(self.guard.asset)
        if promised is not None:
            called_by = f"call:{self.guard.asset}"
            most, least = max(low, promised[1] - free), min(high, promised[0] + free)
            self._keep(bands, flow, most, 1, called_by, most=_AT_NO_LOSS)
            self._keep(bands, flow, least, -1, called_by, most=_AT_NO_LOSS)
        for way, limit in ((1, high), (-1, low)):
            if free > 0.0:
                self._keep(bands, flow, limit - way * free, way, name, most=_AT_NO_LOSS)
            self._keep(bands, flow, limit, way, name)

    def _hold(self, bands: Bands) -> None:
        """Let levers only go towards rest from where they are."""
        name = f"blind:{self.guard.asset}"
        for i in self.guard.levers:
            lever = bands.levers[i]
            rest, now = lever.steered.rest, float(bands.shown[i])
            if lever.steered.stores:
                now = 0.0 if np.isnan(now) else now
                bands.narrow(i, min(0.0, now), max(0.0, now), name)
            elif lever.steered.caps and lever.steered.sign < 0:
                bands.narrow(i, 0.0, 0.0 if np.isnan(now) else now, name)
            elif np.isnan(now) and not lever.steered.caps:
                bands.narrow(i, rest, rest, name)

    def _keep(
        self, bands: Bands, flow: float, limit: float, way: int, name: str, most: float = np.inf
    ) -> None:
        """Keep way · flow ≤ way · limit, where way is +1 for the upper limit, -1 for the lower.

        most: the last turn of levers that may be asked for more than what they do not use.
        """
        beyond = way * (flow - limit) + self._worst(bands, way)
        if beyond <= _NOISE:
            return
        levers = sorted(self.guard.levers, key=lambda i: bands.levers[i].steered.turn)
        for i in levers:
            if beyond > _NOISE and bands.levers[i].steered.caps:
                beyond -= self._relieve(bands, i, way, beyond, name, floor=float(bands.shown[i]))
        for i in levers:
            if beyond > _NOISE and bands.levers[i].steered.turn <= most:
                beyond -= self._relieve(bands, i, way, beyond, name, floor=None)

    def _worst(self, bands: Bands, way: int) -> float:
        """Return by how much the levers may add to way · flow at worst [MW]."""
        return sum(self._adds(bands, i, float(bands.meant[i]), way) for i in self.guard.levers)

    def _adds(self, bands: Bands, i: int, setpoint: float, way: int) -> float:
        """Return what a set-point adds to way · flow against what the lever does now [MW]."""
        steered, now = bands.levers[i].steered, float(bands.shown[i])
        if np.isnan(now):
            now = (
                steered.rest if not steered.caps else (0.0 if steered.sign * way < 0 else setpoint)
            )
        change = setpoint - now
        # Flow into the node from outside falls by what the lever puts into it.
        adds = -way * steered.sign * change
        if steered.caps and change > 0.0:
            # Below its cap it may rise at any time, but nobody can count on it.
            return max(0.0, adds)
        return adds

    def _relieve(
        self, bands: Bands, i: int, way: int, beyond: float, name: str, floor: float | None
    ) -> float:
        """Narrow one lever by what is beyond; return what that takes away from it [MW].

        floor: with it only what lies above the present use is taken: that costs nobody anything.
        """
        steered = bands.levers[i].steered
        was = float(bands.meant[i])
        before = self._adds(bands, i, was, way)
        if way * steered.sign > 0:
            wanted = was + beyond
            if floor is not None or steered.caps:
                return 0.0
            bands.narrow(i, wanted, np.inf, name)
        else:
            wanted = was - beyond
            if steered.caps:
                # What is used counts, not the cap: cut below the use by what is beyond.
                now = was if np.isnan(bands.shown[i]) else min(was, float(bands.shown[i]))
                wanted = max(now, wanted) if floor is not None else now - beyond
            bands.narrow(i, -np.inf, wanted, name)
        return before - self._adds(bands, i, float(bands.meant[i]), way)


@dataclass
class Kept:
    """A store keeps free to give what a reserve has promised, after every limit of flows."""

    orders: Orders
    name: str = "reserve"

    def narrow(self, image: Image, bands: Bands) -> None:
        """Keep stores below what they could give by their part of the reserve."""
        del image
        for i, lever in enumerate(bands.levers):
            kept = self.orders.calls.kept.get(lever.asset, 0.0)
            if kept > 0.0 and lever.steered.stores:
                bands.narrow(i, -np.inf, lever.steered.high - kept, self.name)


@dataclass
class RampUp:
    """The output of a base rises no faster than agreed, whatever the sun does.

    seconds: how long a set-point may stand before the next one [s].
    """

    seconds: float
    name: str = "ramp"

    def narrow(self, image: Image, bands: Bands) -> None:
        """Keep limits of delivery so near to what is delivered that it cannot rise too fast."""
        del image
        for i, lever in enumerate(bands.levers):
            ramp, now = lever.steered.ramp, float(bands.shown[i])
            if ramp is None:
                continue
            if np.isnan(now):
                continue
            bands.narrow(i, -np.inf, now + ramp * self.seconds / 3600.0, self.name)


@dataclass
class Standing:
    """A device that nobody's watchdog brings back is only given what may stand for ever.

    ranges: by asset and point, the standing range of its template [MW].
    """

    ranges: Mapping[tuple[str, str], tuple[float, float]]
    name: str = "standing"

    def narrow(self, image: Image, bands: Bands) -> None:
        """Keep those set-points in their standing range."""
        del image
        for i, lever in enumerate(bands.levers):
            allowed = self.ranges.get(lever.key)
            if allowed is not None:
                bands.narrow(i, *allowed, self.name)


@dataclass
class Bumpless:
    """No set-point moves further in a cycle than a stated share of its range; safety may.

    last: what each lever was told, or showed when we began [MW]; NaN where nothing is known.
    most: by lever, the furthest it goes in one cycle [MW].
    """

    last: np.ndarray[tuple[int], np.dtype[np.float64]]
    most: np.ndarray[tuple[int], np.dtype[np.float64]]
    name: str = "bumpless"

    def narrow(self, image: Image, bands: Bands) -> None:
        """Let each set-point go a step towards its wish."""
        del image
        for i in range(len(bands.levers)):
            if np.isfinite(self.last[i]) and np.isfinite(self.most[i]):
                bands.narrow(i, self.last[i] - self.most[i], self.last[i] + self.most[i], self.name)


def in_order(
    guards: Sequence[Guard],
    orders: Orders,
    standing: Mapping[tuple[str, str], tuple[float, float]],
    seconds: float,
    margin: float = 0.0,
) -> tuple[OutOfService, list[Narrowing]]:
    """Return the controllers of a park, strongest first; the first also by itself.

    seconds: of a cycle. margin: of flow limits [1].
    """
    first = OutOfService(orders)
    flows = [FlowLimit(guard, orders, margin) for guard in guards]
    return first, [
        first,
        Stop(orders),
        ChargeBand(),
        Standing(standing),
        RampUp(seconds),
        *flows,
        Kept(orders),
    ]
