"""Where a park's numbers come from: `sources:` beside them says it, for one field or for all.

    sources: {p_nom: "read: makers' sheet", "*": "assumption: the middle of what is usual"}

stands in any mapping of a park file and covers the numbers in it and below it; the nearest one
that names a number wins. The first word says how the number is known.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from zeropark.model.asset import Asset
from zeropark.model.document import Document
from zeropark.model.fields import Leaf, Loc, members
from zeropark.model.park import Number, Source, Status
from zeropark.units.quantity import Unit
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

KEY = "sources"
_ALL = "*"
# What a run is asked to do is no claim about the world.
_SETTINGS = ("studies", "series")
STATUSES: tuple[str, ...] = get_args(Status)
"""How a number can be known."""
_DIGIT_FIRST = re.compile(r"^\s*[-+−]?\.?\d")
_FORM = Text(
    "'{given}' does not say how the number is known; write 'status: where from', "
    "with a status of {allowed}",
    "“{given}”没有说明数从何而来；写“status: 出处”，status 可用：{allowed}",
)
_MAPPING = Text(
    "sources are written as field: 'status: where from'", "sources 写作 字段: 'status: 出处'"
)
_NOTHING = Text(
    "'{given}' names no field written here{meant}", "“{given}”不是此处写出的字段{meant}"
)

Sources = dict[Loc, dict[str, Source]]


def take_sources(document: Document) -> Sources:
    """Take all `sources` out of a document's data and return them by the place they stand in."""
    found: Sources = {}
    for loc, mapping in list(_mappings(document.data, ())):
        if KEY in mapping:
            found[loc] = _read(mapping.pop(KEY), loc, mapping, document)
    return found


def source_of(loc: Loc, sources: Sources) -> Source | None:
    """Return the source of the number at `loc`: of the nearest `sources` that names it or all."""
    for depth in range(len(loc) - 1, -1, -1):
        here = sources.get(loc[:depth])
        if here is None:
            continue
        names = [str(key) for key in loc[depth:] if not isinstance(key, int)]
        for length in range(len(names), 0, -1):
            dotted = ".".join(names[:length])
            if dotted in here:
                return here[dotted]
        if _ALL in here:
            return here[_ALL]
    return None


def is_number(value: object) -> bool:
    """Return whether a value of a file says a number, a date or a time.

    Text that begins with a digit.
    """
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float | dt.date) or (
        isinstance(value, str) and bool(_DIGIT_FIRST.match(value))
    )


def list_numbers(
    document: Document, found: list[Leaf], sources: Sources, assets: Mapping[int, Asset]
) -> tuple[Number, ...]:
    """Return the numbers the file says and the defaults its assets use, each with its source."""
    lists: dict[Loc, list[Leaf]] = {}
    for leaf in found:
        if is_number(leaf.value) and leaf.loc[0] not in _SETTINGS:
            whole = leaf.loc[:-1] if isinstance(leaf.loc[-1], int) else leaf.loc
            lists.setdefault(whole, []).append(leaf)
    numbers = []
    for loc, parts in lists.items():
        value = ", ".join(_shown(part.value) for part in parts)
        label = _label(document, loc, parts[0].title, assets)
        numbers.append(
            Number(document.where(loc), label, value, parts[0].unit or "", source_of(loc, sources))
        )
    for index, asset in assets.items():
        numbers.extend(_defaults(document, ("assets", index), asset))
    return tuple(numbers)


def _defaults(document: Document, loc: Loc, asset: Asset) -> Iterator[Number]:
    """Yield what an asset's kind assumes where the file is silent."""
    kind = type(asset)
    named = members(kind)
    for field, info in kind.model_fields.items():
        name = info.alias or field
        unit = next((mark.symbol for mark in info.metadata if isinstance(mark, Unit)), None)
        if field in asset.model_fields_set or unit is None or info.default is None:
            continue
        label = _label(document, (*loc, name), named[name][1], {int(loc[-1]): asset})
        source = Source("assumption", f"default of kind {kind.kind}")
        where = f"{document.where(loc)} {name}"
        yield Number(
            where, label, f"{info.get_default(call_default_factory=False):g}", unit, source
        )


def _label(document: Document, loc: Loc, title: Text, assets: Mapping[int, Asset]) -> Text:
    if loc[0] == "assets" and len(loc) > 1 and loc[1] in assets:
        shown = assets[int(loc[1])].shown
        return Text(f"{shown.en}: {title.en}", f"{shown.zh}：{title.zh}")
    outer = document.where(loc[:-1])
    return Text(f"{outer}: {title.en}", f"{outer}：{title.zh}") if outer else title


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _mappings(data: Any, loc: Loc) -> Iterator[tuple[Loc, dict[str, Any]]]:
    if isinstance(data, dict):
        yield loc, data
        for key, value in list(data.items()):
            if key != KEY:
                yield from _mappings(value, (*loc, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _mappings(value, (*loc, index))


def _read(
    raw: object, loc: Loc, beside: Mapping[str, object], document: Document
) -> dict[str, Source]:
    if not isinstance(raw, dict):
        document.mistake((*loc, KEY), "sources", _MAPPING)
        return {}
    found: dict[str, Source] = {}
    for name, words in raw.items():
        status, colon, rest = str(words).partition(":")
        if not colon or status.strip() not in STATUSES or not rest.strip():
            document.mistake(
                (*loc, KEY, name), "source_form", _FORM, given=words, allowed=", ".join(STATUSES)
            )
            continue
        if name != _ALL and name.partition(".")[0] not in beside:
            text = with_meant(_NOTHING, meant(name, beside), given=name)
            document.mistake((*loc, KEY, name), "source_of_nothing", text)
            continue
        found[name] = Source(status.strip(), rest.strip())  # type: ignore[arg-type] # checked above
    return found
