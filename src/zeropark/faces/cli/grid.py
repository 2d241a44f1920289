"""`zeropark grid`: which commands there are."""

from __future__ import annotations

from zeropark.faces.cli.command import Command
from zeropark.faces.locale import N_

_HERE = "zeropark.faces.cli.grid_commands"

GRID = {
    "list": Command(_HERE, "listed", N_("Show by what a park can be called, or who calls a park.")),
    "listen": Command(
        _HERE,
        "listen",
        N_("Hear a caller of a park file, and hand over to operate what it asks."),
        examples=("zeropark grid listen park.yaml aggregator",),
    ),
    "serve": Command(
        _HERE,
        "serve",
        N_("Publish events to others by OpenADR 3: a small VTN."),
        examples=("zeropark grid serve vtn --port 8443 --tls-cert vtn.pem --tls-key vtn.key",),
    ),
}
