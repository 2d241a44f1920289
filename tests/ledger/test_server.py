"""A store on a server: what a person is told, what is held, what is seen to be wrong."""

from __future__ import annotations

import psycopg
import pytest

from tests.ledger import server
from tests.ledger.conftest import NOON
from tests.ledger.made_up import HOUR, PV, QUARTER, WORKS, Hand, clock_at, offer
from zeropark.data.errors import DataError
from zeropark.ledger import postgres
from zeropark.ledger.place import Place, in_schema, place_of, shown
from zeropark.ledger.proving import prove
from zeropark.ledger.reader import Reader
from zeropark.ledger.seal import compact, seal
from zeropark.ledger.store import Store, create
from zeropark.ledger.stored import opened
from zeropark.ledger.verify import verify

pytestmark = pytest.mark.stores


@pytest.fixture
def back_end() -> str:
    return "postgresql"


def test_an_address_is_printed_without_its_password() -> None:
    said = "postgresql://park:secret@db.example:5432/ledger?options=-csearch_path%3Da"
    assert place_of(said) == said
    assert shown(said) == "postgresql://park@db.example:5432/ledger?options=-csearch_path%3Da"
    assert shown(f"{said}&password=secret&sslmode=require") == shown(said)
    assert in_schema(said, "b") == said.replace("%3Da", "%3Db")
    assert shown("postgres://park@db/ledger") == "postgres://park@db/ledger"
    assert not isinstance(place_of("park"), str)


def test_a_second_writing_process_is_told_who_holds_the_store(place: Place, store: Store) -> None:
    del store
    with pytest.raises(DataError, match=r"'test' \(server process \d+, from 127.0.0.1\) has been"):
        Store(place, "second")
    with Reader(place) as reader:
        assert reader.about.nature == "field"
    with pytest.raises(DataError, match="a store is there already"):
        create(place, "field")


def test_two_stores_of_one_database_do_not_hold_each_other(place: Place, postgresql: str) -> None:
    other = server.fresh(postgresql)
    create(other, "simulated", reserve=1 << 16)
    with Store(place, "one") as one, Store(other, "other") as two:
        assert one.about.id != two.about.id


def test_rows_lie_in_a_partition_for_each_day(place: Place, store: Store, hand: Hand) -> None:
    for day in range(3):
        hand.now = NOON + day * 24 * HOUR
        offer(store, PV, hand.now - HOUR, day)
    assert seal(store) == compact(store) == []
    assert store.history.rows([PV])["value"].tolist() == [0, 1, 2]
    assert isinstance(place, str)
    with psycopg.connect(place) as connection:
        parts = connection.execute(
            "SELECT tableoid::regclass::text, count(*) FROM batch GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert parts == [(f"batch_2026_04_{17 + day}", 1) for day in range(3)]


def test_a_changed_byte_is_found_and_named(place: Place, store: Store) -> None:
    offer(store, [PV, WORKS], [NOON - HOUR] * 2, [1, 2])
    with opened(place) as kept:
        assert not verify(kept, ()).faults
    held = bytearray(store.database.rows("SELECT held FROM batch")[0][0])
    held[30] ^= 1
    store.database.run("UPDATE batch SET held = ?", (bytes(held),))
    with opened(place) as kept:
        found = [each.sentence() for each in verify(kept, ()).faults]
    assert any("batch of leaf" in line for line in found), found


def test_a_reader_that_stands_still_is_ended_by_the_server(
    place: Place, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "SNAPSHOT_S", 0.1)
    offer(store, PV, NOON - HOUR, 1)
    with (
        Reader(place) as reader,
        pytest.raises(DataError, match="was ended, so that writing goes on"),
        reader.database.snapshot(),
    ):
        reader.database.rows("SELECT pg_sleep(10)")
    with (
        Reader(place) as reader,
        psycopg.connect(str(place), autocommit=True) as beside,
        pytest.raises(DataError, match="was ended, so that writing goes on"),
    ):
        stands_still(reader, beside)


def stands_still(reader: Reader, beside: psycopg.Connection[tuple[int]]) -> None:
    """Do nothing inside a snapshot until the server ends it, as a stopped process does."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
    with reader.database.snapshot():
        while beside.execute(waits).fetchone() != (0,):
            pass
        reader.database.rows("SELECT 1")


def test_what_cannot_be_reached_or_trusted_is_refused_by_sentence(postgresql: str) -> None:
    empty = server.fresh(postgresql)
    for use in (Reader, lambda place: Store(place, "t")):
        with pytest.raises(DataError, match="no store is there") as refused:
            use(empty)
        assert postgresql not in str(refused.value)
    with pytest.raises(DataError, match="the database does not answer"):
        Reader("postgresql://park@127.0.0.1:1/postgres")
    wrong = postgresql.replace("park:", "park:x")
    with pytest.raises(DataError, match="the database does not answer"):
        Reader(wrong)


def test_a_question_over_a_store_on_a_server_is_proven(place: Place, store: Store) -> None:
    from tests.ledger.test_stored import sign  # noqa: PLC0415 - the same way of signing

    offer(store, PV, NOON - QUARTER, 5)
    sign(store)
    with Reader(place) as reader:
        found = prove(reader, ["pv/node@2026-04-17T11:45Z"])
    assert len(found["items"]) == 2
    assert clock_at(Hand(NOON)).now().known_at > 0
