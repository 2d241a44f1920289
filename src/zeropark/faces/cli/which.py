"""The options that say which park and when, alike for every command that plans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zeropark.faces.locale import N_

Park = Annotated[
    str, typer.Argument(metavar="PARK", help=N_("A shipped park's name, or a park file."))
]
Start = Annotated[
    str | None,
    typer.Option(metavar="DATE", help=N_("First day, in the park's zone: 2026-04-15.")),
]
Step = Annotated[
    str | None, typer.Option(metavar="TIME", help=N_("Step: 5min, 15min, 30min or 60min."))
]
Year = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=N_("A planned year that plans are told of: plan --learn.")),
]
