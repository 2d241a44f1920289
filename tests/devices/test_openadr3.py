"""Our VEN and our VTN of OpenADR 3, each held to the published document at every exchange."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from openadr3.api import OpenADRClient

from tests.devices.served import LOOPBACK, Hand, certify, run
from tests.devices.served_vtn import (
    NOW,
    PROGRAMME,
    Held,
    client,
    event,
    line,
    made,
    must_be,
    published,
    served,
    stamp,
    ven,
)
from zeropark.devices.catalogue import DeviceError
from zeropark.devices.grid.contract import Fate, Form, Heard, Told, Unfit, Wanted
from zeropark.devices.grid.openadr3_events import asked
from zeropark.devices.grid.openadr3_objects import DURATION, Event, Program, seconds_of
from zeropark.devices.grid.protocols import openadr3
from zeropark.devices.tls import context
from zeropark.devices.wire import Wire
from zeropark.units.text import Text


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    with served(tmp_path) as found:
        yield found


# -- what an event says ----------------------------------------------------------------------------


def understood(*raws: Mapping[str, Any], name: str = "park") -> tuple[list[Wanted], list[Unfit]]:
    programmes = {"p1": Program.model_validate({"id": "p1", **PROGRAMME})}
    events = [Event.model_validate({"id": f"e{i}", **raw}) for i, raw in enumerate(raws)]
    return asked(events, programmes, name, NOW)


def test_a_call_and_a_limit_are_understood_with_their_price() -> None:
    priced = event(
        intervals=[
            {
                "id": 3,
                "payloads": [
                    {"type": "DISPATCH_SETPOINT_RELATIVE", "values": [-500]},
                    {"type": "PRICE", "values": [2.5]},
                ],
            }
        ],
        payloadDescriptors=[
            {"payloadType": "DISPATCH_SETPOINT_RELATIVE", "units": "KW"},
            {"payloadType": "PRICE", "units": "KWH", "currency": "CNY"},
        ],
    )
    limit = event(kw=3.0, units="MW", type_="IMPORT_CAPACITY_LIMIT", after=-600.0)
    wanted, unfit = understood(priced, limit)
    assert not unfit
    assert wanted == [
        Wanted("e0/3", Form.LESS, NOW + 3600.0, 1.0, 0.5, 2500.0),
        Wanted("e1/0", Form.LIMIT, NOW - 600.0, 1.0, 3.0),
    ]


def test_a_relative_set_point_above_0_asks_for_more() -> None:
    (wanted,), unfit = understood(event(kw=500.0))
    assert not unfit
    assert (wanted.form, wanted.power) == (Form.MORE, 0.5)


def test_intervals_follow_one_another_unless_they_say_when() -> None:
    def interval(number: int, kw: float, **more: Any) -> dict[str, Any]:
        payload = {"type": "DISPATCH_SETPOINT_RELATIVE", "values": [kw]}
        return {"id": number, "payloads": [payload], **more}

    late = {"intervalPeriod": {"start": stamp(36_000.0), "duration": "PT30M"}}
    three = event(intervals=[interval(0, -100.0), interval(1, -200.0), interval(2, -300.0, **late)])
    wanted, unfit = understood(three)
    assert not unfit
    assert [(w.begin - NOW, w.hours, w.power) for w in wanted] == [
        (3600.0, 1.0, 0.1),
        (7200.0, 1.0, 0.2),
        (36_000.0, 0.5, 0.3),
    ]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (event("p2"), "event e0: programme 'p2' is not known here; ours: DR-2026"),
        (event(after=-60.0), "e0/0 began at 2023-11-14T22:12:20+00:00, it is "),
        (event(after=0.0), "e0/0 began at 2023-11-14T22:13:20+00:00, it is "),
        (event(after=-3600.0), "e0/0 ended at 2023-11-14T22:13:20+00:00, it is "),
        (event(duration="PT0S"), "e0/0 lasts PT0S; allowed: more than nothing, such as PT1H"),
        (event(duration=None), "e0/0 lasts PT0S; allowed: more than nothing, such as PT1H"),
        (event(duration="-PT1H"), "e0/0 lasts -PT1H; allowed: more than nothing"),
        (event(duration="P1M"), "e0/0: duration 'P1M' is no span of weeks, days, hours"),
        (event(duration="1 hour"), "e0/0: duration '1 hour' is no span of weeks"),
        (
            event(units="KWH"),
            "e0/0: DISPATCH_SETPOINT_RELATIVE is in unit 'KWH'. Did you mean 'KW'?",
        ),
        (
            event(units="THERMS"),
            (
                "e0/0: DISPATCH_SETPOINT_RELATIVE is in unit 'THERMS'. Allowed: KW, MW, said in "
                "payloadDescriptors"
            ),
        ),
        (event(kw=0.0), "e0/0: DISPATCH_SETPOINT_RELATIVE of 0 KW; allowed: below 0"),
        (event(kw="much"), "e0/0: DISPATCH_SETPOINT_RELATIVE must have one finite number"),
        (event(kw=True), "e0/0: DISPATCH_SETPOINT_RELATIVE must have one finite number"),
        (
            event(kw=-1.0, type_="IMPORT_CAPACITY_LIMIT"),
            "e0/0: IMPORT_CAPACITY_LIMIT of -1 KW; allowed: 0 or more",
        ),
        (event(type_="SIMPLE", kw=1), "e0/0: payload SIMPLE is not understood. Allowed: DISPATCH"),
        (
            event(type_="DISPATCH_SETPOINT", kw=1),
            (
                "e0/0: payload DISPATCH_SETPOINT is not understood. Did you mean "
                "'DISPATCH_SETPOINT_RELATIVE'?"
            ),
        ),
        (event(intervals=[]), "event e0 has no intervals; write at least one"),
        (event(intervalPeriod=None), "e0/0: no start and duration; write an intervalPeriod"),
    ],
)
def test_an_event_that_cannot_be_done_is_a_sentence_and_nothing_else(
    raw: Mapping[str, Any], said: str
) -> None:
    wanted, unfit = understood(raw)
    assert not wanted
    (one,) = unfit
    assert one.text.en.startswith(said)
    assert one.text.zh
    assert one.text.zh != one.text.en


def test_of_two_events_that_overlap_the_more_urgent_stays() -> None:
    wanted, unfit = understood(event(priority=5), event(after=5400.0, priority=1))
    assert [w.id for w in wanted] == ["e1/0"]
    assert [u.text.en for u in unfit] == ["e0/0 overlaps e1/0; end one before the other begins"]


def test_events_that_touch_do_not_overlap() -> None:
    wanted, unfit = understood(event(), event(after=7200.0))
    assert len(wanted) == 2
    assert not unfit


def test_an_event_for_another_ven_is_not_ours() -> None:
    other = event(targets=[{"type": "VEN_NAME", "values": ["other"]}])
    ours = event(targets=[{"type": "VEN_NAME", "values": ["other", "park"]}])
    assert understood(other) == ([], [])
    assert len(understood(ours)[0]) == 1


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("PT1H", 3600.0), ("P1DT30M", 88_200.0), ("P2W", 1_209_600.0), ("PT0.5S", 0.5), ("PT0S", 0.0)],
)
def test_durations_of_the_document_are_seconds(written: str, seconds: float) -> None:
    assert seconds_of(written) == seconds
    assert re.match(published()["schemas"]["duration"]["pattern"], written)
    assert published()["schemas"]["duration"]["pattern"] == DURATION


# -- our VTN against a client of another code base -------------------------------------------------


def test_an_operator_publishes_and_a_ven_of_another_code_base_reads_and_reports(
    held: Held,
) -> None:
    with client(held, "operator") as operator, client(held, "park") as park:
        programme = made(operator.create_program(PROGRAMME))
        published_event = made(operator.create_event(event(programme["id"])))
        (seen,) = park.get_events(programID=programme["id"]).json()
        assert seen == published_event
        assert park.get_events(programID="elsewhere").json() == []
        report = {
            "programID": programme["id"],
            "eventID": seen["id"],
            "clientName": "park",
            "resources": [{"resourceName": "park", "intervals": []}],
        }
        made(park.create_report(report))
        assert [r["clientName"] for r in operator.get_reports(eventID=seen["id"]).json()] == [
            "park"
        ]
        changed = event(programme["id"], -400.0)
        assert operator.update_event(seen["id"], changed).status_code == 200
        assert operator.delete_event(seen["id"]).status_code == 200
        assert park.get_event_by_id(seen["id"]).status_code == 404


def test_vens_and_their_resources_are_kept_under_the_ven(held: Held) -> None:
    with client(held, "park") as park:
        own = made(park.create_ven({"venName": "park"}))
        below = f"/vens/{own['id']}/resources"
        kept = park._request("POST", below, json={"resourceName": "battery"})
        assert kept.json()["venID"] == own["id"]
        assert park._request("GET", below).json() == [kept.json()]
        assert park._request("GET", "/vens/nobody/resources").status_code == 404
        assert park.create_ven({"venName": "park"}).status_code == 409


def test_what_was_published_outlives_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as held, client(held, "operator") as operator:
        programme = made(operator.create_program(PROGRAMME))
    with served(tmp_path) as held, client(held, "operator") as operator:
        assert operator.get_programs().json() == [programme]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"programID": "nowhere"}, 400, "programme 'nowhere' is not known here"),
        ({"intervals": []}, 400, "has no intervals"),
        ({"intervalPeriod": {"start": stamp(3600.0), "duration": "PT0S"}}, 400, "lasts PT0S"),
        ({"intervalPeriod": {"start": stamp(-60.0), "duration": "PT1H"}}, 400, "began at"),
        ({"intervalPeriod": {"start": "soon"}}, 400, "event: intervalPeriod.start"),
        ({"payloadDescriptors": [{"payloadType": "DISPATCH_SETPOINT_RELATIVE", "units": "HP"}]},
         400, "is in unit 'HP'"),
        ({"intervalPeriod": {"start": stamp(5400.0), "duration": "PT1H"}}, 409, "overlaps"),
    ],
)  # fmt: skip
def test_an_event_nobody_could_do_is_not_published(
    held: Held, change: Mapping[str, Any], status: int, said: str
) -> None:
    with client(held, "operator") as operator:
        programme = made(operator.create_program(PROGRAMME))
        made(operator.create_event(event(programme["id"])))
        answer = operator.create_event({**event(programme["id"], after=36_000.0), **change})
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert said in answer.json()["title"]
        assert answer.json()["detail"]
        assert len(operator.get_events().json()) == 1


def test_nobody_does_what_his_role_may_not(held: Held) -> None:
    with client(held, "park") as park, client(held, "operator") as operator:
        assert park.create_program(PROGRAMME).status_code == 403
        programme = made(operator.create_program(PROGRAMME))
        seen = made(operator.create_event(event(programme["id"])))
        report = {
            "programID": programme["id"],
            "eventID": seen["id"],
            "clientName": "other",
            "resources": [],
        }
        assert park.create_report(report).status_code == 403
        assert operator.create_report(report).status_code == 403


def test_a_wrong_secret_gets_no_token_and_a_wrong_or_old_token_nothing(held: Held) -> None:
    form = {"grant_type": "client_credentials", "client_id": "park", "client_secret": "guess"}
    refused = httpx.post(f"{held.url}/auth/token", data=form)
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_client"})
    other = httpx.post(f"{held.url}/auth/token", data={**form, "grant_type": "password"})
    assert other.json() == {"error": "unsupported_grant_type"}
    with OpenADRClient(held.url, token="made up") as stranger:  # noqa: S106 - it is none
        assert stranger.get_programs().status_code == 403
    with client(held, "park") as park:
        assert park.get_programs().status_code == 200
        held.clock.now += 3600.0
        assert park.get_programs().status_code == 403


# -- our VEN ---------------------------------------------------------------------------------------


def test_our_ven_hears_its_programme_and_reports_what_became_of_it(held: Held) -> None:
    with client(held, "operator") as operator:
        made(operator.create_program({"programName": "other"}))
        programme = made(operator.create_program(PROGRAMME))
        seen = made(operator.create_event(event(programme["id"])))

        async def live() -> Heard | None:
            side = ven(held)
            heard = await side.hear(NOW)
            assert heard is not None
            over = {"baseline": 1.0, "metered": 0.55, "delivered": 0.45}
            told = Told(Fate.DONE, Text("over", "结束"), over)
            assert await side.tell(heard.wanted[0], told)
            assert side.health().answering
            await side.close()
            return heard

        heard = run(live())
        wanted = Wanted(f"{seen['id']}/0", Form.LESS, NOW + 3600.0, 1.0, 0.5)
        assert heard == Heard([wanted], [])
        (report,) = operator.get_reports(eventID=seen["id"]).json()
        (resource,) = report["resources"]
        (interval,) = resource["intervals"]
        shown = {payload["type"]: payload["values"] for payload in interval["payloads"]}
        assert shown == {
            "OPERATING_STATE": ["NORMAL"],
            "ZEROPARK_WORDS": ["over"],
            "BASELINE": [1000.0],
            "USAGE": [550.0],
            "DELTA_USAGE": [450.0],
        }


def test_more_events_than_a_page_holds_are_all_heard(held: Held) -> None:
    with client(held, "operator") as operator:
        programme = made(operator.create_program(PROGRAMME))
        for i in range(51):
            made(operator.create_event(event(programme["id"], after=3600.0 * (1 + i))))

    async def live() -> int:
        heard = await ven(held).hear(NOW)
        return -1 if heard is None else len(heard.wanted)

    assert run(live()) == 51


def said_of(side: openadr3.Ven) -> tuple[str, str]:
    """Return what a side says where it hears nothing."""

    async def live() -> None:
        assert await side.hear(NOW) is None

    run(live())
    said = side.health().said
    assert said is not None
    return said.en, said.zh


def test_a_programme_the_vtn_does_not_have_is_named_with_those_it_has(held: Held) -> None:
    with client(held, "operator") as operator:
        made(operator.create_program(PROGRAMME))
    en, zh = said_of(ven(held, programme="DR-2025"))
    assert en == ("the VTN has no programme 'DR-2025'. Did you mean 'DR-2026'? It has: DR-2026")
    assert "DR-2025" in zh


def test_a_wrong_secret_is_named(held: Held) -> None:
    en, _ = said_of(ven(held, password="guess"))  # noqa: S106 - it is none
    assert en == "the VTN gives us no token (invalid_client); check user and secret"


def test_a_token_that_is_no_longer_good_is_had_anew(held: Held) -> None:
    with client(held, "operator") as operator:
        made(operator.create_program(PROGRAMME))

    async def live() -> None:
        side = ven(held)
        assert await side.hear(NOW) is not None
        held.clock.now += 3601.0
        assert await side.hear(NOW) is not None

    run(live())
    assert [e[1] for e in held.exchanges if e[2] == 403] == ["/programs"]


def test_a_vtn_that_is_gone_is_named_and_tried_again_later(tmp_path: Path) -> None:
    with served(tmp_path) as held:
        side = ven(held)
    en, _ = said_of(side)
    assert en == f"no answer from 127.0.0.1:{held.port} within 5 s"
    assert side.health().next_try > held.clock()


def test_an_event_that_is_not_as_published_is_a_sentence(held: Held) -> None:
    with client(held, "operator") as operator:
        programme = made(operator.create_program(PROGRAMME))
    broken = {"id": "e9", "programID": programme["id"], "intervals": [{"id": 0}]}
    held.vtn.objects["events"]["e9"] = broken

    async def live() -> Heard | None:
        return await ven(held).hear(NOW)

    heard = run(live())
    assert heard is not None
    (unfit,) = heard.unfit
    assert unfit.text.en == (
        "event e9 is not as OpenADR 3.0.1 has it: intervals.0.payloads: Field required"
    )
    held.wrong.clear()  # the VTN was made to say it


@pytest.mark.parametrize(
    ("certified", "said"),
    [
        ({}, ""),
        ({"days": -1}, "the device's certificate has expired; have it renewed"),
        ({"name": "other.example"}, "the device's certificate is for another name than 127.0.0.1"),
    ],
)
def test_a_vtn_in_tls_is_believed_by_its_certificate(
    tmp_path: Path, certified: Any, said: str
) -> None:
    own = certify(tmp_path / "own", **certified)
    with served(tmp_path, own) as held:
        held.vtn.keep("programs", PROGRAMME, "operator")
        side = ven(held, tls=context(own.authority))

        async def live() -> bool:
            return await side.hear(NOW) is not None

        assert run(live()) is (not said)
    shown = side.health()
    assert shown.said is None if not said else str(shown.said and shown.said.en).startswith(said)
    assert (shown.certificate_ends is not None) is (not said)


def test_a_vtn_of_an_authority_nobody_knows_is_not_believed(tmp_path: Path) -> None:
    own, stranger = certify(tmp_path / "own"), certify(tmp_path / "stranger")
    with served(tmp_path, own) as held:
        en, _ = said_of(ven(held, tls=context(stranger.authority)))
    assert en.startswith("the device's certificate is signed by nobody we trust")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"programme": ""},
            "aggregator: openadr3 needs programme, the name of the VTN's programme",
        ),
        ({"user": None}, "aggregator: openadr3 needs user, our client id"),
        ({"secret": None}, "aggregator: openadr3 needs secret, the name of our client secret"),
        ({"host": "vtn.example"}, "aggregator: the secret would go to vtn.example in the clear"),
    ],
)
def test_a_line_that_lacks_something_is_refused(change: Mapping[str, Any], said: str) -> None:
    with pytest.raises(DeviceError) as refused:
        openadr3.side(line(**change), Wire(LOOPBACK, 80), Hand())
    assert refused.value.text.en.startswith(said)
    assert refused.value.text.zh


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("event", {"programID": "p1"}),
        ("event", {"programID": "p 1", "intervals": []}),
        ("report", {"programID": "p", "eventID": "e", "clientName": "", "resources": []}),
        ("intervalPeriod", {"start": "2026-01-01T00:00:00Z", "duration": "1 hour"}),
        ("valuesMap", {"type": "PRICE", "values": [{"x": 1}]}),
    ],
)
def test_the_typed_document_holds_what_it_says(name: str, wrong: Any) -> None:
    with pytest.raises(AssertionError):
        must_be(name, wrong)
