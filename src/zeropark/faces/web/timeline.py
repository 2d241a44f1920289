"""What the charts of the control room are made of: lanes over one time axis, past and plan."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zeropark.faces.report.curves import Curves, plain, ticks
from zeropark.operate.today import flow_of
from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.assets.kind import Kind
    from zeropark.faces.web.page import View
    from zeropark.operate.ahead import Ahead
    from zeropark.operate.record import Floats

Lane = dict[str, Any]
WORDS = {
    "now": Text("Now {clock}", "现在 {clock}"),
    "no_reading": Text("no reading", "无读数"),
    "time": Text("Time", "时间"),
}
_NOTHING = 1e-6


def carrier_of(asset: Kind) -> str:
    """Return the carrier of an asset's first port; "" where it has none, as a trade has."""
    return next((port.carrier for port in asset.ports().values()), "")


class Span:
    """The lived past and the planned steps ahead, side by side.

    past, ahead: how much of each is shown [h]. The planned steps begin where the lived ones end.
    """

    def __init__(self, view: View, past: float, ahead: float) -> None:
        frame, world = view.frame, view.living.run.world
        assert frame is not None, "asked once there is a frame"
        step = world.grid.step_hours
        end = frame.index + 1
        self.view, self.frame, self.first = view, frame, max(0, end - round(past / step))
        self.now = end - self.first
        left = 0 if frame.ahead is None else len(frame.ahead) - (end - frame.ahead.made_at)
        self.steps = max(0, min(left, round(ahead / step)))
        starts = world.grid.starts[self.first : end + self.steps + 1]
        self.curves = Curves(starts[:-1], starts[-1], view.zone, 0, 0, {})
        _, lived = view.living.history(self.first)
        self.lived = {name: values[: self.now] for name, values in lived.items()}

    def values(self, name: str) -> Floats:
        """Return a column of the past, then of the plan; NaN where there is none."""
        return self.joined(self.lived.get(name), self.planned(self.frame.ahead, name))

    def flow(self, asset: Kind, carrier: str) -> Floats:
        """Return an asset's flow into the nodes of a carrier [MW], + into them.

        A device that reports no flow at a port had none there.
        """
        there = self.frame.ahead
        planned = None if there is None else flow_of(there.columns, asset, carrier)
        lived = flow_of(self.lived, asset, carrier)
        if planned is None and there is not None:
            planned = np.zeros(len(there))
        return self.joined(
            np.zeros(self.now) if lived is None else lived, self._cut(there, planned)
        )

    def planned(self, ahead: Ahead | None, name: str) -> Floats | None:
        """Return a plan's column over the steps ahead; None where it has none."""
        return self._cut(ahead, None if ahead is None else ahead.columns.get(name))

    def only_ahead(self, ahead: Ahead, name: str, factor: float = 1.0) -> Floats:
        """Return a plan's column with nothing before it."""
        values = self.planned(ahead, name)
        return self.joined(None, None if values is None else values * factor)

    def _cut(self, ahead: Ahead | None, values: Floats | None) -> Floats | None:
        if ahead is None or values is None:
            return None
        first = self.frame.index + 1 - ahead.made_at
        return values[first : first + self.steps]

    def joined(self, lived: Floats | None, planned: Floats | None) -> Floats:
        """Return past and plan as one; NaN where one is not there."""
        past = np.full(self.now, np.nan) if lived is None else lived
        plan = np.full(self.steps, np.nan) if planned is None else planned
        return np.concatenate([past, plan])

    def held(self, value: float) -> Floats:
        """Return one value for every step: a limit."""
        return np.full(self.now + self.steps, value)

    def spells(self, asset: str) -> list[tuple[float, float, str]]:
        """Return (from, to, why) of an asset's reasons [h on the axis], from now on."""
        if self.frame.ahead is None:
            return []
        begin = self.curves.starts[0]
        hour = np.timedelta64(3600, "s")
        found = []
        for spell in self.frame.ahead.reasons:
            if spell["asset"] != asset:
                continue
            edges = (np.datetime64(str(spell[k]).removesuffix("Z"), "s") for k in ("from", "to"))
            since, until = (float((edge - begin) / hour) for edge in edges)
            last = float(self.curves.hours[-1])
            if until > 0 and since < last:
                words = Text(spell["sentence"]["en"], spell["sentence"]["zh"])
                found.append((max(0.0, since), min(last, until), self.view.say(words)))
        return found

    def chart(self, lanes: Sequence[Lane], left: int = 0) -> str:
        """Return the chart as JSON. left: room for names of rows [px]."""
        view = self.view
        clock = view.clock(self.frame.at)
        words = {key: view.say(text.format(clock=clock)) for key, text in WORDS.items()}
        marks = [{**tick, "zh": tick["zh"], "en": tick["en"]} for tick in ticks(self.curves)]
        return json.dumps(
            {
                "hours": [round(float(hour), 4) for hour in self.curves.hours],
                "clock": self.curves.local.astype("datetime64[m]").astype(int).tolist(),
                "ticks": marks,
                "now": self.now,
                "nowWord": words["now"],
                "words": words,
                "lanes": list(lanes),
                "left": left,
            },
            ensure_ascii=False,
        ).replace("<", "\\u003c")


def lane(
    title: str,
    unit: str,
    height: int,
    *,
    stack: Iterable[Mapping[str, Any]] = (),
    lines: Iterable[Mapping[str, Any]] = (),
    **more: Any,
) -> Lane:
    """Return a lane. height: [px]. more: percent, states, decimals, band, rows."""
    return {
        "title": title, "unit": unit, "height": height, "stack": list(stack), "lines": list(lines),
        **more,
    }  # fmt: skip


def curve(label: str, manner: str, values: Floats, **more: Any) -> dict[str, Any]:
    """Return a curve of a lane. manner: measured, plan, trial, limit; clean, store or grid."""
    return {"label": label, "manner": manner, "values": plain(values), **more}


def supply(span: Span, carrier: str, factor: float = 1.0) -> list[dict[str, Any]]:
    """Return what fed a carrier's nodes: sources, storage given, the grid; storing lies below.

    factor: [MW] to the unit shown.
    """
    view = span.view
    found: list[dict[str, Any]] = []
    for role in ("source", "convert", "use", "store", "grid"):
        for asset in view.living.run.world.assets:
            if asset.role != role or carrier not in {p.carrier for p in asset.ports().values()}:
                continue
            values = span.flow(asset, carrier) * factor
            fired = carrier == "electricity" and not asset.clean
            manner = {"store": "store", "grid": "grid"}.get(role, "grid" if fired else "clean")
            given = np.where(np.isnan(values), np.nan, np.maximum(values, 0.0))
            label = view.say(asset.shown)
            if np.nanmax(given, initial=0.0) > _NOTHING * factor:
                found.append(curve(label, manner, given, carrier=carrier))
            taken = np.where(np.isnan(values), np.nan, np.maximum(-values, 0.0))
            if role in {"store", "grid"} and np.nanmax(taken, initial=0.0) > _NOTHING * factor:
                words = f"{label} −"
                found.append(curve(words, manner, taken, carrier=carrier, below=True))
    return found


def used(span: Span, carrier: str, factor: float = 1.0) -> Floats:
    """Return what is used of a carrier [MW · factor]: all that is taken but stores and the grid."""
    total = np.zeros(span.now + span.steps)
    for asset in span.view.living.run.world.assets:
        if asset.role in {"store", "grid", "carry"}:
            continue
        if carrier in {port.carrier for port in asset.ports().values()}:
            total = total - np.minimum(span.flow(asset, carrier), 0.0) * factor
    return total
