"""`zeropark site`: which commands there are."""

from __future__ import annotations

from zeropark.faces.cli.command import Command
from zeropark.faces.locale import N_

_HERE = "zeropark.faces.cli.site_simulate"

SITE = {
    "simulate": Command(
        _HERE,
        "simulate",
        N_("Serve the whole plant of a park over real protocols on this machine."),
        examples=(
            "zeropark site simulate microgrid",
            "zeropark site simulate nanchuan --step 5s --speed 20 --start 2026-04-17",
        ),
    ),
    "fault": Command(
        _HERE,
        "fault",
        N_("Have devices of a running simulated site go wrong for a while."),
        examples=(
            "zeropark site fault battery silence --for 60s",
            "zeropark site fault battery silence --for 0s",
        ),
    ),
}
