"""What a process does that keeps one call until it is killed right after an entry of its life."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zeropark.ledger.postings import Postings
from zeropark.ledger.reading import Offered
from zeropark.ledger.registry import Point
from zeropark.ledger.rowform import Quality
from zeropark.ledger.store import Store
from zeropark.operate.calls import Calls, Stage
from zeropark.operate.envelope import Ability
from zeropark.operate.lived import Meters
from zeropark.operate.product import Terms, Way

BEGIN, QUARTER = 900_000.0, 900.0
ABLE = Ability("park", BEGIN, 1.0, 0.8, 0.5, 120.0, 80.0)
# Import in each quarter of the call [MW]; the third is not metered.
METERED = (1.5, 1.6, None, 1.4)


def read_meter(store: Store) -> None:
    """Offer the tie's readings, as the diary does; a second time they are known."""
    store.register([Point("tie/p", "W", "state")])
    number, source = store.registry.number("tie/p"), store.source("operate")
    for i, power in enumerate(METERED):
        if power is not None:
            at = round((BEGIN + i * QUARTER) * 1e3)
            whole = np.array([round(power * 1e6)])
            quality = np.array([int(Quality.MEASURED)])
            store.accept(Offered.of(np.array([number]), np.array([at]), 0, whole, quality, source))


def advance(calls: Calls, store: Store) -> None:
    """Do the next step of the one call, from what stands in the ledger."""
    if not calls.calls:
        terms = Terms("peak_cutting", 2_000.0, 500.0)
        calls.offer(terms, Way.LESS, ABLE, 0.5, 0.0)
        return
    (call,) = calls.calls.values()
    if call.stage is Stage.OFFERED:
        calls.award(call.id, np.full(4, 2.0), 0.0)
    elif call.stage is Stage.AWARDED:
        calls.planned(call.id, {"grade": "optimal"}, 0.0)
    elif call.stage is Stage.PLANNED:
        meters = Meters(store.registry, store.history)
        calls.deliver(call.id, meters.means("tie", "p", BEGIN, 4, QUARTER), BEGIN + 3_600.0)
    elif call.stage is Stage.DELIVERED:
        says = {"method": "plan", "gamed": "unknown"}
        calls.measure(call.id, np.array(call.reckoned), says, BEGIN + 3_600.0)
    elif call.stage is Stage.MEASURED:
        calls.settle(call.id, BEGIN + 3_600.0)
    elif call.stage is Stage.SETTLED:
        calls.share(call.id, {"park": 0.6, "works": 0.4}, "rated", BEGIN + 3_600.0)


def keep(folder: Path, until: str) -> None:
    """Live the whole call from what the store says; SIGKILL once the entry of a stage is there."""
    with Store(folder, "operate", reserve=4_096) as store:
        read_meter(store)
        note = store.note

        def deadly(kind: str, body: Mapping[str, Any], subject: str = "") -> int:
            size = note(kind, body, subject)
            if kind == "call" and body["stage"] == until:
                os.kill(os.getpid(), signal.SIGKILL)
            return size

        store.note = deadly  # type: ignore[method-assign]
        calls = Calls(store, Postings(store), ["park", "works"])
        for _ in range(len(Stage)):
            advance(calls, store)
