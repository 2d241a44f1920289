"""What pydantic refuses by itself is put into our sentences, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from zeropark.assets import kinds
from zeropark.model.mistakes import SENTENCES
from zeropark.model.park import Park

PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
# What each part of a schema can refuse by itself.
REFUSES = {
    "float": ("float_type", "float_parsing", "finite_number"),
    "int": ("int_type", "int_parsing", "int_from_float"),
    "bool": ("bool_type", "bool_parsing"),
    "str": ("string_type",),
    "date": ("date_type", "date_parsing", "date_from_datetime_parsing"),
    "tuple": ("tuple_type",),
    "model": ("model_type",),
    "model-fields": ("missing", "extra_forbidden"),
    "dataclass": ("dataclass_type",),
    "literal": ("literal_error",),
    "dict": ("dict_type",),
    "call": ("named_tuple_type",),
}
LIMITS = {
    "gt": "greater_than",
    "ge": "greater_than_equal",
    "lt": "less_than",
    "le": "less_than_equal",
    "multiple_of": "multiple_of",
    "pattern": "string_pattern_mismatch",
    "min_length": "too_short",
    "max_length": "too_long",
}


def parts(schema: object) -> Iterator[dict[str, Any]]:
    """Yield every part of a compiled schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for value in schema.values():
            yield from parts(value)
    elif isinstance(schema, list | tuple):
        for value in schema:
            yield from parts(value)


@pytest.mark.parametrize("name", ["park", *kinds()])
def test_every_refusal_a_schema_can_make_has_a_sentence(name: str) -> None:
    model: type[BaseModel] = Park if name == "park" else kinds()[name]
    possible = set()
    for part in parts(model.__pydantic_core_schema__):
        possible |= set(REFUSES.get(part["type"], ()))
        possible |= {code for limit, code in LIMITS.items() if part.get(limit) is not None}
    assert possible
    assert possible <= set(SENTENCES)


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_names_the_same_things_in_both_languages(code: str) -> None:
    text = SENTENCES[code]
    assert set(PLACEHOLDER.findall(text.en)) == set(PLACEHOLDER.findall(text.zh))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in text.zh)
