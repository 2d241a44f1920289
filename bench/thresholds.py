"""`python -m bench.thresholds`: try the rules' thresholds on 24 days, keep the sums for a test.

The days are the 5th and 27th of each month, which no comparison uses. A cell is the rules' cost
[CNY] over them, settled as every run is. What lies further out was tried for a battery of 10 MWh
(decision 0028).
"""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from zeropark.assets import kinds
from zeropark.model.parkfile import read_park
from zeropark.operate.build import RunRequest
from zeropark.operate.controllers import Rules, Thresholds
from zeropark.operate.run import Run

ROOT = Path(__file__).resolve().parents[1]
PARK = ROOT / "parks" / "microgrid" / "park.yaml"
TABLE = ROOT / "tests" / "operate" / "thresholds.json"
DAYS = tuple(f"2026-{month:02d}-{day:02d}" for month in range(1, 13) for day in (5, 27))
SEED = 11
TARGETS = (0.05, 0.1, 0.15, 0.2)
FILLS = (0.2, 0.45, 0.6, 0.9, 0.95, 1.0)
STARTS = (0.05, 0.1, 0.2, 0.4)


def cells() -> list[Thresholds]:
    """Return the grid of thresholds that is tried."""
    return [Thresholds(*cell) for cell in itertools.product(TARGETS, FILLS, STARTS)]


def costs(day: str, tried: list[Thresholds]) -> list[float]:
    """Return what the rules cost [CNY] on a local day with each of the thresholds tried."""
    run = Run(RunRequest(read_park(PARK, kinds()), PARK.parent, day, seed=SEED))
    found = []
    for thresholds in tried:
        outcome = run.live("rules", Rules(run.world, thresholds), None, lambda *_: None)
        found.append(sum(outcome.costs.values()))
    return found


def main() -> None:
    """Try every cell on every day, two days at a time, and write the table."""
    tried = cells()
    with ProcessPoolExecutor(2) as pool:
        by_day = list(pool.map(costs, DAYS, itertools.repeat(tried)))
    table = [
        {
            "target": cell.target,
            "fill": cell.fill,
            "start_surplus": cell.start_surplus,
            "cost_cny": round(sum(day[at] for day in by_day), 2),
            "cost_by_day_cny": [round(day[at], 2) for day in by_day],
        }
        for at, cell in enumerate(tried)
    ]
    rows = ",\n".join("  " + json.dumps(row) for row in table)
    TABLE.write_text(f'{{"seed": {SEED}, "days": {json.dumps(DAYS)}, "cells": [\n{rows}\n]}}\n')
    best = min(table, key=lambda row: float(str(row["cost_cny"])))
    print("best:", {name: best[name] for name in list(best)[:-1]})


if __name__ == "__main__":
    main()
