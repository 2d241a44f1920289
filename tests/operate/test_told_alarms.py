"""Alarms as the ledger tells them: measures by hand, and what people did."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operate.called_park import LI, CalledPark
from zeropark.data.errors import DataError
from zeropark.operate.alarms import Standing
from zeropark.operate.told_alarms import Moved, burden, lived, moves, standing

NEW, SEEN, BACK, OVER = (
    Standing.UNACKNOWLEDGED,
    Standing.ACKNOWLEDGED,
    Standing.RETURNED,
    Standing.NORMAL,
)


def told(*steps: tuple[float, str, Standing]) -> list[Moved]:
    return [Moved(at, leaf, id_, state, "") for leaf, (at, id_, state) in enumerate(steps)]


def test_the_measures_by_hand() -> None:
    changes = told(
        # Three points of one device at once: one group.
        (0.0, "reading_bad:bat/p", NEW),
        (5.0, "reading_bad:bat/soc", NEW),
        (59.0, "reading_bad:bat/energy", NEW),
        # A minute after the first of them it is told anew.
        (60.0, "reading_bad:bat/p", NEW),
        # One source three times within a minute: it chatters, and is one group.
        (1_000.0, "not_following:bat", NEW),
        (1_020.0, "not_following:bat", NEW),
        (1_059.0, "not_following:bat", NEW),
        (7_200.0, "limit_broken:tie", NEW),
    )
    found = burden(changes, 0.0, 7_200.0)
    assert (found.hours, found.told, found.groups) == (2.0, 8, 4)
    assert found.per_hour == 2.0
    assert found.most_in_ten_minutes == 2
    assert found.chattering == 1
    assert found.over_a_day == 0
    assert found.shares == {"high": 0.25, "medium": 0.25, "low": 0.5}
    # Only the last hour of it, which counts as one hour at least.
    late = burden(changes, 7_000.0, 7_200.0)
    assert (late.groups, late.per_hour) == (1, 1.0)
    none = burden([], 0.0, 7_200.0)
    assert (none.groups, none.per_hour, none.shares) == (0, 0.0, {})


def test_what_stands_is_told_highest_first_and_over_a_day_at_the_edge() -> None:
    day = 86_400.0
    changes = told(
        (0.0, "reading_bad:bat/p", NEW),
        (10.0, "reading_bad:bat/p", SEEN),
        (20.0, "limit_broken:tie", NEW),
        (30.0, "not_following:bat", NEW),
        (40.0, "not_following:bat", OVER),
        (50.0, "device_silent:bat", NEW),
        (60.0, "device_silent:bat", BACK),
    )
    assert [each.id for each in standing(changes)] == [
        "limit_broken:tie",
        "device_silent:bat",
        "reading_bad:bat/p",
    ]
    # Told at 0 and 20 s, both last; what returned lasts no longer.
    assert burden(changes, 0.0, day).over_a_day == 0
    assert burden(changes, 0.0, day + 1.0).over_a_day == 1
    assert burden(changes, 0.0, day + 21.0).over_a_day == 2


def test_alarms_of_a_ledger_with_what_people_did(tmp_path: Path) -> None:
    park = CalledPark(tmp_path / "store", hour=10.0)
    park.start()
    park.live(3)
    assert moves(park.store.database, park.store.log) == []
    park.site.faults.silent.add("bat")
    park.live(6)
    (raised,) = standing(moves(park.store.database, park.store.log))
    assert (raised.id, raised.state) == ("device_silent:bat", NEW)
    # By the park's clock, not by when it was written.
    assert 0.0 <= park.clock.now() - raised.at <= 360.0
    service = park.service
    for said, role, sentence in (
        ({"verb": "acknowledge", "on": "device_silent:bat"}, "", "carries no role"),
        ({"verb": "shelve", "on": "device_silent:bat", "hours": 1.0}, "auditor", "may not"),
        ({"verb": "shelve", "on": "device_silent:bat", "hours": 1.0}, "dispatcher", "say why"),
    ):
        actor = type(LI)(LI.kind, LI.name, role, LI.channel)
        with pytest.raises(DataError, match=sentence):
            service.answer(said, actor)
    service.answer({"verb": "acknowledge", "on": "device_silent:bat"}, LI)
    park.live(2)
    (seen,) = standing(moves(park.store.database, park.store.log))
    assert seen.state is SEEN
    service.answer({"verb": "shelve", "on": seen.id, "hours": 1.0, "why": "at work"}, LI)
    park.live(2)
    changes = moves(park.store.database, park.store.log)
    assert standing(changes) == []
    assert changes[-1].said == "shelved 1 h"
    span = lived(park.store.database)
    assert span is not None
    assert burden(changes, *span).groups == 1
    # When the hour is over it is told again.
    park.live(60)
    (again,) = standing(moves(park.store.database, park.store.log))
    assert again.state is NEW
    park.store.close()
