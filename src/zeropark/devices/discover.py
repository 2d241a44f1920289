"""Finds out what answers at an address, by a protocol that can ask, and proposes a template."""

from __future__ import annotations

from dataclasses import dataclass

from zeropark.devices.catalogue import DeviceError, protocol, protocols
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

_CANNOT = Text(
    "'{given}' cannot ask a device what it is{meant} Allowed: {allowed}",
    "“{given}”不能询问设备是什么{meant}可用：{allowed}",
)


@dataclass(frozen=True)
class FoundDevice:
    """What answered.

    models: what it says it is made of, SunSpec models or OPC UA namespaces. templates: those that
    fit it, best first.
    """

    maker: str
    model: str
    serial: str
    models: tuple[int | str, ...]
    templates: tuple[str, ...]


def asking() -> tuple[str, ...]:
    """Return the protocols by which a device can be asked what it is."""
    return tuple(name for name in protocols() if hasattr(protocol(name), "discover"))


async def discover(
    by: str, host: str, port: int | None, unit_id: int, seconds: float
) -> FoundDevice:
    """Return what a device says of itself; only reads.

    by: a protocol of `asking`. port: None for its usual one. seconds: longest wait for one answer.
    Raises `DeviceError` where none answers.
    """
    if by not in asking():
        near = meant(by, asking())
        raise DeviceError(with_meant(_CANNOT, near, given=by, allowed=", ".join(asking())))
    module = protocol(by)
    found: FoundDevice = await module.discover(host, port or module.PORT, unit_id, seconds)
    return found
