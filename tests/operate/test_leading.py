"""One instance leads by a lease: over a real server, and at the truth log of a simulated site."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import pytest

from tests.ledger import server
from tests.operate.one_way import Proxy
from tests.operate.test_over_wires import OWN_WATCHDOG, PARK, Processes, until
from zeropark.data.errors import DataError
from zeropark.ledger.seat import Seat
from zeropark.ledger.store import Store, create
from zeropark.operate.clock import HandClock
from zeropark.operate.leading import Elsewhere, Leadership, Standby
from zeropark.operate.socket import NAME, hand_over

# Of the processes: seconds of the site in one of ours; lease and pause on the site's clock [s].
SPEED, LEASE, PAUSE = 8.0, 20.0, 30.0


def test_a_store_in_a_folder_has_no_standby_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a store in a folder has no standby; keep it in Postgre"):
        Seat(tmp_path, "one", 1.0)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with server.server() as address:
        yield address


@pytest.fixture
def place(postgresql: str) -> str:
    found = server.fresh(postgresql)
    create(found, "simulated", reserve=1 << 16)
    return found


Waiting = Callable[[HandClock, str], Standby]


@pytest.fixture
def waiting(place: str) -> Iterator[Waiting]:
    seats: list[Seat] = []

    def made(clock: HandClock, name: str) -> Standby:
        seats.append(Seat(place, name, 5.0))
        return Standby(seats[-1], clock, lasts=10.0, longest=0.5)

    yield made
    for seat in seats:
        seat.close()


def led(standby: Standby) -> Leadership:
    found = standby.look()
    assert found is not None, "nobody else leads"
    return found


@pytest.mark.stores
def test_who_waits_waits_for_a_lease_and_a_write_since_he_saw_the_beat(waiting: Waiting) -> None:
    clock = HandClock()
    one = led(waiting(clock, "one"))
    assert one.epoch == 1
    two = waiting(clock, "two")
    assert two.look() is None
    clock.at = 7.0
    one.renew()
    assert two.look() is None
    clock.at = 17.4
    assert two.look() is None
    # 10 s of lease and 0.5 s of a write since the beat was seen at 7 s.
    clock.at = 17.5
    assert not one.allows(0.0)
    assert led(two).epoch == 2
    one.renew()
    assert one.lost


@pytest.mark.stores
def test_a_write_is_allowed_while_the_lease_outlasts_it(waiting: Waiting) -> None:
    clock = HandClock()
    one = led(waiting(clock, "two"))
    clock.at = 9.5
    assert not one.allows(0.5)
    assert one.allows(0.49)
    clock.speed = 2.0
    assert one.allows(0.24)
    assert not one.allows(0.25)
    clock.at = 10.0
    one.renew()
    assert one.left == 10.0


@pytest.mark.stores
def test_a_seat_that_was_left_is_taken_at_once(waiting: Waiting) -> None:
    clock = HandClock()
    led(waiting(clock, "one")).stop(in_peace=True)
    assert led(waiting(clock, "two")).epoch == 2


@pytest.mark.stores
def test_a_watchdog_knows_that_another_instance_leads(place: str, waiting: Waiting) -> None:
    clock = HandClock()
    one = led(waiting(clock, "one"))
    elsewhere = Elsewhere(Seat(place, "watchdog", 5.0), clock)
    assert elsewhere()
    clock.at = 8.0
    one.renew()
    assert elsewhere()
    clock.at = 17.5
    assert elsewhere()
    clock.at = 18.0
    assert not elsewhere()
    one.stop(in_peace=True)
    assert not elsewhere()
    elsewhere.seat.close()


@pytest.mark.stores
def test_the_ledger_refuses_an_older_epoch_and_commands_carry_theirs(
    place: str, waiting: Waiting
) -> None:
    clock = HandClock()
    one = led(waiting(clock, "one"))
    with Store(place, "one", epoch=one.epoch) as store:
        size = store.note("command", {"told": "1"})
        (said,) = store.log.entries([size])
        assert said["epoch"] == "1"
        two = waiting(clock, "two")
        two.look()
        clock.at = 11.0
        assert led(two).epoch == 2
        # Cut off by the taker; what it opens anew is refused by its epoch.
        with pytest.raises(DataError, match="the database does not answer"):
            store.note("command", {"told": "2"})
        with pytest.raises(DataError, match="epoch 1 has ended, epoch 2 leads; nothing of this"):
            store.reopen()
    with Store(place, "two", epoch=2) as store:
        assert store.log.size == size
        store.epoch = 1
        with pytest.raises(DataError, match="epoch 1 has ended, epoch 2 leads; nothing of this"):
            store.note("command", {"told": "3"})
        assert store.log.size == size


@pytest.mark.stores
def test_an_answer_that_never_comes_is_not_waited_for(postgresql: str) -> None:
    place = server.fresh(postgresql)
    create(place, "simulated", reserve=1 << 16)
    proxy = Proxy(urlsplit(place).port or 0)
    with Store(through(place, proxy), "one", patience=0.5, reserve=1 << 16) as store:
        size = store.note("command", {"told": "1"})
        proxy.lets_down = False
        with pytest.raises(DataError, match="the database does not answer"):
            store.note("command", {"told": "2"})
        proxy.lets_down = True
        store.reopen()
        assert store.note("command", {"told": "3"}) in {size + 1, size + 2}
    proxy.close()


def through(place: str, proxy: Proxy) -> str:
    """Return the address of a store by way of a proxy."""
    parts = urlsplit(place)
    netloc = f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"
    return urlunsplit(parts._replace(netloc=netloc))


class Pair(Processes):
    """A site and two instances, each with its own way to the database."""

    def __init__(self, folder: Path, place: str) -> None:
        super().__init__(folder)
        self.truth_file = folder / "site" / "truth.jsonl"
        port = urlsplit(place).port or 0
        self.ways = {name: Proxy(port) for name in "ab"}
        self.place = place

    def begin_site(self) -> None:
        self.zeropark(
            "site", "simulate", str(PARK), "--start", "2026-04-17", "--at", "00:00", "--speed",
            f"{SPEED:g}", "--port", str(self.port), "--out", str(self.folder / "site"),
        )  # fmt: skip
        until((self.folder / "site" / "devices.yaml").exists)

    def instance(self, name: str) -> subprocess.Popen[bytes]:
        return self.zeropark(
            "operate", str(PARK), "--site", str(self.folder / "site"), "--cycle", "0.25s",
            "--standby", "--lease", f"{LEASE:g}s", "--folder", str(self.folder / name),
            "--store", through(self.place, self.ways[name]),
        )  # fmt: skip

    def told(self, name: str, **said: object) -> dict[str, Any]:
        whole = {"role": "dispatcher", "why": "test", "seconds": 600, **said}
        try:
            return hand_over(self.folder / name / NAME, whole)
        except (DataError, json.JSONDecodeError):
            return {}

    def leads(self, name: str) -> bool:
        return bool(self.told(name, verb="see").get("leads"))

    def hold(self, name: str, value: float) -> None:
        until(lambda: bool(self.told(name, verb="hold", on="bat", value=value)))
        until(lambda: abs(self.battery() - value) < 1e-3)

    def now(self) -> float:
        return float(self.truth().at[-1])

    def powers(self, since: float) -> list[float]:
        truth = self.truth()
        return [float(v) for v in np.unique(truth.column("bat/p")[truth.at >= since].round(3))]


@pytest.fixture
def both(tmp_path: Path, place: str) -> Iterator[Pair]:
    found = Pair(tmp_path, place)
    yield found
    for each in found.running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGCONT)
        each.kill()
        each.wait()
    for proxy in found.ways.values():
        proxy.close()


@pytest.mark.stores
def test_the_standby_takes_over_without_a_step_and_nobody_writes_beside_it(both: Pair) -> None:
    both.begin_site()
    first = both.instance("a")
    both.hold("a", 0.5)
    both.instance("b")
    until(lambda: b"leads in epoch 1; waiting." in (both.folder / "said.txt").read_bytes())

    # Paused for 30 s of the site, and resumed.
    begun = both.now()
    os.kill(first.pid, signal.SIGSTOP)
    until(lambda: both.leads("b"))
    until(lambda: both.now() > begun + PAUSE)
    assert both.powers(begun) == [0.5], "no step in power"
    both.hold("b", 0.3)
    resumed = both.now()
    os.kill(first.pid, signal.SIGCONT)
    until(lambda: b"Another instance leads now." in (both.folder / "said.txt").read_bytes())
    until(lambda: both.now() > resumed + 10.0)
    assert both.powers(resumed) == [0.3], "who was paused writes nothing"

    # One way: what the database answers no longer comes to who leads.
    begun = both.now()
    both.ways["b"].lets_down = False
    until(lambda: both.leads("a"))
    assert not both.leads("b")
    assert both.powers(begun) == [0.3], "no step in power"
    both.hold("a", 0.1)
    begun = both.now()
    both.ways["b"].lets_down = True
    until(lambda: both.now() > begun + 2 * LEASE)
    assert both.powers(begun) == [0.1]

    # Nobody has a database: devices are let go of, and taken up again when it is back.
    begun = both.now()
    for way in both.ways.values():
        way.lets_up = way.lets_down = False
    until(lambda: abs(both.battery()) < 1e-3)
    assert both.now() - begun <= LEASE + OWN_WATCHDOG + 10.0
    for way in both.ways.values():
        way.lets_up = way.lets_down = True
    until(lambda: abs(both.battery() - 0.1) < 1e-3)
    epochs = [both.told(name, verb="see").get("epoch") for name in "ab" if both.leads(name)]
    assert len(epochs) == 1, "one leads"
