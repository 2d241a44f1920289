"""`zeropark command`: hands one command to the `operate` that runs, over its local socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from zeropark.faces.cli.ledger_place import JsonOption
from zeropark.faces.cli.refused import DONE
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _


def command(
    verb: Annotated[
        str,
        typer.Argument(
            metavar="VERB",
            help=N_(
                "stop, resume, hold, rest, auto, lock, unlock, limit, unlimit, call, acknowledge, "
                "shelve, replan, explain, see or calls."
            ),
        ),
    ],
    on: Annotated[
        str, typer.Argument(metavar="ON", help=N_("Asset, alarm or order it is about."))
    ] = "",
    store: Annotated[
        Path, typer.Option(metavar="DIR", help=N_("Folder of the store that operate writes."))
    ] = Path("runs/operate"),
    why: Annotated[
        str, typer.Option(metavar="TEXT", help=N_("Reason; it stands in the ledger."))
    ] = "",
    role: Annotated[
        str, typer.Option(metavar="ROLE", help=N_("Role it is asked in, such as dispatcher."))
    ] = "",
    value: Annotated[
        str | None, typer.Option(metavar="POWER", help=N_("Set-point of hold, such as 500 kW."))
    ] = None,
    point: Annotated[
        str | None, typer.Option(metavar="NAME", help=N_("Point of hold, where there are several."))
    ] = None,
    low: Annotated[
        str | None,
        typer.Option(metavar="POWER", help=N_("Least flow of limit; export is below 0.")),
    ] = None,
    high: Annotated[
        str | None, typer.Option(metavar="POWER", help=N_("Most flow of limit."))
    ] = None,
    hours: Annotated[
        str | None,
        typer.Option(metavar="TIME", help=N_("How long shelve or call lasts, such as 2h.")),
    ] = None,
    power: Annotated[
        str | None, typer.Option(metavar="POWER", help=N_("How much less import call asks for."))
    ] = None,
    product: Annotated[
        str | None,
        typer.Option(metavar="PRODUCT", help=N_("What is called, such as peak_cutting.")),
    ] = None,
    way: Annotated[
        str | None,
        typer.Option(metavar="WAY", help=N_("Way call moves the import: less or more.")),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(metavar="TIME", help=N_("In what time call begins, such as 30min.")),
    ] = None,
    price: Annotated[
        str | None, typer.Option(metavar="PRICE", help=N_("What call pays, such as 3 CNY/kWh."))
    ] = None,
    penalty: Annotated[
        str | None, typer.Option(metavar="PRICE", help=N_("What missing energy costs."))
    ] = None,
    within: Annotated[
        str, typer.Option(metavar="TIME", help=N_("Voided where it is not taken within this."))
    ] = "10s",
    *,
    as_json: JsonOption = False,
) -> int:
    """Return 0 once the command is durable; it is taken at the next cycle."""
    from zeropark.faces.cli.asked import amount  # noqa: PLC0415 - pydantic is slow to import
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415 - as above
    from zeropark.operate.socket import NAME, hand_over  # noqa: PLC0415 - as above

    said: dict[str, Any] = {"verb": verb, "on": on, "why": why, "role": role}
    said["seconds"] = amount("--within", within, "s")
    given = {
        "MW": {"value": value, "low": low, "high": high, "power": power},
        "h": {"hours": hours, "after": after},
        "CNY/MWh": {"price": price, "penalty": penalty},
    }
    for unit, options in given.items():
        for name, written in options.items():
            if written is not None:
                said[name] = amount(f"--{name}", written, unit)
    named = {"point": point, "product": product, "way": way}
    said |= {name: written for name, written in named.items() if written is not None}
    with in_sentences():
        answer = hand_over(store / NAME, said)
    tell(answer, as_json=as_json)
    return DONE


def tell(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print what operate answered to an order, and whether the ledger has it."""
    if as_json:
        print(json.dumps(answer, ensure_ascii=False, indent=1))  # noqa: T201 - the answer of a command
        return
    if "cycles" in answer:
        from zeropark.faces.cli.operate_screen import lines  # noqa: PLC0415 - only where it is shown

        print("\n".join(lines(answer)))  # noqa: T201 - as above
        return
    if "calls" in answer:
        from zeropark.faces.cli.calls_screen import call_lines  # noqa: PLC0415 - as above

        print("\n".join(call_lines(answer)))  # noqa: T201 - as above
        return
    sentence = _("Order {order} is in the ledger; it is taken within {seconds:g} s or voided.")
    if not answer["recorded"]:
        sentence = _("Order {order} is taken; the ledger could not record it and will do so later.")
    print(sentence.format(order=answer["order"], seconds=answer["within_s"]))  # noqa: T201 - as above
