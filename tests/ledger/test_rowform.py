"""The row of a reading: where each byte lies, there and back, and what no row can say."""

from __future__ import annotations

import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.house import repository
from zeropark.data.errors import DataError
from zeropark.ledger import canonical, leaf, merkle, rowform
from zeropark.ledger.rowform import NO_VALUE, ROW, WIDTH, Flag, Quality

INT64 = st.integers(-(2**63), 2**63 - 1)
# One reading: 12 345 Wh in the quarter-hour from 2026-01-01T00:00Z, known five seconds after it.
ONE = (1, 1, 7, 42, 1_767_225_600_000, 900_000, 12_345, 1_767_226_505_000, 99, 2)


def one(**changed: int) -> rowform.Rows:
    """Return the one reading as a row, with fields changed."""
    row = np.array([ONE], dtype=ROW)
    for name, value in changed.items():
        row[name] = value
    return row


def test_each_byte_lies_where_the_layout_says() -> None:
    by_hand = struct.pack("<BBHIqqqqqI", *ONE)
    assert len(by_hand) == WIDTH == 52
    assert rowform.encode(one()) == by_hand
    assert merkle.row_root(by_hand, WIDTH) == merkle.leaf_hash(by_hand)


def test_the_layout_is_the_documented_one() -> None:
    page = repository.ROOT / "docs/reference/row-layout.md"
    rows = [
        each for each in repository.tables(page.read_text(encoding="utf-8")) if "offset" in each
    ]
    documented = [(row["field"], int(row["offset"]), row["type"]) for row in rows]
    fields = ROW.fields
    assert fields is not None
    types = {"uint8": "u1", "uint16": "u2", "uint32": "u4", "int64": "i8"}
    assert documented == [
        (f"`{name}`", fields[name][1], types[fields[name][0].name]) for name in ROW.names or ()
    ]


def test_codes_are_the_documented_ones() -> None:
    page = (repository.ROOT / "docs/reference/row-layout.md").read_text(encoding="utf-8")
    said = {
        row["name"]: int(row["code"]) for row in repository.tables(page) if set(row) >= {"code"}
    }
    bits = {row["name"]: int(row["bit"]) for row in repository.tables(page) if set(row) >= {"bit"}}
    assert said == {each.name.lower(): each.value for each in Quality}
    assert bits == {(each.name or "").lower(): each.value.bit_length() - 1 for each in Flag}
    assert re.search(r"\b52 bytes\b", page)


@given(
    st.lists(
        st.tuples(
            *(st.sampled_from([1, 2, 3, 4, 5]), st.integers(0, 2**16 - 1)),
            *(st.integers(0, 2**32 - 1), st.integers(-(2**63), 2**62), st.integers(0, 2**62 - 1)),
            *(INT64.filter(lambda each: each != NO_VALUE), INT64, st.integers(0, 2**62)),
            st.integers(0, 2**10 - 1),
        ),
        max_size=20,
    )
)
def test_rows_come_back_as_they_were(drawn: list[tuple[int, ...]]) -> None:
    rows = np.array([(1, *each) for each in drawn], dtype=ROW)
    written = rowform.encode(rows)
    assert len(written) == WIDTH * len(drawn)
    assert rowform.decode(written).tolist() == rows.tolist()
    assert written == b"".join(struct.pack("<BBHIqqqqqI", 1, *each) for each in drawn)


def test_blank_rows_are_missing_and_not_zero() -> None:
    rows = rowform.blank(2)
    assert rows["value"].tolist() == [NO_VALUE, NO_VALUE]
    assert rowform.decode(rowform.encode(rows))["quality"].tolist() == [Quality.MISSING] * 2


@pytest.mark.parametrize(
    ("changed", "key", "sentence"),
    [
        (
            {"version": 2},
            "row-version",
            "row 0: layout 2 is not known here; this zeropark reads layout 1. Use the version",
        ),
        ({"version": 0}, "row-version", "row 0: layout 0 is not known here"),
        ({"quality": 0}, "row-quality", "row 0: quality 0 is not known; allowed: 1 measured, "),
        ({"quality": 7}, "row-quality", "row 0: quality 7 is not known; allowed: 1 measured, "),
        ({"flags": 1 << 10}, "row-flags", "row 0: flags 1024 hold a bit without a meaning"),
        ({"length": -1}, "row-length", "row 0: an interval of -1 ms; allowed: 0 (a moment)"),
        ({"length": 2**63 - 1}, "row-length", "row 0: an interval of 9223372036854775807 ms"),
        ({"quality": 6}, "row-value", "row 0: a reading of quality missing has no value"),
        ({"value": NO_VALUE}, "row-value", "row 0: a reading of quality missing has no value"),
    ],
)
def test_what_no_row_can_say_is_refused_both_ways(
    changed: dict[str, int], key: str, sentence: str
) -> None:
    rows = one(**changed)
    for way in (lambda: rowform.encode(rows), lambda: rowform.decode(rows.tobytes())):
        with pytest.raises(DataError) as refused:
            way()
        assert refused.value.key == key
        assert refused.value.text.en.startswith(sentence)


def test_the_row_at_fault_is_named() -> None:
    rows = np.concatenate([one(), one(), one(length=-900_000)])
    with pytest.raises(DataError, match="row 2: an interval of -900000 ms"):
        rowform.encode(rows)


def test_cut_bytes_are_refused_and_none_are_no_rows() -> None:
    with pytest.raises(DataError, match="51 bytes are no whole number of rows of 52"):
        rowform.decode(rowform.encode(one())[:-1])
    assert len(rowform.decode(b"")) == 0


def test_a_newer_layout_of_another_width_is_refused_as_newer_and_not_as_cut() -> None:
    with pytest.raises(DataError, match="layout 2 is not known here"):
        rowform.decode(b"\2" + bytes(59))


def test_a_batch_is_a_leaf_with_its_root_count_and_range() -> None:
    rows = np.concatenate(
        [one(), one(start=1_767_224_700_000, sequence=100, known_at=1_767_226_506_000)]
    )
    said = canonical.loads(leaf.readings(rows))
    assert said.pop("root") == merkle.root([rows[:1].tobytes(), rows[1:].tobytes()]).hex()
    assert said == {
        "kind": "readings",
        "layout": "1",
        "count": "2",
        "start": "1767224700000",
        "end": "1767226500000",
        "known_from": "1767226505000",
        "known_to": "1767226506000",
        "sequence_from": "99",
        "sequence_to": "100",
    }


def test_the_first_leaf_says_whether_the_store_is_of_the_field() -> None:
    assert leaf.birth("a1", "simulated", 5) == (
        b'{"at":"5","kind":"store","nature":"simulated","store":"a1"}'
    )
