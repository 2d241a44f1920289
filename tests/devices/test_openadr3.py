"""Our VEN and our VTN of OpenADR 3, each held to the published document at every exchange."""

from __future__ import annotations

import datetime as dt
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import yaml
from openadr3.api import OpenADRClient
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from tests.devices.served import LOOPBACK, Certified, Hand, certify, run
from zeropark.devices.catalogue import DeviceError
from zeropark.devices.grid.contract import Fate, Form, Heard, Told, Unfit, Wanted
from zeropark.devices.grid.openadr3_events import asked
from zeropark.devices.grid.openadr3_objects import DURATION, Event, Program, seconds_of
from zeropark.devices.grid.openadr3_vtn import BASE, Client, Vtn, application
from zeropark.devices.grid.protocols import openadr3
from zeropark.devices.tls import context
from zeropark.devices.wire import Wire
from zeropark.model.caller import CallerLine
from zeropark.units.text import Text

NOW = 1_700_000_000.0
CLIENTS = {
    "operator": Client("secret of the operator", "bl"),
    "park": Client("secret of the park", "ven"),
    "other": Client("secret of another", "ven"),
}
PROGRAMME = {
    "programName": "DR-2026",
    "payloadDescriptors": [
        {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": t, "units": "KW"}
        for t in ("DISPATCH_SETPOINT_RELATIVE", "IMPORT_CAPACITY_LIMIT")
    ],
}


# -- the published document ----------------------------------------------------------------------


@cache
def published() -> dict[str, Any]:
    text = Path(__file__).with_name("openadr3.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@cache
def validator(name: str) -> Any:
    """Return what holds an object to a schema of the document."""
    document = {**published(), "$ref": f"#/schemas/{name}"}
    resource = Resource.from_contents(document, default_specification=DRAFT4)
    registry: Any = Registry().with_resource("urn:openadr3", resource)
    return OAS30Validator({"$ref": f"urn:openadr3#/schemas/{name}"}, registry=registry)


def must_be(name: str, value: Any) -> None:
    wrong = [f"{name}: {error.message}" for error in validator(name).iter_errors(value)]
    assert not wrong


@dataclass
class Held:
    """A VTN whose every exchange is held to the document. exchanges: (method, path, status)."""

    vtn: Vtn
    url: str
    port: int
    clock: Hand
    exchanges: list[tuple[str, str, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def note(self, method: str, path: str, status: int, body: bytes, answer: bytes) -> None:
        """Hold one exchange to the document."""
        said, below = published()["paths"], path.removeprefix(BASE)
        place = next((p for p in said if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), below)), None)
        self.exchanges.append((method, below, status))
        if place is None or method.lower() not in said[place]:
            self.wrong.append(f"{method} {path} is not in the document")
            return
        operation = said[place][method.lower()]
        if status not in operation["status"]:
            self.wrong.append(f"{method} {path} answers {status}")
        shown = json.loads(answer)
        try:
            if status >= 400:
                must_be(operation.get("refusal", "problem"), shown)
                return
            if "body" in operation:
                must_be(operation["body"], json.loads(body))
            wanted = operation["answer"]
            for each in shown if isinstance(wanted, list) else [shown]:
                must_be(wanted[0] if isinstance(wanted, list) else wanted, each)
        except AssertionError as error:
            self.wrong.append(f"{method} {path}: {error}")


def watched(app: Any, held: Held) -> Any:
    """Return the application with an ear at its door."""

    async def ear(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        sent: dict[str, Any] = {"in": b"", "out": b"", "status": 0}

        async def heard() -> Any:
            message = await receive()
            sent["in"] += message.get("body", b"")
            return message

        async def said(message: Any) -> None:
            sent["status"] = message.get("status", sent["status"])
            sent["out"] += message.get("body", b"")
            await send(message)

        await app(scope, heard, said)
        held.note(scope["method"], scope["path"], sent["status"], sent["in"], sent["out"])

    return ear


@contextmanager
def served(folder: Path, tls: Certified | None = None) -> Iterator[Held]:
    """Serve a VTN on loopback; on leaving, nothing it did may be otherwise than published."""
    clock = Hand()
    held = Held(Vtn(folder / "vtn.json", CLIENTS, clock), "", 0, clock)
    more = {} if tls is None else {"ssl_certfile": tls.certificate}
    settings = uvicorn.Config(
        watched(application(held.vtn), held), host=LOOPBACK, port=0, log_level="critical",
        ws="none", lifespan="off", **more,  # type: ignore[arg-type] # a path or nothing
    )  # fmt: skip
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        held.port = server.servers[0].sockets[0].getsockname()[1]
        held.url = f"http://{LOOPBACK}:{held.port}{BASE}"
        yield held
    finally:
        server.should_exit = True
        thread.join()
    assert not held.wrong


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20.0
    while not holds():
        assert time.monotonic() < end, "never came"
        time.sleep(0.005)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    with served(tmp_path) as found:
        yield found


@contextmanager
def client(held: Held, name: str) -> Iterator[OpenADRClient]:
    """The client of another code base, signed in."""
    with OpenADRClient(held.url) as found:
        found.fetch_token(name, CLIENTS[name].secret, token_url=f"{held.url}/auth/token")
        yield found


def made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def line(**changes: Any) -> CallerLine:
    told: dict[str, Any] = {
        "name": "aggregator", "protocol": "openadr3", "asset": "tie", "host": LOOPBACK,
        "path": BASE, "programme": "DR-2026", "user": "park", "secret": "vtn",
    }  # fmt: skip
    return CallerLine.model_validate(told | changes)


def ven(held: Held, *, password: str = CLIENTS["park"].secret, **changes: Any) -> openadr3.Ven:
    tls: ssl.SSLContext | None = changes.pop("tls", None)
    wire = Wire(LOOPBACK, held.port, timeout=5.0, password=password, tls=tls)
    return openadr3.side(line(**changes), wire, held.clock)


def stamp(after: float) -> str:
    return dt.datetime.fromtimestamp(NOW + after, dt.UTC).isoformat()


def event(
    programme: str = "p1",
    kw: Any = -500.0,
    *,
    after: float = 3600.0,
    duration: str | None = "PT1H",
    type_: str = "DISPATCH_SETPOINT_RELATIVE",
    units: str | None = "KW",
    **more: Any,
) -> dict[str, Any]:
    """An event of one interval that begins `after` seconds from now."""
    period = {"start": stamp(after)} | ({} if duration is None else {"duration": duration})
    return {
        "programID": programme,
        "payloadDescriptors": [{"payloadType": type_, "units": units}],
        "intervalPeriod": period,
        "intervals": [{"id": 0, "payloads": [{"type": type_, "values": [kw]}]}],
        **more,
    }


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
        Wanted("e0/3", Form.CALL, NOW + 3600.0, 1.0, 0.5, 2500.0),
        Wanted("e1/0", Form.LIMIT, NOW - 600.0, 1.0, 3.0),
    ]


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
        (event(kw=500.0), "e0/0: DISPATCH_SETPOINT_RELATIVE of 500 KW; allowed: below 0"),
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
        wanted = Wanted(f"{seen['id']}/0", Form.CALL, NOW + 3600.0, 1.0, 0.5)
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
