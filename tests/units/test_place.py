"""Places: how far apart they are."""

from __future__ import annotations

import pytest

from zeropark.units.place import Place


def test_a_degree_of_latitude_is_111_km() -> None:
    here, north = Place(36.0, 101.0, 0.0, "UTC"), Place(37.0, 101.0, 0.0, "UTC")
    assert here.distance_to(north) == pytest.approx(111.19, abs=0.01)
    assert here.distance_to(here) == 0


def test_the_base_is_74_km_from_xinghai_and_141_km_from_gangca() -> None:
    base = Place(36.10, 100.50, 2900.0, "Asia/Shanghai")
    xinghai, gangca = Place(35.58, 99.98, 3323.0, "UTC"), Place(37.33, 100.13, 3302.0, "UTC")
    assert base.distance_to(xinghai) == pytest.approx(74, abs=1)
    assert base.distance_to(gangca) == pytest.approx(141, abs=1)
