"""Cars are charged by when they leave: none that can be met is missed, and each knows its power."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.assets.yard import (
    END_PRICE,
    NODES,
    XINING,
    day,
    outlook_of,
    parse,
    program_of,
    simple_tariff,
    with_arrivals,
)
from zeropark.assets.ev_hub import EvHub, HubDevice, ready_in_time
from zeropark.assets.grid_tie import GridTie
from zeropark.assets.kind import Horizon, Kind, RuleView
from zeropark.data.jobs import hours_since_1970
from zeropark.data.outlook import Outlook
from zeropark.data.sessions import SessionTable, expect_sessions
from zeropark.formulation.layout import Layout
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.formulation.queue import Work
from zeropark.formulation.solver import Solver
from zeropark.operate.plant import Plant
from zeropark.units.timegrid import TimeGrid

Floats = npt.NDArray[np.float64]
Row = tuple[float, float, float, float, float]
GRID = TimeGrid.regular(np.datetime64("2026-04-16T16:00:00"), 40, 15, XINING.zone)


def _hub(**changes: object) -> EvHub:
    words: dict[str, object] = {
        "name": "hub",
        "node": "bus",
        "p_nom": 0.1,
        "connectors": [{"name": "ac", "count": 20, "p_nom": 0.01}],
        "taper": 0.0,
    }
    return EvHub.model_validate({**words, **changes})


def _table(rows: Sequence[Row], grid: TimeGrid = GRID) -> SessionTable:
    """Sessions from (arrival, departure, stated, energy, rate), hours from the grid's start."""
    columns = np.array(sorted(rows), dtype=float).reshape(-1, 5).T
    start = float(hours_since_1970(grid.start))
    connector = np.zeros(columns.shape[1], dtype=np.intp)
    times = columns[:3] + start
    return SessionTable(grid, times[0], times[1], times[2], columns[3], columns[4], connector)


def _device(hub: EvHub, table: SessionTable, grid: TimeGrid = GRID) -> HubDevice:
    truth = Outlook(grid, None, {}, grid, tables={hub.name: table})
    return hub.device(truth, np.random.default_rng(1))


def _closed_loop(hub: EvHub, device: HubDevice, prices: Floats) -> list[float]:
    """Plan anew at every step, send the first step to the hub, return the power of each [MW]."""
    steps, powers = len(GRID), []
    tie = GridTie(name="tie", node="bus", import_max=1.0, tariff="simple")
    program = Program(
        [Balance("bus", "electricity")], {"grid_tie": [tie], "ev_hub": [hub]}, Layout(GRID.hours)
    )
    solver = Solver(program)
    tariff = simple_tariff().model_copy(update={"demand": None})
    outlook = Outlook(GRID, None, {"simple": tariff}, GRID)
    grid_signals = tie.signals(outlook)
    grid_situation = tie.situation(
        tie.device(outlook, np.random.default_rng(1)).read(), Horizon(GRID, 0.0)
    )
    for step in range(steps):
        hours = np.where(np.arange(steps) < steps - step, 0.25, 0.0)
        ahead = TimeGrid(GRID.starts[step], hours, GRID.zone)
        own = hub.situation(device.read(), Horizon(ahead, END_PRICE))
        bought = {
            **grid_signals,
            **grid_situation.signals,
            "price_import": np.roll(prices, -step)[None, :],
        }
        hub_signals = {**hub.signals(outlook), **own.signals}
        program.update(
            {
                "grid_tie": Inputs(bought, grid_situation.figures),
                "ev_hub": Inputs(hub_signals, own.figures),
            },
            hours,
        )
        columns = solver.solve().columns
        slot = program.layout.open()[0]
        charge = float(columns[program.column_of("ev_hub", "charge").columns[0, slot]])
        device.step(step, 0.25, {"charge": charge / 0.25}, {})
        powers.append(device.charge)
        program.layout.advance(1)
    device.read()
    return powers


@st.composite
def sessions(draw: st.DrawFn) -> list[Row]:
    """Cars that leave when they say, each with enough time, and together within the hub's limit."""
    rows: list[Row] = []
    for _ in range(draw(st.integers(1, 9))):
        arrival = draw(st.integers(-4, 28)) / 4
        stay = draw(st.integers(1, 12)) / 4
        share = draw(st.integers(1, 10)) / 10
        rows.append((arrival, arrival + stay, arrival + stay, 0.01 * share * stay, 0.01))
    return rows


@settings(max_examples=25, deadline=None)
@given(sessions(), st.integers(0, 1000))
def test_no_car_that_can_be_met_is_missed(rows: list[Row], seed: int) -> None:
    hub = _hub()
    device = _device(hub, _table(rows))
    _closed_loop(hub, device, np.random.default_rng(seed).uniform(50.0, 900.0, len(GRID)))
    assert device.short <= 1e-9
    assert device.costs["unserved"] <= 1e-6


def test_a_car_waits_for_the_cheap_hour_but_not_past_its_time() -> None:
    """0.01 MWh at 0.01 MW until 3 h; of three hours the second is the cheapest."""
    hub = _hub()
    device = _device(hub, _table([(0, 3, 3, 0.01, 0.01)]))
    prices = np.concatenate([np.full(4, 900.0), np.full(4, 100.0), np.full(32, 500.0)])
    powers = _closed_loop(hub, device, prices)
    assert powers[:12] == pytest.approx([0.0] * 4 + [0.01] * 4 + [0.0] * 4, abs=1e-9)


def test_each_session_is_handed_its_own_power() -> None:
    """One car has no time to lose, one an hour, one five; the first is at full power."""
    hub = _hub()
    none = np.zeros(3)
    work = Work(
        np.zeros(3, dtype=np.intp),
        np.full(3, 0.01),
        np.full(3, 0.01),
        none,
        np.array([1.0, 2.0, 6.0]),
    )
    for wanted in (0.0, 0.01, 0.015, 0.02, 0.03, 9.0):
        powers = hub.split(wanted, work, 0.25)
        assert powers[0] == pytest.approx(0.01)
        assert powers.sum() == pytest.approx(np.clip(wanted, 0.01, 0.03))
        assert powers[1] >= powers[2]
    device = _device(hub, _table([(0, 1, 1, 0.01, 0.01), (0, 2, 2, 0.01, 0.01)]))
    device.step(0, 0.25, {"charge": 0.015}, {})
    assert device.sessions()["power"].tolist() == pytest.approx([0.01, 0.005])
    assert device.sessions()["left"].tolist() == pytest.approx([0.01, 0.01])
    device.read()
    assert device.sessions()["left"].tolist() == pytest.approx([0.0075, 0.00875])


def test_a_car_that_leaves_early_is_short_and_that_is_paid() -> None:
    hub = _hub()
    device = _device(hub, _table([(0, 1, 5, 0.02, 0.01)]))
    for index in range(8):
        device.step(index, 0.25, {"charge": 0.004}, {})
    found = device.read()
    assert found["served_total"] == pytest.approx(0.004)
    assert found["short_total"] == pytest.approx(0.016)
    assert device.costs["unserved"] == pytest.approx(0.016 * 3000)
    assert hub.tally(found) == {
        "ev_served_mwh": found["served_total"],
        "ev_short_mwh": found["short_total"],
    }


def test_a_car_is_charged_from_its_arrival_on_within_the_step() -> None:
    """It comes 5 minutes into the step: 10 minutes at 0.01 MW are 0.00167 MWh."""
    device = _device(_hub(), _table([(5 / 60, 2, 2, 0.01, 0.01)]))
    device.step(0, 0.25, {}, {})
    assert device.read()["served_total"] == pytest.approx(0.01 / 6)


def test_a_car_that_stays_past_its_stated_time_is_charged_on() -> None:
    device = _device(_hub(), _table([(0, 4, 1, 0.02, 0.01)]))
    for index in range(8):
        device.step(index, 0.25, {"charge": 0.0}, {})
    assert device.read()["served_total"] == pytest.approx(0.02, rel=0.01)


def test_the_hub_never_takes_more_than_its_limit() -> None:
    device = _device(_hub(p_nom=0.03), _table([(0, 1, 1, 0.01, 0.01)] * 6))
    for index in range(4):
        device.step(index, 0.25, {}, {})
        assert device.charge <= 0.03 + 1e-12
    assert device.read()["short_total"] == pytest.approx(0.03)


def test_a_battery_that_fills_takes_less() -> None:
    device = _device(_hub(taper=0.5), _table([(0, 9, 9, 0.01, 0.01)]))
    powers = []
    for index in range(8):
        device.step(index, 0.25, {}, {})
        powers.append(device.charge)
    assert powers[0] == pytest.approx(0.01, rel=0.3)
    assert all(later <= sooner + 1e-12 for sooner, later in itertools.pairwise(powers))
    assert powers[5] < 0.005


def test_efficiency_falls_from_the_best_at_full_load() -> None:
    """Full load 0.955; at a tenth of it 0.955 - 2 · 0.015 · 0.9 = 0.928."""
    hub = _hub()
    full = _device(hub, _table([(0, 9, 9, 0.05, 0.01)] * 10))
    full.step(0, 0.25, {}, {})
    assert full.p == pytest.approx(0.1 / 0.955)
    one = _device(hub, _table([(0, 9, 9, 0.05, 0.01)]))
    one.step(0, 0.25, {}, {})
    assert one.p == pytest.approx(0.01 / 0.928)


def test_less_is_charged_where_the_node_lacks_power() -> None:
    device = _device(_hub(), _table([(0, 9, 9, 0.05, 0.01)] * 5))
    device.step(0, 0.25, {}, {})
    before = device.p
    assert device.adjust("node", 0.02, 0.25) == pytest.approx(0.02, abs=1e-9)
    assert device.p == pytest.approx(before - 0.02, abs=1e-9)
    assert device.adjust("node", 1.0, 0.25) == pytest.approx(before - 0.02, abs=1e-9)
    assert device.adjust("node", 1.0, 0.25) == 0.0
    assert device.read()["served_total"] == 0.0


def test_expectations_come_from_before_the_horizon_only() -> None:
    hub = next(asset for asset in parse(EvHub.example) if isinstance(asset, EvHub))
    grid = day(96 * 40)
    table = hub.draw(outlook_of(grid), np.random.default_rng(1))
    ahead = grid.window(96 * 30 + 40, 96 * 32)
    after = table.arrival >= hours_since_1970(ahead.start)
    swapped = replace(
        table, energy=np.where(after, 9.0, table.energy), stated=np.where(after, 1e6, table.stated)
    )
    one, two = expect_sessions(table, ahead), expect_sessions(swapped, ahead)
    for name in ("amount", "rate", "arrival", "deadline", "leave_rate", "sure_stay"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    assert one.leave_rate > 0.0
    # A tenth leaves after 0.6 to 1 of the stated stay, and the park saw hundreds of them.
    assert one.sure_stay == pytest.approx(0.6, abs=0.01)


def test_a_stay_is_sure_as_far_as_every_car_of_the_past_stayed() -> None:
    grid = day(96 * 30)
    early, late = (0.0, 3.0, 5.0, 0.01, 0.01), (0.0, 5.5, 5.0, 0.01, 0.01)
    for rows, sure in (([late] * 100, 1.0), ([early] + [late] * 999, 0.6), ([], 1.0)):
        table = _table([(24.0 + a, 24.0 + b, 24.0 + c, d, e) for a, b, c, d, e in rows], grid)
        expected = expect_sessions(table, grid.window(96 * 28, 96 * 29))
        assert expected.sure_stay == pytest.approx(sure)


def test_a_car_is_to_be_ready_by_a_share_of_its_stay_where_it_can_be() -> None:
    """It came an hour ago and stays 5: 0.6 of them are over in 2 h."""
    count = 4
    amount = np.array([0.01, 0.03, 0.06, 0.01])
    came, leaves = np.array([-1.0, -1.0, -1.0, -4.0]), np.array([4.0, 4.0, 4.0, 1.0])
    work = Work(np.zeros(count, np.intp), amount, np.full(count, 0.01), came, leaves)
    # One needs 3 h, one more than it stays; of the last the share is over: it needs 1 h.
    assert ready_in_time(work, 0.6).deadline.tolist() == pytest.approx([2.0, 3.0, 4.0, 1.0])
    assert ready_in_time(work, 1.0).deadline.tolist() == pytest.approx([4.0, 4.0, 4.0, 1.0])


def test_a_hub_told_of_a_sure_stay_charges_in_time_for_it() -> None:
    """It stays 4 h and needs 1: with half of the stay sure it waits for an hour and no longer."""
    device = _device(_hub(), _table([(0, 4, 4, 0.01, 0.01)]))
    for index, power in enumerate([0.0] * 4 + [0.01] * 4):
        device.step(index, 0.25, {"charge": 0.0, "sure_stay": 0.5}, {})
        assert device.charge == pytest.approx(power)


def test_what_is_expected_is_what_came_on_like_days() -> None:
    hub = next(asset for asset in parse(EvHub.example) if isinstance(asset, EvHub))
    grid = day(96 * 35, start="2026-03-01T16:00:00")
    table = hub.draw(outlook_of(grid), np.random.default_rng(1))
    ahead = grid.window(96 * 28, 96 * 35)
    expected = expect_sessions(table, ahead)
    came = table.some(table.arrival < hours_since_1970(ahead.start)).energy.sum() / 4
    assert expected.amount.sum() == pytest.approx(came, rel=0.02)


def test_visitors_who_find_no_connector_drive_on() -> None:
    hub = next(asset for asset in parse(EvHub.example) if isinstance(asset, EvHub))
    grid = day(96 * 20)
    table = hub.draw(outlook_of(grid), np.random.default_rng(1))
    for index, connector in enumerate(hub.connectors):
        own = table.connector == index
        marks = np.concatenate([table.arrival[own], table.departure[own]])
        change = np.concatenate([np.ones(own.sum()), -np.ones(own.sum())])
        assert np.cumsum(change[np.argsort(marks, kind="stable")]).max() <= connector.count


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("push", [0.0, 0.3, 2.0])
def test_no_policy_beats_the_best_case(seed: int, push: float) -> None:
    assets: list[Kind] = parse(EvHub.example)
    whole = day(96 * 2)
    outlook = with_arrivals(outlook_of(whole), assets, seed)
    truth = replace(outlook.window(96, 192), run=whole.window(96, 192))
    best = Solver(program_of(assets, truth.at_its_best())).solve()
    plant = Plant(assets, truth, {node.name: node.spill_cost is not None for node in NODES}, seed)
    random = np.random.default_rng(seed)
    for index in range(96):
        plant.write({"hub": {"charge": push * random.uniform(0.0, 0.4)}})
        plant.step(index)
    readings = plant.read()
    lived = sum(sum(device.costs.values()) for device in plant.devices.values())
    lived += sum(asset.end_cost(readings[asset.name], END_PRICE) for asset in assets)
    assert best.objective <= lived + 1e-6


def test_the_rules_charge_in_good_hours() -> None:
    bad = RuleView(band="high", surplus=0.0, target=1.0, fill=0.5, start_surplus=0.2, room=9.0)
    assert _hub().by_rule({}, bad) == {"charge": 0.0}
    assert _hub().by_rule({}, replace(bad, band="low")) == {"charge": 0.1}


def test_a_visit_names_a_connector_the_hub_has() -> None:
    visit = {
        "name": "vans",
        "connector": "dc",
        "weekday": 1.0,
        "arrivals": [1.0] * 24,
        "stay": 1.0,
        "energy": 0.01,
        "p_max": 0.01,
    }
    with pytest.raises(ValueError, match="visit 'vans' charges at connector 'dc'"):
        _hub(visits=[visit])
