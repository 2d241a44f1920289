"""The register layout we propose to whoever programs a controller: every asset kind has one.

`template: standard` in a park file. Modbus TCP, holding registers, big-endian: 0 counts up at the
device, 1 takes our heartbeat, from 2 on each point of the kind as a float32 (NaN: no value), from
1000 on each set-point as a float32 (NaN: none, the device does as without us).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zeropark.devices.template import Template
from zeropark.model.asset import Point
from zeropark.units.text import Text

NAME = "standard"
ALIVE, HEARTBEAT, FIRST, FIRST_SET = 0, 1, 2, 1000
# Silence after which the device lets go of its set-points [s].
_SECONDS = 60.0
_TITLE = Text("Controller with the standard layout", "标准点表控制器")
_TEST = Text(
    "Write a heartbeat and one set-point; stop writing and see it let go within a minute.",
    "写入心跳与一个设定值；停止写入后应在一分钟内释放。",
)


def standard_template(kind: str, points: Sequence[Point]) -> Template:
    """Return the standard layout of an asset kind's points, in their order."""
    own: list[dict[str, Any]] = [
        {
            "name": "alive",
            "means": Text("counts up while the device runs", "设备运行计数"),
            "address": f"holding {ALIVE}",
            "type": "uint16",
            "unit": "1",
        },
        {
            "name": "heartbeat",
            "means": Text("counts up while we run", "我方运行计数"),
            "address": f"holding {HEARTBEAT}",
            "type": "uint16",
            "unit": "1",
            "write": True,
            # Read with all others in the next pass; of a beat nobody needs to know sooner.
            "shows_set": False,
            "standing_range": (0.0, 65535.0),
        },
    ]
    own += [_point(index, point) for index, point in enumerate(points)]
    return Template.model_validate(
        {
            "brand": "zeropark",
            "model": NAME,
            "title": _TITLE,
            "protocol": "modbus",
            "kinds": (kind,),
            "source": "the register layout of zeropark itself",
            "confirmed": True,
            "points": own,
            "watchdog": {"point": "heartbeat", "seconds": _SECONDS},
            "commands_open": True,
            "tested_by": _TEST,
        }
    )


def _point(index: int, point: Point) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": point.name,
        "means": point.means,
        "address": f"holding {FIRST + 2 * index}",
        "type": "float32",
        "unit": point.unit,
        "codes": point.codes,
    }
    if point.writable:
        # A set-point alone shows nothing: what the device then does stands in its other points.
        found |= {
            "write": True,
            "set_address": f"holding {FIRST_SET + 2 * index}",
            "release": {point.name: "nan"},
            "safe": "release",
        }
    return found
