"""`zeropark ledger expire|rollup`: what is let go by a stated policy, and the sums that remain."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from zeropark.faces.cli.ledger_look import Points, span, table
from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place, tell
from zeropark.faces.cli.moment import shown
from zeropark.faces.cli.refused import DONE, Refused, did_you_mean
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _


def expire(
    store: StoreOption = None,
    keep_days: Annotated[
        int | None,
        typer.Option(metavar="N", help=N_("State for how long readings are kept; expire none.")),
    ] = None,
    why: Annotated[
        str | None, typer.Option(metavar="TEXT", help=N_("On what the policy rests."))
    ] = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """State a policy, or let expire what it no longer keeps: zeropark ledger expire."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger import retention  # noqa: PLC0415
    from zeropark.ledger.store import Store  # noqa: PLC0415

    if (keep_days is None) != (why is None):
        raise Refused(_("--keep-days and --why go together: a policy says on what it rests."))
    with in_sentences(), Store(store_place(store), "expire") as opened:
        if keep_days is not None and why is not None:
            size = retention.state_policy(opened, keep_days, why)
            answer: dict[str, Any] = {"policy": size, "keep_days": keep_days, "why": why}
            words = _("Readings are kept for {days} days; that is entry {size} of the log.")
            line = words.format(days=keep_days, size=size)
        else:
            gone = retention.expire(opened)
            answer = {"size": gone.size, "rows": gone.rows, "batches": gone.batches}
            words = _("{rows} readings of {batches} batches expired; their roll-ups remain.")
            line = words.format(rows=gone.rows, batches=gone.batches)
    tell(answer, [line], as_json=as_json)
    return DONE


def rollup(
    first: Annotated[
        str, typer.Option("--from", metavar="MOMENT", help=N_("First day or moment, in UTC."))
    ],
    until: Annotated[
        str, typer.Option("--until", metavar="MOMENT", help=N_("End; its day is not included."))
    ],
    store: StoreOption = None,
    point: Points = None,
    step: Annotated[
        str, typer.Option(metavar="STEP", help=N_("quarter, hour, day or month (UTC)."))
    ] = "day",
    *,
    as_json: JsonOption = False,
) -> int:
    """Show sums with coverage, of expired days too: zeropark ledger rollup --from 2026-04-01."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.reader import Reader  # noqa: PLC0415
    from zeropark.ledger.retention import counted  # noqa: PLC0415
    from zeropark.ledger.rollup import LEVELS, months, rollups  # noqa: PLC0415
    from zeropark.ledger.rollup import STEPS_MS as LENGTHS  # noqa: PLC0415

    if step not in LEVELS:
        sentence = _("--step: '{given}' is not known.{meant} Allowed: {known}.")
        near = did_you_mean(step, LEVELS)
        raise Refused(sentence.format(given=step, meant=near, known=", ".join(LEVELS)))
    begin, end = span(first, until)
    with in_sentences(), Reader(store_place(store)) as reader:
        registry = reader.registry()
        numbers = {registry.number(each) for each in point or ()}
        when = counted(reader.log, reader.database)
        found = rollups(reader.history, reader.database, begin, end, when)
    rows = [
        {
            "point": registry[number].name,
            "start": shown(start),
            "total": total,
            "unit": registry[number].unit,
            "low": low,
            "high": high,
            "readings": times,
            "covered_pu": round(covered / (LENGTHS.get(level) or _length(months, start)), 4),
            "expired": when(start, start + LENGTHS.get(level, 0)) is not None,
        }
        for level, number, start, total, low, high, times, covered in sorted(found)
        if level == step and (not numbers or number in numbers)
    ]
    tell({"step": step, "rows": rows}, table({"rows": rows}), as_json=as_json)
    return DONE


def _length(months: Any, start: int) -> int:
    """Return the length of the calendar month that begins at a moment [ms]."""
    ((begin, end),) = months(start, start + 1)
    return int(end - begin)
