"""OpenADR 3 as VEN: a VTN is asked for the events of one programme, and told what became of them.

Held to the published OpenAPI document 3.0.1. The VTN is at `host`, `port` and `path`; `programme`
is the name of its programme, `user` and `secret` are our client id and its secret (OAuth 2 client
credentials, RFC 6749 4.4). What became of an event goes back as a report of it: `OPERATING_STATE`
once it is taken or declined, `BASELINE`, `USAGE` and `DELTA_USAGE` in KWH once it is over.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from zeropark.devices.catalogue import DeviceError
from zeropark.devices.contract import Health
from zeropark.devices.grid.contract import Fate, Heard, Told, Unfit, Wanted
from zeropark.devices.grid.http import Answer, ask
from zeropark.devices.grid.openadr3_events import asked
from zeropark.devices.grid.openadr3_objects import (
    MOST,
    Event,
    Interval,
    IntervalPeriod,
    Program,
    Report,
    ReportedResource,
    ReportPayloadDescriptor,
    ValuesMap,
)
from zeropark.devices.wire import Clock, Pace, Wire
from zeropark.model.caller import CallerLine
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

LISTENS = False
PORT, TLS_PORT = 80, 443
_FORBIDDEN = (401, 403)
_MOST_PAGES = 20
_STATES = {
    Fate.TAKEN: "RUNNING_CURTAILED",
    Fate.DECLINED: "RUNNING_OPTED_OUT",
    Fate.DONE: "NORMAL",
}
# What we say in words goes under a name of our own; the document lets a type be private.
_WORDS = "ZEROPARK_WORDS"
_LONGEST_WORDS = 1000
_ENERGIES = {"baseline": "BASELINE", "metered": "USAGE", "delivered": "DELTA_USAGE"}
_T = TypeVar("_T", Program, Event)

_NEEDS = Text(
    "{name}: openadr3 needs {field}, {what}", "{name}：openadr3 需要 {field}，即{what_zh}"
)
_IN_THE_CLEAR = Text(
    "{name}: the secret would go to {host} in the clear; say tls: true and authority",
    "{name}：密钥将以明文发往 {host}；写 tls: true 与 authority",
)
_NO_TOKEN = Text(
    "the VTN gives us no token ({said}); check user and secret",
    "VTN 未签发令牌（{said}）；检查 user 与 secret",
)
_REFUSED = Text(
    "the VTN refuses our token ({status}); check what client {user} may do",
    "VTN 拒绝我方令牌（{status}）；检查客户 {user} 的权限",
)
_ANSWERS = Text(
    "the VTN answers {method} {path} with {status}", "VTN 对 {method} {path} 应答 {status}"
)
_NO_PROGRAMME = Text(
    "the VTN has no programme '{given}'{meant} It has: {known}",
    "VTN 没有项目“{given}”{meant}已有：{known}",
)
_NOT_AS_PUBLISHED = Text(
    "{what} {id} is not as OpenADR 3.0.1 has it: {where}: {said}",
    "{what_zh} {id} 不符合 OpenADR 3.0.1：{where}：{said}",
)
_NAMES = {Event: Text("event", "事件"), Program: Text("programme", "项目")}


class _NothingError(Exception):
    """The VTN said nothing of use; `said` is why."""

    def __init__(self, said: Text) -> None:
        super().__init__(said.en)
        self.said = said


class Ven:
    """Our side of a VTN."""

    listens = False

    def __init__(self, line: CallerLine, wire: Wire, clock: Clock) -> None:
        self._line, self._wire = line, wire
        self._pace = Pace(clock)
        self._token: str | None = None
        self._programmes: dict[str, Program] = {}

    async def hear(self, now: float) -> Heard | None:
        """Return what the programme's events ask."""
        if not self._pace.due:
            return None
        try:
            self._programmes = await self._find_programme()
            events, unfit = await self._all(
                Event, "/events", {"programID": next(iter(self._programmes))}
            )
        except _NothingError as error:
            self._pace.missed(error.said)
            return None
        self._pace.answered()
        wanted, undoable = asked(events, self._programmes, self._name, now)
        return Heard(wanted, [*unfit, *undoable])

    async def tell(self, wanted: Wanted | Unfit, told: Told) -> bool:
        """Report on an event; return whether the VTN has the report."""
        event, _, _interval = wanted.id.partition("/")
        programme = next(iter(self._programmes), None)
        if programme is None:
            return False
        report = reported(programme, event, self._name, wanted, told)
        try:
            answer = await self._asked("POST", "/reports", body=report.written())
        except _NothingError as error:
            self._pace.missed(error.said)
            return False
        # A VTN may take a report only once; then it has it (409).
        return answer.good or answer.status == 409  # noqa: PLR2004 - HTTP names it by number

    async def show(self, status: Mapping[str, Any]) -> None:
        """Show nothing: a VTN does not ask how a park stands."""

    def health(self) -> Health:
        """Return how the VTN answers."""
        return self._pace.health()

    async def close(self) -> None:
        """Nothing stays open between two requests."""
        self._token = None

    @property
    def _name(self) -> str:
        return self._line.user or self._line.name

    async def _find_programme(self) -> dict[str, Program]:
        programmes, _ = await self._all(Program, "/programs", {})
        named = [
            each for each in programmes if each.program_name == self._line.programme and each.id
        ]
        if not named:
            known = [each.program_name for each in programmes]
            near = meant(self._line.programme, known)
            told = {"given": self._line.programme, "known": ", ".join(known) or "-"}
            raise _NothingError(with_meant(_NO_PROGRAMME, near, **told))
        return {str(named[0].id): named[0]}

    async def _all(
        self, of: type[_T], path: str, query: Mapping[str, str | int]
    ) -> tuple[list[_T], list[Unfit]]:
        """Return all objects of a kind, page by page, and those that are not as published."""
        found: list[_T] = []
        unfit: list[Unfit] = []
        for page in range(_MOST_PAGES):
            more = {**query, "skip": page * MOST, "limit": MOST}
            answer = await self._asked("GET", path, query=more)
            raw = answer.body if isinstance(answer.body, list) else None
            if not answer.good or raw is None:
                said = answer.said or _ANSWERS.format(method="GET", path=path, status=answer.status)
                raise _NothingError(said)
            for each in raw:
                one = _understood(of, each)
                if isinstance(one, Unfit):
                    unfit.append(one)
                else:
                    found.append(one)
            if len(raw) < MOST:
                break
        return found, unfit

    async def _asked(self, method: str, path: str, **more: Any) -> Answer:
        """Ask with a token, with a new one where the old is no longer good."""
        where = f"{self._line.path}{path}"
        had, token = self._token, self._token or await self._new_token()
        answer = await ask(self._wire, method, where, token=token, **more)
        if answer.status in _FORBIDDEN and had is not None:
            token = await self._new_token()
            answer = await ask(self._wire, method, where, token=token, **more)
        self._token, self._pace.certificate_ends = token, answer.certificate_ends
        if answer.status in _FORBIDDEN:
            self._token = None
            raise _NothingError(_REFUSED.format(status=answer.status, user=self._line.user))
        if answer.status == 0 and answer.said is not None:
            raise _NothingError(answer.said)
        return answer

    async def _new_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._line.user or "",
            "client_secret": self._wire.password or "",
        }
        answer = await ask(self._wire, "POST", f"{self._line.path}/auth/token", form=form)
        body = answer.body if isinstance(answer.body, dict) else {}
        token = body.get("access_token")
        if answer.status == 0 and answer.said is not None:
            raise _NothingError(answer.said)
        if not answer.good or not isinstance(token, str):
            raise _NothingError(_NO_TOKEN.format(said=body.get("error") or answer.status))
        return token


def _understood(of: type[_T], raw: Any) -> _T | Unfit:
    try:
        return of.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        id_ = str(raw.get("id", "?")) if isinstance(raw, dict) else "?"
        where = ".".join(map(str, first["loc"])) or "-"
        name, said = _NAMES[of], first["msg"]
        text = Text(
            _NOT_AS_PUBLISHED.en.format(what=name.en, id=id_, where=where, said=said),
            _NOT_AS_PUBLISHED.zh.format(what_zh=name.zh, id=id_, where=where, said=said),
        )
        return Unfit(id_, text)


def reported(programme: str, event: str, name: str, wanted: Wanted | Unfit, told: Told) -> Report:
    """Return the report that says what became of an interval of an event.

    Energies go in KWH. An event that nobody could read is reported without a time of its own.
    """
    number = wanted.id.rpartition("/")[2]
    payloads = [
        ValuesMap(type="OPERATING_STATE", values=[_STATES[told.fate]]),
        ValuesMap(type=_WORDS, values=[told.text.en[:_LONGEST_WORDS]]),
    ]
    payloads += [
        ValuesMap(type=_ENERGIES[key], values=[round(value * 1e3, 3)])
        for key, value in told.energies.items()
    ]
    period = None
    if isinstance(wanted, Wanted) and wanted.hours * 3600.0 < dt.timedelta.max.total_seconds():
        start = dt.datetime.fromtimestamp(wanted.begin, dt.UTC)
        seconds = round(wanted.hours * 3600.0)
        period = IntervalPeriod(start=start, duration=f"PT{seconds}S")
    interval = Interval(
        id=int(number) if number.isdecimal() else 0, interval_period=period, payloads=payloads
    )
    return Report(
        program_id=programme,
        event_id=event,
        client_name=name,
        report_name=f"{told.fate.value} {wanted.id}",
        payload_descriptors=[
            ReportPayloadDescriptor(payload_type=_ENERGIES[key], units="KWH")
            for key in told.energies
        ]
        or None,
        resources=[ReportedResource(resource_name=name, intervals=[interval])],
    )


def side(line: CallerLine, wire: Wire, clock: Clock) -> Ven:
    """Return our side of a VTN; raises `DeviceError` where the line lacks what it needs."""
    needed = {
        "programme": (line.programme, Text("the name of the VTN's programme", "VTN 的项目名")),
        "user": (line.user, Text("our client id", "我方客户端标识")),
        "secret": (line.secret, Text("the name of our client secret", "客户端密钥名")),
    }
    for field, (value, what) in needed.items():
        if not value:
            said = {"name": line.name, "field": field}
            raise DeviceError(
                Text(
                    _NEEDS.en.format(what=what.en, **said),
                    _NEEDS.zh.format(what_zh=what.zh, **said),
                )
            )
    if wire.tls is None and not _is_here(line.host):
        raise DeviceError(_IN_THE_CLEAR.format(name=line.name, host=line.host))
    return Ven(line, wire, clock)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
