"""What the ledger tells of alarms: how they stood, and what they asked of people.

Measures after ANSI/ISA-18.2-2016, clause 16, as recalled. Times are the park's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeropark.ledger.database import Database
from zeropark.ledger.log import Log
from zeropark.operate.alarms import Row, Standing, burden_of, rows

ALARM = "alarm"
_HOUR, _MINUTE = 3600.0, 60.0
_DAY = 24.0 * _HOUR
_PRIORITIES = ("high", "medium", "low")


@dataclass(frozen=True)
class Moved:
    """A change of an alarm's state. at: moment of the park [POSIX s]. leaf: its number in the log.

    id: key and source. said: what was seen.
    """

    at: float
    leaf: int
    id: str
    state: Standing
    said: str

    @property
    def key(self) -> str:
        """Key of its row."""
        return self.id.partition(":")[0]

    @property
    def row(self) -> Row:
        """Its row of data."""
        return rows()[self.key]

    @property
    def group(self) -> tuple[str, str]:
        """What it belongs to: its key, and the asset its source is of."""
        return self.key, self.id.partition(":")[2].partition("/")[0]


@dataclass(frozen=True)
class Burden:
    """What alarms asked of people. hours: of operation [h].

    told: alarms in all. groups: those of one row and asset within a minute count once. per_hour: of
    groups per operator-hour. most_in_ten_minutes: of groups. chattering: sources that came three
    times in a minute. over_a_day: standing longer than 24 h. shares: of groups, by priority [1];
    empty without any.
    """

    hours: float
    told: int
    groups: int
    per_hour: float
    most_in_ten_minutes: int
    chattering: int
    over_a_day: int
    shares: dict[str, float]


def moves(database: Database, log: Log) -> list[Moved]:
    """Return all changes of alarms in a ledger, oldest first."""
    found = database.rows("SELECT size FROM entry WHERE kind = ? ORDER BY size", (ALARM,))
    sizes = [int(size) for (size,) in found]
    entries = zip(sizes, log.entries(sizes), strict=True)
    return [
        Moved(
            # Older entries say only when they were written.
            float(entry.get("step", entry["at"])) / 1e3,
            size,
            str(entry["alarm"]),
            Standing(entry["state"]),
            str(entry.get("said", "")),
        )
        for size, entry in entries
        if str(entry["alarm"]).partition(":")[0] in rows()
    ]


def lived(database: Database) -> tuple[float, float] | None:
    """Return the first and the last moment of which there are readings [POSIX s]; None without."""
    ((first, last),) = database.rows("SELECT min(start_min), max(start_max) FROM batch")
    return None if first is None else (float(first) / 1e3, float(last) / 1e3)


def standing(changes: Sequence[Moved]) -> list[Moved]:
    """Return the alarms that stand at the end, as they came to their state; high priority first."""
    last = {each.id: each for each in changes}
    left = [each for each in last.values() if each.state is not Standing.NORMAL]
    return sorted(left, key=lambda each: (_PRIORITIES.index(each.row.priority), each.at))


def burden(changes: Sequence[Moved], begin: float, end: float) -> Burden:
    """Return what the alarms told from `begin` to `end` [POSIX s] asked of people."""
    told = [
        each
        for each in changes
        if each.state is Standing.UNACKNOWLEDGED and begin <= each.at <= end
    ]
    groups: list[Moved] = []
    newest: dict[tuple[str, str], float] = {}
    for each in told:
        if each.at - newest.get(each.group, -np.inf) >= _MINUTE:
            groups.append(each)
            newest[each.group] = each.at
    hours = (end - begin) / _HOUR
    counted = burden_of([(each.at, each.id, each.row.priority) for each in groups], hours)
    every = burden_of([(each.at, each.id, each.row.priority) for each in told], hours)
    return Burden(
        hours=hours,
        told=len(told),
        groups=len(groups),
        per_hour=counted["per_hour"],
        most_in_ten_minutes=int(counted["most_in_ten_minutes"]),
        chattering=int(every["chattering"]),
        over_a_day=_over_a_day([each for each in changes if each.at <= end], end),
        shares={name: counted[f"share_{name}"] for name in _PRIORITIES} if groups else {},
    )


def _over_a_day(changes: Sequence[Moved], end: float) -> int:
    """Return how many alarms whose cause lasts were told more than 24 h before the end."""
    raised = {each.id: each.at for each in changes if each.state is Standing.UNACKNOWLEDGED}
    lasting = {Standing.UNACKNOWLEDGED, Standing.ACKNOWLEDGED}
    return sum(
        each.state in lasting and end - raised.get(each.id, each.at) > _DAY
        for each in standing(changes)
    )
