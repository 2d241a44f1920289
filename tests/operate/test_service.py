"""The service: its socket, its orders over a restart, its heartbeat and who minds it."""

from __future__ import annotations

import asyncio
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.operate.conftest import park_of, request_of, silent, small_assets
from tests.operate.test_cycle import nobody
from zeropark.data.errors import DataError
from zeropark.ledger.store import Store, create
from zeropark.operate import beat
from zeropark.operate.authority import Actor
from zeropark.operate.clock import HandClock, ScaledClock
from zeropark.operate.cycle import Settings
from zeropark.operate.desk import Desk, Request, RollingPlans
from zeropark.operate.fleet import Fleet, Wire
from zeropark.operate.near import NearSite, near_site
from zeropark.operate.run import Run
from zeropark.operate.service import Seasons, Service
from zeropark.operate.socket import NAME, Listener, hand_over

# A minute of the park is a hundredth of a second.
FAST = 6_000.0


def site_of(clock: ScaledClock) -> NearSite:
    request = request_of(park_of(small_assets()), step_minutes=1)
    return near_site(request, clock, {"bus": False}, 180.0)


def fast_clock() -> ScaledClock:
    grid = Run(request_of(park_of(small_assets()))).world.grid
    return ScaledClock(FAST, float(grid.start.astype(np.int64)))


def service_of(store: Store, site: NearSite, clock: ScaledClock, make: Any = None) -> Service:
    wires = {name: Wire(driver, watchdog=180.0) for name, driver in site.drivers.items()}
    settings = Settings(seconds=60.0, stale_after=600.0, keep_every=60.0)
    plans = make or nobody
    return Service(site.assets, Fleet(wires, 0.5), store, clock, plans, settings)


@contextmanager
def running(service: Service, folder: Path) -> Iterator[None]:
    """The service lives in a thread; leaving the block ends it in peace."""

    def live() -> None:
        asyncio.run(service.run(folder, float("inf"), silent))

    thread = threading.Thread(target=live)
    thread.start()
    try:
        until(lambda: service.report is not None)
        yield
    finally:
        service.stopping = True
        thread.join()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; a test that waits in vain fails."""
    end = time.monotonic() + 20.0
    while not holds():
        assert time.monotonic() < end, "never came"
        time.sleep(0.005)


def ask(folder: Path, **said: Any) -> dict[str, Any]:
    return hand_over(folder / NAME, {"role": "dispatcher", "why": "test", "seconds": 600, **said})


@pytest.fixture
def store_folder(tmp_path: Path) -> Path:
    create(tmp_path / "store", "simulated", reserve=4_096)
    return tmp_path / "store"


def told(service: Service) -> float:
    assert service.report is not None
    return service.report.told["bat"]["p"]


def test_a_hand_over_the_socket_is_taken_outlives_a_restart_and_ends_at_rest(
    store_folder: Path,
) -> None:
    clock = fast_clock()
    site = site_of(clock)
    with Store(store_folder, "operate", reserve=4_096) as store:
        service = service_of(store, site, clock)
        with running(service, store_folder):
            mode = stat.S_IMODE((store_folder / NAME).stat().st_mode)
            assert mode == 0o600
            ask(store_folder, verb="hold", on="bat", value=0.25)
            until(lambda: told(service) == 0.25)
            seen = ask(store_folder, verb="see")
            assert seen["hand_mw"] == {"bat/p": 0.25}
            assert seen["levers"]["bat/p"]["why"] == "hand"
        assert told(service) == pytest.approx(0.0, abs=1e-3)
        assert not (store_folder / NAME).exists()
        assert beat.silence(store_folder / beat.NAME) < 0.0
    with Store(store_folder, "operate", reserve=4_096) as store:
        again = service_of(store, site, clock)
        with running(again, store_folder):
            until(lambda: told(again) == 0.25)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({"verb": "hold", "on": "bat", "value": 0.1, "role": ""}, "role_absent"),
        ({"verb": "hold", "on": "bat", "value": 0.1, "role": "auditor"}, "not_allowed"),
        ({"verb": "fly"}, "verb_unknown"),
        ({"verb": "lock", "on": "bet"}, "asset_absent"),
    ],
)
def test_what_may_not_be_is_refused_over_the_socket(
    tmp_path: Path, said: dict[str, Any], key: str
) -> None:
    clock = fast_clock()
    create(tmp_path / "store", "simulated", reserve=4_096)
    with Store(tmp_path / "store", "operate", reserve=4_096) as store:
        service = service_of(store, site_of(clock), clock)
        listener = Listener(tmp_path / NAME, service.answer)
        try:
            with pytest.raises(DataError) as refused:
                ask(tmp_path, **said)
        finally:
            listener.close()
        assert refused.value.key == key
        assert refused.value.text.zh


def test_nobody_listens_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no operate listens here; start it with zeropark operate"):
        hand_over(tmp_path / NAME, {"verb": "see"})
    with pytest.raises(DataError, match="at most 107 bytes"):
        hand_over(tmp_path / ("x" * 200), {"verb": "see"})


def test_nonsense_on_the_socket_is_answered(tmp_path: Path) -> None:
    def echo(said: Any, actor: Actor) -> Mapping[str, Any]:
        return {"said": said, "name": actor.name}

    listener = Listener(tmp_path / NAME, echo)
    try:
        assert hand_over(tmp_path / NAME, {"name": "li"})["name"] == "li"
        import socket  # noqa: PLC0415 - only here somebody speaks nonsense

        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(tmp_path / NAME))
            wire.sendall(b"stop!\n")
            assert b"one line of JSON" in wire.makefile("rb").readline()
    finally:
        listener.close()


def test_the_cycle_never_waits_for_a_planner_that_hangs(store_folder: Path) -> None:
    free = threading.Event()

    def hangs(request: Request) -> None:
        del request
        free.wait(20.0)

    clock = fast_clock()
    with Store(store_folder, "operate", reserve=4_096) as store:
        service = service_of(store, site_of(clock), clock, hangs)
        with running(service, store_folder):
            until(lambda: service.cycle.count >= 5)
            assert service.desk.busy
            free.set()


def test_plans_go_on_over_midnight_with_the_months_peak() -> None:
    request = request_of(park_of(small_assets()), horizon_hours=6.0)
    start = float(Run(request).world.grid.start.astype(np.int64))
    seasons = Seasons(request, 10.0)
    desk = Desk(seasons.make, threaded=False)
    for hours in (20.0, 30.0):
        desk.ask(Request(start + hours * 3_600.0, {}, frozenset(), "time"))
        assert desk.failed == ""
        assert desk.latest is not None
        assert desk.latest.first == start + hours * 3_600.0
        assert len(desk.latest.setpoints) == 16
    assert seasons._peak > 0.5


# -- the heartbeat -----------------------------------------------------------------------------


def test_who_minds_the_beat_leads_devices_to_safety_once_and_only_to_it(tmp_path: Path) -> None:
    clock = fast_clock()
    site = site_of(clock)
    fleet = Fleet({name: Wire(driver) for name, driver in site.drivers.items()}, 0.5)
    minder = beat.Minder(tmp_path / beat.NAME, fleet, {"bat": {"p": 0.0}}, 0.2)
    heart = beat.Heart(tmp_path / beat.NAME)
    heart.beat()
    site.hear("bat", {"p": 0.7})
    assert asyncio.run(minder.look()) == []
    assert site.told["bat"]["p"] == 0.7
    time.sleep(0.25)
    site.faults.silent.add("bat")
    assert asyncio.run(minder.look()) == []
    site.faults.silent.clear()
    assert asyncio.run(minder.look()) == ["bat"]
    assert site.told["bat"]["p"] == 0.0
    assert asyncio.run(minder.look()) == []
    heart.beat()
    assert asyncio.run(minder.look()) == []
    assert not minder.acting
    heart.rest()
    assert asyncio.run(minder.look()) == []


def test_a_beat_that_never_was_is_a_silence(tmp_path: Path) -> None:
    assert beat.silence(tmp_path / "none") == float("inf")
    (tmp_path / "torn").write_bytes(b"abc")
    assert beat.silence(tmp_path / "torn") == float("inf")


def test_an_order_waits_for_a_cycle_that_is_longer_than_its_seconds(store_folder: Path) -> None:
    clock = HandClock()
    site = site_of(fast_clock())
    li = Actor("os_user", "li", "dispatcher", "local")
    with Store(store_folder, "operate", reserve=4_096) as store:
        service = service_of(store, site, fast_clock())
        service.box.steady = clock.steady
        said = {"verb": "hold", "on": "bat", "value": 0.1, "why": "test", "seconds": 10}
        answer = service.answer(said, li)
        # Cycles of a minute: two of them.
        assert answer["within_s"] == 120.0
        clock.at = 120.0
        assert [entry["stage"] for entry in service.box.take(service.cycle.alarms)] == ["taken"]
        service.answer(said, li)
        clock.at = 240.1
        assert [entry["stage"] for entry in service.box.take(service.cycle.alarms)] == ["voided"]


# -- calls ---------------------------------------------------------------------------------------


def test_a_call_is_planned_delivered_and_paid(store_folder: Path) -> None:
    clock = HandClock()
    request = request_of(park_of(small_assets()), days=2, horizon_hours=12.0)
    run = Run(request)
    clock.wall = float(run.world.grid.start.astype(np.int64))
    site = near_site(
        request_of(park_of(small_assets()), step_minutes=1), clock, {"bus": False}, 180.0
    )
    wires = {name: Wire(driver, watchdog=180.0) for name, driver in site.drivers.items()}
    settings = Settings(seconds=60.0, stale_after=600.0, keep_every=60.0)
    li = Actor("os_user", "li", "dispatcher", "local")
    with Store(store_folder, "operate", reserve=4_096) as store:
        service = Service(
            site.assets,
            Fleet(wires, 0.5),
            store,
            clock,
            RollingPlans(run).make,
            settings,
            threaded=False,
        )

        def live(minutes: int) -> None:
            async def some() -> None:
                for _ in range(minutes):
                    service.report = await service.cycle.once()
                    clock.at += 60.0

            asyncio.run(some())

        live(5)
        asked = {"verb": "call", "why": "grid", "power": 0.4, "after": 0.5, "hours": 1.0}
        service.answer({**asked, "price": 3_000.0, "penalty": 1_000.0}, li)
        with pytest.raises(DataError, match="call of 3 MW; allowed: more than 0, at most"):
            service.answer({**asked, "power": 3.0, "after": 2.0}, li)
        live(2)
        refused, call = service.status()["calls"]
        assert (refused["stage"], call["stage"]) == ("refused", "planned")
        live(45 + 60)
        _, call = service.status()["calls"]
        assert call["stage"] == "shared"
        assert call["called_mwh"] == pytest.approx(0.4)
        assert call["delivered_mwh"] == pytest.approx(0.4, rel=0.05)
        assert call["earned_cny"] > 1_000.0
        # At the site itself: while the call lasted the import was under its cap.
        inside = [
            truth.power["tie"]
            for truth in site.log
            if call["begin"] + 120.0 <= truth.at < call["begin"] + 3_600.0
        ]
        assert max(inside) <= max(call["cap_mw"]) + 0.02
        assert call["baseline_method"] == "plan"
