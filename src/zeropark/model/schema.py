"""The park file as a JSON Schema: editors complete fields and say what is wrong while one types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from zeropark.model import form
from zeropark.model.asset import Asset
from zeropark.model.fields import mark_at, members, type_at
from zeropark.model.park import Park
from zeropark.model.sources import KEY, STATUSES
from zeropark.units.quantity import Unit

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS = {
    "gt": "x-exclusive-minimum",
    "ge": "x-minimum",
    "lt": "x-exclusive-maximum",
    "le": "x-maximum",
}
_SOURCES = {
    "type": "object",
    "description": "where the numbers beside and below come from; '*' stands for all the others",
    "x-label": {"en": "sources", "zh": "出处"},
    "additionalProperties": {"type": "string", "pattern": f"^({'|'.join(STATUSES)}): "},
}


_FORM = "form of the park file"


def park_schema(kinds: Mapping[str, type[Asset]]) -> dict[str, Any]:
    """Return the JSON Schema of a park file whose assets are of `kinds`.

    A quantity is a string with its unit inside in `x-unit`; `x-label` holds the words in both
    languages.
    """
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Park, "validation")]
    models += [(kinds[name], "validation") for name in kinds]
    places, whole = models_json_schema(models, by_alias=True)
    definitions = whole["$defs"]
    assets = []
    for name in kinds:
        reference = places[kinds[name], "validation"]["$ref"]
        own = definitions[reference.rpartition("/")[2]]
        own["properties"]["kind"] = {"const": name}
        own["required"] = ["kind", *own.get("required", [])]
        own["x-label"] = kinds[name].title._asdict()
        own["description"] = (kinds[name].__doc__ or "").partition("\n")[0]
        assets.append({"$ref": reference})
    park_name = places[Park, "validation"]["$ref"].rpartition("/")[2]
    park = definitions.pop(park_name)
    for ours in ("numbers", "form"):
        park["properties"].pop(ours)
    park["properties"] = {form.KEY: {"const": form.FORM, "description": _FORM}} | park["properties"]
    park["properties"]["assets"] = {"type": "array", "minItems": 1, "items": {"oneOf": assets}}
    for unused in ("Asset", "Number", "Source", "Text"):
        definitions.pop(unused, None)
    classes = _classes([model for model, _ in models])
    for name, definition in ((park_name, park), *definitions.items()):
        _tidy(definition, classes[name])
    return {"$schema": _DIALECT, "title": "zeropark park file", **park, "$defs": definitions}


def _classes(models: Iterable[type]) -> dict[str, type]:
    """Return the models and all that stand in their fields, by class name."""
    found: dict[str, type] = {}
    waiting = list(models)
    while waiting:
        model = waiting.pop()
        if model.__name__ in found or not members(model):
            continue
        found[model.__name__] = model
        waiting += [inner for name in members(model) for inner in _inside(model, name)]
    return found


def _inside(model: type, name: str) -> list[type]:
    """Return the model in a field: the field's own, or its list's."""
    here = type_at(model, (name,))
    inner = type_at(model, (name, 0)) if get_args(here) else here
    return [each for each in (here, inner) if isinstance(each, type)]


def _tidy(definition: dict[str, Any], model: type) -> None:
    """Put words, unit and bounds of each field where an editor finds them."""
    definition.pop("title", None)
    definition["description"] = (model.__doc__ or "").partition("\n")[0]
    for name, (_, words) in members(model).items():
        field = definition["properties"].get(name)
        if field is None:
            continue
        field.pop("title", None)
        field["x-label"] = words._asdict()
        marks = mark_at(model, (name,))
        unit = next((mark.symbol for mark in marks if isinstance(mark, Unit)), None)
        if unit is not None:
            field |= {"x-unit": unit, **_limits(marks)}
            if isinstance(field.get("default"), float) and unit != "1":
                field["default"] = f"{field['default']:g} {unit}"
    definition["properties"][KEY] = _SOURCES


def _limits(marks: tuple[object, ...]) -> dict[str, float]:
    """Return the bounds of a quantity in its unit inside."""
    found: dict[str, float] = {}
    for mark in marks:
        for bound, key in _BOUNDS.items():
            if getattr(mark, bound, None) is not None:
                found[key] = float(getattr(mark, bound))
    return found
