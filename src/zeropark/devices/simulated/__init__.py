"""The device's end of a wire, for simulated sites and tests: faults are injected here.

One file is one protocol, as in `protocols`. BY_UNIT: whether devices share a port by their unit id.
simulated(template, clock, spans): a device. Host(host, port, tls): those at one address; `add`,
`start`, `stop`, `port`, and `say`, which has devices that speak by themselves speak now.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from zeropark.devices.catalogue import DeviceError
from zeropark.units.text import Text

_NOT_SERVED = Text(
    "{name}: a simulated site does not speak {protocol} yet",
    "{name}：模拟场站尚不支持 {protocol}",
)


def end_of(protocol: str, name: str) -> ModuleType:
    """Return the module of a protocol's devices' end; raises `DeviceError` where there is none.

    name: of the device, for the sentence.
    """
    module = f"{__name__}.{protocol}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise DeviceError(_NOT_SERVED.format(name=name, protocol=protocol)) from None
