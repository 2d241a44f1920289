"""What keeps a store in order: copies, forms, roll-ups, what expires and says so."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import psycopg
import pytest

from tests.ledger import forgetful, server
from tests.ledger.conftest import BOTH, NOON, both
from tests.ledger.lifter import LIFTS
from tests.ledger.made_up import HOUR, PV, QUARTER, WORKS, Hand, clock_at, offer
from zeropark.data.errors import DataError
from zeropark.ledger import copying
from zeropark.ledger.backup import back_up, restore
from zeropark.ledger.canonical import loads
from zeropark.ledger.database import Database
from zeropark.ledger.move import move
from zeropark.ledger.place import FILE, Place, in_schema
from zeropark.ledger.reader import Reader
from zeropark.ledger.registry import Point, Registry, residual
from zeropark.ledger.retention import DAY_MS, expire, expired_in, hold, state_policy
from zeropark.ledger.rollup import digest, keep_rollups, kept_rollups, months, whole_months
from zeropark.ledger.seal import compact, seal
from zeropark.ledger.store import Store
from zeropark.ledger.stored import opened
from zeropark.ledger.upgrade import Lift, Upgrade, upgrade
from zeropark.ledger.verify import verify
from zeropark.units.text import Text

FROM = NOON - 6 * HOUR
ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("ZEROPARK_FAULT_ROUNDS", "3"))


def filled(store: Store, hand: Hand) -> None:
    for k in range(12):
        offer(store, WORKS, FROM + k * QUARTER, k + 1)
    hand.now += 2 * HOUR
    assert seal(store) or not isinstance(store.place, Path)
    offer(store, WORKS, FROM + 12 * QUARTER, 13)


@both
def test_a_backup_made_while_writing_is_restored_and_says_so(
    place: Place, store: Store, hand: Hand, tmp_path: Path
) -> None:
    filled(store, hand)
    size, root, rows = store.log.size, store.log.root(), store.history.rows().tobytes()
    assert back_up(place, tmp_path / "copy") == size
    offer(store, PV, FROM, 1)
    again = tmp_path / "again" if isinstance(place, Path) else server.fresh(place.partition("?")[0])
    for to in (tmp_path / "here", again):
        assert restore(tmp_path / "copy", to, reserve=4_096) == size
        is_restored(to, size, root.hex(), rows)
    for name in ("copy", "here"):
        with pytest.raises(DataError, match="something is there already"):
            back_up(place, tmp_path / name)
    with pytest.raises(DataError, match="something is there already"):
        restore(tmp_path / "copy", again, reserve=4_096)


def is_restored(place: Place, size: int, root: str, rows: bytes | None = None) -> None:
    """Check that a store is what was copied, says so in its log, and may be written."""
    with Store(place, "restored", reserve=4_096) as store:
        said = loads(store.log.body(size + 1))
        assert (said["kind"], said["size"], said["root"]) == ("restored", str(size), root)
        assert rows is None or store.history.rows().tobytes() == rows
        assert store.note("command", {"set": 1}) == size + 2
    with opened(place) as kept:
        assert [fault.sentence() for fault in verify(kept, ()).faults] == []


@pytest.mark.parametrize("back_end", BOTH[1:])
def test_restoring_into_another_kind_of_place_goes_on_after_a_stop(
    place: Place, store: Store, hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_LEAVES_AT_ONCE", 8)
    filled(store, hand)
    size, root = store.log.size, store.log.root().hex()

    def stop(done: int, _all: int) -> None:
        if done >= 8:
            raise KeyboardInterrupt

    to = tmp_path / "to"
    with pytest.raises(KeyboardInterrupt):
        restore(place, to, stop, reserve=4_096)
    with pytest.raises(DataError, match="is not whole yet; run zeropark ledger move, or restore"):
        Reader(to)
    assert restore(place, to, reserve=4_096) == size
    is_restored(to, size, root)


@pytest.mark.parametrize("what", ["sealed", "leaf"])
def test_a_damaged_copy_is_not_restored(
    folder: Path, store: Store, hand: Hand, tmp_path: Path, what: str
) -> None:
    filled(store, hand)
    copy = tmp_path / "copy"
    back_up(folder, copy)
    if what == "sealed":
        (file,) = copy.rglob("*.parquet")
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    else:
        content = bytearray((copy / FILE).read_bytes())
        at = content.index(b'"kind":"readings"')
        content[at + 9] ^= 1
        (copy / FILE).write_bytes(content)
    with pytest.raises(DataError, match="cannot be restored"):
        restore(copy, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def copy_of(place: Place) -> Place:
    """Return where a lift copied a store of form 1 to."""
    if isinstance(place, Path):
        return place.with_name(f"{place.name}.form-1")
    name = re.findall(r"search_path%3D(\w+)", place)[0]
    return in_schema(place, f"{name}_form_1")


@both
def test_an_old_form_is_lifted_after_a_copy_and_goes_on_after_a_stop(
    place: Place, store: Store, hand: Hand, tmp_path: Path
) -> None:
    filled(store, hand)
    size, root = store.log.size, store.log.root().hex()
    store.close()
    stop = [True]

    def first(database: Database) -> None:
        database.run("CREATE TABLE made (one INTEGER)")

    def second(database: Database) -> None:
        database.run("DROP TABLE made")
        if stop.pop():
            raise KeyboardInterrupt

    lifts = {1: Lift(Text("one", "一"), first), 2: Lift(Text("two", "二"), second)}
    planned = upgrade(place, dry_run=True, lifts=lifts, wanted=3)
    assert [step.en for step in planned.steps] == ["one", "two"]
    assert planned.copy is None
    with pytest.raises(KeyboardInterrupt):
        upgrade(place, dry_run=False, lifts=lifts, wanted=3)
    stop.append(False)
    done = upgrade(place, dry_run=False, lifts=lifts, wanted=3)
    assert (done.form, [step.en for step in done.steps]) == (2, ["two"])
    assert done.copy == copy_of(place)
    with pytest.raises(DataError, match="has form 3; this version reads up to 1"):
        Reader(place)
    restore(copy_of(place), tmp_path / "back", reserve=4_096)
    is_restored(tmp_path / "back", size, root)
    with pytest.raises(DataError, match="no step leads from form 3 to 4"):
        upgrade(place, dry_run=True, lifts=lifts, wanted=4)


@pytest.mark.parametrize("way", [*BOTH, forgetful.NAME])
def test_lifting_goes_on_after_a_kill(
    way: str, folder: Path, store: Store, hand: Hand, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    filled(store, hand)
    size, root = store.log.size, store.log.root().hex()
    store.close()
    chance = random.Random(11)  # noqa: S311 - when to kill
    command = [sys.executable, "-m", "tests.ledger.lifter"]
    vfs = [way] if way == forgetful.NAME else []
    for number in range(ROUNDS):
        place: Place = tmp_path / f"round-{number}"
        shutil.copytree(folder, tmp_path / f"round-{number}")
        if way == "postgresql":
            place = server.fresh(request.getfixturevalue("postgresql"))
            move(tmp_path / f"round-{number}", place, reserve=4_096)
        for _ in range(2):
            with subprocess.Popen(
                [*command, str(place), *vfs], stdout=subprocess.PIPE, cwd=ROOT, text=True
            ) as lifter:
                assert lifter.stdout is not None
                for _line in range(1 + number % 3):
                    lifter.stdout.readline()
                time.sleep(chance.uniform(0, 0.05))
                lifter.kill()
        assert once_free(partial(upgrade, place, dry_run=False, lifts=LIFTS, wanted=3))
        restore(copy_of(place), tmp_path / f"back-{number}", reserve=4_096)
        is_restored(tmp_path / f"back-{number}", size, root)


def once_free(work: Callable[[], Upgrade]) -> bool:
    """Do what a killed process may hold up until the server has noticed that it is gone."""
    for _ in range(300):
        try:
            return work().wanted == 3
        except DataError as error:
            if error.key != "store_held":
                raise
            time.sleep(0.1)
    raise AssertionError("the store is held for good")


FORMS = Path(__file__).parent / "forms"


@pytest.mark.parametrize("form", [1])
@pytest.mark.parametrize("way", BOTH)
def test_the_smallest_store_of_each_form_opens_as_it_was(
    way: str, tmp_path: Path, form: int, request: pytest.FixtureRequest
) -> None:
    shutil.unpack_archive(FORMS / f"{form}.tar.gz", tmp_path, filter="data")
    place: Place = tmp_path / "store"
    root = (tmp_path / "store" / "root").read_text().strip()
    if way == "postgresql":
        place = in_schema(request.getfixturevalue("postgresql"), f"form_{form}")
        with psycopg.connect(request.getfixturevalue("postgresql"), autocommit=True) as made:
            made.execute((FORMS / f"{form}.sql").read_bytes())
    assert upgrade(place, dry_run=False).steps == ()
    with Store(place, "test", reserve=4_096) as store:
        assert store.history.rows()["value"].tolist() == [1, 2, 3]
        assert store.log.root().hex() == root
        assert offer(store, 0, FROM + 9 * QUARTER, 4).whole
    with opened(place) as kept:
        assert [fault.sentence() for fault in verify(kept, ()).faults] == []
    back_up(place, tmp_path / "copy")


@both
def test_rollups_say_how_much_they_cover(store: Store, hand: Hand) -> None:
    filled(store, hand)
    offer(store, PV, FROM + QUARTER, -5)
    keep_rollups(store, FROM, FROM + 24 * HOUR, lambda _start, _end: None)
    kept = kept_rollups(store.database, 0, 1 << 62)
    hours = [row for row in kept if row[0] == "hour" and row[1] == WORKS]
    # 1+2+3+4, 5+…+8, 9+…+12, and 13 alone in its hour.
    assert [row[3] for row in hours] == [10, 26, 42, 13]
    assert [row[7] for row in hours] == [HOUR, HOUR, HOUR, QUARTER]
    (month,) = [row for row in kept if row[0] == "month"]
    assert month[3:] == (91, 1, 13, 13, 13 * QUARTER)
    assert not [row for row in kept if row[1] == PV]


def test_months_are_those_of_the_calendar() -> None:
    found = months(int(np.datetime64("2026-12-31", "ms").astype(int)), 1798761600001)
    assert [np.datetime64(a, "ms").astype(str)[:10] for a, _ in found] == [
        "2026-12-01",
        "2027-01-01",
    ]


def test_rows_expire_by_policy_and_an_entry_says_what_went(
    folder: Path, store: Store, hand: Hand
) -> None:
    filled(store, hand)
    with pytest.raises(DataError, match="no policy lets rows expire"):
        expire(store)
    for days in (0, 36_501):
        with pytest.raises(DataError, match="allowed: 1 to 36500"):
            state_policy(store, days, "because")
    policy = state_policy(store, 30, "grid code 7.3")
    assert expire(store).rows == 0
    hand.now += 40 * DAY_MS
    seal(store)
    (day,) = compact(store)
    offer(store, WORKS, FROM + 13 * QUARTER, 14)
    root = store.log.root()
    gone = expire(store)
    assert (gone.rows, gone.batches) == (13, 13)
    assert store.history.rows([WORKS])["value"].tolist() == [14]
    assert not (folder / day).exists()
    (said,) = expired_in(store.log, store.database, FROM, FROM + 1)
    assert said["policy"] == str(policy)
    assert len(said["batches"]) == 13
    for batch in said["batches"]:
        assert loads(store.log.body(int(batch) + 1))["kind"] == "readings"
    span = whole_months(int(said["start"]), int(said["end"]))
    remaining = kept_rollups(store.database, *span)
    assert digest(remaining) == said["rollups"]
    assert not expired_in(store.log, store.database, FROM + 13 * QUARTER, NOON)
    assert store.log.root() != root


@both
def test_a_late_reading_of_an_expired_day_is_added_to_the_rollup_that_remains(
    store: Store, hand: Hand
) -> None:
    # 100 + 60 Wh at first; 60 is corrected to 80 by a row that does not expire with it.
    offer(store, WORKS, [FROM, FROM + QUARTER], [100, 60])
    hand.now += 2 * HOUR
    state_policy(store, 30, "grid code 7.3")
    seal(store)
    hand.now += 29 * DAY_MS
    offer(store, WORKS, FROM + QUARTER, 80, revision=1)
    offer(store, WORKS, FROM + 2 * QUARTER, 20)
    hand.now += 2 * DAY_MS
    seal(store)
    assert expire(store).rows == 2
    later = [100 + 80 + 20, 100 + 80 + 22 + 7]
    kept = {row[0]: row for row in kept_rollups(store.database, 0, 1 << 62)}
    assert (kept["day"][3:], kept["month"][3:]) == ((later[0], 20, 100, 3, 3 * QUARTER),) * 2
    # What is left is corrected (20 to 22), and 7 Wh come late.
    offer(store, WORKS, FROM + 2 * QUARTER, 22, revision=1)
    offer(store, WORKS, FROM + 3 * QUARTER, 7)
    for _ in range(2):
        hand.now += 40 * DAY_MS
        seal(store)
        expire(store)
        kept = {row[0]: row for row in kept_rollups(store.database, 0, 1 << 62)}
        due = (later[1], 7, 100, 4, 4 * QUARTER)
        assert (kept["day"][3:], kept["month"][3:]) == (due, due)
    assert not len(store.history.rows([WORKS]))
    (first, *_) = expired_in(store.log, store.database, FROM, FROM + 1)
    assert digest(kept_rollups(store.database, *whole_months(FROM, FROM + 1))) != first["rollups"]


@both
def test_what_a_claim_rests_on_never_expires(store: Store, hand: Hand) -> None:
    filled(store, hand)
    state_policy(store, 1, "short")
    hold(store, [store.database.rows("SELECT min(size) FROM batch")[0][0]], "claim 1")
    hand.now += 40 * DAY_MS
    expire(store)
    # What lies in a file with it stays too.
    first = [1] if isinstance(store.place, str) else list(range(1, 13))
    assert store.history.rows([WORKS])["value"].tolist() == first


@both
def test_rows_expire_where_no_file_was_sealed(store: Store, hand: Hand) -> None:
    offer(store, WORKS, [FROM, FROM + QUARTER], [1, 2])
    state_policy(store, 30, "grid code 7.3")
    hand.now += 40 * DAY_MS
    offer(store, WORKS, hand.now // QUARTER * QUARTER - QUARTER, 3)
    gone = expire(store)
    assert (gone.rows, gone.batches) == (2, 1)
    assert store.history.rows()["value"].tolist() == [3]
    (day,) = [row for row in kept_rollups(store.database, 0, 1 << 62) if row[0] == "day"]
    assert day[3:] == (3, 1, 2, 2, 2 * QUARTER)


def test_the_parts_of_a_meter_leave_a_line_of_their_own() -> None:
    meter = np.array([100, 1_000, 1_000, 1_000, -1_000])
    parts = np.array([[60, 500, 990, 480, -500], [40, 490, 20, 500, -480]])
    known = np.ones((3, 5), bool)
    known[2, 2] = False
    found = residual(meter, parts, known, tolerance=15_000)
    assert found.value.tolist() == [0, 10, 0, 20, -20]
    assert found.known.tolist() == [True, True, False, True, True]
    # 1.5 % of 1,000 is 15: 10 is within, 20 beyond, of either sign.
    assert found.beyond.tolist() == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("point", "words"),
    [
        (Point("pv", "Wh"), "'pv' is no name of a point"),
        (Point("pv/p", "kWh"), "unit 'kWh' is not known. Did you mean 'Wh'"),
        (Point("pv/p", "Wh", "total"), "measures 'total'"),  # type: ignore[arg-type] # what is refused
        (Point("pv/p", "Wh", interval=-1), "interval = -1 is no whole number from 0"),
        (Point("pv/p", "Wh", low=2, high=1), "low 2 is above high 1"),
        (Point("pv/p", "Wh", parent="mian/p"), "'mian/p' is not registered. Did you mean 'main/p'"),
        (Point("main/p", "W"), "unit was 'Wh' and cannot become 'W'"),
        (Point("pv/p", "Wh", calibrated="soon"), "'soon' is no date"),
    ],
)
def test_a_point_that_cannot_be_is_refused_by_sentence(point: Point, words: str) -> None:
    registry = Registry([Point("main/p", "Wh")])
    with pytest.raises(DataError) as refused:
        registry.place(point)
    assert words in str(refused.value)
    assert refused.value.text.zh


def test_a_point_is_stated_anew_and_the_log_keeps_what_was(store: Store) -> None:
    size = store.log.size
    store.register([Point("works/node", "Wh", interval=QUARTER, accuracy="0.5S", meter="A-1")])
    assert store.registry[WORKS].accuracy == "0.5S"
    assert loads(store.log.body(size + 1))["accuracy"] == "0.5S"
    sizes = store.database.rows("SELECT size FROM entry WHERE subject = 'works/node'")
    assert len(sizes) == 2


def test_a_store_is_found_by_its_clock_not_ours(folder: Path) -> None:
    with Store(folder, "test", clock=clock_at(Hand(NOON - DAY_MS)), reserve=1 << 16) as store:
        # Its log is from later than this clock, which therefore goes on from the log's last moment.
        assert store.note("command", {"why": "x"}) == 2
