"""What people and peers ask for: durable before the answer, taken at the next cycle, or voided.

A command that only narrows is carried out even where it cannot be recorded; it is posted later with
that mark.
"""

from __future__ import annotations

import math
import threading
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.operate.alarms import Annunciator
from zeropark.operate.authority import (
    AT_ONCE,
    NARROWING,
    VERBS,
    WIDENING,
    Actor,
    must_be_allowed,
)
from zeropark.operate.bands import Lever, Orders
from zeropark.operate.product import Way
from zeropark.operate.products import called
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

Note = Callable[[str, Mapping[str, Any], str], int]
ORDER = "order"
"""Subject of the ledger's entries about orders."""
_PATIENCE_S = 10.0
_LONGEST_WHY = 400
_LONGEST_S = 600.0
_MOST_WAITING = 1_000
_MOST_FATES = 64
# How long the reason of what was done at once may be missing [s].
_EXPLAIN_S = 3_600.0
# How many answers are known by their key, and how many orders are shown.
_MOST_KNOWN, _MOST_SHOWN = 1_000, 40
_BY_HAND = frozenset({"hold", "rest", "auto"})
ON_ASSETS = frozenset({"hold", "rest", "auto", "lock", "unlock", "limit", "unlimit"})

_NOT_AN_ORDER = Text("a command is a JSON object with a verb", "命令应为含 verb 的 JSON 对象")
_ABSENT = Text(
    "{verb}: '{given}' is no asset of this park{meant} Allowed: {allowed}",
    "{verb}：园区中没有资产“{given}”{meant}可用：{allowed}",
)
_NO_LEVER = Text(
    "{asset}: nothing there can be set by hand; allowed: {allowed}",
    "{asset}：没有可人工设定的量；可用：{allowed}",
)
_NO_POINT = Text(
    "{asset}: '{given}' cannot be set{meant} Allowed: {allowed}",
    "{asset}：不能设定“{given}”{meant}可用：{allowed}",
)
_NOT_A_NUMBER = Text(
    "{verb} {asset}: '{given}' is not a number; allowed: {low:g} to {high:g} MW",
    "{verb} {asset}：“{given}”不是数；可用：{low:g} 至 {high:g} MW",
)
_BEYOND = Text(
    "{verb} {asset}: {given:g} MW; allowed: {low:g} to {high:g} MW",
    "{verb} {asset}：{given:g} MW；可用：{low:g} 至 {high:g} MW",
)
_CROSSED = Text(
    "limit {asset}: least {low:g} MW is above most {high:g} MW; write the lower first",
    "limit {asset}：下限 {low:g} MW 高于上限 {high:g} MW；先写小的",
)
_NO_GUARD = Text(
    "limit {asset}: no guarded flow there; allowed: {allowed}",
    "limit {asset}：该处没有受限潮流；可用：{allowed}",
)
_NO_WHY = Text("{verb}: say why; the reason stands in the ledger", "{verb}：写明原因；原因记入账本")
_CALL_UNRECORDED = Text(
    "call: the ledger takes nothing now, so that no call is taken on; make room on the disk",
    "call：账本目前无法写入，不接受调用；请腾出磁盘空间",
)
_NO_SUCH_WAY = Text(
    "call: way '{given}'; allowed: less, more", "call：方向“{given}”；可用：less、more"
)
_NOT_POSITIVE = Text(
    "call: {name} '{given}' is not a number from 0 up", "call：{name}“{given}”须为不小于 0 的数"
)
_SECONDS = Text(
    "{verb}: {given} s; allowed: more than 0, at most {most:g} s",
    "{verb}：{given} s；可用：大于 0，至多 {most:g} s",
)
_NO_FACTOR = Text(
    "{verb}: this takes a second factor; give the code of your authenticator",
    "{verb}：须双重验证；输入验证器动态码",
)
_OTHER_ONCE = Text(
    "the key '{key}' stood for another command; take a new key for each command",
    "键“{key}”已用于另一命令；每条命令用新键",
)
_CHANGED = Text(
    "{name} did '{verb}' here since this page was shown; look at what holds now, then ask again",
    "{name} 在本页显示后执行了“{verb_zh}”；先看现状再操作",
)
_EXPLAINED = Text(
    "no command '{given}' waits for a reason; one may follow within an hour",
    "没有待补理由的命令“{given}”；理由可在一小时内补写",
)
_NOTHING = Text("", "")
_FULL = Text(
    "{most} commands wait already; ask again in a second", "已有 {most} 条命令等待；稍后再试"
)
_LATE = Text("not taken within {seconds:g} s; ask again", "{seconds:g} s 内未执行；请重发")
_RESTARTED = Text(
    "operate was started anew before it was taken; ask again", "执行前系统重启；请重发"
)


@dataclass(frozen=True)
class Asked:
    """A command as it waits.

    on: asset, alarm or empty. deadline: until when it may be taken [s, steady]. factor: what who
    asks has shown beside a name; once: the key it is known by, so that it is done once.
    """

    id: str
    actor: Actor
    verb: str
    on: str
    body: Mapping[str, Any]
    deadline: float
    seconds: float
    why: str
    recorded: bool = True
    factor: str = ""
    once: str = ""

    def as_entry(self, stage: str, why_not: str = "") -> dict[str, Any]:
        """Return what stands in the ledger. stage: asked, taken, voided or taken_unrecorded."""
        said: dict[str, Any] = {
            "order": self.id,
            "stage": stage,
            "verb": self.verb,
            "on": self.on,
            "why": self.why,
            "seconds": f"{self.seconds:g}",
            "value": {name: _text(value) for name, value in self.body.items()},
            **self.actor.as_entry(),
        }
        said |= {name: value for name in ("factor", "once") if (value := getattr(self, name))}
        return said | ({"because": why_not} if why_not else {})


def _text(value: Any) -> str:
    return f"{float(value):.6f}" if isinstance(value, int | float) else str(value)


@dataclass
class Box:
    """Takes commands from any thread and hands them to the cycle.

    note: writes an entry durably, raises where it cannot. steady: the clock every expiry counts by.
    least: shortest time an order waits [s], for cycles that are longer than it was asked for.
    fates: (stage, why not) of the newest orders that are decided, by order.
    """

    assets: Sequence[Kind]
    levers: Sequence[Lever]
    note: Note
    steady: Callable[[], float]
    orders: Orders = field(default_factory=Orders)
    on_call: Callable[[Asked], object] | None = None
    may_call: Callable[[Mapping[str, Any]], None] | None = None
    least: float = 0.0
    fates: dict[str, tuple[str, Text]] = field(default_factory=dict)
    unexplained: dict[str, tuple[Asked, float]] = field(default_factory=dict)
    shown: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_MOST_SHOWN))
    _known: OrderedDict[tuple[str, str], tuple[str, dict[str, Any]]] = field(
        default_factory=OrderedDict
    )
    _newest: dict[str, Asked] = field(default_factory=dict)
    _waiting: list[Asked] = field(default_factory=list)
    _late: list[Asked] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, said: Any, actor: Actor) -> dict[str, Any]:
        """Take one command; the answer comes once it is durable. Raises `DataError`.

        A second one with the same key (`once`) is the first one: it gets the same answer.
        """
        asked = self._understood(said, actor)
        with self._lock:
            known = self._known_answer(asked)
            if known is not None:
                return known
            if asked.verb == "call" and self.may_call is not None:
                self.may_call(asked.body)
            self._must_be_unchanged(said, asked)
            # From here on the next one is told, though this one still waits.
            self.remember(asked)
        try:
            self.note("command", asked.as_entry("asked"), ORDER)
        except Exception:
            # A full disk, a lost database: what narrows is done all the same.
            if asked.verb not in NARROWING:
                self._known.pop((asked.actor.name, asked.once), None)
                raise
            asked = replace(asked, recorded=False)
            self.remember(asked)
        # Its time begins with the answer: how long a disk took is not who asks' to bear.
        asked = replace(asked, deadline=self.steady() + asked.seconds)
        with self._lock:
            self._waiting.append(asked)
            if not asked.recorded:
                self._late.append(asked)
            self._show(asked, "asked" if asked.recorded else "asked_unrecorded")
        return _answer(asked)

    def remember(self, asked: Asked) -> None:
        """Keep that an order was given: by its key, and as the newest about its object."""
        if asked.once:
            self._known[asked.actor.name, asked.once] = (_print(asked), _answer(asked))
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        if asked.verb != "explain":
            self._newest[asked.on] = asked

    def _known_answer(self, asked: Asked) -> dict[str, Any] | None:
        if not asked.once:
            return None
        before, answer = self._known.get((asked.actor.name, asked.once), ("", {}))
        if not answer:
            return None
        if before != _print(asked):
            raise DataError("once_other", _OTHER_ONCE.format(key=asked.once))
        return answer

    def _must_be_unchanged(self, said: Mapping[str, Any], asked: Asked) -> None:
        """Refuse who asks by a page older than what holds; what narrows is never refused so."""
        seen = said.get("seen")
        newest = self._newest.get(asked.on)
        if seen is None or asked.verb in AT_ONCE or newest is None or newest.id == seen:
            return
        verb_en, verb_zh = VERBS[newest.verb]
        values = {"name": newest.actor.name, "verb": verb_en, "verb_zh": verb_zh}
        raise DataError("changed_since", _CHANGED.format(**values))

    def newest(self) -> dict[str, str]:
        """Return the newest order about each object, for who shows what holds."""
        return {on: asked.id for on, asked in list(self._newest.items())}

    def _show(self, asked: Asked, stage: str, because: Text = _NOTHING) -> None:
        said = {"stage": stage, "because": because.en, "because_zh": because.zh}
        for each in self.shown:
            if each["order"] == asked.id:
                each.update(said)
                return
        self.shown.appendleft(
            {
                "order": asked.id,
                "verb": asked.verb,
                "on": asked.on,
                "name": asked.actor.name,
                "why": asked.why,
                **said,
            }
        )

    def _understood(self, said: Any, actor: Actor) -> Asked:
        if not isinstance(said, Mapping) or not isinstance(said.get("verb"), str):
            raise DataError("not_an_order", _NOT_AN_ORDER)
        verb, on = str(said["verb"]), str(said.get("on", ""))
        must_be_allowed(actor, verb, self._object(verb, on, actor))
        why = str(said.get("why", "")).strip()[:_LONGEST_WHY]
        if not why and verb not in AT_ONCE | {"acknowledge", "see"}:
            raise DataError("why_absent", _NO_WHY.format(verb=verb))
        factor = str(said.get("factor", ""))[:20]
        if verb in WIDENING and not factor and actor.channel in {"web", "api"}:
            raise DataError("factor_absent", _NO_FACTOR.format(verb=verb))
        seconds = said.get("seconds", _PATIENCE_S)
        if not isinstance(seconds, int | float) or not 0.0 < seconds <= _LONGEST_S:
            raise DataError("seconds", _SECONDS.format(verb=verb, given=seconds, most=_LONGEST_S))
        body = self._body(verb, on, said)
        if len(self._waiting) >= _MOST_WAITING:
            raise DataError("box_full", _FULL.format(most=_MOST_WAITING))
        id_, once = uuid.uuid4().hex[:12], str(said.get("once", ""))[:80]
        seconds = max(float(seconds), self.least)
        deadline = self.steady() + seconds
        return Asked(id_, actor, verb, on, body, deadline, seconds, why, factor=factor, once=once)

    def _object(self, verb: str, on: str, actor: Actor) -> str:
        if verb in {"acknowledge", "shelve"}:
            return "alarm"
        if verb == "explain":
            return "order"
        if verb not in ON_ASSETS:
            return "park"
        if actor.role == "party":
            mine = any(a.name == on and a.party == actor.party for a in self.assets)
            return "own" if mine else "asset"
        return "asset"

    def _body(self, verb: str, on: str, said: Mapping[str, Any]) -> dict[str, Any]:
        if verb == "explain" and on not in self.unexplained:
            raise DataError("explained", _EXPLAINED.format(given=on[:40]))
        if verb in ON_ASSETS:
            names = [asset.name for asset in self.assets]
            if on not in names:
                text = with_meant(
                    _ABSENT, meant(on, names), verb=verb, given=on, allowed=", ".join(names)
                )
                raise DataError("asset_absent", text)
        if verb == "rest":
            self._levers_of(on)
        if verb == "hold":
            return self._held(on, said)
        if verb == "limit":
            return self._limited(on, said)
        if verb == "call":
            return _called(said)
        if verb == "shelve":
            return {"hours": said.get("hours", math.nan)}
        return {}

    def _held(self, on: str, said: Mapping[str, Any]) -> dict[str, Any]:
        own = self._levers_of(on)
        points = [each.steered.point for each in own]
        point = str(said.get("point", points[0]))
        if point not in points:
            text = with_meant(
                _NO_POINT, meant(point, points), asset=on, given=point, allowed=", ".join(points)
            )
            raise DataError("no_point", text)
        steered = own[points.index(point)].steered
        value = _number("hold", on, said.get("value"), steered.low, steered.high)
        return {"point": point, "value": value}

    def _levers_of(self, on: str) -> list[Lever]:
        own = [each for each in self.levers if each.asset == on]
        if not own:
            allowed = ", ".join(dict.fromkeys(each.asset for each in self.levers))
            raise DataError("no_lever", _NO_LEVER.format(asset=on, allowed=allowed))
        return own

    def _limited(self, on: str, said: Mapping[str, Any]) -> dict[str, Any]:
        guards = {a.name: a.guarded()[0] for a in self.assets if a.guarded()}
        if on not in guards:
            text = _NO_GUARD.format(asset=on, allowed=", ".join(guards))
            raise DataError("no_guard", text)
        own = guards[on]
        low = _number("limit", on, said.get("low", own.low), own.low, own.high)
        high = _number("limit", on, said.get("high", own.high), own.low, own.high)
        if low > high:
            raise DataError("limits_crossed", _CROSSED.format(asset=on, low=low, high=high))
        return {"low": low, "high": high}

    # -- the cycle's side ----------------------------------------------------------------------

    def take(self, alarms: Annunciator) -> list[dict[str, Any]]:
        """Carry out what waits and is in time; return the entries that say what became of each."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            late, self._late = self._late, []
        entries = [each.as_entry("asked_late") for each in late]
        for asked in waiting:
            # What stops is never too late.
            if self.steady() > asked.deadline and asked.verb not in AT_ONCE:
                said = _LATE.format(seconds=asked.seconds)
                self.decided(asked, "voided", said)
                entries.append(asked.as_entry("voided", said.en))
                continue
            try:
                self.carry_out(asked, alarms)
            except DataError as error:
                self.decided(asked, "voided", error.text)
                entries.append(asked.as_entry("voided", error.text.en))
            else:
                stage = "taken" if asked.recorded else "taken_unrecorded"
                self.decided(asked, stage, Text("", ""))
                entries.append(asked.as_entry(stage))
        return entries

    def decided(self, asked: Asked, stage: str, why_not: Text) -> None:
        """Keep what became of an order for who asked; the oldest is forgotten."""
        self.fates[asked.id] = (stage, why_not)
        self._show(asked, stage, why_not)
        while len(self.fates) > _MOST_FATES:
            del self.fates[next(iter(self.fates))]

    def waiting_for_reasons(self) -> list[dict[str, Any]]:
        """Return what was done at once without a reason, and how long one may follow [min]."""
        now = self.steady()
        for id_ in [id_ for id_, (_, until) in self.unexplained.items() if until < now]:
            del self.unexplained[id_]
        return [
            {
                "order": id_,
                "verb": asked.verb,
                "on": asked.on,
                "name": asked.actor.name,
                "minutes_left": round((until - now) / 60.0, 1),
            }
            for id_, (asked, until) in self.unexplained.items()
        ]

    def carry_out(self, asked: Asked, alarms: Annunciator) -> None:
        """Change what holds by one command."""
        orders, on = self.orders, asked.on
        if asked.verb in AT_ONCE and not asked.why:
            self.unexplained[asked.id] = (asked, self.steady() + _EXPLAIN_S)
        if asked.verb in _BY_HAND:
            self._take_by_hand(asked)
        elif asked.verb == "limit":
            low, high = float(asked.body["low"]), float(asked.body["high"])
            held = orders.limits.get(on)
            if held is not None and not asked.recorded:
                # What cannot be recorded may only narrow.
                low = min(max(low, held[0]), held[1])
                high = max(min(high, held[1]), low)
            orders.limits[on] = (low, high)
        elif asked.verb == "shelve":
            alarms.shelve(on, float(asked.body["hours"]), asked.actor, self.steady())
        elif asked.verb == "call" and self.on_call is not None:
            self._call(asked, self.on_call)
        elif asked.verb == "acknowledge":
            alarms.acknowledge(on)
        elif asked.verb == "explain":
            self.unexplained.pop(on, None)
        else:
            _PLAIN.get(asked.verb, _nothing)(orders, on)

    def _call(self, asked: Asked, on_call: Callable[[Asked], object]) -> None:
        """Take a call on; where the ledger cannot have it, it is not taken on."""
        try:
            on_call(asked)
        except DataError:
            raise
        except Exception as error:
            raise DataError("call_unrecorded", _CALL_UNRECORDED) from error

    def _take_by_hand(self, asked: Asked) -> None:
        hand, on = self.orders.hand, asked.on
        if asked.verb == "hold":
            hand[on, asked.body["point"]] = float(asked.body["value"])
        elif asked.verb == "rest":
            hand |= {each.key: each.steered.rest for each in self.levers if each.asset == on}
        else:
            for key in [key for key in hand if key[0] == on]:
                del hand[key]


def _answer(asked: Asked) -> dict[str, Any]:
    return {"order": asked.id, "recorded": asked.recorded, "within_s": asked.seconds}


def _print(asked: Asked) -> str:
    """Return what makes two commands with one key the same."""
    body = sorted((name, _text(value)) for name, value in asked.body.items())
    return repr((asked.verb, asked.on, body, asked.why))


def _nothing(orders: Orders, on: str) -> None:
    """Change nothing that holds: others see that it was asked."""
    del orders, on


def _set_stopped(orders: Orders, *, stopped: bool) -> None:
    orders.stopped = stopped


_PLAIN: Mapping[str, Callable[[Orders, str], None]] = {
    "stop": lambda orders, _: _set_stopped(orders, stopped=True),
    "resume": lambda orders, _: _set_stopped(orders, stopped=False),
    "lock": lambda orders, on: orders.locked.add(on),
    "unlock": lambda orders, on: orders.locked.discard(on),
    "unlimit": lambda orders, on: orders.limits.pop(on, None) and None,
}
assert set(_PLAIN) <= set(VERBS), "every verb is known"


# What a call says, and what is taken where it does not say it: [MW], [h], [CNY/MWh].
_CALL = {"power": math.nan, "after": 0.0, "hours": 1.0, "penalty": 0.0}
_USUAL_PRODUCT = "emergency_response"


def _called(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a call asks for; begin [POSIX s] only where it is named, price NaN where not."""
    found: dict[str, Any] = {
        name: _positive(name, said.get(name, usual)) for name, usual in _CALL.items()
    }
    for name in ("begin", "price"):
        if name in said:
            found[name] = _positive(name, said[name])
    found.setdefault("price", math.nan)
    found["product"] = called(str(said.get("product", _USUAL_PRODUCT))).key
    found["way"] = str(said.get("way", called(found["product"]).ways[0].value))
    if found["way"] not in {way.value for way in Way}:
        raise DataError("call_way", _NO_SUCH_WAY.format(given=found["way"]))
    return found


def _positive(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not given >= 0.0:
        raise DataError("call_number", _NOT_POSITIVE.format(name=name, given=given))
    return float(given)


def _number(verb: str, asset: str, given: Any, low: float, high: float) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        text = _NOT_A_NUMBER.format(verb=verb, asset=asset, given=given, low=low, high=high)
        raise DataError("not_a_number", text)
    if not low <= given <= high:
        text = _BEYOND.format(verb=verb, asset=asset, given=given, low=low, high=high)
        raise DataError("beyond", text)
    return float(given)


def remembered(box: Box, entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Let what was in force before a restart be in force again.

    entries: of orders, oldest first. What was asked and neither taken nor voided is voided, unless
    it only narrows: that is done. Returns the entries that say so.
    """
    open_orders: dict[str, Asked] = {}
    quiet = Annunciator()
    for entry in entries:
        asked = _from_entry(entry)
        box.remember(asked)
        if entry["stage"] == "asked":
            open_orders[asked.id] = asked
            continue
        open_orders.pop(asked.id, None)
        if entry["stage"] in {"taken", "taken_unrecorded"} and asked.verb not in _PASSING:
            box.carry_out(asked, quiet)
    found = []
    for asked in open_orders.values():
        if asked.verb in NARROWING:
            box.carry_out(asked, quiet)
            found.append(asked.as_entry("taken"))
        else:
            box.decided(asked, "voided", _RESTARTED)
            found.append(asked.as_entry("voided", _RESTARTED.en))
    return found


# What held for one moment only; calls are remembered by their own entries.
_PASSING = frozenset({"acknowledge", "shelve", "call"})


def _from_entry(entry: Mapping[str, Any]) -> Asked:
    actor = Actor(entry["actor"], entry["name"], entry["role"], entry["channel"], entry["party"])
    body = dict(entry["value"])
    seconds = float(entry["seconds"])
    return Asked(
        entry["order"],
        actor,
        entry["verb"],
        entry["on"],
        body,
        0.0,
        seconds,
        entry["why"],
        factor=str(entry.get("factor", "")),
        once=str(entry.get("once", "")),
    )
