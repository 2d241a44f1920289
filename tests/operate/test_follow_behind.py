"""A store behind a line or a base follows what was meant at the tie, as one beside the tie does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.assets.yard import day, outlook_of, parse
from zeropark.assets.link import Carries, LinkDevice
from zeropark.operate.plant import Plant

PARK = """
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 3 MW, export_max: 3 MW, tariff: simple}
  - {kind: load, name: works, node: bus, profile: {constant: 0.8 MW}}
  - {kind: battery, name: cells, node: base, p_nom: 1 MW, e_nom: 2 MWh, start: 50 %}
  - {kind: remote_base, name: gate, node: base, out: far, p_nom: 4 MW, flicker: 0 %}
  - {kind: line, name: wire, node: far, near: bus, p_nom: 5 MW, loss: 2 %}
"""


def _plant(text: str = PARK) -> Plant:
    outlook = outlook_of(day())
    outlook = replace(outlook, series={"works/demand": np.full(len(outlook.grid), 0.8)})
    return Plant(parse(text), outlook, {"bus": False, "base": False, "far": False}, 1)


def _meant(target: float, **battery: float) -> dict[str, dict[str, Any]]:
    told = {"p": 0.0, "worth": 0.0, "efficiency": 0.9, "wear": 50.0, **battery}
    return {"tie": {"import": 0.8, "target": target}, "cells": told}


def test_it_keeps_the_import_under_the_target() -> None:
    plant = _plant()
    # Worth more than any price: only the target moves it. Of 0.3 MW sent 2 % are lost.
    plant.write(_meant(0.5, worth=1e6))
    plant.step(0)
    assert plant.read()["cells"]["p"] == pytest.approx(0.3)
    assert plant.read()["gate"]["p"] == pytest.approx(0.3)
    assert plant.read()["tie"]["import"] == pytest.approx(0.8 - 0.3 * 0.98)
    assert plant.residual <= 1e-9


def test_at_the_target_it_rests() -> None:
    plant = _plant()
    plant.write(_meant(0.8, worth=1e6))
    plant.step(0)
    assert plant.read()["cells"]["p"] == 0.0
    assert plant.read()["tie"]["import"] == pytest.approx(0.8)


def test_what_the_gate_does_not_pass_stays_in_store() -> None:
    plant = _plant(PARK.replace("p_nom: 4 MW, flicker", "p_nom: 0.1 MW, flicker"))
    plant.write(_meant(0.5, worth=1e6))
    plant.step(0)
    assert plant.read()["cells"]["p"] == pytest.approx(0.1)
    assert plant.residual <= 1e-9


def test_by_rule_it_holds_the_same_band_of_import() -> None:
    plant = _plant()
    plant.write({"cells": {"low": 0.0, "high": 0.2}})
    plant.step(0)
    assert plant.read()["cells"]["p"] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("over", "worth"),
    [
        # Of 1 MW more sent a tenth is lost, and 2 · 0.08 / 2 of it as heat; 50 CNY a MWh are
        # charged on the nine tenths: 400 · (0.9 - 0.08) - 45.
        (1.0, 283.0),
        # At rest it loses no heat.
        (0.0, 315.0),
        # Of what comes from the near end: (400 · 1.08 + 45) / 0.9.
        (-0.9, 530.0),
    ],
)
def test_a_price_beyond_a_line_is_less_what_it_takes_to_get_there(
    over: float, worth: float
) -> None:
    line = LinkDevice(Carries("near", 2.0, 2.0, 2.0, loss=0.1, loss_load=0.08, charge=50.0))
    line.step(0, 0.25, {}, {"node": over})
    assert line.price_at_far(400.0) == pytest.approx(worth)
