"""A device's template: one YAML file says what its registers, topics or nodes mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zeropark.model.asset import Label
from zeropark.units.quantity import UnitError, parse_unit
from zeropark.units.refusal import refusal
from zeropark.units.text import Text

_NO_SUCH_UNIT = Text("unit '{given}' is not known", "没有单位“{given}”")
_NO_SUCH_POINT = Text(
    "'{given}' is no point of this template; allowed: {allowed}",
    "模板中没有测点“{given}”；可用：{allowed}",
)
_LIMITS_CROSSED = Text(
    "{low} is above {high}; write the lower one first", "{low} 大于 {high}；先写小的"
)
_BEYOND = Text("{given} lies outside limits {low} to {high}", "{given} 超出 limits {low} 至 {high}")
_ONLY_SHOWS = Text(
    "a point that is not written has no {field}; take it out, or say write: true",
    "只读测点没有 {field}；删去此项，或写 write: true",
)
_NO_SAFE = Text(
    "a point that is written needs a safe value or a standing_range; say one",
    "可写测点需要 safe 或 standing_range；补上其一",
)
_NO_RELEASE = Text(
    "safe: release needs what is written to let go; say release",
    "safe: release 需要写明释放时下发的内容；补上 release",
)
_TWICE = Text("point '{given}' is there twice; leave one", "测点“{given}”出现两次；留一处")

Range = tuple[float, float]
# A count of beats fits any register.
_COUNTS = 1 << 15


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PointTemplate(_Part):
    """A point of a device: where it lies on the wire and what its raw number means.

    value = sign · raw · scale [unit], or that share of the point `of` where one is named.

    name: as the asset kind names it, or the device's own. address: of the protocol: a register, a
    topic, a node. type: how the raw number is coded; each protocol knows its own. missing: raw
    numbers that mean "no value". limits: what the device can show or take [unit]. reads: whether it
    shows anything at its address. write: whether a set-point goes there, or to set_address coded as
    set_type where the device keeps them apart. shows_set: whether a set-point can be read back
    where it was written. along: raw numbers written to other points with it, such as an enabling
    bit. release: raw numbers that let go of it, by point. safe: what the device goes to when we
    fall silent [unit], or `release`. standing_range: what is safe to leave standing for ever
    [unit]. codes: what 0, 1, 2 … mean, where the unit is `code`.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    means: Label
    address: int | str
    type: str = "float"
    scale: float = 1.0
    sign: Literal[1, -1] = 1
    unit: str
    of: str | None = None
    missing: tuple[float, ...] = ()
    limits: Range | None = None
    reads: bool = True
    write: bool = False
    set_address: int | str | None = None
    set_type: str | None = None
    shows_set: bool = True
    along: Mapping[str, float] = {}
    release: Mapping[str, float | Literal["nan"]] = {}
    safe: float | Literal["release"] | None = None
    standing_range: Range | None = None
    codes: tuple[Label, ...] = ()

    @property
    def factor(self) -> float:
        """What one `unit` is in the unit used inside."""
        return 1.0 if self.unit == "code" else parse_unit(self.unit)[1]

    @model_validator(mode="after")
    def _fits_together(self) -> PointTemplate:
        if self.unit != "code":
            try:
                parse_unit(self.unit)
            except UnitError:
                raise refusal(
                    "unit_unknown", _NO_SUCH_UNIT, field="unit", given=self.unit
                ) from None
        for field, pair in (("limits", self.limits), ("standing_range", self.standing_range)):
            if pair is not None and pair[0] > pair[1]:
                raise refusal(
                    "limits_crossed", _LIMITS_CROSSED, field=field, low=pair[0], high=pair[1]
                )
        if self.write:
            self._written_is_safe()
        else:
            for field in ("safe", "standing_range", "set_address", "along", "release"):
                if getattr(self, field) not in (None, {}):
                    raise refusal("only_shows", _ONLY_SHOWS, field=field)
        return self

    def _written_is_safe(self) -> None:
        if self.safe is None and self.standing_range is None:
            raise refusal("no_safe_value", _NO_SAFE, field="safe")
        if self.safe == "release" and not self.release:
            raise refusal("no_release", _NO_RELEASE, field="release")
        if self.limits is None:
            return
        low, high = self.limits
        wanted = {"safe": (self.safe,), "standing_range": self.standing_range or ()}
        for field, values in wanted.items():
            for value in values:
                if isinstance(value, float) and not low <= value <= high:
                    raise refusal(
                        "beyond_limits", _BEYOND, field=field, given=value, low=low, high=high
                    )


class Watchdog(_Part):
    """The device's own watchdog: silence for `seconds` [s] and it goes to its safe values.

    point: written by us to keep it quiet; None where any write keeps it quiet. value: what is
    written there [the point's unit], such as the seconds themselves; None where it is a count.
    """

    point: str | None = None
    value: float | None = None
    seconds: Annotated[float, Field(gt=0)]


class Template(_Part):
    """What a device is and what its points mean; one YAML file, found by its name.

    protocol: the driver that speaks it. kinds: asset kinds it can stand for. capabilities: what it
    brings, such as `meter`, `storage`, `curtailment`. watchdog: None says `none`: the device keeps
    the last set-point for ever. stamp: address of the device's own time, POSIX seconds, where it
    stamps its values. commands_open: whether it may be commanded on a wire without
    authentication. requires, tested_by: words for whoever installs it. confirmed: whether it was
    held to a register list typed from the maker's document; without one it may only read.
    """

    brand: str
    model: str
    title: Label
    protocol: str
    kinds: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    source: str
    confirmed: bool = False
    points: Annotated[tuple[PointTemplate, ...], Field(min_length=1)]
    watchdog: Watchdog | Literal["none"]
    stamp: str | None = None
    commands_open: bool = False
    requires: tuple[Label, ...] = ()
    tested_by: Label

    @property
    def by_name(self) -> dict[str, PointTemplate]:
        """The points by name."""
        return {point.name: point for point in self.points}

    def heartbeat(self, count: int) -> dict[str, float]:
        """Return what keeps the device's watchdog quiet, by point; nothing where there is none.

        count: goes up with each beat.
        """
        watchdog = self.watchdog
        if watchdog == "none" or watchdog.point is None:
            return {}
        point = self.by_name[watchdog.point]
        value = float(count % _COUNTS) if watchdog.value is None else watchdog.value
        return {point.name: value * point.factor}

    @model_validator(mode="after")
    def _names_are_known(self) -> Template:
        names = [point.name for point in self.points]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise refusal("point_twice", _TWICE, field=f"points.{index}.name", given=name)
        allowed = ", ".join(names)
        for index, point in enumerate(self.points):
            said = [("along", name) for name in point.along]
            said += [("release", name) for name in point.release]
            for field, named in [*said, *((("of", point.of),) if point.of else ())]:
                if named not in names:
                    raise refusal(
                        "point_unknown",
                        _NO_SUCH_POINT,
                        field=f"points.{index}.{field}",
                        given=named,
                        allowed=allowed,
                    )
        watchdog = self.watchdog
        if isinstance(watchdog, Watchdog) and watchdog.point not in (None, *names):
            raise refusal(
                "point_unknown",
                _NO_SUCH_POINT,
                field="watchdog.point",
                given=watchdog.point,
                allowed=allowed,
            )
        return self
