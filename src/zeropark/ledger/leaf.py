"""Leaves that every log has: its birth, and a batch of readings.

All other leaves (postings, commands, decisions, expiries) are canonical JSON of the parts of the
ledger that write them; each is an object with a `kind`.
"""

from __future__ import annotations

from typing import Literal

from zeropark.ledger import canonical, merkle, rowform

Nature = Literal["field", "simulated"]
"""What a store holds from its birth on: what meters measured, or what the simulated plant did."""
NATURES: tuple[Nature, ...] = ("field", "simulated")


def birth(store: str, nature: Nature, at: int) -> bytes:
    """Return the first leaf of a log: which store it is, and whether field or simulated.

    store: the store's own id. at: moment of creation [ms since 1970-01-01 UTC].
    """
    assert nature in NATURES, "a store is field or simulated"
    said = {"kind": "store", "store": store, "nature": nature, "at": at}
    return canonical.dumps(said)


def readings(rows: rowform.Rows) -> bytes:
    """Return the leaf of a batch of readings acknowledged together: root, count and range.

    Ranges are of the rows: earliest start and latest end of an interval, first and last `known_at`
    [ms since 1970-01-01 UTC], first and last sequence.
    """
    assert len(rows), "a batch holds a reading"
    ends = rows["start"] + rows["length"]
    said = {
        "kind": "readings",
        "layout": rowform.VERSION,
        "root": merkle.row_root(rowform.encode(rows), rowform.WIDTH).hex(),
        "count": len(rows),
        "start": int(rows["start"].min()),
        "end": int(ends.max()),
        "known_from": int(rows["known_at"].min()),
        "known_to": int(rows["known_at"].max()),
        "sequence_from": int(rows["sequence"].min()),
        "sequence_to": int(rows["sequence"].max()),
    }
    return canonical.dumps(said)
