"""The register of points and meters: what each measures, in which unit, and where in the tree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.ledger.reading import Ints
from zeropark.ledger.state import LIMITS
from zeropark.units.quantity import UnitError, convert
from zeropark.units.refusal import meant, with_meant
from zeropark.units.text import Text

Measures = Literal["interval", "counter", "state"]
SMALLEST: Mapping[str, tuple[str, int]] = {
    "Wh": ("Wh", 1),
    "mWh": ("Wh", 1_000),
    "W": ("W", 1),
    "var": ("1", 1),
    "mdegC": ("degC", 1_000),
    "mK": ("K", 1_000),
    "mW/m2": ("W/m2", 1_000),
    "Pa": ("Pa", 1),
    "mm/s": ("m/s", 1_000),
    "mm": ("m", 1_000),
    "mdeg": ("deg", 1_000),
    "g": ("kg", 1_000),
    "fen": ("CNY", 100),
    "mfen/kWh": ("CNY/kWh", 100_000),
    "core-s": ("core-s", 1),
    "ppm": ("1", 1_000_000),
    "1": ("1", 1),
}
"""Units of whole numbers: symbol -> (a unit this product converts, how many make one of it)."""
_LIMIT = np.iinfo(np.int64)

_NAME = Text(
    "'{given}' is no name of a point; write asset/port, such as pv/node",
    "“{given}”不是测点名；写 资产/端口，例如 pv/node",
)
_UNIT = Text(
    "point '{name}': unit '{given}' is not known{meant} Allowed: {known}",
    "测点“{name}”：不认识单位“{given}”{meant}可用：{known}",
)
_MEASURES = Text(
    "point '{name}': it measures '{given}', which is not known; allowed: {known}",
    "测点“{name}”：测量方式“{given}”不可用；可用：{known}",
)
_NUMBER = Text(
    "point '{name}': {field} = {given} is no whole number from {low} to {high}",
    "测点“{name}”：{field} = {given} 不是 {low} 至 {high} 的整数",
)
_EDGES = Text(
    "point '{name}': low {low} is above high {high}; swap them",
    "测点“{name}”：low {low} 大于 high {high}；请对调",
)
_PARENT = Text(
    "point '{name}': its parent '{given}' is not registered{meant} Register the parent first",
    "测点“{name}”：上级“{given}”未登记{meant}先登记上级",
)
_CHANGED = Text(
    "point '{name}': {field} was '{held}' and cannot become '{given}'; register a new point",
    "测点“{name}”：{field} 原为“{held}”，不能改为“{given}”；登记新测点",
)
_UNKNOWN = Text(
    "point '{given}' is not registered{meant} Register it first", "测点“{given}”未登记{meant}先登记"
)
_FIELD = Text(
    "point '{name}': unknown field '{given}'{meant} Allowed: {known}",
    "测点“{name}”：未知字段“{given}”{meant}可用：{known}",
)
_DATE = Text(
    "point '{name}': calibrated '{given}' is no date, such as 2026-01-31",
    "测点“{name}”：calibrated “{given}”不是日期，例如 2026-01-31",
)


@dataclass(frozen=True)
class Point:
    """A point of a meter or device, as the register states it.

    name: `asset/port`. unit: of its whole numbers, one of `SMALLEST`. measures: `interval` (what
    flowed in it), `counter` (what a meter's register shows) or `state`. interval: length of every
    reading [ms], 0 where any may come. party: who sees and owns it. parent: the meter it is a part
    of; tolerance: by how much the parts of this one may differ from it [ppm]. accuracy: class of
    the meter; calibrated: its date; meter: its serial number. Limits of health, in the unit: low,
    high; jump from one reading to the next; freeze_after: equal readings in a row; roll_over: a
    counter's end; late_after [ms]; 0 where there is none. exchanged_at: when the meter was changed
    [ms since 1970-01-01 UTC].
    """

    name: str
    unit: str
    measures: Measures = "interval"
    interval: int = 0
    party: str = ""
    parent: str = ""
    tolerance: int = 0
    accuracy: str = ""
    calibrated: str = ""
    meter: str = ""
    low: int = int(_LIMIT.min) + 1
    high: int = int(_LIMIT.max)
    jump: int = 0
    freeze_after: int = 0
    roll_over: int = 0
    late_after: int = 0
    exchanged_at: int = 0

    def as_entry(self) -> dict[str, Any]:
        """Return the point as the body of an entry of the log."""
        return asdict(self)

    @classmethod
    def from_entry(cls, body: Mapping[str, Any]) -> Point:
        """Return the point that an entry states, whose whole numbers may be text.

        Raises `DataError` where a field is unknown or no whole number.
        """
        name = str(body.get("name", ""))
        known = {each.name: each for each in fields(cls)}
        found: dict[str, Any] = {}
        for key, value in body.items():
            if key not in known:
                near = meant(key, known)
                text = with_meant(_FIELD, near, name=name, given=key, known=", ".join(known))
                raise DataError("point_field", text)
            found[key] = _whole(name, key, value) if known[key].type == "int" else str(value)
        point = cls(**{"unit": "", **found})
        point.check()
        return point

    def check(self) -> None:
        """Raise `DataError` where the point cannot be."""
        asset, slash, port = self.name.partition("/")
        if not (asset and slash and port) or self.name != self.name.strip():
            raise DataError("point_name", _NAME.format(given=self.name))
        if self.unit not in SMALLEST:
            near = meant(self.unit, SMALLEST)
            known = ", ".join(SMALLEST)
            text = with_meant(_UNIT, near, name=self.name, given=self.unit, known=known)
            raise DataError("point_unit", text)
        if self.measures not in get_args(Measures):
            known = ", ".join(get_args(Measures))
            text = _MEASURES.format(name=self.name, given=self.measures, known=known)
            raise DataError("point_measures", text)
        for field in ("interval", "tolerance", "jump", "freeze_after", "roll_over", "late_after"):
            if getattr(self, field) < 0:
                raise _no_number(self.name, field, getattr(self, field), 0)
        if self.low > self.high:
            text = _EDGES.format(name=self.name, low=self.low, high=self.high)
            raise DataError("point_edges", text)
        if self.calibrated:
            try:
                dt.date.fromisoformat(self.calibrated)
            except ValueError:
                text = _DATE.format(name=self.name, given=self.calibrated)
                raise DataError("point_date", text) from None

    def scale(self, written: str) -> float:
        """Return how many of the point's unit one of the unit `written` is.

        Raises `UnitError` where the two measure different things.
        """
        inside, count = SMALLEST[self.unit]
        if written == self.unit:
            return 1.0
        if written in SMALLEST:
            other, other_count = SMALLEST[written]
            return convert(1.0, other, inside) * count / other_count
        return convert(1.0, written, inside) * count

    def fits(self, written: str) -> bool:
        """Return whether the unit `written` measures what the point does."""
        try:
            self.scale(written)
        except UnitError:
            return False
        return True


def _whole(name: str, field: str, value: object) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise _no_number(name, field, value, int(_LIMIT.min)) from None
    if not _LIMIT.min <= number <= _LIMIT.max:
        raise _no_number(name, field, value, int(_LIMIT.min))
    return number


def _no_number(name: str, field: str, given: object, low: int) -> DataError:
    text = _NUMBER.format(name=name, field=field, given=given, low=low, high=int(_LIMIT.max))
    return DataError("point_number", text)


class Registry:
    """Points by number, in the order of their registration.

    A point keeps its number, name, unit and manner of measuring for good; all else may be stated
    anew, and the log keeps what was stated before.
    """

    def __init__(self, points: Iterable[Point] = ()) -> None:
        self._points: list[Point] = list(points)
        self._numbers = {point.name: i for i, point in enumerate(self._points)}
        self._limits: npt.NDArray[np.void] | None = None

    def __len__(self) -> int:
        return len(self._points)

    def __iter__(self) -> Any:
        return iter(self._points)

    def __getitem__(self, number: int) -> Point:
        return self._points[number]

    def number(self, name: str) -> int:
        """Return a point's number; raises `DataError` with the nearest known one."""
        found = self._numbers.get(name)
        if found is None:
            text = with_meant(_UNKNOWN, meant(name, self._numbers), given=name)
            raise DataError("point_unknown", text)
        return found

    def knows(self, name: str) -> bool:
        """Return whether a point of that name is registered."""
        return name in self._numbers

    def place(self, point: Point) -> int:
        """Return the number that a point has or gets; raises `DataError` where it cannot be."""
        point.check()
        if point.parent and not self.knows(point.parent):
            near = meant(point.parent, self._numbers)
            text = with_meant(_PARENT, near, name=point.name, given=point.parent)
            raise DataError("point_parent", text)
        number = self._numbers.get(point.name, len(self._points))
        if number < len(self._points):
            held = self._points[number]
            for field in ("unit", "measures"):
                was, now = getattr(held, field), getattr(point, field)
                if was != now:
                    text = _CHANGED.format(name=point.name, field=field, held=was, given=now)
                    raise DataError("point_changed", text)
        return number

    def take(self, point: Point) -> None:
        """Register a point, or what is new about one."""
        number = self.place(point)
        if number == len(self._points):
            self._points.append(point)
            self._numbers[point.name] = number
        else:
            self._points[number] = point
        self._limits = None

    def limits(self) -> npt.NDArray[np.void]:
        """Return the limits of all points, by number."""
        if self._limits is None:
            self._limits = np.zeros(len(self._points), LIMITS)
            for i, point in enumerate(self._points):
                counter = point.measures == "counter"
                # A counter shows no number below 0.
                low = max(point.low, 0) if counter else point.low
                self._limits[i] = (
                    point.interval, low, point.high, point.jump, point.freeze_after,
                    point.roll_over, point.late_after, point.exchanged_at, counter,
                )  # fmt: skip
        return self._limits

    def parts(self, name: str) -> list[Point]:
        """Return the points that are parts of the meter `name`."""
        return [point for point in self._points if point.parent == name]

    def exchanged(self, name: str, meter: str, at: int) -> Point:
        """Return the point with another meter from `at` [ms], to be registered."""
        return replace(self._points[self.number(name)], meter=meter, exchanged_at=at)


@dataclass(frozen=True)
class Residual:
    """What a meter shows beyond its parts, never spread over them.

    value: meter less the sum of its parts, in their unit; known: whether all had a reading then;
    beyond: whether the difference is larger than the meter's tolerance; arrays (N,).
    """

    value: Ints
    known: npt.NDArray[np.bool_]
    beyond: npt.NDArray[np.bool_]


def residual(meter: Ints, parts: Ints, known: npt.NDArray[np.bool_], tolerance: int) -> Residual:
    """Return the line of its own between a meter and its parts.

    meter: by interval, (N,). parts: of each part, (parts, N). known: whether the meter and each
    part have a reading that counts, (1 + parts, N). tolerance: [ppm of the meter's reading]. Where
    one is unknown the residual is 0, not known, and not beyond.
    """
    assert parts.ndim == 2 or not parts.size, "a row for each part"  # noqa: PLR2004 - two axes
    assert known.shape[-1] == len(meter), "known for every interval"
    whole = np.asarray(known.all(axis=0), np.bool_)
    value = np.where(whole, meter - parts.sum(axis=0), 0)
    # Whole numbers throughout: |residual| * 10^6 > tolerance * |meter| could turn over.
    beyond = whole & (
        np.abs(value)
        > np.abs(meter) // 1_000_000 * tolerance
        + np.abs(meter) % 1_000_000 * tolerance // 1_000_000
    )
    return Residual(value, whole, beyond)
