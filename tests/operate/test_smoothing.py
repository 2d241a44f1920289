"""How smooth a base was, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.assets.yard import parse
from zeropark.operate.smoothing import Smoothing

YARD = """
assets:
  - {kind: pv, name: field, node: base, p_nom: 12 MW, arrays: [{tilt: 30 deg}]}
  - {kind: battery, name: cells, node: base, p_nom: 4 MW, e_nom: 8 MWh, wear_cost: 100 CNY/MWh}
  - {kind: remote_base, name: gate, node: base, out: far, p_nom: 10 MW, ramp_down: 3 MW/h}
"""


def _told(parts: int) -> Smoothing:
    assets = parse(YARD)
    smoothing = Smoothing(assets[2], assets)  # type: ignore[arg-type] # the third is the base
    columns = {
        "field/available_mw": np.array([0.0, 12.0, 2.0, 2.0]),
        "gate/p_mw": np.array([0.0, 6.0, 5.0, 2.0]),
        "cells/p_mw": np.array([0.0, -4.0, 3.0, 0.0]),
        "cells/energy_mwh": np.array([4.0, 7.6, 4.4, 4.4]),
    }
    for part in np.split(np.arange(4), parts):
        hours = np.ones(len(part))
        smoothing.add({name: values[part] for name, values in columns.items()}, hours)
    return smoothing


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_ramps_and_cost_are_those_worked_out_by_hand(parts: int) -> None:
    """With: 6, 1, 3. Without, at most 10 delivered: 10, 8, 0. 3 MWh given of 4 taken, 0.6 lost."""
    found = _told(parts).as_json(price=200.0)
    assert found is not None
    kept, bare = found["with_storage"], found["without_storage"]
    assert (kept["ramp_p50_mw"], kept["ramp_p100_mw"]) == (3.0, 6.0)
    assert (bare["ramp_p50_mw"], bare["ramp_p100_mw"]) == (8.0, 10.0)
    assert kept["down_kept_share"] == 1.0
    assert bare["down_kept_share"] == pytest.approx(2 / 3)
    assert found["discharged_mwh"] == 3.0
    assert found["storage_cost_cny"] == pytest.approx(300.0 + 200.0 * 0.6)
    assert found["cost_cny_per_mwh"] == pytest.approx(140.0)


def test_of_one_step_nothing_can_be_told() -> None:
    assets = parse(YARD)
    assert Smoothing(assets[2], assets).as_json(200.0) is None  # type: ignore[arg-type] # the base
