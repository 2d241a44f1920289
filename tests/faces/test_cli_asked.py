"""What was written on the command line becomes a request, or a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from zeropark.assets import kinds
from zeropark.faces.cli.asked import Asked
from zeropark.faces.cli.refused import Refused
from zeropark.model.park import Park
from zeropark.model.parkfile import read_park
from zeropark.operate.build import RunRequest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def yard() -> Park:
    """Read a small park whose first study begins on 15 April and looks a day ahead."""
    return read_park(HERE / "yard.yaml", kinds())


def request(park: Park, asked: Asked) -> RunRequest:
    """Return what is asked of the small park."""
    return asked.request(park, HERE)


def test_what_is_not_said_comes_from_the_first_study(yard: Park) -> None:
    found = request(yard, Asked())
    assert (found.start, found.days, found.step_minutes) == ("2026-04-15", 1, 15)
    assert (found.horizon_hours, found.policy, found.seed) == (24.0, "plan", 1)
    assert (found.peak_so_far, found.compare, dict(found.files)) == (0.0, True, {})
    assert found.folder == HERE


def test_what_is_said_counts(yard: Park) -> None:
    files = {"load": Path("load.csv")}
    asked = Asked(
        start="2026-11-30",
        days="12",
        step="0.5 h",
        horizon="2880min",
        policy="rules",
        seed="0",
        peak_so_far="1.2 MW",
        compare=False,
        files=files,
    )
    found = request(yard, asked)
    assert (found.start, found.days, found.step_minutes) == ("2026-11-30", 12, 30)
    assert (found.horizon_hours, found.policy, found.seed) == (48.0, "rules", 0)
    assert (found.peak_so_far, found.compare, found.files) == (1.2, False, files)


@pytest.mark.parametrize("step", ["5min", "15 min", "30min", "60min", "1h", "900 s"])
def test_every_step_a_run_can_take_is_taken(yard: Park, step: str) -> None:
    assert request(yard, Asked(step=step)).step_minutes in {5, 15, 30, 60}


def test_a_horizon_may_go_on_by_the_hour(yard: Park) -> None:
    found = request(yard, Asked(horizon="24h+48h"))
    assert (found.horizon_hours, found.coarse_hours) == (24.0, 48.0)


@pytest.mark.parametrize("horizon", ["1h", "336h", "14 d"])
def test_both_ends_of_the_horizon_are_allowed(yard: Park, horizon: str) -> None:
    assert 1 <= request(yard, Asked(horizon=horizon)).horizon_hours <= 336


@pytest.mark.parametrize(
    ("asked", "en", "zh"),
    [
        (
            Asked(start="17 April"),
            "--start '17 April': not a date. Write it as year-month-day, such as 2026-04-15.",
            "--start “17 April”：不是日期。写作 年-月-日，例如 2026-04-15。",
        ),
        (
            Asked(start="2026-02-29"),
            "--start '2026-02-29': not a date. Write it as year-month-day, such as 2026-04-15.",
            "--start “2026-02-29”：不是日期。写作 年-月-日，例如 2026-04-15。",
        ),
        (
            Asked(start="1970-12-31"),
            "--start 1970-12-31: out of range. Allowed: 1971-01-01 to 2099-12-31.",
            "--start 1970-12-31：超出范围。允许：1971-01-01 至 2099-12-31。",
        ),
        (
            Asked(start="2100-01-01"),
            "--start 2100-01-01: out of range. Allowed: 1971-01-01 to 2099-12-31.",
            "--start 2100-01-01：超出范围。允许：1971-01-01 至 2099-12-31。",
        ),
        (
            Asked(days="0"),
            "--days '0': allowed is a whole number from 1 to 3,660.",
            "--days “0”：可用 1 至 3,660 的整数。",
        ),
        (
            Asked(days="3661"),
            "--days '3661': allowed is a whole number from 1 to 3,660.",
            "--days “3661”：可用 1 至 3,660 的整数。",
        ),
        (
            Asked(days="1.5"),
            "--days '1.5': allowed is a whole number from 1 to 3,660.",
            "--days “1.5”：可用 1 至 3,660 的整数。",
        ),
        (
            Asked(seed="-1"),
            "--seed '-1': allowed is a whole number from 0 to 4,294,967,295.",
            "--seed “-1”：可用 0 至 4,294,967,295 的整数。",
        ),
        (
            Asked(step="7min"),
            "--step 7 min: not a step a run can take. Allowed: 5min, 15min, 30min, 60min.",
            "--step 7 min：不能用此步长。可用：5min, 15min, 30min, 60min。",
        ),
        (
            Asked(step="7"),
            "--step '7': it has no unit. Allowed: 5min, 15min, 30min, 60min.",
            "--step '7'：没有单位。可用：5min, 15min, 30min, 60min。",
        ),
        (
            Asked(step="15 kW"),
            "--step: the unit of '15 kW' does not fit; allowed: h, min, s, day, d, year.",
            "--step：“15 kW”的单位不符；可用：h, min, s, day, d, year。",
        ),
        (
            Asked(step="soon"),
            "--step: 'soon' is not a number with a unit, such as 1 min.",
            "--step：“soon”不是带单位的数，例如 1 min。",
        ),
        (
            Asked(horizon="0.5h"),
            "--horizon 0.5 h: out of range. Allowed: 1 h to 336 h.",
            "--horizon 0.5 h：超出范围。可用：1 h 至 336 h。",
        ),
        (
            Asked(horizon="337h"),
            "--horizon 337 h: out of range. Allowed: 1 h to 336 h.",
            "--horizon 337 h：超出范围。可用：1 h 至 336 h。",
        ),
        (
            Asked(policy="plam"),
            "--policy 'plam': not known. Did you mean 'plan'? Allowed: plan, rules.",
            "--policy “plam”：未知。是不是“plan”？可用：plan, rules。",
        ),
        (
            Asked(peak_so_far="-1 kW"),
            "--peak-so-far '-1 kW': below zero. Allowed: 0 kW or more.",
            "--peak-so-far “-1 kW”：小于零。可用：不小于 0 kW。",
        ),
        (
            Asked(peak_so_far="300"),
            "--peak-so-far: 300 has no unit; write it with one, such as 300 MW.",
            "--peak-so-far：300 没有单位；写上单位，例如 300 MW。",
        ),
        (
            Asked(peak_so_far="1e999 kW"),
            "--peak-so-far: '1e999 kW' is not finite; write a number.",
            "--peak-so-far：“1e999 kW”不是有限数；写一个数。",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("--") else "",
)
def test_a_wrong_value_is_a_sentence_in_both_languages(
    yard: Park, asked: Asked, en: str, zh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for lang, sentence in (("en", en), ("zh", zh)):
        monkeypatch.setenv("ZEROPARK_LANG", lang)
        with pytest.raises(Refused) as refused:
            request(yard, asked)
        assert str(refused.value) == sentence
