"""A typical year of a place, made from its monthly normals.

Days: clearness is Beta by month, ordered in time by a Gaussian sequence; temperature follows the
clearness of the day before; dew point, daily range and pressure go along. Hours: a mean day between
the normal extremes; the sun's deviation from the day's level is slow clouds and quick texture;
wind is Weibull with calms. The recipe's numbers are facts in `facts/climate_*.yaml`. Made in
quarter-hours; a coarser year is its mean, so that both tell of the same days.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zeropark.data.weather import air, chance
from zeropark.data.weather.chance import DAYS, MONTH_OF_DAY, QUARTERS
from zeropark.data.weather.climate import Climate
from zeropark.data.weather.split import split_global
from zeropark.data.weather.sunpath import SunPath, sun_path
from zeropark.data.weather.weather import Weather
from zeropark.units.place import Place
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]

YEAR = 2001  # The calendar of the typical year: no leap day; its number means nothing.
_STEPS = DAYS * QUARTERS
_MONTH_OF_STEP = np.repeat(MONTH_OF_DAY, QUARTERS)
_HOUR = (np.arange(QUARTERS) + 0.5) / 4
_LEAST_RANGE = 2.0  # [K] the greyest day still has one
_LONGEST_LAG = 0.95
_LEAST_SPREAD = 0.2  # [K] between air and dew point
# Centring every month takes slow swings out of a sequence, and with them some of its memory and of
# its tie to the day before; the drivers have more of both to make up for it.
_SLOWER = 0.07
_DEW_SLOWER = 0.14  # Saturation cuts the dew point as well.
_TIE = 1.25
# Clouds, tuned so that hours and quarter-hours show the recipe's lags and scatter about the day's
# level (`tests/data/test_weather_generate.py` holds them to it): taking out the level hides the
# slow part of the clouds, so they need more of it, and more scatter, than shows.
_SLOW_SHARE = 0.95  # of the clouds' variance that is slow; the rest is texture
_SLOW_HOUR_LAG = 0.87
_TEXTURE_LAG = 0.45  # from quarter-hour to quarter-hour
_MORE_SCATTER = 2.6
_BRIGHTEST = 1.1  # a quarter-hour's clearness over its day's; cloud edges brighten little at 15 min
_CLEAREST = 0.85  # clearness of a bright quarter-hour on a dull day


def typical_year(climate: Climate, place: Place, *, seed: int = 0, minutes: int = 15) -> Weather:
    """Return a typical year at `place` in steps of `minutes` [min], 15 to 60.

    climate: normals of the site or of one nearby; sun and pressure are those of `place`. The same
    seed gives the same year. It starts on 1 January, 0 h, on the clock of the normals.
    """
    rng = np.random.default_rng(seed)
    start = np.datetime64(f"{YEAR}-01-01T00:00:00") - np.timedelta64(round(climate.clock * 60), "m")
    grid = TimeGrid.regular(start, _STEPS, 15, place.zone)
    path = sun_path(grid, place)
    kt = _daily_clearness(climate, rng)
    bright = chance.standardised(kt)
    t_air = _temperature(climate, bright, rng)
    ghi = _global(climate, kt, path, rng)
    dni, dhi = split_global(ghi, path)
    columns = {
        "ghi": ghi,
        "dni": dni,
        "dhi": dhi,
        "t_air": t_air,
        "t_dew": _dew_point(climate, bright, t_air, rng),
        "pressure": _pressure(climate, place, rng),
        "wind_speed": _wind(climate, rng),
    }
    year = Weather.of(grid, place, columns, typical=True)
    coarse = TimeGrid.regular(start, DAYS * 1440 // minutes, minutes, place.zone)
    return year.resample(coarse)


def _daily_clearness(climate: Climate, rng: np.random.Generator) -> Floats:
    drivers = chance.noise(rng, DAYS, climate.number("kt_day_lag") + _SLOWER)

    def quantile(m: int, u: Floats) -> Floats:
        names = ("kt_mean", "kt_std", "kt_min", "kt_max")
        return chance.beta_quantile(u, *(float(climate[name][m]) for name in names))

    return chance.by_rank(drivers, MONTH_OF_DAY, quantile)


def _temperature(climate: Climate, bright: Floats, rng: np.random.Generator) -> Floats:
    lag, drive = climate.number("t_day_lag") + _SLOWER, climate.number("kt_to_next_t") * _TIE
    shocks = rng.standard_normal(DAYS) * np.sqrt(1 - lag**2 - drive**2)
    swings = chance.standardised(chance.autoregression(shocks + drive * np.roll(bright, 1), lag))
    daily = chance.season(climate["tdb_mean_c"]) + swings * chance.between_months(
        climate["tdb_day_std_k"]
    )
    link = chance.between_months(climate["corr_kt_range"])
    loose = link * bright + np.sqrt(1 - link**2) * rng.standard_normal(DAYS)
    spread = chance.season(climate["tdb_dmax_c"] - climate["tdb_dmin_c"])
    spread += loose * chance.between_months(climate["tdb_range_std_k"])
    shape = chance.between_months(_mean_day(climate)).ravel()
    own = chance.noise(rng, _STEPS, chance.quarter_lag(climate.number("t_hour_lag")))
    rest = np.repeat(chance.between_months(_hourly_rest(climate)), QUARTERS)
    wide = np.maximum(chance.quarters(spread), _LEAST_RANGE)
    t_air = chance.quarters(daily) + wide * shape + own * rest
    means = chance.month_means(t_air.reshape(DAYS, QUARTERS).mean(axis=1))
    return t_air + chance.quarters(chance.season(climate["tdb_mean_c"] - means))


def _mean_day(climate: Climate) -> Floats:
    """Return the mean day of each month (12, 96): mean 0, range 1, extremes at their hours.

    Half a cosine up, half a cosine to a power down; the power puts the mean where it belongs
    between the mean extremes.
    """
    low, high = climate["tdb_hour_of_min"] + 0.5, climate["tdb_hour_of_max"] + 0.5
    after = np.mod(_HOUR[None, :] - low[:, None], 24)
    rise = (high - low)[:, None]
    up = (1 - np.cos(np.pi * np.minimum(after / rise, 1))) / 2
    down = (1 + np.cos(np.pi * np.clip((after - rise) / (24 - rise), 0, 1))) / 2
    wanted = (climate["tdb_mean_c"] - climate["tdb_dmin_c"]) / (
        climate["tdb_dmax_c"] - climate["tdb_dmin_c"]
    )
    powers = np.linspace(0.3, 6, 229)
    days = np.where(after < rise, up, down[None, :, :] ** powers[:, None, None])
    best = np.argmin(np.abs(days.mean(axis=2) - wanted[None, :]), axis=0)
    day = days[best, np.arange(12)]
    return np.asarray(day - day.mean(axis=1, keepdims=True), dtype=np.float64)


def _hourly_rest(climate: Climate) -> Floats:
    """Return what is left of the hourly scatter [K] (12,) when days and ranges have theirs."""
    scatter = climate["tdb_range_std_k"] * _mean_day(climate).std(axis=1)
    rest = climate["tdb_hres_std_k"] ** 2 - climate["tdb_day_std_k"] ** 2 - scatter**2
    return np.asarray(np.sqrt(np.clip(rest, 0.3**2, 1.0**2)), dtype=np.float64)


def _dew_point(climate: Climate, bright: Floats, t_air: Floats, rng: np.random.Generator) -> Floats:
    link = chance.between_months(climate["corr_kt_tdp"])
    # What follows the clearness has its short memory; the rest remembers longer.
    tied = float(np.mean(link**2))
    lag = (climate.number("dew_day_lag") - tied * climate.number("kt_day_lag")) / (1 - tied)
    lag = min(lag + _DEW_SLOWER, _LONGEST_LAG)
    swings = chance.standardised(chance.noise(rng, DAYS, lag))
    swings = link * bright + np.sqrt(1 - link**2) * swings
    daily = swings * chance.between_months(climate["tdp_day_std_k"])
    wanted = climate["tdp_mean_c"]
    aim, dew = wanted, t_air
    # Saturation cuts moist days short, which the others make up for: aim higher until the mean
    # fits.
    for _ in range(6):
        dew = np.minimum(chance.quarters(chance.season(aim) + daily), t_air - _LEAST_SPREAD)
        aim = aim + wanted - chance.month_means(dew.reshape(DAYS, QUARTERS).mean(axis=1))
    return dew


def _pressure(climate: Climate, place: Place, rng: np.random.Generator) -> Floats:
    lag = climate.number("pressure_day_lag") + _SLOWER
    swings = chance.standardised(chance.noise(rng, DAYS, lag))
    daily = chance.season(climate["p_mean_kpa"]) + swings * chance.between_months(
        climate["p_day_std_kpa"]
    )
    height = air.standard_pressure(place.altitude) / air.standard_pressure(climate.place.altitude)
    return chance.quarters(daily) * height


def _global(climate: Climate, kt: Floats, path: SunPath, rng: np.random.Generator) -> Floats:
    """Return the global irradiance [W/m2] whose days have clearness `kt`, shape (35040,)."""
    outside = path.extra_horizontal.reshape(DAYS, QUARTERS)
    level = kt / chance.between_months(climate["kt_mean"])
    std = np.interp(level, climate.recipe["sun_level"], climate.recipe["sun_std"])
    slow = chance.noise(rng, _STEPS, _SLOW_HOUR_LAG**0.25)
    quick = chance.noise(rng, _STEPS, _TEXTURE_LAG)
    z = np.sqrt(_SLOW_SHARE) * slow + np.sqrt(1 - _SLOW_SHARE) * quick
    clouds = np.exp(_MORE_SCATTER * std[:, None] * z.reshape(DAYS, QUARTERS))
    shape = _clear_sky(path.cos_zenith).reshape(DAYS, QUARTERS) * clouds
    wanted = kt * outside.sum(axis=1)
    most = np.maximum(_BRIGHTEST * kt, _CLEAREST)[:, None] * outside
    ghi = np.zeros_like(shape)
    # What is cut from too bright a moment goes to the others of the day.
    for _ in range(8):
        room = np.where(ghi < most, shape, 0.0)
        share = (wanted - ghi.sum(axis=1)) / np.maximum(room.sum(axis=1), 1e-9)
        ghi = np.minimum(ghi + share[:, None] * room, most)
    return np.asarray(ghi.ravel(), dtype=np.float64)


def _clear_sky(cos_zenith: Floats) -> Floats:
    """Return the clear sky's global irradiance [W/m2].

    Haurwitz 1945, Journal of Meteorology 2:154; only its shape over the day is used.
    """
    clear = 1098 * cos_zenith * np.exp(-0.057 / np.maximum(cos_zenith, 1e-3))
    return np.asarray(clear, dtype=np.float64)


def _wind(climate: Climate, rng: np.random.Generator) -> Floats:
    swings = chance.noise(rng, _STEPS, chance.quarter_lag(climate.number("wind_hour_lag")))
    span = climate["wind_prof_max_ms"] - climate["wind_prof_min_ms"]
    turn = np.cos(2 * np.pi * (_HOUR[None, :] - climate["wind_hour_of_max"][:, None] - 0.5) / 24)
    daily = 0.5 * (span / climate["wind_std_ms"])[:, None] * turn
    drivers = swings + chance.between_months(daily).ravel()

    def quantile(m: int, u: Floats) -> Floats:
        calm = float(climate["calm_share"][m])
        blowing = np.clip((u - calm) / (1 - calm), 0.0, 1.0)
        return chance.weibull_quantile(
            blowing, float(climate["weibull_k"][m]), float(climate["weibull_c_ms"][m])
        )

    return chance.by_rank(drivers, _MONTH_OF_STEP, quantile)
