"""`zeropark operate`: a park in operation, as a service or for a while."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli import which
from zeropark.faces.cli.ledger_place import JsonOption
from zeropark.faces.cli.parks import park_file
from zeropark.faces.cli.refused import DONE, Refused, say
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.ledger.leaf import Nature
    from zeropark.operate.service import Service

_MOST_SPEED = 1_000.0
_MONTH_DAYS = 31
_PORTS = 1 << 16


def operate(
    park: which.Park = "microgrid",
    store: Annotated[
        Path,
        typer.Option(metavar="DIR", help=N_("Folder of the park's store; made where it is not.")),
    ] = Path("runs/operate"),
    start: which.Start = None,
    speed: Annotated[
        str, typer.Option(metavar="N", help=N_("Seconds of the park in one of ours, 1 to 1000."))
    ] = "1",
    cycle: Annotated[
        str, typer.Option(metavar="TIME", help=N_("Length of a cycle, 0.2s to 60s."))
    ] = "1s",
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help=N_("How long; otherwise until it is ended.")),
    ] = None,
    show_every: Annotated[
        str,
        typer.Option(metavar="TIME", help=N_("How often the status is shown, in the park's time.")),
    ] = "15min",
    *,
    site: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help=N_("Operate the simulated site served there.")),
    ] = None,
    simulated: Annotated[
        bool,
        typer.Option(
            "--simulated", help=N_("Operate the park's simulated plant, in this process.")
        ),
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help=N_("Live one cycle, show it and end."))
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Operate the park until it is ended; Ctrl-C leads its devices to rest first."""
    source = park_file(park)
    # The engine's libraries take a second to import: only once the words of the command are read.
    from zeropark.assets import kinds  # noqa: PLC0415
    from zeropark.faces.cli.asked import Asked, amount  # noqa: PLC0415
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415
    from zeropark.ledger.place import there  # noqa: PLC0415
    from zeropark.ledger.store import Store, create  # noqa: PLC0415
    from zeropark.model.parkfile import read_park  # noqa: PLC0415
    from zeropark.operate import start as start_of  # noqa: PLC0415
    from zeropark.operate.clock import ScaledClock  # noqa: PLC0415

    seconds = between("--cycle", amount("--cycle", cycle, "s"), 0.2, 60.0, "s")
    fast = _speed(speed)
    lasts = None if for_ is None else amount("--for", for_, "s")
    every = amount("--show-every", show_every, "s")
    with in_sentences():
        read = read_park(source, kinds())
        request = Asked(start, "1", "15min", None, "plan").request(read, source.parent)
        lines = device_lines(request, site)
        if not lines and not simulated:
            sentence = _(
                "{park}: the park file names no devices. Add them, or --simulated to operate its "
                "simulated plant."
            )
            raise Refused(sentence.format(park=park))
        nature: Nature = "simulated" if simulated or site else "field"
        if not there(store):
            create(store, nature)
        with Store(store, "operate") as opened:
            opened.must_be(nature)
            if simulated:
                days = _MONTH_DAYS if lasts is None else int(lasts // 86_400) + 2
                service = start_of.here(request, opened, fast, seconds, days)
            else:
                clock = start_of.clock_of(request, fast) if site else ScaledClock(fast)
                service = start_of.over_wires(request, lines, opened, clock, seconds)
            until = 0.0 if once else float("inf") if lasts is None else lasts
            shown = _Shown(service, 0.0 if once else every, as_json=as_json)
            _live(service, store, until, shown, rest=not once)
    return DONE


def device_lines(request: Any, site: str | None) -> Any:
    """Return the device lines of a park, or those of its simulated site at HOST:PORT."""
    if site is None:
        return request.park.devices
    from zeropark.operate.site import site_lines  # noqa: PLC0415 - as above

    host, _colon, port = site.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < _PORTS:
        raise Refused(_("'{given}' is no HOST:PORT, such as 127.0.0.1:15020.").format(given=site))
    return site_lines(request, host, int(port))


def _speed(given: str) -> float:
    try:
        return between("--speed", float(given), 1.0, _MOST_SPEED, "")
    except ValueError:
        sentence = _("--speed '{given}': not a number. Allowed: 1 to {most:g}.")
        raise Refused(sentence.format(given=given, most=_MOST_SPEED)) from None


def between(option: str, given: float, least: float, most: float, unit: str) -> float:
    """Return a number from `least` to `most`; refuses another, with its unit."""
    if least <= given <= most:
        return given
    sentence = _("{option} {given:g} {unit}: out of range. Allowed: {least:g} to {most:g} {unit}.")
    raise Refused(
        sentence.format(option=option, given=given, least=least, most=most, unit=unit).replace(
            " :", ":"
        )
    )


def _live(service: Service, folder: Path, until: float, shown: _Shown, *, rest: bool) -> None:
    def end(*_given: object) -> None:
        if service.stopping:
            raise KeyboardInterrupt
        service.stopping = True
        say(_("Leading the devices to rest; once more to end at once."))

    before = [(number, signal.signal(number, end)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        asyncio.run(service.run(folder, until, shown.look, rest=rest))
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    shown.end()


class _Shown:
    """Shows the status now and then. every: [s] of the park's time."""

    def __init__(self, service: Service, every: float, *, as_json: bool) -> None:
        self._service, self._every, self._json = service, every, as_json
        self._next = float("-inf")

    def look(self, report: Any) -> None:
        """Show the status where it is due."""
        if report.image.steady >= self._next:
            self._next = report.image.steady + self._every
            self._show()

    def end(self) -> None:
        """Show the last status."""
        self._show()

    def _show(self) -> None:
        status = self._service.status()
        if self._json:
            print(json.dumps(status, ensure_ascii=False), flush=True)  # noqa: T201 - the answer of a command
            return
        from zeropark.faces.cli.operate_screen import lines  # noqa: PLC0415 - who wants JSON waits for none

        print("\n".join(lines(status)), flush=True)  # noqa: T201 - as above
