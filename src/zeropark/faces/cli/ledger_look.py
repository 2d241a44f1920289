"""`zeropark ledger tail|query|export`: what a store holds, read beside whoever writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli.ledger_place import JsonOption, StoreOption, store_place, tell
from zeropark.faces.cli.moment import moment_ms, shown
from zeropark.faces.cli.refused import DONE, Refused, disk_sentence
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.ledger.reader import Reader

_STEPS_MS = {"15min": 900_000, "hour": 3_600_000, "day": 86_400_000}
_MOST_LINES = 10_000
Points = Annotated[
    list[str] | None, typer.Option("--point", metavar="NAME", help=N_("A point: asset/port."))
]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="MOMENT", help=N_("First moment, with its zone, or a date.")),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="MOMENT", help=N_("End, with its zone; not included.")),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="MOMENT", help=N_("As it was known at a past moment.")),
]


def tail(
    store: StoreOption = None,
    lines: Annotated[
        int, typer.Option("--lines", metavar="N", min=1, max=_MOST_LINES, help=N_("How many."))
    ] = 10,
    *,
    as_json: JsonOption = False,
) -> int:
    """Show the newest entries: zeropark ledger tail --store ledger."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.canonical import loads  # noqa: PLC0415
    from zeropark.ledger.reader import Reader  # noqa: PLC0415

    with in_sentences(), Reader(store_place(store)) as reader:
        size = reader.log.size
        newest = reader.log.leaves(max(0, size - lines))
        entries = [{"size": at, "entry": loads(body)} for at, body in newest]
        nature = reader.about.nature
    told = [_("{nature}, {size} entries").format(nature=nature, size=size)]
    told += [f"{each['size']}  {_line(each['entry'])}" for each in entries]
    tell({"nature": nature, "size": size, "entries": entries}, told, as_json=as_json)
    return DONE


def _line(entry: dict[str, Any]) -> str:
    at = entry.get("at", entry.get("known_to", "0"))
    rest = {k: v for k, v in entry.items() if k not in {"kind", "at"}}
    said = json.dumps(rest, ensure_ascii=False)
    return f"{shown(int(at))}  {entry['kind']}  {said[:160]}"


def query(
    store: StoreOption = None,
    point: Points = None,
    first: From = None,
    until: Until = None,
    as_of: AsOf = None,
    step: Annotated[
        str | None, typer.Option(metavar="STEP", help=N_("Sums by 15min, hour or day (UTC)."))
    ] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help=N_("Entries of a kind, such as command."))
    ] = None,
    *,
    latest: Annotated[
        bool, typer.Option("--latest", help=N_("The newest reading of every point."))
    ] = False,
    claim: Annotated[
        bool, typer.Option("--claim", help=N_("Sum only what may count for a claim."))
    ] = False,
    health: Annotated[
        bool, typer.Option("--health", help=N_("What was found on the way in."))
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Ask a store: zeropark ledger query --store ledger --point pv/node --step hour."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.reader import Reader  # noqa: PLC0415

    with in_sentences(), Reader(store_place(store)) as reader:
        if kind is not None:
            found = _entries(reader, kind)
        elif health:
            found = _health(reader)
        elif latest:
            found = _latest(reader)
        else:
            found = _values(reader, point, first, until, as_of, step, claim=claim)
    tell(found, table(found), as_json=as_json)
    return DONE


def _entries(reader: Reader, kind: str) -> dict[str, Any]:
    sizes = reader.database.rows(
        "SELECT size FROM entry WHERE kind = ? ORDER BY size DESC LIMIT ?", (kind, _MOST_LINES)
    )
    entries = reader.log.entries(size for (size,) in reversed(sizes))
    return {
        "rows": [
            {"at": shown(int(e["at"])), **{k: v for k, v in e.items() if k != "at"}}
            for e in entries
        ]
    }


def _health(reader: Reader) -> dict[str, Any]:
    from zeropark.ledger.rowform import Flag  # noqa: PLC0415 - see `ledger`

    registry = reader.registry()
    rows = reader.database.rows(
        "SELECT point, flag, first_at, last_at, times FROM finding ORDER BY point, flag"
    )
    return {
        "rows": [
            {
                "point": registry[number].name if number >= 0 else _("our own clock"),
                "found": (Flag(flag).name or "").lower(),
                "first": shown(first),
                "last": shown(last),
                "times": times,
            }
            for number, flag, first, last, times in rows
        ]
    }


def _latest(reader: Reader) -> dict[str, Any]:
    from zeropark.ledger.rowform import NO_VALUE, Quality  # noqa: PLC0415 - see `ledger`

    state = reader.history.latest()
    return {
        "rows": [
            {
                "point": point.name,
                "start": shown(int(mine["start"])),
                "value": None if mine["value"] == NO_VALUE else int(mine["value"]),
                "unit": point.unit,
                "quality": Quality(int(mine["quality"])).name.lower(),
            }
            for point, mine in zip(reader.registry(), state, strict=True)
            if mine["used"]
        ]
    }


def span(first: str | None, until: str | None) -> tuple[int, int]:
    """Return the time asked of [ms]; raises `Refused` where it ends before it begins."""
    begin = -(1 << 61) if first is None else moment_ms(first, "--from")
    end = 1 << 61 if until is None else moment_ms(until, "--until")
    if begin >= end:
        raise Refused(_("--until is not after --from; turn them round."))
    return begin, end


def _values(
    reader: Reader,
    names: list[str] | None,
    first: str | None,
    until: str | None,
    as_of: str | None,
    step: str | None,
    *,
    claim: bool,
) -> dict[str, Any]:
    from zeropark.ledger.retention import expired_in  # noqa: PLC0415 - see `ledger`

    if claim and step is None:
        raise Refused(_("--claim sums; add --step."))
    if claim and reader.about.nature != "field":
        raise Refused(_("This store is simulated; nothing in it may be claimed."))
    registry = reader.registry()
    numbers = None if not names else [registry.number(name) for name in names]
    asked = span(first, until)
    moment = None if as_of is None else moment_ms(as_of, "--as-of")
    if step is None:
        rows = _rows(reader, registry, numbers, asked, moment)
    else:
        rows = _sums(reader, registry, numbers, asked, moment, step, claim=claim)
    gone = expired_in(reader.log, reader.database, *asked)
    expired = [
        {"from": shown(int(each["start"])), "until": shown(int(each["end"])),
         "expired": shown(int(each["at"])), "policy": each["policy"]}
        for each in gone
    ]  # fmt: skip
    known = shown(reader.history.moment(moment))
    return {"nature": reader.about.nature, "known": known, "expired": expired, "rows": rows}


def _rows(
    reader: Reader, registry: Any, numbers: Any, span: tuple[int, int], as_of: int | None
) -> list[dict[str, Any]]:
    from zeropark.ledger.rowform import NO_VALUE, Quality  # noqa: PLC0415 - see `ledger`

    found = reader.history.rows(numbers, *span, as_of=as_of)
    if len(found) > _MOST_LINES:
        sentence = _("{count} readings are more than {most}; ask for less time, --step or export.")
        raise Refused(sentence.format(count=len(found), most=_MOST_LINES))
    return [
        {
            "point": registry[int(row["point"])].name,
            "start": shown(int(row["start"])),
            "length_ms": int(row["length"]),
            "value": None if row["value"] == NO_VALUE else int(row["value"]),
            "unit": registry[int(row["point"])].unit,
            "quality": Quality(int(row["quality"])).name.lower(),
        }
        for row in found
    ]


def _sums(
    reader: Reader,
    registry: Any,
    numbers: Any,
    span: tuple[int, int],
    as_of: int | None,
    step: str,
    *,
    claim: bool,
) -> list[dict[str, Any]]:
    from zeropark.ledger.fill import may_be_claimed  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.history import COUNTED, READ_FROM_METERS  # noqa: PLC0415

    if step not in _STEPS_MS:
        sentence = _("--step: '{given}' is not known; allowed: {known}.")
        raise Refused(sentence.format(given=step, known=", ".join(_STEPS_MS)))
    length = _STEPS_MS[step]
    sources = {name: number for number, name in reader.sources().items()}
    found = reader.history.sums(
        numbers, *span, length, as_of=as_of,
        qualities=READ_FROM_METERS if claim else COUNTED,
        sources=may_be_claimed(sources) if claim else (),
    )  # fmt: skip
    return [
        {
            "point": registry[int(number)].name,
            "start": shown(int(start)),
            "total": int(total),
            "unit": registry[int(number)].unit,
            "readings": int(times),
            "covered_pu": round(int(covered) / length, 4),
        }
        for number, start, total, times, covered in zip(
            found.point, found.start, found.total, found.times, found.covered, strict=True
        )
    ]


def table(found: dict[str, Any]) -> list[str]:
    """Return rows as lines with a head, columns two spaces apart."""
    rows = found["rows"]
    lines = [
        _("{first} to {until}: rows were here and expired on {expired}.").format(
            first=gone["from"], until=gone["until"], expired=gone["expired"]
        )
        for gone in found.get("expired", ())
    ]
    if not rows:
        return [*lines, _("Nothing.")]
    names = list(rows[0])
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    return lines + [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def export(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=N_("File to write: .parquet or .csv."))
    ],
    store: StoreOption = None,
    point: Points = None,
    first: From = None,
    until: Until = None,
    as_of: AsOf = None,
    *,
    proof: Annotated[
        bool, typer.Option("--proof", help=N_("Lay their proof and its verifier beside."))
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Write readings: zeropark ledger export april.csv --store ledger --from 2026-04-01."""
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - see `ledger`
    from zeropark.ledger.exports import export_rows  # noqa: PLC0415
    from zeropark.ledger.reader import Reader  # noqa: PLC0415

    if file.suffix not in {".csv", ".parquet"}:
        raise Refused(_("{path}: write a file that ends in .csv or .parquet.").format(path=file))
    with in_sentences(), Reader(store_place(store)) as reader:
        registry = reader.registry()
        numbers = None if not point else [registry.number(name) for name in point]
        moment = None if as_of is None else moment_ms(as_of, "--as-of")
        rows = reader.history.rows(numbers, *span(first, until), as_of=moment)
        beside = _proven(reader, registry, rows) if proof and len(rows) else None
        try:
            export_rows(rows, registry, reader.sources(), file)
            laid = None if beside is None else _laid(file, beside)
        except OSError as error:
            raise Refused(disk_sentence(error, str(file))) from error
    lines = [_("{count} readings are in {path}.").format(count=len(rows), path=file)]
    if laid is not None:
        words = _("Their proof lies in {path}; check it with python {verifier} {path}")
        lines.append(words.format(path=laid[0], verifier=laid[1]))
    answer = {
        "file": str(file),
        "readings": len(rows),
        "proof": None if laid is None else str(laid[0]),
    }
    tell(answer, lines, as_json=as_json)
    return DONE


def _proven(reader: Reader, registry: Any, rows: Any) -> dict[str, Any]:
    """Return the proof of all versions of these readings."""
    from zeropark.ledger.proving import prove  # noqa: PLC0415 - see `ledger`

    asked = []
    for number in sorted(set(rows["point"].tolist())):
        starts = rows["start"][rows["point"] == number]
        first, last = shown(int(starts.min())), shown(int(starts.max()) + 1)
        asked.append(f"{registry[number].name}@{first}..{last}")
    return prove(reader, asked)


def _laid(file: Path, document: dict[str, Any]) -> tuple[Path, Path]:
    """Lay a proof and its verifier beside a file; return where they lie."""
    from zeropark.ledger.proof import lay  # noqa: PLC0415 - see `ledger`

    place = file.with_name(f"{file.name}.proof.json")
    return place, lay(place, document)
