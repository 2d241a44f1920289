"""The options by which a person brings files of their own, alike for every command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zeropark.faces.cli.refused import Refused, disk_sentence
from zeropark.faces.locale import N_

NAMES = ("weather", "load", "price", "jobs", "cars", "outages")

Weather = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=N_("Your weather: EPW, PVGIS, NASA POWER or CSV.")),
]
Load = Annotated[Path | None, typer.Option(metavar="FILE", help=N_("Your load: CSV or Parquet."))]
Price = Annotated[
    Path | None, typer.Option(metavar="FILE", help=N_("Your import price: CSV or Parquet."))
]
Jobs = Annotated[
    Path | None, typer.Option(metavar="FILE", help=N_("Your computing jobs: CSV or SWF."))
]
Cars = Annotated[Path | None, typer.Option(metavar="FILE", help=N_("Your charging sessions: CSV."))]
Outages = Annotated[
    Path | None, typer.Option(metavar="FILE", help=N_("Outages of the grid tie: CSV."))
]


def brought(*given: Path | None) -> dict[str, Path]:
    """Return the files that were given, by what they say; `given` stands in the order of NAMES."""
    return {name: path for name, path in zip(NAMES, given, strict=True) if path is not None}


def readable(path: Path) -> None:
    """Refuse a file that cannot be opened."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise Refused(disk_sentence(error, str(path))) from error
