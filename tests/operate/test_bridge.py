"""What a caller wants, handed over to the operate of a small park and followed to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.devices.served_vtn import PROGRAMME, event, served, ven
from tests.operate.conftest import park_of, request_of, small_assets
from zeropark.data.errors import DataError
from zeropark.devices.contract import Health
from zeropark.devices.grid.contract import Fate, Form, Heard, Told, Unfit, Wanted
from zeropark.ledger.store import Store, create
from zeropark.model.caller import CallerLine
from zeropark.operate.authority import Actor
from zeropark.operate.bridge import Bridge, Journal
from zeropark.operate.clock import HandClock
from zeropark.operate.cycle import Settings
from zeropark.operate.desk import RollingPlans
from zeropark.operate.fleet import Fleet, Wire
from zeropark.operate.near import NearSite, near_site
from zeropark.operate.run import Run
from zeropark.operate.service import Service
from zeropark.units.text import Text

LINE = CallerLine(
    name="aggregator", protocol="openadr3", asset="tie", host="127.0.0.1", price=3_000.0, every=1e-6
)


@dataclass
class Said:
    """A side that says what a test puts there, and keeps what it is told."""

    listens = True
    heard: Heard | None = None
    told: list[tuple[str, Fate]] = field(default_factory=list)
    takes: bool = True
    ends: float | None = None

    async def hear(self, now: float) -> Heard | None:
        del now
        return self.heard

    async def tell(self, wanted: Wanted | Unfit, told: Told) -> bool:
        if self.takes:
            self.told.append((wanted.id, told.fate))
        return self.takes

    async def show(self, status: Mapping[str, Any]) -> None:
        assert "at" in status

    def health(self) -> Health:
        return Health(answering=True, since=0.0, certificate_ends=self.ends)

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Life:
    """A small park in operation, and a bridge to it that looks once a minute of the park."""

    service: Service
    clock: HandClock
    site: NearSite
    folder: Path
    side: Any
    said: list[str] = field(default_factory=list)
    bridge: Bridge | None = None
    deaf: bool = False

    def open(self) -> Bridge:
        """Start the bridge, anew with the journal it left."""
        journal = Journal(self.folder / "caller.json")
        self.bridge = Bridge(LINE, self.side, self.ask, journal, self.clock.steady)
        return self.bridge

    def ask(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask as over the socket."""
        if self.deaf:
            raise DataError("nobody_listens", Text("nobody listens", "无人应答"))
        actor = Actor(said["actor"], said["name"], said["role"], said["channel"])
        return self.service.answer(dict(said), actor)

    def live(self, minutes: int) -> None:
        """Live so long."""

        async def some() -> None:
            for _ in range(minutes):
                self.service.report = await self.service.cycle.once()
                self.clock.at += 60.0
                if self.bridge is not None:
                    self.said += [text.en for text in await self.bridge.once()]

        asyncio.run(some())

    def at(self, minutes: float) -> float:
        """Return a moment of the park, counted from its start."""
        return self.clock.wall + 60.0 * minutes

    @property
    def limits(self) -> dict[str, list[float]]:
        """The limits in force at operate."""
        found: dict[str, list[float]] = self.service.status()["limits_mw"]
        return found


@cache
def two_days() -> Run:
    return Run(request_of(park_of(small_assets()), days=2, horizon_hours=12.0))


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with living(tmp_path, Said(Heard())) as found:
        yield found


@contextmanager
def living(folder: Path, side: Any) -> Iterator[Life]:
    clock = HandClock()
    run = two_days()
    clock.wall = float(run.world.grid.start.astype(np.int64))
    request = request_of(park_of(small_assets()), step_minutes=1)
    site = near_site(request, clock, {"bus": False}, 180.0)
    wires = {name: Wire(driver, watchdog=180.0) for name, driver in site.drivers.items()}
    settings = Settings(seconds=60.0, stale_after=600.0, keep_every=60.0)
    create(folder / "store", "simulated", reserve=4_096)
    plans = RollingPlans(run).make
    with Store(folder / "store", "operate", reserve=4_096) as store:
        fleet = Fleet(wires, 0.5)
        service = Service(site.assets, fleet, store, clock, plans, settings, threaded=False)
        found = Life(service, clock, site, folder, side)
        found.live(2)
        found.open()
        yield found


def call(life: Life, id_: str = "e1/0", **changes: Any) -> Wanted:
    """A call for 0.4 MW less for half an hour, from the half hour on."""
    return replace(Wanted(id_, Form.LESS, life.at(30.0), 0.5, 0.4), **changes)


def limit(life: Life, id_: str = "e2/0", **changes: Any) -> Wanted:
    """A limit of 0.5 MW from the tenth minute on, for ten minutes."""
    return replace(Wanted(id_, Form.LIMIT, life.at(10.0), 1.0 / 6.0, 0.5), **changes)


def test_a_call_is_taken_delivered_and_told_once_each(life: Life) -> None:
    life.side.heard = Heard([call(life)])
    life.live(3)
    assert life.side.told == [("e1/0", Fate.TAKEN)]
    (seen,) = life.service.status()["calls"]
    assert (seen["begin"], seen["power_mw"]) == (life.at(30.0), 0.4)
    life.live(60)
    assert life.side.told == [("e1/0", Fate.TAKEN), ("e1/0", Fate.DONE)]
    assert life.said[-1].startswith("e1/0 is over: 0.200 of 0.200 MWh delivered")
    # Whoever asked stands in the ledger: a peer of a protocol, with the event it was for.
    orders = life.service.store.database.rows(
        "SELECT size FROM entry WHERE kind = 'command' AND subject = 'order' ORDER BY size"
    )
    first = next(iter(life.service.store.log.entries(size for (size,) in orders)))
    assert (first["actor"], first["name"], first["channel"]) == ("peer", "aggregator", "protocol")
    assert first["why"] == "aggregator: e1/0"


def test_a_call_larger_than_the_envelope_is_declined_and_nothing_changes(life: Life) -> None:
    life.side.heard = Heard([call(life, power=3.0)])
    life.live(3)
    assert life.side.told == [("e1/0", Fate.DECLINED)]
    assert life.said[-1].startswith("call of 3 MW; allowed: more than 0, at most")
    assert {each["stage"] for each in life.service.status()["calls"]} <= {"refused"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"begin": 60.0}, "e1/0: from 2026-04-16T16:31:00+00:00 for 0.5 h; calls begin and end on"),
        ({"hours": 0.2}, "e1/0: from 2026-04-16T16:30:00+00:00 for 0.2 h; calls begin and end on"),
        ({"hours": 48.0}, "call: the plan reaches"),
    ],
)
def test_a_call_that_does_not_fit_the_plan_is_declined(
    life: Life, change: dict[str, float], said: str
) -> None:
    moved: Any = {**change, "begin": life.at(30.0) + change.get("begin", 0.0)}
    life.side.heard = Heard([call(life, **moved)])
    life.live(3)
    assert life.side.told == [("e1/0", Fate.DECLINED)]
    assert life.said[-1].startswith(said)
    assert {each["stage"] for each in life.service.status()["calls"]} <= {"refused"}


def test_a_call_for_more_import_is_taken_and_one_of_an_unknown_product_declined(
    life: Life,
) -> None:
    life.side.heard = Heard([call(life, form=Form.MORE, power=0.1)])
    life.live(3)
    assert life.side.told == [("e1/0", Fate.TAKEN)]
    (seen,) = life.service.status()["calls"]
    assert (seen["way"], seen["price_cny_per_mwh"]) == ("more", 3_000.0)
    bridge = life.open()
    bridge.line = LINE.model_copy(update={"product": "emergency_respond"})
    life.side.heard = Heard([call(life, "e2/0", begin=life.at(90.0))])
    life.live(2)
    assert ("e2/0", Fate.DECLINED) in life.side.told
    assert "emergency_response" in life.said[-1]


def test_what_cannot_be_understood_is_told_once_and_nothing_is_done(life: Life) -> None:
    life.side.heard = Heard([], [Unfit("e9", Text("no", "不行"))])
    life.live(3)
    assert life.side.told == [("e9", Fate.DECLINED)]
    assert life.said == ["no"]
    assert life.service.box.fates == {}


def test_a_call_that_overlaps_one_that_was_taken_is_declined(life: Life) -> None:
    first = call(life)
    life.side.heard = Heard([first])
    life.live(3)
    life.side.heard = Heard([first, call(life, "e3/0", begin=life.at(45.0), power=0.1)])
    life.live(2)
    assert life.side.told == [("e1/0", Fate.TAKEN), ("e3/0", Fate.DECLINED)]
    assert life.said[-1] == "e3/0 overlaps e1/0, which was taken"


def test_a_call_withdrawn_or_changed_after_it_was_taken_is_kept_as_promised(life: Life) -> None:
    life.side.heard = Heard([call(life)])
    life.live(3)
    life.side.heard = Heard([call(life, power=0.1)])
    life.live(3)
    life.side.heard = Heard()
    life.live(3)
    kept = "e1/0 was withdrawn or changed after it was taken; the park keeps what it took"
    assert life.said.count(kept) == 1
    (seen,) = life.service.status()["calls"]
    assert seen["power_mw"] == 0.4


def test_a_limit_holds_from_its_begin_to_its_end(life: Life) -> None:
    life.side.heard = Heard([limit(life)])
    life.live(3)
    assert life.limits == {}
    assert life.side.told == [("e2/0", Fate.TAKEN)]
    life.live(9)
    assert life.limits["tie"][1] == 0.5
    life.live(3)
    inside = [t.power["tie"] for t in life.site.log if t.at >= life.at(13.0)]
    assert max(inside) <= 0.52
    life.live(8)
    assert life.limits == {}
    assert life.side.told[-1] == ("e2/0", Fate.DONE)


def test_a_narrower_limit_of_somebody_else_stays_and_comes_back(life: Life) -> None:
    li = Actor("os_user", "li", "dispatcher", "local")
    life.service.answer({"verb": "limit", "on": "tie", "high": 0.3, "why": "grid"}, li)
    life.side.heard = Heard([limit(life)])
    life.live(13)
    assert life.limits["tie"][1] == 0.3
    life.live(12)
    assert life.limits["tie"][1] == 0.3


def test_a_limit_that_is_withdrawn_ends_at_once_and_one_that_is_changed_is_changed(
    life: Life,
) -> None:
    long = limit(life, hours=2.0)
    life.side.heard = Heard([long])
    life.live(12)
    assert life.limits["tie"][1] == 0.5
    life.side.heard = Heard([replace(long, power=0.7)])
    life.live(3)
    assert life.limits["tie"][1] == 0.7
    life.side.heard = Heard()
    life.live(2)
    assert life.limits == {}
    assert life.said[-1] == "e2/0 is withdrawn"


def test_a_change_that_is_refused_leaves_the_limit_that_held(life: Life) -> None:
    long = limit(life, hours=2.0)
    life.side.heard = Heard([long])
    life.live(12)
    life.side.heard = Heard([replace(long, power=9.0)], whole=False)
    life.live(1)
    life.side.heard = Heard([], whole=False)
    life.live(3)
    assert life.limits["tie"][1] == 0.5
    assert life.side.told == [("e2/0", Fate.TAKEN), ("e2/0", Fate.DECLINED)]
    life.side.heard = Heard([], whole=False, withdrawn=["e2/0"])
    life.live(2)
    assert life.limits == {}


def test_a_caller_that_falls_silent_does_not_end_a_limit_before_its_time(life: Life) -> None:
    life.side.heard = Heard([limit(life)])
    life.live(12)
    life.side.heard = None
    life.live(3)
    assert life.limits["tie"][1] == 0.5
    life.live(8)
    assert life.limits == {}


def test_a_bridge_that_is_started_anew_asks_nothing_twice_and_ends_what_it_began(
    life: Life,
) -> None:
    life.side.heard = Heard([call(life), limit(life)])
    life.live(12)
    assert life.limits["tie"][1] == 0.5
    life.open()
    life.live(12)
    assert life.limits == {}
    life.live(50)
    assert len(life.service.status()["calls"]) == 1
    fates = [fate for id_, fate in life.side.told if id_ == "e1/0"]
    assert fates == [Fate.TAKEN, Fate.DONE]


def test_a_bridge_killed_before_it_noted_a_call_finds_it_at_operate(life: Life) -> None:
    life.side.heard = Heard([call(life)])
    life.live(3)
    (life.folder / "caller.json").unlink()
    life.open()
    life.live(3)
    assert len(life.service.status()["calls"]) == 1
    assert [fate for _, fate in life.side.told] == [Fate.TAKEN, Fate.TAKEN]


def test_a_bridge_killed_while_it_asked_for_a_limit_still_ends_it(life: Life) -> None:
    life.side.heard = Heard([limit(life)])
    life.live(12)
    (noted,) = life.open().journal.noted.values()
    # As it stood in the file before operate had answered.
    noted.stage = "taken"
    life.live(12)
    assert life.limits == {}


def test_without_operate_nothing_is_promised_and_it_is_said_once(life: Life) -> None:
    life.deaf = True
    life.side.heard = Heard([call(life)])
    life.live(3)
    assert life.said == ["nobody listens"]
    assert life.side.told == []
    life.deaf = False
    life.live(3)
    assert life.side.told == [("e1/0", Fate.TAKEN)]


def test_a_certificate_is_spoken_of_once_thirty_days_before_its_end(life: Life) -> None:
    life.side.ends = life.at(5.0) + 30 * 86_400.0
    life.live(2)
    assert life.said == []
    life.live(3)
    assert life.said == ["a certificate of aggregator expires on 2026-05-16; have it renewed"]


def test_what_a_caller_did_not_take_is_told_again(life: Life) -> None:
    life.side.takes = False
    life.side.heard = Heard([call(life)])
    life.live(3)
    assert life.side.told == []
    life.side.takes = True
    life.live(1)
    assert life.side.told == [("e1/0", Fate.TAKEN)]


def test_an_event_of_a_vtn_is_planned_delivered_and_reported(tmp_path: Path) -> None:
    with served(tmp_path) as held, living(tmp_path, None) as life:
        held.clock.now = life.at(2.0)
        kept = held.vtn.keep("programs", PROGRAMME, "operator")
        begin = life.at(30.0) - 1_700_000_000.0
        raw = event(kept["id"], -400.0, after=begin, duration="PT30M")
        seen = held.vtn.keep("events", raw, "operator")
        life.side = ven(held)
        life.open()
        life.live(65)
        (report, *more) = held.vtn.found("reports", {"eventID": seen["id"]})
        (done,) = more
    assert report["reportName"] == f"taken {seen['id']}/0"
    payloads = done["resources"][0]["intervals"][0]["payloads"]
    shown = {each["type"]: each["values"][0] for each in payloads}
    assert shown["OPERATING_STATE"] == "NORMAL"
    assert shown["DELTA_USAGE"] == pytest.approx(200.0, rel=0.05)
    # What is less than was called for is delivered, what is more than that is not counted.
    assert shown["BASELINE"] - shown["USAGE"] >= shown["DELTA_USAGE"]
