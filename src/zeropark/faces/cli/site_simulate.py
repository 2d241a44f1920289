"""`zeropark site simulate` and `zeropark site fault`."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from zeropark.faces.cli.parks import park_file
from zeropark.faces.cli.refused import DONE, Refused, did_you_mean, disk_sentence
from zeropark.faces.cli.which import Park, Start
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.operate.clock import ScaledClock
    from zeropark.operate.site import Site

_STEPS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0)
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = re.compile(r"^(\d+(?:\.\d+)?)\s*(s|min|h|d)$")
_FASTEST = 1000.0
_DAY = 86400.0
Folder = Annotated[
    Path,
    typer.Option(metavar="FOLDER", help=N_("Where the site keeps its truth log and its door.")),
]


def simulate(
    park: Park,
    *,
    start: Start = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help=N_("Local time it begins at: 09:30."))
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=31, help=N_("How many days it can live."))] = 1,
    speed: Annotated[
        float, typer.Option(help=N_("How many times as fast as the wall clock it lives."))
    ] = 1.0,
    step: Annotated[str, typer.Option(metavar="TIME", help=N_("Step of the plant: 1s."))] = "1s",
    seed: Annotated[int, typer.Option(min=0, help=N_("Seed of all chance."))] = 1,
    host: Annotated[
        str, typer.Option(help=N_("Address to listen at; others than this machine must be named."))
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65000, help=N_("First port."))] = 15020,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help=N_("Stop after so long: 2h."))
    ] = None,
    out: Folder = Path("site"),
    as_json: Annotated[bool, typer.Option("--json", help=N_("Print the result as JSON."))] = False,
) -> int:
    """Serve the plant until stopped; return 0."""
    asked: dict[str, Any] = {"start": start, "at": at, "days": days, "seed": seed}
    asked |= {"host": host, "port": port}
    asked |= {"speed": _fast(speed), "step": _step(step), "for": for_ and seconds_of(for_)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        return asyncio.run(_serve(park_file(park), asked, out, as_json=as_json))
    except OSError as error:
        raise Refused(disk_sentence(error, str(out))) from error


async def _serve(file: Path, asked: dict[str, Any], out: Path, *, as_json: bool) -> int:
    # The plant's libraries take a while to import: only who simulates waits for them.
    from zeropark.operate.site_door import SiteDoor  # noqa: PLC0415

    site, clock = _built(file, asked, out)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if asked["for"]:
        loop.call_later(asked["for"] / clock.speed, stop.set)
    door = SiteDoor(site, clock, out)
    try:
        await site.open()
    except OSError as error:
        sentence = _("{place} is taken by another program. Name another --port.")
        raise Refused(sentence.format(place=error)) from None
    await door.open()
    _tell(site, clock, out, as_json=as_json)
    try:
        await site.live(stop)
    finally:
        await door.close()
        await site.close()
    return DONE


def _built(file: Path, asked: dict[str, Any], out: Path) -> tuple[Site, ScaledClock]:
    """Return the site and its clock, set to the time it begins at."""
    from zeropark.assets import kinds  # noqa: PLC0415 - as above
    from zeropark.devices.catalogue import DeviceError  # noqa: PLC0415
    from zeropark.model.mistakes import ParkError  # noqa: PLC0415
    from zeropark.model.parkfile import read_park  # noqa: PLC0415
    from zeropark.operate.build import RunRequest  # noqa: PLC0415
    from zeropark.operate.clock import ScaledClock  # noqa: PLC0415
    from zeropark.operate.site import Site, site_lines  # noqa: PLC0415

    try:
        park = read_park(file, kinds())
        zone = ZoneInfo(park.place.zone)
        begin = _begin(asked["start"], asked["at"], zone)
        day = begin.astimezone(zone).date().isoformat()
        request = RunRequest(park, file.parent, day, days=asked["days"], seed=asked["seed"])
        clock = ScaledClock(asked["speed"], begin.timestamp())
        lines = site_lines(request, asked["host"], asked["port"])
        site = Site(request, lines, clock, asked["step"], out / "truth.jsonl")
    except ParkError as error:
        said = "\n".join(mistake.sentence(language()) for mistake in error.mistakes)
        raise Refused(said) from None
    except DeviceError as error:
        raise Refused(error.text.in_language(language())) from None
    # What building took is not lost to the site: its time begins when it can be reached.
    return site, site.begin_at(begin.timestamp(), ScaledClock(asked["speed"], begin.timestamp()))


def _begin(start: str | None, at: str | None, zone: ZoneInfo) -> dt.datetime:
    """Return when the site begins: at a local day and time, or now."""
    if start is None and at is None:
        return dt.datetime.now(dt.UTC)
    try:
        day = dt.date.fromisoformat(start) if start else dt.datetime.now(zone).date()
        clock = dt.time.fromisoformat(at or "00:00")
    except ValueError:
        sentence = _("'{given}' is no day or time. Write 2026-04-17 and 09:30.")
        raise Refused(sentence.format(given=" ".join(s for s in (start, at) if s))) from None
    return dt.datetime.combine(day, clock, zone)


def _tell(site: Site, clock: ScaledClock, out: Path, *, as_json: bool) -> None:
    from zeropark.operate.site_door import LINES  # noqa: PLC0415 - as above

    rows = [
        {
            "name": each.line.name,
            "asset": each.asset.name,
            "template": each.line.template,
            "host": each.line.host,
            "port": site.port_of(each.line.name),
            "unit_id": each.line.unit_id,
            "topic": each.line.topic,
            "segment": each.line.segment,
        }
        for each in site.served
    ]
    lines = ["devices:", *(f"  - {_flow(row)}" for row in rows)]
    (out / LINES).write_text("\n".join(lines) + "\n", encoding="utf-8")
    if as_json:
        told = {"now": clock.now(), "speed": clock.speed, "devices": rows, "out": str(out)}
        print(json.dumps(told, ensure_ascii=False), flush=True)  # noqa: T201 - the answer
        return
    sentence = _("{count} devices answer at {places}. Truth log: {truth}. Stop with Ctrl-C.")
    places = ", ".join(sorted({f"{row['host']}:{row['port']}" for row in rows}))
    print(  # noqa: T201 - the answer of a command
        sentence.format(count=len(rows), places=places, truth=out / "truth.jsonl"), flush=True
    )


def _flow(row: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in row.items() if value) + "}"


def fault(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help=N_("Whose devices go wrong."))],
    what: Annotated[str, typer.Argument(metavar="FAULT", help=N_("What goes wrong: silence."))],
    *,
    for_: Annotated[
        str, typer.Option("--for", metavar="TIME", help=N_("For how long; 0s ends it."))
    ] = "60s",
    site: Folder = Path("site"),
) -> int:
    """Inject a fault at a running simulated site; return 0."""
    from zeropark.devices.catalogue import DeviceError  # noqa: PLC0415 - as above
    from zeropark.operate.site_door import ask_site  # noqa: PLC0415

    question = {"asset": asset, "fault": what, "seconds": seconds_of(for_)}
    try:
        ask_site(site, question)
    except DeviceError as error:
        raise Refused(error.text.in_language(language())) from None
    print(_("Done: {asset}, {fault}, {time}.").format(asset=asset, fault=what, time=for_))  # noqa: T201
    return DONE


def seconds_of(text: str) -> float:
    """Return a time such as 90s, 5min or 2h in seconds; refuses anything else."""
    found = _TIME.match(text.strip())
    if found is None:
        raise Refused(_("'{given}' is no time. Write 60s, 5min or 2h.").format(given=text))
    return float(found[1]) * _UNITS[found[2]]


def _step(text: str) -> float:
    seconds = seconds_of(text)
    if seconds not in _STEPS:
        allowed = [f"{each:g}s" for each in _STEPS]
        sentence = _("Step '{given}' is not allowed.{meant} Allowed: {allowed}.")
        meant = did_you_mean(text, allowed)
        raise Refused(sentence.format(given=text, meant=meant, allowed=", ".join(allowed)))
    return seconds


def _fast(speed: float) -> float:
    if not 0.0 < speed <= _FASTEST:
        sentence = _("--speed {given} is not allowed. Allowed: more than 0, up to {most}.")
        raise Refused(sentence.format(given=f"{speed:g}", most=f"{_FASTEST:g}"))
    return speed
