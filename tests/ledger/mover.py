"""A process that moves a store until it is killed, and tells each part that is durable.

`python -m tests.ledger.mover FROM TO [VFS]`.
"""

from __future__ import annotations

import sys

from tests.ledger import forgetful
from zeropark.ledger.move import move
from zeropark.ledger.place import place_of


def main(source: str, to: str, vfs: str = "") -> None:
    """Move it, a line for each part."""
    # The way to all files as long as it is held here.
    _kept = forgetful.ForgetfulVfs(everywhere=True) if vfs else None
    move(
        place_of(source),
        place_of(to),
        lambda done, _all: print(done, flush=True),  # noqa: T201 - what is durable is told
        reserve=4_096,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
