"""Postings: nothing is made, nothing lost, nothing moved twice, whoever asks and however often."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.conftest import BOTH
from tests.ledger.made_up import Hand, clock_at
from tests.ledger.payer import ACCOUNTS, CLIENTS, START, transfers_of
from zeropark.data.errors import DataError
from zeropark.ledger.place import Place
from zeropark.ledger.postings import MOST, Account, Balance, Posted, Postings, Transfer
from zeropark.ledger.rounding import half_even, in_parts
from zeropark.ledger.store import Store

ROOT = Path(__file__).parents[2]
_MADE = "SELECT count(*) FROM transfer WHERE id LIKE 'c%' AND id NOT LIKE '%-%-%'"
ROUNDS = int(os.environ.get("ZEROPARK_FAULT_ROUNDS", "3"))
# 1,000 of each of 100 clients at full length.
EACH = int(os.environ.get("ZEROPARK_TRANSFERS_EACH", "20"))


@pytest.fixture(params=BOTH)
def back_end(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def postings(store: Store) -> Postings:
    made = Postings(store)
    made.open(
        [
            Account("world", "Wh", "grid", "electricity"),
            Account("works", "Wh", "works", "electricity", above_zero=True),
            Account("hall", "Wh", "hall", "electricity", above_zero=True),
            Account("cash", "fen", "works", "money"),
        ]
    )
    assert made.post([Transfer("t0", "world", "works", 100)]) == [Posted.CREATED]
    return made


def lone(postings: Postings, transfer: Transfer) -> Posted:
    (became,) = postings.post([transfer])
    return became


def test_a_transfer_moves_an_amount_once(postings: Postings) -> None:
    paid = Transfer("t1", "works", "hall", 30, why="supply", about="leaf 7")
    assert lone(postings, paid) is Posted.CREATED
    assert lone(postings, paid) is Posted.EXISTS
    assert postings.balance("works") == Balance(debits_posted=30, credits_posted=100)
    assert postings.balance("hall").posted == 30


@pytest.mark.parametrize(
    ("transfer", "became"),
    [
        (Transfer("t0", "world", "works", 101), Posted.EXISTS_WITH_ANOTHER_BODY),
        (Transfer("", "world", "works", 1), Posted.ID_CANNOT_BE),
        (Transfer("x" * 129, "world", "works", 1), Posted.ID_CANNOT_BE),
        (Transfer("x" * 128, "world", "works", 1), Posted.CREATED),
        (Transfer("t", "wrold", "works", 1), Posted.DEBIT_ACCOUNT_UNKNOWN),
        (Transfer("t", "world", "work", 1), Posted.CREDIT_ACCOUNT_UNKNOWN),
        (Transfer("t", "world", "world", 1), Posted.ACCOUNTS_ARE_THE_SAME),
        (Transfer("t", "world", "cash", 1), Posted.ACCOUNTS_OF_DIFFERENT_UNITS),
        (Transfer("t", "world", "works", 0), Posted.AMOUNT_MUST_BE_POSITIVE),
        (Transfer("t", "world", "works", -1), Posted.AMOUNT_MUST_BE_POSITIVE),
        (Transfer("t", "world", "hall", MOST - 100), Posted.CREATED),
        (Transfer("t", "world", "hall", MOST - 99), Posted.BALANCE_WOULD_OVERFLOW),
        (Transfer("t", "world", "hall", MOST + 1), Posted.AMOUNT_IS_TOO_LARGE),
        (Transfer("t", "world", "works", MOST), Posted.BALANCE_WOULD_OVERFLOW),
        (Transfer("t", "works", "hall", 100), Posted.CREATED),
        (Transfer("t", "works", "hall", 101), Posted.BALANCE_WOULD_FALL_BELOW_ZERO),
        (Transfer("t", step="post", pending="none"), Posted.PENDING_TRANSFER_UNKNOWN),
        (Transfer("t", step="post", pending="t0"), Posted.TRANSFER_IS_NOT_PENDING),
        (Transfer("t", "works", "hall", 1, linked=True), Posted.LINK_IS_OPEN),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    postings: Postings, store: Store, transfer: Transfer, became: Posted
) -> None:
    # `world` gave 100 before.
    size = store.log.size
    assert lone(postings, transfer) is became
    assert store.log.size == size + (became is Posted.CREATED)


def test_a_pending_transfer_reserves_and_is_posted_in_part(postings: Postings) -> None:
    reserve = Transfer("r", "works", "hall", 80, "pending")
    assert lone(postings, reserve) is Posted.CREATED
    assert postings.balance("works").free == 20
    assert postings.balance("hall").posted == 0
    short = Transfer("s", "works", "hall", 21)
    assert lone(postings, short) is Posted.BALANCE_WOULD_FALL_BELOW_ZERO
    beyond = Transfer("p", amount=81, step="post", pending="r")
    assert lone(postings, beyond) is Posted.AMOUNT_IS_BEYOND_PENDING
    end = Transfer("p", amount=50, step="post", pending="r")
    assert [lone(postings, end), lone(postings, end)] == [Posted.CREATED, Posted.EXISTS]
    assert postings.balance("works") == Balance(debits_posted=50, credits_posted=100)
    assert postings.balance("hall") == Balance(credits_posted=50)
    again = Transfer("p2", step="post", pending="r")
    assert lone(postings, again) is Posted.PENDING_TRANSFER_ALREADY_POSTED
    assert lone(postings, short) is Posted.CREATED


def test_a_voided_transfer_leaves_nothing_behind(postings: Postings) -> None:
    before = postings.balance("works"), postings.balance("hall")
    lone(postings, Transfer("r", "works", "hall", 80, "pending"))
    assert lone(postings, Transfer("v", step="void", pending="r")) is Posted.CREATED
    assert (postings.balance("works"), postings.balance("hall")) == before
    for step in ("post", "void"):
        late = Transfer(f"late-{step}", step=step, pending="r")
        assert lone(postings, late) is Posted.PENDING_TRANSFER_ALREADY_VOIDED


def test_linked_transfers_hold_together_or_not_at_all(postings: Postings, store: Store) -> None:
    size = store.log.size
    first = Transfer("a", "works", "hall", 60, linked=True)
    second = Transfer("b", "works", "hall", 60)
    became = postings.post([first, second, Transfer("c", "works", "hall", 5)])
    failed = [Posted.LINKED_TRANSFER_FAILED, Posted.BALANCE_WOULD_FALL_BELOW_ZERO]
    assert became == [*failed, Posted.CREATED]
    assert store.log.size == size + 1
    assert postings.balance("works").posted == 95
    both = postings.post([first, Transfer("b", "works", "hall", 35)])
    assert both == [Posted.CREATED] * 2
    assert postings.balance("works").posted == 0


def test_balances_are_what_was_left_when_a_store_is_opened_again(
    place: Place, hand: Hand, postings: Postings, store: Store
) -> None:
    lone(postings, Transfer("r", "works", "hall", 80, "pending"))
    held = {name: postings.balance(name) for name in ("world", "works", "hall")}
    store.close()
    with Store(place, "again", clock=clock_at(hand), reserve=1 << 16) as opened:
        again = Postings(opened)
        assert {name: again.balance(name) for name in held} == held
        assert lone(again, Transfer("v", step="void", pending="r")) is Posted.CREATED


def test_an_account_is_never_changed(postings: Postings) -> None:
    with pytest.raises(DataError, match="an account is never changed"):
        postings.open([Account("works", "Wh", "works", "heat")])
    with pytest.raises(DataError, match=r"unit 'kwh' is not known\. Did you mean 'Wh'"):
        postings.open([Account("new", "kwh", "works", "heat")])
    with pytest.raises(DataError, match=r"account 'wroks' is not open\. Did you mean 'works'"):
        postings.balance("wroks")


def test_every_outcome_is_a_sentence_in_both_languages() -> None:
    words = [each.words for each in Posted]
    assert len({text.en for text in words}) == len({text.zh for text in words}) == len(Posted)


@pytest.mark.parametrize(
    ("numerator", "denominator", "nearest"),
    [(1, 2, 0), (3, 2, 2), (5, 2, 2), (-1, 2, 0), (-3, 2, -2), (7, 3, 2), (8, 3, 3), (0, 9, 0)],
)
def test_half_goes_to_the_even_one(numerator: int, denominator: int, nearest: int) -> None:
    assert half_even(numerator, denominator) == nearest


@given(st.integers(-(2**62), 2**62), st.lists(st.integers(0, 10**9), min_size=1).filter(any))
def test_parts_and_remainder_add_up_and_no_part_is_off_by_more_than_half(
    total: int, weights: list[int]
) -> None:
    found = in_parts(total, weights)
    assert sum(found.parts) + found.remainder == total
    for part, weight in zip(found.parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) <= Fraction(1, 2)


def test_a_hundred_clients_with_retries_and_kills_conserve_every_sum(place: Place) -> None:
    chance = random.Random(3)  # noqa: S311 - when to kill
    command = [sys.executable, "-m", "tests.ledger.payer", str(place), str(EACH)]
    for _ in range(ROUNDS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as payer:
            assert payer.stdout is not None
            assert payer.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.2))
            payer.kill()
        check_sums(place)
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    check_sums(place)
    with Store(place, "test", reserve=1 << 16) as store:
        ((known,),) = store.database.rows(_MADE)
        # Every transfer that could be was made, each once; the others were refused for good.
        asked = sum(len(transfers_of(client, EACH)) for client in range(CLIENTS))
        assert 0.5 * asked < known <= asked


def check_sums(place: Place) -> None:
    """Check that balances are the sums of the transfers in the log, and sum to nothing."""
    with Store(place, "test", reserve=1 << 16) as store:
        postings = Postings(store)
        names = [name for (name,) in store.database.rows("SELECT id FROM account")]
        balances = {name: postings.balance(name) for name in names}
        assert sum(balance.posted for balance in balances.values()) == 0
        again = dict.fromkeys(names, 0)
        sizes = store.database.rows("SELECT size FROM entry WHERE kind = 'posting' ORDER BY size")
        entries = store.log.entries(size for (size,) in sizes)
        assert len({entry["id"] for entry in entries}) == len(entries)
        pending = {e["id"]: e for e in entries if e["step"] == "pending"}
        for entry in entries:
            of = pending[entry["pending"]] if entry["pending"] else entry
            if entry["step"] in {"transfer", "post"}:
                amount = int(entry["amount"]) or int(of["amount"])
                again[of["debit"]] -= amount
                again[of["credit"]] += amount
        assert {name: balance.posted for name, balance in balances.items()} == again
        assert all(balances[name].free >= 0 for name in names if name != "world")
        if names:
            assert -balances["world"].posted <= START * ACCOUNTS
