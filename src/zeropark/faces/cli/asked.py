"""What a person asked of a run, from the words of the command line to a request."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import TypeAdapter, ValidationError

from zeropark.faces.cli.refused import Refused, did_you_mean
from zeropark.faces.locale import gettext as _
from zeropark.faces.locale import language
from zeropark.model.mistakes import explain
from zeropark.model.park import Park, Study
from zeropark.operate.build import RunRequest
from zeropark.units.quantity import Unit

STEPS_MINUTES = (5, 15, 30, 60)
POLICIES = ("plan", "rules")
_BARE = re.compile(r"\s*[-+]?\d+(\.\d*)?\s*")
_MOST_DAYS = 3660
_MOST_HOURS = 336
_MOST_SEED = 2**32 - 1
FIRST_DAY, LAST_DAY = dt.date(1971, 1, 1), dt.date(2099, 12, 31)
"""Days a run may begin with: what clocks, zones and the sun are known for."""


@dataclass(frozen=True)
class Asked:
    """The options of `zeropark run` as they were written; None where one was not given.

    files: the person's own, by what they say: weather, load, price, jobs, cars, outages. study: by
    its name, where not the park's first one.
    """

    start: str | None = None
    days: str | None = None
    step: str | None = None
    horizon: str | None = None
    policy: str = "plan"
    seed: str | None = None
    peak_so_far: str = "0 kW"
    compare: bool = True
    files: Mapping[str, Path] = field(default_factory=dict)
    study: str | None = None

    def request(self, park: Park, folder: Path) -> RunRequest:
        """Return the request; what was not said comes from the study.

        folder: where the park file lies. Raises `Refused` for a value that is not allowed.
        """
        study = study_of(park, self.study)
        step = study.step * 60 if self.step is None else _step_of(self.step)
        horizon, coarse = study.horizon, 0.0
        if self.horizon is not None:
            fine, plus, rest = self.horizon.partition("+")
            horizon = amount("--horizon", fine, "h")
            coarse = amount("--horizon", rest, "h") if plus else 0.0
        return RunRequest(
            park=park,
            folder=folder,
            start=study.start.isoformat() if self.start is None else date(self.start),
            days=study.days if self.days is None else whole("--days", self.days, 1, _MOST_DAYS),
            step_minutes=_step(step),
            horizon_hours=_horizon(horizon, step),
            coarse_hours=_horizon(coarse, step) if coarse else 0.0,
            policy=_policy(self.policy),
            seed=study.seed if self.seed is None else whole("--seed", self.seed, 0, _MOST_SEED),
            files=self.files,
            peak_so_far=_not_negative("--peak-so-far", self.peak_so_far),
            compare=self.compare,
            courses=study.courses,
        )


def study_of(park: Park, name: str | None) -> Study:
    """Return the park's study of that name, or the usual one; refuses an unknown name."""
    if name is None:
        return park.studies[0] if park.studies else Study(name="usual", start=dt.date(2026, 4, 15))
    names = [study.name for study in park.studies]
    if name in names:
        return park.studies[names.index(name)]
    sentence = _("--study '{given}': the park has no such study.{meant} Allowed: {allowed}.")
    meant = did_you_mean(name, names)
    raise Refused(sentence.format(given=name, meant=meant, allowed=", ".join(names) or "-"))


def amount(option: str, given: str, unit: str) -> float:
    """Return a quantity written with its unit (`15min`) in `unit`; refuses anything else."""
    # A bare number is refused as in a park file: with the words that it has no unit.
    value = float(given) if _BARE.fullmatch(given) else given
    kind = TypeAdapter(Annotated[float, Unit(unit)])
    try:
        quantity: float = kind.validate_python(value, context={"file": True})
    except ValidationError as error:
        words = explain(error.errors()[0], given, unit, ()).in_language(language())
        raise Refused(_("{option}: {words}.").format(option=option, words=words)) from None
    return quantity


def date(given: str) -> str:
    """Return a date as YYYY-MM-DD; refuses what is none."""
    try:
        found = dt.date.fromisoformat(given)
    except ValueError:
        sentence = _(
            "--start '{given}': not a date. Write it as year-month-day, such as 2026-04-15."
        )
        raise Refused(sentence.format(given=given)) from None
    if not FIRST_DAY <= found <= LAST_DAY:
        sentence = _("--start {given}: out of range. Allowed: {first} to {last}.")
        raise Refused(sentence.format(given=found, first=FIRST_DAY, last=LAST_DAY))
    return found.isoformat()


def whole(option: str, given: str, least: int, most: int) -> int:
    """Return a whole number from `least` to `most`; refuses anything else."""
    if given.strip().lstrip("+-").isdecimal() and least <= int(given) <= most:
        return int(given)
    sentence = _("{option} '{given}': allowed is a whole number from {least} to {most}.")
    raise Refused(sentence.format(option=option, given=given, least=least, most=f"{most:,}"))


def _step_of(given: str) -> float:
    """Return a step [min]; a bare number is told the steps there are, not only its unit."""
    if _BARE.fullmatch(given):
        sentence = _("--step '{given}': it has no unit. Allowed: {allowed}.")
        raise Refused(sentence.format(given=given.strip(), allowed=_steps()))
    return amount("--step", given, "min")


def _steps() -> str:
    return ", ".join(f"{minutes}min" for minutes in STEPS_MINUTES)


def _step(minutes: float) -> int:
    for allowed in STEPS_MINUTES:
        if abs(minutes - allowed) < 1e-9:  # noqa: PLR2004 - what a float's own rounding may add
            return allowed
    sentence = _("--step {given:g} min: not a step a run can take. Allowed: {allowed}.")
    raise Refused(sentence.format(given=minutes, allowed=_steps()))


def _horizon(hours: float, step: float) -> float:
    if hours >= max(1.0, step / 60) and hours <= _MOST_HOURS:
        return hours
    sentence = _("--horizon {given:g} h: out of range. Allowed: 1 h to {most} h.")
    raise Refused(sentence.format(given=hours, most=_MOST_HOURS))


def _policy(given: str) -> str:
    if given in POLICIES:
        return given
    sentence = _("--policy '{given}': not known.{meant} Allowed: {allowed}.")
    meant = did_you_mean(given, POLICIES)
    raise Refused(sentence.format(given=given, meant=meant, allowed=", ".join(POLICIES)))


def _not_negative(option: str, given: str) -> float:
    power = amount(option, given, "MW")
    if power >= 0:
        return power
    raise Refused(
        _("{option} '{given}': below zero. Allowed: 0 kW or more.").format(
            option=option, given=given
        )
    )
