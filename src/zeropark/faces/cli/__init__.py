"""The commands of zeropark: one file per command, each a thin face over one room."""

from __future__ import annotations

import os
import sys

# Small problems are slower on many threads; read by numpy's libraries when they are first imported.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
# Who checks a park needs no plug-in; to look for one, pydantic asks every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def main() -> None:
    """Answer the command line; leave with 0 done, 1 no, 2 wrong input, 3 our fault."""
    # Only here: whoever imports a part of this package does not need the whole door.
    from zeropark.faces.cli.door import answer  # noqa: PLC0415

    sys.exit(answer(sys.argv[1:]))
