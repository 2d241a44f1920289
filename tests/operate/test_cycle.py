"""The cycle against the real simulated plant behind its drivers, by a clock turned by hand.

What counts is the site's own log of what truly was, never what we read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.operate.conftest import park_of, request_of, small_assets
from zeropark.assets.grid_tie import GridTie
from zeropark.assets.kind import Kind
from zeropark.data.errors import DataError
from zeropark.formulation.solver import Grade
from zeropark.ledger.database import DiskFullError
from zeropark.ledger.store import Store, create
from zeropark.operate.alarms import Annunciator
from zeropark.operate.authority import Actor
from zeropark.operate.bands import levers_of
from zeropark.operate.clock import HandClock
from zeropark.operate.cycle import Cycle, Report, Settings
from zeropark.operate.desk import Desk, Programme, Request, RollingPlans
from zeropark.operate.diary import Diary
from zeropark.operate.fleet import Fleet, Wire
from zeropark.operate.near import NearSite, breaches, near_site
from zeropark.operate.orders import ORDER, Box, remembered
from zeropark.operate.run import Run

LI = Actor("os_user", "li", "dispatcher", "local")
SECONDS = 60.0
# What a load has changed in one cycle is seen in the next and undone by the one after.
REACTION = 2 * SECONDS
TIGHT = GridTie(name="tie", node="bus", import_max=1.4, export_max=1.0, tariff="simple")


def nobody(request: Request) -> Programme | None:
    """A planner that never has a plan."""
    del request
    return None


class Bench:
    """A small park with its simulated site and its cycle, both by one clock turned by hand."""

    def __init__(
        self,
        assets: list[Kind],
        make: Callable[[Request], Programme | None] = nobody,
        *,
        store: Store | None = None,
        note: Callable[[str, Mapping[str, Any], str], int] | None = None,
    ) -> None:
        park = park_of(assets)
        request = request_of(park, step_minutes=1)
        self.clock = HandClock()
        world = Run(request_of(park)).world
        self.clock.wall = float(world.grid.start.astype(np.int64))
        # The site lives by a clock of its own: setting ours moves no sun.
        self.there = HandClock(wall=self.clock.wall)
        self.site: NearSite = near_site(request, self.there, {"bus": False}, 180.0)
        fleet = Fleet(
            {name: Wire(driver, watchdog=180.0) for name, driver in self.site.drivers.items()}, 0.05
        )
        self.entries: list[Mapping[str, Any]] = []
        self.box = Box(world.assets, levers_of(world.assets), note or self.keep, self.clock.steady)
        self.diary = None if store is None else Diary(store, world.assets, threaded=False)
        self.desk = Desk(make, threaded=False)
        settings = Settings(seconds=SECONDS, stale_after=90.0, keep_every=SECONDS, margin=0.04)
        self.cycle = Cycle(
            world.assets, fleet, self.box, self.desk, self.diary, self.clock, settings
        )
        self.limits = {
            a.name: (-a.export_max, a.import_max) for a in assets if isinstance(a, GridTie)
        }

    def keep(self, kind: str, body: Mapping[str, Any], subject: str) -> int:
        assert (kind, subject) == ("command", ORDER)
        self.entries.append(body)
        return len(self.entries)

    def run(self, minutes: int) -> Report:
        """Live so long, a cycle a minute; return the last report."""
        return self.cycles(minutes)[-1]

    def cycles(self, minutes: int) -> list[Report]:
        async def live() -> list[Report]:
            found = []
            for _ in range(minutes):
                found.append(await self.cycle.once())
                self.clock.at += SECONDS
                self.there.at += SECONDS
            return found

        return asyncio.run(live())

    def longest_breach(self) -> float:
        """How long the tie was beyond its limits at most [s]; a cycle is a minute here."""
        self.site.advance()
        found = breaches(self.site.log, self.limits, 1e-6)
        return max((until - since for _, since, until in found), default=0.0)

    def alarms(self) -> list[str]:
        return [alarm.id for alarm in self.cycle.alarms.standing()]


def told(value: float) -> Callable[[Request], Programme]:
    """A planner that says one thing for ever: the battery's power [MW]."""

    def make(request: Request) -> Programme:
        steps = [{"bat": {"p": value}}] * 96
        return Programme(
            request.now, request.now, 900.0, steps, [()] * 96, Grade.OPTIMAL, (400.0, 100.0), ""
        )

    return make


def test_a_plan_is_followed_in_stated_steps() -> None:
    bench = Bench(small_assets(), told(0.8))
    bench.run(10)
    powers = [truth.power["tie"] for truth in bench.site.log]
    assert bench.site.told["bat"]["p"] == pytest.approx(0.8)
    assert min(powers) < 0.4


def test_local_safety_keeps_the_tie_with_the_planner_dead_and_mad() -> None:
    assets = [TIGHT, *small_assets()[1:]]
    for make in (nobody, told(-1.0), told(1.0), told(float("inf"))):
        bench = Bench(assets, make)
        bench.run(60)
        assert bench.longest_breach() <= REACTION
        soc = [truth.soc["bat"] for truth in bench.site.log]
        assert min(soc) >= 0.1 - 1e-6
        assert max(soc) <= 0.95 + 1e-6


def test_a_planner_that_fails_is_told_and_the_park_runs_on() -> None:
    def fails(request: Request) -> Programme | None:
        raise RuntimeError(f"at {request.now}")

    bench = Bench([TIGHT, *small_assets()[1:]], fails)
    bench.run(5)
    assert bench.desk.failed.startswith("RuntimeError")
    assert bench.longest_breach() <= REACTION


def test_the_clock_may_be_set_as_anyone_likes() -> None:
    bench = Bench([TIGHT, *small_assets()[1:]], told(-1.0))
    bench.run(5)
    wall = bench.clock.wall
    for jump in (7_200.0, -7_200.0, 0.0):
        bench.clock.wall = wall + jump
        report = bench.run(5)
        assert report.image.good("bat", "soc") is not None
    assert bench.longest_breach() <= REACTION


def test_the_real_planner_runs_beside_the_cycle() -> None:
    park = park_of(small_assets())
    plans = RollingPlans(Run(request_of(park, days=2, horizon_hours=12.0)))
    bench = Bench(small_assets(), plans.make)
    report = bench.run(40)
    programme = bench.desk.latest
    assert programme is not None
    assert programme.grade is Grade.OPTIMAL
    assert {reason.asset for reason in programme.reasons[0]} >= {"tie", "bat"}
    assert report.told["bat"]["p"] == pytest.approx(bench.site.told["bat"]["p"])
    assert bench.longest_breach() <= REACTION


def test_a_device_that_falls_silent_is_one_alarm_and_then_no_more() -> None:
    bench = Bench(small_assets(), told(0.5))
    bench.run(3)
    bench.site.faults.silent.add("bat")
    bench.run(3)
    assert bench.alarms() == ["device_silent:bat"]
    # By its own watchdog it went to its safe value: the tie carries the works alone.
    bench.run(3)
    assert bench.site.log[-1].power["tie"] == pytest.approx(1.0, abs=0.3)
    bench.site.faults.silent.clear()
    bench.run(3)
    assert [a.state.value for a in bench.cycle.alarms.standing()] == ["returned, not acknowledged"]
    assert bench.site.told["bat"]["p"] == pytest.approx(0.5)


def test_a_device_that_does_not_follow_is_left_out_and_tried_again() -> None:
    asked: list[Request] = []
    plan = told(0.5)

    def make(request: Request) -> Programme:
        asked.append(request)
        return plan(request)

    bench = Bench(small_assets(), make)
    bench.site.faults.deaf.add("bat")
    bench.run(7)
    assert bench.alarms() == ["not_following:bat"]
    assert ("outage", {"bat"}) in [(request.why, set(request.without)) for request in asked]
    bench.site.faults.deaf.clear()
    bench.run(6)
    assert bench.site.told["bat"]["p"] == pytest.approx(0.5)
    assert bench.cycle.back_off.until == {}
    assert asked[-1].without == frozenset()


def test_a_refusal_is_seen_at_once() -> None:
    bench = Bench(small_assets(), told(0.5))
    bench.site.faults.refusing.add("bat")
    report = bench.run(1)
    assert report.written["bat"]["p"].outcome.value == "refused"
    assert "not_following:bat" in bench.alarms()


@pytest.mark.parametrize(("soc", "suspect"), [(0.849, True), (0.851, False)])
def test_a_store_that_tapers_to_nothing_is_not_taken_for_one_that_does_not_follow(
    soc: float,
    suspect: bool,
) -> None:
    # Its ceiling is 0.95 and it tapers over the last tenth; deaf, it stands for a full one.
    assets = [*small_assets()[:2], small_assets()[2].model_copy(update={"start": soc})]
    bench = Bench(assets, told(-0.5))
    bench.site.faults.deaf.add("bat")
    bench.run(7)
    assert ("not_following:bat" in bench.alarms()) is suspect


def test_without_the_meter_of_the_tie_the_battery_only_goes_to_rest() -> None:
    bench = Bench(small_assets(), told(-0.5))
    bench.run(3)
    bench.site.faults.blank.add("tie")
    report = bench.run(2)
    assert report.told["bat"]["p"] == pytest.approx(-0.5, abs=1e-3)
    assert report.image.good("tie", "p") is None
    assert "flow_blind:tie" in bench.alarms()
    bench.desk.latest = told(-1.0)(Request(bench.clock.now(), {}, frozenset(), ""))
    assert bench.run(2).told["bat"]["p"] >= -0.5 - 1e-3


def test_a_slow_device_delays_nobody() -> None:
    bench = Bench(small_assets(), told(0.5))
    bench.site.faults.slow["works"] = 1.0
    reports = bench.cycles(3)
    assert all(report.image.good("tie", "p") is not None for report in reports)
    assert reports[-1].image.good("works", "p") is None


# -- orders ------------------------------------------------------------------------------------


def test_a_hand_sets_a_device_and_says_so_and_gives_it_back() -> None:
    bench = Bench(small_assets(), told(0.5))
    bench.run(2)
    order = bench.box.ask({"verb": "hold", "on": "bat", "value": -0.3, "why": "trial"}, LI)
    assert order["recorded"]
    report = bench.run(3)
    assert report.told["bat"]["p"] == pytest.approx(-0.3)
    assert bench.cycle.reason("bat", {"bat": "price"}, {}) == "hand"
    bench.box.ask({"verb": "auto", "on": "bat", "why": "done"}, LI)
    assert bench.run(3).told["bat"]["p"] == pytest.approx(0.5)
    assert bench.cycle.reason("bat", {"bat": "price"}, {}) == "price"


def test_a_stop_and_a_limit_are_taken_at_the_next_cycle() -> None:
    bench = Bench(small_assets(), told(-0.5))
    bench.run(2)
    bench.box.ask({"verb": "limit", "on": "tie", "high": 0.7, "why": "grid"}, LI)
    assert bench.run(1).told["bat"]["p"] > 0.1
    bench.box.ask({"verb": "stop"}, Actor("person", "wu", "auditor", "web"))
    assert bench.run(1).told["bat"]["p"] == 0.0


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "a command is a JSON object with a verb"),
        ("stop", "a command is a JSON object with a verb"),
        (
            {"verb": "hold", "on": "bat", "value": 0.1},
            "hold: say why; the reason stands in the ledger",
        ),
        (
            {"verb": "hold", "on": "bet", "value": 0.1, "why": "x"},
            "hold: 'bet' is no asset of this park. Did you mean 'bat'? Allowed: tie, works, bat",
        ),
        (
            {"verb": "hold", "on": "bat", "value": 1.01, "why": "x"},
            "hold bat: 1.01 MW; allowed: -1 to 1 MW",
        ),
        (
            {"verb": "hold", "on": "bat", "value": float("nan"), "why": "x"},
            "hold bat: 'nan' is not a number; allowed: -1 to 1 MW",
        ),
        (
            {"verb": "hold", "on": "bat", "value": True, "why": "x"},
            "hold bat: 'True' is not a number; allowed: -1 to 1 MW",
        ),
        (
            {"verb": "hold", "on": "tie", "value": 1.0, "why": "x"},
            "tie: nothing there can be set by hand; allowed: works, bat",
        ),
        (
            {"verb": "limit", "on": "tie", "low": 2.0, "high": 1.0, "why": "x"},
            "limit tie: least 2 MW is above most 1 MW; write the lower first",
        ),
        (
            {"verb": "lock", "on": "bat", "why": "x", "seconds": 0},
            "lock: 0 s; allowed: more than 0, at most 600 s",
        ),
    ],
)
def test_a_command_that_cannot_be_is_refused_in_a_sentence(said: Any, sentence: str) -> None:
    bench = Bench(small_assets())
    with pytest.raises(DataError) as refused:
        bench.box.ask(said, LI)
    assert refused.value.text.en == sentence
    assert refused.value.text.zh
    assert bench.entries == []


def test_both_ends_of_a_range_may_be_set_by_hand() -> None:
    bench = Bench(small_assets())
    for value in (-1.0, 0, 1.0):
        bench.box.ask({"verb": "hold", "on": "bat", "value": value, "why": "edge"}, LI)


def test_a_command_that_is_not_taken_in_time_is_voided_by_name() -> None:
    bench = Bench(small_assets())
    said = {"verb": "hold", "on": "bat", "value": 0.1, "why": "x", "seconds": 5}
    order = bench.box.ask(said, LI)
    bench.clock.at += 5.1
    (entry,) = bench.box.take(Annunciator())
    assert (entry["order"], entry["stage"]) == (order["order"], "voided")
    assert entry["because"] == "not taken within 5 s; ask again"
    assert bench.box.orders.hand == {}


def full(kind: str, body: Mapping[str, Any], subject: str) -> int:
    raise DiskFullError(f"{kind} {subject} {len(body)}")


def test_what_narrows_is_done_even_where_nothing_can_be_recorded() -> None:
    bench = Bench(small_assets(), told(0.5), note=full)
    bench.run(2)
    with pytest.raises(DiskFullError):
        bench.box.ask({"verb": "hold", "on": "bat", "value": 0.1, "why": "x"}, LI)
    bench.box.ask({"verb": "limit", "on": "tie", "high": 0.9, "why": "grid"}, LI)
    answer = bench.box.ask({"verb": "stop"}, LI)
    assert answer["recorded"] is False
    entries = bench.box.take(Annunciator())
    assert [entry["stage"] for entry in entries] == [
        "asked_late", "asked_late", "taken_unrecorded", "taken_unrecorded",
    ]  # fmt: skip
    # Unrecorded, a wider limit does not undo the narrower one.
    bench.box.ask({"verb": "limit", "on": "tie", "high": 4.0, "why": "grid"}, LI)
    bench.box.take(Annunciator())
    assert bench.box.orders.limits["tie"] == (-4.0, 0.9)


def test_after_a_restart_what_held_holds_and_what_waited_is_voided() -> None:
    first = Bench(small_assets())
    first.box.ask({"verb": "hold", "on": "bat", "value": 0.25, "why": "x"}, LI)
    first.box.ask({"verb": "lock", "on": "works", "why": "x"}, LI)
    first.entries += first.box.take(Annunciator())
    first.box.ask({"verb": "unlock", "on": "works", "why": "x"}, LI)
    first.box.ask({"verb": "stop"}, LI)

    second = Bench(small_assets())
    entries = remembered(second.box, first.entries)
    assert [(entry["verb"], entry["stage"]) for entry in entries] == [
        ("unlock", "voided"), ("stop", "taken"),
    ]  # fmt: skip
    orders = second.box.orders
    assert orders.hand == {("bat", "p"): 0.25}
    assert orders.locked == {"works"}
    assert orders.stopped


def test_a_restart_makes_no_step_in_power_beyond_the_stated_one() -> None:
    bench = Bench(small_assets())
    bench.box.ask({"verb": "hold", "on": "bat", "value": 0.8, "why": "x"}, LI)
    assert bench.run(3).told["bat"]["p"] == pytest.approx(0.8)
    # Killed without a word, its orders lost: the next one begins from where the battery is, and
    # goes through its range of 2 MW in 20 minutes.
    bench.box = Box(bench.cycle.assets, bench.cycle.levers, bench.keep, bench.clock.steady)
    settings = Settings(seconds=SECONDS, stale_after=90.0, travel=1_200.0)
    bench.cycle = Cycle(
        bench.cycle.assets, bench.cycle.fleet, bench.box, bench.desk, None, bench.clock, settings
    )
    told = [report.told["bat"]["p"] for report in bench.cycles(9)]
    assert told == pytest.approx([0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0, 0.0], abs=1e-9)


def test_after_a_pause_it_begins_from_what_devices_do_now() -> None:
    bench = Bench(small_assets())
    bench.cycle._bumpless.most[:] = 0.1
    bench.box.ask({"verb": "hold", "on": "bat", "value": 0.2, "why": "x"}, LI)
    assert bench.run(4).told["bat"]["p"] == pytest.approx(0.2)
    for clock in (bench.clock, bench.there):
        clock.at += 600.0
    told = [report.told["bat"]["p"] for report in bench.cycles(3)]
    assert told == pytest.approx([0.1, 0.2, 0.2])


# -- the ledger --------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    create(tmp_path / "store", "simulated", reserve=4_096)
    with Store(tmp_path / "store", "operate", reserve=4_096) as opened:
        yield opened


def test_each_cycle_is_posted_with_its_image_its_setpoints_and_why(store: Store) -> None:
    bench = Bench(small_assets(), told(0.5), store=store, note=store.note)
    bench.run(3)
    bench.box.ask({"verb": "hold", "on": "bat", "value": -0.3, "why": "trial"}, LI)
    bench.run(3)
    sizes = store.database.rows("SELECT size FROM entry WHERE kind = 'command' ORDER BY size")
    entries = store.log.entries(size for (size,) in sizes)
    cycles = [entry for entry in entries if "written" in entry]
    assert cycles[-1]["written"]["bat"] == {"p": "-0.300000"}
    assert cycles[-1]["outcome"]["bat"] == {"p": "taken"}
    assert cycles[-1]["why"]["bat"] == "hand"
    stages = [entry["stage"] for entry in entries if entry.get("verb") == "hold"]
    assert stages == ["asked", "taken"]
    number = store.registry.number("tie/p")
    rows = store.history.rows([number])
    assert rows["value"].tolist() == [
        round(truth.power["tie"] * 1e6) for truth in bench.site.log[:6]
    ]
