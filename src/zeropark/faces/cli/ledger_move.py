"""`zeropark ledger move`: a store from a folder to a server, or back."""

from __future__ import annotations

from typing import Annotated

import typer

from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place, tell
from zeropark.faces.cli.progress import Progress
from zeropark.faces.cli.refused import DONE
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _


def move(
    to: Annotated[str, typer.Argument(metavar="PLACE", help=N_("New folder, or postgresql://…"))],
    store: StoreOption = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Move a store: zeropark ledger move postgresql://park@db/ledger --store park."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.move import move as move_store  # noqa: PLC0415
    from zeropark.ledger.place import place_of, shown  # noqa: PLC0415

    source, target = store_place(store), place_of(to)
    with in_sentences(), Progress() as progress:
        done = move_store(source, target, lambda at, total: progress("move", at, total))
    words = _("{place} holds the store: {size} entries, {rows} readings; {old} takes no more.")
    line = words.format(place=shown(target), size=done.size, rows=done.rows, old=shown(source))
    answer = {"place": shown(target), "size": done.size, "rows": done.rows, "root": done.root.hex()}
    tell(answer, [line], as_json=as_json)
    return DONE
