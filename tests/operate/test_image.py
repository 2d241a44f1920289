"""A reading that is missing, old, stuck or impossible is a state and has no number."""

from __future__ import annotations

import numpy as np
import pytest

from zeropark.devices.contract import Quality, Readout
from zeropark.operate.image import Judge, Rule, State

NAN = float("nan")


def judge(**rules: float) -> Judge:
    return Judge({"m": ["p"]}, {("m", "p"): Rule(**rules)}, stale_after=10.0)


def shown(value: float, at: float, quality: Quality = Quality.GOOD) -> dict[str, Readout]:
    told = np.array([quality], dtype=np.uint8)
    return {"m": Readout(("p",), np.array([value]), told, np.array([at]))}


@pytest.mark.parametrize(
    ("value", "quality", "state"),
    [
        (1.0, Quality.GOOD, State.GOOD),
        (0.0, Quality.GOOD, State.GOOD),
        (-2.0, Quality.GOOD, State.GOOD),
        (2.0, Quality.GOOD, State.GOOD),
        (2.0001, Quality.GOOD, State.OUT_OF_RANGE),
        (-2.0001, Quality.GOOD, State.OUT_OF_RANGE),
        (1.0, Quality.SUSPECT, State.OUT_OF_RANGE),
        (NAN, Quality.GOOD, State.MISSING),
        (float("inf"), Quality.GOOD, State.MISSING),
        (1.0, Quality.MISSING, State.MISSING),
        (NAN, Quality.NO_ANSWER, State.MISSING),
    ],
)
def test_what_can_be_believed(value: float, quality: Quality, state: State) -> None:
    image = judge(low=-2.0, high=2.0).image(shown(value, 100.0, quality), 100.0, 0.0)
    found = image.value("m", "p")
    assert found.state is state
    assert found.value == (value if state is State.GOOD else None)
    assert image.readings() == ({"m": {"p": value}} if state is State.GOOD else {})


def test_a_point_nobody_reads_is_missing_and_not_zero() -> None:
    image = judge().image({}, 0.0, 0.0)
    assert image.good("m", "p") is None
    assert image.good("m", "q") is None
    assert image.bad() == {("m", "p"): State.MISSING}


def test_a_value_is_old_when_its_stamp_stands_still_whatever_the_clock_shows() -> None:
    old = judge()
    assert old.image(shown(1.0, 100.0), 100.0, 0.0).good("m", "p") == 1.0
    assert old.image(shown(1.0, 100.0), 110.0, 10.0).good("m", "p") == 1.0
    assert old.image(shown(1.0, 100.0), 110.1, 10.1).value("m", "p").state is State.STALE
    # Our clock is set a year on, the device's stamp moves by a second: it is fresh.
    assert old.image(shown(1.0, 101.0), 3e7, 11.0).good("m", "p") == 1.0


def test_a_meter_that_says_the_same_for_too_long_is_stuck() -> None:
    stuck = judge(frozen_after=60.0)
    for second, good in ((0, True), (59, True), (60, False), (61, False)):
        image = stuck.image(shown(1.5, second), second, second)
        assert (image.good("m", "p") is not None) is good
    assert stuck.image(shown(1.6, 62), 62, 62).good("m", "p") == 1.6
    # At rest for hours is no fault.
    for second in (63, 4_000):
        assert stuck.image(shown(0.0, second), second, second).good("m", "p") == 0.0
