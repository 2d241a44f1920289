"""A real file system of a few megabytes that fills up: readings are refused first, by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.ledger import server
from tests.ledger.conftest import NOON
from tests.ledger.made_up import QUARTER, Hand, clock_at
from zeropark.data.errors import DataError
from zeropark.ledger.canonical import loads
from zeropark.ledger.clock import OwnClock
from zeropark.ledger.database import DiskFullError
from zeropark.ledger.place import Place
from zeropark.ledger.postings import Account, Posted, Postings, Transfer
from zeropark.ledger.reader import Reader
from zeropark.ledger.reading import Offered
from zeropark.ledger.registry import Point
from zeropark.ledger.store import Store, create
from zeropark.ledger.stored import opened
from zeropark.ledger.verify import verify

pytestmark = pytest.mark.stores
METERS, RESERVE = 200, 1 << 20
SERVER_MB, SERVER_RESERVE = 64, 8 << 20
SETTINGS = (
    "shared_buffers=8MB", "max_wal_size=4MB", "min_wal_size=2MB", "checkpoint_timeout=30s",
    "max_connections=10", "autovacuum=off",
)  # fmt: skip


def mounted(place: Path, size: str, *, again: bool = False) -> None:
    how = f"remount,size={size}" if again else f"size={size}"
    command = ["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(place)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def disk() -> Iterator[Path]:
    if os.getuid() != 0:
        pytest.skip("only root can mount a small file system")
    # Not where pytest keeps its own, which a server that is not root cannot enter.
    place = Path(tempfile.mkdtemp(prefix="zeropark-disk-"))
    try:
        mounted(place, "6m")
    except (OSError, subprocess.CalledProcessError) as error:
        place.rmdir()
        pytest.skip(f"no file system can be mounted here ({error})")
    place.chmod(0o755)
    yield place
    subprocess.run(["umount", str(place)], check=True)  # noqa: S607 - as found by the shell
    place.rmdir()


def batch(number: int) -> Offered:
    return Offered.of(np.arange(METERS), NOON + number * QUARTER, QUARTER, number)


def until_full(store: Store) -> int:
    """Offer batches until one is refused; return how many were taken."""
    for taken in range(10_000):
        try:
            assert store.accept(batch(taken)).whole
        except DiskFullError:
            return taken
    raise AssertionError("the disk was to fill up")


def test_a_disk_that_is_full_refuses_readings_first_and_takes_commands(disk: Path) -> None:
    folder, hand = disk / "store", Hand(NOON)
    create(folder, "simulated", clock_at(hand), reserve=RESERVE)
    with Store(folder, "test", clock=clock_at(hand), reserve=RESERVE) as store:
        store.register([Point(f"m{i}/p", "Wh", interval=QUARTER) for i in range(METERS)])
        store.source("gateway")
        postings = Postings(store)
        postings.open([Account("a", "Wh", "p", "x"), Account("b", "Wh", "p", "x")])
        taken = until_full(store)
        assert taken > 10
        size = store.log.size
        # Commands and postings still come in, and readings still do not.
        for number in range(20):
            assert store.note("command", {"set": number, "why": "x" * 1_000}) == size + number + 1
        assert postings.post([Transfer("t", "a", "b", 5)]) == [Posted.CREATED]
        held = [store.reserve.held]
        with pytest.raises(DiskFullError, match="the disk is full; nothing of this was taken"):
            store.accept(batch(taken))
        assert len(store.history.rows()) == taken * METERS
        mounted(disk, "12m", again=True)
        assert store.accept(batch(taken)).whole
        assert [*held, store.reserve.held] == [False, True]
        assert loads(store.log.body(size + 20))["set"] == "19"
    with opened(folder) as kept:
        assert [fault.sentence() for fault in verify(kept, ()).faults] == []


def until_refused(place: Place, clock: OwnClock, taken: int) -> tuple[int, int]:
    """Offer batches until the disk is full; return how many are in, and how often it broke down.

    A server whose log finds no room breaks down and comes back; who writes then starts again.
    """
    for broken in range(20):
        try:
            with Store(place, "test", clock=clock, reserve=SERVER_RESERVE) as store:
                while True:
                    assert store.accept(batch(taken)).whole
                    taken += 1
        except DiskFullError:
            return taken, broken
        except DataError as error:
            if error.key != "store_unreachable":
                raise
            until_back(place)
    raise AssertionError("the server does not stay")


def until_back(place: Place) -> None:
    """Wait until the server answers again."""
    for _ in range(300):
        try:
            Reader(place).database.close()
        except DataError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not come back")


def test_a_server_whose_disk_is_full_refuses_readings_first_and_takes_commands(
    disk: Path,
) -> None:
    hand = Hand(NOON)
    mounted(disk, f"{SERVER_MB}m", again=True)
    with server.server(disk, SETTINGS, wal_mb=1) as address:
        place = server.fresh(address)
        create(place, "simulated", clock_at(hand), reserve=SERVER_RESERVE)
        with Store(place, "test", clock=clock_at(hand), reserve=SERVER_RESERVE) as store:
            held = [store.reserve.held]
            store.register([Point(f"m{i}/p", "Wh", interval=QUARTER) for i in range(METERS)])
            store.source("gateway")
            postings = Postings(store)
            postings.open([Account("a", "Wh", "p", "x"), Account("b", "Wh", "p", "x")])
        # Somebody else on the same disk leaves 2 MB.
        free = shutil.disk_usage(disk).free
        (disk / "other").write_bytes(bytes(free - (2 << 20)))
        taken, _broken = until_refused(place, clock_at(hand), 0)
        assert taken > 10
        with Store(place, "test", clock=clock_at(hand), reserve=SERVER_RESERVE) as store:
            size = store.log.size
            # Commands and postings still come in, and readings still do not.
            for number in range(200):
                assert store.note("command", {"set": number, "why": "x" * 5_000}) == size + 1
                size += 1
            assert Postings(store).post([Transfer("t", "a", "b", 5)]) == [Posted.CREATED]
            with pytest.raises(DiskFullError, match="the disk is full; nothing of this was taken"):
                store.accept(batch(taken))
            held.append(store.reserve.held)
            kept = store.history.rows()
            assert len(kept) == taken * METERS
            mounted(disk, f"{SERVER_MB + 64}m", again=True)
            assert store.accept(batch(taken)).whole
            assert [*held, store.reserve.held] == [True, False, True]
            assert loads(store.log.body(size))["set"] == "199"
        with opened(place) as whole:
            assert [fault.sentence() for fault in verify(whole, ()).faults] == []
