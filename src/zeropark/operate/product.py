"""What a park sells as one plant: the contract every product keeps, and how calls are settled.

Powers at a tie are import + [MW]; a call for `less` asks for less import or more export, a call for
`more` for the contrary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from zeropark.units.text import Text

if TYPE_CHECKING:
    from zeropark.operate.lived import Lived

Floats = npt.NDArray[np.float64]
HOUR = 3600.0
LONGEST_HOURS = 24.0
"""The longest call of any product [h]."""


class Way(Enum):
    """Which way a call moves the import."""

    LESS = "less"
    MORE = "more"

    @property
    def sign(self) -> float:
        """What less import counts: +1 where it is asked for, -1 where more is."""
        return 1.0 if self is Way.LESS else -1.0


@dataclass(frozen=True)
class Terms:
    """What a product pays.

    price: for delivered energy [CNY/MWh]; of a reserve, for each MW held an hour. penalty: for each
    MWh that is missing [CNY/MWh]. least: share of the called energy below which nothing is paid
    [1].
    """

    product: str
    price: float
    penalty: float
    least: float = 0.0


@dataclass(frozen=True)
class Promise:
    """What a call asks of the tie and of stores from `begin` to `end` [POSIX s].

    least, most: of the import [MW]. kept: power that stores keep free to give [MW]. firm: whether
    it is the grid operator's limit, for which loads go without too.
    """

    begin: float
    end: float
    least: float = -np.inf
    most: float = np.inf
    kept: float = 0.0
    firm: bool = False


@dataclass(frozen=True)
class Asked:
    """What a product settles: a call's power [MW], way, interval [h] and terms."""

    terms: Terms
    way: Way
    power: float
    hours: float


@dataclass(frozen=True)
class Settlement:
    """What a call came to: energies [MWh] and money [CNY].

    baseline, metered: of the tie over the call, or of what the product measures. asked, delivered,
    missing: ≥ 0. penalty ≥ 0 is paid by the park.
    """

    baseline: float
    metered: float
    asked: float
    delivered: float
    missing: float
    paid: float
    penalty: float

    @property
    def earned(self) -> float:
        """What is left of it [CNY]."""
        return self.paid - self.penalty


Settle = Callable[[Asked, Floats, Floats], Settlement]
Holds = Callable[[Asked, float], Promise]


@dataclass(frozen=True)
class Notice:
    """How long before its begin a call has to come: least hours [h], or on an earlier local day."""

    hours: float = 0.0
    day_before: bool = False


@dataclass(frozen=True)
class Product:
    """One thing a park sells. A file of `products` says one as `PRODUCT`.

    equation: what is measured and paid, with units. source: of the form. adds: what it adds to a
    plan. measured, settled: how. ways: a call may ask for; empty where nobody calls it and it is
    earned all the time. notice, longest [h]: of a call. holds: what a call asks of the tie in one
    interval whose reckoned import is given [MW]. settle: what it came to from the baseline and the
    metered means of equal intervals [MW]. meter: what is metered, the tie's import or the headroom
    of stores. pays: fact of what a MWh is paid where a call names no price, empty where it must
    name one. offered: whether it is offered out of the envelope, or asked by who may not be
    refused. earns: of what nobody calls, what a lived time brought, by name with the unit last;
    `brought_cny` is the money, NaN where it is not known.
    """

    key: str
    title: Text
    equation: str
    source: str
    adds: Text
    measured: Text
    settled: Text
    ways: tuple[Way, ...] = ()
    notice: Notice = field(default_factory=Notice)
    longest: float = LONGEST_HOURS
    holds: Holds | None = None
    settle: Settle | None = None
    meter: str = "tie"
    pays: str = ""
    offered: bool = True
    earns: Callable[[Lived], Mapping[str, float]] | None = None

    @property
    def called(self) -> bool:
        """Whether somebody calls it."""
        return bool(self.ways)


def beside(asked: Asked, reckoned: float) -> Promise:
    """Hold the import the called power beside what was reckoned with [MW]."""
    at = reckoned - asked.way.sign * asked.power
    return Promise(0.0, 0.0, most=at) if asked.way is Way.LESS else Promise(0.0, 0.0, least=at)


def by_energy(asked: Asked, baseline: Floats, metered: Floats) -> Settlement:
    """Settle a call by energy.

    Delivered is what import was beside the baseline the called way, interval by interval, at most
    the called power and never less than 0; an interval nobody metered delivered nothing. What is
    missing pays the penalty; below the least share nothing is paid.
    """
    length = asked.hours / len(baseline)
    beside_it = np.nan_to_num(asked.way.sign * (baseline - metered))
    delivered = float(np.clip(beside_it, 0.0, asked.power).sum()) * length
    energy = asked.power * asked.hours
    return paid_for(asked, energy, delivered, sums(baseline, metered, length))


def sums(baseline: Floats, metered: Floats, hours: float) -> tuple[float, float]:
    """Return the energies of both [MWh]; what nobody metered is left out of the second."""
    return float(baseline.sum()) * hours, float(np.nansum(metered)) * hours


def paid_for(
    asked: Asked, energy: float, delivered: float, both: tuple[float, float]
) -> Settlement:
    """Return what delivered energy is paid and what is missing costs. both: of `sums`."""
    terms, missing = asked.terms, max(0.0, energy - delivered)
    enough = delivered >= terms.least * energy
    paid = terms.price * delivered if enough else 0.0
    return Settlement(*both, energy, delivered, missing, paid, terms.penalty * missing)
