"""The devices of a park file as the cycle's fleet: drivers, watchdogs, safe and standing values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.devices.catalogue import protocol
from zeropark.devices.named import template_of, wire_of
from zeropark.devices.template import PointTemplate
from zeropark.devices.together import Part, Together, is_split, why_not_together
from zeropark.devices.wire import always
from zeropark.model.device import DeviceLine
from zeropark.operate.clock import Clock
from zeropark.operate.fleet import Fleet, Wire


@dataclass(frozen=True)
class Field:
    """A park's devices.

    safe: values to write when we let go, by asset and point, None to release a set-point. standing:
    ranges that devices without a watchdog are kept to, by asset and point [MW].
    """

    fleet: Fleet
    safe: Mapping[str, Mapping[str, float | None]]
    standing: Mapping[tuple[str, str], tuple[float, float]]


def field_of(
    lines: Sequence[DeviceLine],
    assets: Sequence[Kind],
    folder: Path,
    clock: Clock,
    patience: float,
    may_send: Callable[[float], bool] = always,
) -> Field:
    """Return the devices of a park; nothing is sent yet.

    folder: of the park file. patience: longest wall time of one answer [s]. may_send: whether
    set-points may be sent now, see `Wire`. Raises `DataError` or what a template or a secret
    refuses.
    """
    by_name = {asset.name: asset for asset in assets}
    of_asset: dict[str, list[DeviceLine]] = {}
    for line in lines:
        of_asset.setdefault(line.asset, []).append(line)
    wires: dict[str, Wire] = {}
    safe: dict[str, dict[str, float | None]] = {}
    standing: dict[tuple[str, str], tuple[float, float]] = {}
    for name, own in of_asset.items():
        asset = by_name[name]
        points = asset.shown_points()
        parts = [Part(line.name, template_of(line, asset, points), line.share) for line in own]
        if (why := why_not_together(name, parts)) is not None:
            raise DataError("no_share", why)
        drivers = [
            protocol(part.template.protocol).driver(
                part.template,
                replace(wire_of(line, part.template, folder, patience), may_send=may_send),
                clock.now,
            )
            for line, part in zip(own, parts, strict=True)
        ]
        driver = drivers[0] if len(drivers) == 1 else Together(parts, drivers)
        wires[name] = Wire(driver, _gateway(own), _watchdog(parts), _heartbeats(parts))
        safe[name] = _safe(parts)
        if wires[name].watchdog is None:
            standing |= {
                (name, steered.point): _standing(parts, steered.point)
                for steered in asset.steered()
                if any(steered.point in part.template.by_name for part in parts)
            }
    return Field(Fleet(wires, patience), {a: s for a, s in safe.items() if s}, standing)


def _gateway(lines: Sequence[DeviceLine]) -> str:
    """Return the address all devices of an asset lie at; nothing where they lie at several."""
    places = {f"{line.host}:{line.port or 0}" for line in lines}
    return places.pop() if len(places) == 1 else ""


def _watchdog(parts: Sequence[Part]) -> float | None:
    """Return the shortest watchdog of who is commanded [s]; None where one of them has none."""
    writers = [p.template for p in parts if any(point.write for point in p.template.points)]
    own = [t.watchdog for t in writers or [part.template for part in parts]]
    return min((w.seconds for w in own if w != "none"), default=None) if "none" not in own else None


def _heartbeats(parts: Sequence[Part]) -> Callable[[int], dict[str, float]]:
    def beats(count: int) -> dict[str, float]:
        return {n: v for part in parts for n, v in part.template.heartbeat(count).items()}

    return beats


def _safe(parts: Sequence[Part]) -> dict[str, float | None]:
    """Return the safe values of what is written, but for the heartbeat: of all devices together."""
    quiet = set(_heartbeats(parts)(0))
    found: dict[str, float | None] = {}
    for part in parts:
        for point in part.template.points:
            if not point.write or point.name in quiet or point.safe is None:
                continue
            own = point.safe * point.factor if isinstance(point.safe, float) else None
            before = found.get(point.name, 0.0) if is_split(point) else 0.0
            found[point.name] = None if own is None or before is None else own + before
    return found


def _standing(parts: Sequence[Part], name: str) -> tuple[float, float]:
    """Return what may stand for ever at all devices of a point together."""
    own = [part.template.by_name[name] for part in parts if name in part.template.by_name]
    ranges = [_stands(point) for point in own if point.write] or [(0.0, 0.0)]
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def _stands(point: PointTemplate) -> tuple[float, float]:
    """Return what may stand for ever; where nothing says it, only the safe value may."""
    if point.standing_range is not None:
        low, high = point.standing_range
        return low * point.factor, high * point.factor
    value = point.safe * point.factor if isinstance(point.safe, float) else 0.0
    return value, value
