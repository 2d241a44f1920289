"""The park: what there is, who owns it, how it is tied together, what it pays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from zeropark.model.asset import Asset, AssetName, Label, Name, PartyName
from zeropark.model.series import Profile
from zeropark.model.tariff import Tariff
from zeropark.units.place import Place
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Duration, EnergyPrice, Ratio, Zone

Status = Literal["read", "secondary", "recalled", "computed", "assumption"]
_FILE_OR_GENERATED = Text(
    "a series has either a file or a generator; write file or generated",
    "序列来自文件或由生成器产生；写 file 或 generated 之一",
)


class Source(NamedTuple):
    """Where a number comes from: how it is known, and the words that lead there."""

    status: Status
    words: str


class Number(NamedTuple):
    """A number of the park, as it is shown beside a result.

    where: dotted place in the park file. label: what it is. value: as written, or the default.
    unit: [symbol], empty for text. source: None where the file does not say.
    """

    where: str
    label: Text
    value: str
    unit: str
    source: Source | None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Party(_Part):
    """A firm, the park itself or a grid company."""

    name: Name
    label: Label | None = None


class Node(_Part):
    """A place where one carrier balances at every step.

    spill_cost: what throwing the carrier away costs [CNY/MWh]; where it is not said, that is a
    last resort.
    """

    name: Name
    carrier: Annotated[str, Field(description="what flows here", title="载体")]
    label: Label | None = None
    spill_cost: (
        Annotated[
            EnergyPrice, Field(ge=0, description="cost of throwing it away", title="弃用代价")
        ]
        | None
    ) = None


class Contract(_Part):
    """A delivery agreed between two parties: so much of a carrier, at a price, as a profile says.

    price: [CNY/MWh]. green: whether green attributes go with it.
    """

    name: Name
    label: Label | None = None
    carrier: Annotated[str, Field(description="what is delivered", title="载体")] = "electricity"
    seller: PartyName
    buyer: PartyName
    profile: Profile
    price: Annotated[EnergyPrice, Field(description="price of a delivered unit", title="交付价")]
    green: bool = False


class Series(_Part):
    """A file of the user's, with what its columns mean, or a series that is generated.

    of: what it is. asset: whose it is, where the park has several. file: beside the park file.
    time, column: names of columns (or numbers from 1 where the file has no header). unit: of the
    column. zone: of the times. stamps: whether a row's time is the start or the end of its
    interval. dates: the order of day and month. decimal: the decimal sign. columns: further
    columns by meaning. seed: of the generator.
    """

    name: Name
    of: Literal["weather", "load", "price", "jobs", "cars", "outages"]
    asset: AssetName | None = None
    file: str | None = None
    generated: bool = False
    seed: Annotated[int, Field(ge=0)] = 1
    time: str | None = None
    column: str | None = None
    unit: str | None = None
    scale: Annotated[Ratio, Field(gt=0, description="factor on the values", title="换算系数")] = 1.0
    zone: Zone | None = None
    stamps: Literal["start", "end"] | None = None
    dates: Literal["year-first", "day-first", "month-first"] | None = None
    decimal: Literal[".", ","] | None = None
    columns: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Series:
        if (self.file is None) == (not self.generated):
            raise refusal("series_source", _FILE_OR_GENERATED)
        return self


class Study(_Part):
    """A run worth repeating: when, how long, in what steps."""

    name: Name
    label: Label | None = None
    start: dt.date
    days: Annotated[int, Field(ge=1, le=3660, description="days", title="天数")] = 1
    step: Annotated[Duration, Field(gt=0, le=1, description="step length", title="步长")] = 0.25
    horizon: Annotated[
        Duration, Field(ge=1, description="how far a plan looks", title="计划前瞻")
    ] = 48.0
    seed: Annotated[int, Field(ge=0)] = 1


class Park(_Part):
    """A park, read from a park file that has no mistakes.

    assets are of their own kinds; `numbers` lists every number with its source.
    """

    name: Name
    label: Label | None = None
    place: Place
    region: Annotated[
        Name | None, Field(description="grid region whose carbon factors hold", title="电网区域")
    ] = None
    parties: tuple[Party, ...] = ()
    nodes: Annotated[tuple[Node, ...], Field(min_length=1)]
    assets: Annotated[tuple[SerializeAsAny[Asset], ...], Field(min_length=1)]
    tariffs: tuple[Tariff, ...] = ()
    contracts: tuple[Contract, ...] = ()
    series: tuple[Series, ...] = ()
    studies: tuple[Study, ...] = ()
    numbers: Annotated[tuple[Number, ...], Field(exclude=True)] = ()

    @property
    def shown(self) -> Text:
        """The park's label, or its name."""
        return self.label or Text(self.name, self.name)

    @property
    def tariffs_by_name(self) -> dict[str, Tariff]:
        """The tariffs by name."""
        return {tariff.name: tariff for tariff in self.tariffs}

    def assets_of(self, kind: str) -> tuple[Asset, ...]:
        """Return the assets of a kind, in the file's order."""
        return tuple(asset for asset in self.assets if asset.kind == kind)

    def series_of(self, what: str) -> tuple[Series, ...]:
        """Return the series that are a weather, load, price, jobs, cars or outages."""
        return tuple(series for series in self.series if series.of == what)

    def assumptions(self) -> tuple[Number, ...]:
        """Return the numbers that nobody published.

        Marked as assumption, recalled, or without a source.
        """
        return tuple(n for n in self.numbers if n.source is None or n.source.status in _UNPUBLISHED)


_UNPUBLISHED = ("assumption", "recalled")
