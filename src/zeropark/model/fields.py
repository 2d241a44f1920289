"""What a model's types say at a place in a file.

The unit, the reference, the words beside a number.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zeropark.units.quantity import Unit
from zeropark.units.text import Text

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class Leaf:
    """A value of a file that is no mapping and no list, with what its type says.

    loc: where below the model. value: as written. marks: the type's metadata, such as `Unit` or
    `Port`. title: the words of the field it stands in.
    """

    loc: Loc
    value: object
    marks: tuple[object, ...]
    title: Text

    @property
    def unit(self) -> str | None:
        """The unit of the value [symbol]; None where it is no quantity."""
        return next((mark.symbol for mark in self.marks if isinstance(mark, Unit)), None)


def leaves(model: type, raw: object, loc: Loc = ()) -> Iterator[Leaf]:
    """Yield each value written in `raw` for which `model` has a type.

    What fits nowhere is passed over.
    """
    known = members(model)
    if not isinstance(raw, Mapping):
        return
    for key, value in raw.items():
        if key in known:
            annotation, title = known[key]
            yield from _below(annotation, value, (*loc, key), (), title)


def mark_at(model: type, loc: Loc) -> tuple[object, ...]:
    """Return the metadata of the type at `loc` below `model`.

    Nothing where there is no such place.
    """
    return _bare(_annotation_at(model, loc))[1]


def type_at(model: type, loc: Loc) -> object:
    """Return the type at `loc` below `model`, without metadata.

    None where there is no such place.
    """
    return _bare(_annotation_at(model, loc))[0]


def _annotation_at(model: type, loc: Loc) -> Any:
    annotation: Any = model
    for key in loc:
        annotation = _bare(annotation)[0]
        if isinstance(annotation, type) and key in members(annotation):
            annotation = members(annotation)[str(key)][0]
        else:
            inner = [part for part in get_args(annotation) if part is not Ellipsis]
            annotation = inner[-1] if inner else None
    return annotation


@cache
def members(model: type) -> Mapping[str, tuple[Any, Text]]:
    """Return the fields of a model or dataclass as a file names them.

    (annotation, words) by name.
    """
    if issubclass(model, BaseModel):
        return {
            info.alias or name: (_whole(info), _words(name, info))
            for name, info in model.model_fields.items()
        }
    if is_dataclass(model):
        hints = get_type_hints(model, include_extras=True)
        return {f.name: (hints[f.name], _words_of(f.name, hints[f.name])) for f in fields(model)}
    return {}


def _below(
    annotation: Any, value: object, loc: Loc, marks: tuple[object, ...], title: Text
) -> Iterator[Leaf]:
    annotation, found = _bare(annotation)
    marks = (*marks, *found)
    if isinstance(value, Mapping):
        if isinstance(annotation, type) and members(annotation):
            yield from leaves(annotation, value, loc)
        elif get_origin(annotation) is not None:
            values = get_args(annotation)[-1]
            for key, item in value.items():
                yield from _below(values, item, (*loc, str(key)), (), title)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        inner = [part for part in get_args(annotation) if part is not Ellipsis]
        for index, item in enumerate(value):
            kind = inner[min(index, len(inner) - 1)] if inner else object
            yield from _below(kind, item, (*loc, index), (), title)
    else:
        yield Leaf(loc, value, marks, title)


def _bare(annotation: Any) -> tuple[Any, tuple[object, ...]]:
    """Return a type without `Annotated` and `| None`, and the metadata found on the way."""
    marks: tuple[object, ...] = ()
    while True:
        if get_origin(annotation) is Annotated:
            parts = get_args(annotation)
            annotation, marks = parts[0], (*marks, *_opened(parts[1:]))
        elif get_origin(annotation) in (Union, types.UnionType):
            some = [part for part in get_args(annotation) if part is not type(None)]
            if len(some) != 1:
                return annotation, marks
            annotation = some[0]
        else:
            return annotation, marks


def _opened(marks: tuple[object, ...]) -> Iterator[object]:
    """Yield metadata with what stands inside a `Field(…)`, such as its bounds."""
    for mark in marks:
        yield mark
        if isinstance(mark, FieldInfo):
            yield from mark.metadata


def _whole(info: FieldInfo) -> Any:
    """Return a field's annotation with the metadata pydantic has taken off it."""
    annotation: Any = info.annotation
    for mark in info.metadata:
        annotation = Annotated[annotation, mark]
    return annotation


def _words(name: str, info: FieldInfo) -> Text:
    return Text(info.description or name.replace("_", " "), info.title or name)


def _words_of(name: str, hint: Any) -> Text:
    infos = [mark for mark in _bare(hint)[1] if isinstance(mark, FieldInfo)]
    return _words(name, infos[0]) if infos else Text(name, name)
