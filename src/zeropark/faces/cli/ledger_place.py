"""Which store a ledger command means, and how its answers are printed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from zeropark.faces.cli.refused import Refused
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

VARIABLE = "ZEROPARK_STORE"
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", metavar="DIR", help=N_("Folder of the store; otherwise ZEROPARK_STORE says it.")
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help=N_("Print the result as JSON."))]


def store_folder(said: Path | None) -> Path:
    """Return the folder of the store; raises `Refused` where nobody says it."""
    named = said or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is None:
        raise Refused(_("No store is named. Add --store DIR, or set ZEROPARK_STORE."))
    return named


def tell(answer: Any, lines: list[str], *, as_json: bool) -> None:
    """Print an answer: as JSON, or as lines for a person."""
    words = json.dumps(answer, ensure_ascii=False, indent=1) if as_json else "\n".join(lines)
    print(words)  # noqa: T201 - the answer of a command
