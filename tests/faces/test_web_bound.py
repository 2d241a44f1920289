"""Programs that command: bound, granted by a second person, once for each key, slowed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.faces.test_web import WORDS, living, park, people, room, secrets
from tests.faces.test_web_commands import Desk, fresh
from tests.operate.living import Lived
from zeropark.data.errors import DataError
from zeropark.faces.cli.refused import Refused
from zeropark.faces.cli.user_reset import reset
from zeropark.faces.web.app import Room
from zeropark.faces.web.bound import Bounds
from zeropark.faces.web.factors import Factors
from zeropark.faces.web.guard import COOKIE
from zeropark.faces.web.limits import MINUTE_S, Limiter
from zeropark.faces.web.people import People, Person, Token

__all__ = ["fresh", "living", "park", "people", "room", "secrets"]  # fixtures
# As the test client says where it comes from: no address of a network.
HERE = "192.0.2.7"
COUNT = count()
KNOWN = ("battery", "tie")


@dataclass
class Program:
    """A program with a token, at an address."""

    room: TestClient
    secret: str

    def ask(self, key: str = "", **body: Any) -> tuple[int, dict[str, Any]]:
        """Command; return (status, answer)."""
        self.room.cookies.clear()
        key = key or f"k{next(COUNT)}"
        headers = {"Authorization": f"Bearer {self.secret}", "Idempotency-Key": key}
        answer = self.room.post("/api/v1/commands", json=body, headers=headers)
        return answer.status_code, dict(answer.json())


@pytest.fixture
def bound(
    room: TestClient, people: People, fresh: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Program, Token]]:
    """A token of the dispatcher that may set the battery from -200 to 200 kW, from one address."""
    del fresh
    owner = Person("dispatcher", "dispatcher")
    secret, token = people.give_token(owner, "scheduler", ("command", "read"), 1)
    Bounds(people).bind(token, ("battery",), -0.2, 0.2, HERE, "operator", KNOWN)
    monkeypatch.setattr(room, "_transport", Elsewhere(room._transport))
    yield Program(room, secret), token
    people.revoke(token.id, "test")


class Elsewhere:
    """Has requests come from an address of a network."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        inner.client = (HERE, 50_000)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


HOLD: dict[str, Any] = {"verb": "hold", "on": "battery", "value_mw": 0.1, "why": "schedule"}


def test_a_token_commands_only_once_its_owner_has_granted_it(
    bound: tuple[Program, Token], people: People, park: Lived
) -> None:
    program, token = bound
    status, said = program.ask(**HOLD)
    assert (status, said["key"]) == (422, "bound_not_granted")
    for other in ("operator", "specialist"):
        with pytest.raises(DataError, match="who made a token does not grant it"):
            Bounds(people).grant(token.id, other)
    Bounds(people).grant(token.id, "dispatcher")
    status, said = program.ask(**HOLD)
    assert status == 200, said
    park.service.report = asyncio.run(park.service.cycle.once())
    assert park.service.box.orders.hand == {("battery", "p"): 0.1}
    (entry,) = [each for each in park.service.box.shown if each["order"] == said["order"]]
    assert entry["stage"] == "taken"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"on": "tie"}, "bound_assets"),
        ({"value_mw": 0.2001}, "bound_range"),
        ({"value_mw": -0.2001}, "bound_range"),
        ({"verb": "resume", "on": ""}, "bound_verb"),
        ({"verb": "call", "on": "", "power_mw": 0.1}, "bound_verb"),
        ({"verb": "stop", "on": ""}, ""),
        ({"why": ""}, "why_absent"),
        ({"on": "batery"}, "bound_assets"),
    ],
)
def test_a_token_stays_within_its_bounds(
    bound: tuple[Program, Token], people: People, body: dict[str, Any], key: str
) -> None:
    program, token = bound
    Bounds(people).grant(token.id, "dispatcher")
    status, said = program.ask(f"{body}", **{**HOLD, **body})
    assert (status, said.get("key", "")) == (422 if key else 200, key), said
    for edge in (0.2, -0.2):
        assert program.ask(**{**HOLD, "value_mw": edge})[0] == 200


def test_a_token_commands_from_its_address_only(
    bound: tuple[Program, Token], people: People
) -> None:
    program, token = bound
    Bounds(people).grant(token.id, "dispatcher")
    program.room._transport.inner.client = ("192.0.2.8", 50_000)  # type: ignore[attr-defined] # see `Elsewhere`
    status, said = program.ask(**HOLD)
    assert (status, said["key"]) == (422, "bound_address")
    assert said["title_zh"].startswith("该令牌只能从")


def test_a_key_stands_for_one_command(bound: tuple[Program, Token], people: People) -> None:
    program, token = bound
    Bounds(people).grant(token.id, "dispatcher")
    first, again = (program.ask("one", **HOLD) for _ in range(2))
    assert first[1]["order"] == again[1]["order"]
    status, said = program.ask("one", **{**HOLD, "value_mw": 0.15})
    assert (status, said["key"]) == (422, "once_other")
    headers = {"Authorization": f"Bearer {program.secret}"}
    assert program.room.post("/api/v1/commands", json=HOLD, headers=headers).status_code == 422


def test_a_token_without_the_scope_commands_nothing(room: TestClient, people: People) -> None:
    secret, _ = people.give_token(Person("dispatcher", "dispatcher"), "x", ("read",), 1)
    assert Program(room, secret).ask(**HOLD)[0] == 403
    assert Program(room, "zp_wrong").ask(**HOLD)[0] == 401


def test_what_operate_says_is_read_and_paged(
    bound: tuple[Program, Token], people: People, park: Lived
) -> None:
    program, token = bound
    Bounds(people).grant(token.id, "dispatcher")
    for i in range(3):
        program.ask(f"p{i}", **HOLD)
    park.living.look()
    headers = {"Authorization": f"Bearer {program.secret}"}
    page = program.room.get("/api/v1/commands?count=2", headers=headers).json()
    assert (len(page["commands"]), page["next"]) == (2, 2)
    status = program.room.get("/api/v1/status", headers=headers).json()
    assert "battery/p" in status["levers"]
    assert program.room.get("/api/v1/calls", headers=headers).json()["calls"] == []


@pytest.mark.parametrize(
    ("assets", "low", "high", "address", "key"),
    [
        ((), 0.0, 1.0, HERE, "bound_assets"),
        (("batery",), 0.0, 1.0, HERE, "bound_assets"),
        (("battery",), 1.0, 0.0, HERE, "bound_range"),
        (("battery",), float("nan"), 1.0, HERE, "bound_range"),
        (("battery",), 0.0, 1.0, "here", "bound_address"),
    ],
)
def test_a_bound_that_binds_nothing_is_refused(
    people: People, assets: tuple[str, ...], low: float, high: float, address: str, key: str
) -> None:
    with pytest.raises(DataError) as refused:
        Bounds(people).check(assets, low, high, address, KNOWN)
    assert refused.value.key == key


def test_a_token_that_commands_is_made_by_one_and_granted_by_another_on_the_pages(
    room: TestClient, people: People, secrets: dict[str, str], fresh: None
) -> None:
    del fresh
    session = people.session(secrets["operator"])
    assert session is not None
    form = {
        "csrf": session.csrf, "label": "scheduler", "days": "1", "scope_command": "on",
        "owner": "dispatcher", "assets": "battery", "low_kw": "-200", "high_kw": "200",
        "address": HERE,
    }  # fmt: skip
    cookie = {"Cookie": f"{COOKIE}={secrets['operator']}"}
    before = {each.id for each in Bounds(people).all()}
    refused = room.post("/people/token?lang=en", data={**form, "owner": "operator"}, headers=cookie)
    assert "made for somebody else, who grants it" in refused.text
    made = room.post("/people/token?lang=en", data=form, headers=cookie)
    assert "zp_" in made.text
    (new,) = [each for each in Bounds(people).all() if each.id not in before]
    assert (new.assets, new.low, new.high, new.granted_by) == (("battery",), -0.2, 0.2, None)
    desk = Desk(room, people, secrets["dispatcher"])
    cookie = {"Cookie": f"{COOKIE}={secrets['dispatcher']}"}
    grant = {"csrf": desk.csrf, "id": new.id, "code": ""}
    assert "second factor" in room.post("/me/grant?lang=en", data=grant, headers=cookie).text
    room.post("/me/grant", data={**grant, "code": desk.code()}, headers=cookie)
    assert Bounds(people).of(new.id).granted_by == "dispatcher"  # type: ignore[union-attr] # just made


def test_who_asks_too_often_waits_and_others_do_not() -> None:
    now = [0.0]
    limiter = Limiter(3, lambda: now[0])
    assert [limiter.wait("a") for _ in range(4)] == [0.0, 0.0, 0.0, MINUTE_S]
    assert limiter.wait("b") == 0.0
    now[0] = MINUTE_S - 0.5
    assert limiter.wait("a") == 0.5
    now[0] = MINUTE_S
    assert limiter.wait("a") == 0.0


def test_too_many_commands_and_guessed_tokens_are_slowed_by_name(
    bound: tuple[Program, Token], people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, token = bound
    shared: Room = program.room.app.state.room  # type: ignore[attr-defined] # of our own
    monkeypatch.setattr(shared, "commanding", Limiter(2))
    Bounds(people).grant(token.id, "dispatcher")
    assert [program.ask(str(i), **HOLD)[0] for i in range(3)] == [200, 200, 429]
    headers = {"Authorization": f"Bearer {program.secret}", "Idempotency-Key": "x"}
    answer = program.room.post("/api/v1/commands", json=HOLD, headers=headers)
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"] == "application/problem+json"
    wrong = Program(program.room, "zp_wrong")
    assert [wrong.ask(**HOLD)[0] for _ in range(6)] == [401] * 5 + [429]


def test_who_is_locked_out_gets_a_new_password_on_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEROPARK_LANG", "en")
    words = tmp_path / "words"
    words.write_text("another long one\n", encoding="utf-8")
    with pytest.raises(Refused, match="does not exist"):
        reset("Li", store=tmp_path / "store", password_file=words)
    people = People(tmp_path / "store-people.db")
    people.add("Li", WORDS, "dispatcher", "test")
    entered = people.sign_in("Li", WORDS, "here")
    assert entered is not None
    Factors(people).begin("Li")
    with pytest.raises(Refused, match="Nobody is called 'Lu'"):
        reset("Lu", store=tmp_path / "store", password_file=words)
    assert reset("Li", store=tmp_path / "store", password_file=words) == 0
    assert people.session(entered[0]) is None
    assert people.over(entered[0]) is None
    assert people.sign_in("Li", "another long one", "here") is not None
    assert Factors(people).begun("Li") is None
    assert people.acts()[1][2] == "password_reset"
    people.close()
