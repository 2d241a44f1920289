"""Stores of a test: a clock that stands where the test puts it, three meters, one source.

The same tests run over a folder and, as part `stores` of all tests, over a PostgreSQL server.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger import server
from tests.ledger.made_up import MINUTE, QUARTER, Hand, clock_at
from zeropark.ledger.place import Place
from zeropark.ledger.registry import Point
from zeropark.ledger.store import Store, create

NOON = 1_776_427_200_000  # 2026-04-17T12:00Z
BOTH = ["folder", pytest.param("postgresql", marks=pytest.mark.stores)]
"""Parameters of the fixture `back_end` in a file of tests that hold over either."""
both = pytest.mark.parametrize("back_end", BOTH)
"""The same for a single test."""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with server.server() as address:
        yield address


@pytest.fixture
def back_end() -> str:
    return "folder"


@pytest.fixture
def hand() -> Hand:
    return Hand(NOON)


@pytest.fixture
def folder(tmp_path: Path, hand: Hand) -> Path:
    place = tmp_path / "store"
    create(place, "field", clock_at(hand), reserve=1 << 16)
    return place


@pytest.fixture
def place(back_end: str, hand: Hand, request: pytest.FixtureRequest) -> Place:
    """Return where the store of a test lies."""
    if back_end == "folder":
        found: Path = request.getfixturevalue("folder")
        return found
    address = server.fresh(request.getfixturevalue("postgresql"))
    create(address, "field", clock_at(hand), reserve=1 << 16)
    return address


@pytest.fixture
def store(place: Place, hand: Hand) -> Iterator[Store]:
    with Store(place, "test", clock=clock_at(hand), reserve=1 << 16) as opened:
        opened.register(
            [
                Point("pv/node", "Wh", interval=QUARTER, low=0, high=10_000, jump=5_000),
                Point("works/node", "Wh", interval=QUARTER, freeze_after=3),
                Point("air/t", "mdegC", "state", interval=MINUTE),
                Point("tie/import", "Wh", "counter", interval=QUARTER, roll_over=1_000_000),
                Point("car/session", "Wh"),
            ]
        )
        assert opened.source("gateway") == 0
        yield opened
