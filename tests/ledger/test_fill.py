"""Gaps are filled by a method that is named, and for a claim only where the method says so."""

from __future__ import annotations

import pytest

from tests.ledger.conftest import BOTH, NOON
from tests.ledger.made_up import HOUR, PV, QUARTER, WORKS, missing, offer
from zeropark.data.errors import DataError
from zeropark.ledger.fill import METHODS, Filled, fill, may_be_claimed
from zeropark.ledger.history import READ_FROM_METERS
from zeropark.ledger.registry import Point
from zeropark.ledger.rowform import Quality
from zeropark.ledger.store import Store

FROM = NOON - 6 * HOUR


@pytest.fixture(params=BOTH)
def back_end(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def gappy(store: Store) -> None:
    """Offer 10, 20, nothing, missing, 25 of the works, and 7 beside all of them but the last."""
    for k, value in ((0, 10), (1, 20), (4, 25)):
        offer(store, WORKS, FROM + k * QUARTER, value)
    missing(store, WORKS, FROM + 3 * QUARTER)
    store.register([Point("works/check", "Wh", interval=QUARTER)])
    check = store.registry.number("works/check")
    for k in range(4):
        offer(store, check, FROM + k * QUARTER, 7 + k)


def filled(store: Store, by: str, beside: str = "", *, dry_run: bool = False) -> Filled:
    span = (FROM - QUARTER, FROM + 6 * QUARTER)
    return fill(store, "works/node", *span, by, beside, dry_run=dry_run)


# (20 + 25) / 2 is 22.5, and the even one of 22 and 23 is 22. Nothing stands before the first.
@pytest.mark.parametrize(
    ("by", "beside", "expected", "left"),
    [
        ("last", "", {2: 20, 3: 20, 5: 25}, 1),
        ("mean", "", {2: 22, 3: 22}, 2),
        ("beside", "works/check", {2: 9, 3: 10}, 2),
    ],
)
def test_a_gap_is_filled_as_the_method_says(
    store: Store, by: str, beside: str, expected: dict[int, int], left: int
) -> None:
    gappy(store)
    size, rows = store.log.size, store.history.rows(every=True).tobytes()
    seen = filled(store, by, beside, dry_run=True)
    assert (store.log.size, store.history.rows(every=True).tobytes()) == (size, rows)
    done = filled(store, by, beside)
    found = dict(zip(done.start.tolist(), done.value.tolist(), strict=True))
    assert found == {FROM + k * QUARTER: value for k, value in expected.items()}
    assert (seen.start.tolist(), seen.value.tolist()) == (done.start.tolist(), done.value.tolist())
    assert (done.left, seen.left) == (left, left)
    assert done.taken is not None
    assert done.taken.whole
    rows_now = store.history.rows([WORKS])
    made = rows_now[rows_now["source"] == store.sources[f"fill: {by}"]]
    assert made["value"].tolist() == list(expected.values())
    assert set(made["quality"].tolist()) == {int(METHODS[by].quality)}
    # What was measured stays as it was, and filling again finds nothing new.
    assert store.history.rows([WORKS], FROM, FROM + QUARTER)["value"].tolist() == [10]
    assert len(filled(store, by, beside).start) == 0


@pytest.mark.parametrize(
    ("by", "beside", "claimed"), [("last", "", 55), ("mean", "", 55), ("beside", "works/check", 74)]
)
def test_what_was_filled_counts_for_a_claim_only_where_the_method_says_so(
    store: Store, by: str, beside: str, claimed: int
) -> None:
    gappy(store)
    filled(store, by, beside)
    # 10 + 20 + 25 measured; 9 and 10 of the other meter.
    sums = store.history.sums(
        [WORKS], FROM, FROM + 6 * QUARTER, 1 << 62, qualities=READ_FROM_METERS,
        sources=may_be_claimed(store.sources),
    )  # fmt: skip
    assert sums.total.tolist() == [claimed]


@pytest.mark.parametrize(
    ("name", "by", "beside", "words"),
    [
        ("works/node", "men", "", "'men' is no method of filling. Did you mean 'mean'"),
        ("works/nod", "mean", "", "'works/nod' is not registered. Did you mean 'works/node'"),
        ("car/session", "mean", "", "has readings of any length"),
        ("tie/import", "last", "", "is a counter, whose next reading says"),
        ("works/node", "beside", "", "needs another point with the same unit and interval"),
        ("works/node", "beside", "air/t", "needs another point with the same unit and interval"),
    ],
)
def test_what_cannot_be_filled_is_a_sentence(
    store: Store, name: str, by: str, beside: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        fill(store, name, FROM, NOON, by, beside)


def test_a_suspect_reading_is_no_gap_and_nobody_is_named_like_a_method(store: Store) -> None:
    offer(store, PV, FROM, -5)
    assert store.history.rows([PV])["quality"].tolist() == [int(Quality.SUSPECT)]
    seen = fill(store, "pv/node", FROM, FROM + QUARTER, "last")
    assert (len(seen.start), seen.left) == (0, 0)
    with pytest.raises(DataError, match="does not begin with 'fill: '"):
        store.source("fill: beside")
