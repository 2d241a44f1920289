"""`zeropark ledger point|residual`: the register of points, and a meter beside its parts."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli.ledger_look import From, Until, span, table
from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place, tell
from zeropark.faces.cli.moment import moment_ms, shown
from zeropark.faces.cli.refused import DONE, Refused
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.ledger.registry import Point

_MS = 1_000
Whole = Annotated[int | None, typer.Option(metavar="N", help=N_("In the point's unit."))]


def point(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help=N_("asset/port; without it, show all."))
    ] = None,
    store: StoreOption = None,
    unit: Annotated[
        str | None, typer.Option(metavar="UNIT", help=N_("Of its whole numbers, such as Wh."))
    ] = None,
    measures: Annotated[
        str | None, typer.Option(metavar="HOW", help=N_("interval, counter or state."))
    ] = None,
    interval_s: Annotated[
        int | None, typer.Option(metavar="N", help=N_("Length of every reading; 0: any."))
    ] = None,
    party: Annotated[
        str | None, typer.Option(metavar="NAME", help=N_("Who sees and owns it."))
    ] = None,
    parent: Annotated[
        str | None, typer.Option(metavar="NAME", help=N_("The meter it is a part of."))
    ] = None,
    tolerance_ppm: Annotated[
        int | None, typer.Option(metavar="N", help=N_("How far its parts may differ from it."))
    ] = None,
    accuracy: Annotated[
        str | None, typer.Option(metavar="CLASS", help=N_("Class of the meter, such as 0.5S."))
    ] = None,
    calibrated: Annotated[
        str | None, typer.Option(metavar="DATE", help=N_("When it was calibrated."))
    ] = None,
    meter: Annotated[
        str | None, typer.Option(metavar="ID", help=N_("Serial number of the meter."))
    ] = None,
    exchanged_at: Annotated[
        str | None, typer.Option(metavar="MOMENT", help=N_("When the meter was changed."))
    ] = None,
    low: Whole = None,
    high: Whole = None,
    jump: Whole = None,
    roll_over: Whole = None,
    freeze_after: Annotated[
        int | None, typer.Option(metavar="N", help=N_("Equal readings in a row that are suspect."))
    ] = None,
    late_after_s: Annotated[
        int | None, typer.Option(metavar="N", help=N_("After how long a reading is late."))
    ] = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Register a point, or state anew what is given: zeropark ledger point pv/node --unit Wh."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`

    said: dict[str, Any] = {
        "unit": unit, "measures": measures, "party": party, "parent": parent,
        "tolerance": tolerance_ppm, "accuracy": accuracy, "calibrated": calibrated, "meter": meter,
        "low": low, "high": high, "jump": jump, "roll_over": roll_over,
        "freeze_after": freeze_after,
        "interval": None if interval_s is None else interval_s * _MS,
        "late_after": None if late_after_s is None else late_after_s * _MS,
        "exchanged_at": None if exchanged_at is None else moment_ms(exchanged_at, "--exchanged-at"),
    }  # fmt: skip
    given = {field: value for field, value in said.items() if value is not None}
    with in_sentences():
        rows = _listed(store) if name is None else [_stated(store, name, given)]
    if name is None and given:
        raise Refused(_("Name the point that this is said of, such as pv/node."))
    tell({"rows": rows}, table({"rows": [_short(row) for row in rows]}), as_json=as_json)
    return DONE


def _listed(store: str | None) -> list[dict[str, Any]]:
    from zeropark.ledger.reader import Reader  # noqa: PLC0415 - see `ledger`

    with Reader(store_place(store)) as reader:
        return [asdict(each) for each in reader.registry()]


def _stated(store: str | None, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Register what is given of a point, and return the point."""
    from zeropark.ledger.registry import Point  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.store import Store  # noqa: PLC0415

    with Store(store_place(store), "point") as opened:
        held: Point | None = None
        if opened.registry.knows(name):
            held = opened.registry[opened.registry.number(name)]
        if held is None and "unit" not in given:
            raise Refused(_("'{name}' is new; say its unit with --unit.").format(name=name))
        found = replace(held or Point(name, ""), **given)
        if found != held:
            opened.register([found])
        return asdict(found)


def _short(row: dict[str, Any]) -> dict[str, Any]:
    fields = ("name", "unit", "measures", "party", "parent", "accuracy", "calibrated", "meter")
    return {**{field: row[field] or None for field in fields}, "interval_s": row["interval"] / _MS}


def residual(
    name: Annotated[str, typer.Argument(metavar="METER", help=N_("A point that has parts."))],
    store: StoreOption = None,
    first: From = None,
    until: Until = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Show a meter less its parts: zeropark ledger residual works/main --from 2026-04-17."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.parts import residual_of  # noqa: PLC0415
    from zeropark.ledger.reader import Reader  # noqa: PLC0415

    with in_sentences(), Reader(store_place(store)) as reader:
        registry = reader.registry()
        starts, found = residual_of(reader.history, registry, name, *span(first, until))
        unit = registry[registry.number(name)].unit
    rows = [
        {
            "start": shown(int(start)),
            "residual": int(value) if known else None,
            "unit": unit,
            "beyond_tolerance": bool(beyond),
        }
        for start, value, known, beyond in zip(
            starts, found.value, found.known, found.beyond, strict=True
        )
    ]
    tell({"meter": name, "rows": rows}, table({"rows": rows}), as_json=as_json)
    return DONE
