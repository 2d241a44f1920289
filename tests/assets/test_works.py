"""Furnaces, batches and process lines: what they refuse, and how they behave in the plant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.assets.yard import Floats, day, devices_of, outlook_of, parse, program_of
from zeropark.assets import kinds
from zeropark.assets.batch_process import BatchDevice, BatchProcess
from zeropark.assets.furnace import Furnace, FurnaceDevice
from zeropark.assets.kind import Kind, RuleView
from zeropark.assets.process_line import ProcessLine
from zeropark.assets.stockroom import Order
from zeropark.formulation.commitment import Commitments
from zeropark.formulation.plan import Plan
from zeropark.formulation.solver import Solver
from zeropark.model.mistakes import ParkError
from zeropark.model.parkfile import parse_park
from zeropark.operate.plant import Plant

TOP = """\
name: works
place: {latitude: 36.6 deg, longitude: 101.8 deg, altitude: 2260 m, zone: Asia/Shanghai}
nodes: [{name: bus, carrier: electricity}]
tariffs:
  - name: simple
    energy:
      - {from: 2026-01-01, bands: [{name: all, hours: [0-24], price: 0.4 CNY/kWh}]}
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 50 MW, tariff: simple}
"""
BAD = [
    (
        (
            "{kind: furnace, name: a, node: bus, p_nom: 4 MW, p_min: 5 MW, ramp: 1 MW/h, "
            "energy: 42 kWh/kg, stock_max: 9 t, orders: [{name: o, amount: 1 t, due: 24 h}]}"
        ),
        "p_min: the least power 5 MW is above the rated power 4 MW; allowed: 0 to 4 MW",
        "最小功率 5 MW 高于额定功率 4 MW；可用：0 至 4 MW",
    ),
    (
        (
            "{kind: process_line, name: b, node: bus, rate: 1 t/h, energy: 1 MWh/t, stock_max: "
            "9 t, stock_start: 10 t, orders: [{name: o, amount: 1 t, due: 24 h}]}"
        ),
        (
            "stock_start: a stock of 10 t at the start is above its size stock_max 9 t; "
            "allowed: 0 to 9 t"
        ),
        "初始库存 10 t 超过库容 stock_max 9 t；可用：0 至 9 t",
    ),
    (
        (
            "{kind: process_line, name: c, node: bus, rate: 1 t/h, energy: 1 MWh/t, stock_max: "
            "9 t, stock_start: 1 t, orders: [{name: o, amount: 8 t, due: 6 h}]}"
        ),
        (
            "orders[0] 'o' due: order o is due 6 h after midnight of the first day, before it "
            "can be made: 8 t are owed by then, 7 t can be there; write it later or smaller, "
            "or more stock_start"
        ),
        (
            "订单 o 在首日零点后 6 h 到期，来不及生产：到时应交 8 t，最多可有 7 "
            "t；推迟或减小订单，或增大 stock_start"
        ),
    ),
    (
        (
            "{kind: batch_process, name: d, node: bus, course: 2 1 MW, duration: 4 h, windows: "
            "[{name: w, begin: 8 h, until: 11 h}]}"
        ),
        (
            "windows[0] 'w' until: a batch of 4 h is longer than window w of 3 h; allowed: "
            "duration ≤ until - begin; write a later until, which may pass 24 h"
        ),
        (
            "一批 4 h，长于时窗 w 的 3 h；可用：duration ≤ until - begin；把 until "
            "写晚些，可超过 24 h"
        ),
    ),
    (
        (
            "{kind: batch_process, name: e, node: bus, course: 2 1 MW, duration: 4 h, "
            "machines: 2, changeover: 1 h, windows: [{name: w, begin: 8 h, until: 17 h, "
            "batches: 5}]}"
        ),
        (
            "windows[0] 'w' batches: window w asks for 5 batches, 2 at a time; at most 4 fit "
            "into it with their changeover"
        ),
        "时窗 w 要求 5 批，同时最多 2 批；连同换批时间最多 4 批",
    ),
    (
        ("{kind: process_line, name: f, node: bus, rate: 1 t/h, energy: 1 MWh/t, stock_max: 9 t}"),
        "nothing takes what it makes; name an output node, or write orders",
        "产品没有去处；写 output 节点，或写 orders",
    ),
    (
        (
            "{kind: process_line, name: g, node: bus, rate: 1 t/h, rate_min: 2 t/h, energy: 1 "
            "MWh/t, stock_max: 9 t, orders: [{name: o, amount: 1 t, due: 24 h}]}"
        ),
        "rate_min: the least rate 2 t/h is above the rated rate 1 t/h; allowed: 0 to 1 t/h",
        "最低产量 2 t/h 高于额定产量 1 t/h；可用：0 至 1 t/h",
    ),
    (
        (
            "{kind: process_line, name: h, node: bus, rate: 9 t/h, energy: 1 MWh/t, stock_max: "
            "9 t, orders: [{name: o, amount: 10 t, due: 24 h}]}"
        ),
        (
            "orders[0] 'o' amount: order o of 10 t never lies in a stock of 9 t at once; "
            "allowed: at most stock_max; write several smaller orders or a larger stock_max"
        ),
        (
            "订单 o 的 10 t 超过库容 9 t，无法一次备齐；可用：不超过 "
            "stock_max；拆成几个小订单，或增大 stock_max"
        ),
    ),
    (
        (
            "{kind: furnace, name: i, node: bus, p_nom: 4 MW, ramp: 1 MW/h, energy: 42 kWh/kg, "
            "steam_share: 50 %, stock_max: 9 t, orders: [{name: o, amount: 1 t, due: 24 h}]}"
        ),
        (
            "steam_share: a furnace with a steam share needs the heat node its steam goes to; "
            "write heat"
        ),
        "有蒸汽份额的炉子须写蒸汽去向的供热节点 heat",
    ),
    (
        (
            "{kind: batch_process, name: j, node: bus, course: 2 MW, duration: 1 h, machines: "
            "1.5, windows: [{name: w, begin: 8 h, until: 17 h}]}"
        ),
        "machines: 1.5 is no whole number of machines; write 1, 2, 3 …",
        "1.5 不是整数台数；写 1、2、3 …",
    ),
]


def test_all_mistakes_of_a_works_are_told_at_once_in_both_languages() -> None:
    text = TOP + "".join(f"  - {written}\n" for written, _, _ in BAD)
    with pytest.raises(ParkError) as caught:
        parse_park(text, kinds())
    mistakes = caught.value.mistakes
    assert len(mistakes) == len(BAD)
    for mistake, (_, english, chinese) in zip(mistakes, BAD, strict=True):
        assert english in mistake.sentence()
        assert chinese in mistake.sentence("zh")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("p_min: 5 MW", "p_min: 4 MW"),
        ("stock_start: 10 t", "stock_start: 9 t"),
        ("amount: 8 t, due: 6 h", "amount: 7 t, due: 6 h"),
        ("until: 11 h", "until: 12 h"),
        ("batches: 5", "batches: 4"),
        ("rate_min: 2 t/h", "rate_min: 1 t/h"),
        ("amount: 10 t", "amount: 9 t"),
        ("machines: 1.5", "machines: 2"),
    ],
)
def test_what_just_fits_is_taken(was: str, now: str) -> None:
    (written,) = [text for text, _, _ in BAD if was in text]
    park = parse_park(TOP + f"  - {written.replace(was, now)}\n", kinds())
    assert len(park.assets) == 2


# -- orders ---------------------------------------------------------------------------------------


def test_orders_are_due_on_their_days() -> None:
    # 1 January 1970 is day 0; the order of every second day from the 3rd to the 8th.
    order = Order.model_validate(
        {"name": "o", "amount": 1.0, "due": 6.0, "every": 48.0, "first": "1970-01-03",
         "last": "1970-01-08"}
    )  # fmt: skip
    assert order.moments(0.0, 30 * 24.0).tolist() == [54.0, 102.0, 150.0]
    # After the beginning, up to the end.
    assert order.moments(54.0, 102.0).tolist() == [102.0]
    daily = Order.model_validate({"name": "o", "amount": 1.0, "due": 30.0})
    assert daily.moments(0.0, 31.0).tolist() == [6.0, 30.0]


def _line(**changes: Any) -> ProcessLine:
    fields = {
        "name": "line", "node": "bus", "rate": 1.0, "energy": 2.0, "stock_max": 10.0,
        "part_load_loss": 0.2, "price_late": 50.0,
        "orders": [{"name": "o", "amount": 3.0, "due": 4.0}],
    }  # fmt: skip
    return ProcessLine.model_validate({**fields, **changes})


def _lived(asset: Kind, setpoints: list[dict[str, float]], minutes: float = 60) -> list[Any]:
    """Readings of the device after each step from midnight on."""
    device = devices_of([asset], outlook_of(day(len(setpoints), minutes)))[asset.name]
    shown = []
    for index, points in enumerate(setpoints):
        device.step(index, minutes / 60, points, {})
        shown.append({**device.read(), **device.costs})
    return shown


def test_an_order_leaves_whole_and_late_hours_are_paid() -> None:
    # 3 t are due at 4 h; at 0.5 t/h they are there at 6 h: two hours' ends late, 3 t · 50 each.
    shown = _lived(_line(), [{"rate": 0.5}] * 6)
    assert [each["overdue"] for each in shown] == [0, 0, 0, 3, 3, 0]
    assert [each["stock"] for each in shown] == [0.5, 1.0, 1.5, 2.0, 2.5, 0.0]
    assert shown[-1]["unserved"] == 300.0
    assert shown[-1]["delivered"] == 3.0


def test_a_line_takes_more_energy_a_tonne_below_its_rate() -> None:
    full, half = _lived(_line(), [{"rate": 1.0}, {"rate": 0.5}])
    assert full["p"] == 2.0
    # Half the rate: 1 MW and a tenth more.
    assert half["p"] == pytest.approx(1.1)


def test_a_line_is_never_between_stop_and_its_least_rate() -> None:
    line = _line(rate_min=0.4, start_cost=10.0)
    shown = _lived(line, [{"rate": r} for r in (0.3, 0.1, 0.5, 0.0, 2.0)])
    assert [each["rate"] for each in shown] == [0.4, 0.0, 0.5, 0.0, 1.0]
    assert [each["wear"] for each in shown] == [0.0, 0.0, 10.0, 10.0, 20.0]


def test_a_full_stock_stops_the_line() -> None:
    line = _line(stock_max=3.5, stock_start=2.0, orders=[{"name": "o", "amount": 3.0, "due": 24.0}])
    shown = _lived(line, [{}] * 3)
    assert [each["rate"] for each in shown] == [1.0, 0.5, 0.0]


def test_a_stage_takes_only_what_the_stage_before_has() -> None:
    text = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 9 MW, tariff: simple}
      - {kind: process_line, name: b_first, node: bus, output: rod, rate: 0.2 t/h, energy: 1 MWh/t,
         stock_max: 5 t, stock_start: 0.6 t}
      - {kind: process_line, name: a_second, node: bus, input: rod, rate: 1 t/h, energy: 2 MWh/t,
         yield_in: 1.2, stock_max: 50 t, orders: [{name: o, amount: 1 t, due: 24 h}]}
    """
    assets = parse(text)
    plant = Plant(assets, outlook_of(day(6, 60)), {"bus": False, "rod": False}, 1)
    made = []
    shown: dict[str, Any] = {}
    for index in range(6):
        plant.step(index)
        shown = plant.read()
        made.append(shown["a_second"]["rate"])
        assert plant.residual <= 1e-9
    # 0.6 t lie there at first, then what the first stage made the hour before: 0.2 t.
    assert made == pytest.approx([0.6 / 1.2, *[0.2 / 1.2] * 5])
    rods = shown["b_first"]["stock"] + 1.2 * sum(made)
    assert rods == pytest.approx(0.6 + 6 * 0.2)


# -- the furnace ----------------------------------------------------------------------------------


def _furnace(**changes: Any) -> Furnace:
    fields = {
        "name": "arc", "node": "bus", "heat": "warm", "p_nom": 6.0, "p_min": 3.0, "ramp": 1.0,
        "energy": 10.0, "steam_share": 0.5, "start_cost": 100.0, "stock_max": 50.0,
        "part_load_loss": 0.1, "warm_up": 2.0,
        "orders": [{"name": "o", "amount": 1.0, "due": 24.0}],
    }  # fmt: skip
    return Furnace.model_validate({**fields, **changes})


def test_a_furnace_follows_its_ramp_and_is_shut_below_half_its_least_power() -> None:
    asked = (6.0, 6.0, 6.0, 2.0, 2.0, 1.4, 6.0, 0.0)
    shown = _lived(_furnace(), [{"p": p} for p in asked])
    assert [each["p"] for each in shown] == [4.0, 5.0, 6.0, 5.0, 4.0, 0.0, 3.0, 0.0]
    assert shown[-1]["wear"] == 100.0


def test_steam_comes_as_the_lining_warms_up() -> None:
    shown = _lived(_furnace(runs=False), [{"p": 3.0}] * 3)
    # Half of 3 MW, after 0, 1 and 2 hours of a first-order rise of 2 h.
    steam = [1.5 * (1.0 - np.exp(-t / 2.0)) for t in range(3)]
    assert [each["q"] for each in shown] == pytest.approx(steam)


def test_a_furnace_makes_less_a_megawatt_hour_below_its_rated_power() -> None:
    at_half, *_ = _lived(_furnace(), [{"p": 3.0}])
    # 3 MWh / 10 MWh/t, less a tenth of the half that is missing.
    assert at_half["made"] == pytest.approx(0.3 * 0.95)


def test_a_furnace_without_room_for_its_product_is_shut() -> None:
    furnace = _furnace(stock_max=1.0, stock_start=0.8)
    shown = _lived(furnace, [{"p": 3.0}] * 2)
    assert [each["on"] for each in shown] == [0.0, 0.0]


def test_what_a_plan_hands_on_comes_from_the_stock_that_it_meant() -> None:
    """Two works make for one: of 0.5 t an hour the plan takes all from the second one's stock."""
    text = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 9 MW, tariff: simple}
      - {kind: process_line, name: first, node: bus, output: rod, rate: 1 t/h, energy: 1 MWh/t,
         stock_max: 5 t, stock_start: 4 t}
      - {kind: process_line, name: second, node: bus, output: rod, rate: 1 t/h, energy: 1 MWh/t,
         stock_max: 5 t, stock_start: 4 t}
      - {kind: process_line, name: user, node: bus, input: rod, rate: 1 t/h, energy: 2 MWh/t,
         stock_max: 50 t, orders: [{name: o, amount: 1 t, due: 24 h}]}
    """
    idle = {"rate": 0.0}
    for meant, left in (
        ({"second": {**idle, "give": 0.5}, "first": {**idle, "give": 0.0}}, (4.0, 3.5)),
        # Without a plan the first that is asked gives; what a plan asks too little, too.
        ({"second": idle, "first": idle}, (3.5, 4.0)),
        ({"second": {**idle, "give": 0.2}, "first": {**idle, "give": 0.0}}, (3.7, 3.8)),
        # What is handed on and not taken stays where it was.
        ({"second": {**idle, "give": 0.9}, "first": {**idle, "give": 0.0}}, (4.0, 3.5)),
    ):
        plant = Plant(parse(text), outlook_of(day(1, 60)), {"bus": False, "rod": False}, 1)
        plant.write({**meant, "user": {"rate": 0.5}})
        plant.step(0)
        shown = plant.read()
        found = tuple(shown[name]["stock"] for name in ("first", "second"))
        assert found == pytest.approx(left), meant
        assert plant.residual <= 1e-9


def _in_stock(start: float, start_cost: float, *, best: bool = False) -> Floats:
    """Stock at each step's end that a plan of a furnace has [t], for 30 h from midnight."""
    text = f"""
    assets:
      - {{kind: grid_tie, name: tie, node: bus, import_max: 20 MW, tariff: simple}}
      - {{kind: furnace, name: arc, node: bus, p_nom: 6 MW, p_min: 1 MW, ramp: 9 MW/h,
         energy: 10 MWh/t, start_cost: {start_cost} CNY, stock_max: 20 t, stock_start: {start} t,
         orders: [{{name: o, amount: 1 t, due: 24 h}}]}}
    """
    outlook = outlook_of(day(30, 60))
    program = program_of(parse(text), outlook.at_its_best() if best else outlook)
    plan = Plan.read(program, Commitments(Solver(program)).solve().solution, 0)
    found: Floats = plan.amounts("furnace", "stock")[0]
    return found


def test_a_plan_keeps_room_in_stock_for_a_day_at_least_power() -> None:
    """A day at 1 MW makes 2.4 t: each above 17.6 t costs a 2.4th of a start.

    A tonne is worth 10 MWh at 400 CNY and made for 2,000 CNY in cheap hours: what costs 250 CNY
    more still pays, what costs 5,000 CNY more does not.
    """
    assert _in_stock(15.0, 600.0).max() > 18.0
    assert _in_stock(15.0, 12_000.0).max() == pytest.approx(17.6, abs=1e-6)
    # Who knows all that comes keeps no room.
    assert _in_stock(15.0, 12_000.0, best=True).max() > 18.0


def test_a_stock_above_its_room_has_a_day_to_get_down() -> None:
    assert _in_stock(19.0, 12_000.0)[:24].max() == pytest.approx(19.0, abs=1e-6)


def test_steam_that_nobody_takes_is_vented_and_counted() -> None:
    device = devices_of([_furnace()], outlook_of(day(1, 60)))["arc"]
    assert isinstance(device, FurnaceDevice)
    device.step(0, 1.0, {"p": 4.0}, {})
    assert device.adjust("heat", -0.5, 1.0) == -0.5
    assert (device.q, device.vented) == (1.5, 0.5)
    assert device.account().lost == 2.5


def test_a_furnace_goes_down_by_its_ramp_and_is_shut_where_that_is_not_enough() -> None:
    device = devices_of([_furnace()], outlook_of(day(2, 60)))["arc"]
    assert isinstance(device, FurnaceDevice)
    device.step(0, 1.0, {"p": 4.0}, {})
    device.step(1, 1.0, {"p": 5.0}, {})
    # From 4 MW it may fall to 3: of the 3 MW asked for, 2 can be had.
    assert device.adjust("node", 3.0, 1.0) == 2.0
    assert device.adjust("node", 1.0, 1.0) == 3.0
    assert not device.on


# -- batches --------------------------------------------------------------------------------------


def _kiln(**changes: Any) -> BatchProcess:
    fields = {
        "name": "kiln", "node": "bus", "course": [2.0, 1.0], "duration": 2.0, "changeover": 1.0,
        "spread": 0.0, "price_late": 100.0,
        "windows": [{"name": "w", "begin": 1.0, "until": 7.0, "batches": 2}],
    }  # fmt: skip
    return BatchProcess.model_validate({**fields, **changes})


def test_batches_begin_as_soon_as_machines_are_free() -> None:
    shown = _lived(_kiln(), [{}] * 8)
    # From 1 h on: two hours of work, one of rest, and again.
    assert [each["p"] for each in shown] == [0, 2, 1, 0, 2, 1, 0, 0]
    assert shown[-1]["unserved"] == 0.0
    assert shown[-1]["begun"] == 2.0


def test_a_batch_that_would_miss_its_window_begins_by_itself() -> None:
    # Nobody asks for any: the last moment to begin is 5 h; one machine cannot do both by then.
    shown = _lived(_kiln(), [{"target": 0.0}] * 10)
    assert [each["p"] for each in shown] == [0, 0, 0, 0, 0, 2, 1, 0, 2, 1]
    # The second waits at the ends of the hours from 5 to 8, three of them.
    assert shown[-1]["unserved"] == 300.0
    assert shown[-1]["late"] == 1.0


def test_a_batch_put_off_waits_and_one_that_must_begin_does_not() -> None:
    device = devices_of([_kiln()], outlook_of(day(8, 60)))["kiln"]
    assert isinstance(device, BatchDevice)
    device.step(0, 1.0, {}, {})
    device.step(1, 1.0, {}, {})
    assert device.adjust("node", 0.5, 1.0) == 2.0
    assert device.read()["waiting"] == 2.0
    for index in range(2, 6):
        device.step(index, 1.0, {"target": 0.0}, {})
    assert device.p == 2.0
    assert device.adjust("node", 0.5, 1.0) == 0.0
    # Asked again, it is the last who can help: the batch is lost, and waits again.
    assert device.adjust("node", 0.5, 1.0) == 2.0
    assert device.costs["unserved"] == 20_000.0 + 2 * 100.0
    assert device.read()["waiting"] == 2.0
    assert device.read()["begun"] == 0.0


def test_a_batch_takes_no_less_than_its_course() -> None:
    process = _kiln(spread=0.3)
    for seed in range(5):
        device = process.device(outlook_of(day(8, 60)), np.random.default_rng(seed))
        used = 0.0
        for index in range(8):
            used -= device.step(index, 1.0, {}, {})["node"]
        assert 6.0 <= used <= 6.0 * 1.3


def test_a_course_is_averaged_over_steps_that_do_not_fit() -> None:
    process = _kiln(course=[4.0, 2.0, 0.0], duration=1.5)
    assert not process.fits(1.0)
    assert process.fits(0.25)
    assert process.powers(1.0).tolist() == [3.0, 0.0]
    assert process.energy == 3.0


def test_a_works_without_a_grid_stands_still_and_no_node_is_out_of_balance() -> None:
    text = """
    assets:
      - {kind: grid_tie, name: tie, node: bus, import_max: 20 MW, tariff: simple}
      - {kind: furnace, name: arc, node: bus, p_nom: 6 MW, p_min: 3 MW, ramp: 1 MW/h,
         energy: 10 MWh/t, stock_max: 50 t, orders: [{name: o, amount: 1 t, due: 24 h}]}
      - {kind: process_line, name: mill, node: bus, rate: 1 t/h, energy: 2 MWh/t, idle: 1 MW,
         stock_max: 50 t, orders: [{name: o, amount: 1 t, due: 24 h}]}
      - {kind: batch_process, name: kiln, node: bus, course: 2 1 MW, duration: 2 h,
         windows: [{name: w, begin: 0 h, until: 9 h}]}
    """
    world = outlook_of(day(4, 60))
    away = np.array([1.0, 0.0, 1.0, 1.0])
    plant = Plant(parse(text), replace(world, series={"tie/available": away}), {"bus": False}, 1)
    used = []
    for index in range(4):
        plant.step(index)
        shown = plant.read()
        used.append([shown[name]["p"] for name in ("arc", "mill", "kiln")])
        assert plant.residual <= 1e-9
    assert used[0][:2] == [4.0, 3.0]
    assert used[1] == [0.0, 0.0, 0.0]
    # The furnace starts anew at its least power, the kiln with the batch that was lost.
    assert used[2][:2] == [3.0, 3.0]
    assert used[2][2] >= 2.0


# -- by rule --------------------------------------------------------------------------------------


def _view(band: str) -> RuleView:
    return RuleView(band, surplus=0.0, target=1.0, fill=0.2, start_surplus=1.0, room=0.0)


def test_a_good_operator_makes_in_good_hours_and_as_late_as_the_order_lets_him() -> None:
    line = _line(orders=[{"name": "o", "amount": 3.0, "due": 6.0}])
    shown = [{"stock": 0.0, "overdue": 0.0, "ahead": ((t, 3.0),)} for t in (6.0, 4.0, 3.9)]
    assert [line.by_rule(each, _view("high"))["rate"] for each in shown] == [0.0, 0.0, 1.0]
    assert line.by_rule(shown[0], _view("low"))["rate"] == 1.0
    full = {**shown[0], "stock": 10.0}
    assert line.by_rule(full, _view("low"))["rate"] == 0.0


def test_a_good_operator_keeps_the_furnace_at_least_power_in_dear_hours() -> None:
    shown = {"stock": 5.0, "overdue": 0.0, "ahead": ()}
    assert _furnace().by_rule(shown, _view("high")) == {"p": 3.0}
    assert _furnace().by_rule(shown, _view("low")) == {"p": 6.0}
    assert _furnace().by_rule({**shown, "stock": 50.0}, _view("high")) == {"p": 0.0}


def test_a_good_operator_begins_early_where_one_machine_has_two_batches_to_do() -> None:
    shown = {"waiting": 2.0, "begun": 1.0, "open": (4.1, 4.1)}
    assert _kiln().by_rule(shown, _view("high")) == {"target": 1.0}
    shown["open"] = (3.9, 3.9)
    assert _kiln().by_rule(shown, _view("high")) == {"target": 3.0}
    shown["open"] = (9.0, 9.0)
    assert _kiln().by_rule(shown, _view("low")) == {"target": 3.0}
