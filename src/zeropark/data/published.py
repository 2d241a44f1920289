"""Published numbers: dated, sourced, and marked by how they are known."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from zeropark.units.quantity import convert
from zeropark.units.text import Text


@dataclass(frozen=True)
class Fact:
    """A number someone published or assumed, as it holds from a date on.

    value: in `unit` [symbol]. since: the date it holds from. status: read, secondary, recalled,
    computed or assumption. range: what it may be, in the same unit; None where nobody says.
    """

    name: str
    label: Text
    value: float
    unit: str
    since: dt.date
    source: str
    status: str
    range: tuple[float, float] | None = None

    def in_unit(self, unit: str) -> float:
        """Return the value in another unit of the same dimension; raises `UnitError`."""
        return convert(self.value, self.unit, unit)

    @property
    def unconfirmed(self) -> bool:
        """Whether nobody has read the number in its source."""
        return self.status in {"recalled", "assumption"}


class UnknownFactError(KeyError):
    """No fact has that name, or none holds yet at that date."""


def fact(name: str, at: dt.date) -> Fact:
    """Return the newest value of the fact `name` that holds at `at`; raises `UnknownFactError`."""
    history = [value for value in _all().get(name, ()) if value.since <= at]
    if not history:
        raise UnknownFactError(name)
    return history[-1]


def fact_names() -> tuple[str, ...]:
    """Return the names of all facts."""
    return tuple(_all())


@cache
def fact_files() -> dict[str, dict[str, Any]]:
    """Return what each file of facts says, by its name; each is read once."""
    files = resources.files("zeropark.data").joinpath("facts").iterdir()
    return {
        file.name: yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for file in sorted(files, key=lambda file: file.name)
    }


@cache
def _all() -> dict[str, tuple[Fact, ...]]:
    found: dict[str, tuple[Fact, ...]] = {}
    for content in fact_files().values():
        for entry in content.get("facts", ()):
            values = sorted(entry["values"], key=lambda value: value["from"])
            found[entry["name"]] = tuple(_fact(entry, value) for value in values)
    return found


def _fact(entry: dict[str, Any], value: dict[str, Any]) -> Fact:
    span = value.get("range")
    return Fact(
        name=entry["name"],
        label=Text(**entry["label"]),
        value=float(value["value"]),
        unit=entry["unit"],
        since=value["from"],
        source=value["source"],
        status=value["status"],
        range=None if span is None else (float(span[0]), float(span[1])),
    )
