"""A process that writes until it is killed, and tells each thing that was acknowledged.

`python -m tests.ledger.writer PLACE VFS SYNC FIRST`: `PLACE` holds a store with 20 points. The
clock of the store runs an hour with every hundred batches, so that sealing and compacting happen.
"""

from __future__ import annotations

import sys

import numpy as np

from tests.ledger import forgetful
from tests.ledger.made_up import QUARTER
from zeropark.ledger.clock import OwnClock
from zeropark.ledger.place import place_of
from zeropark.ledger.reading import Offered
from zeropark.ledger.seal import compact, seal
from zeropark.ledger.store import Store

FROM = 1_776_427_200_000
POINTS = 20


def value(batch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return what batch number `batch` holds of each point."""
    return np.arange(POINTS) * 1_000 + batch


def main(place: str, vfs: str, sync: str, first: str) -> None:
    """Write batches from number `first` on."""
    # Known to SQLite by its name as long as it is held here.
    _kept = forgetful.ForgetfulVfs() if vfs else None
    batch = int(first)
    # A batch a quarter of an hour: four to an hour of the clock.
    now = FROM + (batch + 2) * QUARTER
    clock = OwnClock(0, lambda: now, lambda: now, lambda: True)
    with Store(place_of(place), "writer", clock=clock, vfs=vfs, sync=sync, reserve=4_096) as store:
        while True:
            start = FROM + batch * QUARTER
            now = start + 2 * QUARTER
            taken = store.accept(Offered.of(np.arange(POINTS), start, QUARTER, value(batch)))
            assert taken.whole, taken.counts()
            print(batch, flush=True)  # noqa: T201 - what is acknowledged is told
            batch += 1
            if batch % 12 == 0:
                seal(store)
                compact(store)


if __name__ == "__main__":
    main(*sys.argv[1:])
