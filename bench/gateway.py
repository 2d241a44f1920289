"""Thousands of devices in the cycle: read, judge, write, read back and post, a second at a time.

Run as `python -m bench.gateway COUNT CYCLES` it prints a JSON object with every cycle; the devices
are served by a process of their own, `python -m bench.served COUNT`.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.cases import Effort, say
from bench.findings import Findings, Table
from bench.process import ROOT
from bench.served import UNITS, names
from zeropark.assets.battery import Battery
from zeropark.assets.grid_tie import GridTie
from zeropark.assets.kind import Kind
from zeropark.formulation.solver import Grade
from zeropark.ledger.store import Store, create
from zeropark.model.device import DeviceLine
from zeropark.operate.bands import levers_of
from zeropark.operate.clock import ScaledClock
from zeropark.operate.cycle import Cycle, Settings
from zeropark.operate.desk import Desk, Programme, Request
from zeropark.operate.diary import Diary
from zeropark.operate.field import field_of
from zeropark.operate.orders import Box

_P_NOM = 0.1  # [MW]
# A tenth of the devices gets a new set-point in every cycle, within what one step may move.
_MOVED, _STEP = 10, 3e-3


@dataclass(frozen=True)
class Lived:
    """A cycle: how long it took [s], processor seconds of ours, and how many set-points it sent."""

    wall: float
    cpu: float
    written: int
    good: int


def assets_of(count: int) -> list[Kind]:
    """Return a tie and so many batteries, each a device."""
    tie = GridTie(name="tie", node="bus", import_max=1e4, export_max=1e4, tariff="simple")
    return [tie, *(Battery(name=n, node="bus", p_nom=_P_NOM, e_nom=0.2) for n in names(count))]


def lines_of(count: int, ports: list[int]) -> list[DeviceLine]:
    """Return the lines of all devices at the ports they are served at."""
    return [
        DeviceLine(
            name=name,
            asset=name,
            template="standard",
            host="127.0.0.1",
            port=ports[i // UNITS],
            unit_id=i % UNITS + 1,
            segment="bench",
        )
        for i, name in enumerate(names(count))
    ]


def programme(count: int, cycles: int, now: float) -> Programme:
    """Return a plan that moves a tenth of the devices in every cycle."""
    powers, steps = dict.fromkeys(names(count), 0.0), []
    for cycle in range(cycles + 60):
        for name in names(count)[cycle % _MOVED :: _MOVED]:
            powers[name] = _STEP - powers[name]
        steps.append({name: {"p": power} for name, power in powers.items()})
    empty = [()] * len(steps)
    return Programme(now, now, 1.0, steps, empty, Grade.OPTIMAL, (400.0, 100.0), "")


async def live(count: int, cycles: int, ports: list[int], folder: Path) -> list[Lived]:
    """Live through so many cycles of a second."""
    assets, clock = assets_of(count), ScaledClock()
    field = field_of(lines_of(count, ports), assets, folder, clock, 1.0)
    create(folder / "store", "simulated")
    with Store(folder / "store", "operate") as store:
        box = Box(assets, levers_of(assets), store.note, clock.steady)
        plan = programme(count, cycles, clock.now())

        def make(request: Request) -> Programme:
            del request
            return plan

        diary, desk = Diary(store, assets), Desk(make, threaded=False)
        cycle = Cycle(assets, field.fleet, box, desk, diary, clock, Settings(), field.standing)
        found = []
        due = clock.steady()
        for _ in range(cycles):
            began, used = time.perf_counter(), time.process_time()
            report = await cycle.once()
            wall = time.perf_counter() - began
            good = sum(report.image.state == 0)
            sent = sum(len(points) for points in report.written.values())
            found.append(Lived(wall, time.process_time() - used, sent, int(good)))
            due = max(due + 1.0, clock.steady())
            await asyncio.sleep(due - clock.steady())
        diary.close()
        await field.fleet.close()
    return found


def main() -> None:
    """Serve the devices, live through the cycles, print each."""
    count, cycles = int(sys.argv[1]), int(sys.argv[2])
    served = subprocess.Popen(  # noqa: S603 - the command is our own
        [sys.executable, "-m", "bench.served", str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )
    assert served.stdout is not None, "asked for"
    try:
        ports = json.loads(served.stdout.readline())
        with tempfile.TemporaryDirectory() as folder:
            lived = asyncio.run(live(count, cycles, ports, Path(folder)))
    finally:
        served.terminate()
        served.wait()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    answer = {"cycles": [asdict(each) for each in lived], "memory_mb": memory}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


def gateway(effort: Effort) -> Findings:
    """Measure the cycle with 2,000 devices behind Modbus."""
    count, cycles = (40, 3) if effort.small else (2000, 120)
    say(f"the cycle with {count} devices, {cycles} cycles of a second")
    done = subprocess.run(  # noqa: S603 - the command is our own
        [sys.executable, "-m", "bench.gateway", str(count), str(cycles)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    lived = [Lived(**each) for each in answer["cycles"]]
    # The first opens all wires and sends every set-point.
    walls = sorted(each.wall for each in lived[1:])
    middle, worst = walls[len(walls) // 2], walls[-1]
    overruns = sum(wall > 1.0 for wall in walls)
    cpu = sum(each.cpu for each in lived[1:]) / len(walls)
    sent = sum(each.written for each in lived[1:]) / len(walls)
    rows = [
        ("devices, values read in a cycle", f"{count}, {min(each.good for each in lived[1:])}"),
        ("set-points sent and read back in a cycle", f"{sent:.0f}"),
        ("a cycle, median [s]", f"{middle:.3f}"),
        ("a cycle, longest [s]", f"{worst:.3f}"),
        ("cycles over 1 s, of all", f"{overruns} of {len(walls)}"),
        ("the first cycle [s]", f"{lived[0].wall:.3f}"),
        ("processor time of a cycle [s]", f"{cpu:.3f}"),
        ("memory [MB]", f"{answer['memory_mb']:.0f}"),
    ]
    words = (
        f"{count} devices in the standard layout behind Modbus TCP, {UNITS} to a connection, "
        "served by a process of their own on the same machine. Every cycle reads every device, "
        "judges, narrows, writes what moved (a tenth) and what a watchdog would soon forget, "
        "reads that back and posts. Wall time of `Cycle.once`."
    )
    table = Table(f"{count} devices in the cycle", words, ("what", "measured"), rows)
    numbers = {"gateway/longest_s": worst, "gateway/median_s": middle, "gateway/cpu_s": cpu}
    return Findings([table], numbers)


if __name__ == "__main__":
    main()
