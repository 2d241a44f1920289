"""The weather at a place on a time grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeropark.data.errors import DataError
from zeropark.data.weather import air
from zeropark.data.weather.remap import remap
from zeropark.units.place import Place
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A column of the weather: its words, unit, and the range physics leaves it."""

    title: Text
    unit: str
    lowest: float
    highest: float


# Ranges that no surface station on Earth has left by much (WMO extremes archive: -89 to 57 degC,
# gusts aside; irradiance from the BSRN "physically possible" limits, Long and Dutton 2002).
COLUMNS = {
    "ghi": Column(Text("global irradiance", "总辐照度"), "W/m2", 0.0, 1800.0),
    "dni": Column(Text("direct normal irradiance", "法向直接辐照度"), "W/m2", 0.0, 1420.0),
    "dhi": Column(Text("diffuse irradiance", "散射辐照度"), "W/m2", 0.0, 1500.0),
    "t_air": Column(Text("air temperature", "气温"), "degC", -90.0, 60.0),
    "t_wet": Column(Text("wet-bulb temperature", "湿球温度"), "degC", -90.0, 45.0),
    "t_dew": Column(Text("dew point", "露点"), "degC", -100.0, 40.0),
    "pressure": Column(Text("pressure", "气压"), "kPa", 40.0, 110.0),
    "wind_speed": Column(Text("wind speed", "风速"), "m/s", 0.0, 115.0),
}
SUN = ("ghi", "dni", "dhi")
STATES = ("t_air", "t_wet", "t_dew", "pressure", "wind_speed")
MEASURED = ("t_air", "t_dew", "pressure", "wind_speed")
_HOURS_OF_A_YEAR = 8760
_SHOWN = 5
_SLACK = 1e-6  # [K] rounding between dew point and air temperature


@dataclass(frozen=True)
class Weather:
    """Means over each step of `grid` at `place`; arrays of shape (N,), never NaN.

    ghi: global horizontal, dni: direct normal, dhi: diffuse horizontal irradiance [W/m2];
    t_air, t_wet, t_dew: dry-bulb, wet-bulb, dew-point temperature [degC]; pressure: at the station
    [kPa], not reduced to the sea; wind_speed: at 10 m [m/s].
    typical: 8760 hours that stand for any year; asked for another year, they repeat.
    Raises `DataError` naming column, time, value and allowed range where physics is left.
    """

    grid: TimeGrid
    place: Place
    ghi: Floats
    dni: Floats
    dhi: Floats
    t_air: Floats
    t_wet: Floats
    t_dew: Floats
    pressure: Floats
    wind_speed: Floats
    typical: bool = False

    def __post_init__(self) -> None:
        assert all(len(getattr(self, name)) == len(self.grid) for name in COLUMNS), (
            "every column has one value per step"
        )
        assert not self.typical or self.grid.hours.sum() == _HOURS_OF_A_YEAR, (
            "a typical year has 365 days"
        )
        complaints = impossible_values(self.grid, {name: getattr(self, name) for name in COLUMNS})
        if complaints:
            raise DataError("weather_impossible", joined(complaints))

    @classmethod
    def of(
        cls,
        grid: TimeGrid,
        place: Place,
        columns: dict[str, Floats],
        *,
        typical: bool = False,
    ) -> Weather:
        """Return the weather of `columns`; without a `t_wet` it follows from the others."""
        complaints = impossible_values(grid, columns)
        if complaints:
            raise DataError("weather_impossible", joined(complaints))
        all_of_them = dict(columns)
        if "t_wet" not in columns:
            all_of_them["t_wet"] = air.wet_bulb(
                columns["t_air"], columns["t_dew"], columns["pressure"]
            )
        return cls(grid=grid, place=place, typical=typical, **all_of_them)

    def window(self, first: int, last: int) -> Weather:
        """Return the steps `first` to `last` (exclusive)."""
        cut = {name: getattr(self, name)[first:last] for name in COLUMNS}
        return Weather(grid=self.grid.window(first, last), place=self.place, **cut)

    def followed_by(self, later: Weather) -> Weather:
        """Return this weather and then `later`, which begins where this ends, at its place."""
        assert self.grid.end == later.grid.start, "one begins where the other ends"
        hours = np.concatenate([self.grid.hours, later.grid.hours])
        grid = TimeGrid(self.grid.start, hours, self.grid.zone)
        columns = {
            name: np.concatenate([getattr(self, name), getattr(later, name)]) for name in COLUMNS
        }
        return Weather.of(grid, later.place, columns)

    def resample(self, grid: TimeGrid) -> Weather:
        """Return the same weather on `grid`.

        Irradiance keeps its mean over each step of this weather and follows the sun inside it.
        Temperatures, pressure and wind are linear between the middles of the steps; a coarser step
        has their mean. A typical year answers for any time (29 February repeats the 28th); other
        weather raises `DataError` where it does not cover `grid`.
        """
        if grid == self.grid:
            return self
        plan = remap(self.grid, grid, self.place, repeats=self.typical)
        columns = {name: plan.sun(getattr(self, name), beam=name == "dni") for name in SUN}
        columns |= {name: plan.state(getattr(self, name)) for name in STATES}
        columns["t_dew"] = np.minimum(columns["t_dew"], columns["t_air"])
        whole = self.typical and float(grid.hours.sum()) == _HOURS_OF_A_YEAR
        return Weather.of(grid, self.place, columns, typical=whole)


def impossible_values(grid: TimeGrid, columns: dict[str, Floats]) -> list[Text]:
    """Return one sentence per column that leaves its range, is missing, or has dew above air."""
    found = [
        _sentence(grid, name, values, outside)
        for name, values in columns.items()
        if (outside := _outside(COLUMNS[name], values)).any()
    ]
    if not found and {"t_air", "t_dew"} <= columns.keys():
        above = columns["t_dew"] > columns["t_air"] + _SLACK
        if above.any():
            at = int(np.argmax(above))
            found.append(_dew_sentence(grid, columns, at, int(above.sum())))
    return found


def _outside(column: Column, values: Floats) -> npt.NDArray[np.bool_]:
    # Written so that NaN counts as outside.
    return ~((values >= column.lowest) & (values <= column.highest))


def _sentence(grid: TimeGrid, name: str, values: Floats, outside: npt.NDArray[np.bool_]) -> Text:
    column, at = COLUMNS[name], int(np.argmax(outside))
    missing = bool(np.isnan(values[at]))
    return Text(
        "{column} ({title}): {value} at {time}; allowed {lowest:g} to {highest:g} {unit}"
        " ({count} such values)",
        "{column}（{title_zh}）：{time} 的值为 {value_zh}；允许 {lowest:g} 到 {highest:g} {unit}"
        "（共 {count} 个）",
    ).format(
        column=name,
        title=column.title.en,
        title_zh=column.title.zh,
        value="no value" if missing else f"{values[at]:g} {column.unit}",
        value_zh="空" if missing else f"{values[at]:g} {column.unit}",
        time=clock(grid, at),
        lowest=column.lowest,
        highest=column.highest,
        unit=column.unit,
        count=int(outside.sum()),
    )


def _dew_sentence(grid: TimeGrid, columns: dict[str, Floats], at: int, count: int) -> Text:
    return Text(
        "t_dew (dew point): {dew:g} degC at {time} is above the air's {t:g} degC"
        " ({count} such values)",
        "t_dew（露点）：{time} 的 {dew:g} degC 高于气温 {t:g} degC（共 {count} 个）",
    ).format(dew=columns["t_dew"][at], t=columns["t_air"][at], time=clock(grid, at), count=count)


def clock(grid: TimeGrid, at: int) -> str:
    """Return the local time of step `at` as it is shown in messages."""
    return f"{str(grid.local()[at])[:16].replace('T', ' ')} {grid.zone}"


def joined(sentences: list[Text]) -> Text:
    """Return the first sentences as one text, a line each."""
    shown = sentences[:_SHOWN]
    return Text("\n".join(s.en for s in shown), "\n".join(s.zh for s in shown))
