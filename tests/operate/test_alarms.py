"""Alarms: rows that say what to do, states, delays, what hides them, and how many there are."""

from __future__ import annotations

import pytest

from zeropark.data.errors import DataError
from zeropark.operate.alarms import Annunciator, Standing, rows
from zeropark.operate.authority import ROLES, Actor

DISPATCHER = Actor("os_user", "li", "dispatcher", "local")
AUDITOR = Actor("os_user", "wu", "auditor", "local")


def told(board: Annunciator, *causes: tuple[str, str], at: float, **gateways: str) -> list[str]:
    changes = board.look([(key, source, "") for key, source in causes], at, gateways)
    return [f"{each.id} {each.state.value}" for each in changes]


def test_every_alarm_says_in_both_languages_what_to_do() -> None:
    assert rows()
    for row in rows().values():
        for words in (row.title, row.cause, row.means, row.action):
            assert words.en
            assert words.zh
        assert set(row.shelve.roles) <= set(ROLES)
        assert (row.shelve.hours > 0) == bool(row.shelve.roles)
        assert row.under is None or row.under in rows()


@pytest.mark.parametrize(
    ("key", "priority"),
    [
        ("limit_broken", "high"),  # severe, 5 min
        ("gateway_silent", "high"),  # severe, 10 min
        ("device_silent", "medium"),  # major, 30 min
        ("reading_bad", "low"),  # minor, 60 min
        ("certificate_ends", "low"),
    ],
)
def test_priority_follows_from_consequence_and_time(key: str, priority: str) -> None:
    assert rows()[key].priority == priority


def test_a_cause_is_told_when_it_has_lasted_and_not_before() -> None:
    board = Annunciator()
    assert told(board, ("device_silent", "bat"), at=0.0) == []
    assert told(board, ("device_silent", "bat"), at=4.9) == []
    assert told(board, ("device_silent", "bat"), at=5.0) == ["device_silent:bat unacknowledged"]
    assert told(board, ("device_silent", "bat"), at=6.0) == []


def test_what_returned_unseen_stays_until_somebody_has_seen_it() -> None:
    board = Annunciator()
    told(board, ("device_silent", "bat"), at=0.0)
    told(board, ("device_silent", "bat"), at=5.0)
    assert told(board, at=10.0) == []
    assert told(board, at=20.0) == ["device_silent:bat returned, not acknowledged"]
    assert [each.id for each in board.standing()] == ["device_silent:bat"]
    assert board.acknowledge("device_silent:bat").state is Standing.NORMAL
    assert board.standing() == []


def test_what_was_seen_goes_when_its_cause_goes() -> None:
    board = Annunciator()
    told(board, ("not_following", "bat"), at=0.0)
    assert board.acknowledge("not_following:bat").state is Standing.ACKNOWLEDGED
    assert told(board, at=1.0) == [
        "not_following:bat acknowledged",
        "not_following:bat normal",
    ]


def test_devices_behind_a_lost_gateway_are_one_alarm() -> None:
    board = Annunciator()
    lost = [("device_silent", f"pv{i}") for i in range(20)] + [("gateway_silent", "gw1")]
    lost.append(("flow_blind", "pv7"))
    behind = {f"pv{i}": "gw1" for i in range(20)}
    told(board, *lost, at=0.0, **behind)
    assert told(board, *lost, at=5.0, **behind) == ["gateway_silent:gw1 unacknowledged"]
    # The gateway is back, one device is not: now it is told for itself.
    assert told(board, ("device_silent", "pv3"), at=6.0, **behind) == [
        "device_silent:pv3 unacknowledged"
    ]


def test_shelving_is_for_some_and_ends() -> None:
    board = Annunciator()
    told(board, ("not_following", "bat"), at=0.0)
    with pytest.raises(DataError, match="may be shelved by: specialist, dispatcher"):
        board.shelve("not_following:bat", 1.0, AUDITOR, 0.0)
    with pytest.raises(DataError, match="at most 24 h"):
        board.shelve("not_following:bat", 24.1, DISPATCHER, 0.0)
    with pytest.raises(DataError, match="more than 0"):
        board.shelve("not_following:bat", float("nan"), DISPATCHER, 0.0)
    board.shelve("not_following:bat", 24.0, DISPATCHER, 0.0)
    assert told(board, ("not_following", "bat"), at=1.0) == ["not_following:bat normal"]
    assert told(board, ("not_following", "bat"), at=86_399.0) == []
    assert told(board, ("not_following", "bat"), at=86_400.0) == [
        "not_following:bat unacknowledged"
    ]


def test_a_broken_limit_cannot_be_shelved_and_an_alarm_that_is_not_cannot_be_seen() -> None:
    board = Annunciator()
    told(board, ("limit_broken", "tie"), at=0.0)
    told(board, ("limit_broken", "tie"), at=15.0)
    with pytest.raises(DataError, match="may not be shelved"):
        board.shelve("limit_broken:tie", 1.0, DISPATCHER, 0.0)
    with pytest.raises(DataError, match="alarm 'limit_broken:tai' is not there"):
        board.acknowledge("limit_broken:tai")


def test_the_burden_is_counted_as_the_standard_counts_it() -> None:
    board = Annunciator()
    for at in (0.0, 20.0, 40.0):
        told(board, ("not_following", "bat"), at=at)
        told(board, at=at + 10.0)
    told(board, ("certificate_ends", "gw"), at=3_600.0)
    burden = board.burden(2 * 3600.0)
    assert burden["per_hour"] == 2.0  # four alarms in two hours
    assert burden["most_in_ten_minutes"] == 3.0
    assert burden["chattering"] == 1.0
    assert burden["over_a_day"] == 0.0
    assert burden["share_medium"] == 0.75
    assert board.burden(3_600.0 + 86_401.0)["over_a_day"] == 1.0
