"""A process that lifts a store by two forms until it is killed, and tells each step it is in.

`python -m tests.ledger.lifter PLACE [VFS]`.
"""

from __future__ import annotations

import sys
import time

from tests.ledger import forgetful
from zeropark.ledger.database import Database
from zeropark.ledger.place import place_of
from zeropark.ledger.upgrade import Lift, upgrade
from zeropark.units.text import Text


def first(database: Database) -> None:
    """Make a table; slow enough to be killed in it."""
    database.run("CREATE TABLE made (one INTEGER)")
    told("first")


def second(database: Database) -> None:
    """Drop it."""
    database.run("DROP TABLE made")
    told("second")


def told(step: str) -> None:
    """Tell a step, and leave time for a kill before its transaction ends."""
    print(step, flush=True)  # noqa: T201 - what is under way is told
    time.sleep(0.05)


LIFTS = {1: Lift(Text("one", "一"), first), 2: Lift(Text("two", "二"), second)}


def main(place: str, vfs: str = "") -> None:
    """Lift it to form 3."""
    # The way to all files as long as it is held here.
    _kept = forgetful.ForgetfulVfs(everywhere=True) if vfs else None
    told("begun")
    upgrade(place_of(place), dry_run=False, lifts=LIFTS, wanted=3)


if __name__ == "__main__":
    main(*sys.argv[1:])
