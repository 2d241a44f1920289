"""Devices in the standard layout behind Modbus, in a process of their own: prints their ports.

Run as `python -m bench.served COUNT`; they do as they are told at once, until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from zeropark.assets.battery import Battery
from zeropark.devices.simulated.modbus import Host, simulated
from zeropark.devices.standard import standard_template

UNITS = 200
"""How many devices share a port."""


def names(count: int) -> list[str]:
    """Return the names of so many devices."""
    return [f"b{i:04d}" for i in range(count)]


async def serve(count: int) -> None:
    """Serve so many devices for ever, each showing what it was told half a second ago at most."""
    kind = Battery(name="b", node="bus", p_nom=0.1, e_nom=0.2)
    template = standard_template(kind.kind, tuple(kind.shown_points()))
    devices = [simulated(template, time.time, {}) for _ in range(count)]
    hosts = []
    for first in range(0, count, UNITS):
        host = Host("127.0.0.1", 0)
        for unit, device in enumerate(devices[first : first + UNITS], start=1):
            host.add(unit, "", device)
            device.show({"soc": 0.5, "p": 0.0})
        await host.start()
        hosts.append(host)
    sys.stdout.write(json.dumps([host.port for host in hosts]) + "\n")
    sys.stdout.flush()
    # A part of them after the other: a plant does not stop to show all at once.
    while True:
        for first in range(0, count, UNITS):
            for device in devices[first : first + UNITS]:
                device.show({"soc": 0.5, "p": device.setpoints().get("p", 0.0)})
            await asyncio.sleep(0.5 * UNITS / max(count, UNITS))


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
