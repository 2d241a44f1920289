"""Moments as a person writes them on a command line, and as they are shown."""

from __future__ import annotations

import datetime as dt

from zeropark.faces.cli.refused import Refused
from zeropark.faces.locale import gettext as _


def moment_ms(said: str, option: str) -> int:
    """Return a moment with its zone [ms since 1970-01-01 UTC]; a date alone begins at 0:00 UTC.

    Raises `Refused` where it is none, or names no zone.
    """
    try:
        if len(said) == len("2026-01-31"):
            moment = dt.datetime.combine(dt.date.fromisoformat(said), dt.time(), dt.UTC)
        else:
            moment = dt.datetime.fromisoformat(said)
    except ValueError:
        sentence = _("{option}: '{given}' is no moment, such as 2026-01-31T08:00:00+08:00.")
        raise Refused(sentence.format(option=option, given=said)) from None
    if moment.tzinfo is None:
        sentence = _("{option}: '{given}' names no zone; add Z or an offset such as +08:00.")
        raise Refused(sentence.format(option=option, given=said))
    return round(moment.timestamp() * 1000)


def shown(moment: int) -> str:
    """Return a moment [ms since 1970-01-01 UTC] as text."""
    at = dt.datetime.fromtimestamp(moment / 1000, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
