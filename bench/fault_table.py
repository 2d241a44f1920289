"""What came of a fault day: what each fault caused, how long it took to see and to be over."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zeropark.operate.alarms import burden_of
from zeropark.operate.truth import Breach, Truth, breaches

# An alarm that comes so long after a fault has ended is not its [s].
_AFTER = 300.0
_OURS = ("not_recorded", "not_leading", "plan_old", "overrun")
_NONE = "nothing"
_HEAD = """\
# Fault day

Written by `python -m bench.fault_day --page docs/reference/fault-day.md`; do not edit. {what}. A
fault every ten minutes, drawn at random, over the park's own protocols, with two instances, a
watchdog and PostgreSQL as processes of their own. Breaches are counted in the site's truth log;
alarms are those of the ledger, by the park's clock. A change of leader shows as an epoch in the
ledger and is no alarm. Not drawn: a broker that restarts, and a clock of the machine that is set.
"""


@dataclass(frozen=True)
class Case:
    """A fault. begun, ended: POSIX s of the park. said: what was answered, where it was asked."""

    kind: str
    asset: str
    begun: float
    ended: float
    said: str = ""


@dataclass(frozen=True)
class Kept:
    """What had to be kept.

    orders: acknowledged ones. leaves: how many were looked at while the day went on. lost: those
    that are not the same at its end.
    """

    orders: tuple[str, ...]
    leaves: int
    lost: int


@dataclass(frozen=True)
class Row:
    """A kind of fault over the day. found, over: longest time to an alarm, and from its end [s]."""

    kind: str
    times: int
    alarmed: int
    alarms: tuple[str, ...]
    found: float | None
    over: float | None
    said: str


@dataclass(frozen=True)
class Judged:
    """What came of a day. broken: longer than the reaction time [s]; any: every breach."""

    rows: tuple[Row, ...]
    reaction: float
    broken: tuple[Breach, ...]
    every: tuple[Breach, ...]
    orders: int
    missing: tuple[str, ...]
    leaves: int
    lost: int
    burden: Mapping[str, float]
    hours: float

    @property
    def holds(self) -> bool:
        """Whether no limit was broken for longer, and nothing acknowledged is lost."""
        return not (self.broken or self.missing or self.lost)


def judge(
    truth: Truth,
    cases: Sequence[Case],
    entries: Sequence[Mapping[str, Any]],
    kept: Kept,
    reaction: float,
) -> Judged:
    """Return what came of a day.

    entries: of alarms and commands in the ledger, in their order. reaction: how long a limit may be
    broken [s].
    """
    alarms = [each for each in entries if "alarm" in each]
    known = {str(each["order"]) for each in entries if "order" in each}
    hours = (float(truth.at[-1]) - float(truth.at[0])) / 3600.0
    told = [
        (int(each["step"]) / 1e3, str(each["alarm"]), str(each["priority"]))
        for each in alarms
        if each["state"] == "unacknowledged"
    ]
    return Judged(
        tuple(_rows(cases, alarms)),
        reaction,
        tuple(each for each in breaches(truth, reaction)),
        tuple(breaches(truth)),
        len(kept.orders),
        tuple(each for each in kept.orders if each not in known),
        kept.leaves,
        kept.lost,
        burden_of(told, hours),
        hours,
    )


def _rows(cases: Sequence[Case], alarms: Sequence[Mapping[str, Any]]) -> list[Row]:
    by_kind: defaultdict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_kind[case.kind].append(case)
    return [_row(kind, own, alarms) for kind, own in sorted(by_kind.items())]


def _row(kind: str, cases: Sequence[Case], alarms: Sequence[Mapping[str, Any]]) -> Row:
    names: Counter[str] = Counter()
    found: list[float] = []
    over: list[float] = []
    alarmed = 0
    for case in cases:
        mine = [each for each in alarms if _is_of(case, each)]
        came = [each for each in mine if each["state"] == "unacknowledged"]
        if not came:
            continue
        alarmed += 1
        names.update(str(each["alarm"]).partition(":")[0] for each in came)
        found.append(min(_at(each) for each in came) - case.begun)
        gone = [_at(each) for each in mine if each["state"] != "unacknowledged"]
        over += [max(0.0, max(gone) - case.ended)] if gone else []
    said = Counter(case.said for case in cases if case.said)
    return Row(
        kind,
        len(cases),
        alarmed,
        tuple(name for name, _ in names.most_common()),
        max(found, default=None),
        max(over, default=None),
        ", ".join(f"{text} ({count})" for text, count in said.most_common()),
    )


def _at(entry: Mapping[str, Any]) -> float:
    return int(entry["step"]) / 1e3


def _is_of(case: Case, entry: Mapping[str, Any]) -> bool:
    """Whether an alarm is about a fault: of its device, or of ours where ours failed."""
    key, _, source = str(entry["alarm"]).partition(":")
    if not case.begun <= _at(entry) <= case.ended + _AFTER:
        return False
    return source.partition("/")[0] == case.asset if case.asset else key in _OURS


def page_of(found: Judged, what: str) -> str:
    """Return the page of a fault day."""
    burden = found.burden
    limits = f"{len(found.broken)}{_named(found.broken)}"
    every = f"{len(found.every)}{_named(found.every)}"
    times = sum(row.times for row in found.rows)
    told = f"{burden['per_hour']:.1f} an operator-hour"
    most = f"at most {burden['most_in_ten_minutes']:.0f} in ten minutes"
    lines = [
        _HEAD.format(what=what),
        f"- {found.hours:.1f} h lived, {times} faults.",
        f"- Limits broken for longer than {found.reaction:g} s: {limits}; at all: {every}.",
        f"- Acknowledged commands: {found.orders}, of which lost: {len(found.missing)}.",
        f"- Leaves of the log seen meanwhile: {found.leaves}, of which lost: {found.lost}.",
        f"- Alarms: {told}, {most}, {burden['chattering']:.0f} chattering; {_shares(burden)}.",
        "",
        "| fault | times | alarmed | by | longest to find s | longest to be over s |",
        "| --- | ---: | ---: | --- | ---: | ---: |",
    ]
    for row in found.rows:
        by = ", ".join(row.alarms) or row.said or _NONE
        found_over = f"{_s(row.found)} | {_s(row.over)}"
        lines.append(f"| {row.kind} | {row.times} | {row.alarmed} | {by} | {found_over} |")
    return "\n".join(lines) + "\n"


def _named(found: Sequence[Breach]) -> str:
    worst: dict[str, Breach] = {}
    for each in found:
        if each.column not in worst or each.seconds > worst[each.column].seconds:
            worst[each.column] = each
    said = [f"{b.column} for {b.seconds:g} s, by {b.worst:.3f}" for b in worst.values()]
    return f" (longest: {'; '.join(said)})" if said else ""


def _shares(burden: Mapping[str, float]) -> str:
    return ", ".join(f"{burden[f'share_{name}']:.0%} {name}" for name in ("high", "medium", "low"))


def _s(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
