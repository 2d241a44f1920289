"""Callers as a park file names them: what is wrong with a line, and the side it opens."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from zeropark.devices.catalogue import DeviceError
from zeropark.devices.grid.contract import Side
from zeropark.devices.named import Wrong, reached
from zeropark.devices.wire import Clock
from zeropark.model.caller import CallerLine
from zeropark.model.park import Park
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

_UNKNOWN = Text(
    "nobody calls by '{given}'{meant} Known: {known}", "没有调用协议“{given}”{meant}已有：{known}"
)
_NO_TIE = Text(
    "'{given}' is a {kind} and no tie; callers ask for less import there, so name a tie",
    "“{given}”是 {kind}，不是联络线；调用方要求减少受电，请填联络线",
)
_NEEDS = Text(
    "{protocol} needs a library that is not installed ({name}); install zeropark[{extra}]",
    "{protocol} 所需的库未安装（{name}）；请安装 zeropark[{extra}]",
)
# Protocols whose library is not in the extra `field`, since its pins are narrow.
_EXTRAS = {"openadr2b": "openadr2b"}


def protocols() -> tuple[str, ...]:
    """Return the names of the protocols a park can be called by, one file each."""
    found = (path.stem for path in (Path(__file__).parent / "protocols").glob("*.py"))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def protocol(name: str) -> ModuleType:
    """Return a protocol's module; raises `DeviceError` where there is none, or not its library."""
    if name not in protocols():
        raise DeviceError(_unknown(name))
    try:
        return importlib.import_module(f"zeropark.devices.grid.protocols.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("zeropark"):
            raise
        extra = _EXTRAS.get(name, "field")
        raise DeviceError(_NEEDS.format(protocol=name, name=error.name, extra=extra)) from None


def _unknown(name: str) -> Text:
    return with_meant(_UNKNOWN, meant(name, protocols()), given=name, known=", ".join(protocols()))


def wrong_callers(park: Park) -> Iterable[Wrong]:
    """Yield what is wrong with the callers of a park, beside what the file itself shows."""
    by_name: dict[str, Any] = {asset.name: asset for asset in park.assets}
    for index, line in enumerate(park.callers):
        if line.protocol not in protocols():
            yield Wrong(index, "protocol", "caller_protocol", _unknown(line.protocol))
        asset = by_name[line.asset]
        if getattr(asset, "role", "") != "grid":
            text = _NO_TIE.format(given=line.asset, kind=asset.kind)
            yield Wrong(index, "asset", "caller_asset", text)


def open_side(line: CallerLine, folder: Path, clock: Clock, timeout: float = 5.0) -> Side:
    """Return our side of a caller's wire; nothing is sent yet.

    folder: of the park file. timeout: longest wait for one answer [s]. Raises `DeviceError` where
    the line, a secret or a certificate lacks something.
    """
    module = protocol(line.protocol)
    found: Side = module.side(line, reached(line, module, folder, timeout), clock)
    return found
