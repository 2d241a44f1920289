"""What is carried on is no use, fuel is not clean, and green trade is matched in its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zeropark.assets import kinds
from zeropark.assets.kind import Kind
from zeropark.operate.figures import Figures, flow_name


def _asset(kind: str, name: str, **fields: Any) -> Kind:
    return kinds()[kind].model_validate({"name": name, **fields})


def _columns(**columns: list[float]) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    names = {
        "load": flow_name("works", "node"), "far": flow_name("wire", "node"),
        "near": flow_name("wire", "near"), "engine": flow_name("engine", "node"),
        "bring": "tie/import_mw", "send": "tie/export_mw", "green": "green/delivered_mw",
        "late": "late/delivered_mw",
    }  # fmt: skip
    return {names[key]: np.array(values) for key, values in columns.items()}


TIE = _asset("grid_tie", "tie", node="bus", import_max=9.0, tariff="simple")
LOAD = _asset("load", "works", node="bus", profile={"constant": 1.0})


def test_of_what_a_line_carries_only_its_loss_is_taken() -> None:
    wire = _asset("line", "wire", node="far", near="bus", p_nom=9.0)
    figures = Figures([TIE, LOAD, wire], 0.25, 0.0)
    figures.add(
        _columns(load=[-2.0], far=[-1.5], near=[1.4], bring=[0.6], send=[0.0]), np.array([0.5])
    )
    assert figures.used == pytest.approx(1.0)
    assert figures.lost == pytest.approx(0.05)
    assert figures.clean_share() == pytest.approx(1.0 - 0.3 / 1.05)


def test_power_of_fuel_is_not_clean() -> None:
    engine = _asset("generator", "engine", node="bus", p_nom=1.0, fuel_price=100.0)
    figures = Figures([TIE, LOAD, engine], 0.25, 0.0)
    clean = figures.add(
        _columns(load=[-2.0, -2.0], engine=[1.0, 0.0], bring=[0.0, 1.0], send=[0.0, 0.0]),
        np.array([1.0, 1.0]),
    )
    assert clean.tolist() == pytest.approx([0.5, 0.5])
    assert figures.clean_share() == pytest.approx(0.5)


@pytest.mark.parametrize(("matching", "matched"), [(1.0, 2.0), (2.0, 4.0), (3.0, 3.0), (4.0, 4.0)])
def test_green_trade_is_matched_in_its_interval(matching: float, matched: float) -> None:
    """Import 2, 0, 0, 2 against 1 in each: by the hour 1 + 1, by three min(2, 3) + min(2, 1)."""
    green = _asset("green_power_contract", "green", shape={"constant": 1.0}, price=5.0,
                   matching=matching)  # fmt: skip
    figures = Figures([TIE, LOAD, green], 0.25, 0.0)
    for bring in ([2.0, 0.0], [0.0, 2.0]):
        two = [0.0, 0.0]
        figures.add(_columns(load=[-2.0, -2.0], bring=bring, send=two, green=[1.0, 1.0]),
                    np.ones(2))  # fmt: skip
    assert figures.traded()["green"] == pytest.approx((4.0, matched))
    assert figures.clean_share_contract() == pytest.approx(1.0 - (4.0 - matched) / 8.0)


def test_no_import_is_matched_twice() -> None:
    green = _asset("green_power_contract", "green", shape={"constant": 1.0}, price=5.0)
    late = _asset("green_power_contract", "late", shape={"constant": 1.0}, price=5.0, matching=2.0)
    figures = Figures([TIE, LOAD, late, green], 0.25, 0.0)
    figures.add(
        _columns(load=[-2.0, -2.0], bring=[1.5, 0.0], send=[0.0, 0.0], green=[1.0, 1.0],
                 late=[1.0, 1.0]),
        np.ones(2),
    )  # fmt: skip
    assert figures.traded() == {"green": (2.0, 1.0), "late": (2.0, 0.5)}
    assert figures.clean_share_contract() == pytest.approx(1.0)


def test_a_contract_of_the_park_file_is_matched_before_it() -> None:
    green = _asset("green_power_contract", "green", shape={"constant": 1.0}, price=5.0)
    figures = Figures([TIE, LOAD, green], 0.25, 0.0)
    figures.add(
        _columns(load=[-2.0], bring=[1.5], send=[0.0], green=[1.0]), np.ones(1), np.array([1.0])
    )
    assert figures.matched == pytest.approx(1.0)
    assert figures.traded()["green"] == pytest.approx((1.0, 0.5))
