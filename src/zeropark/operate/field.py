"""The devices of a park file as the cycle's fleet: drivers, watchdogs, safe and standing values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.devices.catalogue import protocol
from zeropark.devices.named import template_of, wire_of
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import always
from zeropark.model.device import DeviceLine
from zeropark.operate.clock import Clock
from zeropark.operate.fleet import Fleet, Wire
from zeropark.units.text import Text

_TWO = Text(
    "devices '{first}' and '{second}' both stand for asset '{asset}'; operate takes one device an "
    "asset, so take one out",
    "设备“{first}”与“{second}”均代表资产“{asset}”；operate 每个资产只接一个设备，删去其一",
)


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
    wires: dict[str, Wire] = {}
    names: dict[str, str] = {}
    safe: dict[str, dict[str, float | None]] = {}
    standing: dict[tuple[str, str], tuple[float, float]] = {}
    for line in lines:
        asset = by_name[line.asset]
        if asset.name in wires:
            text = _TWO.format(first=names[asset.name], second=line.name, asset=asset.name)
            raise DataError("two_devices", text)
        names[asset.name] = line.name
        template = template_of(line, asset, asset.shown_points())
        driver = protocol(template.protocol).driver(
            template,
            replace(wire_of(line, template, folder, patience), may_send=may_send),
            clock.now,
        )
        watchdog = None if template.watchdog == "none" else template.watchdog.seconds
        gateway = f"{line.host}:{line.port or 0}"
        wires[asset.name] = Wire(driver, gateway, watchdog, template.heartbeat)
        safe[asset.name] = _safe(template)
        if watchdog is None:
            standing |= {
                (asset.name, steered.point): _standing(template.by_name[steered.point])
                for steered in asset.steered()
                if steered.point in template.by_name
            }
    return Field(Fleet(wires, patience), {a: s for a, s in safe.items() if s}, standing)


def _safe(template: Template) -> dict[str, float | None]:
    """Return the safe values of what is written, but for the heartbeat."""
    quiet = set(template.heartbeat(0))
    return {
        point.name: point.safe * point.factor if isinstance(point.safe, float) else None
        for point in template.points
        if point.write and point.name not in quiet and point.safe is not None
    }


def _standing(point: PointTemplate) -> tuple[float, float]:
    """Return what may stand for ever; where nothing says it, only the safe value may."""
    if point.standing_range is not None:
        low, high = point.standing_range
        return low * point.factor, high * point.factor
    value = point.safe * point.factor if isinstance(point.safe, float) else 0.0
    return value, value
