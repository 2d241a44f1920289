"""Whole verification: a sound store holds, and any flipped byte is found and named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.made_log import START, Log, Shelf, key, shelf
from zeropark.ledger import canonical, heads, keys, leaf, merkle, rowform
from zeropark.ledger.signed import Signed, public_bytes
from zeropark.ledger.verify import Chunk, Difference, Fault, verify
from zeropark.units.text import Text


def made() -> Log:
    """Return a log of three batches, a posting, two signed heads, and leaves after the last."""
    log = Log()
    log.add(4)
    log.add(3)
    log.sign()
    log.post(5)
    log.add(2)
    log.sign()
    log.post(6)
    return log


MADE = made()


def flip(content: bytes, at: int, bit: int) -> bytes:
    """Return the bytes with one bit flipped."""
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def keys_found(store: Shelf, outside: list[tuple[str, Signed]] | None = None) -> list[str]:
    """Return the keys of the faults found."""
    return [each.key for each in verify(store, outside or []).faults]


@pytest.mark.parametrize("sealed", [0, 1, 2, 3])
def test_a_sound_store_holds(sealed: int) -> None:
    told: list[tuple[str, int]] = []
    verdict = verify(shelf(MADE, sealed), [("kept", MADE.head())], lambda *each: told.append(each))
    assert verdict.holds
    assert (verdict.store, verdict.nature, verdict.size) == ("works-1", "field", 9)
    assert (verdict.rows, verdict.heads, verdict.epoch) == (9, 3, 1)
    assert verdict.root == MADE.tree().root()
    assert told[2] == ("leaves", 9)
    assert told[-1] == ("rows", 9)


@given(st.data())
def test_any_flipped_bit_of_any_leaf_is_found(data: st.DataObject) -> None:
    store = shelf(MADE, 2)
    number = data.draw(st.integers(0, len(store.bodies) - 1))
    at = data.draw(st.integers(0, len(store.bodies[number]) - 1))
    store.bodies[number] = flip(store.bodies[number], at, data.draw(st.integers(0, 7)))
    assert "frontier" in keys_found(store)


@given(st.data())
def test_any_flipped_bit_of_any_row_is_found_and_its_batch_named(data: st.DataObject) -> None:
    store = shelf(MADE, 2)
    number = data.draw(st.integers(0, 1))
    chunk = store.chunks[number]
    assert isinstance(chunk, Chunk)
    at = data.draw(st.integers(0, len(chunk.rows) - 1))
    rows = flip(chunk.rows, at, data.draw(st.integers(0, 7)))
    store.chunks[number] = chunk._replace(rows=rows)
    (fault,) = verify(store).faults
    if fault.key == "rows-differ":
        batch = [(0, 3, 2), (4, 6, 3), (7, 8, 6)][(number and 2) or int(at >= 4 * rowform.WIDTH)]
        count = batch[1] - batch[0] + 1
        assert fault.sentence() == (
            f"{chunk.where}, rows {batch[0]} to {batch[1]}: the rows are not those under the root "
            f"in leaf {batch[2]}: one of {count} was changed, added or left out"
        )
    else:
        assert fault.key in {"row-version", "row-quality", "row-flags", "row-length", "row-value"}


@given(st.data())
def test_any_flipped_bit_of_the_trees_state_is_found(data: st.DataObject) -> None:
    store = shelf(MADE)
    at = data.draw(st.integers(0, len(store.state) - 1))
    store.state = flip(store.state, at, data.draw(st.integers(0, 7)))
    assert keys_found(store) in (["frontier"], ["frontier-damaged"])


@given(st.data())
def test_any_flipped_bit_of_a_kept_head_is_found(data: st.DataObject) -> None:
    head = MADE.head()
    whole = head.text + head.signature
    at = data.draw(st.integers(0, len(whole) - 1))
    whole = flip(whole, at, data.draw(st.integers(0, 7)))
    broken = Signed(whole[: len(head.text)], whole[len(head.text) :])
    verdict = verify(shelf(MADE), [("kept", broken)])
    assert [each.where for each in verdict.faults] == ["kept"]


def test_a_changed_leaf_is_narrowed_down_by_the_heads_beside_it() -> None:
    store = shelf(MADE)
    said = canonical.loads(store.bodies[5])
    store.bodies[5] = canonical.dumps({**said, "amount_wh": 4})
    sentences = [each.sentence() for each in verify(store).faults]
    assert sentences[0].startswith("frontier: the kept state of the tree (9, ")
    assert sentences[1].startswith("leaf 7: the log's first 7 leaves are not those signed on 2026")
    assert sentences[2] == (
        "log: a leaf from 4 to 7 was changed: heads hold up to 4 leaves, and not from 7 on"
    )


@pytest.mark.parametrize("chunk", [0, 1])
def test_rows_that_are_not_there_are_missed_by_name(chunk: int) -> None:
    store = shelf(MADE, 2)
    del store.chunks[chunk]
    sentences = [each.sentence() for each in verify(store).faults]
    words = "leaf {0}: the {1} rows of leaf {0} (from row {2}) are not there, and no leaf says that"
    due = [words.format(*each) + " they expired" for each in ((2, 4, 0), (3, 3, 4), (6, 2, 7))]
    assert sentences == (due[2:] if chunk else due[:2])


def test_rows_that_expired_by_a_leaf_are_not_missed() -> None:
    log = made()
    log.leaves.append(canonical.dumps({"kind": "expiry", "batches": [2], "policy": "raw, 2 years"}))
    store = shelf(log)
    del store.chunks[0]
    assert verify(store).holds


def test_rows_of_no_batch_are_named() -> None:
    log = made()
    rows = log.batches[6]
    store = shelf(log)
    store.chunks.append(Chunk("extra.parquet", 9, rows))
    store.chunks[0] = replace_rows(store.chunks[0])
    sentences = [each.sentence() for each in verify(store).faults]
    assert sentences[0] == "hot: rows 0 to 2 are those of no batch in the log"
    assert sentences[1] == "extra.parquet: rows 9 to 10 are those of no batch in the log"
    assert sentences[2].startswith("leaf 2: the 4 rows of leaf 2")


def replace_rows(chunk: Chunk | Fault) -> Chunk:
    """Return a chunk without its last row."""
    assert isinstance(chunk, Chunk)
    return chunk._replace(rows=chunk.rows[: -rowform.WIDTH])


def test_a_file_that_cannot_be_read_and_a_derived_table_are_faults_too() -> None:
    store = shelf(MADE)
    store.chunks.append(Fault("a.parquet", "sealed", Text("is not what was sealed", "与封存不符")))
    store.wrong.append(Difference("latest of works/meter", "5 Wh", "6 Wh"))
    verdict = verify(store)
    assert not verdict.holds
    assert [each.sentence("zh") for each in verdict.faults] == [
        "a.parquet：与封存不符",
        "latest of works/meter：存为 5 Wh；重算为 6 Wh",
    ]


@pytest.mark.parametrize(
    ("said", "due"),
    [
        (("works-1", "simulated"), "the first leaf says works-1 field, the store says works-1 "),
        (("works-2", "field"), "the first leaf says works-1 field, the store says works-2 field"),
    ],
)
def test_a_store_cannot_pass_for_another_or_for_one_of_the_field(
    said: tuple[str, str], due: str
) -> None:
    store = replace(shelf(MADE), said=said)
    faults = verify(store).faults
    assert faults[0].text.en.startswith(due)
    assert {each.key for each in faults} == {"log-nature", "head-other-store"}


def test_an_empty_store_is_none() -> None:
    empty = Shelf(("works-1", "field"), [], merkle.Frontier().to_bytes(), [])
    assert keys_found(empty) == ["log-empty"]


def test_a_log_that_does_not_begin_with_its_birth_is_none() -> None:
    log = made()
    log.leaves[0] = canonical.dumps({"kind": "posting"})
    assert keys_found(shelf(log))[0] == "log-birth"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]x",
        canonical.dumps({"kind": "readings"}),
        canonical.dumps({"kind": "readings", "count": 0, "sequence_from": 50}),
        canonical.dumps({"kind": "readings", "count": "many", "sequence_from": 50}),
        canonical.dumps({"kind": "readings", "count": 1, "sequence_from": 0}),
        canonical.dumps({"kind": "expiry"}),
        canonical.dumps({"kind": "expiry", "batches": ["x"]}),
        canonical.dumps({"kind": "head"}),
        canonical.dumps({"kind": "key", "signed": "{}", "signature": "00" * 64}),
    ],
)
def test_a_leaf_that_says_nothing_of_its_kind_is_named(body: bytes) -> None:
    log = made()
    log.leaves.append(body)
    (fault,) = verify(shelf(log)).faults
    assert fault.where == "leaf 9"
    assert not fault.text.en.startswith("leaf 9")


def test_a_head_in_the_log_signs_only_what_stands_before_it() -> None:
    log = made()
    log.leaves.append(canonical.dumps({"kind": "posting", "id": "later"}))
    head = log.head()
    log.leaves[-1] = canonical.dumps({"kind": "head", **head.document()})
    assert keys_found(shelf(log)) == ["head-ahead"]


def test_a_head_of_a_key_that_is_not_ours_is_found() -> None:
    log = made()
    verdict = verify(shelf(log), [("kept", log.head(signer=key(5)))])
    assert [each.key for each in verdict.faults] == ["key-not-ours"]


def test_the_key_holder_who_rewrites_a_reading_is_exposed_by_a_head_kept_before() -> None:
    """Someone with the store and the key changes one reading, rebuilds and re-signs all."""
    honest = made()
    kept = honest.head()
    forged = Log()
    forged.add(4)
    rows = rowform.decode(forged.batches[2]).copy()
    rows["value"][1] -= 500
    forged.leaves[2], forged.batches[2] = leaf.readings(rows), rowform.encode(rows)
    forged.add(3)
    forged.sign()
    forged.post(5)
    forged.add(2)
    forged.sign()
    forged.post(6)
    store = shelf(forged)
    # By itself the forged store is flawless: right key, right heads, right roots.
    assert verify(store).holds
    faults = verify(store, [("the report of January", kept)]).faults
    assert [each.key for each in faults] == ["head-rewritten"]
    assert (
        faults[0]
        .sentence()
        .startswith(
            "the report of January: the log's first 9 leaves are not those signed on 2026-01-01"
        )
    )
    assert "the past was rewritten" in faults[0].sentence()


def test_a_log_that_was_cut_back_is_exposed_by_a_head_kept_before() -> None:
    honest = made()
    kept = honest.head()
    short = made()
    short.leaves.pop()
    faults = verify(shelf(short), [("kept", kept)]).faults
    assert [each.key for each in faults] == ["head-leaves-lost"]


def test_heads_from_before_a_rotation_and_a_lost_key_still_hold() -> None:
    log = made()
    first = log.head()
    log.state(keys.rotated(log.signer, public_bytes(key(2)), 1, START + 20_000))
    log.signer = key(2)
    second = log.head(START + 30_000)
    log.state(keys.begun(key(3), 2, START + 40_000, "the disk is gone"))
    log.signer, log.epoch = key(3), 2
    third = log.head(START + 50_000)
    verdict = verify(shelf(log), [("a", first), ("b", second), ("c", third)])
    assert verdict.holds
    assert (verdict.heads, verdict.epoch) == (5, 2)
    assert heads.read(third, "c").epoch == 2
