"""The park: what there is, who owns it, how it is tied together, what it pays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from zeropark.model.asset import Asset, AssetName, Name, PartyName, ShownLabel
from zeropark.model.caller import CallerLine
from zeropark.model.device import DeviceLine
from zeropark.model.free import FreeParameter
from zeropark.model.series import Profile
from zeropark.model.tariff import Tariff
from zeropark.model.warmth import Warmth
from zeropark.units.place import Place
from zeropark.units.refusal import refusal
from zeropark.units.text import Text
from zeropark.units.types import Duration, EnergyPrice, Ratio, Share, Zone

Status = Literal["read", "secondary", "recalled", "computed", "assumption"]
_NOT_HEAT = Text(
    "a node that carries {carrier} has no temperature; take it out",
    "载体为 {carrier} 的节点没有温度；删去此项",
)
_FILE_OR_GENERATED = Text(
    "a series has either a file or a generator; write file or generated",
    "序列来自文件或由生成器产生；写 file 或 generated 之一",
)
_NO_INTEREST = Text(
    "interest is missing; a study with free parameters needs one, such as interest: 5 %",
    "缺少 interest；有自由参数的研究需要利率，例如 interest: 5 %",
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
    label: ShownLabel = None


class Node(_Part):
    """A place where one carrier balances at every step.

    spill_cost: what throwing the carrier away costs [CNY/MWh]; where it is not said, that is a
    last resort. temperature: of a heat node, where something asks for it. place: of a node that
    lies elsewhere under a sky of its own, such as a base far away.
    """

    name: Name
    carrier: Annotated[str, Field(description="what flows here", title="载体")]
    label: ShownLabel = None
    spill_cost: Annotated[
        Annotated[EnergyPrice, Field(ge=0)] | None,
        Field(description="cost of throwing it away", title="弃用代价"),
    ] = None
    temperature: Annotated[
        Warmth | None, Field(description="how warm a heat node is", title="温度")
    ] = None
    place: Annotated[
        Place | None,
        Field(description="where it is, if far from the park: its sun and wind", title="地点"),
    ] = None

    @model_validator(mode="after")
    def _only_heat_is_warm(self) -> Node:
        if self.temperature is not None and self.carrier != "heat":
            raise refusal("not_heat", _NOT_HEAT, field="temperature", carrier=self.carrier)
        return self


class Contract(_Part):
    """A delivery agreed between two parties: so much of a carrier, at a price, as a profile says.

    price: [CNY/MWh]. green: whether green attributes go with it.
    """

    name: Name
    label: ShownLabel = None
    carrier: Annotated[str, Field(description="what is delivered", title="载体")] = "electricity"
    seller: Annotated[PartyName, Field(description="who delivers", title="卖方")]
    buyer: Annotated[PartyName, Field(description="who takes", title="买方")]
    profile: Annotated[Profile, Field(description="how much, by time", title="交付曲线")]
    price: Annotated[EnergyPrice, Field(description="price of a delivered unit", title="交付价")]
    green: Annotated[
        bool, Field(description="whether green attributes go with it", title="含绿色属性")
    ] = False


class Series(_Part):
    """A file of the user's, with what its columns mean, or a series that is generated.

    of: what it is. asset: whose it is, where the park has several. file: beside the park file.
    time, column: names of columns (or numbers from 1 where the file has no header). unit: of the
    column. zone: of the times. stamps: whether a row's time is the start or the end of its
    interval. dates: the order of day and month. decimal: the decimal sign. columns: further
    columns by meaning. seed: of the generator.
    """

    name: Name
    of: Annotated[
        Literal["weather", "load", "price", "jobs", "cars", "outages"],
        Field(description="what the file says", title="内容"),
    ]
    asset: Annotated[
        AssetName | None,
        Field(description="whose it is, where there are several", title="所属资产"),
    ] = None
    file: Annotated[
        str | None, Field(description="path from the park file's folder", title="文件")
    ] = None
    generated: Annotated[
        bool, Field(description="made by our own generator", title="由生成器产生")
    ] = False
    seed: Annotated[int, Field(ge=0, description="seed of the generator", title="随机种子")] = 1
    time: Annotated[str | None, Field(description="column of times", title="时间列")] = None
    column: Annotated[str | None, Field(description="column of values", title="数值列")] = None
    unit: Annotated[
        str | None, Field(description="unit of the values, or of counted times", title="单位")
    ] = None
    scale: Annotated[Ratio, Field(gt=0, description="factor on the values", title="换算系数")] = 1.0
    zone: Annotated[Zone | None, Field(description="zone of the times", title="时区")] = None
    stamps: Annotated[
        Literal["start", "end"] | None,
        Field(description="whether a time starts or ends its interval", title="时标位置"),
    ] = None
    dates: Annotated[
        Literal["year-first", "day-first", "month-first"] | None,
        Field(description="order of day and month", title="日期次序"),
    ] = None
    decimal: Annotated[
        Literal[".", ","] | None, Field(description="decimal sign", title="小数点")
    ] = None
    columns: Annotated[
        Mapping[str, str], Field(description="columns of events, by meaning", title="各列含义")
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Series:
        if (self.file is None) == (not self.generated):
            raise refusal("series_source", _FILE_OR_GENERATED)
        return self


class Study(_Part):
    """A run worth repeating: when, how long, in what steps; or a sizing, where something is free.

    With `coarse` it is a study of windows: what they cost with and without a year in such steps.

    free: what is to be sized. interest: real, of a year [1]. clean_share: least share of its use
    that the park does not import [1]; None where cost alone decides. points: of the frontier.
    """

    name: Name
    label: ShownLabel = None
    start: Annotated[dt.date, Field(description="first local day", title="起始日")]
    days: Annotated[int, Field(ge=1, le=3660, description="days", title="天数")] = 1
    step: Annotated[Duration, Field(gt=0, le=1, description="step length", title="步长")] = 0.25
    horizon: Annotated[
        Duration, Field(ge=1, description="how far a plan looks", title="计划前瞻")
    ] = 48.0
    courses: Annotated[
        int,
        Field(
            ge=0,
            le=4,
            description="smaller and larger amounts of sun, so many each, a step is planned for",
            title="步内情景数",
        ),
    ] = 0
    seed: Annotated[int, Field(ge=0, description="seed of all chance", title="随机种子")] = 1
    free: Annotated[
        tuple[FreeParameter, ...], Field(description="parameters to be sized", title="自由参数")
    ] = ()
    interest: Annotated[
        Share | None, Field(description="real interest of a year", title="实际年利率")
    ] = None
    clean_share: Annotated[
        Share | None,
        Field(description="least share of the use that is not imported", title="清洁占比目标"),
    ] = None
    points: Annotated[
        int, Field(ge=2, le=50, description="points of the frontier", title="前沿点数")
    ] = 10

    coarse: Annotated[
        Annotated[Duration, Field(ge=1, le=24)] | None,
        Field(description="steps of a year that windows are told of", title="全年计划步长"),
    ] = None

    @model_validator(mode="after")
    def _what_is_built_is_paid(self) -> Study:
        if self.free and self.interest is None:
            raise refusal("interest_missing", _NO_INTEREST)
        return self


class Park(_Part):
    """A park, read from a park file that has no mistakes.

    assets are of their own kinds; `numbers` lists every number with its source. form: of the file;
    None where it says none.
    """

    name: Name
    label: ShownLabel = None
    place: Annotated[Place, Field(description="where the park is", title="地点")]
    region: Annotated[
        Name | None, Field(description="grid region whose carbon factors hold", title="电网区域")
    ] = None
    parties: Annotated[
        tuple[Party, ...], Field(description="firms, the park, grid companies", title="主体")
    ] = ()
    nodes: Annotated[
        tuple[Node, ...], Field(min_length=1, description="where carriers balance", title="节点")
    ]
    assets: Annotated[
        tuple[SerializeAsAny[Asset], ...],
        Field(min_length=1, description="what makes, turns, stores or uses them", title="资产"),
    ]
    tariffs: Annotated[
        tuple[Tariff, ...], Field(description="what electricity costs", title="电价")
    ] = ()
    contracts: Annotated[
        tuple[Contract, ...], Field(description="agreed deliveries", title="合同")
    ] = ()
    series: Annotated[
        tuple[Series, ...], Field(description="files of your own", title="数据序列")
    ] = ()
    devices: Annotated[
        tuple[DeviceLine, ...], Field(description="what the assets are reached by", title="设备")
    ] = ()
    callers: Annotated[
        tuple[CallerLine, ...], Field(description="who calls it from outside", title="外部调用方")
    ] = ()
    studies: Annotated[
        tuple[Study, ...],
        Field(description="runs worth repeating; the first is the usual one", title="研究"),
    ] = ()
    numbers: Annotated[tuple[Number, ...], Field(exclude=True)] = ()
    form: Annotated[int | None, Field(exclude=True)] = None

    @property
    def shown(self) -> Text:
        """The park's label, or its name."""
        return self.label or Text(self.name, self.name)

    @property
    def warmths(self) -> dict[str, Warmth]:
        """The temperatures of the heat nodes that have them, by node."""
        return {n.name: n.temperature for n in self.nodes if n.temperature is not None}

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

    def said_of(self, what: str, file: str) -> Series | None:
        """Return what the park file says of a file brought from elsewhere, by the file's name.

        A file of another name in the place of the park's only one is the same asset's, no more.
        """
        own = [series for series in self.series_of(what) if series.file is not None]
        same = [series for series in own if series.file and series.file.split("/")[-1] == file]
        if same or len(own) != 1:
            return same[0] if same else None
        return Series(name=own[0].name, of=own[0].of, asset=own[0].asset, file=file)

    def assumptions(self) -> tuple[Number, ...]:
        """Return the numbers that nobody published.

        Marked as assumption, recalled, or without a source.
        """
        return tuple(n for n in self.numbers if n.source is None or n.source.status in _UNPUBLISHED)


_UNPUBLISHED = ("assumption", "recalled")
