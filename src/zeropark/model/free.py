"""Parameters that a study leaves free: which, between what bounds, and what a unit of one costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from zeropark.model.asset import Asset, AssetName
from zeropark.model.document import Document
from zeropark.model.fields import mark_at, type_at
from zeropark.model.mistakes import explain
from zeropark.units.quantity import Unit
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text
from zeropark.units.types import Duration, Share

_HOURS_OF_A_YEAR = 8760.0
_NO_PARAMETER = Text(
    "'{given}' is no number of kind {kind}{meant} Allowed: {allowed}",
    "“{given}”不是种类 {kind} 的数值参数{meant}可用：{allowed}",
)
_WRONG_WAY = Text(
    "at_least {least} is not below at_most {most}; allowed: at_least < at_most",
    "at_least {least} 不低于 at_most {most}；可用：at_least < at_most",
)
_TWICE = Text(
    "{parameter} of '{asset}' is left free twice; leave one",
    "“{asset}”的 {parameter} 两次列为自由参数；留一处",
)
_NEGATIVE = Text(
    "{given} is too small; allowed: 0 {unit} or more", "{given} 太小；可用：不小于 0 {unit}"
)


def _as_text(value: object) -> object:
    return f"{value:g}" if isinstance(value, int | float) else value


Written = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "number"]})]
"""A number as it is written; its unit is the parameter's, which only the asset's kind knows."""


class FreeParameter(BaseModel):
    """A parameter of an asset that a study decides, and what a unit of it costs.

    at_least, at_most, cost: numbers in units that fit the parameter (`2 MWh`, `1100 CNY/kWh`). A
    least of 0 is "not built". lifetime: over how long the cost is paid back; upkeep: what keeping
    it costs, as a share of the cost a year.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    asset: Annotated[AssetName, Field(description="whose parameter it is", title="资产")]
    parameter: Annotated[str, Field(description="the parameter's name", title="参数")]
    at_least: Annotated[Written, Field(description="lower bound", title="下限")] = "0"
    at_most: Annotated[Written, Field(description="upper bound", title="上限")]
    cost: Annotated[
        Written, Field(description="what a unit of it costs to build", title="单位造价")
    ]
    lifetime: Annotated[Duration, Field(gt=0, description="how long it serves", title="寿命")]
    upkeep: Annotated[
        Share, Field(description="yearly upkeep as a share of the cost", title="年运维费率")
    ] = 0.0

    def annuity(self, interest: float) -> float:
        """Return the share of the cost that a year bears [1/year], upkeep among it.

        interest: real, of a year [1].
        """
        years = self.lifetime / _HOURS_OF_A_YEAR
        if interest == 0.0:
            return 1.0 / years + self.upkeep
        return float(interest / (1.0 - (1.0 + interest) ** -years)) + self.upkeep


@dataclass(frozen=True)
class Freedom:
    """A free parameter in the unit inside.

    unit: [symbol]. least, most: bounds. cost: of a unit of it [CNY].
    """

    unit: str
    least: float
    most: float
    cost: float


def freedom_of(free: FreeParameter, kind: type[Asset]) -> Freedom:
    """Return bounds and cost of a free parameter that `check_free` has found without mistake."""
    unit = dict(_numbers_of(kind))[free.parameter]
    read = [_read(text, u) for text, u in _texts(free.model_dump(), unit)]
    return Freedom(unit, *read)


def check_free(document: Document, used: Mapping[str, type[Asset]]) -> None:
    """Note what is wrong with the parameters that studies leave free."""
    kinds = {
        raw.get("name"): used[str(raw.get("kind"))]
        for raw in _listed(document.data.get("assets"))
        if raw.get("kind") in used
    }
    for i, study in enumerate(_listed(document.data.get("studies"))):
        seen: set[tuple[object, object]] = set()
        for j, raw in enumerate(_listed(study.get("free"))):
            loc = ("studies", i, "free", j)
            kind = kinds.get(raw.get("asset"))
            # An asset that is not there has been told of; so has a field that is missing.
            if kind is None or not isinstance(raw.get("parameter"), str):
                continue
            one = (raw["asset"], raw["parameter"])
            if one in seen:
                document.mistake(loc, "free_twice", _TWICE, asset=one[0], parameter=one[1])
            seen.add(one)
            _check_one(document, loc, raw, kind)


def _check_one(
    document: Document, loc: tuple[str | int, ...], raw: Mapping[str, Any], kind: type[Asset]
) -> None:
    numbers = dict(_numbers_of(kind))
    name = raw["parameter"]
    if name not in numbers:
        text = with_meant(
            _NO_PARAMETER, meant(name, numbers), given=name, kind=kind.kind,
            allowed=", ".join(numbers),
        )  # fmt: skip
        document.mistake((*loc, "parameter"), "parameter_unknown", text)
        return
    read: dict[str, float] = {}
    for (field, fallback), unit in zip(_FIELDS, _units(numbers[name]), strict=True):
        given = raw.get(field, fallback)
        if given is None:
            continue
        try:
            read[field] = _read(given, unit)
            if field != "cost" and read[field] != 0.0:
                _field(kind, name).validate_python(read[field])
        except ValidationError as error:
            shown = "" if unit == "1" else unit
            text = explain(error.errors(include_url=False)[0], str(given), shown, ())
            document.mistake((*loc, field), "free_number", text)
    if read.get("cost", 0.0) < 0.0:
        unit = _units(numbers[name])[2]
        document.mistake((*loc, "cost"), "cost_negative", _NEGATIVE, given=raw["cost"], unit=unit)
    if read.get("at_least", 0.0) >= read.get("at_most", float("inf")):
        document.mistake(
            loc, "bounds_wrong_way", _WRONG_WAY,
            least=raw.get("at_least", "0"), most=raw["at_most"],
        )  # fmt: skip


_FIELDS: tuple[tuple[str, str | None], ...] = (("at_least", "0"), ("at_most", None), ("cost", None))


def _units(unit: str) -> tuple[str, str, str]:
    return unit, unit, f"CNY/{unit}" if unit != "1" else "CNY"


def _texts(raw: Mapping[str, Any], unit: str) -> Iterator[tuple[str, str]]:
    for (field, _), own in zip(_FIELDS, _units(unit), strict=True):
        yield raw[field], own


def _read(given: object, unit: str) -> float:
    """Return a number written with its unit; 0 needs none. Raises `ValidationError`."""
    if str(given).strip() == "0":
        return 0.0
    kind: TypeAdapter[float] = TypeAdapter(Annotated[float, Unit(unit)])
    return kind.validate_python(given, context={"file": True})


def _numbers_of(kind: type[Asset]) -> Iterator[tuple[str, str]]:
    """Yield (name, unit) of the parameters of a kind that are numbers."""
    for name in kind.model_fields:
        units = [mark.symbol for mark in mark_at(kind, (name,)) if isinstance(mark, Unit)]
        if type_at(kind, (name,)) is float and units:
            yield name, units[0]
        elif type_at(kind, (name,)) is int:
            yield name, "1"


def _field(kind: type[Asset], name: str) -> TypeAdapter[Any]:
    info = kind.model_fields[name]
    annotation: Any = float if info.annotation is int else info.annotation
    for mark in info.metadata:
        annotation = Annotated[annotation, mark]
    return TypeAdapter(annotation)


def _listed(found: object) -> list[dict[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
