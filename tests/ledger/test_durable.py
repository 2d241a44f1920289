"""Acknowledged means durable: processes are killed, the power fails, the disk fills up."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.ledger import forgetful, server
from tests.ledger.conftest import BOTH, NOON
from tests.ledger.made_up import HOUR, PV, QUARTER, Hand, clock_at, offer
from tests.ledger.writer import FROM, POINTS, value
from zeropark.data.errors import DataError
from zeropark.ledger import merkle, rowform
from zeropark.ledger.canonical import loads
from zeropark.ledger.database import DiskFullError
from zeropark.ledger.lease import Lease
from zeropark.ledger.place import Place
from zeropark.ledger.reader import Reader
from zeropark.ledger.registry import Point
from zeropark.ledger.seal import FOLDER, compact, seal, sweep
from zeropark.ledger.store import Store, create

ROOT = Path(__file__).parents[2]
# 50 at full length (ZEROPARK_FAULT_ROUNDS=50); a few show that the way of testing holds.
ROUNDS = int(os.environ.get("ZEROPARK_FAULT_ROUNDS", "3"))


def made(place: Place) -> Place:
    hand = Hand(FROM)
    create(place, "simulated", clock_at(hand), reserve=4_096)
    with Store(place, "test", clock=clock_at(hand), reserve=4_096) as store:
        store.register([Point(f"m{i}/p", "Wh", interval=QUARTER) for i in range(POINTS)])
        store.source("writer")
    return place


def lived_until_killed(place: Place, vfs: str, sync: str, first: int, seconds: float) -> int:
    """Start a writer, kill it, return the last batch it told to be acknowledged."""
    command = [sys.executable, "-m", "tests.ledger.writer", str(place), vfs, sync, str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline()]
        time.sleep(seconds)
        writer.kill()
        told += writer.stdout.read().splitlines()
    return max(int(line) for line in told if line.strip())


def check_whole(place: Place) -> int:
    """Check every row, leaf and root of a store; return the number of its last batch."""
    with Reader(place) as reader:
        rows = reader.history.rows(every=True)
        batches = len(rows) // POINTS
        frontier = merkle.Frontier()
        roots = []
        for _size, body in reader.log.leaves():
            frontier.append(merkle.leaf_hash(body))
            said = loads(body)
            if said["kind"] == "readings":
                roots.append((said["root"], int(said["sequence_from"]), int(said["count"])))
        assert frontier.root() == reader.log.root()
        arrived = rows[np.argsort(rows["sequence"])]
        for root, first, count in roots:
            part = arrived[first : first + count]
            assert merkle.row_root(rowform.encode(part), rowform.WIDTH).hex() == root
    expected = [value(batch).tolist() for batch in range(batches)]
    assert not batches or rows["value"].reshape(POINTS, -1).T.tolist() == expected
    return batches - 1


@pytest.mark.parametrize("way", [*BOTH, forgetful.NAME])
def test_what_was_acknowledged_outlives_a_killed_process(
    way: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place: Place = tmp_path / "store"
    if way == "postgresql":
        place = server.fresh(request.getfixturevalue("postgresql"))
    made(place)
    vfs = forgetful.NAME if way == forgetful.NAME else ""
    chance = random.Random(7)  # noqa: S311 - when to kill
    acknowledged = -1
    for _ in range(ROUNDS):
        told = lived_until_killed(place, vfs, "FULL", acknowledged + 1, chance.uniform(0, 0.6))
        there = check_whole(place)
        assert there >= told
        acknowledged = there


def test_a_store_without_full_sync_is_seen_to_lose(tmp_path: Path) -> None:
    folder = made(tmp_path / "store")
    told = lived_until_killed(folder, forgetful.NAME, "NORMAL", 0, 0.3)
    assert check_whole(folder) < told


def test_a_second_writing_process_is_told_who_holds_the_store(folder: Path, store: Store) -> None:
    del store
    with pytest.raises(DataError, match=rf"'test' \(process {os.getpid()} on "):
        Store(folder, "second")
    with Reader(folder) as reader:
        assert reader.about.nature == "field"


def test_a_store_that_is_closed_can_be_opened_again(folder: Path, hand: Hand) -> None:
    for _ in range(2):
        with Store(folder, "test", clock=clock_at(hand), reserve=1 << 16) as store:
            assert store.log.size == 1


def test_a_reader_never_blocks_the_writer_and_sees_what_is_durable(
    folder: Path, store: Store
) -> None:
    offer(store, PV, NOON - HOUR, 1)
    with Reader(folder) as reader, reader.database.snapshot():
        assert reader.database.rows("SELECT count(*) FROM batch") == [(1,)]
        offer(store, PV, NOON - HOUR + QUARTER, 2)
        assert reader.database.rows("SELECT count(*) FROM batch") == [(1,)]
    with Reader(folder) as reader:
        assert reader.history.rows([PV])["value"].tolist() == [1, 2]


def test_a_reader_that_was_stopped_holds_one_state_for_a_short_time_only(
    folder: Path, store: Store
) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from zeropark.ledger import sqlite\n"
        "from zeropark.ledger.reader import Reader\n"
        "sqlite.LONGEST_S = 2.0\n"
        "with Reader(Path(sys.argv[1])) as reader, reader.database.snapshot():\n"
        "    reader.database.rows('SELECT count(*) FROM leaf')\n"
        "    print('reads', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reads\n"
        offer(store, PV, NOON - HOUR, 1)
        # Nobody lets it go on, and yet it ends.
        assert reader.wait(60) == -signal.SIGKILL
    offer(store, PV, NOON - HOUR + QUARTER, 1)
    ((busy, log, moved),) = store.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (busy, log, moved) == (0, 0, 0)
    assert (folder / "ledger.db-wal").stat().st_size == 0


def test_a_reader_in_time_is_left_alone() -> None:
    lease, left = Lease(), (ctypes.c_long * 4)()
    libc = ctypes.CDLL(None)
    with lease(1_000.0):
        libc.timer_gettime(lease._timer, left)
        assert 0 < left[2] <= 1_000
    libc.timer_gettime(lease._timer, left)
    assert list(left) == [0, 0, 0, 0]
    lease.close()


def test_hours_are_sealed_by_arrival_and_days_put_together(
    folder: Path, store: Store, hand: Hand
) -> None:
    for k in range(30):
        hand.now = NOON + k * HOUR
        offer(store, PV, NOON + (k - 1) * HOUR, k)
    before = store.history.rows().tobytes()
    made_files = seal(store)
    assert len(made_files) == 29
    assert [path.split("/")[1] for path in made_files] == ["2026-04-17"] * 12 + ["2026-04-18"] * 17
    assert store.database.rows("SELECT count(*) FROM batch WHERE held IS NOT NULL") == [(1,)]
    assert store.history.rows().tobytes() == before
    assert len(compact(store)) == 1
    assert store.history.rows().tobytes() == before
    kept = sorted(path.name for path in (folder / FOLDER).rglob("*.parquet"))
    assert len(kept) == 1 + 17
    assert seal(store) == compact(store) == []


def test_a_late_reading_lies_in_a_later_file_and_a_sealed_one_stays(
    folder: Path, store: Store, hand: Hand
) -> None:
    offer(store, PV, NOON - HOUR, 1)
    hand.now += HOUR
    (first,) = seal(store)
    content = (folder / first).read_bytes()
    offer(store, PV, NOON - 2 * HOUR, 2)
    hand.now += HOUR
    (second,) = seal(store)
    assert (folder / first).read_bytes() == content
    assert second != first
    assert store.history.rows([PV])["value"].tolist() == [2, 1]
    became = offer(store, PV, [NOON - HOUR, NOON - 2 * HOUR], [1, 2])
    assert became.whole
    assert store.log.size == offer(store, PV, NOON - HOUR, 1).size


def test_old_files_go_when_nobody_reads(folder: Path, store: Store, hand: Hand) -> None:
    offer(store, PV, NOON - HOUR, 1)
    hand.now += 24 * HOUR
    (hour,) = seal(store)
    with Reader(folder) as reader, reader.history.kept_in_place():
        (day,) = compact(store)
        assert (folder / hour).exists()
    assert sweep(store) == 1
    assert not (folder / hour).exists()
    assert (folder / day).exists()


def test_a_sealed_file_is_synced_before_it_is_named_and_named_before_it_is_listed(
    tmp_path: Path,
) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.ledger.conftest import BOTH, NOON\n"
        "from tests.ledger.made_up import HOUR, Hand, clock_at, offer\n"
        "from zeropark.ledger.registry import Point\n"
        "from zeropark.ledger.seal import seal\n"
        "from zeropark.ledger.store import Store, create\n"
        "folder, hand = Path(sys.argv[1]), Hand(NOON)\n"
        "create(folder, 'simulated', clock_at(hand), reserve=4096)\n"
        "with Store(folder, 't', clock=clock_at(hand), reserve=4096) as store:\n"
        "    store.register([Point('a/b', 'Wh')]); store.source('s')\n"
        "    offer(store, 0, NOON - HOUR, 1); hand.now += HOUR\n"
        "    seal(store)\n"
    )
    trace, place = tmp_path / "trace", tmp_path / "store"
    calls = "trace=write,pwrite64,fsync,fdatasync,rename,openat"
    command = ["strace", "-f", "-y", "-o", str(trace), "-e", calls, sys.executable, "-c", script]
    try:
        done = subprocess.run([*command, str(place)], cwd=ROOT, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("strace is not installed")
    assert done.returncode == 0, done.stderr
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    part = [i for i, line in enumerate(lines) if ".part>" in line]
    written = max(i for i in part if " write(" in lines[i])
    synced = min(i for i in part if " fsync(" in lines[i])
    renamed = next(i for i, line in enumerate(lines) if " rename(" in line and ".part" in line)
    day = f"{FOLDER}/2026-04-17>"
    folder_synced = next(i for i, line in enumerate(lines) if " fsync(" in line and day in line)
    log = "ledger.db-wal>"
    listed = next(i for i in range(renamed, len(lines)) if log in lines[i] and "write" in lines[i])
    log_synced = next(
        i for i in range(listed, len(lines)) if log in lines[i] and "sync(" in lines[i]
    )
    assert written < synced < renamed < folder_synced < listed < log_synced


def test_a_full_disk_refuses_readings_first_and_goes_on_when_there_is_room(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(store, PV, NOON - HOUR, 1)
    # SQLite's own limit stands for the disk's: the file may not grow by another page.
    ((pages,),) = store.database.rows("PRAGMA page_count")
    store.database.rows(f"PRAGMA max_page_count = {pages}")
    starts = [NOON - 4000 * QUARTER + k * QUARTER for k in range(2_000)]
    with pytest.raises(DiskFullError, match="the disk is full; nothing of this was taken"):
        offer(store, PV, starts, [5] * len(starts))
    assert store.history.rows([PV])["value"].tolist() == [1]
    assert store.reserve.held

    given: list[bool] = []

    def give() -> None:
        given.append(True)
        store.database.rows("PRAGMA max_page_count = 100000")

    monkeypatch.setattr(store.reserve, "give", give)
    why = "x" * 40_000
    assert store.note("command", {"why": why}) == store.log.size
    assert given == [True]
    assert offer(store, PV, starts, [5] * len(starts)).whole
    assert len(store.history.rows([PV])) == 2_001
    assert folder.exists()


def test_the_reserve_is_kept_again_once_there_is_room(store: Store) -> None:
    held = [store.reserve.held]
    store.reserve.give()
    held.append(store.reserve.held)
    offer(store, PV, NOON - HOUR, 1)
    assert [*held, store.reserve.held] == [True, False, True]


@pytest.mark.parametrize(("damage", "words"), [("form", "has form 2"), ("", "no store is there")])
def test_a_store_that_cannot_be_read_is_refused_by_sentence(
    tmp_path: Path, damage: str, words: str
) -> None:
    folder = tmp_path / "store"
    if damage:
        create(folder, "field", reserve=4_096)
        with Store(folder, "t", reserve=4_096) as store:
            store.database.run("UPDATE about SET body = '2' WHERE name = 'form'")
    for opened in (Reader, lambda place: Store(place, "t")):
        with pytest.raises(DataError, match=words):
            opened(folder)


def test_a_store_is_field_or_simulated_for_good(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not 'fild'\. Did you mean 'field'"):
        create(tmp_path / "a", "fild")
    create(tmp_path / "a", "field", reserve=4_096)
    with pytest.raises(DataError, match="a store is there already"):
        create(tmp_path / "a", "simulated")
    with Store(tmp_path / "a", "t", reserve=4_096) as store:
        with pytest.raises(DataError, match="this store holds the field"):
            store.must_be("simulated")
        assert loads(store.log.body(1))["nature"] == "field"
