"""Which devices a command reaches, and by whose clock: the park file's, or a simulated site's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from zeropark.devices.catalogue import DeviceError
from zeropark.faces.cli.refused import Refused
from zeropark.faces.locale import gettext as _
from zeropark.faces.locale import language
from zeropark.model.device import DeviceLine
from zeropark.operate import start as start_of
from zeropark.operate.build import RunRequest
from zeropark.operate.clock import ScaledClock
from zeropark.operate.site import site_lines
from zeropark.operate.site_door import LINES, ask_site

_PORTS = 1 << 16


def lines_at(
    request: RunRequest, site: str | None, speed: float
) -> tuple[Sequence[DeviceLine], ScaledClock]:
    """Return the devices to reach, and the clock to live by.

    site: None for the park file's own; HOST:PORT or the folder of a simulated one. A folder says
    what its site serves, its time and its speed; by address `speed` and the request's start do.
    """
    if site is None:
        return request.park.devices, ScaledClock(speed)
    folder = Path(site)
    if folder.is_dir():
        return _in_folder(folder)
    host, _colon, port = site.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < _PORTS:
        sentence = _("'{given}' is no HOST:PORT, such as 127.0.0.1:15020, and no site's folder.")
        raise Refused(sentence.format(given=site))
    return site_lines(request, host, int(port)), start_of.clock_of(request, speed)


def _in_folder(folder: Path) -> tuple[Sequence[DeviceLine], ScaledClock]:
    try:
        said = ask_site(folder, {})
    except DeviceError as error:
        raise Refused(error.text.in_language(language())) from None
    clock = ScaledClock(float(said["speed"]), float(said["now"]))
    written = yaml.safe_load((folder / LINES).read_text(encoding="utf-8"))
    return [DeviceLine.model_validate(line) for line in written["devices"]], clock
