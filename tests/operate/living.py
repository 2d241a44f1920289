"""A small park that lives on, caught up and then standing still, for who looks at it."""

from __future__ import annotations

import time
from pathlib import Path

from zeropark.assets import kinds
from zeropark.ledger.store import Store
from zeropark.model.parkfile import read_park
from zeropark.operate import living as module
from zeropark.operate.build import RunRequest
from zeropark.operate.living import Living

ROOT = Path(__file__).parents[2]
PAST_HOURS = 30.0
PATIENCE_S = 60.0


def still(park: str = "microgrid", store: Store | None = None, step: int = 60) -> Living:
    """Return a park that has lived 30 hours and then waits an hour of ours for its next step."""
    source = ROOT / "parks" / park / "park.yaml"
    request = RunRequest(
        read_park(source, kinds()), source.parent, "2026-04-16", days=4, step_minutes=step,
        horizon_hours=24.0,
    )  # fmt: skip
    before, module._PAST_HOURS = module._PAST_HOURS, PAST_HOURS
    living = Living(request, speed=1.0, store=store)
    module._PAST_HOURS = before
    living.start()
    until = time.monotonic() + PATIENCE_S
    while living.fault is None and (living.frame is None or living.frame.ahead is None):
        assert time.monotonic() < until, "a small park catches up in seconds"
        time.sleep(0.02)
    assert living.fault is None, living.fault
    return living
