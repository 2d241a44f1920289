"""What came of a fault day, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.fault_table import Case, Kept, judge, page_of
from zeropark.operate.truth import Truth

START = 1_000_000.0
HEAD = {"step": 60.0, "limits": {"tie/p": [-1.0, 2.0], "bat/soc": [0.1, 0.9]}}


def truth(tie: list[float], soc: float = 0.5) -> Truth:
    at = np.array([START + 60.0 * i for i in range(len(tie))])
    values = np.stack([np.array(tie), np.full(len(tie), soc)], axis=1)
    return Truth(HEAD, ("tie/p", "bat/soc"), at, values, ())


def alarm(at: float, id_: str, state: str = "unacknowledged", priority: str = "high") -> Any:
    return {"alarm": id_, "state": state, "priority": priority, "step": str(round(at * 1e3))}


CASES = [
    Case("silence", "bat", START + 60.0, START + 120.0),
    Case("silence", "bat", START + 660.0, START + 720.0),
    Case("disk full", "", START + 1260.0, START + 1320.0),
    Case("call too large", "", START + 1860.0, START + 1861.0, "refused: call_power"),
]
ENTRIES = [
    alarm(START + 65.0, "device_silent:bat"),
    alarm(START + 150.0, "device_silent:bat", "returned, not acknowledged"),
    alarm(START + 690.0, "device_silent:bat", priority="low"),
    alarm(START + 725.0, "device_silent:bat", "returned, not acknowledged"),
    # Of another device, and of ours in time.
    alarm(START + 700.0, "device_silent:tie"),
    alarm(START + 1262.0, "not_recorded:ledger"),
    {"order": "a1", "stage": "taken"},
]


def test_a_fault_is_found_by_the_alarms_of_its_device_and_over_when_they_return() -> None:
    found = judge(truth([0.0] * 61), CASES, ENTRIES, Kept(("a1",), 3, 0), reaction=60.0)
    rows = {row.kind: row for row in found.rows}
    assert (rows["silence"].times, rows["silence"].alarmed) == (2, 2)
    assert (rows["silence"].found, rows["silence"].over) == (30.0, 30.0)
    assert rows["silence"].alarms == ("device_silent",)
    assert (rows["disk full"].found, rows["disk full"].over) == (2.0, None)
    assert rows["call too large"].said == "refused: call_power (1)"
    assert found.hours == 1.0
    assert found.burden["per_hour"] == 4.0
    assert found.burden["share_low"] == 0.25
    assert found.holds
    page = page_of(found, "by hand")
    assert "| silence | 2 | 2 | device_silent | 30 | 30 |" in page
    assert "| call too large | 1 | 0 | refused: call_power (1) | - | - |" in page


@pytest.mark.parametrize(
    ("over", "orders", "lost", "holds"),
    [
        (1, ("a1",), 0, True),
        (2, ("a1",), 0, False),
        (0, ("a1", "a2"), 0, False),
        (0, ("a1",), 1, False),
    ],
)
def test_what_is_broken_for_longer_or_lost_does_not_hold(
    *, over: int, orders: tuple[str, ...], lost: int, holds: bool
) -> None:
    tie = [0.0] * 10 + [2.1] * over + [0.0] * 50
    found = judge(truth(tie), [], ENTRIES, Kept(orders, 3, lost), reaction=60.0)
    assert found.holds is holds


def test_a_battery_out_of_its_band_does_not_hold() -> None:
    found = judge(truth([0.0] * 5, soc=0.95), [], ENTRIES, Kept((), 0, 0), reaction=60.0)
    assert [each.column for each in found.broken] == ["bat/soc"]
    assert not found.holds
