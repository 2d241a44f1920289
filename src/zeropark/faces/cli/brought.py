"""`zeropark brought`: what a park in operation earned, by day and product, beside what could be."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeropark.faces.cli import which
from zeropark.faces.cli.ledger_place import JsonOption
from zeropark.faces.cli.parks import park_file
from zeropark.faces.cli.refused import DONE, Refused
from zeropark.faces.locale import N_, language
from zeropark.faces.locale import gettext as _

if TYPE_CHECKING:
    from zeropark.operate.brought import Day, Did


def brought(
    park: which.Park = "microgrid",
    store: Annotated[
        Path, typer.Option(metavar="DIR", help=N_("Folder of the store that operate writes."))
    ] = Path("runs/operate"),
    day: Annotated[
        str | None, typer.Option(metavar="DATE", help=N_("Only this day: 2026-04-17."))
    ] = None,
    *,
    alone: Annotated[
        bool, typer.Option("--alone", help=N_("Without rules and foresight, which take a while."))
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Return 0; what was not metered is not counted."""
    source = park_file(park)
    # The engine's libraries take a second to import: only once the words of the command are read.
    from zeropark.assets import kinds  # noqa: PLC0415
    from zeropark.faces.cli.asked import Asked, date  # noqa: PLC0415
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415
    from zeropark.ledger.reader import Reader  # noqa: PLC0415
    from zeropark.model.parkfile import read_park  # noqa: PLC0415
    from zeropark.operate.brought import brought as of_days  # noqa: PLC0415

    only = None if day is None else dt.date.fromisoformat(date(day))
    with in_sentences(), Reader(store) as reader:
        request = Asked(None, "1", "15min", None, "plan").request(
            read_park(source, kinds()), source.parent
        )
        days = of_days(request, reader, compare=not alone, day=only)
    if not days:
        raise Refused(_("{store}: nothing was lived there yet.").format(store=store))
    if as_json:
        print(json.dumps([_as_json(each) for each in days], ensure_ascii=False, indent=1))  # noqa: T201 - the answer of a command
    else:
        print("\n".join(line for each in days for line in _lines(each)))  # noqa: T201 - as above
    return DONE


def _lines(day: Day) -> list[str]:
    from zeropark.faces.cli.calls_screen import row  # noqa: PLC0415 - as above
    from zeropark.operate.products import products  # noqa: PLC0415 - as above

    head = _("{day}: {hours:.2f} h metered").format(day=day.day.isoformat(), hours=day.hours)
    found = [f"── {head} " + "─" * 20]
    names = {"plan": _("plan, as lived"), "rules": _("rules"), "foresight": _("foresight")}
    for name, did in day.did.items():
        words = _("energy CNY {cny}, peak {peak} MW, stores {stored} MWh")
        found.append(row(names[name], words.format(**_numbers(did))))
    for key, said in day.earned.items():
        title = products()[key].title.in_language(language())
        parts = [f"{name} {_figure(value)}" for name, value in said.items()]
        found.append(row(title, ", ".join(parts) or _("nothing of it in this park")))
    return found


def _numbers(did: Did) -> dict[str, str]:
    return {
        "cny": _figure(did.energy_cny),
        "peak": _figure(did.peak_mw),
        "stored": _figure(did.stored_mwh, "+"),
    }


def _figure(value: float, sign: str = "") -> str:
    return _("unknown") if math.isnan(value) else f"{value:{sign},.3f}"


def _as_json(day: Day) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "hours": day.hours,
        "did": {
            name: _known(
                {
                    "energy_cny": did.energy_cny,
                    "peak_mw": did.peak_mw,
                    "stored_mwh": did.stored_mwh,
                }
            )
            for name, did in day.did.items()
        },
        "products": {key: _known(said) for key, said in day.earned.items()},
    }


def _known(said: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers as JSON has them: what nobody knows is null."""
    return {name: None if math.isnan(value) else value for name, value in said.items()}
