"""The envelope: by hand on a toy, and by asking for random points of it and delivering them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.operate.conftest import park_of, request_of, small_assets
from tests.operate.test_bands import BAT, TIE, image_of, shown
from tests.operate.test_cycle import Bench
from zeropark.formulation.solver import Grade
from zeropark.operate.bands import guards_of, levers_of
from zeropark.operate.desk import Programme, RollingPlans
from zeropark.operate.envelope import Ability, Confidence, envelope
from zeropark.operate.run import Run

PARK = (TIE, BAT)
# The battery's efficiency one way is 0.927; worth of a stored MWh 300, wear 96, price 400.
SAYS = {"worth": 300.0, "efficiency": 0.927, "wear": 96.0}


def plan(*powers: float, tie: float = 1.0) -> Programme:
    steps = [{"bat": {"p": p, **SAYS}, "tie": {"import": tie}} for p in powers]
    reasons: list[tuple[()]] = [()] * len(powers)
    return Programme(0.0, 0.0, 900.0, steps, reasons, Grade.OPTIMAL, (400.0, 100.0), "")


def able(
    programme: Programme, count: int, changes: dict[str, dict[str, float]] | None = None
) -> dict[str, Ability]:
    """What can be asked from now on for so many steps, by asset."""
    levers = levers_of(PARK)
    image = image_of(shown(**(changes or {})))
    found = envelope(programme, image, PARK, levers, guards_of(PARK, levers), [count])
    return {each.asset: each for each in found if each.first == 0.0}


def test_a_battery_at_rest_gives_its_power_for_a_while_and_less_for_longer() -> None:
    # Half full: 1 MWh. The floor is 0.2 MWh, and below 0.4 MWh it tapers: 0.6 · 0.927 MWh.
    now = able(plan(0.0, 0.0, 0.0, 0.0), 1)["bat"]
    assert now.up == 1.0
    assert now.down == 1.0
    assert now.hours == 0.25
    hour = able(plan(0.0, 0.0, 0.0, 0.0), 4)["bat"]
    assert hour.up == pytest.approx(0.6 * 0.927)
    # The ceiling is 1.9 MWh, and from 1.7 MWh on it tapers: 0.7 / 0.927 can be taken in an hour.
    assert hour.down == pytest.approx(0.7 / 0.927)
    assert now.cost_up == pytest.approx(300.0 / 0.927 + 96.0 - 400.0)
    assert now.cost_down == pytest.approx(400.0 - 300.0 * 0.927)


def test_what_the_plan_does_already_cannot_be_sold_again() -> None:
    busy = able(plan(0.6, 0.6), 1)["bat"]
    assert busy.up == pytest.approx(0.4)
    # From giving 0.6 MW to taking 1 MW.
    assert busy.down == pytest.approx(1.6)
    full = able(plan(0.0), 1, {"bat": {"soc": 0.95, "energy": 1.9}})["bat"]
    assert full.down == 0.0
    assert math.isnan(full.cost_down)


def test_the_park_is_held_by_its_tie() -> None:
    # Export 4 MW is the limit and 3.7 MW are planned: 0.3 MW more, whatever the battery can.
    assert able(plan(0.0, tie=-3.7), 1)["park"].up == pytest.approx(0.3)
    assert able(plan(0.0, tie=4.6), 1)["park"].down == pytest.approx(0.4)


def test_what_nobody_sees_is_not_able() -> None:
    blind = able(plan(0.0), 1, {"bat": {"energy": np.nan}})
    assert set(blind) == {"park"}
    assert blind["park"].up == 0.0
    no_tie = able(plan(0.0), 1, {"tie": {"p": np.nan}})
    assert no_tie["park"].up == no_tie["park"].down == 0.0


def test_confidence_grows_with_what_was_delivered() -> None:
    assert Confidence().share == 0.5
    assert Confidence(8, 8).share == 0.9
    assert Confidence(8, 0).share == 0.1


def test_random_points_of_the_envelope_are_delivered_by_the_plant() -> None:
    """Each point is asked of one of two parks that are otherwise the same, and measured at the tie.

    Three of them are at the very edge.
    """
    random = np.random.default_rng(20_260_417)
    for share in (1.0, 1.0, 1.0, *random.uniform(0.2, 1.0, 3)):
        begin, steps = int(random.integers(15, 90)), int(random.integers(1, 5))
        way = 1.0 if random.random() < 0.5 else -1.0
        called, calm = _twins(begin)
        programme = called.desk.latest
        assert programme is not None
        image = called.cycles(1)[0].image
        calm.cycles(1)
        found = envelope(
            programme, image, called.cycle.assets, called.cycle.levers, called.cycle.guards, [steps]
        )
        point = next(each for each in found if each.asset == "bat")
        asked = share * (point.up if way > 0 else point.down)
        planned = programme.at(image.at)["bat"]["p"]
        for bench, power in ((called, planned + way * asked), (calm, planned)):
            bench.box.orders.hand["bat", "p"] = float(np.clip(power, -1.0, 1.0))
        minutes = round(point.hours * 60) - 1
        for bench in (called, calm):
            bench.run(minutes + 1)
            bench.site.advance()
        got = _energy(calm, minutes) - _energy(called, minutes)
        assert way * got == pytest.approx(asked * minutes / 60.0, rel=0.08, abs=0.01)


def _twins(begin: int) -> tuple[Bench, Bench]:
    found = []
    for _ in range(2):
        request = request_of(park_of(small_assets()), days=2, horizon_hours=12.0)
        bench = Bench(small_assets(), RollingPlans(Run(request)).make)
        bench.run(begin)
        found.append(bench)
    return found[0], found[1]


def _energy(bench: Bench, minutes: int) -> float:
    """What the tie brought in the last so many minutes [MWh]."""
    return sum(truth.power["tie"] for truth in bench.site.log[-minutes:]) / 60.0
