"""How `zeropark operate` lives: alone, or leading and waiting by turns with a standby."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import signal
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from zeropark.faces.cli.at_site import lines_at
from zeropark.faces.cli.refused import DONE, NO, Refused, say
from zeropark.faces.locale import gettext as _
from zeropark.ledger.leaf import Nature
from zeropark.ledger.place import Place, there
from zeropark.ledger.seat import Seat, Seen
from zeropark.ledger.store import Store, create
from zeropark.model.device import DeviceLine
from zeropark.operate import start as start_of
from zeropark.operate.build import RunRequest
from zeropark.operate.clock import ScaledClock
from zeropark.operate.leading import Leadership, Standby
from zeropark.operate.service import Service

_MONTH_DAYS = 31
_FOLDER = Path("runs/operate")
# How long one answer of the database is waited for, of a lease [1]; at least so many seconds.
_PATIENCE, _LEAST_PATIENCE_S = 0.5, 0.5


@dataclass(frozen=True)
class Operation:
    """What a person asked for.

    seconds: of a cycle. lasts: [s] or None. lease, every, before: [s, park]. plan_within: [s].
    year: a planned year's file; told: what plans are told of it by day.
    """

    park: str
    request: RunRequest
    place: Place
    folder: Path | None
    speed: float
    seconds: float
    lasts: float | None
    lease: float
    site: str | None
    standby: bool
    simulated: bool
    once: bool
    every: float
    as_json: bool
    plan_within: float
    before: float = 0.0
    year: Path | None = None
    told: start_of.Year = start_of.untold

    @property
    def nature(self) -> Nature:
        """Of the store it writes."""
        return "simulated" if self.simulated or self.site else "field"

    @property
    def near(self) -> Path:
        """Folder of the socket and the heartbeat."""
        return self.folder or (self.place if isinstance(self.place, Path) else _FOLDER)

    @property
    def patience(self) -> float | None:
        """Longest wait for an answer of the database [s]."""
        if isinstance(self.place, Path):
            return None
        return max(_LEAST_PATIENCE_S, _PATIENCE * self.lease / self.speed)


def live(operation: Operation) -> int:
    """Operate until the end; return 0, or 1 where another instance took over."""
    lines, clock = lines_at(operation.request, operation.site, operation.speed)
    if not lines and not operation.simulated:
        sentence = _(
            "{park}: the park file names no devices. Add them, or --simulated to operate its "
            "simulated plant."
        )
        raise Refused(sentence.format(park=operation.park))
    if operation.year is not None:
        operation = replace(operation, told=_told(operation, operation.year, clock))
    if not there(operation.place):
        create(operation.place, operation.nature)
    operation.near.mkdir(parents=True, exist_ok=True)
    ending = _Ending()
    try:
        return _by_turns(operation, lines, clock, ending)
    finally:
        ending.restore()


def _told(operation: Operation, year: Path, clock: ScaledClock) -> start_of.Year:
    # A year's libraries take a while to import: only who names one waits for them.
    from zeropark.faces.cli.year_told import by_day  # noqa: PLC0415

    request = operation.request
    if operation.simulated:
        return by_day(year, request)
    zone = ZoneInfo(request.park.place.zone)
    today = dt.datetime.fromtimestamp(clock.now(), zone).date().isoformat()
    return by_day(year, replace(request, start=today))


def _by_turns(
    operation: Operation, lines: Sequence[DeviceLine], clock: ScaledClock, ending: _Ending
) -> int:
    while True:
        led = isinstance(operation.place, str) or operation.standby
        leadership = _led(operation, clock, ending) if led else None
        if led and leadership is None:
            return DONE
        lost = _lead(operation, lines, clock, leadership, ending)
        if leadership is not None:
            leadership.stop(in_peace=not lost)
        if not lost:
            return DONE
        say(_("Another instance leads now."))
        if not operation.standby:
            return NO


class _Ending:
    """What the signals that end us set: once to end in peace, twice to end at once."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.service: Service | None = None
        both = (signal.SIGTERM, signal.SIGINT)
        self._before = [(number, signal.signal(number, self._end)) for number in both]

    def restore(self) -> None:
        """Let signals mean what they meant before."""
        for number, handler in self._before:
            signal.signal(number, handler)

    def _end(self, *given: object) -> None:
        del given
        if self.asked.is_set():
            raise KeyboardInterrupt
        self.asked.set()
        if self.service is not None:
            self.service.stopping = True
            say(_("Leading the devices to rest; once more to end at once."))


def _led(operation: Operation, clock: ScaledClock, ending: _Ending) -> Leadership | None:
    """Wait for the seat of the store and return the lease; None where we are to end."""
    name = f"{socket.gethostname()} {os.getpid()}"
    patience = operation.patience or _LEAST_PATIENCE_S
    seat = Seat(operation.place, name, patience)
    longest = start_of.patience_of(operation.seconds)
    waiting = Standby(seat, clock, operation.lease, longest)

    def told(seen: Seen) -> None:
        if seen.lease > 0.0:
            sentence = _("{holder} leads in epoch {epoch}; waiting.")
            say(sentence.format(holder=seen.holder, epoch=seen.epoch))

    if not operation.standby:
        return _at_once(waiting, ending)
    return _begun(waiting.wait(told, ending.asked))


def _at_once(waiting: Standby, ending: _Ending) -> Leadership | None:
    """Take the seat as soon as its last lease is over; refuse where somebody else lives on."""
    first = waiting.look()
    if first is not None:
        return _begun(first)
    seen = waiting.seen
    while not ending.asked.wait(waiting.pause):
        found = waiting.look()
        if found is not None:
            return _begun(found)
        if seen is not None and waiting.seen != seen:
            sentence = _("{holder} leads this park. Add --standby to wait until it does not.")
            raise Refused(sentence.format(holder=seen.holder))
    return None


def _begun(leadership: Leadership | None) -> Leadership | None:
    if leadership is not None:
        leadership.start()
    return leadership


def _lead(
    operation: Operation,
    lines: Sequence[DeviceLine],
    clock: ScaledClock,
    leadership: Leadership | None,
    ending: _Ending,
) -> bool:
    """Operate; return whether it ended because another instance leads."""
    epoch = None if leadership is None else leadership.epoch
    with Store(operation.place, "operate", epoch=epoch, patience=operation.patience) as opened:
        opened.must_be(operation.nature)
        service = _service(operation, lines, clock, opened, leadership)
        lasts = operation.lasts
        until = 0.0 if operation.once else float("inf") if lasts is None else lasts
        shown = _Shown(service, 0.0 if operation.once else operation.every, operation.as_json)
        ending.service = service
        service.stopping = ending.asked.is_set()
        try:
            asyncio.run(
                service.run(
                    operation.near, until, shown.look, rest=not operation.once,
                    before=operation.before,
                )
            )  # fmt: skip
        finally:
            ending.service = None
        shown.end()
        return service.lost


def _service(
    operation: Operation,
    lines: Sequence[DeviceLine],
    clock: ScaledClock,
    store: Store,
    leadership: Leadership | None,
) -> Service:
    if not operation.simulated:
        return start_of.over_wires(
            operation.request,
            lines,
            store,
            clock,
            operation.seconds,
            leadership,
            operation.told,
            operation.plan_within,
        )
    days = _MONTH_DAYS if operation.lasts is None else int(operation.lasts // 86_400) + 2
    return start_of.here(
        operation.request,
        store,
        operation.speed,
        operation.seconds,
        days,
        leadership,
        operation.told,
    )


class _Shown:
    """Shows the status now and then. every: [s] of the park's time."""

    def __init__(self, service: Service, every: float, as_json: bool) -> None:  # noqa: FBT001 - one place
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
