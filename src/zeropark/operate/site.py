"""A simulated site: the whole plant of a park behind real protocols, on a clock of its own.

The plant lives in steps of a second or so, whatever anybody writes. Between it and a wire stands a
simulated device by its template: with a watchdog, and with faults by command. What truly happens is
in the truth log, which nobody's reading touches.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zeropark.assets.kind import Kind
from zeropark.data.outlook import Outlook
from zeropark.data.weather import Weather
from zeropark.data.weather.weather import COLUMNS
from zeropark.devices import standard
from zeropark.devices.catalogue import DeviceError, read_template
from zeropark.devices.named import template_of
from zeropark.devices.simulated import end_of
from zeropark.devices.simulated.device import Fault, SimulatedDevice
from zeropark.devices.together import is_split
from zeropark.model.device import DeviceLine
from zeropark.operate.build import RunRequest, balances, build_world
from zeropark.operate.clock import Clock, ScaledClock
from zeropark.operate.plant import Plant
from zeropark.operate.truth import TruthLog, limits_of
from zeropark.operate.world import World
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

LOOPBACK = "127.0.0.1"
FIRST_PORT = 15020
"""Where assets that no device of the park file stands for are served, in the standard layout."""
_UNITS = 200
# How many times its limit a tie of the simulated site carries: a limit is only kept by whoever
# operates the park, and what breaks it must be seen.
_OVERLOAD = 20.0
# A site on this machine has no certificates and no secrets.
_IN_THE_CLEAR = {"tls": False, "secret": None}
# What an inverter or a meter shows of a healthy grid beside the plant's own numbers.
_GRID = {"frequency": 50.0, "voltage": 230.0, "state": 4.0}
_NO_ASSET = Text(
    "the site has no asset '{given}'{meant} Known: {known}",
    "场站没有资产“{given}”{meant}已有：{known}",
)
_NO_FAULT = Text(
    "unknown fault '{given}'{meant} Known: {known}", "未知故障“{given}”{meant}已有：{known}"
)


@dataclass(frozen=True)
class Served:
    """A device of the site. line: as the park file names it."""

    line: DeviceLine
    asset: Kind
    device: SimulatedDevice

    def splits(self, name: str) -> bool:
        """Return whether a point is this device's share of the asset's."""
        point = self.device.template.by_name.get(name)
        return self.line.share is not None and point is not None and is_split(point)


def _place(served: Served) -> tuple[type, str, int]:
    """Return whose end a device has, and where: one there is for all devices of that address."""
    end = end_of(served.device.template.protocol, served.line.name)
    return end.Host, served.line.host, served.line.port or 0


def finer(outlook: Outlook, parts: int) -> Outlook:
    """Return the same world in steps `parts` times as short; what held in a step holds in each."""
    coarse = outlook.grid
    grid = _cut(coarse, parts)

    def weather(sky: Weather) -> Weather:
        columns = {name: np.repeat(getattr(sky, name), parts) for name in COLUMNS}
        return Weather.of(grid, sky.place, columns)

    return replace(
        outlook,
        grid=grid,
        run=_cut(outlook.run, parts),
        weather=None if outlook.weather is None else weather(outlook.weather),
        skies={name: weather(sky) for name, sky in outlook.skies.items()},
        series={name: np.repeat(values, parts) for name, values in outlook.series.items()},
        tables={
            name: _finer_table(table, len(coarse), parts) for name, table in outlook.tables.items()
        },
    )


def _cut(grid: TimeGrid, parts: int) -> TimeGrid:
    return TimeGrid(grid.start, np.repeat(grid.hours / parts, parts), grid.zone)


def _finer_table(table: Any, steps: int, parts: int) -> Any:
    """Return arrivals with what they say by step said of each shorter one."""
    if not is_dataclass(table) or isinstance(table, type):
        return table
    changed = {
        f.name: np.repeat(value, parts, axis=-1)
        for f in fields(table)
        if isinstance(value := getattr(table, f.name), np.ndarray)
        and value.ndim > 1
        and value.shape[-1] == steps
    }
    return replace(table, **changed) if changed else table


def _unprotected(asset: Kind) -> Kind:
    """Return an asset whose limit nothing but the operator keeps."""
    nameplate = vars(asset)
    if "import_max" not in nameplate:
        return asset
    more = {key: nameplate[key] * _OVERLOAD for key in ("import_max", "export_max")}
    return asset.model_copy(update=more)


class Site:
    """The plant of a park and the devices it is reached by.

    clock: whose time it lives on. step: length of its steps [s], a part of a minute. truth: file of
    its truth log.
    """

    def __init__(
        self,
        request: RunRequest,
        lines: Sequence[DeviceLine],
        clock: Clock,
        step: float,
        truth: Path,
    ) -> None:
        assert 60 % step == 0, "a step is a part of a minute"
        self._clock = clock
        self.step_seconds = step
        world = build_world(replace(request, step_minutes=1, history_days=1))
        fine = finer(world.truth, round(60 / step))
        self.grid = fine.grid
        self.plant = _plant(world, fine, request)
        self.assets = {asset.name: asset for asset in world.assets}
        self.served = [self._serve(line) for line in lines]
        self._hosts: dict[tuple[type, str, int], Any] = {}
        self._totals: dict[str, float] = {}
        self._told: dict[str, Mapping[str, float]] = {}
        self._first = float(fine.grid.starts[0].astype("datetime64[s]").astype(np.int64))
        self._lived = 0
        self._columns = [
            f"{name}/{point.name}" for name, asset in self.assets.items() for point in asset.points
        ]
        head = {"park": request.park.name, "start": self._first, "step": step}
        head["limits"] = limits_of(world.assets)
        self.truth = TruthLog(truth, head, self._columns)
        self._show(0.0)

    def _serve(self, line: DeviceLine) -> Served:
        asset = self.assets[line.asset]
        template = template_of(line, asset, asset.shown_points())
        end = end_of(template.protocol, line.name)
        spans = _spans(asset, self.plant.read()[asset.name])
        return Served(line, asset, end.simulated(template, self._clock.now, spans))

    # -- living --------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether the last step of the world was lived."""
        return self._lived >= len(self.grid)

    def begin_at(self, at: float, clock: ScaledClock) -> ScaledClock:
        """Begin at `at` [POSIX s] by `clock`, without living through the day before it."""
        passed = math.floor((at - self._first) / self.step_seconds)
        self._lived = min(max(0, passed), len(self.grid))
        self._clock = clock
        for each in self.served:
            each.device.set_clock(clock.now)
        return clock

    def catch_up(self) -> int:
        """Live through all steps that the clock has passed; return how many."""
        now, lived = self._clock.now(), 0
        while not self.over and self._first + self._lived * self.step_seconds <= now:
            self._live_one()
            lived += 1
        return lived

    def _live_one(self) -> None:
        setpoints: dict[str, dict[str, float]] = {}
        for each in self.served:
            told = setpoints.setdefault(each.asset.name, {})
            for point, value in each.device.setpoints().items():
                told[point] = value + (told.get(point, 0.0) if each.splits(point) else 0.0)
        at = self._first + self._lived * self.step_seconds
        for name, told in setpoints.items():
            if told != self._told.get(name, {}):
                self.truth.event(at, "setpoints", asset=name, **told)
            self._told[name] = told
        self.plant.write(setpoints)
        self.plant.step(self._lived)
        self._lived += 1
        self._show(self.step_seconds / 3600.0)
        readings = self.plant.read()
        values = [_number(readings[a].get(p)) for a, p in (c.split("/") for c in self._columns)]
        self.truth.step(at, values)

    def _show(self, hours: float) -> None:
        """Have every device show what the plant does."""
        readings = self.plant.read()
        for each in self.served:
            own = {name: _number(value) for name, value in readings[each.asset.name].items()}
            shown = {name: value for name, value in own.items() if not math.isnan(value)}
            values = {**_GRID, **_plates(each.asset), **self._meter(each, shown, hours), **shown}
            each.device.show(
                {
                    n: v * (each.line.share or 1.0) if each.splits(n) else v
                    for n, v in values.items()
                }
            )

    def _meter(self, each: Served, shown: Mapping[str, float], hours: float) -> dict[str, float]:
        """Return the counters of a meter at the asset [MWh]."""
        p, name = shown.get("p", 0.0), each.line.name
        for way, flow in (("+", max(0.0, p)), ("-", max(0.0, -p))):
            self._totals[name + way] = self._totals.get(name + way, 0.0) + flow * hours
        return {
            "energy_import": self._totals[name + "+"],
            "energy_export": self._totals[name + "-"],
            "energy_total": self._totals[name + "+"],
        }

    # -- faults --------------------------------------------------------------------------------

    def inject(self, asset: str, fault: str, seconds: float) -> None:
        """Have the devices of an asset suffer from a fault for `seconds` of the site's clock.

        Raises `DeviceError` where there is no such asset or fault.
        """
        names = sorted({each.asset.name for each in self.served})
        if asset not in names:
            near = meant(asset, names)
            raise DeviceError(with_meant(_NO_ASSET, near, given=asset, known=", ".join(names)))
        known = [each.value for each in Fault]
        if fault not in known:
            near = meant(fault, known)
            raise DeviceError(with_meant(_NO_FAULT, near, given=fault, known=", ".join(known)))
        for each in self.served:
            if each.asset.name == asset:
                each.device.inject(Fault(fault), seconds)
        self.truth.event(self._clock.now(), "fault", asset=asset, fault=fault, seconds=seconds)

    # -- wires ---------------------------------------------------------------------------------

    async def open(self) -> None:
        """Listen for every device; raises `OSError` where a port is taken."""
        for each in self.served:
            line = each.line
            place = _place(each)
            host = self._hosts.setdefault(place, place[0](*place[1:]))
            host.add(line.unit_id, line.topic, each.device)
        for host in self._hosts.values():
            await host.start()

    def port_of(self, name: str) -> int:
        """Return the port a device is reached at, by its line's name."""
        (served,) = (each for each in self.served if each.line.name == name)
        return int(self._hosts[_place(served)].port)

    async def live(self, until: asyncio.Event) -> None:
        """Live with the clock until told to stop or the world ends."""
        pause = self.step_seconds / max(self._clock.speed, 1e-9) / 2.0
        while not until.is_set() and not self.over:
            self.catch_up()
            try:
                await asyncio.wait_for(until.wait(), timeout=min(pause, 0.5))
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Let go of every wire and of the truth log."""
        for host in self._hosts.values():
            await host.stop()
        self.truth.close()


def site_lines(
    request: RunRequest, host: str = LOOPBACK, port: int = FIRST_PORT
) -> list[DeviceLine]:
    """Return a line for every asset of a park on this machine.

    The park file's own lines where it has some, with their hosts replaced; the standard layout for
    the assets that have none.
    """
    park = request.park
    found: list[DeviceLine] = []
    others: list[DeviceLine] = []
    for line in park.devices:
        by_unit = line.template == standard.NAME or _by_unit(line)
        (found if by_unit else others).append(line)
    found = [
        line.model_copy(
            update={
                "host": host,
                "port": port + i // _UNITS,
                "unit_id": i % _UNITS + 1,
                **_IN_THE_CLEAR,
            }
        )
        for i, line in enumerate(found)
    ]
    named = {line.asset for line in (*found, *others)}
    for asset in park.assets:
        if asset.name not in named and asset.points:
            index = len(found)
            found.append(
                DeviceLine(
                    name=asset.name,
                    asset=asset.name,
                    template="standard",
                    host=host,
                    port=port + index // _UNITS if port else None,
                    unit_id=index % _UNITS + 1,
                    segment="site",
                )
            )
    # Who calls or has no unit id keeps it, and those of one address stay at one.
    places = sorted({(line.host, line.port or 0, line.template) for line in others})
    first = port + -(-len(found) // _UNITS)
    return found + [
        line.model_copy(
            update={
                "host": host,
                "port": first + places.index((line.host, line.port or 0, line.template)),
                **_IN_THE_CLEAR,
            }
        )
        for line in others
    ]


def _by_unit(line: DeviceLine) -> bool:
    return bool(end_of(read_template(line.template).protocol, line.name).BY_UNIT)


def _plant(world: World, truth: Outlook, request: RunRequest) -> Plant:
    spills = {node.name: node.spill_cost is not None for node in balances(request.park)}
    assets = [_unprotected(asset) for asset in world.assets]
    plant = Plant(assets, truth, spills, request.seed)
    plant.start_peak(request.peak_so_far)
    return plant


def _plates(asset: Kind) -> dict[str, float]:
    """Return what a device shows of its nameplate [MW]."""
    p_nom = vars(asset).get("p_nom")
    if not isinstance(p_nom, float):
        return {}
    return {"p_rated": p_nom, "charge_max": p_nom, "discharge_max": p_nom}


def _spans(asset: Kind, readings: Mapping[str, Any]) -> dict[str, float]:
    """Return the largest value each point will show, as its nameplate says."""
    nameplate = vars(asset)
    sizes = [nameplate.get(key) for key in ("p_nom", "import_max", "export_max")]
    largest = max((v for v in sizes if isinstance(v, float)), default=1.0)
    found = {name: max(largest, abs(_number(v))) for name, v in readings.items()}
    found |= dict.fromkeys(("p", "revert_p", "p_rated", "charge_max", "discharge_max"), largest)
    found |= {"soc": 1.0, **_GRID}
    found["capacity"] = float(nameplate.get("e_nom") or largest)
    # A year of the rated power.
    return found | dict.fromkeys(("energy_import", "energy_export", "energy_total"), largest * 8760)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
