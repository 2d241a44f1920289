"""The options that name keys and heads somebody kept, alike for every command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeropark.faces.cli.refused import Refused, disk_sentence
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.ledger.signed import Signed

Heads = Annotated[
    list[str] | None,
    typer.Option(
        "--head",
        metavar="PLACE",
        help=N_("A head kept earlier: a file, a folder of them, or a witness's URL. Repeatable."),
    ),
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="FILE", help=N_("The key's file; else ZEROPARK_KEY or the credential.")
    ),
]


def kept_heads(places: list[str] | None, store: str) -> list[tuple[str, Signed]]:
    """Return the heads kept in files, folders or by witnesses, with where. Raises `Refused`.

    store: the id to ask a witness for.
    """
    from zeropark.ledger import door, witness  # noqa: PLC0415 - only who asks waits for these

    found: list[tuple[str, Signed]] = []
    for place in places or []:
        try:
            seen = door.fetch(place, store) if door.is_url(place) else witness.kept_in(Path(place))
        except OSError as error:
            raise Refused(disk_sentence(error, place)) from error
        if not seen:
            raise Refused(_("{place}: holds no head of this store.").format(place=place))
        found += [(where, each.head) for where, each in seen]
    return found
