"""The local controller of a store, as a table of cycles: what the step was, what it does."""

import pytest

from zeropark.operate.follow import follow

# A stored MWh is worth 400 CNY; one way 0.9; wear 50. So discharging pays above
# 400 / 0.9 + 50 = 494, charging pays below 400 · 0.9 = 360 CNY/MWh.
PLAN = {"p": 0.0, "worth": 400.0, "efficiency": 0.9, "wear": 50.0}
INFINITE = float("inf")


@pytest.mark.parametrize(
    ("need", "p", "meant", "target", "price_import", "price_export", "change"),
    [
        # As planned: nothing to do.
        (1.0, 0.0, 1.0, INFINITE, 600.0, 100.0, 0.0),
        # 0.3 MW of sun more than foreseen, export would bring 100 only: store it.
        (-0.3, 0.0, 0.0, INFINITE, 600.0, 100.0, -0.3),
        # The same, but export brings 380, more than storing: let it go.
        (-0.3, 0.0, 0.0, INFINITE, 600.0, 380.0, 0.0),
        # Export was planned: only what comes on top of it is stored.
        (-0.5, 0.0, -0.2, INFINITE, 600.0, 100.0, -0.3),
        # Less sun, grid at 600: discharge.
        (0.4, 0.0, 0.1, INFINITE, 600.0, 100.0, 0.3),
        # Less sun, grid at 450: discharging does not pay, and nothing is being charged.
        (0.4, 0.0, 0.1, INFINITE, 450.0, 100.0, 0.0),
        # Less sun while charging 0.2 MW, grid at 450: charge 0.2 MW less, no more.
        (0.4, -0.2, 0.1, INFINITE, 450.0, 100.0, 0.2),
        # Less sun while charging, grid at 300: charging from the grid still pays.
        (0.4, -0.2, 0.1, INFINITE, 300.0, 100.0, 0.0),
        # More sun while import was planned, grid at 300: charging pays, so the import is held.
        (0.4, -0.2, 1.0, INFINITE, 300.0, 100.0, -0.6),
        # The same, grid at 450: storing does not pay, and nothing is being discharged.
        (0.4, -0.2, 1.0, INFINITE, 450.0, 100.0, 0.0),
        # The same while 0.5 MW are discharged: they are worth more kept, and no more than they.
        (0.4, 0.5, 1.0, INFINITE, 450.0, 100.0, -0.5),
        # Grid at 600: discharging goes on paying, and the import falls.
        (0.4, 0.5, 1.0, INFINITE, 600.0, 100.0, 0.0),
        # So much sun that it would even be sold: all of it is kept.
        (-0.2, 0.0, 0.3, INFINITE, 300.0, 100.0, -0.5),
        # Above the target the store helps whatever the price.
        (1.5, 0.0, 1.5, 1.2, 300.0, 100.0, 0.3),
        # Exactly at the target it does not.
        (1.2, 0.0, 1.2, 1.2, 300.0, 100.0, 0.0),
    ],
)
def test_a_store_follows_what_the_plan_meant(
    need: float,
    p: float,
    meant: float,
    target: float,
    price_import: float,
    price_export: float,
    change: float,
) -> None:
    tie = {"import": meant, "target": target}
    found = follow(need, {**PLAN, "p": p}, tie, price_import, price_export)
    assert found == pytest.approx(change)


@pytest.mark.parametrize(
    ("need", "low", "high", "change"),
    [
        (0.5, 0.0, 1.0, 0.0),  # inside the band
        (1.4, 0.0, 1.0, 0.4),  # above: discharge down to it
        (-0.6, 0.0, 1.0, -0.6),  # surplus: charge
        (0.3, 1.0, 1.0, -0.7),  # fill up from the grid to the target
        (0.3, 0.0, 0.0, 0.3),  # a dear hour: cover everything
    ],
)
def test_rules_hold_a_band_of_import(need: float, low: float, high: float, change: float) -> None:
    assert follow(need, {"low": low, "high": high}, {}, 500.0, 100.0) == pytest.approx(change)


def test_a_store_without_a_plan_rests() -> None:
    assert follow(3.0, {}, {}, 900.0, 100.0) == 0.0
