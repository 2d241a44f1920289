"""Simulated SunSpec devices: registers as pysunspec2 gives them to its models, behind Modbus."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import sunspec2.device as published

from zeropark.devices.coding import Layout, Placed
from zeropark.devices.protocols import sunspec
from zeropark.devices.simulated.device import RegisterDevice
from zeropark.devices.simulated.modbus import BY_UNIT, Host
from zeropark.devices.template import Template
from zeropark.devices.wire import Clock

__all__ = ["BY_UNIT", "Host", "simulated"]
# What a raw number may be at most by its registers, with room for a value ten times its span.
_ROOM = {1: 3e3, 2: 2e8, 4: 1e15}
_FINEST = -3


def simulated(template: Template, clock: Clock, spans: Mapping[str, float]) -> RegisterDevice:
    """Return a device of the template with nothing shown yet.

    spans: the largest value a point will show [unit used inside], by point; it decides the scales.
    """
    base = sunspec.BASES[0]
    registers = list(sunspec.MARK)
    starts: dict[int, int] = {}
    common = {"ID": 1, "Mn": "zeropark", "Md": template.model[:32], "SN": "simulated"}
    for model in (1, *(m for m in sunspec.models_of(template) if m != 1)):
        starts[model] = base + len(registers)
        whole = published.Model(model, data=common if model == 1 else _empty(template, model))
        whole.L.value = whole.len - 2
        packed = whole.get_mb()
        registers += [int.from_bytes(packed[i : i + 2]) for i in range(0, len(packed), 2)]
    registers += [sunspec.END, 0]
    layout = sunspec.place(template, starts)
    device = RegisterDevice(template, layout, clock)
    device.registers.update({("holding", base + i): word for i, word in enumerate(registers)})
    for at, power in _powers(layout, spans).items():
        device.registers["holding", at] = power % 65536
    for name in {n for p in template.points for n in p.along}:
        placed = layout.by_name[name]
        device.registers["holding", placed.register] = 0
    return device


def _empty(template: Template, model: int) -> dict[str, Any]:
    """Return a model's data with as many empty groups as the template names, and their count."""
    found: dict[str, Any] = {"ID": model}
    for name, count in sunspec.repeats_of(template, model).items():
        found[name] = [{} for _ in range(count)]
        counted = sunspec.count_of(model, name)
        found |= {} if counted is None else {counted: count}
    return found


def _powers(layout: Layout, spans: Mapping[str, float]) -> dict[int, int]:
    """Return the powers of ten with which every span fits its register, by register."""
    found: dict[int, int] = {}
    for placed in (*layout.placed, *layout.sets.values()):
        if placed.scale_at is not None:
            found[placed.scale_at] = max(found.get(placed.scale_at, _FINEST), _power(placed, spans))
    return found


def _power(placed: Placed, spans: Mapping[str, float]) -> int:
    point = placed.point
    span = 100.0 if point.of else abs(spans.get(point.name, 1.0) / point.factor)
    return max(_FINEST, math.ceil(math.log10(max(span, 1e-9) / _ROOM[placed.words])))
