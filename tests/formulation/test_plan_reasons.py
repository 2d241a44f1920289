"""What a plan says of itself: prices, reasons and what gave way, in parks of three hours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.assets.yard import day, outlook_of, parse, program_of, with_arrivals
from tests.formulation.made_up import ZONE, MadeUp, Stubborn, flat, tie_says, tie_shows
from tests.formulation.toys import Toy
from zeropark.assets import kinds
from zeropark.assets.grid_tie import GridTie
from zeropark.formulation.block import Limit, Rank
from zeropark.formulation.linear import Sense
from zeropark.formulation.plan import GaveWay, Plan
from zeropark.formulation.program import Program
from zeropark.formulation.reasons import WORDS, Reason, explain, explain_price, limit_words
from zeropark.formulation.solver import Solver
from zeropark.units.text import Text
from zeropark.units.timegrid import TimeGrid

KINDS = sorted(kinds())
HAN = re.compile(r"[\u4e00-\u9fff]")
TIE = "{kind: grid_tie, name: tie, node: bus, import_max: 9 MW, tariff: simple}"
WORKS = "{kind: load, name: works, node: bus, profile: {constant: 1 MW}}"
PLAIN = """p_nom: 1 MW, e_nom: 4 MWh, efficiency: 0.5, efficiency_best: 0.5, standing_loss: 0,
    floor: 0, ceiling: 1, wear_cost: 10 CNY/MWh"""
BATTERY = f"kind: battery, name: bat, node: bus, {PLAIN}"


def _plan(*entries: str, **changes: object) -> Plan:
    text = "assets:\n" + "\n".join(f"  - {entry}" for entry in entries)
    toy = Toy("here", text, 0.0, **changes)  # type: ignore[arg-type]
    program = toy.program()
    return Plan.read(program, Solver(program).solve(), 0)


def _about(number: float) -> Any:
    """A number to the solver's rounding, where a record is compared whole."""
    return pytest.approx(number)


def _reason(plan: Plan, asset: str, step: int) -> Reason:
    return next(reason for reason in explain(plan, step) if reason.asset == asset)


# -- prices ---------------------------------------------------------------------------------------


def test_the_price_of_a_flat_step_is_that_of_the_tie() -> None:
    plan = _plan(TIE, WORKS, series={"tie/price_import": (100.0, 400.0, 250.0)})
    assert plan.prices()[0].tolist() == pytest.approx([100.0, 400.0, 250.0])
    assert not plan.scarce().any()
    assert explain_price(plan, "bus", 1) == Text("one unit more costs CNY 400", "多 1 单位 400 元")


def test_behind_a_cap_the_price_is_what_the_store_gives_it_for() -> None:
    """The second hour needs 2 MWh and the tie brings 1: the battery gives 1, of 2 inside.

    They were bought as 4 MWh in the first hour at 100, and wear is 10: 4 · 100 + 10 = 410 CNY/MWh.
    """
    plan = _plan(
        "{kind: grid_tie, name: tie, node: bus, import_max: 8 MW, tariff: simple}",
        WORKS,
        f"{{{BATTERY.replace('p_nom: 1 MW', 'p_nom: 6 MW')}, start: 0}}",
        series={
            "tie/price_import": (100.0, 150.0, 150.0),
            "tie/available": (1.0, 0.125, 1.0),
            "works/demand": (1.0, 2.0, 0.0),
        },
    )
    assert plan.amounts("battery", "discharge")[0].tolist() == pytest.approx([0.0, 1.0, 0.0])
    assert plan.prices()[0, :2].tolist() == pytest.approx([100.0, 410.0])
    assert not plan.scarce().any()
    assert _reason(plan, "tie", 1) == Reason("tie", "cap", _about(410.0 - 150.0))
    assert _reason(plan, "bat", 1).code == "empty"


def test_where_load_is_not_served_the_price_is_its_own() -> None:
    plan = _plan(
        "{kind: grid_tie, name: tie, node: bus, import_max: 1 MW, tariff: simple}",
        WORKS,
        series={"tie/price_import": (100.0,) * 3, "works/demand": (1.0, 1.5, 0.5)},
    )
    assert plan.amounts("load", "unserved")[0].tolist() == pytest.approx([0.0, 0.5, 0.0])
    assert plan.prices()[0, 1:].tolist() == pytest.approx([20_000.0, 100.0])
    assert not plan.scarce().any()


def _beyond_the_contract(*use: float, import_max: float = 9.0) -> Plan:
    """A use nobody can cut behind a contract of 2 MW, at 400 CNY/MWh."""
    grid = TimeGrid.regular(np.datetime64("2026-04-10T00:00:00"), len(use), 60, ZONE)
    tie = GridTie(name="tie", node="bus", import_max=import_max, contract=2.0, tariff="simple")
    said = {"tie": tie_says(len(use)), "furnace": flat(len(use), amount=use)}
    program = MadeUp([tie, Stubborn("furnace")], grid, said).told({"tie": tie_shows()})
    return Plan.read(program, Solver(program).solve(), 0)


def test_a_price_where_a_limit_gave_way_says_scarcity() -> None:
    plan = _beyond_the_contract(1.0, 3.5, 2.5, 1.0)
    assert plan.gave_way == [GaveWay("tie", "contract", Rank.CONTRACT, 1, 2, _about(2.0))]
    assert plan.scarce()[0].tolist() == [False, True, True, False]
    assert plan.prices()[0, [0, 3]].tolist() == pytest.approx([400.0, 400.0])
    sentence = explain_price(plan, "bus", 1)
    assert sentence.en == "scarcity: for one unit more a limit would have to give way further"
    assert sentence.zh == "紧缺：再多 1 单位，限值须再让步"


def test_missing_supply_gives_way_last_and_is_named_at_its_node() -> None:
    """Of 4 MW the tie can bring 3: 1 is over the contract, 1 is missing."""
    plan = _beyond_the_contract(1.0, 4.0, 1.0, import_max=3.0)
    assert plan.gave_way == [
        GaveWay("bus", "shed", Rank.SUPPLY, 1, 1, _about(1.0)),
        GaveWay("tie", "contract", Rank.CONTRACT, 1, 1, _about(1.0)),
    ]
    assert plan.scarce().tolist() == [[False, True, False], [False, False, False]]


def test_a_surplus_nobody_takes_is_dumped_and_named() -> None:
    plan = _beyond_the_contract(1.0, -2.0, -0.5, 1.0)
    assert plan.gave_way == [GaveWay("bus", "dump", Rank.SUPPLY, 1, 2, _about(2.5))]


def test_spells_of_one_limit_are_told_apart() -> None:
    plan = _beyond_the_contract(3.0, 1.0, 3.0, 2.0)
    assert [(gave.first, gave.last, gave.amount) for gave in plan.gave_way] == [
        (0, 0, _about(1.0)),
        (2, 2, _about(1.0)),
    ]


def test_a_contract_just_kept_gives_no_way() -> None:
    assert _beyond_the_contract(2.0, 2.0, 1.999).gave_way == []


# -- reasons --------------------------------------------------------------------------------------

CHEAP_THEN_DEAR = {"tie/price_import": (100.0, 900.0, 900.0)}


def test_a_store_at_its_rated_power_says_what_more_would_be_worth() -> None:
    """A MWh charged at 100 gives 0.25 at 900 less 10 of wear: 222.5 - 100 = 122.5."""
    plan = _plan(TIE, WORKS, f"{{{BATTERY}, start: 0}}", series=CHEAP_THEN_DEAR)
    reason = _reason(plan, "bat", 0)
    assert reason == Reason("bat", "rating", _about(122.5))
    assert reason.sentence.en == "at its rated power; one MWh more would save CNY 122"
    assert reason.sentence.zh == "达到额定功率；每多 1 MWh 可省 122 元"


def test_a_store_that_keeps_what_it_has_for_later_is_idle_and_says_so() -> None:
    flat_price = {"tie/price_import": (300.0,) * 3}
    plan = _plan(TIE, WORKS, f"{{{BATTERY}, start: 0.5}}", series=flat_price, end_price=1000.0)
    reason = _reason(plan, "bat", 0)
    assert reason == Reason("bat", "idle", 0.0)
    assert reason.sentence == Text("nothing to gain now", "此刻无可获益")


def test_what_is_used_within_its_limits_follows_the_price_or_the_forecast() -> None:
    plan = _plan(TIE, WORKS, series={"tie/price_import": (300.0, 900.0, 900.0)})
    assert _reason(plan, "tie", 0).code == "price"
    assert _reason(plan, "works", 0) == Reason("works", "forecast", 0.0)


def test_a_full_store_and_an_empty_one_say_so() -> None:
    large = BATTERY.replace("p_nom: 1 MW", "p_nom: 4 MW")
    series = {"tie/price_import": (100.0, 900.0, 100.0), "works/demand": (1.0, 3.0, 1.0)}
    plan = _plan(TIE, WORKS, f"{{{large}, start: 0.9}}", series=series)
    # A MWh more inside costs 200 to fill, and gives 0.5 at 900 less 10 of wear.
    assert _reason(plan, "bat", 0) == Reason("bat", "full", _about(245.0))
    plan = _plan(
        TIE, WORKS, f"{{{BATTERY}, start: 0.25}}", series={"tie/price_import": (900.0,) * 3}
    )
    assert _reason(plan, "bat", 2).code == "empty"


def test_a_reserve_that_is_held_is_the_reason() -> None:
    """At 900 the battery would give its last; 1 MWh of it is kept for an outage."""
    reserved = f"{{{BATTERY.replace('wear_cost', 'reserve: 0.25, wear_cost')}, start: 0.25}}"
    plan = _plan(TIE, WORKS, reserved, series={"tie/price_import": (900.0,) * 3})
    assert plan.amounts("battery", "discharge")[0].tolist() == pytest.approx([0.0] * 3)
    reason = _reason(plan, "bat", 2)
    assert reason.code == "reserve"
    assert reason.sentence.en.startswith("holds its reserve for an outage; one MWh more")


def test_a_tie_under_its_contract_and_one_at_its_cap() -> None:
    contract = (
        "{kind: grid_tie, name: tie, node: bus, import_max: 9 MW, contract: 1.5 MW, tariff: simple}"
    )
    plan = _plan(contract, WORKS, f"{{{BATTERY}, start: 0}}", series=CHEAP_THEN_DEAR)
    reason = _reason(plan, "tie", 0)
    assert reason == Reason("tie", "contract", _about(122.5))
    assert reason.sentence.zh == "守住合同需量；每多 1 MWh 可省 122 元"
    capped = "{kind: grid_tie, name: tie, node: bus, import_max: 1.5 MW, tariff: simple}"
    plan = _plan(capped, WORKS, f"{{{BATTERY}, start: 0}}", series=CHEAP_THEN_DEAR)
    reason = _reason(plan, "tie", 0)
    assert reason == Reason("tie", "cap", _about(122.5))
    assert reason.sentence.zh.startswith("达到并网点上限")


def test_a_tie_held_at_the_months_highest_demand() -> None:
    """240,000 CNY/MW-month are 1,000 CNY/MW for three hours: no cheap hour is worth a new peak."""
    plan = _plan(
        TIE,
        WORKS,
        f"{{{BATTERY}, start: 0}}",
        series=CHEAP_THEN_DEAR,
        demand_price="240000 CNY/MW-month",
    )
    assert plan.amounts("grid_tie", "import")[0, 0] == pytest.approx(1.0)
    reason = _reason(plan, "tie", 0)
    assert reason.code == "demand"
    assert "one MW more would save" in reason.sentence.en
    assert "守住本月最大需量" in reason.sentence.zh


SUN = "{kind: pv, name: roof, node: bus, p_nom: 2 MW, arrays: [{tilt: 30 deg}]}"


def test_a_roof_gives_all_there_is_or_says_that_more_would_be_wasted() -> None:
    plan = _plan(
        TIE,
        WORKS,
        SUN,
        series={"tie/price_import": (400.0,) * 3},
        signals={"pv": {"available": (0.6, 1.5, 0.0)}},
    )
    assert _reason(plan, "roof", 0) == Reason("roof", "available", _about(400.0))
    assert _reason(plan, "roof", 1) == Reason("roof", "curtail", 0.0)
    assert _reason(plan, "roof", 1).sentence.zh == "限发：再多也用不上"
    assert _reason(plan, "roof", 2).code == "idle"


def test_a_load_that_gives_up_all_that_was_agreed() -> None:
    mill = """{kind: curtailable_load, name: mill, node: bus, profile: {constant: 1 MW},
        share: 30 %, price_curtailed: 300 CNY/MWh, response: 1}"""
    plan = _plan(TIE, mill, series={"tie/price_import": (200.0, 450.0, 200.0)})
    assert _reason(plan, "mill", 1) == Reason("mill", "agreed", _about(150.0))
    assert _reason(plan, "mill", 0).code == "forecast"


def test_cars_charge_by_their_deadline_and_not_for_the_price() -> None:
    """1 MWh must be in the cars by the second hour's end; the third would be 100 cheaper."""
    hub = """{kind: ev_hub, name: hub, node: bus, p_nom: 2 MW, efficiency: 1, efficiency_best: 1,
        connectors: [{name: dc, count: 9, p_nom: 240 kW}]}"""
    signals = {
        "earliest": (1.0, 1.0, 1.5),
        "latest": (0.0, 1.0, 1.0),
        "limit": (2.0, 2.0, 2.0),
        "end_value": (0.0, 0.0, 0.0),
        "risk": (0.0, 0.0, 0.0),
    }
    plan = _plan(
        TIE,
        hub,
        series={"tie/price_import": (300.0, 200.0, 100.0)},
        signals={"ev_hub": signals},
        figures={"ev_hub": {"settled": 0.0, "owed": 0.0, "owed_price": 0.0, "lost": 0.0}},
    )
    assert plan.amounts("ev_hub", "charge")[0].tolist() == pytest.approx([0.0, 1.0, 0.0])
    reason = _reason(plan, "hub", 1)
    assert (reason.code, reason.sentence.zh[:6]) == ("deadline", "须现在充电才")
    assert reason.worth == pytest.approx(200.0)


def test_a_reason_without_worth_names_its_limit_only() -> None:
    assert Reason("bat", "rating", 0.0, WORDS["rating"]).sentence == WORDS["rating"].words
    assert Reason("bat", "price", 9.0, WORDS["price"]).sentence == WORDS["price"].words


# -- words ----------------------------------------------------------------------------------------


def test_a_kinds_own_words_come_first_and_a_bare_name_last() -> None:
    own = {"rating": Limit(Text("own", "自有"), "MW")}
    assert limit_words(own, "rating").unit == "MW"
    assert limit_words({}, "rating") == WORDS["rating"]
    assert limit_words({}, "spin").words == Text("limit spin", "限值 spin")


def _named(program: Program, kind: str) -> Iterator[str]:
    """Every name that a reason or what gave way can carry for a kind."""
    for column in program.blocks[kind].columns:
        yield from (name for name in (column.means, column.means_low, column.spare) if name)
        if column.rank is not None:
            yield column.name
    for rows in program.rows:
        own = rows.name.startswith(f"{kind}-") and rows.rule.sense is not Sense.EQUAL
        if own and rows.numbers.shape[1] > 1:
            yield rows.name.removeprefix(f"{kind}-")


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_binds_or_gives_way_has_words_in_both_languages(kind: str) -> None:
    assets = parse(kinds()[kind].example)
    program = program_of(assets, with_arrivals(outlook_of(day(4, 60)), assets), called=True)
    known = {**WORDS, **kinds()[kind].limits}
    named = set(_named(program, kind))
    assert not named - set(known), "a limit has no words"
    assert not set(kinds()[kind].limits) - named, "words for a limit the kind does not have"
    for name in named:
        assert known[name].words.en
        assert HAN.search(known[name].words.zh), name


def test_general_words_are_in_both_languages_and_give_orders_to_nobody() -> None:
    for limit in WORDS.values():
        assert HAN.search(limit.words.zh)
        assert not re.search(r"[!！您请]|please", limit.words.en + limit.words.zh)
