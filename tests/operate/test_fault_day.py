"""A fault day made short: every process of its own, a few faults, judged by truth and ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.fault_day import beginning, judged, live

# So much of a day: one fault of a device, one of the database, one of the leader.
KINDS = ("silence", "database restarted", "leader paused")
SPEED, SECONDS = 40.0, 1200.0


@pytest.mark.stores
@pytest.mark.parametrize("seed", [5])
def test_nothing_breaks_and_nothing_is_lost_on_a_short_fault_day(tmp_path: Path, seed: int) -> None:
    said: list[str] = []
    with beginning("microgrid", SPEED, tmp_path, "2026-04-17", "10:00") as day:
        live(day, SECONDS, seed, KINDS, said.append)
        found = judged(day)
    assert len(said) == sum(row.times for row in found.rows) == 2
    assert found.broken == ()
    assert found.orders > 0
    assert found.missing == ()
    assert found.leaves > 0
    assert found.lost == 0
