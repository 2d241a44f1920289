"""`zeropark ledger fill`: gaps filled by a named method, where somebody asks for it."""

from __future__ import annotations

from typing import Annotated

import typer

from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place, tell
from zeropark.faces.cli.moment import moment_ms, shown
from zeropark.faces.cli.refused import DONE
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _


def fill(
    point: Annotated[str, typer.Argument(metavar="POINT", help=N_("A point: asset/port."))],
    first: Annotated[
        str,
        typer.Option(
            "--from", metavar="MOMENT", help=N_("First moment, with its zone, or a date.")
        ),
    ],
    until: Annotated[
        str,
        typer.Option("--until", metavar="MOMENT", help=N_("End, with its zone; not included.")),
    ],
    by: Annotated[str, typer.Option("--by", metavar="METHOD", help=N_("last, mean or beside."))],
    beside: Annotated[
        str, typer.Option(metavar="POINT", help=N_("The other meter of the method beside."))
    ] = "",
    store: StoreOption = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=N_("Show what would be filled; write nothing."))
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Fill gaps of a point; return 0."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.fill import METHODS  # noqa: PLC0415
    from zeropark.ledger.fill import fill as fill_gaps  # noqa: PLC0415
    from zeropark.ledger.store import Store  # noqa: PLC0415

    span = moment_ms(first, "--from"), moment_ms(until, "--until")
    with in_sentences(), Store(store_place(store), "fill") as opened:
        done = fill_gaps(opened, point, *span, by, beside, dry_run=dry_run)
    method = METHODS[by]
    pairs = zip(done.start.tolist(), done.value.tolist(), strict=True)
    answer = {
        "point": point,
        "by": by,
        "claim": method.claim,
        "dry_run": dry_run,
        "filled": [{"start": shown(start), "value": value} for start, value in pairs],
        "left": done.left,
    }
    words = _("Gaps filled with {method}: {count}; left: {left}.")
    if dry_run:
        words = _("Gaps to fill with {method}: {count}; left: {left}. Nothing was written.")
    may = _("For a claim they count.") if method.claim else _("For a claim they never count.")
    said = method.words.in_language(language())
    line = words.format(count=len(done.start), method=said, left=done.left)
    tell(answer, [line, may], as_json=as_json)
    return DONE
