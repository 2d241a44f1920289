"""Verification of a real store: sound as it was written; any flipped byte is found."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

import apsw
import pytest

from tests.ledger.conftest import NOON
from tests.ledger.made_log import key
from tests.ledger.made_up import AIR, HOUR, MINUTE, PV, QUARTER, WORKS, Hand, clock_at, offer
from zeropark.data.errors import DataError
from zeropark.ledger import auditor, canonical, heads, keys, leaf, merkle, rowform, signed, signing
from zeropark.ledger.backup import back_up, restore
from zeropark.ledger.place import FILE
from zeropark.ledger.postings import Account, Postings, Transfer
from zeropark.ledger.proving import prove
from zeropark.ledger.reader import Reader
from zeropark.ledger.registry import Point
from zeropark.ledger.retention import expire, state_policy
from zeropark.ledger.seal import compact, seal
from zeropark.ledger.signed import Signed, fingerprint, public_bytes
from zeropark.ledger.store import Store, create
from zeropark.ledger.stored import opened
from zeropark.ledger.verify import Verdict, verify


def sign(store: Store) -> Signed:
    """Sign the log's head as it stands, and note it."""
    tree = merkle.Tree(merkle.leaf_hashes(body for _, body in store.log.leaves()))
    head = heads.sign(
        tree,
        key(),
        store=store.about.id,
        nature=store.about.nature,
        epoch=1,
        at=store.clock.now().known_at,
    )
    store.note("head", head.document())
    return head


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Signed]:
    """Make a store with sealed hours, a compacted day, hot rows and heads; return a head too."""
    folder, hand = tmp_path_factory.mktemp("master") / "store", Hand(NOON)
    create(folder, "simulated", clock_at(hand), reserve=1 << 12)
    with Store(folder, "test", clock=clock_at(hand), reserve=1 << 12) as store:
        store.register(
            [
                Point("pv/node", "Wh", interval=QUARTER),
                Point("works/node", "Wh", interval=QUARTER),
                Point("air/t", "mdegC", "state", interval=MINUTE),
            ]
        )
        store.source("gateway")
        store.note("key", keys.born(key(), store.clock.now().known_at).document())
        first = sign(store)
        for number in range(30):
            begun = hand.now // QUARTER * QUARTER - QUARTER
            offer(store, [PV, WORKS], [begun, begun], [100 + number, 200 + number])
            if number % 7 == 0:
                minute = hand.now // MINUTE * MINUTE - MINUTE
                offer(store, AIR, minute, 20_000 + number, length=MINUTE)
            hand.now += HOUR
            if number == 20:
                seal(store)
                compact(store)
        offer(store, PV, NOON - QUARTER, 77, revision=1)
        pay(store)
        store.note("decision", {"who": "rules", "why": "peak"}, "bat")
        sign(store)
    return folder, first


def pay(store: Store) -> None:
    """Open two accounts and move amounts: at once, reserved and posted in part, and voided."""
    postings = Postings(store)
    postings.open([Account("sun", "Wh", "park", "green"), Account("works", "Wh", "firm", "green")])
    postings.post(
        [
            Transfer("t1", "sun", "works", 700, why="self_use"),
            Transfer("t2", "sun", "works", 300, step="pending"),
            Transfer("t3", "works", "sun", 90, step="pending"),
            Transfer("t4", amount=250, step="post", pending="t2"),
            Transfer("t5", step="void", pending="t3"),
            Transfer("t6", "works", "sun", 40, step="pending"),
        ]
    )


@pytest.fixture
def filled(master: tuple[Path, Signed], tmp_path: Path) -> tuple[Path, Signed]:
    """Return a copy of the store that a test may change, and its first head."""
    shutil.copytree(master[0], tmp_path / "copied")
    return tmp_path / "copied", master[1]


def found(folder: Path, *outside: tuple[str, Signed]) -> Verdict:
    """Return what verification finds."""
    with opened(folder) as kept:
        return verify(kept, outside)


def test_a_real_store_holds_as_it_was_written(filled: tuple[Path, Signed]) -> None:
    folder, head = filled
    assert [*folder.rglob("*.parquet")]
    verdict = found(folder, ("kept", head))
    assert [each.sentence() for each in verdict.faults] == []
    assert verdict.nature == "simulated"
    assert verdict.rows == 30 * 2 + 5 + 1
    assert verdict.heads == 3


def test_a_leaf_that_is_no_longer_bytes_is_named(filled: tuple[Path, Signed]) -> None:
    folder, _ = filled
    connection = apsw.Connection(str(folder / FILE))
    connection.execute("UPDATE leaf SET body = CAST(body AS TEXT) WHERE size = 5")
    connection.close()
    with Reader(folder) as reader, pytest.raises(DataError, match="leaf 4 of the log is not"):
        prove(reader, ["leaf:4"])
    with Reader(folder) as reader, pytest.raises(DataError, match="leaf 4 of the log is not"):
        list(reader.log.leaves())
    with Reader(folder) as reader, pytest.raises(DataError, match="leaf 999 of the log is not"):
        reader.log.body(1_000)


CELLS = [
    ("leaf", "body", "size = 5"),
    ("leaf", "body", "size = 1"),
    ("frontier", "state", "one = 1"),
    ("batch", "held", "size = (SELECT max(size) FROM batch)"),
    ("latest", "body", "page = 0"),
]
NUMBERS = [
    ("batch", "first_row", "batch of leaf"),
    ("batch", "row_count", "batch of leaf"),
    ("batch", "start_min", "batch of leaf"),
    ("batch", "start_max", "batch of leaf"),
    ("batch", "corrections", "batch of leaf"),
    ("entry", "at", "entry of leaf"),
    ("point", "size", "point 0"),
    ("sealed", "first_row", "manifest of"),
    ("sealed", "row_count", "manifest of"),
    ("sealed", "start_max", "manifest of"),
    ("sealed", "known_min", "manifest of"),
    ("sealed", "bytes", "manifest of"),
    ("account", "debits_posted", "balance of sun"),
    ("account", "credits_posted", "balance of sun"),
    ("account", "debits_pending", "balance of sun"),
    ("account", "credits_pending", "balance of sun"),
    ("account", "floor", "account sun"),
    ("transfer", "amount", "transfer t1"),
    ("transfer", "size", "transfer t1"),
]
WORDS = [
    ("entry", "kind", "kind = 'decision'", "entry of leaf"),
    ("point", "name", "number = 0", "point 0"),
    ("source", "name", "number = 0", "source 0"),
    ("sealed", "sha256", "TRUE", "sealed/"),
    ("about", "body", "name = 'nature'", "leaf 0"),
    ("account", "unit", "id = 'sun'", "account sun"),
    ("transfer", "state", "id = 't2'", "transfer t2"),
    ("transfer", "body", "id = 't4'", "transfer t4"),
    ("about", "body", "name = 'id'", "leaf 0"),
]


TABLES = ["leaf", "entry", "batch", "point", "source", "sealed", "latest", "account", "transfer"]


def change(folder: Path, sql: str, *values: object) -> None:
    """Change the database behind the ledger's back."""
    database = apsw.Connection(str(folder / FILE))
    database.execute(sql, values)
    assert database.changes() > 0
    database.close()


@pytest.mark.parametrize(("table", "column", "which"), CELLS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_a_flipped_byte_of_any_stored_bytes_is_found(
    filled: tuple[Path, Signed], table: str, column: str, which: str, share: float
) -> None:
    folder, _ = filled
    database = apsw.Connection(str(folder / FILE))
    body = cell(database, f"SELECT {column} FROM {table} WHERE {which}")  # noqa: S608
    database.close()
    if table == "latest":
        # The newest reading of the two meters: 8 columns of it, at both ends of the value.
        at = {0.0: 0, 0.3: 16, 0.6: 23, 0.99: 40}[share]
    else:
        at = int(share * len(body))
    broken = body[:at] + bytes([body[at] ^ 0x10]) + body[at + 1 :]
    change(folder, f"UPDATE {table} SET {column} = ? WHERE {which}", broken)  # noqa: S608
    verdict = found(folder)
    assert not verdict.holds
    places = " ".join(each.where for each in verdict.faults)
    due = {
        "leaf": "frontier",
        "frontier": "frontier",
        "batch": "batch of leaf",
        "latest": "latest of pv/node",
    }[table]
    assert due in places, [each.sentence() for each in verdict.faults]


@pytest.mark.parametrize(("table", "column", "where"), NUMBERS)
def test_a_changed_number_of_any_table_that_was_derived_is_found_and_named(
    filled: tuple[Path, Signed], table: str, column: str, where: str
) -> None:
    folder, _ = filled
    change(
        folder,
        f"UPDATE {table} SET {column} = {column} + 1 "  # noqa: S608 - names of this test
        f"WHERE rowid = (SELECT min(rowid) FROM {table})",
    )
    verdict = found(folder)
    assert any(each.where.startswith(where) for each in verdict.faults), verdict.faults


@pytest.mark.parametrize(("table", "column", "which", "where"), WORDS)
def test_a_changed_word_of_any_table_that_was_derived_is_found_and_named(
    filled: tuple[Path, Signed], table: str, column: str, which: str, where: str
) -> None:
    folder, _ = filled
    to = "field" if which == "name = 'nature'" else "another"
    change(folder, f"UPDATE {table} SET {column} = ? WHERE {which}", to)  # noqa: S608 - as above
    verdict = found(folder)
    assert any(each.where.startswith(where) for each in verdict.faults), verdict.faults


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_was_taken_away_is_missed(filled: tuple[Path, Signed], table: str) -> None:
    folder, _ = filled
    change(
        folder,
        f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})",  # noqa: S608
    )
    assert not found(folder).holds


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_a_flipped_byte_of_any_sealed_file_is_found_and_the_file_named(
    filled: tuple[Path, Signed], share: float
) -> None:
    folder, _ = filled
    for file in folder.rglob("*.parquet"):
        content = file.read_bytes()
        at = int(share * len(content))
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        name = file.relative_to(folder).as_posix()
        assert any(each.where == name for each in found(folder).faults)
        file.write_bytes(content)


def test_a_sealed_file_that_is_gone_is_missed_by_name(filled: tuple[Path, Signed]) -> None:
    folder, _ = filled
    file = next(iter(folder.rglob("*.parquet")))
    file.unlink()
    faults = found(folder).faults
    assert faults[0].where == file.relative_to(folder).as_posix()
    assert {each.key for each in faults[1:]} >= {"rows-gone"}


def test_the_key_holder_who_rewrites_a_reading_is_exposed_by_a_head_kept_before(
    filled: tuple[Path, Signed],
) -> None:
    """Someone with the store and the key rewrites one reading in the database and re-signs all."""
    folder, early = filled
    database = apsw.Connection(str(folder / FILE))
    store = cell(database, "SELECT body FROM about WHERE name = 'id'")
    asked = database.execute("SELECT body FROM leaf ORDER BY size").fetchall()
    bodies = [bytes(cast("bytes", each)) for (each,) in asked]
    report = signed.read(canonical.loads(bodies[-1]), "the report")
    size = cell(database, "SELECT min(size) FROM batch WHERE held IS NOT NULL")
    held = cell(database, f"SELECT held FROM batch WHERE size = {size}")  # noqa: S608
    rows = rowform.decode(bytes(held)).copy()
    rows["value"][0] += 500
    bodies[size - 1] = leaf.readings(rows)
    at = int(canonical.loads(bodies[-1])["at"])
    tree = merkle.Tree(merkle.leaf_hashes(bodies[:-1]))
    again = heads.sign(tree, key(), store=store, nature="simulated", epoch=1, at=at)
    bodies[-1] = canonical.dumps({"kind": "head", "at": at, **again.document()})
    frontier = merkle.Frontier()
    for number, body in enumerate(bodies, 1):
        frontier.append(merkle.leaf_hash(body))
        database.execute("UPDATE leaf SET body = ? WHERE size = ?", (body, number))
    database.execute("UPDATE batch SET held = ? WHERE size = ?", (rowform.encode(rows), size))
    database.execute("UPDATE frontier SET state = ?", (frontier.to_bytes(),))
    database.close()
    # By itself the store is flawless again, and a head from before the batch cannot know better.
    assert found(folder, ("early", early)).holds
    # A head from after it, such as a report printed, does.
    (fault,) = found(folder, ("the report", report)).faults
    assert fault.key == "head-rewritten"
    assert "the past was rewritten" in fault.sentence()


def cell(database: apsw.Connection, sql: str) -> Any:
    """Return the one value a question has."""
    ((value,),) = database.execute(sql).fetchall()
    return value


def test_a_store_is_verified_while_it_is_written(store: Store, folder: Path, hand: Hand) -> None:
    begun = hand.now // QUARTER * QUARTER - QUARTER
    offer(store, PV, begun, 5)
    with opened(folder) as kept:
        hand.now += QUARTER
        offer(store, PV, begun + QUARTER, 6)
        hand.now += HOUR
        seal(store)
        verdict = verify(kept)
    assert [each.sentence() for each in verdict.faults] == []
    assert verdict.rows == 1


def test_rows_that_expired_are_not_missed_and_what_remains_of_them_is_held(
    tmp_path: Path,
) -> None:
    folder, hand = tmp_path / "store", Hand(NOON)
    create(folder, "field", clock_at(hand), reserve=1 << 12)
    with Store(folder, "test", clock=clock_at(hand), reserve=1 << 12) as store:
        store.register([Point("pv/node", "Wh", interval=QUARTER), Point("old/node", "Wh")])
        store.source("gateway")
        signing.state_first(store, key())
        offer(store, [0, 1], [NOON - QUARTER, NOON - QUARTER], [5, 6])
        hand.now += 3 * 24 * HOUR
        seal(store)
        state_policy(store, 1, "raw rows for a day")
        gone = expire(store)
        offer(store, 0, NOON + 2 * 24 * HOUR, 7)
        signing.sign_head(store, key())
    assert (gone.rows, gone.batches) == (2, 1)
    verdict = found(folder)
    assert [each.sentence() for each in verdict.faults] == []
    assert verdict.rows == 1
    # The proof says: there was a batch of that time, and it expired by that policy.
    with Reader(folder) as reader:
        document = prove(reader, ["old/node@2026-04-17T11:45Z"])
    told = [canonical.loads(each["leaf"].encode())["kind"] for each in document["items"]]
    assert told == ["point", "readings", "policy", "expiry"]
    assert auditor.audit(document, None, []).readings == []
    for level in ("quarter", "hour", "day", "month"):
        one = f"level = '{level}' AND point = 0"
        change(folder, f"UPDATE rollup SET high = high + 1 WHERE {one}")  # noqa: S608
        (fault,) = found(folder).faults
        assert fault.where == "roll-ups from 2026-04-01T00:00:00Z to 2026-05-01T00:00:00Z"
        change(folder, f"UPDATE rollup SET high = high - 1 WHERE {one}")  # noqa: S608
    assert found(folder).holds


def test_a_head_of_a_branch_that_a_restore_left_is_named_as_a_fork(
    filled: tuple[Path, Signed], tmp_path: Path
) -> None:
    folder, early = filled
    back_up(folder, tmp_path / "backup")
    with Store(folder, "test", reserve=1 << 12) as store:
        store.note("decision", {"who": "rules"}, "left behind")
        later = signing.sign_head(store, key())
    restore(tmp_path / "backup", tmp_path / "again")
    assert found(tmp_path / "again", ("early", early)).holds
    (fault,) = found(tmp_path / "again", ("later", later)).faults
    assert fault.key == "head-fork"
    size = heads.read(later, "later").size
    assert fault.sentence().startswith(
        f"later: signs {size} leaves of a branch that was left when the store was restored to "
        f"{size - 1} leaves"
    )


def test_acts_of_a_key_in_a_store(filled: tuple[Path, Signed]) -> None:
    folder, _ = filled
    with Store(folder, "test", reserve=1 << 12) as store:
        with pytest.raises(DataError, match=r"has the key .* already"):
            signing.state_first(store, key(2))
        with pytest.raises(DataError, match="is not the store's"):
            signing.sign_head(store, key(2))
        signing.hand_on(store, key(), key(2))
        with pytest.raises(DataError, match="no key of this store begins like this"):
            signing.revoke(store, key(2), "", 5, "nobody")
        first = fingerprint(public_bytes(key()))
        signing.revoke(store, key(2), first[:6].upper(), int(2e12), "stolen")
        signing.sign_head(store, key(2))
        signing.begin_epoch(store, key(3), "lost")
        head = signing.sign_head(store, key(3))
        assert signing.latest_head(store.database, store.log) == head
    verdict = found(folder, ("kept", head))
    assert verdict.holds
    assert (verdict.epoch, len(verdict.fingerprints), verdict.heads) == (2, 3, 5)


def test_a_head_is_signed_when_it_is_due_and_the_log_went_on(store: Store, hand: Hand) -> None:
    signing.state_first(store, key())
    first = signing.sign_when_due(store, key(), HOUR)
    assert first is not None
    hand.now += 2 * HOUR
    # Nothing came since.
    assert signing.sign_when_due(store, key(), HOUR) is None
    offer(store, PV, NOON - HOUR, 1)
    second = signing.sign_when_due(store, key(), HOUR)
    assert second is not None
    assert int(second.said["size"]) == int(first.said["size"]) + 2
    offer(store, PV, NOON - HOUR + QUARTER, 1)
    assert signing.sign_when_due(store, key(), HOUR) is None
    hand.now += HOUR
    assert signing.sign_when_due(store, key(), HOUR) is not None
