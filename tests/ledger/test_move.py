"""A store moved to another place is the same store, whatever stops the moving."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ledger import forgetful, server
from tests.ledger.conftest import BOTH, NOON
from tests.ledger.made_up import HOUR, PV, QUARTER, WORKS, Hand, clock_at, offer
from zeropark.data.errors import DataError
from zeropark.ledger.move import move
from zeropark.ledger.place import Place
from zeropark.ledger.postings import Account, Balance, Postings, Transfer
from zeropark.ledger.reader import Reader
from zeropark.ledger.retention import DAY_MS, expire, state_policy
from zeropark.ledger.seal import compact, seal
from zeropark.ledger.store import Store, create
from zeropark.ledger.stored import opened
from zeropark.ledger.verify import verify

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("ZEROPARK_FAULT_ROUNDS", "3"))


@pytest.fixture(params=BOTH)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return a place where no store is."""
    if request.param == "folder":
        return tmp_path / "moved"
    return server.fresh(request.getfixturevalue("postgresql"))


def lived(store: Store, hand: Hand, batches: int) -> None:
    """Let much happen: hours and days sealed, rows expired, late ones, corrections, postings."""
    offer(store, WORKS, NOON - 2 * HOUR, 1)
    hand.now += 2 * HOUR
    state_policy(store, 30, "grid code 7.3")
    seal(store)
    hand.now += 40 * DAY_MS
    assert expire(store).rows == 1
    begun = hand.now // QUARTER * QUARTER
    for k in range(batches):
        hand.now = begun + (k + 1) * QUARTER
        offer(store, [PV, WORKS], [begun + k * QUARTER] * 2, [k % 9, k])
        if k == batches // 2:
            seal(store)
            compact(store)
    offer(store, WORKS, begun, 77, revision=1)
    postings = Postings(store)
    postings.open([Account("sun", "Wh", "park", "green"), Account("works", "Wh", "firm", "green")])
    postings.post([Transfer("t1", "sun", "works", 7), Transfer("t2", "sun", "works", 3, "pending")])


def test_a_store_that_moved_is_the_same_and_the_old_one_takes_nothing_more(
    folder: Path, store: Store, hand: Hand, target: Place
) -> None:
    lived(store, hand, 30)
    rows, latest = store.history.rows(every=True).tobytes(), store.history.latest().tobytes()
    size, root = store.log.size, store.log.root()
    with pytest.raises(DataError, match="'test' "):
        move(folder, target)
    store.close()
    done = move(folder, target, reserve=4_096)
    assert (done.size, done.root, done.rows) == (size, root, 62)
    assert move(folder, target, reserve=4_096) == done
    with pytest.raises(DataError, match=r"was moved to .* and takes nothing more"):
        Store(folder, "late")
    with opened(target) as kept:
        assert [fault.sentence() for fault in verify(kept, ()).faults] == []
    with Store(target, "new", clock=clock_at(hand), reserve=4_096) as moved:
        assert moved.history.rows(every=True).tobytes() == rows
        assert moved.history.latest().tobytes() == latest
        assert Postings(moved).balance("works") == Balance(0, 0, 3, 7)
        hand.now += QUARTER
        assert offer(moved, PV, hand.now // QUARTER * QUARTER - QUARTER, 1).whole
    with pytest.raises(DataError, match=r"was moved to .* already"):
        move(folder, folder.with_name("elsewhere"))


@pytest.mark.parametrize("back_end", BOTH[1:])
def test_a_store_comes_back_from_a_server(
    place: Place, store: Store, hand: Hand, tmp_path: Path
) -> None:
    lived(store, hand, 10)
    size, root = store.log.size, store.log.root()
    store.close()
    done = move(place, tmp_path / "back", reserve=4_096)
    assert (done.size, done.root) == (size, root)
    with Store(tmp_path / "back", "new", clock=clock_at(hand), reserve=4_096) as moved:
        hand.now += HOUR
        assert seal(moved)
    with opened(tmp_path / "back") as kept:
        assert not verify(kept, ()).faults


@pytest.mark.parametrize("vfs", ["", forgetful.NAME])
def test_moving_goes_on_after_a_kill(
    folder: Path, store: Store, hand: Hand, target: Place, vfs: str
) -> None:
    lived(store, hand, 800)
    rows, root = store.history.rows(every=True).tobytes(), store.log.root()
    store.close()
    chance = random.Random(5)  # noqa: S311 - when to kill
    command = [sys.executable, "-m", "tests.ledger.mover", str(folder), str(target), vfs]
    for number in range(ROUNDS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as mover:
            assert mover.stdout is not None
            for _ in range(1 + (number + chance.randint(0, 1)) % 4):
                mover.stdout.readline()
            mover.kill()
        if mover.returncode:
            with pytest.raises(DataError, match="is not whole yet"):
                Reader(target)
    assert move(folder, target, reserve=4_096).root == root
    with Reader(target) as reader:
        assert reader.history.rows(every=True).tobytes() == rows
    with opened(target) as kept:
        assert not verify(kept, ()).faults


def test_a_place_that_is_taken_or_a_damaged_row_is_told(
    folder: Path, store: Store, target: Place
) -> None:
    offer(store, PV, NOON - HOUR, 1)
    store.database.run("UPDATE batch SET held = zeroblob(52)")
    store.close()
    with pytest.raises(DataError, match="the rows of leaf 7 are not what was written"):
        move(folder, target)
    with pytest.raises(DataError, match="cannot be moved to where it is"):
        move(folder, folder)
    other = folder.with_name("other")
    create(other, "field", reserve=4_096)
    with pytest.raises(DataError, match="another store is there already"):
        move(other, target)
