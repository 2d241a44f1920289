"""What every asset of a park is: a name, an owner, ports at nodes, meter points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from zeropark.model.warmth import Warmth
from zeropark.units.text import Text

Name = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*$",
        max_length=40,
        title="名称",
        description="short name, unique among its like",
    ),
]


def _both_languages(value: object) -> object:
    return Text(value, value) if isinstance(value, str) else value


_WORDS = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"en": {"type": "string"}, "zh": {"type": "string"}},
            "required": ["en", "zh"],
            "additionalProperties": False,
        },
    ]
}
Label = Annotated[Text, BeforeValidator(_both_languages), WithJsonSchema(_WORDS)]
"""What a person reads: `{en: Works, zh: 厂房}`, or one word that is the same in both languages."""
ShownLabel = Annotated[
    Label | None, Field(title="显示名", description="what a person reads, in both languages")
]


@dataclass(frozen=True)
class Port:
    """Where an asset touches a node of `carrier`; the sign of a flow there is into the node.

    Stands in the type of the field that names the node: `node: Annotated[str,
    Port("electricity")]`. feeds: whether anything can flow into the node there; a pure user of the
    carrier says False.
    """

    carrier: str
    feeds: bool = True


@dataclass(frozen=True)
class Reference:
    """A field that names another thing of the park.

    One of its `parties`, `tariffs`, `series`, `assets`.
    """

    to: str


ElectricityNode = Annotated[str, Port("electricity")]
HeatNode = Annotated[str, Port("heat")]
CoolingNode = Annotated[str, Port("cooling")]
ComputeNode = Annotated[str, Port("compute")]
ElectricityUse = Annotated[str, Port("electricity", feeds=False)]
HeatUse = Annotated[str, Port("heat", feeds=False)]
CoolingUse = Annotated[str, Port("cooling", feeds=False)]
ComputeUse = Annotated[str, Port("compute", feeds=False)]
MaterialNode = Annotated[str, Port("material")]
MaterialUse = Annotated[str, Port("material", feeds=False)]
PartyName = Annotated[str, Reference("parties")]
TariffName = Annotated[str, Reference("tariffs")]
SeriesName = Annotated[str, Reference("series")]
AssetName = Annotated[str, Reference("assets")]


@dataclass(frozen=True)
class Point:
    """A number a device shows or takes.

    name: in readings and set-points. unit: what the number is in. means: the words beside it.
    writable: whether a set-point goes there. codes: what 0, 1, 2 … mean, where the unit is "code".
    """

    name: str
    unit: str
    means: Text
    writable: bool = False
    codes: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Wrong:
    """What is wrong with an asset beside the others.

    asset: its name. field: of its nameplate. code: stable name of the mistake. text: the sentence.
    """

    asset: str
    field: str
    code: str
    text: Text


class Asset(BaseModel):
    """A thing that makes, turns, stores, moves or uses a carrier.

    Fields of a kind are its nameplate; each has a unit type, and `Field(description=…, title=…)`
    says in English and Chinese what it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: ClassVar[str]
    title: ClassVar[Text]
    points: ClassVar[tuple[Point, ...]] = ()

    name: Name
    party: Annotated[
        PartyName | None, Field(title="主体", description="who owns it, one of the parties")
    ] = None
    label: ShownLabel = None

    @property
    def shown(self) -> Text:
        """The asset's own label, or its kind's title with its name."""
        return self.label or Text(f"{self.title.en} {self.name}", f"{self.title.zh} {self.name}")

    @classmethod
    def ports(cls) -> Mapping[str, Port]:
        """Return the ports of the kind by field name."""
        return _ports(cls)

    @classmethod
    def beside(cls, assets: Sequence[Asset], warmths: Mapping[str, Warmth]) -> Iterable[Wrong]:
        """Yield what is wrong with assets of this kind among all `assets` of a park.

        Asked once for the kind. warmths: the temperatures of the heat nodes that have them, by
        node.
        """
        del assets, warmths
        return ()

    def port_nodes(self) -> Mapping[str, str | None]:
        """Return the node at each port; None where an optional port is not connected."""
        return {name: getattr(self, name) for name in self.ports()}


@cache
def _ports(kind: type[Asset]) -> dict[str, Port]:
    found: dict[str, Port] = {}
    for name, field in kind.model_fields.items():
        for item in (*field.metadata, *_inner_metadata(field.annotation)):
            if isinstance(item, Port):
                found[name] = item
    return found


def _inner_metadata(annotation: object) -> tuple[object, ...]:
    """Return the metadata inside `Annotated[…] | None`."""
    return tuple(
        item
        for part in getattr(annotation, "__args__", ())
        for item in getattr(part, "__metadata__", ())
    )
