"""A park that lives on: what it shows is what it lived, and a trial touches nothing."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from tests.operate.living import Lived, answered_by, lived
from zeropark.data.errors import DataError
from zeropark.forecast.weather import WeatherErrors, usual_errors
from zeropark.ledger.reader import Reader
from zeropark.operate.band import band
from zeropark.operate.living import COST, Frame, Living
from zeropark.operate.posted import figures_posted, runs
from zeropark.operate.reported import MEASURES, report
from zeropark.operate.today import doing, flows_by_carrier, today
from zeropark.operate.trial import FACTORS, Change
from zeropark.units.text import Text


@pytest.fixture(scope="module")
def park() -> Iterator[Lived]:
    with lived() as found:
        yield found


@pytest.fixture(scope="module")
def living(park: Lived) -> Living:
    return park.living


@pytest.fixture(scope="module")
def frame(living: Living) -> Frame:
    assert living.frame is not None
    return living.frame


def test_a_frame_is_of_the_newest_step_and_the_plan_was_made_at_its_end(
    living: Living, frame: Frame
) -> None:
    starts, columns = living.history()
    assert len(starts) == frame.index + 1 == 30
    assert frame.at == starts[-1] + np.timedelta64(3600, "s")
    assert frame.ahead is not None
    assert (frame.ahead.made_at, len(frame.ahead)) == (frame.index + 1, 24)
    assert frame.readings["tie"]["import"] == columns["tie/import_mw"][-1]
    living.look()
    assert not living.stale()
    assert frame.at <= living.clock()


def test_sums_of_the_day_are_those_of_its_hours(living: Living, frame: Frame) -> None:
    found = today(living, frame)
    _, columns = living.history()
    # Lived from midnight of the park: of 30 hours, six are of the second day.
    imported = columns["tie/import_mw"][24:]
    assert found.day.hours == 6.0
    assert found.day.figures["grid_import_mwh"] == pytest.approx(imported.sum())
    assert found.day.cost_cny == pytest.approx(columns[COST][-1] - columns[COST][23])
    assert found.factor is not None
    assert (found.factor.value, found.factor.since.year) == (0.1796, 2023)
    assert found.day.co2_t == pytest.approx(0.1796 * imported.sum())
    assert found.peak_at == living.history()[0][24 + int(np.argmax(imported))]
    assert found.imported == imported[-1]
    # The park of the file: a contract of 2,000 kW, a battery of 12,000 kWh.
    assert found.contract == 2.0
    assert found.stored.capacity == pytest.approx(12.0, rel=0.01)


def test_every_carrier_of_energy_balances_in_what_is_shown(living: Living, frame: Frame) -> None:
    flows = flows_by_carrier(living, frame)
    assert sum(flow for _, flow in flows["electricity"]) == pytest.approx(0.0, abs=1e-9)


def test_what_is_done_is_told_with_a_reason_that_still_stands(living: Living, frame: Frame) -> None:
    acts = doing(living, frame)
    assert "battery" in {act.asset.name for act in acts}
    assert all(act.until >= frame.at and act.why.en and act.why.zh for act in acts)


def test_a_trial_of_nothing_is_the_plan_itself(living: Living, frame: Frame) -> None:
    tried = living.trial(Change())
    assert Change().nothing
    assert frame.ahead is not None
    for name in ("grid_import_mwh", "grid_peak_mw"):
        assert tried.figures[name] == pytest.approx(frame.ahead.figures[name], rel=1e-6)
    assert living.frame is not None
    assert living.frame.number == frame.number


def test_a_trial_keeps_the_contract_it_is_given_and_gains_nothing_by_it(
    living: Living, frame: Frame
) -> None:
    tried = living.trial(Change(contract=0.2))
    assert frame.ahead is not None
    # What is forbidden to a plan cannot make it better.
    better = frame.ahead.figures["objective_cny"]
    assert tried.figures["objective_cny"] >= better - 1e-6 * abs(better)
    assert tried.figures["grid_peak_mw"] <= 0.4 + 1e-9 or tried.gave_way


def test_a_trial_without_sun_buys_more(living: Living, frame: Frame) -> None:
    assert frame.ahead is not None
    tried = living.trial(Change(sun=0.0))
    assert tried.columns["roofs/p_mw"].max() == pytest.approx(0.0, abs=1e-9)
    assert tried.figures["grid_import_mwh"] > frame.ahead.figures["grid_import_mwh"]


@pytest.mark.parametrize(("name", "low", "high"), [(n, *r) for n, r in FACTORS.items()])
def test_a_trial_is_refused_out_of_range(name: str, low: float, high: float) -> None:
    for good in (low, high):
        assert getattr(Change(**{name: good}), name) == good
    for bad in (low - 0.01, high + 0.01, float("nan"), float("inf")):
        with pytest.raises(DataError, match="out of range"):
            Change(**{name: bad})


def test_hours_of_a_report_add_up_and_parties_to_the_park(living: Living, frame: Frame) -> None:
    every = list(living.run.world.assets)
    factor = today(living, frame).factor
    for measure in MEASURES:
        found = report(living, frame, every, measure, factor)
        assert len(found.hours) == len(found.values) == 30
        assert all(found.complete)
        if measure != "clean":
            assert found.total == pytest.approx(float(found.values.sum()))
    used = report(living, frame, every, "used").total
    single = [report(living, frame, [asset], "used").total or 0.0 for asset in every]
    assert sum(single) == pytest.approx(used)
    _, columns = living.history()
    carbon = report(living, frame, every, "carbon", factor).total
    assert carbon == pytest.approx(0.1796 * columns["tie/import_mw"].sum())


def test_carbon_without_a_factor_is_absent_and_not_zero(living: Living, frame: Frame) -> None:
    found = report(living, frame, list(living.run.world.assets), "carbon", None)
    assert found.total is None
    assert np.isnan(found.values).all()


def test_a_band_holds_the_middle_and_vanishes_without_errors(living: Living) -> None:
    world, issued = living.run.world, living.run.planned().forecaster.issued(29)
    low, high = band(world, issued.outlook, usual_errors(dt.date(2026, 4, 17)), 7)
    assert (low <= high).all()
    assert (high - low).max() > 0.1
    none = WeatherErrors(temperature=0.0, clearness=0.0, wind=0.0, correlation=0.9)
    low, high = band(world, issued.outlook, none, 7)
    assert low == pytest.approx(high)


def test_before_the_first_plan_a_trial_says_so() -> None:
    with (
        lived(hours=1, last_plan=False) as park,
        pytest.raises(DataError, match="no plan has been made yet"),
    ):
        park.living.trial(Change())


def test_a_question_that_goes_wrong_is_told(living: Living) -> None:
    def broken(said: Mapping[str, Any]) -> Mapping[str, Any]:
        del said
        raise ZeroDivisionError

    again = Living(living.run.request, broken)
    again.start()
    again._thread.join(20)
    assert again.fault is not None
    assert "ZeroDivisionError" in again.fault
    assert again.stale()


def test_who_does_not_answer_is_missed_and_what_was_known_keeps_its_place(park: Lived) -> None:
    answers = answered_by(park.service)
    gone: list[bool] = []

    def ask(said: Mapping[str, Any]) -> Mapping[str, Any]:
        if gone:
            raise DataError("nobody_listens", Text("nobody", "无"))
        return answers(said)

    found = Living(park.living.run.request, ask)
    found.look()
    frame = found.frame
    assert frame is not None
    assert "cycles" in (found.status or {})
    gone.append(True)
    found._heard -= 6.0
    found.look()
    assert found.stale()
    assert (found.status or {}) == {}
    assert found.frame is frame
    assert len(found.history()[0]) == 30


def test_an_operate_of_another_park_is_named_and_not_shown(living: Living) -> None:
    def other(said: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**said, "park": "elsewhere"}

    found = Living(living.run.request, other)
    found.look()
    assert found.frame is None
    assert found.unlike is not None
    assert "elsewhere" in found.unlike.en


def test_a_look_brings_only_what_is_new(park: Lived) -> None:
    answers, found = answered_by(park.service), park.living
    found.look()
    assert found.frame is not None
    known = {"life": found.frame.life, "rows": 28, "plans": found._plans}
    as_who = {"role": "system", "name": "test"}
    told = answers({"verb": "look", **known, **as_who})
    assert (told["first"], len(told["rows"]), "ahead" in told) == (28, 2, False)
    told = answers({"verb": "look", **known, "life": 0, **as_who})
    assert (told["first"], len(told["rows"]), "ahead" in told) == (0, 30, True)
    # As the wire carries it.
    assert json.loads(json.dumps(told))["life"] == found.frame.life


def test_only_who_may_see_the_park_may_look_and_only_who_may_try_may_try(park: Lived) -> None:
    answers = answered_by(park.service)
    for verb, role in (("look", "party"), ("try", "auditor"), ("try", "party")):
        with pytest.raises(DataError) as refused:
            answers({"verb": verb, "role": role, "name": "test"})
        assert refused.value.key == "not_allowed"
    with pytest.raises(DataError, match="'much' is not a number"):
        answers({"verb": "try", "contract": "much", "role": "dispatcher", "name": "test"})


def test_what_people_write_is_posted_by_operate(park: Lived) -> None:
    park.living.look()
    assert park.living.post("handover", {"words": "quiet"}, "n1")
    rows = park.store.database.rows("SELECT size FROM entry WHERE kind = 'handover'")
    (entry,) = park.store.log.entries(size for (size,) in rows)
    assert entry["words"] == "quiet"
    with pytest.raises(DataError, match="no entry is called 'command'"):
        park.living.post("command", {})
    with pytest.raises(DataError, match="JSON object"):
        answered_by(park.service)(
            {"verb": "enter", "kind": "access", "body": 1, "role": "system", "name": "test"}
        )
    alone = Living(park.living.run.request, answered_by(park.service))
    assert not alone.post("handover", {})


def test_the_hours_that_are_hurried_through_are_lived_like_any_other(park: Lived) -> None:
    _, columns = park.living.history()
    # The store works, and is not found not to follow for the pace.
    assert np.ptp(columns["battery/soc_pu"]) > 0.1
    status = park.living.status
    assert status is not None
    assert "not_following:battery" not in {each["id"] for each in status["alarms"]}
    assert np.abs(columns["battery/p_mw"]).max() > 0.1


def test_what_it_lived_is_posted_step_by_step(park: Lived) -> None:
    living, place = park.living, park.living.place
    assert place is not None
    # While it lives on, another process already reads each step.
    with Reader(place) as reader:
        number = reader.registry().number(f"tie/import@{living.ledger_run}")
        rows = reader.history.rows([number])
    _, columns = living.history()
    imported = np.rint(columns["tie/import_mw"] * 1e9).astype(int)
    assert rows["value"].tolist() == imported.tolist()
    chronicle = park.service.chronicle
    assert chronicle is not None
    chronicle.close()
    with Reader(place) as reader:
        entries = runs(reader.log, reader.database)
        assert living.ledger_run is not None
        figures = figures_posted(reader.history, reader.registry(), entries, living.ledger_run)
    assert figures["grid_import_mwh"] == pytest.approx(columns["tie/import_mw"].sum(), rel=1e-6)
