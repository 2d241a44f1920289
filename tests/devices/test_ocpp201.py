"""Events of OCPP 2.0.1 transactions, in order and out of it, and what limits a running one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.v201 import call

from tests.devices.served import TOPIC, pair, run
from zeropark.devices.catalogue import read_template
from zeropark.devices.contract import Driver, Outcome, Quality
from zeropark.devices.protocols import ocpp201
from zeropark.devices.protocols.ocpp201 import Transactions

CHARGER = read_template("ocpp201-charger")
EVENTS = [("Started", 0), ("Updated", 1), ("Updated", 2), ("Ended", 3)]


@given(st.permutations(EVENTS))
def test_the_order_of_events_changes_nothing_of_what_is_known_in_the_end(
    events: list[tuple[str, int]],
) -> None:
    transactions = Transactions(TOPIC)
    said = [transactions.take(event, "t1", number, 2) for event, number in events]
    assert transactions.running(2) is None
    assert transactions.evse_of("t1") == 2
    assert any(said) == (events != EVENTS)


def test_a_transaction_runs_from_its_beginning_to_its_end_where_it_is() -> None:
    transactions = Transactions(TOPIC)
    for event, number in EVENTS[:3]:
        assert transactions.take(event, "t1", number, 1) is None
        assert transactions.running(1) == "t1"
        assert transactions.running(2) is None
    assert transactions.take("Started", "t2", 0, 2) is None
    assert transactions.take("Ended", "t1", 3, None) is None
    assert (transactions.running(1), transactions.running(2)) == (None, "t2")


@pytest.mark.parametrize(
    ("before", "event", "number", "said"),
    [
        ([], "Updated", 4, "cp1: Updated of transaction t1 came before its beginning"),
        ([("Started", 0)], "Started", 1, "cp1: transaction t1 began twice"),
        ([("Started", 0), ("Updated", 2)], "Updated", 2, "message 2 of transaction t1 came after"),
        ([("Started", 0)], "Updated", 2, "messages of transaction t1 between 0 and 2 are missing"),
        ([("Started", 0)], "Updated", 1, None),
    ],
)
def test_what_is_out_of_order_is_a_sentence(
    before: list[tuple[str, int]], event: str, number: int, said: str | None
) -> None:
    transactions = Transactions(TOPIC)
    for each, at in before:
        transactions.take(each, "t1", at, 1)
    found = transactions.take(event, "t1", number, 1)
    assert (found is None) == (said is None)
    assert found is None or (said or "") in found.en
    assert found is None or found.zh


def test_ended_transactions_are_forgotten_but_for_the_last() -> None:
    transactions = Transactions(TOPIC)
    for number in range(200):
        transactions.take("Ended", f"t{number}", 0, 1)
    assert len(transactions._all) == 64


def happened(event: str, number: int, *, at: str, value: float | None, evse: int | None) -> Any:
    sample: dict[str, Any] = {"value": value, "measurand": "Power.Active.Import"}
    sample["unitOfMeasure"] = {"unit": "W", "multiplier": 3}
    return call.TransactionEvent(
        event,
        at,
        "MeterValuePeriodic",
        number,
        {"transactionId": "t1"},
        meter_value=None if value is None else [{"timestamp": at, "sampledValue": [sample]}],
        evse=None if evse is None else {"id": evse},
    )


def said_of(driver: Driver) -> str:
    said = driver.health().said
    return "" if said is None else said.en


def test_a_running_transaction_is_limited_with_its_own_profile() -> None:
    async def live() -> None:
        async with pair(CHARGER) as (driver, device, _, host):
            line = host.lines[TOPIC]
            early = happened("Updated", 1, at="2026-04-17T03:01:00Z", value=40.0, evse=None)
            await line.call(early)
            assert (await driver.read()).reading("charge").quality == Quality.MISSING
            assert "not at which EVSE" in said_of(driver)
            began = happened("Started", 0, at="2026-04-17T03:00:00Z", value=None, evse=1)
            await line.call(began)
            await driver.write({"charge": 0.02})
            assert line._where == {3: 1, 4: 1}
            assert line.purposes == ["TxProfile", "TxDefaultProfile"]
            await line.call(happened("Updated", 2, at="2026-04-17T03:02:00Z", value=50, evse=None))
            await line.call(early)
            reading = (await driver.read()).reading("charge")
            assert reading.value == pytest.approx(0.05)
            assert "message 1 of transaction t1 came after 2" in said_of(driver)
            await line.call(happened("Ended", 3, at="2026-04-17T03:03:00Z", value=0, evse=1))
            assert (await driver.write({"charge": None}))["charge"].outcome is Outcome.SENT
            assert line._where == {}
            assert device.setpoints() == {}

    run(live())


def test_the_whole_station_has_a_limit_of_its_own_kind() -> None:
    async def live() -> None:
        async with pair(CHARGER, unit_id=0) as (driver, device, _, host):
            host.lines[TOPIC]._connectors.devices[0] = device
            assert (await driver.write({"charge": 0.02}))["charge"].outcome is Outcome.TAKEN
            assert host.lines[TOPIC].purposes == ["ChargingStationMaxProfile"]

    run(live())


def test_an_address_that_is_no_measurand_is_a_sentence() -> None:
    points = (CHARGER.points[0].model_copy(update={"address": "RPM"}),)
    ((place, text),) = ocpp201.wrong_points(CHARGER.model_copy(update={"points": points}))
    assert place == "points.0.address"
    assert text.en.startswith("'RPM' is no measurand of OCPP 2.0.1")
    assert not list(ocpp201.wrong_points(CHARGER))
