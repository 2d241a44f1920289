"""From one time grid to another: sums stay for the sun, straight lines for states."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.data.weather.sunpath import SunPath, sun_at
from zeropark.units.place import Place
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Times = npt.NDArray[np.datetime64]

_COARSEST_PIECE = 900  # [s] the sun moves by 3.75 deg in it
_FINEST_PIECE = 60  # [s]
_GLOW = 1e-6  # [W/m2] lets light that was measured below the horizon keep its place
_YEAR = 8760 * 3600  # [s]


@dataclass(frozen=True)
class Remap:
    """How each step of a target grid is made of pieces of a source grid's steps.

    centres: middle of each piece, seconds from the source's start, shape (P,). step: source step of
    each piece (P,). within: which piece of that source step it is (P,). first: index of the first
    piece of each target step (N,). pieces: how many a source step has. period: [s], where the
    source repeats, else None.
    """

    source: TimeGrid
    place: Place
    centres: Floats
    step: Indices
    within: Indices
    first: Indices
    pieces: int
    period: float | None

    def state(self, values: Floats) -> Floats:
        """Return a state on the target: linear between the middles of the source's steps."""
        length = self.source.step_hours * 3600
        if self.period is None:
            middles = (np.arange(len(self.source)) + 0.5) * length
            return self._means(np.interp(self.centres, middles, values))
        # A year that repeats: its last step stands before the first, its first after the last. As
        # NumPy's own `period`, which would sort the year first.
        around = (np.arange(-1, len(self.source) + 1) + 0.5) * length
        repeated = np.concatenate([values[-1:], values, values[:1]])
        return self._means(np.interp(self.centres, around, repeated))

    def sun(self, values: Floats, *, beam: bool = False) -> Floats:
        """Return an irradiance on the target [W/m2]; the mean over each source step is kept.

        Inside a source step it follows the irradiance outside the air on the horizontal, or with
        `beam` the presence of the sun alone, so that global, direct and diffuse stay consistent.
        A beam never exceeds the one outside the air: where a file has much of it in an hour of
        sunrise, the rest is left out.
        """
        if self.pieces == 1:
            return self._means(values[self.step])
        needed, where, path = self._inside
        light = (path.cos_zenith > 0).astype(np.float64) if beam else path.extra_horizontal
        shape = light.reshape(len(needed), self.pieces) + _GLOW
        shape /= shape.mean(axis=1, keepdims=True)
        spread = values[self.step] * shape[where, self.within]
        if beam:
            outside = path.extra_normal.reshape(len(needed), self.pieces)
            spread = np.minimum(spread, outside[where, self.within])
        return self._means(spread)

    @cached_property
    def _inside(self) -> tuple[Indices, Indices, SunPath]:
        """The source steps needed, where each piece finds its own, the sun in their pieces."""
        needed, where = np.unique(self.step, return_inverse=True)
        length = round(self.source.step_hours * 3600)
        piece = length // self.pieces
        middles = np.arange(self.pieces) * piece + piece // 2
        start = int(self.source.start.astype("datetime64[s]").astype(np.int64))
        instants = start + (needed[:, None] * length + middles[None, :]).ravel()
        return needed, where, SunPath(*sun_at(instants, piece, self.place))

    def _means(self, values: Floats) -> Floats:
        """Return the mean of the pieces of each target step; all pieces are equally long."""
        counts = np.diff(np.append(self.first, len(values)))
        return np.add.reduceat(values, self.first) / counts


def remap(source: TimeGrid, target: TimeGrid, place: Place, *, repeats: bool) -> Remap:
    """Return how `target` is made of `source`, whose steps are equal.

    repeats: the source is a year of 365 days that stands for any year. Raises `DataError` where it
    does not cover the target.
    """
    assert np.all(source.hours == source.hours[0]), "the source's steps are equal"
    length = round(source.step_hours * 3600)
    offset = int((target.start - source.start) / np.timedelta64(1, "s"))
    # Not `np.unique`: its first call imports masked arrays, which a plan need not wait for.
    steps = set(np.rint(target.hours * 3600).astype(np.int64).tolist())
    common = math.gcd(length, offset, *steps)
    assert common % _FINEST_PIECE == 0, "steps and starts are whole minutes"
    piece = max(d for d in range(_FINEST_PIECE, _COARSEST_PIECE + 1) if common % d == 0)
    per_step = np.rint(target.hours * 3600 / piece).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(per_step)[:-1]])
    seconds = np.arange(int(per_step.sum()), dtype=np.float64) * piece + piece / 2
    centres: Floats = seconds + offset
    if repeats:
        centres = _in_typical_year(source, target.start, seconds)
    else:
        _covers(source, target)
    step = np.floor_divide(centres, length).astype(np.int64)
    within = np.floor_divide(centres - step * length, piece).astype(np.int64)
    pieces = length // piece
    return Remap(
        source, place, centres, step, within, first, pieces, float(_YEAR) if repeats else None
    )


def _in_typical_year(source: TimeGrid, start: np.datetime64, seconds: Floats) -> Floats:
    """Return seconds from the source's start of the same moment; 29 February is the 28th."""
    moment = start.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
    year = moment.astype("datetime64[Y]")
    day = (moment.astype("datetime64[D]") - year.astype("datetime64[D]")).astype(np.int64)
    leap = (year + 1).astype("datetime64[D]") - year.astype("datetime64[D]") == np.timedelta64(
        366, "D"
    )
    last_of_february = 58
    day = np.where(leap & (day > last_of_february), day - 1, day)
    clock = (moment - moment.astype("datetime64[D]")) / np.timedelta64(1, "s")
    # Half-second centres survive: clock has whole seconds, the rest is added back.
    rest = seconds - np.floor(seconds)
    middle = source.start.astype("datetime64[s]") + np.timedelta64(_YEAR // 2, "s")
    own = (middle.astype("datetime64[Y]").astype("datetime64[s]") - source.start) / np.timedelta64(
        1, "s"
    )
    return np.asarray(np.mod(own + day * 86400 + clock + rest, _YEAR), dtype=np.float64)


def _covers(source: TimeGrid, target: TimeGrid) -> None:
    if target.start >= source.start and target.end <= source.end:
        return
    raise DataError(
        "weather_does_not_cover",
        Text(
            "the weather covers {first} to {last} UTC, the run needs {start} to {end} UTC;"
            " give weather for those days or choose others",
            "气象数据覆盖 {first} 至 {last}（UTC），运行需要 {start} 至 {end}（UTC）；"
            "请提供这些日期的气象数据，或另选日期",
        ).format(
            first=_minute(source.start),
            last=_minute(source.end),
            start=_minute(target.start),
            end=_minute(target.end),
        ),
    )


def _minute(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[m]")).replace("T", " ")
