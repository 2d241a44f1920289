"""Commands from a desk: what stops always works, what widens takes a reason and a factor."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.faces.test_web import WORDS, living, park, people, room, secrets
from tests.operate.living import Lived
from zeropark.data.errors import DataError
from zeropark.faces.web import totp
from zeropark.faces.web.commands import COMMANDS
from zeropark.faces.web.factors import Factors
from zeropark.faces.web.guard import COOKIE
from zeropark.faces.web.people import SESSION_S, STOPS_S, People
from zeropark.faces.web.roles import MAY, ROLES, acting, commands
from zeropark.operate.authority import AT_ONCE, TABLE, WIDENING
from zeropark.operate.bands import Orders
from zeropark.units.text import Text

__all__ = ["living", "park", "people", "room", "secrets"]  # fixtures


class Desk:
    """Somebody at a desk who commands."""

    def __init__(self, room: TestClient, people: People, secret: str) -> None:
        self.room, self.people, self.secret = room, people, secret
        session = people.over(secret)
        assert session is not None
        self.name, self.csrf = session.person.name, session.csrf

    def ask(self, verb: str, **fields: str) -> tuple[int, dict[str, Any]]:
        """Send a form; return (status, answer)."""
        self.room.cookies.clear()
        answer = self.room.post(
            f"/command/{verb}?lang=en", data={"csrf": self.csrf, **fields},
            headers={"Cookie": f"{COOKIE}={self.secret}"},
        )  # fmt: skip
        return answer.status_code, dict(answer.json())

    def code(self) -> str:
        """Return a code that was not used, by setting the factor up anew."""
        factors = Factors(self.people)
        factors.forget(self.name)
        secret = factors.begin(self.name)
        now = self.people.now()
        factors.confirm(self.name, totp.code_at(secret, now - totp.STEP_S))
        return totp.code_at(secret, now)


@pytest.fixture
def fresh(park: Lived, people: People) -> Iterator[None]:
    """Nothing in force, and nobody who has shown a factor or guessed."""
    box = park.service.box
    yield
    box.orders.__dict__.update(Orders().__dict__)
    box.unexplained.clear()
    box._waiting.clear()
    people.rows("DELETE FROM proved")
    people.rows("DELETE FROM failed")


@pytest.fixture
def desks(
    room: TestClient, people: People, secrets: dict[str, str], fresh: None
) -> dict[str, Desk]:
    del fresh
    return {role: Desk(room, people, secret) for role, secret in secrets.items()}


def take(park: Lived) -> None:
    """Let the cycle take what waits, and the room hear of it."""
    park.service.report = asyncio.run(park.service.cycle.once())
    park.living.look()


@pytest.mark.parametrize("role", list(ROLES))
def test_everybody_stops_the_park_without_code_or_reason(
    park: Lived, desks: dict[str, Desk], role: str
) -> None:
    status, said = desks[role].ask("stop", held="1")
    assert (status, said["ok"]) == (200, True), said
    take(park)
    assert park.service.box.orders.stopped


def test_a_touch_is_no_stop(park: Lived, desks: dict[str, Desk]) -> None:
    status, said = desks["dispatcher"].ask("stop")
    assert (status, said["key"]) == (422, "not_held")
    take(park)
    assert not park.service.box.orders.stopped


def test_the_stop_reaches_every_device_with_a_wrong_clock_no_network_and_no_session(
    park: Lived, people: People, desks: dict[str, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, true = desks["specialist"], people.now
    # No network: nothing but sockets of this machine.
    plain = socket.socket.connect

    def only_here(wire: socket.socket, address: Any) -> None:
        if wire.family != socket.AF_UNIX:
            raise OSError
        plain(wire, address)

    monkeypatch.setattr(socket.socket, "connect", only_here)
    for off in (-3_600.0, 3_600.0, SESSION_S + 3_600.0):
        monkeypatch.setattr(people, "now", lambda off=off: true() + off)
        status, said = desk.ask("stop", held="1")
        assert status == 200, (off, said)
        take(park)
        assert park.service.box.orders.stopped
        report = park.service.report
        assert report is not None
        for lever in park.service.cycle.levers:
            if lever.steered.stores or lever.steered.sign < 0:
                assert report.told[lever.asset][lever.steered.point] == 0.0, lever
        park.service.box.orders.stopped = False
    # What widens asks for a session that holds.
    status, said = desk.ask("hold", on="battery", value_kw="1", why="test")
    assert (status, said["key"]) == (401, "session_over")
    assert "nothing is lost" in said["said"]
    # A week later the desk is nobody's.
    monkeypatch.setattr(people, "now", lambda: true() + SESSION_S + STOPS_S + 1.0)
    assert people.session(desk.secret) is None


def test_who_has_signed_out_stops_nothing(room: TestClient, people: People) -> None:
    entered = people.sign_in("specialist", WORDS, "test")
    assert entered is not None
    desk = Desk(room, people, entered[0])
    people.sign_out(entered[0])
    status, said = desk.ask("stop", held="1")
    assert (status, said["key"]) == (401, "session_over")


@pytest.mark.parametrize("verb", ["rest", "lock"])
def test_a_safe_value_and_a_lock_take_one_confirmation_and_a_reason_may_follow(
    park: Lived, desks: dict[str, Desk], verb: str
) -> None:
    status, said = desks["dispatcher"].ask(verb, on="battery", held="1")
    assert status == 200, said
    take(park)
    waiting = park.living.status["unexplained"]  # type: ignore[index] # it answers
    assert [(each["order"], each["name"]) for each in waiting] == [(said["order"], "dispatcher")]
    status, said = desks["dispatcher"].ask("explain", on=said["order"], why="smoke")
    assert status == 200, said
    take(park)
    assert park.living.status["unexplained"] == []  # type: ignore[index] # as above


def test_a_hand_takes_a_reason_and_a_factor_that_is_good_for_a_while(
    park: Lived, desks: dict[str, Desk]
) -> None:
    desk = desks["dispatcher"]
    asked = {"on": "battery", "value_kw": "-250"}
    code = desk.code()
    for given, key in (
        ({}, "factor_absent"),
        ({"why": "test"}, "factor_absent"),
        ({"why": "test", "code": "12"}, "factor_wrong"),
        ({"code": code}, "why_absent"),
        ({"why": "test", "value_kw": "much"}, "not_a_number"),
        ({"why": "test", "value_kw": "99999999"}, "beyond"),
        ({"why": "test", "on": "batery"}, "asset_absent"),
    ):
        status, said = desk.ask("hold", **{**asked, **given})
        assert (status, said["key"]) == (422, key), said
    status, said = desk.ask("hold", **asked, why="test")
    assert status == 200, said
    take(park)
    assert park.service.box.orders.hand == {("battery", "p"): -0.25}
    entries = park.store.log.entries(
        size for (size,) in park.store.database.rows(
            "SELECT size FROM entry WHERE kind = 'command' AND subject = 'order' ORDER BY size"
        )
    )  # fmt: skip
    held = [each for each in entries if each["order"] == said["order"]]
    assert held[0]["factor"] == "within"
    assert (held[0]["name"], held[0]["role"], held[0]["channel"]) == (
        "dispatcher", "dispatcher", "web",
    )  # fmt: skip


def test_without_an_authenticator_one_is_told_where_to_set_it_up(desks: dict[str, Desk]) -> None:
    Factors(desks["specialist"].people).forget("specialist")
    status, said = desks["specialist"].ask("hold", on="battery", value_kw="1", why="test")
    assert (status, said["key"]) == (422, "factor_absent")
    assert "page Me" in said["said"]


def test_the_second_of_two_tabs_is_told(park: Lived, desks: dict[str, Desk]) -> None:
    desk = desks["dispatcher"]
    seen = park.living.status["newest"].get("battery", "")  # type: ignore[index] # it answers
    first = desk.ask("hold", on="battery", value_kw="100", why="a", seen=seen, code=desk.code())
    assert first[0] == 200, first
    status, said = desk.ask("hold", on="battery", value_kw="200", why="b", seen=seen)
    assert (status, said["key"]) == (422, "changed_since")
    assert "dispatcher did 'set a device by hand' here" in said["said"]


def test_a_command_sent_twice_is_done_once(park: Lived, desks: dict[str, Desk]) -> None:
    desk = desks["dispatcher"]
    asked = {"on": "battery", "value_kw": "100", "why": "a", "once": "k-1"}
    first = desk.ask("hold", **asked, code=desk.code())
    again = desk.ask("hold", **asked)
    assert first[1]["order"] == again[1]["order"]
    assert len(park.service.box._waiting) == 1


@pytest.mark.parametrize("verb", sorted(COMMANDS))
@pytest.mark.parametrize("role", list(ROLES))
def test_a_role_commands_what_the_table_says(
    desks: dict[str, Desk], park: Lived, role: str, verb: str
) -> None:
    desk = desks[role]
    kinds = {"acknowledge": "alarm", "shelve": "alarm", "explain": "order"}
    on_assets = {on for (v, on) in TABLE if v == verb} & {"asset"}
    kind = kinds.get(verb, "asset" if on_assets else "park")
    # Of the park's own party: what it may do with another's asset.
    on = {"asset": "tie" if verb in {"limit", "unlimit"} else "battery"}.get(kind, "")
    own = role == "party" and kind == "asset"
    allowed = acting(role) in TABLE.get((verb, "own" if own else kind), frozenset())
    code = {"code": desk.code()} if verb in WIDENING else {}
    held = {"held": "1"} if verb in AT_ONCE else {}
    status, said = desk.ask(
        verb, on=on, why="test", value_kw="1", power_kw="1", hours="1", **code, **held
    )
    refused = said["key"] == "not_allowed"
    assert refused is not allowed, said
    assert (status == 422) is refused or not refused
    park.service.box._waiting.clear()


def test_the_operator_of_the_system_commands_nothing() -> None:
    assert not commands("operator")
    assert not commands("auditor")
    assert all(commands(role) for role in ("dispatcher", "specialist", "party", "leadership"))
    assert set(MAY["see_park"]) == set(ROLES) - {"party"}


def test_a_form_of_another_session_or_site_is_refused(
    room: TestClient, desks: dict[str, Desk]
) -> None:
    desk = desks["dispatcher"]
    desk.csrf = "other"
    assert desk.ask("stop", held="1")[1]["key"] == "old_form"
    answer = room.post(
        "/command/stop", data={"held": "1"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    word = room.get("/word", headers={"Cookie": f"{COOKIE}={desk.secret}"}).json()
    desk.csrf = word["csrf"]
    assert desk.ask("stop", held="1")[0] == 200
    assert room.get("/word").status_code == 401


def test_without_operate_a_command_is_a_sentence(
    park: Lived, desks: dict[str, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(said: Mapping[str, Any]) -> Mapping[str, Any]:
        del said
        raise DataError("nobody_listens", Text("nobody", "无"))

    monkeypatch.setattr(park.living, "_ask", nobody)
    status, said = desks["dispatcher"].ask("stop", held="1")
    assert (status, said["key"]) == (503, "nobody_listens")
    assert "devices' own stop" in said["said"]


@pytest.mark.parametrize(
    "given", ["", "1e999", "nan", "١٢", "9" * 400, "<script>", "\u202e12", "🙂"]
)
def test_no_number_is_a_sentence(desks: dict[str, Desk], given: str) -> None:
    desk = desks["dispatcher"]
    status, said = desk.ask("hold", on="battery", value_kw=given, why="test", code=desk.code())
    assert status in {200, 422}
    if status == 422:
        assert said["key"] in {"not_a_number", "beyond"}
        assert json.dumps(said)


def test_pages_show_what_is_by_hand_and_what_may_be_asked(
    room: TestClient, park: Lived, secrets: dict[str, str], desks: dict[str, Desk]
) -> None:
    def page(role: str, address: str) -> str:
        room.cookies.clear()
        return room.get(address, headers={"Cookie": f"{COOKIE}={secrets[role]}"}).text

    text = page("dispatcher", "/asset/battery?lang=en")
    assert 'action="/command/hold"' in text
    assert 'action="/command/stop"' in text
    assert 'action="/command/hold"' not in page("auditor", "/asset/battery?lang=en")
    desk = desks["dispatcher"]
    desk.ask("hold", on="battery", value_kw="100", why="storm ahead", code=desk.code())
    desk.ask("stop", held="1")
    take(park)
    text = page("dispatcher", "/asset/battery?lang=en")
    assert "storm ahead" in text
    assert 'action="/command/auto"' in text
    assert "The park is stopped" in text
    assert 'action="/command/resume"' in text
    assert 'action="/command/resume"' not in page("specialist", "/asset/battery?lang=en")
    assert "the reason is still missing" in page("auditor", "/now?lang=en")
    assert 'action="/command/call"' in page("leadership", "/call?lang=en")
    assert 'action="/command/call"' not in page("specialist", "/call?lang=en")
