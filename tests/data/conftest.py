"""What tests of the data room share: typical years, and weather files where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from zeropark.data.weather import Weather
from zeropark.data.weather.assemble import Reading
from zeropark.data.weather.climate import climate
from zeropark.data.weather.generate import typical_year
from zeropark.data.weather.readers import read_epw
from zeropark.units.place import Place

SHARED = Path(__file__).parents[3] / "shared" / "data" / "weather"
NANCHUAN = Place(36.60, 101.70, 2260.0, "Asia/Shanghai")


@pytest.fixture(autouse=True, scope="session")
def _cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep tests out of the user's cache, and let them share one."""
    patch = pytest.MonkeyPatch()
    patch.setenv("ZEROPARK_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def nanchuan() -> Place:
    return NANCHUAN


@pytest.fixture(scope="session")
def year() -> Weather:
    """The typical year of the park in quarter-hours, seed 0."""
    return typical_year(climate("xining"), NANCHUAN)


def epw(name: str) -> Reading:
    """Read a Chinese Standard Weather Data file, or skip where it is absent."""
    file = SHARED / f"CHN_{name}_CSWD.epw"
    if not file.exists():
        pytest.skip(f"{file.name} is not at hand")
    return read_epw(file, "Asia/Shanghai")


@pytest.fixture(scope="session")
def xining() -> Reading:
    return epw("Qinghai.Xining.528660")


@pytest.fixture(scope="session")
def gangca() -> Reading:
    return epw("Qinghai.Gangca.527540")


@pytest.fixture(scope="session")
def shanghai() -> Reading:
    return epw("Shanghai.Shanghai.583620")
