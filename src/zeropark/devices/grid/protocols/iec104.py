"""IEC 60870-5-104 as the controlled station: a dispatch centre connects and interrogates us.

We listen at `host` and `port`; `unit_id` is our common address. Every number is a short float in
MW. Monitored: 16385 import at the tie, 16386 the most import allowed now, 16387 power called for;
1 the park is stopped, 2 it follows a plan. Commanded, each selected first and then executed: the
set-point 25089 is the most import until further notice, the single command 24577 `off` lets go of
it. A centre that falls silent changes nothing: a limit stays until it is let go of.

The wire has no authentication: commands are taken only in TLS from a centre with a certificate of
`authority` (IEC 62351-3), or where the line names the network `segment`.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

from zeropark.devices.contract import Health
from zeropark.devices.grid.contract import Fate, Form, Heard, Told, Unfit, Wanted
from zeropark.devices.grid.iec104_frames import (
    GLOBAL,
    MODULUS,
    START,
    STATION,
    Asdu,
    Cause,
    Frame,
    FrameError,
    Type,
    U,
    float_element,
    point_element,
    read_frame,
    set_point,
    single_command,
    time_element,
)
from zeropark.devices.wire import Clock, Pace, Wire
from zeropark.model.caller import CallerLine
from zeropark.units.text import Text

LISTENS = True
PORT, TLS_PORT = 2404, 19998
IMPORT, ALLOWED, CALLED = 16385, 16386, 16387
STOPPED, PLANNED = 1, 2
LIMIT, LET_GO = 25089, 24577
# Times and counts of the protocol's own defaults (104, 9.6): t1 an answer is waited for, t2 an
# acknowledgement is due, t3 a silent line is tested [s]; k frames may be open, w unacknowledged.
_T1, _T2, _T3 = 15.0, 10.0, 20.0
_K, _W = 12, 8
# How long a selection holds, and how long an execution may wait for operate [s].
_SELECTED, _FRESH = 30.0, 10.0
_MOST_CENTRES = 4
# A change as small is not told by itself [MW].
_DEADBAND = 0.005

_NO_CALL = Text(
    "no dispatch centre has connected to {host}:{port}; name this address there",
    "调度主站尚未连接 {host}:{port}；请在主站填写此地址",
)
_LATE = Text("operate did not answer in time", "operate 未及时应答")
_PORT_TAKEN = Text(
    "{host}:{port} is taken by another program; name another port",
    "{host}:{port} 已被其他程序占用；请换一个端口",
)


class Link:
    """One connection of a centre: sequence numbers, acknowledgements, tests."""

    def __init__(
        self, station: Station, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.station, self._reader, self._writer = station, reader, writer
        self.started = False
        self._next, self._expected, self._acknowledged, self._told = 0, 0, 0, 0
        self._waiting: list[Asdu] = []
        self._selected: tuple[int, bytes, float] | None = None
        self._testing = False

    async def live(self) -> None:
        """Serve until the line is closed or breaks the rules."""
        try:
            while True:
                try:
                    async with asyncio.timeout(_T1 if self._testing else _T3):
                        head = await self._reader.readexactly(2)
                        octets = head + await self._reader.readexactly(head[1])
                except TimeoutError:
                    if self._testing:
                        return
                    self._testing = True
                    self._send(Frame("U", control=U.TEST_ACT))
                    continue
                if head[0] != START:
                    return
                self._testing = False
                if not self._take(read_frame(octets)):
                    return
        except (FrameError, OSError, asyncio.IncompleteReadError):
            return

    def _take(self, frame: Frame) -> bool:
        """Take one frame; return whether the connection goes on."""
        if frame.kind == "U":
            self._control(frame.control)
            return True
        if not self._acknowledge(frame.received):
            return False
        if frame.kind == "S":
            return True
        if not self.started or frame.sent != self._expected or frame.asdu is None:
            return False
        self._expected = (self._expected + 1) % MODULUS
        self.station.asked(self, frame.asdu)
        if (self._expected - self._told) % MODULUS >= _W:
            self.acknowledge()
        return True

    def _control(self, control: int) -> None:
        if control == U.START_ACT:
            self.started = True
            self._send(Frame("U", control=U.START_CON))
        elif control == U.STOP_ACT:
            self.started = False
            self._send(Frame("U", control=U.STOP_CON))
        elif control == U.TEST_ACT:
            self._send(Frame("U", control=U.TEST_CON))

    def _acknowledge(self, received: int) -> bool:
        if (received - self._acknowledged) % MODULUS > (self._next - self._acknowledged) % MODULUS:
            return False
        self._acknowledged = received
        self._flush()
        return True

    def acknowledge(self) -> None:
        """Tell the centre what has come, where it does not know it yet."""
        if self._told != self._expected:
            self._told = self._expected
            self._send(Frame("S", received=self._expected))

    def say(self, asdu: Asdu) -> None:
        """Send something, once so many as may be open are acknowledged."""
        self._waiting.append(asdu)
        self._flush()

    def _flush(self) -> None:
        while self._waiting and (self._next - self._acknowledged) % MODULUS < _K:
            self._send(Frame("I", self._next, self._expected, asdu=self._waiting.pop(0)))
            self._next, self._told = (self._next + 1) % MODULUS, self._expected

    def _send(self, frame: Frame) -> None:
        with contextlib.suppress(OSError):
            self._writer.write(frame.coded())

    def select(self, asdu: Asdu) -> None:
        """Keep what was selected; an execution of anything else is refused."""
        self._selected = (asdu.object, asdu.body, self.station.clock())

    def is_selected(self, asdu: Asdu) -> bool:
        """Return whether an execution is of what was selected in time; it is used up."""
        selected, self._selected = self._selected, None
        if selected is None or self.station.clock() - selected[2] > _SELECTED:
            return False
        value = bytes((*asdu.body[:-1], asdu.body[-1] | 0x80))
        return (asdu.object, value) == selected[:2]

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


class Station:
    """Our side of a dispatch centre."""

    listens = True

    def __init__(self, line: CallerLine, wire: Wire, clock: Clock) -> None:
        self._line, self._wire, self.clock = line, wire, clock
        self._pace = Pace(clock)
        self._server: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._new: list[Wanted] = []
        self._gone: list[str] = []
        self._executed = math.nan
        self._commands: dict[str, list[tuple[Link, Asdu]]] = {}
        self._shown: dict[int, float | None] = {}
        self._at = math.nan

    @property
    def port(self) -> int:
        """The port it listens at; the one the system chose where 0 was asked for."""
        assert self._server is not None, "asked of a station that listens"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def commanded(self) -> bool:
        """Whether commands are taken: from whom we know, or on a segment that is named."""
        known = self._wire.tls is not None and self._line.authority is not None
        return known or self._line.segment is not None

    # -- the contract ----------------------------------------------------------------------------

    async def hear(self, now: float) -> Heard | None:
        """Return what the centre has commanded since the last time."""
        if not await self._listens():
            return None
        for link in self._links:
            link.acknowledge()
        if not self._links:
            place = {"host": self._wire.host, "port": self._wire.port}
            if self._pace.due:
                self._pace.missed(_NO_CALL.format(**place))
        else:
            self._pace.answered()
        if self._new and self.clock() - self._executed > _FRESH:
            # Nobody was there to take it: the centre gave it up long ago.
            late = Told(Fate.DECLINED, _LATE, {})
            for each in self._new:
                await self.tell(each, late)
            self._new = []
        new = [Wanted(w.id, w.form, now, w.hours, w.power) for w in self._new]
        gone, self._new, self._gone = self._gone, [], []
        return Heard(new, [], whole=False, withdrawn=gone)

    async def tell(self, wanted: Wanted | Unfit, told: Told) -> bool:
        """Confirm the commands that asked for it, or refuse them."""
        negative = told.fate is Fate.DECLINED
        for link, asdu in self._commands.pop(wanted.id, []):
            link.say(asdu.answered(Cause.CONFIRMED, negative=negative))
            if not negative:
                link.say(asdu.answered(Cause.TERMINATED))
        return True

    async def show(self, status: Mapping[str, Any]) -> None:
        """Keep how the park stands; what changed is told to centres that listen."""
        self._at = dt.datetime.fromisoformat(str(status["at"])).timestamp()
        for object_, value in self._numbers(status).items():
            before = self._shown.get(object_, math.nan)
            self._shown[object_] = value
            if not _changed(before, value):
                continue
            for link in self._links:
                if link.started:
                    link.say(self._spontaneous(object_))

    def health(self) -> Health:
        """Return whether a centre is connected."""
        return self._pace.health()

    async def close(self) -> None:
        """Hang up and listen no more."""
        server, self._server = self._server, None
        for link in list(self._links):
            link.close()
        if server is not None:
            server.close()
            await server.wait_closed()
            await asyncio.sleep(0)

    # -- the wire --------------------------------------------------------------------------------

    async def _listens(self) -> bool:
        if self._server is None and self._pace.due:
            try:
                self._server = await asyncio.start_server(
                    self._serve, self._wire.host, self._wire.port, ssl=self._wire.tls
                )
            except OSError:
                place = {"host": self._wire.host, "port": self._wire.port}
                self._pace.missed(_PORT_TAKEN.format(**place))
        return self._server is not None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(self, reader, writer)
        if len(self._links) >= _MOST_CENTRES:
            link.close()
            return
        self._links.add(link)
        try:
            await link.live()
        finally:
            self._links.discard(link)
            link.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    # -- what a centre asks ----------------------------------------------------------------------

    def asked(self, link: Link, asdu: Asdu) -> None:
        """Answer one frame of a centre."""
        known = {
            Type.INTERROGATION: self._interrogated,
            Type.SET_POINT: self._set,
            Type.SINGLE_COMMAND: self._let_go,
            Type.CLOCK: self._timed,
        }
        answer = known.get(Type(asdu.type)) if asdu.type in set(Type) else None
        if answer is None:
            link.say(asdu.answered(Cause.TYPE_UNKNOWN, negative=True))
        elif asdu.address not in {self._line.unit_id, GLOBAL}:
            link.say(asdu.answered(Cause.ADDRESS_UNKNOWN, negative=True))
        elif asdu.cause not in {Cause.ACTIVATION, Cause.DEACTIVATION}:
            link.say(asdu.answered(Cause.CAUSE_UNKNOWN, negative=True))
        else:
            answer(link, asdu)

    def _interrogated(self, link: Link, asdu: Asdu) -> None:
        if asdu.cause != Cause.ACTIVATION or asdu.body[0] != STATION:
            link.say(asdu.answered(Cause.CONFIRMED, negative=True))
            return
        link.say(asdu.answered(Cause.CONFIRMED))
        for object_ in (STOPPED, PLANNED, IMPORT, ALLOWED, CALLED):
            type_, body = self._element(object_)
            link.say(Asdu(type_, Cause.INTERROGATED, self._line.unit_id, object_, body))
        link.say(asdu.answered(Cause.TERMINATED))

    def _timed(self, link: Link, asdu: Asdu) -> None:
        """Refuse to set the clock: the machine's own keeps it."""
        link.say(asdu.answered(Cause.CONFIRMED, negative=True))

    def _set(self, link: Link, asdu: Asdu) -> None:
        value, selects = set_point(asdu)
        fits = asdu.object == LIMIT and math.isfinite(value) and value >= 0.0
        if self._passed(link, asdu, fits=fits, selects=selects):
            id_ = self._limit_id
            self._commands.setdefault(id_, []).append((link, asdu))
            self._executed = self.clock()
            self._new = [Wanted(id_, Form.LIMIT, math.nan, math.inf, _single(value))]
            self._gone = []

    def _let_go(self, link: Link, asdu: Asdu) -> None:
        on, selects = single_command(asdu)
        if self._passed(link, asdu, fits=asdu.object == LET_GO and not on, selects=selects):
            self._gone, self._new = [self._limit_id], []
            link.say(asdu.answered(Cause.CONFIRMED))
            link.say(asdu.answered(Cause.TERMINATED))

    @property
    def _limit_id(self) -> str:
        return f"{self._line.name}/{LIMIT}"

    def _passed(self, link: Link, asdu: Asdu, *, fits: bool, selects: bool) -> bool:
        """Answer all of a command but an execution that may be done; return whether it is one."""
        if asdu.object not in {LIMIT, LET_GO}:
            link.say(asdu.answered(Cause.OBJECT_UNKNOWN, negative=True))
        elif asdu.cause == Cause.DEACTIVATION:
            # A selection is taken back; what was executed is not.
            link.say(asdu.answered(Cause.DEACTIVATED, negative=not link.is_selected(asdu)))
        elif not self.commanded or not fits or asdu.test:
            link.say(asdu.answered(Cause.CONFIRMED, negative=True))
        elif selects:
            link.select(asdu)
            link.say(asdu.answered(Cause.CONFIRMED))
        elif link.is_selected(asdu):
            return True
        else:
            link.say(asdu.answered(Cause.CONFIRMED, negative=True))
        return False

    # -- what is shown ---------------------------------------------------------------------------

    def _numbers(self, status: Mapping[str, Any]) -> dict[int, float | None]:
        tie = self._line.asset
        limit = status.get("limits_mw", {}).get(tie)
        plan = status.get("plan")
        return {
            STOPPED: float(bool(status["stopped"])),
            PLANNED: float(plan is not None and not status["stopped"]),
            IMPORT: status["flows_mw"].get(tie),
            ALLOWED: None if limit is None else float(limit[1]),
            CALLED: _called(status.get("calls", ()), self._at),
        }

    def _element(self, object_: int) -> tuple[Type, bytes]:
        value = self._shown.get(object_)
        if object_ in {STOPPED, PLANNED}:
            return Type.SINGLE_POINT, point_element(None if value is None else bool(value))
        return Type.FLOAT, float_element(value)

    def _spontaneous(self, object_: int) -> Asdu:
        type_, body = self._element(object_)
        if type_ is Type.FLOAT:
            type_, body = Type.FLOAT_TIMED, body + time_element(self._at)
        return Asdu(type_, Cause.SPONTANEOUS, self._line.unit_id, object_, body)


def _single(value: float) -> float:
    """Return a short float without the digits that it does not have."""
    return float(f"{value:.7g}")


def _changed(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return not abs(after - before) <= _DEADBAND


def _called(calls: Sequence[Mapping[str, Any]], at: float) -> float:
    """Return what calls that hold now ask for, less import + [MW]."""
    total = 0.0
    for call in calls:
        holds = call["stage"] in {"awarded", "planned"}
        if holds and call["begin"] <= at < call["begin"] + call["hours"] * 3600.0:
            total += float(call["power_mw"]) * (1.0 if call["way"] == "less" else -1.0)
    return total


def side(line: CallerLine, wire: Wire, clock: Clock) -> Station:
    """Return our side of a dispatch centre."""
    return Station(line, wire, clock)
