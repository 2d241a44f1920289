"""SunSpec over Modbus: a device says which models it has, a model says where its points lie.

A point's address is `model/point`, such as `103/W` (SunSpec Device Information Model Specification
1.2), or `model/group.number.point` where a model repeats a group, such as `160/module.2.DCW`.
Offsets, types and scale factors come from the published models that pysunspec2 carries.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import sunspec2.device as published
from sunspec2.mdef import ModelDefinitionError
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP, SunSpecModbusClientError
from sunspec2.modbus.modbus import ModbusClientError

from zeropark.devices.catalogue import DeviceError, read_template, template_files
from zeropark.devices.coding import Layout, Placed
from zeropark.devices.discover import FoundDevice
from zeropark.devices.protocols.modbus import ModbusDriver, WrongDeviceError
from zeropark.devices.template import PointTemplate, Template
from zeropark.devices.wire import Clock, Wire
from zeropark.units.quantity import UnitError, parse_unit
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

LISTENS = False
PORT, TLS_PORT = 502, 802
BASES = (40000, 0, 50000)
"""Where a device may begin its models: it says `SunS` there."""
MARK = (0x5375, 0x6E53)
END = 0xFFFF
_TABLE = "holding"
_NAME = r"[A-Za-z][A-Za-z0-9_]*"
_ADDRESS = re.compile(rf"^(\d{{1,5}})/({_NAME}(?:\.[1-9]\d{{0,2}}\.{_NAME})?)$")
# How SunSpec's types are coded, and the raw number that means "not implemented" (4.2.8).
_TYPES: dict[str, tuple[str, float | None]] = {
    "int16": ("int16", -0x8000),
    "uint16": ("uint16", 0xFFFF),
    "enum16": ("uint16", 0xFFFF),
    "bitfield16": ("uint16", 0xFFFF),
    "count": ("uint16", None),
    "sunssf": ("int16", -0x8000),
    "int32": ("int32", -0x80000000),
    "uint32": ("uint32", 0xFFFFFFFF),
    "acc32": ("uint32", 0),
    "bitfield32": ("uint32", 0xFFFFFFFF),
    "enum32": ("uint32", 0xFFFFFFFF),
    "uint64": ("uint64", 0xFFFFFFFFFFFFFFFF),
    "int64": ("int64", -0x8000000000000000),
    "acc64": ("uint64", 0),
    "float32": ("float32", None),
    "float64": ("float64", None),
}
# SunSpec's own words for units, where they are not ours.
_UNITS = {"Pct": "%", "Secs": "s", "Var": "var", "C": "degC"}

_WRONG_ADDRESS = Text(
    "'{given}' is no SunSpec point; write model and point, such as 103/W or 160/module.1.DCW",
    "“{given}”不是 SunSpec 测点；写模型号和点名，例如 103/W 或 160/module.1.DCW",
)
_NO_MODEL = Text("SunSpec has no model {model}", "SunSpec 没有模型 {model}")
_NO_POINT = Text(
    "model {model} has no point '{given}'{meant}", "模型 {model} 没有测点“{given}”{meant}"
)
_OTHER_UNIT = Text(
    "SunSpec says {model}/{point} is in {unit}, the template says {given}",
    "SunSpec 规定 {model}/{point} 的单位为 {unit}，模板写的是 {given}",
)
_NOT_WRITTEN = Text(
    "SunSpec lets nobody write {model}/{point}", "SunSpec 规定 {model}/{point} 不可写"
)
_LACKS = Text(
    "the device has no SunSpec model {model}; it has {there}. Name the template of this device",
    "设备没有 SunSpec 模型 {model}；它有 {there}。请改用该设备的模板",
)
_TOO_FEW = Text(
    "the device's SunSpec model {model} ends before {point}; name the template of this device",
    "设备的 SunSpec 模型 {model} 在 {point} 之前结束；请改用该设备的模板",
)
_NOBODY = Text(
    "nobody answers SunSpec at {host}:{port}, unit {unit}; check address, cable and unit id",
    "{host}:{port} 单元 {unit} 没有 SunSpec 应答；检查地址、线路与单元号",
)
_NO_SUNSPEC = Text(
    "the device does not say SunS at 40000, 0 or 50000; it is no SunSpec device",
    "设备在 40000、0、50000 处没有 SunS 标识；不是 SunSpec 设备",
)


class ModelPoint(NamedTuple):
    """A point of a published model. offset: registers from the model's ID. unit: as ours."""

    offset: int
    type: str
    missing: float | None
    scale: str | int | None
    unit: str | None
    written: bool


@cache
def model_points(model: int) -> Mapping[str, ModelPoint]:
    """Return the points of a model's fixed part by name; empty where there is no such model."""
    try:
        defined = published.get_model_def(model)
    except ModelDefinitionError:
        return {}
    return _points(defined["group"]["points"])


def _points(defined: Iterable[Mapping[str, Any]]) -> dict[str, ModelPoint]:
    """Return points that follow one another, offsets counted from the first."""
    found: dict[str, ModelPoint] = {}
    offset = 0
    for each in defined:
        type_, missing = _TYPES.get(each["type"], ("", None))
        if type_:
            unit = str(each.get("units", ""))
            found[each["name"]] = ModelPoint(
                offset,
                type_,
                missing,
                each.get("sf"),
                _UNITS.get(unit, unit) or None,
                each.get("access") == "RW",
            )
        offset += int(each["size"])
    return found


@cache
def group_points(model: int) -> Mapping[str, tuple[int, Mapping[str, ModelPoint]]]:
    """Return (registers of one, its points from its begin) of each group that a model repeats.

    Only groups right behind the fixed part that hold no others; a curve's points are not found.
    """
    if not model_points(model):
        return {}
    groups = published.get_model_def(model)["group"].get("groups", [])
    return {
        each["name"]: (sum(int(p["size"]) for p in each["points"]), _points(each["points"]))
        for each in groups[:1]
        if not each.get("groups")
    }


def find_point(model: int, name: str) -> ModelPoint | None:
    """Return a point of a model, of its fixed part or of a repeated group; None without one."""
    group, _, rest = name.partition(".")
    if not rest:
        return model_points(model).get(name)
    number, _, own = rest.partition(".")
    size, points = group_points(model).get(group, (0, {}))
    point = points.get(own)
    if point is None:
        return None
    fixed = sum(int(p["size"]) for p in published.get_model_def(model)["group"]["points"])
    return point._replace(offset=fixed + (int(number) - 1) * size + point.offset)


def _asked(address: int | str) -> tuple[int, str] | None:
    found = _ADDRESS.match(str(address))
    return (int(found[1]), found[2]) if found else None


def wrong_points(template: Template) -> Iterable[tuple[str, Text]]:
    """Yield (place, sentence) of each point that SunSpec does not have, or has in another unit."""
    for index, point in enumerate(template.points):
        places = [("address", point.address, False), ("set_address", point.set_address, True)]
        for field, address, is_set in places:
            if address is not None:
                written = is_set or (point.write and point.set_address is None)
                text = _wrong(point, address, written=written)
                if text is not None:
                    yield f"points.{index}.{field}", text


def _wrong(point: PointTemplate, address: int | str, *, written: bool) -> Text | None:
    asked = _asked(address)
    if asked is None:
        return _WRONG_ADDRESS.format(given=address)
    model, name = asked
    there = find_point(model, name)
    if there is None:
        known = model_points(model)
        if not known:
            return _NO_MODEL.format(model=model)
        return with_meant(_NO_POINT, meant(name, known), model=model, given=name)
    if written and not there.written:
        return _NOT_WRITTEN.format(model=model, point=name)
    unit = there.unit or "1"
    if _is_other(unit, point.unit):
        return _OTHER_UNIT.format(model=model, point=name, unit=unit, given=point.unit)
    return None


def _is_other(published_unit: str, given: str) -> bool:
    """Return whether a template's unit is not the published one; `% WMax` is a per cent."""
    unit = "%" if published_unit.startswith("%") else published_unit
    try:
        return given != "code" and parse_unit(unit) != parse_unit(given)
    except UnitError:
        return False  # A unit of SunSpec that is no quantity of ours, such as cos().


def repeats_of(template: Template, model: int) -> dict[str, int]:
    """Return how often a template needs a model's groups, by group."""
    found: dict[str, int] = {}
    for point in template.points:
        for address in (point.address, point.set_address):
            asked = None if address is None else _asked(address)
            if asked is not None and asked[0] == model and "." in asked[1]:
                group, number, _ = asked[1].split(".")
                found[group] = max(found.get(group, 0), int(number))
    return found


def count_of(model: int, group: str) -> str | None:
    """Return the point that says how often a group is repeated; None where the length does."""
    groups = published.get_model_def(model)["group"]["groups"]
    counted = next(each.get("count") for each in groups if each["name"] == group)
    return counted if isinstance(counted, str) else None


def models_of(template: Template) -> tuple[int, ...]:
    """Return the models a template's points lie in, in the order of their numbers."""
    addresses = [a for p in template.points for a in (p.address, p.set_address) if a is not None]
    return tuple(sorted({asked[0] for a in addresses if (asked := _asked(a))}))


def place(template: Template, starts: Mapping[int, int]) -> Layout:
    """Return the template's points at their registers.

    starts: register of each model's ID, by model. Raises `KeyError` for a model that is not there.
    """
    points = [_placed(point, point.address, starts) for point in template.points]
    sets = {
        point.name: _placed(point, point.set_address or point.address, starts)
        for point in template.points
        if point.write
    }
    return Layout(points, sets)


def _placed(point: PointTemplate, address: int | str, starts: Mapping[int, int]) -> Placed:
    asked = _asked(address)
    assert asked is not None, "a template with a wrong address is refused when it is read"
    model, name = asked
    points, start, there = model_points(model), starts[model], find_point(model, name)
    assert there is not None, "as above"
    scale_at = start + points[there.scale].offset if isinstance(there.scale, str) else None
    if isinstance(there.scale, int):
        point = point.model_copy(update={"scale": point.scale * 10.0**there.scale})
    missing = point.missing if there.missing is None else (*point.missing, there.missing)
    return Placed(point, start + there.offset, there.type, _TABLE, scale_at, missing)


class SunSpecDriver(ModbusDriver):
    """A device that says itself where its points lie."""

    _lengths: dict[int, int]

    async def _find_layout(self) -> Layout:
        starts = await self.find_models()
        for model in models_of(self.template):
            if model not in starts:
                there = ", ".join(map(str, starts))
                raise WrongDeviceError(_LACKS.format(model=model, there=there))
        layout = place(self.template, starts)
        for placed in (*layout.placed, *layout.sets.values()):
            model = max((m for m in starts if starts[m] <= placed.register), key=starts.__getitem__)
            if placed.register + placed.words > starts[model] + self._lengths[model]:
                raise WrongDeviceError(_TOO_FEW.format(model=model, point=placed.point.address))
        return layout

    async def find_models(self) -> dict[int, int]:
        """Return the register of each model's ID, by model; raises `WrongDeviceError`."""
        for base in BASES:
            if await self.asked(base, len(MARK)) == list(MARK):
                return await self._walk(base + len(MARK))
        raise WrongDeviceError(_NO_SUNSPEC)

    async def _walk(self, at: int) -> dict[int, int]:
        found: dict[int, int] = {}
        self._lengths = {}
        while (head := await self.asked(at, 2)) is not None and head[0] != END:
            if head[0] not in found:
                found[head[0]], self._lengths[head[0]] = at, 2 + head[1]
            at += 2 + head[1]
        return found


def driver(template: Template, wire: Wire, clock: Clock) -> SunSpecDriver:
    """Return the driver of a SunSpec device."""
    return SunSpecDriver(template, wire, clock)


async def discover(host: str, port: int, unit_id: int, seconds: float) -> FoundDevice:
    """Return what a SunSpec device says of itself, asked with pysunspec2's own client."""
    try:
        return await asyncio.to_thread(_scan, host, port, unit_id, seconds)
    except (SunSpecModbusClientError, ModbusClientError, OSError):
        raise DeviceError(_NOBODY.format(host=host, port=port, unit=unit_id)) from None


def _scan(host: str, port: int, unit_id: int, seconds: float) -> FoundDevice:
    device = SunSpecModbusClientDeviceTCP(
        slave_id=unit_id, ipaddr=host, ipport=port, timeout=seconds
    )
    try:
        device.scan()
        models = tuple(sorted(m for m in device.models if isinstance(m, int)))
        common = device.models[1][0]
        said = [str(common.points[name].value or "").strip() for name in ("Mn", "Md", "SN")]
    finally:
        device.close()
    return FoundDevice(said[0], said[1], said[2], models, fitting(models))


def fitting(models: tuple[int, ...]) -> tuple[str, ...]:
    """Return the SunSpec templates whose models a device has, the one that uses most first."""
    found = []
    for name in template_files():
        template = read_template(name)
        wanted = models_of(template) if template.protocol == "sunspec" else ()
        if wanted and set(wanted) <= set(models):
            found.append((-len(wanted), name))
    return tuple(name for _, name in sorted(found))
