"""Finds out what answers at an address, with pysunspec2's own client, and proposes a template."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP, SunSpecModbusClientError
from sunspec2.modbus.modbus import ModbusClientError

from zeropark.devices.catalogue import DeviceError, read_template, template_files
from zeropark.devices.protocols.sunspec import models_of
from zeropark.units.text import Text

_NOBODY = Text(
    "nobody answers SunSpec at {host}:{port}, unit {unit}; check address, cable and unit id",
    "{host}:{port} 单元 {unit} 没有 SunSpec 应答；检查地址、线路与单元号",
)


@dataclass(frozen=True)
class FoundDevice:
    """What answered. models: its SunSpec models. templates: those that fit it, best first."""

    maker: str
    model: str
    serial: str
    models: tuple[int, ...]
    templates: tuple[str, ...]


async def discover(host: str, port: int, unit_id: int, seconds: float) -> FoundDevice:
    """Return what a SunSpec device says of itself; only reads.

    seconds: longest wait for one answer. Raises `DeviceError` where none answers.
    """
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
