"""`zeropark device`: which commands there are."""

from __future__ import annotations

from zeropark.faces.cli.command import Command
from zeropark.faces.locale import N_

_HERE = "zeropark.faces.cli.device_commands"

DEVICE = {
    "list": Command(
        _HERE, "listed", N_("Show the device templates, or the devices a park file names.")
    ),
    "discover": Command(
        _HERE,
        "discover",
        N_("Ask what answers at an address, and propose a template; only reads."),
        examples=("zeropark device discover 192.0.2.17 --unit-id 1",),
    ),
    "test": Command(
        _HERE,
        "probe",
        N_("Read a device of a park file once and show every point."),
        examples=("zeropark device test park.yaml bms1",),
    ),
    "add": Command(
        _HERE,
        "add",
        N_("Write a device into a park file."),
        examples=(
            "zeropark device add park.yaml bms1 --asset bat --template sunspec-battery --host bms",
        ),
    ),
}
