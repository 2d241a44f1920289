"""The contract of a side: hear what is wanted, tell what became of it, show the park, close.

A side speaks to one caller. Its coroutines never raise for what the caller does: silence, a wrong
token and nonsense are states, and whoever listens goes on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol

from zeropark.devices.contract import Health
from zeropark.units.text import Text

_HOUR = 3600.0


class Form(Enum):
    """What is wanted of the import.

    LESS, MORE: so much less or more of it than without the call. LIMIT: at most so much.
    """

    LESS = "less"
    MORE = "more"
    LIMIT = "limit"

    @property
    def called(self) -> bool:
        """Whether it is a call, which is planned, measured and paid."""
        return self is not Form.LIMIT


@dataclass(frozen=True)
class Wanted:
    """What a caller wants of the park.

    id: the caller's own; the same one said otherwise is a change. begin: POSIX s. hours: how long,
    inf until further notice. power: [MW], ≥ 0. price, penalty: [CNY/MWh]; None where the caller
    does not say it.
    """

    id: str
    form: Form
    begin: float
    hours: float
    power: float
    price: float | None = None
    penalty: float | None = None

    @property
    def end(self) -> float:
        """End [POSIX s]."""
        return self.begin + self.hours * _HOUR


class Unfit(NamedTuple):
    """What was said and cannot be understood, or must not be done; nothing is done about it."""

    id: str
    text: Text


class Heard(NamedTuple):
    """What a caller has in force now.

    wanted, unfit: all of it, each time. whole: whether what is missing here is withdrawn; False
    for a caller that says each thing once, and says by `withdrawn` what no longer is.
    """

    wanted: Sequence[Wanted] = ()
    unfit: Sequence[Unfit] = ()
    whole: bool = True
    withdrawn: Sequence[str] = ()


class Fate(Enum):
    """What became of something wanted."""

    TAKEN = "taken"
    DECLINED = "declined"
    DONE = "done"


@dataclass(frozen=True)
class Told:
    """What a caller is told.

    text: the sentence behind it. energies: [MWh], of a call that is over: `baseline`, `metered` and
    `delivered`, or none of them.
    """

    fate: Fate
    text: Text
    energies: Mapping[str, float]


class Side(Protocol):
    """Our side of one caller's wire. Calls do not overlap: whoever owns it awaits each.

    listens: whether hearing costs nothing, since the caller or a library speaks by itself.
    """

    listens: bool

    async def hear(self, now: float) -> Heard | None:
        """Return what is wanted; None where nobody answered. now: the park's clock, POSIX s."""

    async def tell(self, wanted: Wanted | Unfit, told: Told) -> bool:
        """Tell what became of it; return whether the caller has it."""

    async def show(self, status: Mapping[str, Any]) -> None:
        """Let who asks see how the park stands; status: as `operate` says it, units in names."""

    def health(self) -> Health:
        """Return how the wire stands, without touching it."""

    async def close(self) -> None:
        """Let go of the wire."""


def finite_power(value: object) -> float | None:
    """Return a number as it was said; None where it is none, or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
