"""What the door knows of a command before its module is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Command(NamedTuple):
    """Where a command is written and what it is for; imported when it is asked for.

    below: the commands of a group of them; then module and function stay empty. examples: lines a
    person can type, shown on the help page.
    """

    module: str
    function: str
    purpose: str
    below: Mapping[str, Command] = {}
    examples: tuple[str, ...] = ()
