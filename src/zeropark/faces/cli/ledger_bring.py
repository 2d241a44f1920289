"""`zeropark ledger import`: a person's file of readings, shown first and taken whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place, tell
from zeropark.faces.cli.progress import at_work
from zeropark.faces.cli.refused import DONE, WRONG_INPUT, Refused
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.ledger.imports import Import, Verdict
    from zeropark.ledger.people import People


def bring(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=N_("CSV, Parquet or workbook of readings."))
    ],
    store: StoreOption = None,
    asset: Annotated[
        str, typer.Option(metavar="NAME", help=N_("Whose values they are: a point is NAME/column."))
    ] = "meter",
    zone: Annotated[
        str, typer.Option(metavar="ZONE", help=N_("Zone of times that name none."))
    ] = "Asia/Shanghai",
    source: Annotated[
        str, typer.Option(metavar="NAME", help=N_("Who delivers the readings."))
    ] = "import",
    unit: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=UNIT", help=N_("Unit of a column whose name has none.")),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=POINT", help=N_("Point of a column: asset/port.")),
    ] = None,
    stamps: Annotated[
        str | None,
        typer.Option(metavar="WHICH", help=N_("Times are the start or the end of intervals.")),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help=N_("Who charged; the log holds a pseudonym.")),
    ] = None,
    people: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("Names and pseudonyms, kept apart."))
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=N_("Show what would be taken; write nothing."))
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Take a file, such as: zeropark ledger import meters.csv --store ledger --dry-run."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.imports import (  # noqa: PLC0415
        Asked,
        judge_import,
        read_import,
        take_import,
    )
    from zeropark.ledger.store import Store  # noqa: PLC0415

    if (person is None) != (people is None):
        raise Refused(_("--person and --people go together: names are kept apart from the log."))
    place = store_place(store)
    with in_sentences():
        asked = Asked(
            asset, _known_zone(zone), _pairs(unit, "--unit"), _pairs(point, "--point"),
            _known_stamps(stamps), person or "",
        )  # fmt: skip
        with at_work(_("Reading {file}").format(file=file.name)):
            read = read_import(file, asked)
        with Store(place, "import") as opened:
            if dry_run:
                verdict = judge_import(opened, read, source)
            else:
                verdict = take_import(opened, read, source, _people(people))
    tell(_answer(read, verdict, dry_run), _lines(read, verdict, dry_run), as_json=as_json)
    return DONE if verdict.whole else WRONG_INPUT


def _people(file: Path | None) -> People | None:
    from zeropark.ledger.people import People  # noqa: PLC0415 - only sessions have persons

    return None if file is None else People(file)


def forget(
    name: Annotated[str, typer.Argument(metavar="NAME", help=N_("As it stands in the file."))],
    people: Annotated[
        Path, typer.Option(metavar="FILE", help=N_("Names and pseudonyms, kept apart."))
    ],
    store: StoreOption = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Destroy whose a pseudonym was: zeropark ledger forget 'plate 17' --people people.json."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.people import FORGOTTEN, People  # noqa: PLC0415
    from zeropark.ledger.store import Store  # noqa: PLC0415

    with in_sentences(), Store(store_place(store), "forget") as opened:
        pseudonym = People(people).forget(name)
        size = opened.note(FORGOTTEN, {"person": pseudonym}, pseudonym)
    words = _("{person} leads to nobody any more; that is entry {size} of the log.")
    line = words.format(person=pseudonym, size=size)
    tell({"person": pseudonym, "size": size}, [line], as_json=as_json)
    return DONE


def _known_zone(zone: str) -> str:
    from zoneinfo import ZoneInfo, available_timezones  # noqa: PLC0415 - only an import needs it

    from zeropark.faces.cli.refused import did_you_mean  # noqa: PLC0415

    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        sentence = _("--zone: '{given}' is no time zone.{meant} Write one such as Asia/Shanghai.")
        near = did_you_mean(zone, available_timezones())
        raise Refused(sentence.format(given=zone, meant=near)) from None
    return zone


def _known_stamps(said: str | None) -> Literal["start", "end"] | None:
    known: dict[str | None, Literal["start", "end"] | None]
    known = {None: None, "start": "start", "end": "end"}
    if said in known:
        return known[said]
    raise Refused(_("--stamps: '{given}' is not known; allowed: start, end.").format(given=said))


def _pairs(said: list[str] | None, option: str) -> dict[str, str]:
    found = {}
    for each in said or ():
        name, sign, value = each.partition("=")
        if not (name and sign and value):
            sentence = _("{option}: '{given}' is no pair; write COLUMN=VALUE.")
            raise Refused(sentence.format(option=option, given=each))
        found[name] = value
    return found


def _answer(read: Import, verdict: Verdict, dry_run: bool) -> dict[str, Any]:  # noqa: FBT001 - handed on
    return {
        "file": read.file,
        "dry_run": dry_run,
        "whole": verdict.whole,
        "counts": {outcome.name.lower(): count for outcome, count in verdict.counts.items()},
        "points": [{"name": p.name, "unit": p.unit, "measures": p.measures} for p in read.points],
        "refused": [
            {"line": each.line, "why": each.text.en, "code": each.code} for each in verdict.refused
        ],
        "skipped": [text.en for text in read.skipped],
        "findings": [finding.text.en for finding in read.findings],
    }


def _lines(read: Import, verdict: Verdict, dry_run: bool) -> list[str]:  # noqa: FBT001 - as above
    tongue = language()
    lines = [f"{point.name}  {point.unit}  {point.measures}" for point in read.points]
    for outcome, count in verdict.counts.items():
        lines.append(f"{count}: {outcome.words.in_language(tongue)}")
    lines += [each.sentence(tongue) for each in verdict.refused]
    lines += [text.in_language(tongue) for text in read.skipped]
    lines += [finding.text.in_language(tongue) for finding in read.findings]
    if not verdict.whole:
        lines.append(_("Nothing was taken: a file is taken whole or not at all."))
    elif dry_run:
        lines.append(_("Nothing was written: this was a dry run."))
    return lines
