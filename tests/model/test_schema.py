"""The JSON Schema of park files says what an editor needs: kinds, units, words, bounds."""

from __future__ import annotations

from typing import Any

import pytest

from zeropark.assets import kinds
from zeropark.model.schema import park_schema


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return park_schema(kinds())


def test_every_kind_can_stand_among_the_assets(schema: dict[str, Any]) -> None:
    items = schema["properties"]["assets"]["items"]["oneOf"]
    offered = [schema["$defs"][item["$ref"].rpartition("/")[2]] for item in items]
    said = [definition["properties"]["kind"]["const"] for definition in offered]
    assert said == list(kinds())


def test_a_quantity_says_its_unit_bounds_and_words(schema: dict[str, Any]) -> None:
    field = schema["$defs"]["Battery"]["properties"]["p_nom"]
    assert field["x-unit"] == "MW"
    assert field["x-exclusive-minimum"] == 0
    assert field["x-label"]["en"] == "rated power of the inverter"
    assert field["x-label"]["zh"] == "逆变器额定功率"


def test_a_default_is_written_as_a_file_writes_it(schema: dict[str, Any]) -> None:
    battery = schema["$defs"]["Battery"]["properties"]
    assert battery["room_temperature"]["default"] == "18 degC"
    assert battery["floor"]["default"] == 0.1


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    def references(part: object) -> list[str]:
        if isinstance(part, dict):
            here = [part["$ref"]] if "$ref" in part else []
            return here + [ref for value in part.values() for ref in references(value)]
        return [ref for item in part for ref in references(item)] if isinstance(part, list) else []

    for reference in references(schema):
        assert reference.rpartition("/")[2] in schema["$defs"]


def test_sources_may_stand_in_every_mapping(schema: dict[str, Any]) -> None:
    for definition in (schema, *schema["$defs"].values()):
        assert "sources" in definition["properties"]


def test_no_field_is_without_words(schema: dict[str, Any]) -> None:
    for name, definition in schema["$defs"].items():
        for field, says in definition["properties"].items():
            if field not in {"kind", "sources"}:
                words = says["x-label"]["zh"]
                assert any("\u4e00" <= letter <= "\u9fff" for letter in words), f"{name}.{field}"
