"""`zeropark user`: which commands there are."""

from __future__ import annotations

from zeropark.faces.cli.command import Command
from zeropark.faces.locale import N_

USER = {
    "reset": Command(
        "zeropark.faces.cli.user_reset",
        "reset",
        N_("Give a person of the control room a new password on this machine; posted."),
        examples=("zeropark user reset Li --store runs/operate",),
    ),
}
