"""Alarms after ISA-18.2: rows of data, their states, what hides them, and what they ask of people.

Source of states and of the measures: ANSI/ISA-18.2-2016, clauses 5 and 16, as recalled.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from zeropark.data.errors import DataError
from zeropark.model.asset import Label
from zeropark.operate.authority import Actor
from zeropark.units.text import Text

Priority = Literal["low", "medium", "high"]
_HOUR = 3600.0
_DAY = 24.0 * _HOUR
_TEN_MINUTES = 600.0
# An alarm that comes so often in a minute chatters [ISA-18.2, 16.5.4: three times].
_CHATTERS, _MINUTE = 3, 60.0
# Priority from consequence and time to act [min]: the sooner, the higher.
_SOON, _LATER = 10.0, 30.0
_MOST_KEPT = 20_000

_NO_SUCH = Text(
    "alarm '{given}' is not there; see zeropark command see",
    "没有告警“{given}”；用 zeropark command see 查看",
)
_NO_SHELF = Text("alarm '{given}' may not be shelved", "告警“{given}”不得搁置")
_NOT_YOU = Text("alarm '{given}' may be shelved by: {allowed}", "告警“{given}”可由 {allowed} 搁置")
_TOO_LONG = Text(
    "alarm '{given}': {hours:g} h; allowed: more than 0, at most {most:g} h",
    "告警“{given}”：{hours:g} h；可用：大于 0，至多 {most:g} h",
)


class Shelf(BaseModel):
    """How long [h] an alarm may be set aside, and by whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    hours: Annotated[float, Field(ge=0)]
    roles: tuple[str, ...]


class Row(BaseModel):
    """One alarm: what it means and what to do. Times: `minutes` [min]; on_delay, off_delay [s]."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    title: Label
    cause: Label
    consequence: Literal["minor", "major", "severe"]
    means: Label
    action: Label
    minutes: Annotated[float, Field(gt=0)]
    deadband: Annotated[float, Field(ge=0, lt=1)] = 0.0
    on_delay: Annotated[float, Field(ge=0)]
    off_delay: Annotated[float, Field(ge=0)]
    shelve: Shelf
    under: str | None = None

    @property
    def priority(self) -> Priority:
        """Priority from consequence and time to act."""
        weight = {"minor": 0, "major": 1, "severe": 2}[self.consequence]
        weight += 0 if self.minutes > _LATER else 1 if self.minutes > _SOON else 2
        return "low" if weight <= 1 else "medium" if weight == 2 else "high"  # noqa: PLR2004 - the two steps between three priorities


@cache
def rows() -> Mapping[str, Row]:
    """Return all alarms this product knows, by key."""
    text = files("zeropark.operate").joinpath("alarms.yaml").read_text(encoding="utf-8")
    return {key: Row.model_validate(body) for key, body in yaml.safe_load(text).items()}


class Standing(Enum):
    """State of an alarm: whether its cause lasts, and whether somebody has seen it."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned, not acknowledged"
    NORMAL = "normal"


STANDING: Mapping[Standing, Text] = {
    Standing.UNACKNOWLEDGED: Text("not acknowledged", "未确认"),
    Standing.ACKNOWLEDGED: Text("acknowledged", "已确认"),
    Standing.RETURNED: Text("returned, not acknowledged", "已恢复，未确认"),
    Standing.NORMAL: Text("normal", "正常"),
}
assert set(STANDING) == set(Standing), "every state has words"


@dataclass
class Alarm:
    """An alarm of one source. since: when its cause began to last [s, steady]; raised: when told.

    shelved_until, hidden_by: why nobody is told now. gateway: address the source lies behind.
    """

    key: str
    source: str
    gateway: str = ""
    state: Standing = Standing.NORMAL
    active: bool = False
    changed: float = 0.0
    raised: float = 0.0
    shelved_until: float = -1.0
    hidden_by: str = ""
    said: str = ""

    @property
    def id(self) -> str:
        """Key and source: what a person names it by."""
        return f"{self.key}:{self.source}"

    @property
    def row(self) -> Row:
        """Its row of data."""
        return rows()[self.key]


@dataclass(frozen=True)
class Change:
    """A change of state, to be posted: an alarm's id and what it is now."""

    id: str
    state: Standing
    priority: Priority
    why: str = ""

    def as_entry(self, at: float) -> dict[str, Any]:
        """Return what stands in the ledger. at: when it changed [POSIX s of the park]."""
        return {
            "alarm": self.id,
            "state": self.state.value,
            "priority": self.priority,
            "said": self.why,
            "step": round(at * 1e3),
        }


@dataclass
class Annunciator:
    """All alarms of a park. Told the causes of each cycle, it says what changed.

    done: what people did to alarms that was not posted yet.
    """

    alarms: dict[str, Alarm] = field(default_factory=dict)
    told: deque[tuple[float, str, str]] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    done: list[Change] = field(default_factory=list)

    def look(
        self, causes: Iterable[tuple[str, str, str]], steady: float, gateways: Mapping[str, str]
    ) -> list[Change]:
        """Take all causes (key, source, words) that last at this moment; return what changed.

        steady: the moment [s]. gateways: address each source lies behind.
        """
        here = {f"{key}:{source}": (key, source, said) for key, source, said in causes}
        for id_, (key, source, said) in here.items():
            if id_ not in self.alarms:
                self.alarms[id_] = Alarm(key, source, gateways.get(source, ""), changed=steady)
                self.alarms[id_].said = said
        # What people did since is posted with what this cycle finds.
        changes, self.done = self.done, []
        for alarm in self.alarms.values():
            lasting = alarm.id in here
            if lasting:
                alarm.said = here[alarm.id][2]
            if lasting != alarm.active:
                alarm.active, alarm.changed = lasting, steady
        for alarm in self.alarms.values():
            alarm.hidden_by = self._hider(alarm)
            changes += self._move(alarm, steady)
        return changes

    def _hider(self, alarm: Alarm) -> str:
        """Return the alarm that stands for this one: of its own source, or of its gateway."""
        under = alarm.row.under
        while under is not None:
            for source in (alarm.source, alarm.gateway):
                other = self.alarms.get(f"{under}:{source}")
                if other is not None and other.active and other is not alarm:
                    return other.id
            under = rows()[under].under
        return ""

    def _move(self, alarm: Alarm, steady: float) -> list[Change]:
        row, before = alarm.row, alarm.state
        lasted = steady - alarm.changed
        quiet = bool(alarm.hidden_by) or steady < alarm.shelved_until
        up = before in {Standing.NORMAL, Standing.RETURNED}
        if alarm.active and lasted >= row.on_delay and up and not quiet:
            alarm.state, alarm.raised = Standing.UNACKNOWLEDGED, steady
            self.told.append((steady, alarm.id, row.priority))
        elif not alarm.active and lasted >= row.off_delay and before is Standing.UNACKNOWLEDGED:
            alarm.state = Standing.RETURNED
        elif not alarm.active and lasted >= row.off_delay and before is Standing.ACKNOWLEDGED:
            alarm.state = Standing.NORMAL
        if alarm.state is before:
            return []
        return [Change(alarm.id, alarm.state, row.priority, alarm.said)]

    def acknowledge(self, id_: str) -> Change:
        """Let somebody have seen an alarm; raises `DataError` where there is none."""
        alarm = self._named(id_)
        alarm.state = Standing.ACKNOWLEDGED if alarm.active else Standing.NORMAL
        return self._done(alarm, "")

    def shelve(self, id_: str, hours: float, actor: Actor, steady: float) -> Change:
        """Set an alarm aside for `hours` [h]; raises `DataError` where that is not allowed."""
        alarm = self._named(id_)
        shelf = alarm.row.shelve
        if not shelf.roles:
            raise DataError("no_shelf", _NO_SHELF.format(given=id_))
        if actor.role not in shelf.roles:
            text = _NOT_YOU.format(given=id_, allowed=", ".join(shelf.roles))
            raise DataError("not_allowed", text)
        if not 0.0 < hours <= shelf.hours:
            text = _TOO_LONG.format(given=id_, hours=hours, most=shelf.hours)
            raise DataError("shelf_too_long", text)
        alarm.shelved_until = steady + hours * _HOUR
        alarm.state = Standing.NORMAL
        return self._done(alarm, f"shelved {hours:g} h")

    def _done(self, alarm: Alarm, why: str) -> Change:
        self.done.append(Change(alarm.id, alarm.state, alarm.row.priority, why))
        return self.done[-1]

    def shelves(self, steady: float) -> dict[str, float]:
        """Return how long each shelf still lasts [s], by the alarm's id."""
        left = {each.id: each.shelved_until - steady for each in self.alarms.values()}
        return {id_: round(seconds, 1) for id_, seconds in left.items() if seconds > 0.0}

    def _named(self, id_: str) -> Alarm:
        alarm = self.alarms.get(id_)
        if alarm is None or (alarm.state is Standing.NORMAL and not alarm.active):
            raise DataError("alarm_absent", _NO_SUCH.format(given=id_))
        return alarm

    def standing(self) -> list[Alarm]:
        """Return the alarms a person should see: highest priority first, then oldest."""
        order = {"high": 0, "medium": 1, "low": 2}
        found = [a for a in self.alarms.values() if a.state is not Standing.NORMAL]
        return sorted(found, key=lambda a: (order[a.row.priority], a.raised))

    def burden(self, steady: float) -> dict[str, float]:
        """Return what the alarms asked of people since the beginning, as ISA-18.2 measures it.

        per_hour: alarms per operator-hour. most_in_ten_minutes. chattering: sources that came three
        times in a minute. over_a_day: standing longer than 24 h. share_high, …: of all told [1].
        """
        old = [a for a in self.standing() if a.active and steady - a.raised > _DAY]
        return {**burden_of(self.told, steady / _HOUR), "over_a_day": float(len(old))}


def burden_of(told: Iterable[tuple[float, str, str]], hours: float) -> dict[str, float]:
    """Return what alarms asked of people in `hours` [h], as `Annunciator.burden` names it.

    told: (when [s], id, priority) of each that was told, in order of time; less than an hour counts
    as one.
    """
    every = list(told)
    times = [at for at, _, _ in every]
    share = Counter(priority for _, _, priority in every)
    total = max(1, len(times))
    by_source: dict[str, list[float]] = {}
    for at, id_, _ in every:
        by_source.setdefault(id_, []).append(at)
    chattering = sum(_most_within(each, _MINUTE) >= _CHATTERS for each in by_source.values())
    return {
        "per_hour": len(times) / max(hours, 1.0),
        "most_in_ten_minutes": float(_most_within(times, _TEN_MINUTES)),
        "chattering": float(chattering),
        **{f"share_{name}": share[name] / total for name in ("low", "medium", "high")},
    }


def _most_within(times: list[float], span: float) -> int:
    """Return the most moments that lie within a span [s]; times in order."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= span:
            first += 1
        most = max(most, last - first + 1)
    return most
