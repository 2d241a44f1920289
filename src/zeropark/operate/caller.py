"""Calls while a park is operated: taken from the live envelope, held in plan and cycle, settled.

The baseline of a call is what the plan at its award reckoned with. The published methods of
`baseline` need ten days of readings and are not used here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.operate.bands import Guard, Lever
from zeropark.operate.calls import Call, Calls, Settlement, Stage, Terms
from zeropark.operate.desk import Programme
from zeropark.operate.envelope import envelope
from zeropark.operate.image import Image
from zeropark.operate.orders import Asked
from zeropark.units.text import Text

_NO_PLAN = Text("call: there is no plan yet; ask again in a minute", "call：尚无计划；稍后再试")
_TOO_FAR = Text(
    "call: the plan reaches {reach:.2f} h ahead, the call would end after that; ask for less",
    "call：计划只到 {reach:.2f} h 之后，调用将超出；请缩短",
)


@dataclass
class Caller:
    """The calls of a park in operation.

    plan: returns the programme followed now. settled: what ended calls came to, by id.
    """

    calls: Calls
    assets: Sequence[Kind]
    levers: Sequence[Lever]
    guards: Sequence[Guard]
    plan: Callable[[], Programme | None]
    settled: dict[str, Settlement] = field(default_factory=dict)
    _image: Image | None = None
    _metered: dict[str, list[float]] = field(default_factory=dict)
    _baseline: dict[str, float] = field(default_factory=dict)

    def take(self, asked: Asked, without: frozenset[str]) -> Call:
        """Offer what is asked and take its award; raises `DataError` where that cannot be.

        without: assets that must not be counted on.
        """
        programme, image = self.plan(), self._image
        if programme is None or image is None:
            raise DataError("no_plan", _NO_PLAN)
        body = {name: float(value) for name, value in asked.body.items()}
        hours = programme.step / 3600.0
        count = max(1, round(body["hours"] / hours))
        ahead = -(-(image.at + body["after"] * 3600.0 - programme.first) // programme.step)
        begin = programme.first + ahead * programme.step
        found = envelope(programme, image, self.assets, self.levers, self.guards, [count], without)
        able = [each for each in found if each.asset == "park" and each.first == begin]
        if not able:
            reach = programme.first + len(programme.setpoints) * programme.step - image.at
            raise DataError("call_far", _TOO_FAR.format(reach=reach / 3600.0))
        terms = Terms("demand_response", body["price"], body["penalty"])
        call = self.calls.offer(terms, able[0], body["power"], image.at)
        planned = [
            programme.at(begin + i * programme.step)[self.calls.tie]["import"] for i in range(count)
        ]
        self._baseline[call.id] = float(np.mean(planned))
        return self.calls.award(call.id, self._baseline[call.id])

    def look(self, image: Image) -> dict[str, float]:
        """Live one cycle: meter calls under way, settle those that are over.

        Returns the most import they allow now, by tie [MW].
        """
        self._image = image
        for call in list(self.calls.calls.values()):
            if call.stage is not Stage.AWARDED or image.at < call.begin:
                continue
            if image.at < call.end:
                shown = image.good(self.calls.tie, "p")
                # What nobody metered is not counted as delivered.
                self._metered.setdefault(call.id, []).append(np.nan if shown is None else shown)
            else:
                self._settle(call)
        return self.calls.limits(image.at)

    def _settle(self, call: Call) -> None:
        baseline = self._baseline[call.id]
        metered = np.array(self._metered.pop(call.id, [np.nan]))
        metered = np.where(np.isfinite(metered), metered, baseline)
        self.calls.deliver(call.id)
        found = self.calls.settle(call.id, np.full(len(metered), baseline), metered)
        self.settled[call.id] = found

    def caps(self) -> list[tuple[float, float, float]]:
        """Return (begin, end, most import) of the calls a plan must keep [POSIX s, MW]."""
        return [
            (call.begin, call.end, call.cap)
            for call in self.calls.calls.values()
            if call.stage is Stage.AWARDED
        ]

    def status(self) -> list[dict[str, Any]]:
        """Return the calls, units last in names."""
        found = []
        for call in self.calls.calls.values():
            said: dict[str, Any] = {
                "call": call.id,
                "stage": call.stage.value,
                "begin": call.begin,
                "hours": call.hours,
                "power_mw": call.power,
                "cap_mw": call.cap,
            }
            settled = self.settled.get(call.id)
            if settled is not None:
                said["called_mwh"], said["delivered_mwh"] = call.energy, settled.delivered
                said["earned_cny"] = settled.paid - settled.penalty
            found.append(said)
        return found
