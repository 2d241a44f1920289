"""Jobs wait as long as they may: the plan knows what users said, the pool runs what truly comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.assets.yard import END_PRICE, NODES, XINING, day, outlook_of, parse, program_of
from zeropark.assets.job_pool import JobClass, JobPool, _when_seen
from zeropark.assets.job_queue import JobQueue
from zeropark.assets.kind import Horizon, Kind, PlannedStep, RuleView, per_step
from zeropark.data.jobs import JobTable, draw_jobs, expect_jobs, hours_since_1970
from zeropark.data.outlook import Outlook
from zeropark.formulation.block import Block, Formulated
from zeropark.formulation.layout import Layout
from zeropark.formulation.linear import Rule
from zeropark.formulation.plan import Plan
from zeropark.formulation.program import Balance, Inputs, Program
from zeropark.formulation.solver import Solver
from zeropark.operate.plant import Plant
from zeropark.units.timegrid import TimeGrid

Row = tuple[float, float, float, float, float]
HOUR = TimeGrid.regular(np.datetime64("2026-04-16T16:00:00"), 8, 60, XINING.zone)
START = float(hours_since_1970(HOUR.start))


def _class(**changes: object) -> JobClass:
    words: dict[str, object] = {"name": "work", "mean": 1000.0, "parallel": 1000.0, "run_time": 2.0}
    return JobClass.model_validate({**words, **changes})


def _pool(*classes: JobClass, cores: float = 10_000.0) -> JobPool:
    return JobPool(name="jobs", node="it", cores=cores, classes=classes, p_core=1e-5)


def _table(rows: Sequence[Row], grid: TimeGrid = HOUR) -> JobTable:
    """Jobs of class 0 from (arrival, deadline, kcores, work, estimate), hours from the start."""
    columns = np.array(rows, dtype=float).reshape(-1, 5).T
    start = float(hours_since_1970(grid.start))
    none = np.zeros((1, len(grid)))
    member = np.zeros(columns.shape[1], dtype=np.intp)
    arrival, deadline, kcores, work, estimate = columns
    return JobTable(grid, member, arrival + start, deadline + start, kcores, work, estimate, none)


def _device(pool: JobPool, table: JobTable, grid: TimeGrid = HOUR) -> JobQueue:
    truth = Outlook(grid, None, {}, grid, tables={pool.name: table})
    return pool.device(truth, np.random.default_rng(1))


def _live(device: JobQueue, cores: Sequence[float | None]) -> list[float]:
    """The cores used in each step [core] with set-points for the class `work`."""
    used = []
    for index, wanted in enumerate(cores):
        points = {} if wanted is None else {"work_cores": wanted}
        used.append(-1e3 * device.step(index, 1.0, points, {})["node"])
    device.read()
    return used


def _plan(pool: JobPool, device: JobQueue, prices: Sequence[float], end_price: float = 0.0) -> Plan:
    """The plan of a pool whose cores cost `prices` [CNY/kcore-h] at each hour."""
    seller = _Seller(np.array(prices))
    grid = HOUR.window(0, len(prices))
    kinds: dict[str, list[Formulated]] = {"seller": [seller], "job_pool": [pool]}
    layout = Layout(grid.hours, max(pool.lookback(1.0), 1))
    program = Program([Balance("it", "compute")], kinds, layout)
    situation = pool.situation(device.read(), Horizon(grid, end_price))
    signals = {"price": np.array([prices])}
    program.update({"job_pool": situation, "seller": Inputs(signals=signals)})
    return Plan.read(program, Solver(program).solve(), 0)


class _Seller:
    """Sells cores at a price by the hour, as many as one wants."""

    name = "seller"

    def __init__(self, prices: np.ndarray) -> None:
        self.prices = prices

    def members(self) -> list[tuple[str, object]]:
        return [("", self)]

    def port_nodes(self) -> dict[str, str | None]:
        return {"node": "it"}

    def rules(self, m: Block) -> list[tuple[str, Rule]]:
        give = m.flow("give", upper=1e3)
        m.into("node", give)
        m.cost("energy", give * m.signal("price"))
        return []


# -- the plan -------------------------------------------------------------------------------------


def test_work_that_may_pause_runs_in_the_cheapest_hours_by_hand() -> None:
    """4 kcore-h at 1 kcore, due in 6 h: the four cheapest of six hours."""
    pool = _pool(_class(preemptible=True))
    device = _device(pool, _table([(0, 6, 1, 4, 4)]))
    plan = _plan(pool, device, [9, 1, 2, 8, 3, 4])
    assert plan.amounts("job_pool", "run")[0].tolist() == pytest.approx([0, 1, 1, 0, 1, 1])
    assert plan.gave_way == []


def test_work_that_may_not_pause_runs_in_one_piece_by_hand() -> None:
    """2 kcore-h at 1 kcore, due in 6 h: the cheapest pair in a row."""
    pool = _pool(_class(preemptible=False))
    device = _device(pool, _table([(0, 6, 1, 2, 2)]))
    plan = _plan(pool, device, [9, 1, 2, 8, 3, 4])
    assert plan.amounts("job_pool", "run")[0].tolist() == pytest.approx([0, 1, 1, 0, 0, 0])


def test_a_started_job_runs_on_in_the_plan() -> None:
    pool = _pool(_class(preemptible=False, run_time=3.0))
    device = _device(pool, _table([(0, 8, 1, 3, 3)]))
    assert _live(device, [1000.0])[0] == 1000.0
    plan = _plan(pool, device, [9, 9, 1, 1])
    assert plan.amounts("job_pool", "run")[0].tolist() == pytest.approx([1, 1, 0, 0])


def test_a_deadline_that_is_lost_gives_way_and_is_named() -> None:
    """Two jobs of 2 kcore-h, due in 2 h, in a pool of 1 kcore: half comes late, none is shed."""
    pool = _pool(_class(preemptible=True), cores=1000.0)
    device = _device(pool, _table([(0, 2, 1, 2, 2), (0, 2, 1, 2, 2)]))
    plan = _plan(pool, device, [1, 1, 1, 1, 1])
    assert plan.amounts("job_pool", "run")[0].tolist() == pytest.approx([1, 1, 1, 1, 0])
    assert {gave.limit for gave in plan.gave_way} == {"late"}
    assert {gave.asset for gave in plan.gave_way} == {"jobs/work"}


def test_work_is_left_for_later_where_serving_it_later_is_cheaper() -> None:
    """A kcore-h costs 10 W · 1000 · 300 CNY/MWh = 3 CNY after the run."""
    pool = _pool(_class(preemptible=True))
    device = _device(pool, _table([(0, 90, 1, 3, 3)]))
    plan = _plan(pool, device, [4, 2, 5, 2.9], end_price=300.0)
    assert plan.amounts("job_pool", "run")[0].tolist() == pytest.approx([0, 1, 0, 1])


def test_a_horizon_with_growing_steps_still_meets_the_deadlines() -> None:
    pool = _pool(_class(preemptible=False))
    device = _device(pool, _table([(0, 6, 1, 2, 2)]))
    hours = np.array([1.0, 1.0, 0.0, 2.0, 2.0])
    grid = TimeGrid(HOUR.start, hours, HOUR.zone)
    program = Program(
        [Balance("it", "compute")],
        {"seller": [_Seller(hours)], "job_pool": [pool]},
        Layout(np.array([1.0, 1.0, 1.0, 2.0, 2.0]), pool.lookback(1.0)),
    )
    situation = pool.situation(device.read(), Horizon(grid, 0.0))
    prices = np.array([[5.0, 4.0, 0.0, 1.0, 3.0]])
    program.update({"job_pool": situation, "seller": Inputs(signals={"price": prices})}, hours)
    plan = Plan.read(program, Solver(program).solve(), 0)
    assert plan.amounts("job_pool", "run")[0].tolist() == pytest.approx([0, 0, 0, 2, 0])


def test_the_plan_knows_run_times_as_their_users_say_them_only() -> None:
    """Swapping true work for other true work changes nothing a plan is given."""
    pool = _pool(_class(preemptible=True), _class(name="b", slack=5.0))
    rows = [(0.0, 6.0, 1.0, 2.0, 4.0), (0.0, 7.0, 1.0, 1.0, 3.0)]
    other = [(0.0, 6.0, 1.0, 3.9, 4.0), (0.0, 7.0, 1.0, 2.9, 3.0)]
    found = []
    for each in (rows, other):
        table = replace(_table(each), online=np.zeros((2, 8)))
        found.append(pool.situation(_device(pool, table).read(), Horizon(HOUR, 300.0)))
    for name, array in found[0].signals.items():
        assert np.array_equal(array, found[1].signals[name]), name
    for name, array in found[0].figures.items():
        assert np.array_equal(array, found[1].figures[name]), name


def test_expectations_come_from_before_the_horizon_only() -> None:
    classes = (_class(), _class(name="web", online=True, mean=500.0))
    grid = TimeGrid.regular(np.datetime64("2026-03-01T00:00:00"), 960, 60, XINING.zone)
    table = draw_jobs(classes, grid, np.random.default_rng(1))
    ahead = grid.window(700, 760)
    after = table.arrival >= hours_since_1970(ahead.start)
    online = table.online.copy()
    online[:, 700:] = 99.0
    swapped = replace(
        table,
        work=np.where(after, 77.0, table.work),
        estimate=np.where(after, 88.0, table.estimate),
        online=online,
    )
    one, two = (expect_jobs(classes, each, ahead) for each in (table, swapped))
    for name in ("amount", "rate", "arrival", "deadline", "online", "ratio"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name


def test_what_is_expected_is_what_came_on_average() -> None:
    classes = (_class(mean=8000.0),)
    grid = TimeGrid.regular(np.datetime64("2026-03-01T00:00:00"), 24 * 35, 60, XINING.zone)
    table = draw_jobs(classes, grid, np.random.default_rng(1))
    expected = expect_jobs(classes, table, grid.window(24 * 30, 24 * 32))
    assert expected.amount.sum() == pytest.approx(2 * 24 * 8.0, rel=0.1)
    assert expected.ratio[0] == pytest.approx(1 / 1.2, abs=0.05)


# -- the pool itself ------------------------------------------------------------------------------


def test_the_stream_keeps_as_many_cores_busy_as_its_class_says() -> None:
    classes = (_class(mean=9000.0), _class(name="web", online=True, mean=500.0, spread=0.1))
    grid = TimeGrid.regular(np.datetime64("2026-01-01T00:00:00"), 24 * 120, 60, XINING.zone)
    table = draw_jobs(classes, grid, np.random.default_rng(2))
    assert table.work.sum() / (24 * 120) == pytest.approx(9.0, rel=0.05)
    assert table.online[1].mean() == pytest.approx(0.5, rel=0.05)
    assert np.all(table.deadline >= table.arrival + 0.9 * table.work / table.kcores)
    assert (table.estimate / table.work).mean() == pytest.approx(1.2, abs=0.02)


def test_without_set_points_all_runs_at_once() -> None:
    device = _device(_pool(_class(preemptible=True)), _table([(0, 9, 1, 2, 2), (1, 9, 2, 2, 2)]))
    assert _live(device, [None] * 4) == pytest.approx([1000, 3000, 0, 0])
    assert (device.done, device.late) == (2, 0)


def test_the_earliest_deadline_goes_first() -> None:
    device = _device(_pool(_class(preemptible=True)), _table([(0, 8, 1, 2, 2), (0, 6, 1, 2, 2)]))
    _live(device, [1000.0, 1000.0])
    assert device.done == 1
    left = device.read()["queue"]
    assert left.deadline.tolist() == pytest.approx([6.0])
    assert left.amount.tolist() == pytest.approx([2.0])


def test_a_job_that_may_not_pause_starts_whole_and_runs_on() -> None:
    device = _device(_pool(_class()), _table([(0, 9, 1, 3, 3)]))
    assert _live(device, [400.0, 600.0, 0.0, 0.0, 0.0]) == pytest.approx([0, 1000, 1000, 1000, 0])
    assert device.forced == 0


@pytest.mark.parametrize("pausing", [True, False])
def test_a_job_starts_at_the_last_moment_whatever_the_set_point_says(pausing: bool) -> None:
    pool = _pool(_class(preemptible=pausing))
    device = _device(pool, _table([(0, 5, 1, 2, 2)]))
    assert _live(device, [0.0] * 6) == pytest.approx([0, 0, 0, 1000, 1000, 0])
    assert (device.done, device.late, device.forced) == (1, 0, 1)


def test_lateness_is_paid_by_the_core_hour_and_hour() -> None:
    """1 kcore-h is left when its hour strikes, and is done an hour later: 1000 · 1 h · 0.01 CNY."""
    device = _device(_pool(_class(preemptible=True)), _table([(0, 1, 1, 2, 2)]))
    _live(device, [None, None, None])
    assert device.costs["unserved"] == pytest.approx(10.0)
    assert (device.done, device.late) == (1, 1)


def test_a_job_that_outlives_its_estimate_is_still_seen_and_finished() -> None:
    device = _device(_pool(_class(preemptible=True)), _table([(0, 8, 1, 3, 1)]))
    _live(device, [None, None])
    assert device.read()["queue"].amount.tolist() == pytest.approx([0.1])
    _live_on = device.step(2, 1.0, {}, {})
    assert _live_on["node"] == pytest.approx(-1.0)
    device.read()
    assert device.done == 1


def test_work_is_neither_made_nor_lost() -> None:
    pool = parse(JobPool.example)[-1]
    assert isinstance(pool, JobPool)
    grid = day(96 * 4)
    table = pool.draw(Outlook(grid, None, {}, grid), np.random.default_rng(3))
    device = _device(pool, table, grid)
    random = np.random.default_rng(4)
    used = 0.0
    for index in range(len(grid)):
        wanted = {f"{name}_cores": random.uniform(0, 6e4) for name in ("render", "training")}
        used -= 0.25 * device.step(index, 0.25, wanted, {})["node"]
        used -= 0.25 * device.adjust("node", random.uniform(-1.0, 3.0), 0.25)
    owed = float(device.read()["owed"])
    online = float((table.online * grid.hours).sum())
    assert used + owed + device.lost == pytest.approx(table.work.sum() + online, abs=1e-6)
    assert device.late == 0 or device.lost > 0


def test_a_pool_starts_as_one_that_served_all_at_once() -> None:
    table = _table([(1, 9, 1, 4, 4), (2, 9, 1, 1, 1)])
    device = _device(_pool(_class()), table, HOUR.window(4, 8))
    assert device.read()["started"].amount.tolist() == pytest.approx([1.0])
    assert device.read()["owed"] == pytest.approx(1.0)


def test_the_rules_run_waiting_work_in_good_hours_only() -> None:
    pool = _pool(_class(), _class(name="web", online=True))
    used = {"work_cores": 2_000.0}
    bad = RuleView(band="high", surplus=0.0, target=1.0, fill=0.5, start_surplus=0.2, room=9.0)
    assert pool.by_rule(used, bad) == {"work_cores": 0.0}
    assert pool.by_rule(used, replace(bad, band="low")) == {"work_cores": 10_000.0}
    assert pool.by_rule(used, replace(bad, surplus=0.3)) == {"work_cores": 10_000.0}


def test_the_rules_run_no_more_work_than_the_target_leaves_room_for() -> None:
    pool = _pool(_class(), _class(name="web", online=True))
    used = {"work_cores": 2_000.0}
    dull = RuleView(
        band="low", surplus=0.0, target=1.0, fill=0.5, start_surplus=0.2, room=pool.p_core * 1_000
    )
    assert pool.by_rule(used, dull) == {"work_cores": pytest.approx(3_000.0)}
    # Above the target by what 500 cores draw, and by more than the work draws.
    assert pool.by_rule(used, replace(dull, room=pool.p_core * -500)) == {
        "work_cores": pytest.approx(1_500.0)
    }
    assert pool.by_rule(used, replace(dull, room=pool.p_core * -5_000)) == {"work_cores": 0.0}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("push", [0.0, 0.2, 1.0])
def test_no_policy_beats_the_best_case(seed: int, push: float) -> None:
    assets: list[Kind] = parse(JobPool.example)
    pool = next(asset for asset in assets if isinstance(asset, JobPool))
    whole = day(96 * 2)
    outlook = outlook_of(whole)
    table = pool.draw(outlook, np.random.default_rng(seed))
    truth = replace(outlook.window(96, 192), tables={"jobs": table}, run=whole.window(96, 192))
    best = Solver(program_of(assets, truth.at_its_best())).solve()
    plant = Plant(assets, truth, {node.name: node.spill_cost is not None for node in NODES}, seed)
    random = np.random.default_rng(seed)
    for index in range(96):
        names = ("render", "training")
        wanted = {f"{name}_cores": push * random.uniform(0, 1e5) for name in names}
        plant.write({"jobs": wanted})
        plant.step(index)
    readings = plant.read()
    lived = sum(sum(device.costs.values()) for device in plant.devices.values())
    lived += sum(asset.end_cost(readings[asset.name], END_PRICE) for asset in assets)
    assert best.objective <= lived + 1e-6


def test_jobs_that_wait_say_how_large_they_are() -> None:
    with pytest.raises(ValueError, match="jobs that wait need a size"):
        JobClass(name="odd", mean=1.0)


def test_jobs_between_two_moments_begin_with_the_first_and_end_before_the_last() -> None:
    grid = TimeGrid.regular(np.datetime64("1970-01-01T00:00:00"), 8, 60, "UTC")
    arrival = np.array([1.0, 2.0, 2.0, 5.0])
    ones = np.ones(4)
    member = np.zeros(4, dtype=np.intp)
    table = JobTable(grid, member, arrival, arrival + 1.0, ones, ones, ones, np.zeros((1, 8)))
    assert arrival[table.between(2.0, 5.0)].tolist() == [2.0, 2.0]
    assert arrival[table.between(1.0, 5.1)].tolist() == [1.0, 2.0, 2.0, 5.0]
    assert arrival[table.between(5.1, 9.0)].tolist() == []


def test_a_device_reads_pythons_own_numbers_from_no_more_memory_than_an_array_has() -> None:
    for values, kind in (
        (np.array([0.5, -1.0]), float),
        (np.array([3, -4]), int),
        (np.array([True, False]), int),
    ):
        found = per_step(values)
        assert list(found) == values.tolist()
        assert type(found[0]) is kind
        assert memoryview(found).nbytes <= values.astype(np.float64).nbytes  # type: ignore[arg-type] # an array of numbers


def test_a_bound_runs_no_job_before_a_pool_has_seen_it() -> None:
    """Steps begin at 0, 1 and 2 h: what comes at 0.2 is seen at 1, at 1.0 at once, at 2.5 never."""
    arrival = np.array([-3.0, 0.0, 0.2, 1.0, 1.1, 2.5, 9.0])
    seen = _when_seen(arrival, np.array([0.0, 1.0, 2.0]), 3.0)
    assert seen.tolist() == pytest.approx([-3.0, 0.0, 1.0, 1.0, 2.0, 3.0, 3.0])


def test_a_set_point_says_what_work_gains_by_running_now_if_it_may_pause() -> None:
    pool = _pool(_class(preemptible=True), _class(name="whole"), _class(name="now", online=True))
    step = PlannedStep(
        0.25,
        {"run": np.array([0.5, 0.25, 1.0])},
        {},
        {"begun": np.array([1.5, 1.0, 0.0])},
        lambda _: np.full(3, 4.0),
    )
    # 0.5 kcore-h in a quarter of an hour are 2,000 cores; 4 CNY later less 1.5 for what is lost.
    assert pool.setpoints(step) == {"work_cores": 2000.0, "work_worth": 2.5, "whole_cores": 1000.0}


def test_work_that_may_pause_is_taken_on_where_it_is_worth_its_price() -> None:
    classes = (_class(preemptible=True), _class(name="whole"))
    for worth, price, taken in ((3.0, 2.0, 1.5), (2.0, 2.0, 0.0), (3.0, 4.0, 0.0)):
        device = _device(_pool(classes[0]), _table([(0, 9, 1, 2, 2), (0, 9, 1, 2, 2)]))
        device.step(0, 1.0, {"work_cores": 500.0, "work_worth": worth}, {})
        # Two jobs of 1 kcore, half a kcore in use: 1.5 can be added.
        assert device.take_on(9.0, price, 1.0) == pytest.approx(taken)
        assert device.read()["cores"] == pytest.approx(500.0 + 1e3 * taken)
    device = _device(_pool(classes[0]), _table([(0, 9, 1, 2, 2), (0, 9, 1, 2, 2)]))
    device.step(0, 1.0, {"work_cores": 500.0, "work_worth": 3.0}, {})
    assert device.take_on(0.25, 2.0, 1.0) == pytest.approx(0.25)
    whole = _device(_pool(classes[1]), _table([(0, 9, 1, 2, 2)]))
    whole.step(0, 1.0, {"whole_cores": 0.0, "work_cores": 0.0, "whole_worth": 9.0}, {})
    assert whole.take_on(9.0, 0.0, 1.0) == 0.0


SOLD = """
assets:
  - {kind: grid_tie, name: tie, node: bus, import_max: 2 MW, export_max: 2 MW, tariff: simple}
  - {kind: battery, name: bat, node: bus, p_nom: 1 MW, e_nom: 4 MWh}
  - {kind: data_hall, name: hall, node: bus, compute: it, p_nom: 1.2 MW, p_idle: 0.2 MW,
     cores: 100000 core}
  - kind: job_pool
    name: jobs
    node: it
    cores: 100000 core
    classes:
      - {name: work, mean: 60000 core, parallel: 20000 core, run_time: 2 h, slack: 48 h,
         preemptible: true}
"""


@pytest.mark.parametrize("worth", [0.0, 1e6])
def test_waiting_work_uses_what_would_be_sold_if_it_is_worth_more(worth: float) -> None:
    assets: list[Kind] = parse(SOLD)
    pool = next(asset for asset in assets if isinstance(asset, JobPool))
    outlook = outlook_of(day(96))
    table = pool.draw(outlook, np.random.default_rng(3))
    truth = replace(outlook.window(40, 96), tables={"jobs": table}, run=day(96).window(40, 96))
    plant = Plant(assets, truth, {node.name: node.spill_cost is not None for node in NODES}, 1)
    plant.write({"bat": {"p": 0.9}, "jobs": {"work_cores": 0.0, "work_worth": worth}})
    plant.step(0)
    shown = plant.read()
    sold, cores = shown["tie"]["export"], shown["jobs"]["cores"]
    assert plant.residual <= 1e-9
    assert cores == pytest.approx(shown["hall"]["cores"])
    if worth > 0.0:
        assert sold < 0.2
        assert cores > 20_000.0
    else:
        assert sold > 0.5
        assert cores == 0.0
