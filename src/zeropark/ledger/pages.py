"""The newest reading of every point as pages of bytes: a thousand points are a few writes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zeropark.ledger.database import Database
from zeropark.ledger.reading import Ints
from zeropark.ledger.state import STATE, unused

POINTS_ON_PAGE = 64


def write_pages(database: Database, state: npt.NDArray[np.void], points: Ints) -> None:
    """Write the pages of `state` (all points, by number) that `points` stand on."""
    pages = np.unique(points // POINTS_ON_PAGE).tolist()
    database.many(
        "INSERT INTO latest VALUES (?, ?) ON CONFLICT (page) DO UPDATE SET body = excluded.body",
        (
            (page, state[page * POINTS_ON_PAGE : (page + 1) * POINTS_ON_PAGE].tobytes())
            for page in pages
        ),
    )


def read_pages(database: Database) -> npt.NDArray[np.void]:
    """Return the newest reading of every registered point, by number, of dtype `STATE`."""
    ((count,),) = database.rows("SELECT count(*) FROM point")
    state = unused(count)
    for page, body in database.rows("SELECT page, body FROM latest"):
        part = np.frombuffer(bytes(body), STATE)
        state[page * POINTS_ON_PAGE : page * POINTS_ON_PAGE + len(part)] = part
    return state
