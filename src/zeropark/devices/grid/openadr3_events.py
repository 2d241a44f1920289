"""What an event of OpenADR 3 asks of a park: less or more import, or at most so much of it.

`DISPATCH_SETPOINT_RELATIVE` below 0 is a call for less import, above 0 for more, and
`IMPORT_CAPACITY_LIMIT` a limit, in KW or MW; a `PRICE` beside it in CNY per KWH or MWH is what
delivered energy is paid. Anything else in an event is a sentence, and nothing is done.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence

from zeropark.devices.grid.contract import Form, Unfit, Wanted, finite_power
from zeropark.devices.grid.openadr3_objects import (
    Event,
    EventPayloadDescriptor,
    Interval,
    IntervalPeriod,
    Program,
    ReportPayloadDescriptor,
    ValuesMap,
    seconds_of,
)
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

RELATIVE, LIMIT, PRICE = "DISPATCH_SETPOINT_RELATIVE", "IMPORT_CAPACITY_LIMIT", "PRICE"
_FORMS = (RELATIVE, LIMIT)
_POWERS = {"KW": 1e-3, "MW": 1.0}
_PER_MWH = {"KWH": 1e3, "MWH": 1.0}
_CURRENCY = "CNY"
_VEN_NAME = "VEN_NAME"
_HOUR = 3600.0

_NO_PROGRAMME = Text(
    "event {id}: programme '{given}' is not known here; ours: {ours}",
    "事件 {id}：未知项目“{given}”；本园区参与：{ours}",
)
_NO_INTERVALS = Text(
    "event {id} has no intervals; write at least one", "事件 {id} 没有时段；至少写一个"
)
_NO_START = Text(
    "{id}: no start and duration; write an intervalPeriod",
    "{id}：没有开始与时长；补上 intervalPeriod",
)
_DURATION = Text(
    "{id}: duration '{given}' is no span of weeks, days, hours, minutes and seconds, such as PT1H",
    "{id}：时长“{given}”不是由周、日、时、分、秒组成的时长，例如 PT1H",
)
_NOTHING = Text(
    "{id} lasts {given}; allowed: more than nothing, such as PT1H",
    "{id} 的时长为 {given}；须大于零，例如 PT1H",
)
_NO_PAYLOAD = Text(
    "{id}: payload {given} is not understood{meant} Allowed: {allowed}",
    "{id}：不认识载荷 {given}{meant}可用：{allowed}",
)
_TWO = Text(
    "{id}: {given} both at once; write one of them to an interval",
    "{id}：同时有 {given}；一个时段只写一种",
)
_NO_UNIT = Text(
    "{id}: {type} is in unit '{given}'{meant} Allowed: {allowed}, said in payloadDescriptors",
    "{id}：{type} 的单位为“{given}”{meant}可用：{allowed}，写在 payloadDescriptors 中",
)
_NOT_ONE = Text(
    "{id}: {type} must have one finite number, it has {given}",
    "{id}：{type} 应有一个有限数，现为 {given}",
)
_SIGN = Text(
    "{id}: {type} of {given:g} {unit}; allowed: {allowed}",
    "{id}：{type} 为 {given:g} {unit}；可用：{allowed_zh}",
)
_PAST = Text(
    "{id} began at {begin}, it is {now} now; an event must be known before it begins",
    "{id} 已于 {begin} 开始，现在 {now}；事件须在开始前告知",
)
_OVER = Text("{id} ended at {end}, it is {now} now", "{id} 已于 {end} 结束，现在 {now}")
_OVERLAPS = Text(
    "{id} overlaps {other}; end one before the other begins", "{id} 与 {other} 重叠；先结束其一"
)


def asked(
    events: Sequence[Event], programmes: Mapping[str, Program], name: str, now: float
) -> tuple[list[Wanted], list[Unfit]]:
    """Return what events ask of the VEN `name`, and what of them cannot be done.

    programmes: by id, those it takes part in. now: POSIX s. Of two calls that overlap the one of
    the more urgent event stays (its `priority` the lower number, then the one that came first).
    """
    wanted: list[Wanted] = []
    unfit: list[Unfit] = []
    # No priority is the lowest (OpenADR 3 Definition, event.priority).
    for event in sorted(events, key=lambda e: math.inf if e.priority is None else e.priority):
        if not _is_for(event.targets, name):
            continue
        for each in _of_event(event, programmes):
            late = None if isinstance(each, Unfit) else must_be_ahead(each, now)
            if isinstance(each, Unfit):
                unfit.append(each)
            elif late is not None:
                unfit.append(Unfit(each.id, late))
            elif (other := overlapped(each, wanted)) is not None:
                unfit.append(Unfit(each.id, _OVERLAPS.format(id=each.id, other=other.id)))
            else:
                wanted.append(each)
    return wanted, unfit


def overlapped(one: Wanted, others: Sequence[Wanted]) -> Wanted | None:
    """Return which other call a call overlaps, or other limit a limit; None where none."""
    called = one.form.called
    same = (each for each in others if each.form.called is called and each.id != one.id)
    return next((each for each in same if each.begin < one.end and one.begin < each.end), None)


def _is_for(targets: Sequence[ValuesMap] | None, name: str) -> bool:
    named = [
        value for target in targets or () if target.type == _VEN_NAME for value in target.values
    ]
    return not named or name in named


def must_be_ahead(one: Wanted, now: float) -> Text | None:
    """Return why something wanted comes too late; None where it does not. now: POSIX s."""
    said = {"id": one.id, "now": _moment(now)}
    if one.end <= now:
        return _OVER.format(end=_moment(one.end), **said)
    if one.form.called and one.begin <= now:
        return _PAST.format(begin=_moment(one.begin), **said)
    return None


def _of_event(event: Event, programmes: Mapping[str, Program]) -> Iterator[Wanted | Unfit]:
    """Yield what each interval of an event asks."""
    id_ = event.id or event.event_name or "?"
    programme = programmes.get(event.program_id)
    if programme is None:
        ours = ", ".join(each.program_name for each in programmes.values()) or "-"
        yield Unfit(id_, _NO_PROGRAMME.format(id=id_, given=event.program_id, ours=ours))
        return
    if not event.intervals:
        yield Unfit(id_, _NO_INTERVALS.format(id=id_))
        return
    descriptors = {each.payload_type: each for each in _event_descriptors(programme)}
    descriptors |= {each.payload_type: each for each in event.payload_descriptors or ()}
    begin: dt.datetime | None = (
        None if event.interval_period is None else event.interval_period.start
    )
    for interval in event.intervals:
        own = f"{id_}/{interval.id}"
        span = _span(own, interval.interval_period, event.interval_period, begin)
        if isinstance(span, Unfit):
            yield span
            return
        begin = span[0] + dt.timedelta(hours=span[1])
        yield _of_interval(own, interval, span, descriptors)


def _event_descriptors(programme: Program) -> Iterator[EventPayloadDescriptor]:
    for each in programme.payload_descriptors or ():
        if not isinstance(each, ReportPayloadDescriptor):
            yield each


def _span(
    id_: str, own: IntervalPeriod | None, event: IntervalPeriod | None, begin: dt.datetime | None
) -> tuple[dt.datetime, float] | Unfit:
    """Return when an interval begins and its hours; where it says nothing, after the one before."""
    start = begin if own is None else own.start
    written = own.duration if own is not None and own.duration else None
    written = written or (event.duration if event is not None else None)
    if start is None or (own is None and event is None):
        return Unfit(id_, _NO_START.format(id=id_))
    # Nothing written is PT0S: at once or for ever, which a call cannot be (intervalPeriod).
    seconds = seconds_of(written or "PT0S")
    if seconds is None:
        return Unfit(id_, _DURATION.format(id=id_, given=written))
    if seconds <= 0.0:
        return Unfit(id_, _NOTHING.format(id=id_, given=written or "PT0S"))
    return start, seconds / _HOUR


def _of_interval(
    id_: str,
    interval: Interval,
    span: tuple[dt.datetime, float],
    descriptors: Mapping[str, EventPayloadDescriptor],
) -> Wanted | Unfit:
    known = [each for each in interval.payloads if each.type in _FORMS]
    if not known:
        given = ", ".join(each.type for each in interval.payloads) or "-"
        near = meant(given, _FORMS)
        text = with_meant(_NO_PAYLOAD, near, id=id_, given=given, allowed=", ".join(_FORMS))
        return Unfit(id_, text)
    if len(known) > 1:
        return Unfit(id_, _TWO.format(id=id_, given=", ".join(each.type for each in known)))
    payload = known[0]
    power = _number(id_, payload, descriptors, _POWERS)
    if isinstance(power, Unfit):
        return power
    number, unit = power
    if payload.type == LIMIT:
        form = Form.LIMIT
        wrong, en, zh = number < 0.0, "0 or more", "不小于 0"
    else:
        form = Form.LESS if number < 0.0 else Form.MORE
        wrong, en, zh = (
            number == 0.0,
            "below 0 for less import, above 0 for more",
            "小于 0 少受电，大于 0 多受电",
        )
    if wrong:
        said = {"id": id_, "type": payload.type, "given": number, "unit": unit}
        return Unfit(id_, _SIGN.format(allowed=en, allowed_zh=zh, **said))
    price = _price(id_, interval, descriptors)
    if isinstance(price, Unfit):
        return price
    start, hours = span
    return Wanted(id_, form, start.timestamp(), hours, abs(number) * _POWERS[unit], price)


def _number(
    id_: str,
    payload: ValuesMap,
    descriptors: Mapping[str, EventPayloadDescriptor],
    units: Mapping[str, float],
) -> tuple[float, str] | Unfit:
    """Return a payload's one number and its unit."""
    descriptor = descriptors.get(payload.type)
    unit = (descriptor.units if descriptor is not None else None) or ""
    if unit not in units:
        allowed = ", ".join(units)
        near = meant(unit, units) if unit else Text(".", "。")
        text = with_meant(_NO_UNIT, near, id=id_, type=payload.type, given=unit, allowed=allowed)
        return Unfit(id_, text)
    number = finite_power(payload.values[0]) if len(payload.values) == 1 else None
    if number is None:
        given = ", ".join(map(str, payload.values)) or "-"
        return Unfit(id_, _NOT_ONE.format(id=id_, type=payload.type, given=given))
    return number, unit


def _price(
    id_: str, interval: Interval, descriptors: Mapping[str, EventPayloadDescriptor]
) -> float | Unfit | None:
    """Return what delivered energy is paid [CNY/MWh]; None where the interval does not say it."""
    payload = next((each for each in interval.payloads if each.type == PRICE), None)
    if payload is None:
        return None
    number = _number(id_, payload, descriptors, _PER_MWH)
    if isinstance(number, Unfit):
        return number
    currency = descriptors[PRICE].currency or ""
    if currency != _CURRENCY:
        near = Text(".", "。")
        text = with_meant(_NO_UNIT, near, id=id_, type=PRICE, given=currency, allowed=_CURRENCY)
        return Unfit(id_, text)
    if number[0] < 0.0:
        text = _SIGN.format(
            id=id_,
            type=PRICE,
            given=number[0],
            unit=_CURRENCY,
            allowed="0 or more",
            allowed_zh="不小于 0",
        )
        return Unfit(id_, text)
    return number[0] * _PER_MWH[number[1]]


def _moment(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="seconds")
