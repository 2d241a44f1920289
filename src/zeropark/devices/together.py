"""Several devices that stand for one asset, as one driver: inverters side by side, a meter beside.

A point that one of them reads is read there; of several without a share the first in the park file
counts, such as a meter before the device that is commanded. With shares, powers and energies are
added and all else is averaged by share; a set-point is split by share. One that is missing makes
the sum missing: half an asset is never taken for all of it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from zeropark.devices.contract import (
    Driver,
    Health,
    Outcome,
    Quality,
    Readout,
    Written,
    nothing_read,
)
from zeropark.devices.template import PointTemplate, Template
from zeropark.units.quantity import parse_unit
from zeropark.units.text import Text

_ALL = 1e-6
_NO_SHARE = Text(
    "'{point}' of asset '{asset}' is commanded at {names}; write a share at each, all adding up to "
    "1, such as share: 0.5",
    "资产“{asset}”的 {point} 由 {names} 共同执行；请为每个设备写 share，合计为 1，例如 share: 0.5",
)
_OF = Text("{name}: {said}", "{name}：{said}")
# The worse of two qualities: no answer, no value, outside, good.
_WORSE = (Quality.NO_ANSWER, Quality.MISSING, Quality.SUSPECT, Quality.GOOD)


class Part(NamedTuple):
    """A device among several. share: of the asset's power [1]; None where it is not shared."""

    name: str
    template: Template
    share: float | None


def why_not_together(asset: str, parts: Sequence[Part]) -> Text | None:
    """Return why devices cannot stand for one asset together; None where they can."""
    for point in {p.name for part in parts for p in part.template.points if is_split(p)}:
        sharing = [part for part in parts if _writes(part.template, point)]
        known = [part.share for part in sharing if part.share is not None]
        if len(sharing) > 1 and (len(known) < len(sharing) or abs(sum(known) - 1.0) > _ALL):
            names = ", ".join(part.name for part in sharing)
            return _NO_SHARE.format(point=point, asset=asset, names=names)
    return None


def is_split(point: PointTemplate) -> bool:
    """Return whether a point of several devices adds up: a power or an energy."""
    if point.unit == "code":
        return False
    unit = point.unit if point.of is None else "MW"
    return parse_unit(unit)[0] in (parse_unit("MW")[0], parse_unit("MWh")[0])


def _writes(template: Template, name: str) -> bool:
    point = template.by_name.get(name)
    return point is not None and point.write


class Together:
    """Devices of one asset behind one contract."""

    def __init__(self, parts: Sequence[Part], drivers: Sequence[Driver]) -> None:
        self._parts, self._drivers = tuple(parts), tuple(drivers)
        self.names = tuple(dict.fromkeys(name for driver in drivers for name in driver.names))
        self._readers = {
            name: self._who([i for i, driver in enumerate(drivers) if name in driver.names])
            for name in self.names
        }
        written = {p.name for part in parts for p in part.template.points if p.write}
        self._writers = {
            name: [i for i, part in enumerate(parts) if _writes(part.template, name)]
            for name in written
        }

    def _who(self, found: list[int]) -> list[int]:
        """Return who brings a point: all with a share, else the first."""
        shared = [i for i in found if self._parts[i].share is not None]
        return shared if len(shared) == len(found) else found[:1]

    def _weight(self, name: str, which: int, among: Sequence[int]) -> float:
        """Return how much a part's number counts in the asset's [1]."""
        if len(among) == 1 or is_split(self._parts[which].template.by_name[name]):
            return 1.0
        whole = sum(self._parts[i].share or 0.0 for i in among)
        return (self._parts[which].share or 0.0) / whole

    # -- the contract ---------------------------------------------------------------------------

    async def read(self) -> Readout:
        """Return the asset's points, of all its devices at once."""
        readouts = await asyncio.gather(*(driver.read() for driver in self._drivers))
        found = nothing_read(self.names)
        for index, name in enumerate(self.names):
            among = self._readers[name]
            own = [readouts[i].reading(name) for i in among]
            worst = next(q for q in _WORSE if any(each.quality == q for each in own))
            found.quality[index] = worst
            found.at[index] = min((each.at for each in own), default=math.nan)
            if worst in (Quality.GOOD, Quality.SUSPECT):
                found.values[index] = sum(
                    (each.value or 0.0) * self._weight(name, i, among)
                    for i, each in zip(among, own, strict=True)
                )
        return found

    async def write(self, setpoints: Mapping[str, float | None]) -> dict[str, Written]:
        """Write set-points, split by share, to all devices at once."""
        asked: list[dict[str, float | None]] = [{} for _ in self._parts]
        for name, value in setpoints.items():
            for i in self._writers.get(name, []):
                asked[i][name] = self._share_of(name, i, value)
        answers = await asyncio.gather(
            *(driver.write(own) for driver, own in zip(self._drivers, asked, strict=True))
        )
        return {name: self._written(name, answers) for name in setpoints}

    def _share_of(self, name: str, which: int, value: float | None) -> float | None:
        part, among = self._parts[which], self._writers[name]
        if value is None or len(among) == 1 or not is_split(part.template.by_name[name]):
            return value
        return value * (part.share or 0.0)

    def _written(self, name: str, answers: Sequence[Mapping[str, Written]]) -> Written:
        among = self._writers.get(name, [])
        if not among:
            known = name in self.names
            return Written(Outcome.NOT_WRITABLE if known else Outcome.POINT_UNKNOWN)
        own = [answers[i][name] for i in among]
        not_done = [each.outcome for each in own if not each.outcome.done]
        sent = any(each.outcome is Outcome.SENT for each in own)
        outcome = not_done[0] if not_done else Outcome.SENT if sent else Outcome.TAKEN
        held = [each.held for each in own]
        if any(each is None for each in held):
            return Written(outcome)
        total = sum(
            (h or 0.0) * self._weight(name, i, among) for i, h in zip(among, held, strict=True)
        )
        return Written(outcome, total)

    async def held(self) -> dict[str, float]:
        """Return the set-points that all devices of a point hold."""
        shown = await asyncio.gather(*(driver.held() for driver in self._drivers))
        return {
            name: sum(shown[i][name] * self._weight(name, i, among) for i in among)
            for name, among in self._writers.items()
            if among and all(name in shown[i] for i in among)
        }

    def health(self) -> Health:
        """Return how things stand with all of them: as with the one that is worst."""
        each = [driver.health() for driver in self._drivers]
        silent = [i for i, health in enumerate(each) if not health.answering]
        worst = each[silent[0]] if silent else each[0]
        said = next((i for i in (*silent, *range(len(each))) if each[i].said is not None), None)
        text = None if said is None else each[said].said
        ends = [h.certificate_ends for h in each if h.certificate_ends is not None]
        return Health(
            answering=not silent,
            since=worst.since,
            misses=max(health.misses for health in each),
            next_try=float(np.max([health.next_try for health in each])),
            said=None
            if said is None or text is None
            else Text(
                _OF.en.format(name=self._parts[said].name, said=text.en),
                _OF.zh.format(name=self._parts[said].name, said=text.zh),
            ),
            certificate_ends=min(ends, default=None),
        )

    async def close(self) -> None:
        """Let go of all wires."""
        for driver in self._drivers:
            await driver.close()
