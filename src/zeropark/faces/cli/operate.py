"""`zeropark operate`: a park in operation, as a service or for a while."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zeropark.faces.cli import which
from zeropark.faces.cli.ledger_place import JsonOption
from zeropark.faces.cli.parks import park_file
from zeropark.faces.cli.refused import Refused
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

_MOST_SPEED = 1_000.0
_MOST_BEFORE = 7 * 86_400.0


def operate(
    park: which.Park = "microgrid",
    store: Annotated[
        str,
        typer.Option(
            metavar="PLACE",
            help=N_("Folder of the park's store, made where it is not, or postgresql://…."),
        ),
    ] = "runs/operate",
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help=N_("Folder of the socket and the heartbeat; otherwise the store's own."),
        ),
    ] = None,
    start: which.Start = None,
    speed: Annotated[
        str, typer.Option(metavar="N", help=N_("Seconds of the park in one of ours, 1 to 1000."))
    ] = "1",
    cycle: Annotated[
        str, typer.Option(metavar="TIME", help=N_("Length of a cycle, 0.2s to 60s."))
    ] = "1s",
    lease: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help=N_("How long it leads without a word of the database, in the park's time."),
        ),
    ] = "10s",
    plan_within: Annotated[
        str, typer.Option(metavar="TIME", help=N_("Longest time a plan may take, in our time."))
    ] = "60s",
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help=N_("How long; otherwise until it is ended.")),
    ] = None,
    before: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help=N_("With --simulated: lived first, as fast as it can be, such as 36h."),
        ),
    ] = "0s",
    show_every: Annotated[
        str,
        typer.Option(metavar="TIME", help=N_("How often the status is shown, in the park's time.")),
    ] = "15min",
    *,
    year: which.Year = None,
    standby: Annotated[
        bool,
        typer.Option("--standby", help=N_("Wait while another instance leads, then take over.")),
    ] = False,
    site: Annotated[
        str | None,
        typer.Option(
            metavar="SITE",
            help=N_(
                "Operate a simulated site: HOST:PORT, or its folder, whose clock is then ours."
            ),
        ),
    ] = None,
    simulated: Annotated[
        bool,
        typer.Option(
            "--simulated", help=N_("Operate the park's simulated plant, in this process.")
        ),
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help=N_("Live one cycle, show it and end."))
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Operate the park until it is ended; Ctrl-C leads its devices to rest first."""
    source = park_file(park)
    # The engine's libraries take a second to import: only once the words of the command are read.
    from zeropark.assets import kinds  # noqa: PLC0415
    from zeropark.faces.cli.asked import Asked, amount  # noqa: PLC0415
    from zeropark.faces.cli.operate_led import Operation, live  # noqa: PLC0415
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415
    from zeropark.ledger.place import place_of  # noqa: PLC0415
    from zeropark.model.parkfile import read_park  # noqa: PLC0415

    seconds = between("--cycle", amount("--cycle", cycle, "s"), 0.2, 60.0, "s")
    fast = _speed(speed)
    lasts = None if for_ is None else amount("--for", for_, "s")
    every = amount("--show-every", show_every, "s")
    hurried = between("--before", amount("--before", before, "s"), 0.0, _MOST_BEFORE, "s")
    within = between("--plan-within", amount("--plan-within", plan_within, "s"), 0.0, 600.0, "s")
    leased = between("--lease", amount("--lease", lease, "s"), 1.0, 600.0, "s")
    with in_sentences():
        read = read_park(source, kinds())
        request = Asked(start, "1", "15min", None, "plan").request(read, source.parent)
        operation = Operation(
            park, request, place_of(store), folder, fast, seconds, lasts, leased, site,
            standby=standby, simulated=simulated, once=once, every=every, as_json=as_json,
            before=hurried, year=year, plan_within=within,
        )  # fmt: skip
        return live(operation)


def _speed(given: str) -> float:
    try:
        return between("--speed", float(given), 1.0, _MOST_SPEED, "")
    except ValueError:
        sentence = _("--speed '{given}': not a number. Allowed: 1 to {most:g}.")
        raise Refused(sentence.format(given=given, most=_MOST_SPEED)) from None


def between(option: str, given: float, least: float, most: float, unit: str) -> float:
    """Return a number from `least` to `most`; refuses another, with its unit."""
    if least <= given <= most:
        return given
    sentence = _("{option} {given:g} {unit}: out of range. Allowed: {least:g} to {most:g} {unit}.")
    raise Refused(
        sentence.format(option=option, given=given, least=least, most=most, unit=unit).replace(
            " :", ":"
        )
    )
