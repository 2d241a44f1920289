"""Clean shares, each its own: the physical one, and with green trade matched step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zeropark.operate.run import Run

from .conftest import park_of, request_of, silent, small_assets


def test_green_trade_counts_only_in_the_step_it_is_delivered() -> None:
    run = Run(request_of(park_of(small_assets()[:2])))
    # The tie brings about 1 MW all day; 5 MW of green trade for six hours match 6 h of it, not 24.
    green = np.zeros(96)
    green[:24] = 5.0
    run.world = replace(run.world, green=green)
    figures = run.live("rules", run.rules(), None, silent).figures
    assert figures.clean_share() == pytest.approx(0.0, abs=1e-9)
    assert figures.clean_share_contract() == pytest.approx(0.25, abs=0.02)


def test_without_green_trade_the_two_agree() -> None:
    figures = (
        Run(request_of(park_of(small_assets())))
        .live("rules", Run(request_of(park_of(small_assets()))).rules(), None, silent)
        .figures
    )
    assert figures.clean_share_contract() == figures.clean_share()
