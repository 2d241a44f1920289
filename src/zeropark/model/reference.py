"""The reference page of the park file, made from its own types.

`python -m zeropark.model.reference`.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from zeropark.model.asset import Asset
from zeropark.model.caller import CallerLine
from zeropark.model.device import DeviceLine
from zeropark.model.fields import mark_at, members, type_at
from zeropark.model.park import Contract, Node, Park, Party, Series, Study
from zeropark.model.series import Profile
from zeropark.model.sources import STATUSES
from zeropark.model.tariff import Band, Demand, Season, Tariff
from zeropark.model.warmth import Warmth
from zeropark.units.place import Place
from zeropark.units.quantity import Unit

_INTRO = """\
# The park file

One YAML file says what a park is. `zeropark check FILE` tells all its mistakes at once, each with
its line and the mend; `zeropark check --schema` prints the same as a JSON Schema for editors. This
page is made from the code by `python -m zeropark.model.reference`; a test fails where it differs.

- **Form.** `schema: 1`, the first line, says which form the file has; `check` says how an old one
is lifted.
- **Units.** A number with a dimension stands with its unit: `12 MW` and `12000 kW` are the same.
Shares are plain numbers or percent: `0.95` and `95 %`. The unit column says how a number is kept
inside. - **Times.** Dates are `2026-01-31`; hours of the day are spans such as `17-23` or
`6:30-8:15` in the park's zone; `23-7` goes over midnight.
- **Names.** Letters, digits, `-` and `_`, beginning with a letter. A `label` is what a person
reads, `{en: Works, zh: 厂房}`, or one word for both languages.
- **YAML.** Only `true` and `false` are truth values (`no` and `on` are text), no clock time is a
number, anchors and `<<` work, a field written twice is a mistake.
- **Sources.** `sources` may stand in any mapping and says where the numbers in it come from:
  `sources: {p_nom: "read: maker's sheet", "*": "assumption: what is usual"}`. The key is a field, a
  dotted path to one below (`energy.bands.price`), or `*` for all the others; the nearest `sources`
  that names a number wins. The first word is one of STATUSES. What a kind fills in by
  itself counts as an assumption. A run lists all assumptions beside its result.
"""
_PARTS: tuple[tuple[str, str, type], ...] = (
    ("The file", "", Park),
    ("place", "Where the park is.", Place),
    ("parties", "A list of firms, the park itself, grid companies.", Party),
    ("nodes", "A list of places where one carrier balances at every step.", Node),
    (
        "temperature",
        (
            "How warm a heat node is at each step; heat passes only to a cooler node. What a "
            "network gives back is at one fixed temperature."
        ),
        Warmth,
    ),
    (
        "assets",
        (
            "A list of things that make, turn, store or use a carrier. `kind` says which kind; "
            "each kind has fields of its own beside these."
        ),
        Asset,
    ),
    (
        "profile",
        "How a load goes through the day: one of `constant`, `weekday`, `series`.",
        Profile,
    ),
    ("tariffs", "A list of what electricity costs. Export must not be dearer than import.", Tariff),
    ("energy and export", "A list of seasons, in order; each holds until the next.", Season),
    ("bands", "A list of hours with one price; together they cover the day once.", Band),
    ("demand", "The charge for the month's highest demand.", Demand),
    ("contracts", "A list of agreed deliveries.", Contract),
    (
        "series",
        (
            "A list of your own files. `zeropark check FILE --dry-run --load data.csv` guesses "
            "these lines and prints them to paste."
        ),
        Series,
    ),
    (
        "devices",
        (
            "A list of what the assets are reached by. `zeropark device list` shows the templates; "
            "`template: standard` is the register layout every kind has."
        ),
        DeviceLine,
    ),
    (
        "callers",
        (
            "A list of who calls the park from outside, and by what protocol; "
            "`zeropark grid listen` hears one of them."
        ),
        CallerLine,
    ),
    ("studies", "A list of runs worth repeating; the first says what `zeropark run` does.", Study),
)


def page() -> str:
    """Return the page in Markdown."""
    statuses = ", ".join(f"`{status}`" for status in STATUSES)
    parts = [_INTRO.replace("STATUSES", statuses)]
    for title, words, model in _PARTS:
        lines = [f"## {title}", ""]
        lines += [words, ""] if words else []
        lines += table(model)
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def table(model: type, without: Collection[str] = ()) -> list[str]:
    """Return the fields of a model as a Markdown table, but those named in `without`."""
    lines = [
        "| field | meaning | 含义 | unit | default | allowed |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return lines + list(_rows(model, without))


def _rows(model: type, without: Collection[str]) -> Iterator[str]:
    for name, (_, words) in members(model).items():
        if name == "numbers" or name in without:
            continue
        marks = mark_at(model, (name,))
        unit = next((mark.symbol for mark in marks if isinstance(mark, Unit)), "")
        cells = (
            f"`{name}`",
            words.en,
            words.zh,
            unit,
            _default(model, name, unit),
            _allowed(model, name),
        )
        yield f"| {' | '.join(cells)} |"


def _default(model: type, name: str, unit: str) -> str:
    if not issubclass(model, BaseModel):
        return "needed"
    info = next(i for n, i in model.model_fields.items() if (i.alias or n) == name)
    value: Any = info.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "needed"
    if value is None or value in ((), {}):
        return ""
    shown = f"{value:g} {unit}" if isinstance(value, float) else str(value).lower()
    return f"`{shown.removesuffix(' 1')}`"


def _allowed(model: type, name: str) -> str:
    """Return the bounds of a number, or the words that may stand there."""
    words = get_args(type_at(model, (name,)))
    if words and all(isinstance(word, str) for word in words):
        return ", ".join(f"`{word}`" for word in words)
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    found = [
        f"{sign} {getattr(mark, bound):g}"
        for mark in mark_at(model, (name,))
        for bound, sign in signs.items()
        if getattr(mark, bound, None) is not None
    ]
    return ", ".join(found)


if __name__ == "__main__":
    sys.stdout.write(page())
