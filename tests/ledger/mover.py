"""A process that moves a store until it is killed, and tells each part that is durable.

`python -m tests.ledger.mover FROM TO`.
"""

from __future__ import annotations

import sys

from zeropark.ledger.move import move
from zeropark.ledger.place import place_of


def main(source: str, to: str) -> None:
    """Move it, a line for each part."""
    move(
        place_of(source),
        place_of(to),
        lambda done, _all: print(done, flush=True),  # noqa: T201 - what is durable is told
        reserve=4_096,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
