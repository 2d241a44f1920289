"""Reading a park file: everything that is wrong with it at once, or a park."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from zeropark.model.asset import Asset
from zeropark.model.crosscheck import check_together
from zeropark.model.document import Document, parse_document, read_document
from zeropark.model.fields import Leaf, Loc, leaves, mark_at, members, type_at
from zeropark.model.form import take_form
from zeropark.model.mistakes import ParkError, explain
from zeropark.model.park import Park
from zeropark.model.sources import list_numbers, take_sources
from zeropark.units.quantity import Unit
from zeropark.units.refusal import FIELD, meant, with_meant
from zeropark.units.text import Text

Kinds = Mapping[str, type[Asset]]
_IN_FILE = {"file": True}
_NOTHING = Text(
    "nothing is written here; write a value or take the line out", "此处为空；写上值，或删去这一行"
)
_KIND_MISSING = Text(
    "kind is missing; write kind: with one of {allowed}", "缺少 kind；写 kind:，可用：{allowed}"
)
_KIND_UNKNOWN = Text(
    "unknown kind '{given}'{meant} Allowed: {allowed}", "未知种类“{given}”{meant}可用：{allowed}"
)
_NO_MAPPING = Text(
    "fields are needed here, such as {{kind: load, name: office}}",
    "此处需要字段，例如 {{kind: load, name: office}}",
)


def read_park(path: Path, kinds: Kinds) -> Park:
    """Return the park in the file at `path`.

    kinds: the asset kinds by name; only those the park names are looked up. Raises `ParkError` with
    every mistake of the file.
    """
    return _understand(read_document(path), kinds, path.parent)


def parse_park(
    text: str, kinds: Kinds, file: str = "park.yaml", folder: Path | None = None
) -> Park:
    """Return the park that YAML `text` says.

    `file` names it in mistakes, `folder` holds its series.
    """
    return _understand(parse_document(text, Document(file)), kinds, folder)


def _understand(document: Document, kinds: Kinds, folder: Path | None) -> Park:
    form = take_form(document)
    sources = take_sources(document)
    assets = _read_assets(document, kinds)
    park = _read_rest(document, assets)
    used = _used_kinds(document, kinds)
    found = list(_all_leaves(document, used))
    check_together(document, used, found, folder, assets)
    if document.mistakes:
        raise ParkError(document.mistakes)
    assert park is not None, "a park without mistakes is a park"
    numbers = list_numbers(document, found, sources, assets)
    return park.model_copy(update={"numbers": numbers, "form": form})


def _listed(document: Document, section: str) -> list[Any]:
    listed = document.data.get(section)
    return listed if isinstance(listed, list) else []


def _read_assets(document: Document, kinds: Kinds) -> dict[int, Asset]:
    """Return the assets that are without mistakes, by their place in the list."""
    found: dict[int, Asset] = {}
    for index, raw in enumerate(_listed(document, "assets")):
        loc: Loc = ("assets", index)
        allowed = ", ".join(sorted(kinds))
        if not isinstance(raw, dict):
            document.mistake(loc, "not_fields", _NO_MAPPING.format())
        elif not isinstance(raw.get("kind"), str):
            document.mistake(loc, "kind_missing", _KIND_MISSING, allowed=allowed)
        elif raw["kind"] not in kinds:
            near = meant(raw["kind"], kinds)
            text = with_meant(_KIND_UNKNOWN, near, given=raw["kind"], allowed=allowed)
            document.mistake((*loc, "kind"), "kind_unknown", text)
        else:
            kind = kinds[raw["kind"]]
            nameplate = {key: value for key, value in raw.items() if key != "kind"}
            try:
                found[index] = kind.model_validate(nameplate, context=_IN_FILE)
            except ValidationError as error:
                _note(document, loc, kind, error)
    return found


def _read_rest(document: Document, assets: Mapping[int, Asset]) -> Park | None:
    """Return the park around its assets; None, and the mistakes noted, where something is wrong."""
    data = dict(document.data)
    listed = data.get("assets")
    if isinstance(listed, list):
        # An asset with mistakes of its own is stood in for, so that the rest is still looked at.
        data["assets"] = [assets.get(i, Asset.model_construct(name="")) for i in range(len(listed))]
    for ours in ("numbers", "form"):
        data.pop(ours, None)
    try:
        return Park.model_validate(data, context=_IN_FILE)
    except ValidationError as error:
        _note(document, (), Park, error)
        return None


def _note(document: Document, loc: Loc, model: type, error: ValidationError) -> None:
    for one in error.errors(include_url=False):
        below = _place(one)
        full = (*loc, *below)
        value = document.at(full)
        if value is None and one["type"] != "missing":
            if not any(said.where == document.where(full) for said in document.mistakes):
                document.mistake(full, "nothing", _NOTHING)
            continue
        if (
            one["type"] == "too_short"
            and isinstance(value, list)
            and len(value) >= one["ctx"]["min_length"]
        ):
            continue  # There are enough; those with mistakes of their own were not counted.
        marks = mark_at(model, below)
        unit = next((mark.symbol for mark in marks if isinstance(mark, Unit)), "")
        text = explain(one, _as_written(value), "" if unit == "1" else unit, _beside(model, below))
        if one["type"] in ("missing", "extra_forbidden"):
            # The sentence names the field: the place is what it is missing from, or too much in.
            document.mistake(full[:-1], one["type"], text, line=document.line(full))
        else:
            document.mistake(full, one["type"], text)


def _place(error: ErrorDetails) -> Loc:
    """Return where below the model an error stands; a check of a whole object may name a field."""
    own = str(error.get("ctx", {}).get(FIELD, ""))
    below = [int(part) if part.isdecimal() else part for part in own.split(".") if part]
    return (*error["loc"], *below)


def _as_written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | list):
        return "…"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _beside(model: type, loc: Loc) -> list[str]:
    """Return the names that may stand beside the last of `loc`."""
    here = type_at(model, loc[:-1])
    names = list(members(here)) if isinstance(here, type) else []
    own = ["kind"] if isinstance(here, type) and issubclass(here, Asset) else []
    return [*names, *own, "sources"]


def _used_kinds(document: Document, kinds: Kinds) -> dict[str, type[Asset]]:
    named = {raw.get("kind") for raw in _listed(document, "assets") if isinstance(raw, dict)}
    return {name: kinds[name] for name in named if isinstance(name, str) and name in kinds}


def _all_leaves(document: Document, used: Kinds) -> Iterator[Leaf]:
    """Yield every value of the file that has a type, with its place in the whole file."""
    around = {key: value for key, value in document.data.items() if key != "assets"}
    yield from leaves(Park, around)
    for index, raw in enumerate(_listed(document, "assets")):
        if isinstance(raw, dict) and raw.get("kind") in used:
            yield from leaves(used[raw["kind"]], raw, ("assets", index))
