"""Canonical JSON: the published examples, integers as text, and what is refused by its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeropark.data.errors import DataError
from zeropark.ledger import canonical

# RFC 8785 3.2.3: keys are ordered by their UTF-16 units, so an emoji stands before U+FB33.
SORTED = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\U0001f600": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LEAVES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def as_text(value: Any) -> Any:
    """Return a value with its integers as decimal strings, the slow and plain way."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_keys_stand_in_the_published_order() -> None:
    written = json.loads(canonical.dumps(SORTED))
    assert list(written.values()) == [
        *("Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis"),
        *("Euro Sign", "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh"),
    ]


def test_letters_are_written_as_published() -> None:
    # RFC 8785 3.2.2 and 3.2.4: the string and the literals of its example, as UTF-8.
    value = {"string": '\u20ac$\u000f\nA\'B"\\\\"/', "literals": [None, True, False]}
    due = '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical.dumps(value) == due.encode()


def test_integers_are_decimal_text_beyond_what_a_double_holds() -> None:
    assert canonical.dumps([0, -1, 2**53 + 1, True]) == b'["0","-1","9007199254740993",true]'


@given(LEAVES)
def test_what_is_written_reads_back_with_integers_as_text(value: Any) -> None:
    written = canonical.dumps(value)
    assert canonical.loads(written) == as_text(value)
    assert canonical.dumps(canonical.loads(written)) == written


@pytest.mark.parametrize(
    ("value", "key", "sentence"),
    [
        (
            {"a": [1, 2.5]},
            "leaf-float",
            "leaf.a[1]: 2.5 is no whole number; write an integer of the smallest unit (Wh, m°C",
        ),
        ({"a": float("nan")}, "leaf-float", "leaf.a: nan is no whole number"),
        ({"a": {1, 2}}, "leaf-kind", "leaf.a: a set cannot be written"),
        ({"a": {1: 2}}, "leaf-kind", "leaf.a: a key of type int cannot be written"),
        ({"a": "\ud800"}, "leaf-letter", "leaf: holds half a letter"),
    ],
)
def test_what_has_no_canonical_form_is_refused_by_its_place(
    value: Any, key: str, sentence: str
) -> None:
    with pytest.raises(DataError) as refused:
        canonical.dumps(value)
    assert refused.value.key == key
    assert refused.value.text.en.startswith(sentence)


@pytest.mark.parametrize(
    "written",
    [
        *(b'{"a": "1"}', b'{"b":"1","a":"2"}', b'{"a":1}', b'{"a":"1","a":"1"}', b'"\\u0041"'),
        *(b"", b"{", b"\xff", b"[" * 100_000, b"[" * 500 + b"]" * 500, b'{"a":"1"}\n', b"1e5"),
    ],
)
def test_bytes_of_another_spelling_are_no_leaf(written: bytes) -> None:
    try:
        value = canonical.loads(written)
    except DataError:
        return
    # Deep but well written, where the interpreter's stack allows it.
    assert canonical.dumps(value) == written
