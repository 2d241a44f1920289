"""Readings that do not simply go on in time: late ones, doubles, corrections, one by one."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from zeropark.ledger.reading import Ints, Offered, Outcome
from zeropark.ledger.rowform import Flag, Quality, Rows
from zeropark.ledger.state import Held, Places, Spell

Body = tuple[int, int, int, int]


class Late:
    """What becomes of some readings of an offer, against what the ledger holds and each other.

    outcomes, flags: of the whole offer, filled in here.
    """

    def __init__(
        self,
        offered: Offered,
        state: npt.NDArray[np.void],
        held: Held,
        outcomes: npt.NDArray[np.uint8],
        flags: npt.NDArray[np.uint32],
    ) -> None:
        self._offered = offered
        self._state = state
        self._held = held
        self._outcomes = outcomes
        self._flags = flags
        self._fresh: dict[int, npt.NDArray[np.void]] = {}
        self._newest: dict[int, int] = {}
        self._before: dict[int, list[Spell]] = {}
        self._spells: dict[int, list[Spell]] = {}
        self._versions: defaultdict[tuple[int, int], list[Body]] = defaultdict(list)

    def judge(self, places: list[int]) -> tuple[Ints, npt.NDArray[np.void], Places]:
        """Judge the readings at `places`, sorted by point, start and revision.

        Returns points whose newest reading changed, their state, and that reading's place.
        """
        self._load(places)
        for i in places:
            outcome = self._one(i)
            self._outcomes[i] = outcome
            if outcome is Outcome.CORRECTED:
                self._flags[i] |= np.uint32(Flag.CORRECTS)
        points = np.array(list(self._newest), np.int64)
        fresh = self._state[points]
        for k, point in enumerate(self._newest):
            fresh[k] = self._fresh[point][0]
        return points, fresh, np.array(list(self._newest.values()), np.intp)

    def closed(self) -> list[Spell]:
        """Return spells that are to be kept now."""
        return [s for p, spells in self._spells.items() for s in spells if s not in self._before[p]]

    def opened(self) -> list[Spell]:
        """Return spells that were kept and went into others."""
        return [s for p, spells in self._before.items() for s in spells if s not in self._spells[p]]

    def _load(self, places: list[int]) -> None:
        """Ask the ledger once for what it holds of these points at these times."""
        offered = self._offered
        points, start = offered.point[places], offered.start[places]
        end = start + np.maximum(offered.length[places], 1)
        distinct = np.unique(points)
        for point in distinct.tolist():
            mine = points == point
            first, last = int(start[mine].min()), int(end[mine].max())
            self._before[point] = self._held.spells(point, first, last)
            self._spells[point] = list(self._before[point])
            self._fresh[point] = self._state[point : point + 1].copy()
        if any(self._covered(int(p), int(s)) for p, s in zip(points, start, strict=True)):
            rows = self._held.versions(distinct, int(start.min()), int(start.max()))
            self._remember(rows)

    def _remember(self, rows: Rows) -> None:
        fields = ("point", "start", "length", "value", "source", "quality")
        for point, start, *body in zip(*(rows[f].tolist() for f in fields), strict=True):
            self._versions[point, start].append(tuple(body))

    def _covered(self, point: int, at: int) -> bool:
        newest = self._fresh[point][0]
        inside = newest["used"] and newest["run_start"] <= at < newest["run_end"]
        return bool(inside) or any(a <= at < b for _, a, b in self._spells[point])

    def _one(self, i: int) -> Outcome:
        """Return what becomes of one reading."""
        offered = self._offered
        point, start, length, value, quality, source, revision = (
            int(column[i])
            for column in (
                offered.point, offered.start, offered.length, offered.value, offered.quality,
                offered.source, offered.revision,
            )
        )  # fmt: skip
        versions = self._versions[point, start]
        body = (length, value, source, quality)
        if revision < len(versions):
            held = versions[revision]
            # What came in as measured may have been kept as suspect.
            alike = body[:3] == held[:3] and held[3] in {quality, Quality.SUSPECT}
            return Outcome.EXISTS if alike else Outcome.EXISTS_WITH_ANOTHER_BODY
        if revision > len(versions):
            return Outcome.EARLIER_REVISION_MISSING
        if revision and length != versions[0][0]:
            return Outcome.INTERVAL_OF_ANOTHER_LENGTH
        if not revision and not self._place(i, point, start, start + max(length, 1)):
            return Outcome.INTERVAL_OVERLAPS
        versions.append(body)
        if revision and start == self._fresh[point]["start"][0]:
            self._newest[point] = i
            self._fresh[point]["value"], self._fresh[point]["repeats"] = value, 0
        return Outcome.CORRECTED if revision else Outcome.ACCEPTED

    def _place(self, i: int, point: int, start: int, end: int) -> bool:
        """Return whether the interval overlaps nothing; it is part of a spell then."""
        newest = self._fresh[point]
        if not newest["used"][0] or start >= newest["run_end"][0]:
            self._go_on(i, point, start, end)
            return True
        if end > newest["run_start"][0]:
            return False
        if any(a < end and b > start for _, a, b in self._spells[point]):
            return False
        touching = [s for s in self._spells[point] if s[1] == end or s[2] == start]
        first, last = min([start, *(s[1] for s in touching)]), max([end, *(s[2] for s in touching)])
        kept = [s for s in self._spells[point] if s not in touching]
        self._spells[point] = [*kept, (point, first, last)]
        return True

    def _go_on(self, i: int, point: int, start: int, end: int) -> None:
        """Take a reading that lies behind all others of its point."""
        newest, offered = self._fresh[point], self._offered
        gap = bool(newest["used"][0]) and start > newest["run_end"][0]
        if gap:
            spell = (point, int(newest["run_start"][0]), int(newest["run_end"][0]))
            self._spells[point].append(spell)
            self._flags[i] |= np.uint32(Flag.AFTER_GAP)
        if gap or not newest["used"][0]:
            newest["run_start"] = start
        newest["before"] = newest["value"]
        newest["run_end"], newest["used"], newest["repeats"] = end, 1, 0
        newest["start"], newest["length"] = start, offered.length[i]
        newest["value"] = offered.value[i]
        self._newest[point] = i
