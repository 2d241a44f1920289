"""Which store a ledger command means, and how its answers are printed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli.refused import Refused
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.ledger.place import Place

VARIABLE = "ZEROPARK_STORE"
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="PLACE",
        help=N_("Folder of the store, or postgresql://…; otherwise ZEROPARK_STORE says it."),
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help=N_("Print the result as JSON."))]


def store_place(said: str | None) -> Place:
    """Return where the store lies; raises `Refused` where nobody says it."""
    from zeropark.ledger.place import place_of  # noqa: PLC0415 - who needs no store waits for none

    named = said or os.environ.get(VARIABLE)
    if not named:
        raise Refused(_("No store is named. Add --store PLACE, or set ZEROPARK_STORE."))
    return place_of(named)


def tell(answer: Any, lines: list[str], *, as_json: bool) -> None:
    """Print an answer: as JSON, or as lines for a person."""
    words = json.dumps(answer, ensure_ascii=False, indent=1) if as_json else "\n".join(lines)
    print(words)  # noqa: T201 - the answer of a command
