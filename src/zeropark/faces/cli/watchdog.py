"""`zeropark watchdog`: minds the heartbeat of operate; leads devices to safety when it stops."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from zeropark.faces.cli import which
from zeropark.faces.cli.parks import park_file
from zeropark.faces.cli.refused import DONE, Refused, say
from zeropark.faces.locale import N_
from zeropark.faces.locale import gettext as _

_LOOK_S = 0.5


def watchdog(
    park: which.Park,
    store: Annotated[
        str,
        typer.Option(
            metavar="PLACE", help=N_("Store that operate writes: a folder or postgresql://….")
        ),
    ] = "runs/operate",
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help=N_("Folder of the socket and the heartbeat; otherwise the store's own."),
        ),
    ] = None,
    patience: Annotated[
        str, typer.Option(metavar="TIME", help=N_("Silence after which it acts, 1s to 60s."))
    ] = "5s",
    site: Annotated[
        str | None,
        typer.Option(metavar="SITE", help=N_("Mind a simulated site: HOST:PORT, or its folder.")),
    ] = None,
) -> int:
    """Mind the heartbeat until ended; write nothing but safe values, and only in a silence."""
    source = park_file(park)
    # The engine's libraries take a second to import: only once the words of the command are read.
    from zeropark.assets import kinds  # noqa: PLC0415
    from zeropark.faces.cli.asked import Asked, amount  # noqa: PLC0415
    from zeropark.faces.cli.at_site import lines_at  # noqa: PLC0415
    from zeropark.faces.cli.operate import between  # noqa: PLC0415
    from zeropark.faces.cli.sentences import in_sentences  # noqa: PLC0415
    from zeropark.ledger.place import is_url  # noqa: PLC0415
    from zeropark.ledger.seat import Seat  # noqa: PLC0415
    from zeropark.model.parkfile import read_park  # noqa: PLC0415
    from zeropark.operate.beat import NAME, Minder  # noqa: PLC0415
    from zeropark.operate.clock import ScaledClock  # noqa: PLC0415
    from zeropark.operate.leading import Elsewhere  # noqa: PLC0415
    from zeropark.operate.start import minded  # noqa: PLC0415

    seconds = between("--patience", amount("--patience", patience, "s"), 1.0, 60.0, "s")
    with in_sentences():
        request = Asked(None, "1", "15min", None, "plan").request(
            read_park(source, kinds()), source.parent
        )
        lines, _clock = lines_at(request, site, 1.0)
        if not lines:
            raise Refused(_("{park}: the park file names no devices to mind.").format(park=park))
        field = minded(request, lines, ScaledClock())
    near = folder or (Path("runs/operate") if is_url(store) else Path(store))
    minder = Minder(near / NAME, field.fleet, field.safe, seconds)
    if is_url(store):
        minder.elsewhere = Elsewhere(Seat(store, "watchdog", seconds), ScaledClock())
    try:
        asyncio.run(_mind(minder))
    except KeyboardInterrupt:
        return DONE
    return DONE


async def _mind(minder: object) -> None:
    from zeropark.operate.beat import Minder  # noqa: PLC0415 - as above

    assert isinstance(minder, Minder), "made just above"
    while True:
        for asset in await minder.look():
            say(_("{asset}: led to its safe value; operate is silent.").format(asset=asset))
        await asyncio.sleep(_LOOK_S)
